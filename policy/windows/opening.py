"""When one window is open: the state at an instant and how long it lasts.

Intervals are [start, start + duration) in elapsed time. compat keeps Argo CD's arithmetic: the opening instant is
closed, the offset of now counts for the whole window, a schedule that never fires is always open.
Source: Argo CD pkg/apis/application/v1alpha1/types.go, SyncWindow.
"""

from __future__ import annotations

import datetime as dt
import itertools
import typing as t
import zoneinfo
from bisect import bisect_right

from policy.findings import Mode
from policy.windows.moment import MINUTE, WEEK, Calendar, bounded, from_micros, to_micros
from policy.windows.run import Run
from policy.windows.schedule import Schedule, latest_start, longest_daily_gap, next_start

TICK = dt.timedelta(microseconds=1)
ZERO = dt.timedelta(0)
FURTHEST = dt.timedelta(days=366 * 41)
"""How far ahead the next opening is looked for: every schedule that fires at all fires within that time."""
UPSTREAM_YEARS = 5
"""Upstream's parser gives up so many years ahead, and Argo CD takes that answer for a window that is open."""


class Span(t.NamedTuple):
    """The state of a window from `start` up to `end` (None = without end)."""

    open: bool
    start: dt.datetime
    end: dt.datetime | None


State = tuple[bool, int | None]
"""Whether a window is open, and up to when that holds in microseconds since 1970; None = without end."""


class Opening:
    """The times of one window. Immutable for its users; it remembers the span that it last computed."""

    def __init__(
        self,
        schedule: Schedule | None,
        duration: dt.timedelta,
        zone: zoneinfo.ZoneInfo | None,
        mode: Mode,
        shift: zoneinfo.ZoneInfo | None = None,
    ) -> None:
        """Take the parsed fields.

        Args:
            schedule: None when it cannot be used: then the window is never open.
            duration: how long it stays open.
            zone: of the schedule; None is UTC.
            mode: strict or compat.
            shift: compat only: the zone whose offset of now is added on top.
        """
        self.schedule, self.duration, self.zone, self.mode, self.shift = schedule, duration, zone, mode, shift
        self._span: Span | None = None
        self._run: Run | None = None
        usable = mode == "strict" and schedule is not None and duration > ZERO
        minutes = schedule.week() if usable and schedule else ()
        self._week = tuple(minute * MINUTE for minute in minutes)
        self._micros = duration // TICK
        gap = min((later - sooner for sooner, later in itertools.pairwise(self._week)), default=0)
        self._apart = self._micros < gap
        """Two openings never touch."""

    @property
    def weekly(self) -> tuple[tuple[int, ...], int] | None:
        """The starts of a week and how long each opening lasts, in microseconds; None unless weeks are alike."""
        return (self._week[1:-1], self._micros) if self._week and self._apart else None

    def is_open(self, at: dt.datetime, offset_of: dt.datetime | None = None) -> bool:
        """Return whether the window is open at an instant.

        Args:
            at: aware, UTC.
            offset_of: compat only: the instant whose zone offset counts; upstream takes that of now for the past too.
        """
        if self.schedule is None:
            return False
        at = bounded(at)
        if self.mode == "compat":
            return self._open_upstream(at, bounded(offset_of or at))
        if self.duration <= ZERO:
            return False
        glance = self.glance(to_micros(at), Calendar()) if self._week else None
        return glance[0] if glance else self._open_strict(at)

    def _open_strict(self, at: dt.datetime) -> bool:
        assert self.schedule is not None
        start = latest_start(self.schedule, at, self.zone, self.duration)
        return start is not None and at - start < self.duration

    def glance(self, micros: int, calendar: Calendar) -> State | None:
        """Return the state by the arithmetic of weeks; None where that cannot tell.

        The end is None when it takes more than this week to tell: openings that touch, or an end behind a change of
        the clock.
        """
        week = self._week
        if not week:
            return None
        origin, low, high = calendar[self.zone]
        position = micros - origin
        if not 0 <= position < WEEK:
            origin, low, high = calendar.turn_to(self.zone, micros)
            position = micros - origin
        behind = bisect_right(week, position)
        start = origin + week[behind - 1]
        if start <= low:
            return None
        end = start + self._micros
        if micros < end:
            return True, end if self._apart and end < high else None
        following = origin + week[behind]
        return False, following if following < high else None

    def state(self, micros: int, calendar: Calendar) -> State:
        """Return the state at an instant, and until when it lasts; spelled out here, since it is asked most of all."""
        week = self._week
        if week:
            origin, low, high = calendar[self.zone]
            position = micros - origin
            if not 0 <= position < WEEK:
                origin, low, high = calendar.turn_to(self.zone, micros)
                position = micros - origin
            behind = bisect_right(week, position)
            start = origin + week[behind - 1]
            if start > low:
                end = start + self._micros
                if micros >= end:
                    following = origin + week[behind]
                    if following < high:
                        return False, following
                elif self._apart and end < high:
                    return True, end
        return state_of(self.span(from_micros(micros)))

    def later_state(self, micros: int, calendar: Calendar) -> State:
        """Return the same as `state`, without forgetting what is remembered of now."""
        known = self.glance(micros, calendar)
        return known if known and known[1] is not None else state_of(self.compute_span(from_micros(micros)))

    def span(self, now: dt.datetime) -> Span:
        """Return the state at `now` and how long it lasts; remembered until then."""
        known = self._span
        if known is not None and known.start <= now and (known.end is None or now < known.end):
            return known
        known = self._span = self.compute_span(now)
        return known

    def compute_span(self, now: dt.datetime) -> Span:
        """Return the span at an instant without remembering it."""
        now = bounded(now)
        if self.schedule is None or self.duration <= ZERO or self.schedule.never_fires:
            return Span(self.is_open(now), now, None)
        if self.mode == "compat":
            return self._span_upstream(now, self.schedule)
        is_open = self.is_open(now)
        end = self._end_of_run(now, self.zone) if is_open else next_start(self.schedule, now, self.zone, FURTHEST)
        return Span(is_open, now, end)

    def _end_of_run(self, now: dt.datetime, zone: zoneinfo.ZoneInfo | None) -> dt.datetime | None:
        """Return when an open window closes, following starts that come before the close."""
        assert self.schedule is not None
        gap = longest_daily_gap(self.schedule, dt.timedelta(hours=2) if zone else ZERO)
        if gap is not None and self.duration >= gap:
            return None
        if self._run is None or self._run.zone is not zone:
            self._run = Run(self.schedule, zone, self.duration)
        return self._run.end(now)

    # --- as Argo CD reckons ---

    def _open_upstream(self, at: dt.datetime, offset_of: dt.datetime) -> bool:
        assert self.schedule is not None
        local = at + self._offset(offset_of)
        if self.schedule.never_fires or self._given_up(local) is not None:
            return True
        start = latest_start(self.schedule, local - TICK, self.zone, max(self.duration, ZERO))
        return start is not None and local - start < self.duration

    def _span_upstream(self, now: dt.datetime, schedule: Schedule) -> Span:
        """Return the span with the offset of now and the opening instant outside."""
        offset = self._offset(now)
        local = now + offset
        end = self._given_up(local)
        if end is not None:
            return Span(True, now, end - offset)
        is_open = self.is_open(now)
        if is_open:
            end = self._end_of_run(local, self.zone)
        else:
            start = next_start(schedule, local - TICK, self.zone, FURTHEST)
            end = start + TICK if start is not None else None
        return Span(is_open, now, self._while_steady(now, end - offset) if end else None)

    def _while_steady(self, now: dt.datetime, end: dt.datetime) -> dt.datetime:
        """Return `end`, or the change of the clock before it, behind which another offset counts."""
        offset = self._offset(now)
        if self._offset(end) == offset:
            return end
        # whole seconds on both sides: clocks change on them, and the middle is then always a step nearer
        before, behind = now.replace(microsecond=0), end.replace(microsecond=0)
        while behind - before > dt.timedelta(seconds=1):
            middle = (before + (behind - before) / 2).replace(microsecond=0)
            before, behind = (middle, behind) if self._offset(middle) == offset else (before, middle)
        return max(behind, now + TICK)

    def _given_up(self, local: dt.datetime) -> dt.datetime | None:
        """Return until when upstream's parser finds no start within five years; None when it finds one."""
        if not (self.schedule and self.schedule.leap_only):
            return None
        after = local - max(self.duration, ZERO)
        start = next_start(self.schedule, after, self.zone, 3 * UPSTREAM_YEARS * dt.timedelta(days=366))
        if start is None or start.year <= _next_second(after).year + UPSTREAM_YEARS:
            return None
        return dt.datetime(start.year - UPSTREAM_YEARS, 1, 1, tzinfo=dt.UTC) + self.duration

    def _offset(self, at: dt.datetime) -> dt.timedelta:
        return (at.astimezone(self.shift).utcoffset() or ZERO) if self.shift else ZERO


class Once(Opening):
    """One interval [start, end), which never comes back."""

    def __init__(self, start: dt.datetime, end: dt.datetime) -> None:
        super().__init__(None, end - start, None, "strict")
        self.start, self.end = start, end

    def is_open(self, at: dt.datetime, offset_of: dt.datetime | None = None) -> bool:
        """Return whether the instant lies inside."""
        return self.start <= at < self.end

    def compute_span(self, now: dt.datetime) -> Span:
        """Return the state at an instant and how long it lasts."""
        later = [edge for edge in (self.start, self.end) if now < edge and self.start < self.end]
        return Span(self.is_open(now), now, later[0] if later else None)


def _next_second(at: dt.datetime) -> dt.datetime:
    """Return where upstream's parser begins to look."""
    return at.replace(microsecond=0) + dt.timedelta(seconds=1)


def state_of(span: Span) -> State:
    """Return a span's state in microseconds."""
    return span.open, to_micros(span.end) if span.end is not None else None


class Expiring(Opening):
    """The times of an entry that counts only up to an instant; behind it the window is never open."""

    def __init__(self, inner: Opening, expires: dt.datetime) -> None:
        super().__init__(inner.schedule, inner.duration, inner.zone, inner.mode)
        self.inner, self.expires = inner, expires
        self._week = ()

    def is_open(self, at: dt.datetime, offset_of: dt.datetime | None = None) -> bool:
        """Return whether the window is open and still counts."""
        return at < self.expires and self.inner.is_open(at, offset_of)

    def compute_span(self, now: dt.datetime) -> Span:
        """Return the state at an instant; it ends with the entry at the latest, also when it is closed then."""
        if now >= self.expires:
            return Span(False, now, None)
        span = self.inner.compute_span(now)
        if span.end is None or span.end >= self.expires:
            return Span(span.open, now, self.expires)
        return span
