"""Policy at the door of an operation: asked before it begins, on each retry, before every wave and every write.

The effective operation is what counts: with its own source, revision and options, not with those of the spec. Called by
controller.syncing.
"""

from __future__ import annotations

import datetime as dt

from controller import operation, overrides
from controller.context import Context
from controller.memory import Memory
from controller.permit import forbidden
from controller.sync.plan import Task
from model.application import Application, OperationState
from model.decision import Decision
from model.events import DecisionMade
from model.states import OperationPhase
from policy.guard import Subject
from policy.rbac import deeds


class Refused(Exception):  # noqa: N818 - a refusal is no error
    """Policy does not let the operation go on; the text is one sentence that names the rule."""

    def __init__(
        self, text: str, decision: Decision | None = None, *, fatal: bool = False, stopping: bool = False
    ) -> None:
        """Keep why.

        Args:
            text: one sentence.
            decision: the answer that forbids it, if there is one.
            fatal: no passing of time will change it.
            stopping: not a refusal of the operation: this process cannot go on with it now.
        """
        super().__init__(text)
        self.decision, self.fatal, self.stopping = decision, fatal, stopping

    @property
    def timed(self) -> bool:
        """True when a window or freeze is against it."""
        rule = self.decision.rule if self.decision is not None else None
        return rule is not None and rule.kind in ("window", "freeze")


class Gate:
    """The door of one operation."""

    def __init__(self, context: Context, app: Application, memory: Memory, state: OperationState) -> None:
        self._context, self._app, self._memory, self._state = context, app, memory, state
        self.effective = effective_application(app, state)
        """The Application as the operation uses it."""
        by = state.operation.initiated_by
        claimed = app.operation is not None and app.operation.initiated_by.automated
        self.automated = by.automated or claimed
        """Nobody asked for it by hand: as soon as one of the records says so, for who may write one may write both."""
        self._tasks: tuple[Task, ...] = ()
        self._permitted_by = ""
        self.refusal: Refused | None = None
        """The last refusal of `ask_again`; writers side by side may have heard several."""

    def ask_first(self) -> None:
        """Ask everything; raises Refused."""
        sync = self._state.operation.sync
        if sync is None:
            raise Refused("The operation has no sync section, so there is nothing to do", fatal=True)
        if sync.manifests:
            raise Refused("The operation brings manifests of its own, which this version does not apply", fatal=True)
        governance = self._context.governance
        if text := governance.missing():
            raise Refused(text, stopping=not governance.synced())
        decision = self._decision(self.effective)
        self._publish(decision)
        self._judge(decision)
        self._override()
        if decision.overrode is not None:
            overrides.tell(self._context, self._app, self._memory.witness, self._state, decision)

    def permit(self, tasks: tuple[Task, ...]) -> Decision | None:
        """Return the project's first refusal among the objects; they are asked about again when policy changes."""
        self._tasks, self._permitted_by = tasks, self._context.guard.current.id
        return forbidden(self._context, self.effective, tasks)

    def ask_again(self) -> str:
        """Ask before a wave or a write: empty text lets it begin, else `refusal` says how to go on."""
        try:
            self._ask_again()
        except Refused as refused:
            self.refusal = refused
            return str(refused)
        return ""

    def glance(self, now: dt.datetime) -> tuple[Refused | None, float | None]:
        """Return whether windows are against an operation that only waits, and in how many seconds that may change."""
        decision = self._decision(self.effective)
        seconds = max(0.1, (decision.until - now).total_seconds()) if decision.until is not None else None
        if decision.allowed:
            return None, seconds
        refused = Refused(decision.reason, decision)
        return (refused if refused.timed else None), seconds

    def _ask_again(self) -> None:
        if self._context.stopping():
            raise Refused("Lynceus is stopping; the sync goes on after the restart", stopping=True)
        newest = self._context.applications.get(self._app.key)
        if newest is None or newest.deleting or newest.metadata.uid != self._app.metadata.uid:
            raise Refused("The Application is being deleted", fatal=True)
        recorded = newest.status.operation_state
        if recorded is not None and recorded.phase == OperationPhase.TERMINATING:
            raise Refused(operation.TERMINATED, stopping=True)
        if (newest.spec.project, newest.spec.destination) != (self._app.spec.project, self._app.spec.destination):
            raise Refused("project or destination of the Application were changed during the sync")
        effective = effective_application(newest, self._state)
        used = self._context.guard.may_use(effective)
        if not used.allowed:
            raise Refused(used.reason, used, fatal=not self.automated)
        self._judge(self._decision(effective))
        generation = self._context.guard.current.id
        if self._tasks and generation != self._permitted_by:
            refused = forbidden(self._context, effective, self._tasks)
            if refused is not None:
                raise Refused(refused.reason, refused, fatal=not self.automated)
            self._permitted_by = generation

    def _decision(self, app: Application) -> Decision:
        """Ask for the sync itself: windows, freezes, and for a named person also RBAC."""
        context, state, now = self._context, self._state, self._context.clock.now()
        begun = self._memory.witness.begun(state)
        manual = not self.automated
        return context.guard.may_sync(
            app,
            now=now,
            manual=manual,
            started=operation.start_of(state, begun.at if begun else None, now),
            subject=self._subject() if manual else None,
            healing=self.automated and self._healing(),
            break_glass=state.operation.break_glass if manual else "",
        )

    def _subject(self) -> Subject | None:
        name = self._state.operation.initiated_by.username
        return Subject(name, self._state.operation.initiator_groups) if name else None

    def _healing(self) -> bool:
        """Say whether the operation only brings back what was synced last."""
        known = self._memory.witness.deployed(self._app)
        return known is not None and (known.revisions, known.sources) == (
            operation.pinned_revisions(self._state),
            operation.effective_sources(self._app, self._state.operation),
        )

    def _judge(self, decision: Decision) -> None:
        """Raise unless allowed; only windows and freezes pass with time."""
        if decision.allowed:
            return
        refused = Refused(decision.reason, decision)
        refused.fatal = not refused.timed and not self.automated
        raise refused

    def _override(self) -> None:
        """A named person who brings another source needs the right to override, and for another revision it depends."""
        subject, sync, sources = self._subject(), self._state.operation.sync, self._app.spec.all_sources
        if sync is None or self.automated or subject is None:
            return
        other = operation.effective_sources(self._app, self._state.operation) != sources
        asked = operation.requested_revisions(self._state.operation, sources) if not other else ()
        moved = any(a != s.target_revision for a, s in zip(asked, sources, strict=False))
        deed = deeds.sync(
            self._app.rbac_object(self._context.namespace),
            self._context.governance.settings.rbac_switches,
            manifests=other,
            other_revision=moved,
        )
        decision = deeds.judge(deed, lambda *ask: self._context.guard.can(subject, *ask))
        if not decision.allowed:
            raise Refused(decision.reason, decision, fatal=True)

    def _publish(self, decision: Decision) -> None:
        self._context.publish(
            DecisionMade(
                decision=decision,
                resource="applications",
                action="sync",
                source="loop",
                project=self._app.spec.project or "default",
                key=self._app.key,
                subject=self._state.operation.initiated_by.username,
                manual=not self.automated,
            )
        )


def effective_application(app: Application, state: OperationState) -> Application:
    """Return the Application with the sources that the operation uses."""
    sources = operation.effective_sources(app, state.operation)
    sync = state.operation.sync
    return operation.with_sources(app, sources, multiple=bool(sync and sync.sources))
