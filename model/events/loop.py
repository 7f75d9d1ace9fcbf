"""What happens in the loop itself: turns, sync attempts, queues, leadership."""

from __future__ import annotations

import typing as t

import msgspec

from model.events.base import Event
from model.meta import NamespacedName


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
    outcome: dict[str, str] = msgspec.field(default_factory=dict)
    """sync, health, phase, decision, rule and revision after the turn, as far as they are known."""
    compared: bool = False
    error: str = ""
    trace_id: str = ""
    """32 hexadecimal digits; that of the deployment when the turn is part of one; empty: none was given."""
    deploys: str = ""
    """The revision of whose deployment the turn is part, as model.traces has it; empty: of none."""
    about: dict[str, str] = msgspec.field(default_factory=dict)
    """repository, target and source_type: of several sources joined by commas."""
    pushed_at: float | None = None
    """When the push that asked for this turn was received; None: no push did, or an earlier turn has told of it."""

    @property
    def idle(self) -> bool:
        """True when nothing was due: no reason, no stage, no error. Such a turn is neither counted nor traced."""
        return not (self.reason or self.stages or self.error)


class SyncAttempted(Event, frozen=True, kw_only=True):
    """One attempt of a sync operation ended: each failed try, and the final state once (`final`).

    Beside an Argo CD it is read from the Application's status.operationState.
    """

    key: NamespacedName
    project: str
    dest_server: str
    phase: str
    """Succeeded, Failed or Error."""
    dry_run: bool
    final: bool
    started: float
    """Unix seconds; of the operation."""
    finished: float
    revision: str = ""
    automated: bool = False
    self_heal: bool = False
    message: str = ""


class QueueMoved(Event, frozen=True, kw_only=True):
    """A key was added to a work queue, taken from it, done with, or put off after a failure."""

    queue: str
    """As Argo CD names it: app_reconciliation_queue, app_operation_processing_queue."""
    what: t.Literal["added", "taken", "done", "retried"]
    seconds: float = 0.0
    """taken: how long it waited; done: how long it was worked on."""


class QueueState(msgspec.Struct, frozen=True, kw_only=True):
    """A work queue at the moment of a scrape; no event, since it changes with the clock alone."""

    queue: str
    depth: int
    """Keys that are due and wait."""
    oldest_seconds: float
    """How long the oldest due key has waited or been worked on; 0: nothing is due."""
    unfinished_seconds: float
    """The ages of all keys being worked on, added up."""
    longest_seconds: float
    """The age of the oldest key being worked on."""


class Leading(Event, frozen=True, kw_only=True):
    """This process began, or ceased, to be the one that works."""

    leading: bool


class OperationRequested(Event, frozen=True, kw_only=True):
    """Somebody asked for something through the API, was let through, and it was written or queued."""

    key: NamespacedName
    project: str
    subject: str
    what: t.Literal["sync", "terminate", "refresh"]
    details: dict[str, str] = msgspec.field(default_factory=dict)
    """sync: revision, dry_run, prune, resources and the reason given for break-glass, as far as they were given."""
