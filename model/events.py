"""What can happen in the loop. The controller publishes these; exporter and logs listen. No I/O, no clock."""

from __future__ import annotations

import typing as t

import msgspec

from model.application import Application
from model.decision import Decision, Rule
from model.meta import NamespacedName


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all events."""


class ApplicationChanged(Event, frozen=True, kw_only=True):
    """The store has a new version of an Application (also its first)."""

    application: Application
    dest_server: str
    """The resolved API server URL of the destination; empty when it cannot be resolved."""


class ApplicationDeleted(Event, frozen=True, kw_only=True):
    """An Application is gone from the API server."""

    key: NamespacedName


class ProjectChanged(Event, frozen=True, kw_only=True):
    """An AppProject is new, changed or (`deleted`) gone."""

    name: str
    deleted: bool = False


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """One span of a turn."""

    name: str
    """git, render, compare, policy, apply, prune, health or status."""
    start: float
    """Unix seconds."""
    end: float
    attributes: dict[str, str | int | bool | float] = {}
    notes: tuple[tuple[float, str, dict[str, str]], ...] = ()
    """Events inside the span: (Unix seconds, name, attributes), for example one per applied object."""
    error: str = ""


class TurnFinished(Event, frozen=True, kw_only=True):
    """One turn of the loop over one Application ended; the source of the trace and of argocd_app_reconcile."""

    key: NamespacedName
    project: str
    dest_server: str
    queue: t.Literal["refresh", "operation"]
    reason: str
    """Why the turn ran: spec changed, timeout, refresh annotation, watch event, operation …"""
    level: int
    start: float
    """Unix seconds."""
    end: float
    stages: tuple[Stage, ...] = ()
    outcome: dict[str, str] = {}
    """sync, health, phase, decision and rule after the turn, as far as they are known."""
    compared: bool = False
    error: str = ""

    @property
    def idle(self) -> bool:
        """True when nothing was due: no reason, no stage, no error. Such a turn is neither counted nor traced."""
        return not (self.reason or self.stages or self.error)


class SyncAttempted(Event, frozen=True, kw_only=True):
    """One attempt of a sync operation ended: each failed try, and the final state once (`final`)."""

    key: NamespacedName
    project: str
    dest_server: str
    phase: str
    """Succeeded, Failed or Error."""
    dry_run: bool
    final: bool
    started: float
    """Unix seconds."""
    finished: float
    revision: str = ""
    automated: bool = False
    self_heal: bool = False
    message: str = ""


class GitRequestFinished(Event, frozen=True, kw_only=True):
    """One request to a Git server ended."""

    repo: str
    """Normalised URL without credentials."""
    request_type: t.Literal["ls-remote", "fetch"]
    result: t.Literal["success", "error"]
    seconds: float
    revision: str = ""
    """Branch, tag or ``commit`` for commit ids."""


class RepositoryKnown(Event, frozen=True, kw_only=True):
    """A repository is used by some Application: its counters are born at 0."""

    repo: str


class DecisionMade(Event, frozen=True, kw_only=True):
    """policy.guard was asked."""

    decision: Decision
    resource: str
    action: str
    source: t.Literal["loop", "api", "webhook"]
    project: str = ""
    key: NamespacedName | None = None
    subject: str = ""
    manual: bool = False


class FreezeOverridden(Event, frozen=True, kw_only=True):
    """A person's sync went through a closed window or a freeze by break-glass; once per operation, when it begins."""

    key: NamespacedName
    project: str
    subject: str
    """Who, as the operation names them."""
    reason: str
    """Why, in the person's own words."""
    rule: Rule
    """What was passed over."""
    decision: Decision


class SyncPermission(Event, frozen=True, kw_only=True):
    """Whether a sync of this Application would be let through now; published when it may have changed."""

    key: NamespacedName
    project: str
    automated: Decision
    manual: Decision


class PolicyLoaded(Event, frozen=True, kw_only=True):
    """A new policy text was read: taken (`ok`) or refused, in which case the last good one stays."""

    ok: bool
    generation: str
    problems: tuple[str, ...] = ()


class ClusterObserved(Event, frozen=True, kw_only=True):
    """The caches of one cluster changed."""

    server: str
    name: str
    version: str
    objects: int
    api_resources: int
    connected: bool


class ApiRequestFinished(Event, frozen=True, kw_only=True):
    """One request to the Kubernetes API server ended."""

    verb: str
    kind: str
    code: int
    seconds: float


class RenderFinished(Event, frozen=True, kw_only=True):
    """A render was asked for: made (`miss`) or found in the cache (`hit`)."""

    tool: str
    result: t.Literal["hit", "miss"]
    seconds: float


Listener = t.Callable[[Event], None]
