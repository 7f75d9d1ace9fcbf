"""Text that may stand in a label or a span: valid UTF-8, bounded, free of credentials. No state, no I/O.

Called for every label value before it reaches an exposition. One lone surrogate in one Application would otherwise make
the whole scrape fail, and one URL with a token in it would publish the token.
"""

from __future__ import annotations

import re

from model.errors import InvalidSpec
from model.urls import canonical_url, display_url

LONGEST_VALUE = 512
"""Characters of a label value: Kubernetes' names end at 253 and URLs in use are shorter; longer text is cut."""

_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f\ud800-\udfff]")
_LEADING_USER = re.compile(r"^((?:[a-z][a-z0-9+.-]*://)?)(?!git@)[^/@]*@")


def clean(value: str) -> str:
    """Return `value` as valid UTF-8 without control characters, at most LONGEST_VALUE characters."""
    if _CONTROL.search(value):
        value = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", value)
    return value if len(value) <= LONGEST_VALUE else value[: LONGEST_VALUE - 1] + "\N{HORIZONTAL ELLIPSIS}"


def escaped(value: str) -> str:
    """Return `value` cleaned and written as the text formats want it between the double quotes."""
    return clean(value).replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def repository(url: str) -> str:
    """Return the repo label for a repository URL: Argo CD's normal form, without user and password.

    The literal user ``git`` stays, since Argo CD's own label has it for SSH and it is no secret. Text that is no URL is
    shown without anything that could be a credential. Never raises.
    """
    if not url:
        return ""
    for candidate in (url, display_url(url)):
        try:
            return _LEADING_USER.sub(r"\1", canonical_url(candidate))
        except InvalidSpec:
            continue
    return _LEADING_USER.sub(r"\1", display_url(url))
