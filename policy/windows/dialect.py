"""Where common cron tools read a schedule otherwise than Argo CD does: the same five fields, another meaning.

A lint for people who try a schedule elsewhere first; no decision comes from here. croniter stands for those tools and
is imported nowhere else, and only when it is asked. It never sees a text that Argo CD refuses, except for the question
whether it would take it: it reads six fields, words such as @daily, and `R`, which is random at each reading.
"""

from __future__ import annotations

import datetime as dt
import functools
import itertools
import typing as t

from policy.findings import Finding, shown
from policy.windows.schedule import Schedule, parse_schedule
from policy.windows.window import Window

YEAR = 2027
DAYS = 124
"""Days that are compared, from the first month of the schedule on: whether date and weekday are joined by and or by or
shows within a week, and dates beyond the 28th come three times."""


def remarks(window: Window) -> tuple[Finding, ...]:
    """Return a warning when common tools read the window's schedule otherwise; nothing for one without a schedule."""
    text = window.spec.schedule
    told = difference(text) if text else ""
    if not told:
        return ()
    fix = "a spelling that all read alike"
    where = f"{window.where}.schedule"
    return (Finding(code="window-dialect", severity="warning", where=where, text=f"{shown(text)}: {told}", fix=fix),)


@functools.lru_cache(maxsize=1024)
def difference(text: str) -> str:
    """Return how common cron tools differ on a schedule; empty when they do not."""
    try:
        schedule = parse_schedule(text)
    except ValueError:
        return "common cron tools take it, Argo CD does not" if len(text) <= 1000 and _taken(text) else ""
    if schedule.never_fires:
        return ""
    if not _taken(text):
        return "Argo CD takes it, common cron tools do not"
    try:
        return _compared(schedule, text)
    except ValueError:  # croniter's own errors are ValueErrors, too
        return "Argo CD takes it, common cron tools do not"


def _compared(schedule: Schedule, text: str) -> str:
    from croniter import croniter

    expanded: t.Sequence[t.Sequence[t.Any]] = croniter.expand(text)[0]
    minutes, hours, _, months, _ = (
        _numbers(values, first, last)
        for values, first, last in zip(expanded, (0, 0, 1, 1, 0), (59, 23, 31, 12, 6), strict=True)
    )
    if {(hour, minute) for hour in hours for minute in minutes} != set(schedule.times):
        return "common cron tools read other times of the day"
    return "common cron tools read other months" if months != schedule.months else _days(schedule, text)


def _taken(text: str) -> bool:
    from croniter import croniter

    try:
        return bool(croniter.is_valid(text))
    except Exception:  # noqa: BLE001 - odd texts raise whatever its parser stumbles over
        return False


def _numbers(values: t.Sequence[t.Any], first: int, last: int) -> set[int]:
    return set(range(first, last + 1)) if "*" in values else {value for value in values if isinstance(value, int)}


def _days(schedule: Schedule, text: str) -> str:
    """Compare days, months left out of it, and name the first that differs."""
    first = dt.datetime(YEAR, min(schedule.months), 1, tzinfo=dt.UTC)
    theirs = _their_days(text, first)
    for number in range(DAYS):
        day = (first + dt.timedelta(days=number)).date()
        if schedule.on(day) is not (day in theirs):
            named = f"{day:%A} {day}" if day.month in schedule.months else "some days"
            if schedule.on(day):
                return f"Argo CD starts on {named}, common cron tools do not"
            return f"common cron tools start on {named}, Argo CD does not"
    return ""


def _their_days(text: str, first: dt.datetime) -> set[dt.date]:
    from croniter import croniter

    _, _, dates, _, weekdays = text.split()
    found = croniter(f"0 0 {dates} * {weekdays}", first - dt.timedelta(seconds=1))
    end = first + dt.timedelta(days=DAYS)
    days = itertools.takewhile(lambda day: day < end, (found.get_next(dt.datetime) for _ in range(DAYS)))
    return {day.date() for day in days}
