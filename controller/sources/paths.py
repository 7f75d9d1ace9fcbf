"""The one parser of paths inside a repository; no file system is touched here.

Every caller that turns somebody's text into a place in a Git tree goes through `parse_path` or `join_inside`, so that
one rule holds everywhere: relative, normalised, no way out of the repository, no `.git`, no control character.
"""

from __future__ import annotations

from model.errors import InvalidSpec

WANTED = "a relative path inside the repository"
LONGEST_PATH = 4096
"""PATH_MAX of Linux; no file of a real repository is deeper."""


def parse_path(text: str, where: str, field: str = "path") -> str:
    """Return `text` as a normalised repository path; the root is the empty text.

    Args:
        text: what somebody wrote, for example ``apps/shop`` or ``.``; empty is refused, since it is a forgotten field.
        where: the object for the error, for example ``Application argocd/shop``.
        field: the field for the error.

    Raises:
        InvalidSpec: absolute, with ``..``, with a ``.git`` segment, with a leading dash or a control character.
    """
    segments = text.split("/")
    if not text or _unclean(text) or text.startswith(("/", "-")) or ".." in segments:
        raise InvalidSpec(where, field, shown(text), WANTED)
    return "/".join(s for s in segments if s not in ("", "."))


def join_inside(base: str, text: str) -> str | None:
    """Resolve `text` against the folder `base` (both in repository terms); None when it leaves the repository.

    A leading ``/`` means the repository root, as in Argo CD's valueFiles. `..` is allowed as long as it stays inside.
    """
    if not text or _unclean(text) or "://" in text:
        return None
    resolved = [] if text.startswith("/") else [s for s in base.split("/") if s]
    for segment in text.split("/"):
        if segment == "..":
            if not resolved:
                return None
            resolved.pop()
        elif segment not in ("", "."):
            resolved.append(segment)
    return "/".join(resolved)


def parent(path: str) -> str:
    """Return the folder that holds `path`; the root's is the root."""
    return path.rpartition("/")[0]


def child(folder: str, name: str) -> str:
    """Return the path of `name` in `folder`."""
    return f"{folder}/{name}" if folder else name


def shown(text: str, limit: int = 80) -> str:
    """Return `text` fit for one line of a message: control characters escaped, cut at `limit` characters."""
    cut = text if len(text) <= limit else text[:limit] + "…"
    return repr(cut)


def _unclean(text: str) -> bool:
    """Say whether a path holds what no path of ours may: control characters, backslashes, `.git` segments."""
    if len(text) > LONGEST_PATH or "\\" in text or any(ord(c) < 32 or ord(c) == 127 for c in text):
        return True
    return any(_is_git(segment) for segment in text.split("/"))


def _is_git(segment: str) -> bool:
    """Recognise `.git` in every spelling that some file system takes for it (trailing dots and blanks, 8.3 name)."""
    return segment.lower().rstrip(". ") in (".git", "git~1")
