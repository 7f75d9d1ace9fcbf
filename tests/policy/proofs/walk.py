"""The naive references of sync windows: every minute is looked at, nothing is clever.

Written from the rules alone; nothing of policy.windows is used here. A schedule is generated together with what it
means, so that no parser is needed. Instants are whole seconds UTC since 1970 unless said otherwise.
"""

from __future__ import annotations

import calendar
import datetime as dt
import functools
import typing as t
import zoneinfo

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class Meaning(t.NamedTuple):
    """What a schedule names."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    """0 is Sunday."""
    star: bool
    """Day of month or day of week carries the star mark."""

    def names(self, local: dt.datetime) -> bool:
        """True when the local minute is one of the schedule's."""
        if local.minute not in self.minutes or local.hour not in self.hours or local.month not in self.months:
            return False
        return self.names_day(local)

    def names_day(self, day: dt.date) -> bool:
        """True when the day is one of the schedule's, whatever its month."""
        by_day, by_weekday = day.day in self.days, (day.weekday() + 1) % 7 in self.weekdays
        return (by_day and by_weekday) if self.star else (by_day or by_weekday)


def offset_at(zone: zoneinfo.ZoneInfo | None, second: int) -> int:
    """Return the seconds by which the zone's clock is ahead of UTC at an instant."""
    if zone is None:
        return 0
    return int((EPOCH + dt.timedelta(seconds=second)).astimezone(zone).utcoffset().total_seconds())


Day = tuple[dt.date, list[tuple[int, int, int]]]
"""A day on the zone's clock, and its minutes: (when it begins, hour, minute)."""


def _clock(second: int) -> dt.datetime:
    """Return what a clock shows that is so many seconds behind 1 January 1970, 00:00."""
    return dt.datetime(1970, 1, 1) + dt.timedelta(seconds=second)


@functools.lru_cache(maxsize=4)
def local_minutes(zone: zoneinfo.ZoneInfo | None, low: int, high: int) -> list[Day]:
    """Return every local minute that begins in [low, high), in order, by looking at each minute of UTC.

    A minute of UTC in which the clock is changed is looked at second by second. Local minutes that the clock skips
    begin when it jumps.
    """
    days: list[Day] = []

    def add(at: int, clock: int) -> None:
        local = _clock(clock)
        if not days or days[-1][0] != local.date():
            days.append((local.date(), []))
        days[-1][1].append((at, local.hour, local.minute))

    before = offset_at(zone, low - 1)
    for minute in range(low, high, 60):
        after = offset_at(zone, minute + 59)
        if before == after:
            begins = minute + -(minute + before) % 60
            add(begins, begins + before)
            continue
        for second in range(minute, minute + 60):
            offset = offset_at(zone, second)
            for local in range(second + before, second + offset + 1):
                if local % 60 == 0:
                    add(second, local)
            if offset < before and (second + offset) % 60 == 0:
                add(second, second + offset)
            before = offset
    return days


def starts(meaning: Meaning, zone: zoneinfo.ZoneInfo | None, low: int, high: int) -> list[int]:
    """Return the instants at which a window opens in [low, high), rising, each once."""
    found: set[int] = set()
    for day, minutes in local_minutes(zone, low, high):
        if day.month in meaning.months and meaning.names_day(day):
            found |= {at for at, hour, minute in minutes if hour in meaning.hours and minute in meaning.minutes}
    return sorted(found)


def open_spans(begun: list[int], micros: int) -> list[tuple[int, int]]:
    """Return the spans [start, end) in microseconds in which a window is open; those that touch are one."""
    spans: list[tuple[int, int]] = []
    for second in begun:
        start, end = second * 1_000_000, second * 1_000_000 + micros
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((start, end))
    return spans


# --- Argo CD's own arithmetic ---


def upstream_next(meaning: Meaning, after: dt.datetime) -> dt.datetime | None:
    """Return the first start behind an instant on a clock without zone; None when no year up to the fifth has one.

    As robfig/cron does: the minute must be behind the instant, and the search ends with the year of the next second
    plus five.
    """
    last = (after + dt.timedelta(seconds=1)).year + 5
    day = after.date()
    while day.year <= last:
        for hour in sorted(meaning.hours) if meaning.names_day(day) else ():
            for minute in sorted(meaning.minutes):
                moment = dt.datetime(day.year, day.month, day.day, hour, minute)
                if moment > after and meaning.names(moment):
                    return moment
        day = _next_day(meaning, day)
    return None


def _next_day(meaning: Meaning, day: dt.date) -> dt.date:
    """Return the next day, or the first of the next month when this month has no starts."""
    if day.month in meaning.months:
        return day + dt.timedelta(days=1)
    return day.replace(day=calendar.monthrange(day.year, day.month)[1]) + dt.timedelta(days=1)


def upstream_open(
    meaning: Meaning, micros: int, zone: zoneinfo.ZoneInfo | None, at: dt.datetime, now: dt.datetime
) -> bool:
    """Return whether Argo CD takes a window for open at an instant.

    The schedule is read on a clock that is ahead of UTC by the zone's offset of *now*, whatever instant is asked about;
    open is when the first start behind (clock - duration) lies before the clock; no start at all is the zero time,
    which lies before everything.
    """
    ahead = now.astimezone(zone).utcoffset() if zone else dt.timedelta(0)
    clock = at.replace(tzinfo=None) + ahead
    following = upstream_next(meaning, clock - dt.timedelta(microseconds=micros))
    return following is None or following < clock


# --- the decision of several windows ---


class Seen(t.NamedTuple):
    """A window that matches, as it stands at an instant."""

    kind: str
    open: bool
    manual_sync: bool
    sync_overrun: bool


def may_sync(windows: list[Seen], manual: bool, then: list[Seen] | None) -> bool:
    """Decide as the rules read; `then` is how the same windows stood when the running operation began."""
    if not windows:
        return True
    denies = [window for window in windows if window.kind == "deny" and window.open]
    allows = [window for window in windows if window.kind == "allow"]
    if denies:
        return _passes(denies, manual, then)
    if any(window.open for window in allows):
        return True
    return _passes(allows, manual, then) if allows else True


def _passes(against: list[Seen], manual: bool, then: list[Seen] | None) -> bool:
    if manual and all(window.manual_sync for window in against):
        return True
    if then is not None and all(window.sync_overrun for window in against):
        return may_sync(then, manual, None)
    return False
