"""From a target revision to a commit id, by comparing texts with the remote's list of refs. Pure.

Nothing that a user wrote reaches a git command: either it is 40 hexadecimal digits, or it equals the name of a ref.
Source: Argo CD, user guide "Tracking and Deployment Strategies", and util/git/client.go (LsRemote).
"""

from __future__ import annotations

import re
import typing as t

from controller.sources import semver
from controller.sources.paths import shown
from model.errors import InvalidSpec

_FULL = re.compile(r"[0-9a-fA-F]{40}")
_ABBREVIATED = re.compile(r"[0-9a-fA-F]{7,39}")
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(/|$)|\.$|^[-/.]|/$|^@$")
"""git check-ref-format, and no leading dash."""
_LONGEST = 255


class Listing(t.NamedTuple):
    """What `git ls-remote --symref` said."""

    refs: dict[str, str]
    """Full ref name (HEAD, refs/heads/main, refs/tags/v1) -> commit id, tags peeled, in the order of the listing."""
    started: float
    """Monotonic seconds at which the request was sent."""


def parse_listing(output: bytes, started: float) -> Listing:
    """Read the lines ``<id>TAB<name>`` of ls-remote; peeled tags (``^{}``) replace their tag objects."""
    refs: dict[str, str] = {}
    for line in output.decode("utf-8", "replace").split("\n"):
        identity, tab, name = line.partition("\t")
        if tab and _FULL.fullmatch(identity):
            refs[name.removesuffix("^{}")] = identity
    return Listing(refs, started)


def is_commit_id(revision: str) -> bool:
    """Say whether a revision is a full commit id."""
    return bool(_FULL.fullmatch(revision))


def is_abbreviated(revision: str) -> bool:
    """Say whether a revision may be an abbreviated commit id (7 to 39 hexadecimal digits)."""
    return bool(_ABBREVIATED.fullmatch(revision))


def check_revision(revision: str, where: str) -> None:
    """Refuse a target revision that can be neither a ref name nor a version constraint.

    Raises:
        InvalidSpec: with what would be right.
    """
    if (
        not revision
        or (len(revision) <= _LONGEST and not _FORBIDDEN.search(revision))
        or semver.is_constraint(revision)
    ):
        return
    raise InvalidSpec(where, "targetRevision", shown(revision), "a branch, tag, commit id or version constraint")


def resolve(listing: Listing, revision: str) -> str | None:
    """Return the commit id that a checked revision names, or None.

    Order: HEAD, version constraint over tags, full ref name, short name (the first of the listing wins, so that a
    branch beats a tag of its name), unique start of a listed id.
    """
    refs = listing.refs
    if revision in ("", "HEAD"):
        return refs.get("HEAD")
    if semver.is_constraint(revision) and not semver.is_version(revision):
        tags = [name.removeprefix("refs/tags/") for name in refs if name.startswith("refs/tags/")]
        best = semver.best(revision, tags)
        if best is not None:
            return refs[f"refs/tags/{best}"]
    for name in (revision, f"refs/heads/{revision}", f"refs/tags/{revision}", f"refs/{revision}"):
        if name in refs:
            return refs[name]
    return _by_prefix(refs, revision.lower()) if is_abbreviated(revision) else None


def _by_prefix(refs: dict[str, str], prefix: str) -> str | None:
    found = {identity for identity in refs.values() if identity.startswith(prefix)}
    return found.pop() if len(found) == 1 else None
