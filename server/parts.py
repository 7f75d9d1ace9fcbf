"""What the server needs from the rest of the house, handed over by the wiring. No behaviour."""

from __future__ import annotations

import dataclasses
import datetime as dt
import typing as t

from exporter import Exporter
from model.application import Application, Operation
from model.decision import Decision
from model.events import Event
from model.meta import NamespacedName
from model.secrets import WebhookSecrets
from model.settings import RbacSwitches
from model.states import RefreshLevel
from policy.subjects import Subject
from policy.windows import WindowDecision


class Clock(t.Protocol):
    """The clocks."""

    def now(self) -> dt.datetime:
        """Return the time as an aware UTC datetime."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never run backwards."""
        ...


class Guard(t.Protocol):
    """The questions to policy.guard that the API asks."""

    def can(self, subject: Subject, resource: str, action: str, object: str) -> Decision:
        """May the subject do this by RBAC."""
        ...

    def may_sync(
        self,
        app: Application,
        *,
        now: dt.datetime,
        manual: bool,
        started: dt.datetime | None = None,
        subject: Subject | None = None,
        break_glass: str = "",
    ) -> Decision:
        """May this Application be synced now by windows, freezes and, with a subject, RBAC."""
        ...

    def windows(self, app: Application, *, now: dt.datetime, manual: bool) -> WindowDecision | None:
        """Return which windows apply to an Application and which are open; None without a project."""
        ...


class Identity(t.Protocol):
    """Tells who sent a request."""

    def subject(self, authorization: str) -> Subject | None:
        """Return the Subject for the value of an Authorization header, or None when it names nobody."""
        ...

    @property
    def off(self) -> str:
        """Why nobody at all can be told apart (no token file); empty when the API is on."""
        ...


class RequestRefresh(t.Protocol):
    """Puts an Application into the queue."""

    def __call__(self, key: NamespacedName, level: RefreshLevel, reason: str, *, hard: bool = False) -> object:
        """Ask for a comparison of that depth; `hard` passes by the render cache."""
        ...


class RefreshPushed(t.Protocol):
    """Puts an Application into the queue for a push."""

    def __call__(self, key: NamespacedName, *, since: float, pushed_at: float | None) -> object:
        """Ask for a comparison with what Git has after `since` (monotonic); `pushed_at` (Unix seconds) once a push."""
        ...


@dataclasses.dataclass(frozen=True, kw_only=True)
class Parts:
    """Everything that the server is given."""

    exporter: Exporter
    healthy: t.Callable[[], bool]
    """False once the loop has stopped making progress."""
    ready: t.Callable[[], bool]
    """True once the caches are filled."""
    clock: Clock
    guard: Guard
    identity: Identity
    applications: t.Callable[[], t.Iterable[Application]]
    """The Applications in the store."""
    version: str
    mode: t.Literal["reconcile", "observe"] = "reconcile"
    control_namespace: str = "argocd"
    submit_operation: t.Callable[[NamespacedName, Operation], object] | None = None
    """Writes the root field `operation`; raises Conflict when one is there. None: this instance writes none."""
    terminate_operation: t.Callable[[NamespacedName], object] | None = None
    """Ends a running operation; raises NotFound when none runs. None: this instance ends none."""
    request_refresh: RequestRefresh | None = None
    webhook_secrets: t.Callable[[], WebhookSecrets] | None = None
    """What Git servers prove their webhooks with; may block and raise LynceusError. None: there is no such endpoint."""
    webhook_megabytes: t.Callable[[], int] = lambda: 0
    """webhook.maxPayloadSizeMB of argocd-cm; 0: not set."""
    refresh_pushed: RefreshPushed | None = None
    """Asks for the refresh that a push brings. None: pushes are only noted."""
    switches: t.Callable[[], RbacSwitches] = RbacSwitches
    """Which deeds need which rights, from argocd-cm."""
    publish: t.Callable[[Event], None] = lambda event: None
    """Told each answer of the guard."""
