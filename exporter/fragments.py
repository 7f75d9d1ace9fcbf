"""Families whose series live and die with an Application: ready-made lines, joined at the scrape.

An Application's lines are written when the Application changes, not when somebody looks. They stand in blocks; each
block keeps its joined bytes or their gzip member until one of its lines changes. Gzip members may simply follow one
another (RFC 1952, 2.2), so an unchanged family costs a scrape nothing but the join. Where an Application's lines stand
is one number, its seat, the same in every family (`Seats`). Called by `exporter.applications` and the exposition.
"""

from __future__ import annotations

import dataclasses
import heapq
import re
import threading
import typing as t
import zlib

from exporter.catalogue import Metric
from exporter.choice import MOST_LINES
from exporter.labels import escaped

BLOCK = 512
"""Seats a block: larger blocks compress better, smaller ones cost less when one line changes."""

MOST_BYTES = 128 * 1024 * 1024
"""Bytes of one family before compression: enough for MOST_LINES of twice the usual length."""

_LEVEL = 1
"""Five times faster than level 9 for a third more bytes."""

_ODD = re.compile('[\\\\"\x00-\x1f\x7f\ud800-\udfff]')
"""What a label value must not have as it is; `escaped` deals with it."""

_LONG = 512
"""Characters of all values of a line together below which none can be too long."""


def gzip_member(data: bytes) -> bytes:
    """Return `data` as one gzip member; the same bytes for the same data, as there is no time stamp in it."""
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, 31)
    return packer.compress(data) + packer.flush()


class Line:
    """Writes the sample lines of one family; where each label goes is worked out once."""

    def __init__(self, metric: Metric, more: tuple[str, ...] = ()) -> None:
        """Prepare.

        Args:
            metric: the family.
            more: names of further labels, after those of the catalogue.
        """
        names = (*metric.labels, *more)
        self._order = sorted(range(len(names)), key=names.__getitem__)
        slots = ",".join(f'{names[index]}="%s"' for index in self._order)
        self._form = f"{metric.name}{{{slots}}} %s\n"

    def write(self, values: t.Sequence[str], value: float) -> str:
        """Return one line; `values` are those of the labels, in the order of the catalogue."""
        text = "".join(values)
        if len(text) > _LONG or _ODD.search(text):
            values = [escaped(each) for each in values]
        return self._form % (*[values[index] for index in self._order], repr(float(value)))


class Seats:
    """Hands out numbers, always the lowest that is free, so that a shrinking fleet ends in few blocks."""

    def __init__(self) -> None:
        self._free: list[int] = []
        self._next = 0

    def take(self) -> int:
        """Return a number that nobody has."""
        if self._free:
            return heapq.heappop(self._free)
        self._next += 1
        return self._next - 1

    def give(self, seat: int) -> None:
        """Take a number back."""
        heapq.heappush(self._free, seat)
        if len(self._free) == self._next:
            self._free, self._next = [], 0


class _Block:
    """Some lines, and what was made of them since they last changed."""

    __slots__ = ("member", "plain", "rows", "taken", "version")

    def __init__(self) -> None:
        self.rows = [b""] * BLOCK
        self.taken = 0
        self.version = 0
        self.plain: bytes | None = None
        self.member: bytes | None = None


@dataclasses.dataclass(slots=True)
class Picture:
    """A block as it was at one moment."""

    block: _Block
    version: int
    rows: list[bytes]
    """Empty where what is needed of them has been made before."""
    plain: bytes | None
    member: bytes | None


class FragmentFamily:
    """The lines of one per-application family. Thread-safe; a reader holds the lock only to copy references."""

    def __init__(self, metric: Metric, *, most_lines: int = MOST_LINES, most_bytes: int = MOST_BYTES) -> None:
        """Start empty.

        Args:
            metric: the family.
            most_lines: beyond them lines are dropped.
            most_bytes: likewise, before compression.
        """
        self.metric = metric
        self.header = _header(metric, metric.name)
        self.openmetrics_header = _header(metric, metric.family)
        self.lines = 0
        """How many there are."""
        self._bytes = 0
        self._most_lines, self._most_bytes = most_lines, most_bytes
        self._lock = threading.Lock()
        self._blocks: dict[int, _Block] = {}
        self._headers = {header: gzip_member(header) for header in (self.header, self.openmetrics_header)}

    def put(self, seat: int, lines: bytes) -> int:
        """Replace the lines of one seat; equal lines change nothing, empty ones remove it.

        Returns:
            How many lines were dropped, because the family is full.
        """
        number, place = divmod(seat, BLOCK)
        with self._lock:
            block = self._blocks.get(number)
            old = block.rows[place] if block else b""
            if lines == old:
                return 0
            lines, dropped = self._fitting(lines, old)
            if block is None:
                if not lines:
                    return dropped
                block = self._blocks[number] = _Block()
            self._write(number, block, place, lines)
            return dropped

    def _fitting(self, lines: bytes, old: bytes) -> tuple[bytes, int]:
        """Return as many of the lines as there is room for, and how many there is none for."""
        wanted = lines.count(b"\n")
        room = self._most_lines - self.lines + old.count(b"\n")
        room_bytes = self._most_bytes - self._bytes + len(old)
        if wanted <= room and len(lines) <= room_bytes:
            return lines, 0
        kept = lines.splitlines(keepends=True)[: max(room, 0)]
        while kept and sum(map(len, kept)) > room_bytes:
            kept.pop()
        return b"".join(kept), wanted - len(kept)

    def _write(self, number: int, block: _Block, place: int, lines: bytes) -> None:
        old, block.rows[place] = block.rows[place], lines
        self.lines += lines.count(b"\n") - old.count(b"\n")
        self._bytes += len(lines) - len(old)
        block.taken += bool(lines) - bool(old)
        block.version += 1
        block.plain = block.member = None
        if not block.taken:
            del self._blocks[number]

    def remove(self, seat: int) -> None:
        """Forget the lines of one seat; an empty block goes altogether."""
        number, place = divmod(seat, BLOCK)
        block = self._blocks.get(number)
        if block is not None and block.rows[place]:
            self.put(seat, b"")

    def clear(self) -> None:
        """Forget all lines."""
        with self._lock:
            self._blocks.clear()
            self.lines = self._bytes = 0

    def pictures(self, *, gzip: bool) -> list[Picture]:
        """Return all blocks as they are now."""
        with self._lock:
            return [
                Picture(
                    block,
                    block.version,
                    block.rows.copy() if (block.member if gzip else block.plain) is None else [],
                    block.plain,
                    block.member,
                )
                for _, block in sorted(self._blocks.items())
            ]

    def parts(self, *, openmetrics: bool, gzip: bool, pictures: list[Picture] | None = None) -> list[bytes]:
        """Return header and blocks, plain or as gzip members, ready to be joined; all of one moment."""
        header = self.openmetrics_header if openmetrics else self.header
        pictures = self.pictures(gzip=gzip) if pictures is None else pictures
        made = [self._member(picture) if gzip else self._plain(picture) for picture in pictures]
        return [self._headers[header] if gzip else header, *made]

    def _plain(self, picture: Picture) -> bytes:
        if picture.plain is None:
            picture.plain = _joined(picture.rows)
            self._keep(picture)
        return picture.plain

    def _member(self, picture: Picture) -> bytes:
        """Return the block packed; the joined lines are not kept, as whoever packs does not ask for them."""
        if picture.member is None:
            picture.member = gzip_member(_joined(picture.rows))
            self._keep(picture)
        return picture.member

    def _keep(self, picture: Picture) -> None:
        """Leave what was made with the block, unless a line has changed meanwhile."""
        with self._lock:
            if picture.block.version == picture.version:
                picture.block.plain, picture.block.member = picture.plain, picture.member


def _joined(rows: list[bytes]) -> bytes:
    """Return the rows in order, so that the bytes depend on what there is and not on how it came about."""
    return b"".join(sorted(rows))


def _header(metric: Metric, name: str) -> bytes:
    """Return the HELP and TYPE lines."""
    text = metric.help.replace("\\", r"\\").replace("\n", r"\n")
    return f"# HELP {name} {text}\n# TYPE {name} {metric.kind}\n".encode()
