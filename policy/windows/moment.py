"""An instant as many windows look at it: worked out once for each zone, in whole numbers.

Only where the UTC offset of a zone holds for days around the instant; elsewhere policy.windows.schedule does the sums
in real zone arithmetic. Called by policy.windows.window and policy.windows.decide.
"""

from __future__ import annotations

import bisect
import datetime as dt
import functools
import typing as t
import zoneinfo

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
MINUTE = 60_000_000
"""Microseconds."""
WEEK = 7 * 24 * 60 * MINUTE
"""Microseconds. Weeks begin on a Thursday here, as 1 January 1970 did."""

_SECOND = 1_000_000
_TICK = dt.timedelta(microseconds=1)
_BLOCK = 8 * 86_400
"""Seconds that share one look at a zone."""
_MARGIN = 9 * 86_400
"""Seconds looked at on either side of a block: a week, and the longest day."""
_STEP = 6 * 3_600
"""Seconds between two looks; changes of the clock are further apart."""
_FIRST, _LAST = -70 * 366 * 86_400, 7_900 * 365 * 86_400
"""Seconds between which zones are looked at: the datetimes around stay inside Python's calendar."""


class Local(t.NamedTuple):
    """One week of one zone; all in microseconds UTC since 1970."""

    origin: int
    """When the week began."""
    low: int
    high: int
    """The offset of the zone is known to hold between them; they themselves count as outside."""


_EVER = 1 << 62
_LEAST, _MOST = (
    (end - EPOCH) // _TICK for end in (dt.datetime.min.replace(tzinfo=dt.UTC), dt.datetime.max.replace(tzinfo=dt.UTC))
)
UNKNOWN = Local(-_EVER, _EVER, -_EVER)
"""The clock is changed too near to the instant: every instant is before `low` and none is in this week."""


class Calendar(dict[zoneinfo.ZoneInfo | None, Local]):
    """The zones (None = UTC) as they were when they were last looked at; one for each question."""

    __slots__ = ()

    def __missing__(self, zone: zoneinfo.ZoneInfo | None) -> Local:
        return UNKNOWN

    def turn_to(self, zone: zoneinfo.ZoneInfo | None, micros: int) -> Local:
        """Look at a zone at an instant; `UNKNOWN` when its clock is changed too near to it."""
        found = self[zone] = _local(micros, zone)
        return found


EARLIEST, LATEST = dt.datetime(400, 1, 1, tzinfo=dt.UTC), dt.datetime(9600, 1, 1, tzinfo=dt.UTC)
"""Further out than the longest duration before either end of Python's calendar: nothing overflows in between."""


def bounded(instant: dt.datetime) -> dt.datetime:
    """Return the instant, or the nearest one that sums can be done with."""
    return min(max(instant, EARLIEST), LATEST)


def to_micros(instant: dt.datetime) -> int:
    """Return microseconds since 1970."""
    return (instant - EPOCH) // _TICK


def from_micros(micros: int) -> dt.datetime:
    """Return the instant, UTC."""
    return EPOCH + dt.timedelta(microseconds=min(max(micros, _LEAST), _MOST))


def _local(micros: int, zone: zoneinfo.ZoneInfo | None) -> Local:
    if zone is None:
        return Local(micros - micros % WEEK, -_EVER, _EVER)
    seconds = micros // _SECOND
    if not _FIRST < seconds < _LAST:
        return UNKNOWN
    lows, pieces = _steady(zone, seconds // _BLOCK)
    low, high, offset = pieces[bisect.bisect_right(lows, seconds) - 1]
    if not low < seconds < high:
        return UNKNOWN
    return Local(micros - (micros + offset * _SECOND) % WEEK, low * _SECOND, high * _SECOND)


@functools.lru_cache(maxsize=1024)
def _steady(zone: zoneinfo.ZoneInfo, block: int) -> tuple[list[int], list[tuple[int, int, int]]]:
    """Return (beginnings, pieces) of the time around a block; a piece is (low, high, offset), all in seconds."""
    pieces: list[tuple[int, int, int]] = []
    start = block * _BLOCK - _MARGIN
    for at in range(start, start + _BLOCK + 2 * _MARGIN + 1, _STEP):
        delta = (EPOCH + dt.timedelta(seconds=at)).astimezone(zone).utcoffset() or dt.timedelta(0)
        offset = delta // dt.timedelta(seconds=1)
        if pieces and pieces[-1][2] == offset:
            pieces[-1] = (pieces[-1][0], at, offset)
        else:
            pieces.append((at, at, offset))
    return [low for low, _, _ in pieces], pieces
