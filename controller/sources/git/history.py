"""What commits lie between two others, and when they were made; read from a mirror, never from a checkout.

Only full commit ids and paths go into the command, the paths behind `--` and taken literally. Commits are those of the
branch itself (first parents): a merged branch counts as its merge, made when it was merged.
Called by `controller.sources.repositories`.
"""

from __future__ import annotations

import re
import typing as t

from controller.sources.git import door
from controller.sources.git.failures import classify
from controller.sources.git.mirror import Mirror
from controller.sources.git.objects import ReaderError
from model.errors import InvalidSpec, SourceUnavailable

MOST_COMMITS = 1000
"""Commits that are counted; more are "at least" so many."""
SECONDS = 20.0
"""Deadline of one question."""
_COMMIT = re.compile(r"[0-9a-f]{40}")
_COMMITTER = re.compile(rb"^committer .*> (-?[0-9]{1,18}) [+-][0-9]{4}$", re.MULTILINE)
_LINE = re.compile(r"(-?[0-9]{1,18}) [0-9a-f]{40}")


class Behind(t.NamedTuple):
    """Commits of a branch that are not deployed."""

    number: int
    """At most MOST_COMMITS, which then means: at least."""
    oldest: float | None
    """Committer time of the oldest one that was counted, in Unix seconds; None when there is none."""


def behind(mirror: Mirror, deployed: str, tip: str, paths: t.Sequence[str]) -> Behind:
    """Count the commits that `tip` has and `deployed` has not.

    Args:
        mirror: holds both commits.
        deployed: full commit id.
        tip: full commit id.
        paths: only commits that change one of these files and folders; empty: all.

    Raises:
        InvalidSpec: a commit is no full id, or a path no path.
        SourceUnavailable: the mirror does not answer.
    """
    if deployed == tip:
        return Behind(0, None)
    times = _times(mirror, [f"--max-count={MOST_COMMITS}"], f"{_id(deployed)}..{_id(tip)}", paths)
    return Behind(len(times), min(times, default=None))


def commit_time(mirror: Mirror, commit: str, before: str, paths: t.Sequence[str]) -> float:
    """Return the committer time in Unix seconds of the change that a commit brought.

    Where many projects share a repository, the newest commit is often somebody else's: then it is the newest one that
    changes the paths, back to `before`. When there is none in between, it is the commit itself.

    Args:
        mirror: holds the commits.
        commit: full commit id.
        before: full id of what was deployed before; empty: look at no other commit than `commit`.
        paths: files and folders of the source; empty: all.

    Raises:
        InvalidSpec: a commit is no full id, or a path no path.
        SourceUnavailable: the mirror does not answer, or does not have the commit.
    """
    if before and paths:
        times = _times(mirror, ["--max-count=1"], f"{_id(before)}..{_id(commit)}", paths)
        if times:
            return times[0]
    return _committed(mirror, _id(commit))


def _committed(mirror: Mirror, commit: str) -> float:
    """Return the committer time of one commit, through the kept-open reader: a fleet asks for it at each start."""
    try:
        head = mirror.reader.commit(commit).partition(b"\n\n")[0]
    except ReaderError:
        head = b""
    if (found := _COMMITTER.search(head)) is None:
        raise SourceUnavailable(f"repository {mirror.remote.shown}: the time of commit {commit} cannot be read")
    return float(found[1])


def _times(mirror: Mirror, options: list[str], revisions: str, paths: t.Sequence[str]) -> list[float]:
    """Return the committer times, newest commit first."""
    for path in paths:
        if not path or "\0" in path or "\n" in path:
            raise InvalidSpec("source", "path", "text that is no path", "a path inside the repository")
    arguments = ["--literal-pathspecs", "rev-list", "--first-parent", "--timestamp", *options]
    try:
        out = mirror.local([*arguments, revisions, "--", *paths], SECONDS)
    except door.GitError as failure:
        raise classify(failure, mirror.remote.shown) from None
    lines = out.decode("ascii", "replace").split("\n")
    return [float(found[1]) for line in lines if (found := _LINE.fullmatch(line))]


def _id(commit: str) -> str:
    if not _COMMIT.fullmatch(commit):
        raise InvalidSpec("revision", "", "text that is no full commit id", "40 hexadecimal digits")
    return commit
