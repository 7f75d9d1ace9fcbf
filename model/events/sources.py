"""What happens between Lynceus and Git servers, and in rendering."""

from __future__ import annotations

import typing as t

from model.events.base import Event


class RepositoryKnown(Event, frozen=True, kw_only=True):
    """A repository is used by some Application: its counters are born at 0."""

    repo: str


class GitRequestFinished(Event, frozen=True, kw_only=True):
    """One request to a Git server ended."""

    repo: str
    """Normalised URL without credentials."""
    request_type: t.Literal["ls-remote", "fetch"]
    result: t.Literal["success", "error"]
    seconds: float
    revision: str = ""
    """Branch, tag or ``commit`` for commit ids."""
    trace_id: str = ""
    """Of the turn that asked; empty: none did."""


class GitWait(Event, frozen=True, kw_only=True):
    """Somebody began or ended to wait for a repository that another request holds."""

    repo: str
    pending: int
    """Who waits now."""
    waited: float | None = None
    """How long the one waited who has just ended to; None: somebody began."""


class RenderFinished(Event, frozen=True, kw_only=True):
    """A render was asked for: made (`miss`), found in the cache (`hit`), or an older one taken (`stale`)."""

    tool: str
    result: t.Literal["hit", "miss", "stale"]
    seconds: float
