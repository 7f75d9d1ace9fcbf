"""Families whose series live and die with an Application: ready-made lines, joined at the scrape.

An Application's lines are written when the Application changes, not when somebody looks. They stand in blocks; each
block keeps its joined bytes and their gzip member until one of its lines changes. Gzip members may simply follow one
another (RFC 1952, 2.2), so an unchanged family costs a scrape nothing but the join.
"""

from __future__ import annotations

import dataclasses
import threading
import typing as t
import zlib

from exporter.catalogue import Metric
from exporter.labels import escaped
from model.meta import NamespacedName

BLOCK = 512
"""Applications a block: larger blocks compress better, smaller ones cost less when one line changes."""

_LEVEL = 1
"""Five times faster than level 9 for a third more bytes."""


def gzip_member(data: bytes) -> bytes:
    """Return `data` as one gzip member; the same bytes for the same data, as there is no time stamp in it."""
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, 31)
    return packer.compress(data) + packer.flush()


class Line:
    """Writes the sample lines of one family; label names are sorted once."""

    def __init__(self, metric: Metric) -> None:
        self._labels = tuple(sorted(metric.labels))
        slots = ",".join(f'{label}="%s"' for label in self._labels)
        self._form = f"{metric.name}{{{slots}}} %s\n"

    def write(self, labels: t.Mapping[str, str], value: float) -> str:
        """Return one line; `labels` must have every label of the family."""
        return self._form % (*(escaped(labels[label]) for label in self._labels), repr(float(value)))


class _Block:
    """Some lines, and what was made of them since they last changed."""

    __slots__ = ("member", "plain", "rows", "version")

    def __init__(self) -> None:
        self.rows: dict[NamespacedName, bytes] = {}
        self.version = 0
        self.plain: bytes | None = None
        self.member: bytes | None = None

    def touch(self) -> None:
        self.version += 1
        self.plain = self.member = None

    def picture(self) -> _Picture:
        rows = list(self.rows.values()) if self.plain is None else []
        return _Picture(self, self.version, rows, self.plain, self.member)


@dataclasses.dataclass(slots=True)
class _Picture:
    """A block as it was at one moment."""

    block: _Block
    version: int
    rows: list[bytes]
    plain: bytes | None
    member: bytes | None


class FragmentFamily:
    """The lines of one per-application family. Thread-safe; a reader holds the lock only to copy references."""

    def __init__(self, metric: Metric) -> None:
        self.metric = metric
        self.header = _header(metric, metric.name)
        self.openmetrics_header = _header(metric, metric.family)
        self._lock = threading.Lock()
        self._home: dict[NamespacedName, _Block] = {}
        self._blocks: dict[_Block, None] = {}
        self._roomy: dict[_Block, None] = {}
        self._headers = {header: gzip_member(header) for header in (self.header, self.openmetrics_header)}

    def put(self, key: NamespacedName, lines: bytes) -> None:
        """Replace the lines of one Application; equal lines change nothing, empty lines remove it."""
        if not lines:
            self.remove(key)
            return
        with self._lock:
            block = self._home.get(key) or self._place(key)
            if block.rows.get(key) != lines:
                block.rows[key] = lines
                block.touch()

    def _place(self, key: NamespacedName) -> _Block:
        """Return a block with room, made the home of `key`."""
        block = next(iter(self._roomy), None)
        if block is None:
            block = _Block()
            self._blocks[block] = self._roomy[block] = None
        self._home[key] = block
        if len(block.rows) + 1 >= BLOCK:
            self._roomy.pop(block, None)
        return block

    def remove(self, key: NamespacedName) -> None:
        """Forget one Application; its room goes to the next one, an empty block goes altogether."""
        with self._lock:
            block = self._home.pop(key, None)
            if block is None:
                return
            del block.rows[key]
            block.touch()
            self._roomy[block] = None
            if not block.rows:
                del self._blocks[block], self._roomy[block]

    def parts(self, *, openmetrics: bool, gzip: bool) -> list[bytes]:
        """Return header and blocks, plain or as gzip members, ready to be joined; all of one moment."""
        header = self.openmetrics_header if openmetrics else self.header
        with self._lock:
            pictures = [block.picture() for block in self._blocks]
        made = [self._member(picture) if gzip else self._plain(picture) for picture in pictures]
        return [self._headers[header] if gzip else header, *made]

    def _plain(self, picture: _Picture) -> bytes:
        if picture.plain is None:
            picture.plain = b"".join(picture.rows)
            self._keep(picture)
        return picture.plain

    def _member(self, picture: _Picture) -> bytes:
        if picture.member is None:
            picture.member = gzip_member(self._plain(picture))
            self._keep(picture)
        return picture.member

    def _keep(self, picture: _Picture) -> None:
        """Leave what was made with the block, unless a line has changed meanwhile."""
        with self._lock:
            if picture.block.version == picture.version:
                picture.block.plain, picture.block.member = picture.plain, picture.member


def _header(metric: Metric, name: str) -> bytes:
    """Return the HELP and TYPE lines."""
    text = metric.help.replace("\\", r"\\").replace("\n", r"\n")
    return f"# HELP {name} {text}\n# TYPE {name} {metric.kind}\n".encode()
