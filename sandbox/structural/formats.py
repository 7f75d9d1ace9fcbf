"""The ``format`` keyword: which texts are dates, addresses and the like. Unknown formats accept everything."""

from __future__ import annotations

import base64
import binascii
import datetime
import ipaddress
import re
import uuid
from collections.abc import Callable
from urllib.parse import urlsplit

_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:?\d\d)")
_DURATION = re.compile(r"[+-]?((\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h|d|w))+|0")
_HOSTNAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


def _raises_nothing(check: Callable[[str], object]) -> Callable[[str], bool]:
    def holds(text: str) -> bool:
        try:
            return check(text) is not None
        except (ValueError, binascii.Error):
            return False

    return holds


def _uri(text: str) -> object:
    return True if urlsplit(text).scheme else None


_FORMATS: dict[str, Callable[[str], bool]] = {
    "date": _raises_nothing(datetime.date.fromisoformat),
    "date-time": lambda text: _DATE_TIME.fullmatch(text) is not None,
    "datetime": lambda text: _DATE_TIME.fullmatch(text) is not None,
    "duration": lambda text: _DURATION.fullmatch(text) is not None,
    "hostname": lambda text: len(text) <= 255 and _HOSTNAME.fullmatch(text) is not None,
    "email": lambda text: _EMAIL.fullmatch(text) is not None,
    "ipv4": _raises_nothing(ipaddress.IPv4Address),
    "ipv6": _raises_nothing(ipaddress.IPv6Address),
    "cidr": _raises_nothing(lambda text: ipaddress.ip_network(text, strict=False) if "/" in text else None),
    "uri": _raises_nothing(_uri),
    "uuid": _raises_nothing(uuid.UUID),
    "byte": _raises_nothing(lambda text: base64.b64decode(text, validate=True)),
}


def fits(name: str, text: str) -> bool:
    """Whether a text has the named format."""
    check = _FORMATS.get(name)
    return check is None or check(text)
