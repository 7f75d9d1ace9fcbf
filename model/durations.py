"""Go durations (``1h30m``) and RFC 3339 times, both ways. Source: Go's time.ParseDuration and Kubernetes' metav1.Time."""

from __future__ import annotations

import datetime as dt
import re
from fractions import Fraction

UNITS = {
    "ns": Fraction(1, 1000),
    "us": Fraction(1),
    "µs": Fraction(1),  # noqa: RUF001 - U+00B5, as Go accepts
    "μs": Fraction(1),  # noqa: RUF001 - U+03BC, as Go accepts
    "ms": Fraction(1000),
    "s": Fraction(1_000_000),
    "m": Fraction(60_000_000),
    "h": Fraction(3_600_000_000),
}
"""Microseconds per unit; nanoseconds are below Python's resolution and are rounded towards zero."""

LIMIT = dt.timedelta(microseconds=(2**63 - 1) // 1000)
"""The longest Go duration, about 292 years: it counts nanoseconds in an int64."""

_PART = re.compile(r"([0-9]*)(\.[0-9]*)?(ns|us|µs|μs|ms|s|m|h)")  # noqa: RUF001 - both micro signs, as Go


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
    total, at = Fraction(0), 0
    while at < len(rest):
        part = _PART.match(rest, at)
        if part is None or not (part[1] or (part[2] or ".") != "."):
            raise ValueError(f"not a Go duration: {text[:80]!r}; expected for example 1h30m")
        total += Fraction(part[1] + (part[2] or "") if part[1] else "0" + part[2]) * UNITS[part[3]] \
            if (part[2] or "") != "." else Fraction(part[1]) * UNITS[part[3]]
        at = part.end()
        if total > LIMIT // dt.timedelta(microseconds=1):
            raise ValueError(f"duration out of range: {text[:80]!r}; the longest is 2562047h47m16s")
    if not rest:
        raise ValueError("not a Go duration: empty text; expected for example 1h30m")
    return sign * dt.timedelta(microseconds=int(total))


def format_duration(value: dt.timedelta) -> str:
    """Write a duration as Go does: ``8h0m0s``, ``1.5s``, ``0s``."""
    micros = value // dt.timedelta(microseconds=1)
    sign, micros = ("-", -micros) if micros < 0 else ("", micros)
    seconds, fraction = divmod(micros, 1_000_000)
    tail = f".{fraction:06d}".rstrip("0") if fraction else ""
    minutes, secs = divmod(seconds, 60)
    hours, mins = divmod(minutes, 60)
    if hours:
        return f"{sign}{hours}h{mins}m{secs}{tail}s"
    return f"{sign}{mins}m{secs}{tail}s" if mins else f"{sign}{secs}{tail}s"


def parse_time(text: str) -> dt.datetime:
    """Read an RFC 3339 time into an aware UTC datetime; ValueError when it is none."""
    value = dt.datetime.fromisoformat(text)
    if value.tzinfo is None:
        raise ValueError(f"time without a zone: {text[:40]!r}; expected for example 2026-12-20T00:00:00Z")
    return value.astimezone(dt.UTC)


def format_time(value: dt.datetime) -> str:
    """Write a time as Kubernetes does: whole seconds in UTC with a Z."""
    return value.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
