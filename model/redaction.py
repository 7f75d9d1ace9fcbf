"""Credentials out of text that leaves the process: log lines, spans, audit records. Pure.

The last of several fences: errors and events are made without secrets, and this catches what slipped through.
"""

from __future__ import annotations

import re
import typing as t

HIDDEN: t.Final = "(not shown)"
LONGEST: t.Final = 20_000
"""Characters that are searched; of longer text the rest is left out."""

_USERINFO = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,30}://)[^/\s@\"]*(?:@[^/\s@\"]*)*@")
"""A password may hold an apostrophe, RFC 3986 has it; a double quote it may not."""
_CUT_OFF = re.compile(r"://[^/\s@\"]*$")
"""A URL that ends before it is clear whether it holds a user."""
_SECRET_WORDS = re.compile(
    r"passw(?:or)?d|passphrase|secret(?!s?_?name)|token|credential|authorization|private.?key|api.?key|cookie",
    re.IGNORECASE,
)
_BEARER = re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE)


def shown(text: str, most: int) -> str:
    """Return the text redacted and cut after `most` characters, whatever its length."""
    whole = len(text) <= LONGEST
    text = redacted(text[:LONGEST])
    if not whole:
        text = _CUT_OFF.sub("", text)
    return text if len(text) <= most else text[:most] + "…"


def redacted(text: str) -> str:
    """Return the text without user and password in its URLs and without what follows `Bearer` or `Basic`."""
    text = without_userinfo(text)
    if "earer " in text or "asic " in text or "BEARER " in text or "BASIC " in text:
        text = _BEARER.sub(rf"\1 {HIDDEN}", text)
    return text


def without_userinfo(text: str) -> str:
    """Return the text without user and password in its URLs; words of people stay as they are."""
    return _USERINFO.sub(r"\1", text) if "@" in text else text


def names_a_secret(field: str) -> bool:
    """Say whether a field of this name holds a secret by all experience."""
    return _SECRET_WORDS.search(field) is not None
