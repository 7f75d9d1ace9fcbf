"""Which repository URLs may be spoken to, and how: the transport check in front of every Git command. Pure.

`model.urls` says which URLs are the same repository; this module says which of them git may be handed.
"""

from __future__ import annotations

import re
import typing as t

import msgspec

from model.errors import InvalidSpec
from model.urls import canonical_url, display_url

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_SCP = re.compile(r"(?:[A-Za-z0-9._-]+@)?(?!-)[A-Za-z0-9._-]+:(?!/)[^:]")
_USER = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://([^/@]*)@")
_OPTION = re.compile(r"://([^/@]*@)?-|@-|^-")


class Remote(msgspec.Struct, frozen=True):
    """A repository URL that passed the check."""

    url: str
    """What git is handed."""
    key: str
    """Names the mirror: canonical, case of the path kept."""
    shown: str
    """For messages and metrics: without credentials."""
    scheme: str


def check_url(url: str, schemes: t.Collection[str]) -> Remote:
    """Check a repository URL.

    Args:
        url: spec.source.repoURL.
        schemes: what is allowed, of https, ssh (also for ``git@host:path``), http and file.

    Raises:
        InvalidSpec: another transport, a user name or password, an option in disguise, or not canonical.
    """
    if url != url.strip() or _OPTION.search(url):
        raise _refused(url, "a URL without blanks around it and without a leading dash in any part")
    scheme = _scheme(url)
    if scheme not in schemes:
        raise _refused(url, f"a URL of an allowed transport ({', '.join(sorted(schemes))})")
    if scheme in ("http", "https") and _USER.match(url):
        raise _refused(url, "no user name or password in the URL; credentials belong in a repository Secret")
    if scheme == "file":
        return _local(url)
    return Remote(url, canonical_url(url, fold_case=False), display_url(url), scheme)


def _scheme(url: str) -> str:
    found = _SCHEME.match(url)
    if found:
        return found[1].lower()
    if url.startswith(("/", ".")):
        return "file"
    return "ssh" if _SCP.match(url) else ""


def _local(url: str) -> Remote:
    path = re.sub(r"^file://(localhost)?", "", url, flags=re.IGNORECASE)
    if not path.startswith("/") or ".." in path.split("/") or any(ord(c) < 33 or ord(c) == 127 for c in path):
        raise _refused(url, "file:// and an absolute path without ..")
    key = "file://" + re.sub(r"/{2,}", "/", path).rstrip("/").removesuffix(".git").rstrip("/")
    return Remote("file://" + path, key, key, "file")


def _refused(url: str, wanted: str) -> InvalidSpec:
    return InvalidSpec("repository URL", "", repr(display_url(url)), wanted)
