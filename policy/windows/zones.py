"""Time zones by IANA name, with the names refused that are paths, directories or odd files of the zone database."""

from __future__ import annotations

import re
import zoneinfo

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9+_-]*(?:/[A-Za-z0-9+_-]+){0,2}")
_NO_ZONES = re.compile(
    r"(?:posix|right)/.*|posixrules|localtime|localtime\.tzif|Factory|leapseconds|tzdata.*", re.ASCII
)
"""Files beside the zones: copies, one with leap seconds, the machine's own zone."""

_KNOWN: dict[str, zoneinfo.ZoneInfo | None] = {}


def find_zone(name: str) -> zoneinfo.ZoneInfo | None:
    """Return the zone; None stands for UTC (empty text, UTC).

    Raises:
        ValueError: no zone of that name; names are case-sensitive, `Local` and paths are none.
    """
    if name in ("", "UTC", "Etc/UTC"):
        return None
    if name not in _KNOWN:
        if not _NAME.fullmatch(name) or len(name) > 64 or _NO_ZONES.fullmatch(name):
            raise ValueError(f"found {name[:40]!r}, expected an IANA zone such as Europe/Amsterdam")
        zone = _load(name)
        if zone is None:
            raise ValueError(f"found {name!r}, which is no time zone; expected for example {_like(name)}")
        _KNOWN[name] = zone
    return _KNOWN[name]


def _load(name: str) -> zoneinfo.ZoneInfo | None:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _like(name: str) -> str:
    """Return the zone that only the case tells apart, or any."""
    spellings = (name.title(), name.upper(), name.title().replace("_Of_", "_of_"))
    return next((spelling for spelling in spellings if _load(spelling)), "Europe/Amsterdam")
