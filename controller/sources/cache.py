"""The render cache: in memory, bounded, keyed by what a render read and not by the commit. Called by `service`.

For each question (source, project, repositories) the notes of the last renders are kept; a new commit in which every
noted path has the same id is a hit, found with a few look-ups in trees that are parsed already.
"""

from __future__ import annotations

import collections
import hashlib
import threading
import typing as t

import msgspec

from controller.sources.snapshot import Snapshot

MAX_BYTES = 256 * 1024**2
VARIANTS = 4
"""Renders kept per question: the current one, and those to which a rollback or a second branch returns."""


class Part(msgspec.Struct, frozen=True):
    """The finished manifests of one source."""

    objects: tuple[bytes, ...]
    source_type: str
    warnings: tuple[str, ...]
    key: str


class Notes(msgspec.Struct, frozen=True):
    """What a render depended on."""

    reads: dict[str, dict[str, str]]
    """Repository ("" is the source's own) -> note -> stamp; see `controller.sources.snapshot.View`."""
    facts: dict[str, str]

    def hold(self, snapshots: t.Mapping[str, Snapshot], facts: t.Mapping[str, str]) -> bool:
        """Say whether all of it is the same in other commits."""
        if any(facts.get(name, "") != value for name, value in self.facts.items()):
            return False
        return all(snapshots[r].stamp(n) == stamp for r, notes in self.reads.items() for n, stamp in notes.items())

    def key(self, question: str) -> str:
        """Return the hash of the question and everything that was read for its answer."""
        reads = sorted((r, n, stamp) for r, notes in self.reads.items() for n, stamp in notes.items())
        return hashlib.sha256(msgspec.json.encode([question, reads, sorted(self.facts.items())])).hexdigest()


class RenderCache:
    """Thread-safe, least recently used questions leave first."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes, self._bytes = max_bytes, 0
        self._lock = threading.Lock()
        self._known: collections.OrderedDict[str, list[tuple[Notes, Part]]] = collections.OrderedDict()

    def find(self, question: str, snapshots: t.Mapping[str, Snapshot], facts: t.Mapping[str, str]) -> Part | None:
        """Return the manifests that were made from the same inputs, or None."""
        with self._lock:
            variants = list(self._known.get(question, ()))
        for notes, part in variants:
            if notes.hold(snapshots, facts):
                with self._lock:
                    if question in self._known:
                        self._known.move_to_end(question)
                return part
        return None

    def put(self, question: str, notes: Notes, part: Part) -> None:
        """Remember a render."""
        with self._lock:
            variants = self._known.setdefault(question, [])
            kept = [(n, p) for n, p in variants if p.key != part.key][: VARIANTS - 1]
            self._bytes += _size([(notes, part), *kept]) - _size(variants)
            self._known[question] = [(notes, part), *kept]
            self._known.move_to_end(question)
            while self._bytes > self._max_bytes and len(self._known) > 1:
                self._bytes -= _size(self._known.popitem(last=False)[1])


def _size(variants: t.Iterable[tuple[Notes, Part]]) -> int:
    return sum(1000 + sum(map(len, part.objects)) for _, part in variants)
