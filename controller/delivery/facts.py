"""What the tracker is told beside the Application itself, and what it tells that is no event yet. Data only."""

from __future__ import annotations

import msgspec

from controller.delivery.state import Place
from model.events import DeploymentEnded


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known when a version is looked at."""

    first: bool = False
    """This process sees the Application for the first time."""
    blocked: bool | None = None
    """Whether policy keeps an automated sync back now; None: not known yet."""
    pushes: tuple[tuple[str, float], ...] = ()
    """Commits whose push was received, and when."""
    compared_at: float | None = None
    """When the loop began its last comparison; one that changed nothing leaves no trace in the status."""
    observe: bool = False
    """An Argo CD works on the Application: attempts are read from its status."""
    dest_server: str = ""
    environment: str = "none"


class CommitQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """When was the change made that a commit brought?"""

    place: Place
    commit: str
    before: str = ""
    """What was deployed before, from the same place; empty: nothing, or from elsewhere."""


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """A deployment that came to its end; published once its questions are answered, see `commits.completed`."""

    event: DeploymentEnded
    """Without what depends on the commit's time."""
    questions: tuple[CommitQuestion, ...] = ()
    seen_at: float = 0.0
    floor: float | None = None
    """The change is no older than this; for a first deployment the Application's own creation."""
