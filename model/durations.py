"""Go durations (``1h30m``) and RFC 3339 times, both ways.

Source: Go's time.ParseDuration and Duration.String, Kubernetes' metav1.Time. Nothing here looks at a clock.
"""

from __future__ import annotations

import datetime as dt
import re
from fractions import Fraction

UNITS = {
    "ns": Fraction(1, 1000),
    "us": Fraction(1),
    "µs": Fraction(1),
    "μs": Fraction(1),
    "ms": Fraction(1000),
    "s": Fraction(1_000_000),
    "m": Fraction(60_000_000),
    "h": Fraction(3_600_000_000),
}
"""Microseconds per unit; nanoseconds are below Python's resolution and are rounded towards zero."""

LIMIT = dt.timedelta(microseconds=(2**63 - 1) // 1000)
"""The longest Go duration, about 292 years: it counts nanoseconds in an int64."""

_LIMIT_MICROSECONDS = Fraction(2**63 - 1, 1000)

_LONGEST_NUMBER = 1000
"""Digits of one number: far more than any duration in range needs, and conversion stays cheap."""

_PART = re.compile(r"([0-9]*)((?:\.[0-9]*)?)(ns|us|µs|μs|ms|s|m|h)")

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})")

_FRACTION = re.compile(r"(\.[0-9]{6})[0-9]+")
"""Digits below the microsecond, which Python cannot keep."""


def parse_duration(text: str) -> dt.timedelta:
    """Read a Go duration.

    Args:
        text: optional sign, then number (a fraction is allowed) and unit, repeated; ``0`` alone is legal.

    Raises:
        ValueError: the text is not a Go duration, or beyond about 292 years. The message says what is wrong.
    """
    sign, rest = (-1, text[1:]) if text[:1] == "-" else (1, text[1:] if text[:1] == "+" else text)
    if rest == "0":
        return dt.timedelta(0)
    if not rest:
        raise ValueError(f"not a Go duration: {text or 'empty text'}; expected for example 1h30m")
    total = _sum_parts(rest, text)
    if total > _LIMIT_MICROSECONDS + (Fraction(1, 1000) if sign < 0 else 0):
        raise ValueError(f"duration out of range: {text[:80]!r}; the longest is 2562047h47m16s")
    return sign * dt.timedelta(microseconds=int(total))


def _sum_parts(rest: str, text: str) -> Fraction:
    """Return the microseconds of ``1h30m`` (without sign); ValueError when a part is no number with a unit."""
    total, at = Fraction(0), 0
    while at < len(rest):
        part = _PART.match(rest, at)
        digits = (part[1] + part[2].removeprefix(".")) if part else ""
        if part is None or not digits or len(digits) > _LONGEST_NUMBER:
            raise ValueError(f"not a Go duration: {text[:80]!r}; expected for example 1h30m")
        scale = 10 ** (len(digits) - len(part[1]))
        total += Fraction(int(digits), scale) * UNITS[part[3]]
        at = part.end()
    return total


def format_duration(value: dt.timedelta) -> str:
    """Write a duration as Go does: ``8h0m0s``, ``1.5s``, ``20ms``, ``0s``."""
    micros = value // dt.timedelta(microseconds=1)
    sign, micros = ("-", -micros) if micros < 0 else ("", micros)
    if 0 < micros < 1000:
        return f"{sign}{micros}µs"
    if 0 < micros < 1_000_000:
        return f"{sign}{_decimal(micros, 1000)}ms"
    minutes, rest = divmod(micros, 60_000_000)
    hours, minutes = divmod(minutes, 60)
    seconds = _decimal(rest, 1_000_000)
    if hours:
        return f"{sign}{hours}h{minutes}m{seconds}s"
    return f"{sign}{minutes}m{seconds}s" if minutes else f"{sign}{seconds}s"


def _decimal(value: int, scale: int) -> str:
    """Write value/scale without trailing zeros; scale is a power of ten."""
    whole, fraction = divmod(value, scale)
    return f"{whole}.{fraction:0{len(str(scale)) - 1}d}".rstrip("0").rstrip(".") if fraction else str(whole)


def parse_time(text: str) -> dt.datetime:
    """Read an RFC 3339 time into an aware UTC datetime; ValueError when it is none."""
    if not _TIME.fullmatch(text):
        raise ValueError(f"not an RFC 3339 time: {text[:40]!r}; expected for example 2026-12-20T00:00:00Z")
    try:
        return dt.datetime.fromisoformat(_FRACTION.sub(r"\1", text.upper())).astimezone(dt.UTC)
    except OverflowError:
        raise ValueError(f"time out of range: {text[:40]!r}") from None


def format_time(value: dt.datetime) -> str:
    """Write a time as Kubernetes does: whole seconds in UTC with a Z."""
    return value.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
