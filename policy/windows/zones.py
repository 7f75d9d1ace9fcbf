"""Time zones by IANA name, with the names refused that are paths, directories or odd files of the zone database."""

from __future__ import annotations

import re
import zoneinfo

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9+_-]*(?:/[A-Za-z0-9+_-]+){0,2}")

_KNOWN: dict[str, zoneinfo.ZoneInfo | None] = {}


def find_zone(name: str) -> zoneinfo.ZoneInfo | None:
    """Return the zone; None stands for UTC (empty text, UTC).

    Raises:
        ValueError: no zone of that name; names are case-sensitive, `Local` and paths are none.
    """
    if name in ("", "UTC", "Etc/UTC"):
        return None
    if name not in _KNOWN:
        if not _NAME.fullmatch(name) or len(name) > 64:
            raise ValueError(f"found {name[:40]!r}, expected an IANA zone such as Europe/Amsterdam")
        try:
            _KNOWN[name] = zoneinfo.ZoneInfo(name)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"found {name!r}, which is no time zone; expected for example Europe/Amsterdam") from None
    return _KNOWN[name]
