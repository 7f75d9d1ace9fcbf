"""Repository URLs as Argo CD compares them: the form that Go's net/url gives back. Only `compat` asks here.

A URL that Go cannot parse becomes empty text, so that all of those are equal; braces and other odd characters become
%XX, so that a pattern with braces matches nothing. `strict` compares `model.urls.canonical_url` instead.
Source: Argo CD util/git/git.go, NormalizeGitURL and IsSSHURL; Go net/url, Parse and URL.String.
"""

from __future__ import annotations

import ipaddress
import re
import typing as t

BLANKS = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
"""What Go's strings.TrimSpace takes off."""
_SSH = re.compile(r"(?:ssh://)?[^/:]*?@[^@]+")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(.*)", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})?")
_USER = re.compile(r"[A-Za-z0-9\-._:~!$&'()*+,;=%@]*")
_PORT = re.compile(r"(?::[0-9]*)?")
_ALWAYS = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~")
_PATH = _ALWAYS | frozenset(b"$&+,/:;=@")
_PATH_AS_WRITTEN = _PATH | frozenset(b"!'()*[]%")
_HOST = _ALWAYS | frozenset(b"!$&'()*+,;=:[]<>\"")
_USER_KEPT = _ALWAYS | frozenset(b"$&+,;=")
_FRAGMENT = _ALWAYS | frozenset(b"$&+,/:;=?@!()*")
_FRAGMENT_AS_WRITTEN = _FRAGMENT | frozenset(b"'[]%")


class _UnparsableError(ValueError):
    """Go's url.Parse answers with an error."""


def normalised(url: str) -> str:
    """Return the form in which Argo CD compares repository URLs and the entries of sourceRepos; total.

    Args:
        url: a URL, or a pattern without its leading exclamation mark.
    """
    text = "".join(char.lower()[0] for char in url.strip(BLANKS))
    if _SSH.fullmatch(text) and not text.startswith("ssh://"):
        text = "ssh://" + text.replace(":", "/", 1)
    try:
        found = _reassembled(text.removesuffix(".git"))
    except _UnparsableError:
        return ""
    return found.removeprefix("ssh://")


def _reassembled(text: str) -> str:
    """Return what parsing a URL and writing it out again gives."""
    before, _, fragment = text.partition("#")
    if _CONTROL.search(before):
        raise _UnparsableError("control character")
    tail = "#" + _kept(fragment, _FRAGMENT, _FRAGMENT_AS_WRITTEN) if fragment else ""
    return _without_fragment(before) + tail


def _without_fragment(text: str) -> str:
    if text == "*":
        return text
    scheme, rest = _scheme(text)
    prefix = f"{scheme}:" if scheme else ""
    if rest.endswith("?") and rest.count("?") == 1:
        rest, query = rest[:-1], "?"
    else:
        rest, mark, query = rest.partition("?")
        query = mark + query if query else ""
    if not rest.startswith("/"):
        return _rootless(prefix, rest) + query
    if rest.startswith("//") and (scheme or not rest.startswith("///")):
        authority, slash, path = rest[2:].partition("/")
        user, host = _authority(authority, scheme)
        shown = _kept(slash + path, _PATH, _PATH_AS_WRITTEN)
        slashes = "//" if user or host or (scheme and shown) else ""
        return f"{prefix}{slashes}{user}{host}{shown}{query}"
    return f"{prefix}{_kept(rest, _PATH, _PATH_AS_WRITTEN)}{query}"


def _rootless(prefix: str, rest: str) -> str:
    """Return a URL without a leading slash behind its scheme: opaque with one, a relative path without."""
    if prefix:
        return f"{prefix}{rest}"
    if ":" in rest.partition("/")[0]:
        raise _UnparsableError("a colon in the first segment")
    return _kept(rest, _PATH, _PATH_AS_WRITTEN)


def _scheme(text: str) -> tuple[str, str]:
    found = _SCHEME.fullmatch(text)
    if found:
        return found[1].lower(), found[2]
    if text.startswith(":"):
        raise _UnparsableError("missing scheme")
    return "", text


def _authority(text: str, scheme: str) -> tuple[str, str]:
    """Return (user with its @, host) as written out again."""
    user, at, host = text.rpartition("@")
    shown_host = _written(_host(host, strict=scheme in ("http", "https")), _HOST)
    if not at:
        return "", shown_host
    if not _USER.fullmatch(user):
        raise _UnparsableError("odd user")
    name, colon, password = user.partition(":")
    shown = _written(_decoded(name), _USER_KEPT) + (colon + _written(_decoded(password), _USER_KEPT) if colon else "")
    return shown + "@", shown_host


def _host(text: str, *, strict: bool) -> bytes:
    """Return the host; `strict` as Go is with http and https: no second colon."""
    if "[" in text:
        return _address(text)
    before, colon, port = text.rpartition(":")
    if (":" in before and strict) or (colon and not _PORT.fullmatch(colon + port)):
        raise _UnparsableError("port")
    raw = text.encode("utf-8", "surrogatepass")
    if any(byte < 0x80 and byte not in _HOST and byte != ord("%") for byte in raw):
        raise _UnparsableError("host")
    for found in _ESCAPE.finditer(raw):
        if found[1] is None or (int(found[1], 16) < 0x80 and found[1] != b"25"):
            raise _UnparsableError("escape in the host")
    return _decoded(text)


def _address(text: str) -> bytes:
    """Return an address in brackets with its port as it was written."""
    inner, bracket, port = text.rpartition("]")
    try:
        ipaddress.IPv6Address(inner[1:].partition("%25")[0])
    except ValueError:
        raise _UnparsableError("address") from None
    if not text.startswith("[") or not bracket or not _PORT.fullmatch(port):
        raise _UnparsableError("brackets")
    return text.encode("utf-8", "surrogatepass")


def _decoded(text: str) -> bytes:
    """Undo %XX; a percent sign that begins none is an error."""

    def byte(found: re.Match[bytes]) -> bytes:
        if found[1] is None:
            raise _UnparsableError("escape")
        return bytes([int(found[1], 16)])

    return _ESCAPE.sub(byte, text.encode("utf-8", "surrogatepass"))


def _written(raw: bytes, plain: t.AbstractSet[int]) -> str:
    return "".join(chr(byte) if byte in plain else f"%{byte:02X}" for byte in raw)


def _kept(text: str, plain: t.AbstractSet[int], as_written: t.AbstractSet[int]) -> str:
    """Return a path or fragment as it was written if every character may stand there, else written anew."""
    raw = _decoded(text)
    if all(byte in as_written for byte in text.encode("utf-8", "surrogatepass")):
        return text
    return "*" if raw == b"*" else _written(raw, plain)
