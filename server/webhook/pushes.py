"""A push to a repository, whichever Git server announced it. Data and pure functions."""

from __future__ import annotations

import re
import typing as t

import msgspec

from model.errors import InvalidInput, InvalidSpec
from model.urls import repository_key

MOST_FILES = 5000
"""Changed files that are kept; with more of them everything counts as changed."""
_COMMIT = re.compile(r"[0-9a-fA-F]{40}|[0-9a-fA-F]{64}")


class RefChange(msgspec.Struct, frozen=True, kw_only=True):
    """One branch or tag that moved."""

    name: str
    """The branch or tag without refs/heads/ or refs/tags/."""
    kind: t.Literal["branch", "tag", ""]
    """Empty when the payload does not say; then it may be either."""
    before: str = ""
    after: str = ""
    """The commit that it is at now; empty when it is gone or the payload does not say."""
    head: t.Literal["yes", "no", "unknown"] = "no"
    """Whether it is the default branch."""

    @property
    def spellings(self) -> tuple[str, ...]:
        """All target revisions that mean exactly this branch or tag."""
        folders = {"branch": ("heads",), "tag": ("tags",), "": ("heads", "tags")}[self.kind]
        long = [f"{prefix}{folder}/{self.name}" for folder in folders for prefix in ("refs/", "")]
        return (self.name, *long)


class Push(msgspec.Struct, frozen=True, kw_only=True):
    """What one webhook says."""

    repositories: frozenset[str]
    """`model.urls.repository_key` of each address under which the repository is known."""
    changes: tuple[RefChange, ...]
    files: frozenset[str] | None = None
    """Paths that were added, changed or removed; None: not known, so everything may have changed."""


def repositories(urls: t.Iterable[str | None], where: str) -> frozenset[str]:
    """Return the keys of those addresses that can be one; raises InvalidInput when none can."""
    found: set[str] = set()
    for url in urls:
        try:
            found.add(repository_key(url or ""))
        except InvalidSpec:
            continue
    if not found:
        raise InvalidInput("payload", where, "no address of a repository", "https://host/path or git@host:path")
    return frozenset(found)


def change(ref: str, before: str | None, after: str | None, default_branch: str | None) -> RefChange:
    """Read a ref as Git names it.

    Args:
        ref: refs/heads/main, refs/tags/v1, or a short name.
        before: commit id, zeros for a new one.
        after: commit id, zeros for one that is gone.
        default_branch: with or without refs/heads/; None: the payload does not tell, so any branch may be it.
    """
    kind: t.Literal["branch", "tag", ""] = ""
    name = ref
    if ref.startswith("refs/heads/"):
        kind, name = "branch", ref.removeprefix("refs/heads/")
    elif ref.startswith("refs/tags/"):
        kind, name = "tag", ref.removeprefix("refs/tags/")
    head: t.Literal["yes", "no", "unknown"] = "no"
    if kind != "tag" and default_branch is None:
        head = "unknown"
    elif kind != "tag" and default_branch is not None and default_branch.removeprefix("refs/heads/") == name:
        head = "yes"
    return RefChange(name=name, kind=kind, before=commit(before), after=commit(after), head=head)


def commit(text: str | None) -> str:
    """Return a commit id in lower case; empty for zeros and for what is none."""
    found = (text or "").lower()
    return found if _COMMIT.fullmatch(found) and found.strip("0") else ""
