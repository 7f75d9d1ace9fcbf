"""What happens between Lynceus and the API servers."""

from __future__ import annotations

import typing as t

import msgspec

from model.events.base import Event
from model.meta import NamespacedName


class ClusterObserved(Event, frozen=True, kw_only=True):
    """The caches of one cluster changed."""

    server: str
    name: str
    version: str
    objects: int
    api_resources: int
    connected: bool
    synced_at: float = 0.0
    """When the caches were last filled by full lists; 0 = never."""
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    """Of the cluster's Secret."""


class ClusterGone(Event, frozen=True, kw_only=True):
    """A cluster is no destination any more: its Secret is gone, or it has another server."""

    server: str


class ClusterEventsProcessed(Event, frozen=True, kw_only=True):
    """Watch events of one cluster were taken into the caches, one batch of them."""

    server: str
    counts: dict[tuple[str, str], int]
    """(group, kind) -> events."""
    seconds: float
    """How long taking the batch took."""

    @property
    def batch(self) -> int:
        """How many events there were."""
        return sum(self.counts.values())


class ApiRequestFinished(Event, frozen=True, kw_only=True):
    """One request to the Kubernetes API server ended."""

    verb: str
    """As Kubernetes names it: get, list, watch, create, update, patch, delete."""
    kind: str
    """The plural in the URL; empty when it names none."""
    code: int
    """HTTP status; 0 when no answer came."""
    seconds: float
    host: str = ""
    """Host and port of the API server."""
    server: str = ""
    """URL of the API server, as destinations name it."""
    method: str = ""
    """As HTTP names it."""
    request_bytes: int = 0
    response_bytes: int | None = None
    """None for a watch, whose answer has no end."""
    waited: float = 0.0
    """Seconds that the request was held back before it was sent, because the server had asked for that (429)."""
    retry: bool = False
    """It was sent once more: after a 401, which was told as an event of its own, or because the server had closed the
    connection that was kept open, which was not."""
    namespace: str = ""
    """Of the object or collection."""
    dry_run: bool = False
    application: NamespacedName | None = None
    """On whose behalf; None for what serves all, as watches and discovery do."""
    project: str = ""


class WriteMoved(Event, frozen=True, kw_only=True):
    """A write to a cluster on behalf of a sync began or ended; Argo CD counts these as runs of kubectl."""

    command: t.Literal["apply", "auth", "create", "replace"]
    ended: bool
