"""The one canonical form of repository URLs: what counts as the same repository, and what may be shown of a URL.

Pure text work, no network. Policy compares canonical forms, sources keep one mirror for each. Argo CD turns a URL that
it cannot parse into empty text, so that any two of them are equal; here such a URL is refused.
Source: Argo CD util/git/git.go, NormalizeGitURL and IsSSHURL.
"""

from __future__ import annotations

import re

from model.errors import InvalidSpec

LONGEST_URL = 2048
"""Characters; longer than what browsers, proxies and Git servers take anyway."""

_SCP = re.compile(r"(?:([A-Za-z0-9._-]+)@)?([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):(?!//)(.+)")
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(?:([^/@]*)@)?([^/]*)(/.*)?")
_ODD = re.compile(r"[^\x21-\x7e]|[\\\"'`<>^{}|]")
_HOST = re.compile(r"(?:[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_DOTS = re.compile(r"(?:^|/)(?:\.|%2e){1,2}(?=/|$)", re.IGNORECASE)
_NEEDLESS = re.compile(r"%(?:2[def5]|5[cf]|7e|[01][0-9a-f]|3[0-9]|[46][1-9a-f]|[57][0-9a]|7f)", re.IGNORECASE)
"""Percent-encoded letters, digits, -._~ and separators: another spelling of the same path, or an attack on it."""
_PORTS = {"http": ":80", "https": ":443", "ssh": ":22"}


def canonical_url(url: str, *, fold_case: bool = True) -> str:
    """Return the form in which two spellings of one repository are equal.

    Surrounding blanks, a final ``.git``, final and doubled slashes, ``ssh://``, the scheme's own port and a user before
    an HTTP host go; ``git@host:p`` becomes ``git@host/p``; all is lower case. Argo CD keeps slashes, ports and HTTP
    users, by which a pattern can be walked around.

    Args:
        url: what stands in repoURL or in a Secret's `url`.
        fold_case: False keeps the case of the path (scheme and host are still lower case), for keys of mirrors: two
            repositories on one server may differ in nothing but case.

    Raises:
        InvalidSpec: the URL has dot segments, a password, a query, a fragment, odd characters or no host.
    """
    text = url.strip(" \t\r\n")
    _refuse_odd_text(text)
    scheme, user, host, path = _split(text)
    if not _HOST.fullmatch(host) and not (scheme == "file" and not host):
        raise _bad(text, "a host name")
    if _DOTS.search(path) or _NEEDLESS.search(path):
        raise _bad(text, "a path without dot segments and without letters or separators written as %XX")
    canonical = f"{_head(scheme, user, host)}{_tidy(path)}"
    return canonical.lower() if fold_case else canonical


def repository_key(url: str) -> str:
    """Return host and path alone: equal for the web page, the HTTPS and the SSH address of one repository.

    Scheme, user, port and the host names of SSH endpoints (``ssh.``, ``altssh.``) go. Two servers on two ports of one
    host are not told apart, so this is for waking somebody up, never for permission. Azure DevOps writes SSH paths in
    another order, which is put right.
    Source: Argo CD util/webhook/webhook.go, GetWebURLRegex, which makes a regular expression of the text instead.

    Raises:
        InvalidSpec: as `canonical_url`.
    """
    text = canonical_url(url).rpartition("://")[2]
    host, _, path = text.partition("/")
    host = re.sub(r":[0-9]+$", "", host.rpartition("@")[2])
    host = re.sub(r"^(?:alt)?ssh\.", "", host)
    if host == "dev.azure.com" and (azure := re.fullmatch(r"v3/([^/]+)/([^/]+)/([^/]+)", path)):
        path = f"{azure[1]}/{azure[2]}/_git/{azure[3]}"
    return f"{host}/{path}"


def _head(scheme: str, user: str, host: str) -> str:
    """Return scheme, user and host; the user means something only to SSH."""
    host = host.lower().removesuffix(_PORTS.get(scheme, "/"))
    if scheme in ("", "ssh"):
        return f"{user}@{host}" if user else host
    return f"{scheme}://{host}"


def _tidy(path: str) -> str:
    """Return the path without doubled and final slashes and without the final .git."""
    single = re.sub(r"/{2,}", "/", path).rstrip("/")
    return re.sub(r"\.git$", "", single, flags=re.IGNORECASE).rstrip("/")


def _refuse_odd_text(text: str) -> None:
    """Refuse what no repository URL has and some tool would read as something else."""
    if not text or len(text) > LONGEST_URL:
        raise InvalidSpec("repository URL", "", f"{len(text)} characters", f"1 to {LONGEST_URL}")
    if text.startswith("-") or "::" in text.partition("/")[0].partition("[")[0]:
        raise _bad(text, "a URL, not an option or a remote helper")
    if "?" in text or "#" in text:
        raise _bad(text, "no query and no fragment")
    if _ODD.search(text):
        raise _bad(text, "printable ASCII without blanks, quotes and backslashes")


def _split(text: str) -> tuple[str, str, str, str]:
    """Return (scheme, user, host with port, path); the scp form has scheme ssh, a bare registry path has none."""
    if whole := _URL.fullmatch(text):
        if whole[2] is not None and ":" in whole[2]:
            raise _bad(text, "no password in the URL; credentials belong in a repository Secret")
        return whole[1].lower(), whole[2] or "", whole[3], whole[4] or ""
    if "://" in text:
        raise _bad(text, "scheme://host/path")
    scp = _SCP.fullmatch(text)
    if scp and (scp[1] or not re.match(r"[0-9]{1,5}(/|$)", scp[3])):
        return "ssh", scp[1] or "", scp[2], "/" + scp[3].lstrip("/")
    host, slash, path = text.partition("/")
    return "", "", host, slash + path


def display_url(url: str) -> str:
    """Return the URL as it may be logged and shown: without user, password, query and fragment; never raises."""
    text = re.split(r"[?#]", url.strip(), maxsplit=1)[0]
    scheme, mark, rest = text.partition("://")
    if mark:
        authority, slash, path = rest.partition("/")
        text = f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"
    elif ":" in text.partition("@")[0]:
        text = text.rpartition("@")[2]
    return "".join(c if c.isprintable() else "?" for c in text)[:200]


def _bad(text: str, wanted: str) -> InvalidSpec:
    return InvalidSpec("repository URL", "", repr(display_url(text)), wanted)
