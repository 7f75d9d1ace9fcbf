"""Five-field schedules in Argo CD's dialect: parse, and find the starts around an instant in real zone arithmetic.

A skipped local minute starts at the first instant after the jump; a repeated one starts in both passes. All sums are
done in UTC. Source: robfig/cron v3 parser (minute hour day-of-month month day-of-week), which Argo CD uses.
"""

from __future__ import annotations

import bisect
import datetime as dt
import functools
import itertools
import re
import typing as t
import zoneinfo

import msgspec

from policy.windows.moment import bounded

ONE_DAY = dt.timedelta(days=1)
SEARCH_YEARS = 41
"""29 February on a given weekday comes back within 40 years, also across a century without leap day."""

MOST_IN_DAY = 288
"""Starts of a day, one each five minutes, up to which the starts of a week are listed."""

_BLANK = re.compile(r"[\t\n\v\f\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
_NUMBER = re.compile(r"\+?[0-9]{1,9}")
_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, 1)}
_WEEKDAYS = {name: number for number, name in enumerate(["sun", "mon", "tue", "wed", "thu", "fri", "sat"])}
_LONGEST_MONTH = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

_NO_NAMES: dict[str, int] = {}
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, _NO_NAMES),
    ("hour", 0, 23, _NO_NAMES),
    ("day of month", 1, 31, _NO_NAMES),
    ("month", 1, 12, _MONTHS),
    ("day of week", 0, 6, _WEEKDAYS),
)


class Schedule(msgspec.Struct, frozen=True):
    """The starts that a schedule names; `zone` only when the text has a TZ= prefix."""

    times: tuple[tuple[int, int], ...]
    """(hour, minute) of every day that has starts, rising."""
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    """0 is Sunday."""
    both_days: bool
    """Day of month and day of week must both match: one of them carries the star mark."""
    zone: str = ""

    def on(self, day: dt.date) -> bool:
        """Return whether the day has starts; the month is not looked at."""
        by_day, by_weekday = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return (by_day and by_weekday) if self.both_days else (by_day or by_weekday)

    @property
    def never_fires(self) -> bool:
        """True when no day of any year has a start, as for 30 February."""
        dates = any(day <= _LONGEST_MONTH[month] for month in self.months for day in self.days)
        days = (dates and self.weekdays) if self.both_days else (dates or (self.weekdays and self.months))
        return not (self.times and days)

    @property
    def leap_only(self) -> bool:
        """True when every start is on a 29 February, which stays away for eight years around 2100."""
        return self.both_days and self.months == {2} and min(self.days, default=0) >= 29 and len(self.weekdays) == 7

    def week(self) -> tuple[int, ...]:
        """Return the starts of a week in minutes since Thursday 00:00; empty when weeks differ or there are very many.

        The last start of the week before and the first of the week behind are included.
        """
        all_days, all_weekdays = len(self.days) == 31, len(self.weekdays) == 7
        alike = len(self.months) == 12 and (all_days or (all_weekdays and not self.both_days))
        if not alike or not self.times or len(self.times) > MOST_IN_DAY:
            return ()
        days = [day for day in range(7) if not self.both_days or (day + 4) % 7 in self.weekdays]
        starts = [day * 1440 + hour * 60 + minute for day in days for hour, minute in self.times]
        return (starts[-1] - 10_080, *starts, starts[0] + 10_080) if starts else ()


def parse_schedule(text: str) -> Schedule:
    """Parse a schedule.

    Args:
        text: five fields; ``*`` or ``?``, lists, ranges, ``/n``, three-letter names; an optional ``TZ=Zone `` prefix.

    Raises:
        ValueError: one line saying which field, what was found and what would be right.
    """
    if len(text) > 1000:
        raise ValueError(f"{len(text)} characters, expected five fields")
    zone, rest = _prefix(text)
    fields = [field for field in _BLANK.split(rest) if field]
    if rest.startswith("@"):
        raise ValueError(f"found {rest[:40]!r}, expected five fields; words like @daily are not taken")
    if len(fields) != len(_FIELDS):
        raise ValueError(f"found {len(fields)} fields, expected 5: minute hour day-of-month month day-of-week")
    sets, stars = zip(*(_field(found, *spec) for found, spec in zip(fields, _FIELDS, strict=True)), strict=True)
    minutes, hours, days, months, weekdays = sets
    times = tuple((hour, minute) for hour in sorted(hours) for minute in sorted(minutes))
    return Schedule(times, days, months, weekdays, stars[2] or stars[4], zone)


def _prefix(text: str) -> tuple[str, str]:
    if not text.startswith(("TZ=", "CRON_TZ=")):
        return "", text
    head, blank, rest = text.partition(" ")
    if not blank or not rest.strip():
        raise ValueError(f"found {text[:40]!r}, expected five fields behind the zone")
    return head.partition("=")[2] or "UTC", rest.strip()


def _field(text: str, name: str, low: int, high: int, names: dict[str, int]) -> tuple[frozenset[int], bool]:
    """Return (values, star mark); stray commas are skipped, only commas give the empty set."""
    values: set[int] = set()
    star = False
    for part in filter(None, text.split(",")):
        found, marked = _range(part, name, low, high, names)
        values |= found
        star |= marked
    return frozenset(values), star


def _range(part: str, name: str, low: int, high: int, names: dict[str, int]) -> tuple[set[int], bool]:
    spans, steps = part.split("/"), 1
    ends = spans[0].split("-")
    star = ends[0] in ("*", "?")
    if len(spans) > 2 or (len(ends) > 2 and not star):
        raise ValueError(f"{name} {part[:40]!r}: expected one range and one step, as in 10-50/5")
    start = low if star else _value(ends[0], part, name, names)
    end = high if star else _value(ends[-1], part, name, names)
    if len(spans) == 2:
        steps = _value(spans[1], part, name, _NO_NAMES)
        end = high if len(ends) == 1 else end
        star = star and steps <= 1
    if not (low <= start <= end <= high) or steps == 0:
        raise ValueError(f"{name} {part[:40]!r}: expected {low} to {high}, rising, with steps of at least 1")
    return set(range(start, end + 1, steps)), star


def _value(text: str, part: str, name: str, names: dict[str, int]) -> int:
    if text.lower() in names:
        return names[text.lower()]
    if not _NUMBER.fullmatch(text) and not re.fullmatch(r"\+?0*[0-9]{1,9}", text):
        wanted = "a number or a three-letter name" if names else "a number"
        raise ValueError(f"{name} {part[:40]!r}: expected {wanted}")
    return int(text[-9:].lstrip("+") or "0")


def latest_start(
    schedule: Schedule, now: dt.datetime, zone: zoneinfo.ZoneInfo | None, longest: dt.timedelta
) -> dt.datetime | None:
    """Return the latest start at or before `now`, looking back no further than `longest` needs.

    Args:
        schedule: what to look for.
        now: aware, UTC.
        zone: None for UTC.
        longest: a start further back than this (and a few days) is of no interest.
    """
    if schedule.never_fires:
        return None
    now = bounded(now)
    day = _local_day(now, zone) + 2 * ONE_DAY
    horizon = _earlier(day, min(longest + 5 * ONE_DAY, dt.timedelta(days=366 * SEARCH_YEARS)))
    found: dt.datetime | None = None
    settled = _earlier(day, 4 * ONE_DAY)
    while day > horizon:
        if day.month not in schedule.months:
            day = day.replace(day=1) - ONE_DAY if day.toordinal() > 31 else horizon
            continue
        if schedule.on(day):
            start = _last_of_day(schedule, day, zone, now)
            found = start if found is None or (start is not None and start > found) else found
        if found is not None and day <= settled:
            return found
        day -= ONE_DAY
    return found


def next_start(
    schedule: Schedule, now: dt.datetime, zone: zoneinfo.ZoneInfo | None, longest: dt.timedelta
) -> dt.datetime | None:
    """Return the first start after `now`, looking ahead at most `longest` and never more than `SEARCH_YEARS` years."""
    if schedule.never_fires:
        return None
    now = bounded(now)
    day = _earlier(_local_day(now, zone), 2 * ONE_DAY)
    horizon = _later(day, min(longest + 5 * ONE_DAY, dt.timedelta(days=366 * SEARCH_YEARS)))
    settled = _later(day, 4 * ONE_DAY)
    found: dt.datetime | None = None
    while day < horizon:
        if day.month not in schedule.months:
            day = _later(day.replace(day=28), 4 * ONE_DAY).replace(day=1)
            continue
        if schedule.on(day):
            start = _first_of_day(schedule, day, zone, now)
            found = start if found is None or (start is not None and start < found) else found
        if found is not None and day >= settled:
            return found
        day += ONE_DAY
    return found


def _local_day(now: dt.datetime, zone: zoneinfo.ZoneInfo | None) -> dt.date:
    day = (now.astimezone(zone) if zone else now).date()
    return min(max(day, dt.date(3, 1, 1)), dt.date(9997, 1, 1))


def _earlier(day: dt.date, span: dt.timedelta) -> dt.date:
    return dt.date.fromordinal(max(day.toordinal() - span.days, 366))


def _later(day: dt.date, span: dt.timedelta) -> dt.date:
    return dt.date.fromordinal(min(day.toordinal() + span.days, dt.date(9998, 12, 31).toordinal()))


def _last_of_day(
    schedule: Schedule, day: dt.date, zone: zoneinfo.ZoneInfo | None, now: dt.datetime
) -> dt.datetime | None:
    offset = steady_offset(day, zone)
    if offset is None:
        starts = starts_of_day(schedule.times, day, zone)
        number = bisect.bisect_right(starts, now)
        return starts[number - 1] if number else None
    midnight = dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC) - offset
    number = bisect.bisect_right(schedule.times, _clock(now - midnight))
    return midnight + _since_midnight(schedule.times[number - 1]) if number else None


def _first_of_day(
    schedule: Schedule, day: dt.date, zone: zoneinfo.ZoneInfo | None, now: dt.datetime
) -> dt.datetime | None:
    offset = steady_offset(day, zone)
    if offset is None:
        starts = starts_of_day(schedule.times, day, zone)
        number = bisect.bisect_right(starts, now)
        return starts[number] if number < len(starts) else None
    midnight = dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC) - offset
    number = bisect.bisect_right(schedule.times, _clock(now - midnight))
    return midnight + _since_midnight(schedule.times[number]) if number < len(schedule.times) else None


def _clock(since_midnight: dt.timedelta) -> tuple[int, int]:
    """Return (hour, minute); below (0, 0) before the day and above (23, 59) behind it."""
    return divmod(since_midnight // _MINUTE, 60)


def _since_midnight(clock: tuple[int, int]) -> dt.timedelta:
    return dt.timedelta(hours=clock[0], minutes=clock[1])


_MINUTE = dt.timedelta(minutes=1)
_ZERO = dt.timedelta(0)


@functools.lru_cache(maxsize=4096)
def steady_offset(day: dt.date, zone: zoneinfo.ZoneInfo | None) -> dt.timedelta | None:
    """Return the UTC offset when it is one and the same all day long, else None."""
    if zone is None:
        return _ZERO
    midnight = dt.datetime(day.year, day.month, day.day, tzinfo=zone)
    offset = midnight.utcoffset()
    if all(offset == (midnight + hours).utcoffset() for hours in _PROBES):
        return offset
    return None


_PROBES = tuple(dt.timedelta(hours=hours) for hours in (-3, 6, 12, 18, 27))


@functools.lru_cache(maxsize=64)
def starts_of_day(
    times: tuple[tuple[int, int], ...], day: dt.date, zone: zoneinfo.ZoneInfo | None
) -> tuple[dt.datetime, ...]:
    """Return all starts of a local day in UTC, rising, where the clock may change; `times` as in Schedule."""
    return tuple(sorted(itertools.chain.from_iterable(_instants(clock, day, zone) for clock in times)))


def _instants(clock: tuple[int, int], day: dt.date, zone: zoneinfo.ZoneInfo | None) -> t.Iterator[dt.datetime]:
    """Yield when the clock of the zone shows a time: twice when it is repeated, the jump when it is skipped."""
    local = dt.datetime(day.year, day.month, day.day, *clock, tzinfo=zone)
    early, late = (local.replace(fold=fold).astimezone(dt.UTC) for fold in (0, 1))
    if early > late:
        yield _after_gap(late, early, zone)
    else:
        yield early
        if late != early:
            yield late


def _after_gap(low: dt.datetime, high: dt.datetime, zone: zoneinfo.ZoneInfo | None) -> dt.datetime:
    """Return the instant of the jump over a local time that does not exist, to the second."""
    before = low.astimezone(zone).utcoffset()
    while high - low > dt.timedelta(seconds=1):
        middle = low + (high - low) // 2
        middle = middle.replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high


def longest_daily_gap(schedule: Schedule, slack: dt.timedelta) -> dt.timedelta | None:
    """Return the longest time between two starts when every day has starts; else None.

    Args:
        schedule: what to look at.
        slack: by how much a change of the clock may stretch a gap; with starts each half hour it stretches none.
    """
    every = len(schedule.months) == 12 and len(schedule.days) == 31 and len(schedule.weekdays) == 7
    if not every or not schedule.times:
        return None
    minutes = [hour * 60 + minute for hour, minute in schedule.times]
    gaps = [b - a for a, b in itertools.pairwise([*minutes, minutes[0] + 1440])]
    gap = dt.timedelta(minutes=max(gaps))
    return gap if gap <= dt.timedelta(minutes=30) else gap + slack
