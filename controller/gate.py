"""Policy at the door of an operation: asked before it begins and again before every wave and retry.

The effective operation is what counts: with its own source, revision and options, not with those of the spec. Called by
controller.syncing.
"""

from __future__ import annotations

import datetime as dt

import msgspec

from controller import operation
from controller.context import Context
from controller.memory import Memory
from model.application import Application, OperationState
from model.decision import Decision
from model.events import DecisionMade
from model.states import OperationPhase
from policy.guard import Subject

UNKNOWN_WAIT = 60.0
"""Seconds until policy is asked again when it does not say when its answer changes."""


class Refused(Exception):  # noqa: N818 - a refusal is no error
    """Policy does not let the operation go on; the text is one sentence that names the rule."""

    def __init__(
        self, text: str, decision: Decision | None = None, *, fatal: bool = False, stopping: bool = False
    ) -> None:
        super().__init__(text)
        self.decision, self.fatal, self.stopping = decision, fatal, stopping

    def seconds(self, now: dt.datetime) -> float:
        """Return how long to wait before asking again."""
        until = self.decision.until if self.decision is not None else None
        return max(0.1, (until - now).total_seconds()) if until else UNKNOWN_WAIT


class Gate:
    """The door of one operation."""

    def __init__(self, context: Context, app: Application, memory: Memory, state: OperationState) -> None:
        self._context, self._app, self._memory, self._state = context, app, memory, state
        self.effective = effective_application(app, state)
        """The Application as the operation uses it."""

    def ask_first(self) -> None:
        """Ask everything; raises Refused."""
        sync = self._state.operation.sync
        if sync is None:
            raise Refused("The operation has no sync section, so there is nothing to do", fatal=True)
        if sync.manifests:
            raise Refused("The operation brings manifests of its own, which this version does not apply", fatal=True)
        if not self._context.governance.loaded:
            raise Refused("The policy is malformed and there is no last good one: nothing is synced")
        decision = self._decision()
        self._context.publish(
            DecisionMade(
                decision=decision,
                resource="applications",
                action="sync",
                source="loop",
                project=self._app.spec.project,
                key=self._app.key,
                subject=self._state.operation.initiated_by.username,
                manual=not self._state.operation.initiated_by.automated,
            )
        )
        self._judge(decision)
        self._override()

    def ask_again(self) -> str:
        """Ask before a wave; empty text lets it begin. Raises Refused with the way to go on."""
        if self._context.stopping():
            raise Refused("Lynceus is stopping; the sync goes on after the restart", stopping=True)
        newest = self._context.applications.get(self._app.key)
        if newest is None or newest.deleting:
            raise Refused("The Application is being deleted", fatal=True)
        recorded = newest.status.operation_state
        if recorded is not None and recorded.phase == OperationPhase.TERMINATING:
            raise Refused(operation.TERMINATED, stopping=True)
        used = self._context.guard.may_use(self.effective)
        if not used.allowed:
            raise Refused(used.reason, used, fatal=not self._state.operation.initiated_by.automated)
        self._judge(self._decision())
        return ""

    def _decision(self) -> Decision:
        """Ask for the sync itself: windows, freezes, and for a named person also RBAC."""
        context, state, now = self._context, self._state, self._context.clock.now()
        by = state.operation.initiated_by
        own = self._memory.operation_started.get(state.started_at)
        return context.guard.may_sync(
            self.effective,
            now=now,
            manual=not by.automated,
            started=operation.start_of(state, own, now),
            subject=Subject(by.username, state.operation.initiator_groups)
            if by.username and not by.automated
            else None,
        )

    def _judge(self, decision: Decision) -> None:
        """Raise unless allowed; only windows and freezes are worth waiting for."""
        if decision.allowed:
            return
        waits = decision.rule is not None and decision.rule.kind in ("window", "freeze")
        raise Refused(decision.reason, decision, fatal=not waits and not self._state.operation.initiated_by.automated)

    def _override(self) -> None:
        """A named person who brings another source or revision needs the right to override."""
        by, sync = self._state.operation.initiated_by, self._state.operation.sync
        if sync is None or by.automated or not by.username:
            return
        other = operation.effective_sources(self._app, self._state.operation) != self._app.spec.all_sources
        sources = self._app.spec.all_sources
        asked = operation.requested_revisions(self._state.operation, sources) if not other else ()
        if not other and all(a == s.target_revision for a, s in zip(asked, sources, strict=True)):
            return
        name = self._app.rbac_object(self._context.namespace)
        decision = self._context.guard.can(
            Subject(by.username, self._state.operation.initiator_groups), "applications", "override", name
        )
        if not decision.allowed:
            raise Refused(decision.reason, decision, fatal=True)


def effective_application(app: Application, state: OperationState) -> Application:
    """Return the Application with the sources that the operation uses."""
    sources = operation.effective_sources(app, state.operation)
    if sources == app.spec.all_sources:
        return app
    sync = state.operation.sync
    multiple = bool(sync and sync.sources)
    spec = msgspec.structs.replace(
        app.spec, source=None if multiple else sources[0], sources=list(sources) if multiple else None
    )
    return msgspec.structs.replace(app, spec=spec)
