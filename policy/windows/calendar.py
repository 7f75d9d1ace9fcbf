"""When windows open and close over a period, and when syncs may run: intervals, never single starts.

Starts that overlap or touch are one interval. Nothing here prints or reads. The work is bounded: what has more changes
than `MOST_CHANGES` is followed as far as that goes, and says so.
"""

from __future__ import annotations

import datetime as dt
import typing as t

import msgspec

from policy.windows.decide import WindowDecision
from policy.windows.moment import Calendar, from_micros, to_micros
from policy.windows.window import Window

MOST_CHANGES = 4_000
"""Openings and closings of one window that are followed: six a day over a year."""
MOST_ANSWERS = 2_000
"""Changes of the answer for one Application that are followed."""
LONGEST_PERIOD = dt.timedelta(days=731)
"""Two years: as far as the answer's own next change is looked for."""
FURTHEST_BACK = dt.timedelta(days=800)
"""How far back the opening of an interval is looked for that was open when the period began."""

_HOUR = dt.timedelta(hours=1)
_FURTHEST_MICROS = LONGEST_PERIOD // dt.timedelta(microseconds=1)


class Interval(msgspec.Struct, frozen=True):
    """From `start` up to `end`, the end excluded; both UTC."""

    start: dt.datetime | None
    """None: it began longer ago than was looked back."""
    end: dt.datetime | None
    """None: without end, or more than two years behind the period."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One window over the period."""

    window: Window
    intervals: tuple[Interval, ...]
    """Those that touch the period, with their whole length, rising; none for a window that cannot be evaluated."""
    known_until: dt.datetime | None = None
    """Set when there were too many changes: nothing is said of the time from here on."""


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """The answer for an Application from `start` up to `end`, the end excluded."""

    start: dt.datetime
    end: dt.datetime
    answer: WindowDecision
    """As it was at `start`; within the stretch only the windows behind the same yes or no may change."""

    @property
    def allowed(self) -> bool:
        """Whether a sync may run."""
        return self.answer.allowed


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """The answer for one Application over the period, without a hole."""

    stretches: tuple[Stretch, ...]
    known_until: dt.datetime | None = None
    """Set when there were too many changes: nothing is said of the time from here on."""

    def spans(self, *, allowed: bool) -> tuple[tuple[dt.datetime, dt.datetime], ...]:
        """Return (start, end) of the stretches with this answer, those that touch joined."""
        found: list[tuple[dt.datetime, dt.datetime]] = []
        for stretch in self.stretches:
            if stretch.allowed is not allowed:
                continue
            if found and found[-1][1] == stretch.start:
                found[-1] = (found[-1][0], stretch.end)
            else:
                found.append((stretch.start, stretch.end))
        return tuple(found)


def row(window: Window, start: dt.datetime, end: dt.datetime) -> Row:
    """Return a window's intervals that touch the period.

    Args:
        window: Argo CD's, an added one or a freeze.
        start: aware, UTC; an interval open then is given from its true opening on.
        end: aware, UTC, excluded; an interval open then is given up to its true closing.
    """
    if window.invalid:
        return Row(window=window, intervals=())
    found, known = _runs(window, start, end)
    intervals = [Interval(begin, finish) for begin, finish in found]
    if intervals and intervals[0].start == start:
        intervals[0] = Interval(_opening(window, start), intervals[0].end)
    return Row(window=window, intervals=tuple(intervals), known_until=known)


_Run = tuple[dt.datetime, dt.datetime | None]


def _runs(window: Window, start: dt.datetime, end: dt.datetime) -> tuple[list[_Run], dt.datetime | None]:
    """Return the open runs that begin in [start, end), the first cut off at `start`; and where following them ended."""
    calendar = Calendar()
    at, last = to_micros(start), to_micros(end)
    runs: list[_Run] = []
    for _ in range(MOST_CHANGES):
        if at >= last:
            return runs, None
        is_open, until = window.later_state(at, calendar)
        if is_open:
            until = _closing(window, until, last + _FURTHEST_MICROS, calendar)
            runs.append((from_micros(at), from_micros(until) if until is not None else None))
        if until is None:
            return runs, None
        at = until
    return runs, from_micros(at)


def _closing(window: Window, until: int | None, furthest: int, calendar: Calendar) -> int | None:
    """Follow an open window over the places where its state was only looked at anew; None: open beyond `furthest`."""
    while until is not None and until <= furthest:
        is_open, later = window.later_state(until, calendar)
        if not is_open:
            return until
        until = later
    return None


def _opening(window: Window, at: dt.datetime) -> dt.datetime | None:
    """Return when the run began that is open at `at`; looks back in doubled steps, so that short runs cost little."""
    back = _HOUR
    while back <= FURTHEST_BACK:
        runs, known = _runs(window, at - back, at)
        if known is not None:
            return None
        if not runs or (runs[-1][1] is not None and runs[-1][1] <= at):
            return at
        if runs[-1][0] > at - back:
            return runs[-1][0]
        back *= 2
    return None


def answers(ask: t.Callable[[dt.datetime], WindowDecision], start: dt.datetime, end: dt.datetime) -> Answers:
    """Return the answer over a period.

    Args:
        ask: the answer at one instant, with how long it stands, such as `judge` for one Application.
        start: aware, UTC.
        end: aware, UTC, excluded.
    """
    found: list[Stretch] = []
    at = start
    for _ in range(MOST_ANSWERS):
        if at >= end:
            return Answers(stretches=tuple(found))
        answer = ask(at)
        until = end if answer.sure_until is None else min(answer.sure_until, end)
        if found and found[-1].allowed == answer.allowed:
            found[-1] = msgspec.structs.replace(found[-1], end=until)
        else:
            found.append(Stretch(start=at, end=until, answer=answer))
        at = until
    return Answers(stretches=tuple(found), known_until=at if at < end else None)
