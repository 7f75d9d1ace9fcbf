"""What Git servers push to Lynceus."""

from __future__ import annotations

from model.events.base import Event
from model.meta import NamespacedName


class WebhookMoved(Event, frozen=True, kw_only=True):
    """A request to the Git webhook endpoint began or (`ended`) was answered."""

    ended: bool
    repo: str = ""
    """The repository that it named, if an Application uses it; empty otherwise. Only where `ended`."""
    status: int = 0
    """HTTP status of the answer. Only where `ended`."""


class PushReceived(Event, frozen=True, kw_only=True):
    """A push to what an Application follows was received; the Application is refreshed for it."""

    key: NamespacedName
    project: str
    repo: str
    revision: str
    """The commit that the branch is at now; empty when the payload does not say."""
    at: float
    """Unix seconds."""
