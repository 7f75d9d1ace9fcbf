"""Times and durations as a person reads and writes them on the command line: weekday, zone, days."""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo

from model.durations import parse_duration, parse_time
from model.errors import InvalidSettings

_DAYS = re.compile(r"([0-9]{1,5})d(.*)")
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def said(moment: dt.datetime, zone: zoneinfo.ZoneInfo | None = None) -> str:
    """Return a time as ``Mon 2026-12-21 09:00 CET``; UTC without a zone, seconds only when there are any."""
    local = moment.astimezone(zone or dt.UTC)
    return f"{day(local)} {clock(local)}"


def day(local: dt.datetime) -> str:
    """Return ``Mon 2026-12-21``."""
    return f"{_WEEKDAYS[local.weekday()]} {local.year:04}-{local:%m-%d}"


def clock(local: dt.datetime) -> str:
    """Return ``09:00 CET``; a zone without letters is written as its offset."""
    seconds = f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"
    return f"{seconds} {zone_name(local)}"


def zone_name(local: dt.datetime) -> str:
    """Return the letters of the zone in force, else its offset: ``CET``, ``UTC+05:45``."""
    name = local.tzname() or "UTC"
    if name[:1] not in "+-":
        return name
    return f"UTC{local:%z}"[:6] + ":" + f"{local:%z}"[3:5]


def lasting(span: dt.timedelta) -> str:
    """Return a duration as ``13d 12h``, ``8h``, ``1h 30m``, ``45s``: the largest three units."""
    seconds = round(span.total_seconds())
    days, rest = divmod(abs(seconds), 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, seconds = divmod(rest, 60)
    parts = [f"{value}{unit}" for value, unit in ((days, "d"), (hours, "h"), (minutes, "m"), (seconds, "s")) if value]
    return " ".join(parts[:3]) or "0s"


def parse_span(text: str, option: str) -> dt.timedelta:
    """Read a duration as Go writes it, with days in front if wanted: ``4h``, ``90m``, ``2d``, ``1d12h``.

    Raises:
        InvalidSettings: it is none, or not more than nothing.
    """
    wanted = "a duration such as 4h, 90m or 2d"
    try:
        days = _DAYS.fullmatch(text)
        rest = days[2] if days else text
        span = dt.timedelta(days=int(days[1]) if days else 0) + (parse_duration(rest) if rest else dt.timedelta(0))
    except (ValueError, OverflowError):
        raise InvalidSettings(option, "", repr(text[:40]), wanted) from None
    if span <= dt.timedelta(0) or rest.startswith(("-", "+")):
        raise InvalidSettings(option, "", repr(text[:40]), f"{wanted}, more than nothing")
    return span


def parse_moment(text: str, option: str) -> dt.datetime:
    """Read an RFC 3339 time; InvalidSettings when it is none."""
    try:
        return parse_time(text)
    except ValueError:
        wanted = "an RFC 3339 time with its offset, such as 2026-12-24T12:00:00Z or 2026-12-24T13:00:00+01:00"
        raise InvalidSettings(option, "", repr(text[:40]), wanted) from None
