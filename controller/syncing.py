"""One turn of an operation: begin, go on, retry, terminate, finish. One Application at a time.

A turn may be cut off after any write: the commit is pinned in status.operationState before the first object is
written, what was applied is found applied by the next turn, and the request is erased together with its result.
Called by controller.manager's operation workers.
"""

from __future__ import annotations

import datetime as dt

import msgspec

from controller import history, operation, published, status, target, trail
from controller.autostart import shown_rule
from controller.backoff import retry_wait
from controller.conditions import AUTOSYNC_TYPES, COMPARE_TYPES, SPEC_TYPES
from controller.context import Context
from controller.evaluation import Comparison
from controller.gate import Gate, Refused, effective_application
from controller.healing import healed
from controller.impersonation import client_for
from controller.memory import Memory
from controller.reconciler import Refresher
from controller.refresh import Request
from controller.sync.apply import Applier
from controller.sync.engine import Engine, Outcome
from controller.sync.namespaces import ensure_namespace
from controller.sync.options import Options
from controller.sync.plan import Wave, arrange
from controller.sync.select import refusal, select
from controller.turn import Turn
from model.application import Application, OperationState, Source, SyncOperation, revisions_of
from model.errors import Denied, InvalidInput, PermanentError
from model.events import SyncAttempted
from model.meta import JSON
from model.states import OperationPhase, RefreshLevel

WAIT_SECONDS = 5.0
"""Until a sync that waits for an object looks again; watch events come sooner."""


class Syncer:
    """Runs the turns of operations."""

    def __init__(self, context: Context, refresher: Refresher) -> None:
        self._context, self._refresher = context, refresher

    def turn(self, app: Application, memory: Memory, turn: Turn) -> None:
        """Take the operation of the Application one step further."""
        now = self._context.clock.now()
        step = operation.next_step(app, now)
        turn.quiet = step.verb in ("none", "wait")
        if step.state is None:
            return
        memory.witness.meet(app, self._context.started())
        state = memory.witness.as_begun(step.state)
        left = self._until_retry(memory, step, now)
        if left > 0:
            self._wait_for_retry(app, memory, turn, state, left, now)
            return
        memory.retry_due = None
        turn.project, turn.reason = app.spec.project, f"operation {step.verb}"
        trail.operate(app, memory, turn, state, operation.pinned_revisions(state))
        if step.verb == "terminate" or self._timed_out(state, now):
            done = operation.ended(state, OperationPhase.FAILED, operation.TERMINATED, now)
            self._finish(app, memory, turn, done)
            return
        if step.verb == "begin":
            memory.witness.begin(state, now)
            by = state.operation.initiated_by.username or "somebody"
            self._context.recorder.record(app, "OperationStarted", f"{by} initiated sync")
        self._run(app, memory, turn, operation.restarted(state) if step.verb == "wait" else state)

    def _until_retry(self, memory: Memory, step: operation.Step, now: dt.datetime) -> float:
        """Return the seconds to the retry: by our own count where we announced it, else by what is recorded."""
        if step.verb in ("wait", "retry") and memory.retry_due is not None:
            return memory.retry_due - self._context.clock.monotonic()
        return (step.at - now).total_seconds() if step.at is not None else 0.0

    def _wait_for_retry(
        self, app: Application, memory: Memory, turn: Turn, state: OperationState, left: float, now: dt.datetime
    ) -> None:
        """Come back for the retry; when a window closes before, the operation ends and keeps nobody out."""
        turn.quiet = True
        refused, seconds = Gate(self._context, app, memory, state).glance(now)
        if refused is not None:
            turn.quiet, turn.project, turn.reason = False, app.spec.project, "operation wait"
            self._refused(app, memory, turn, state, refused)
            return
        if memory.retry_due is None:
            memory.retry_due = self._context.clock.monotonic() + left
        self._context.ask_operation(app.key, min(left, seconds) if seconds is not None else left)

    def _timed_out(self, state: OperationState, now: dt.datetime) -> bool:
        """Say whether the operation runs longer than the limit, if there is one."""
        limit = self._context.options.sync_timeout
        return bool(limit) and now - operation.recorded_start(state, now) > limit

    def _run(self, app: Application, memory: Memory, turn: Turn, state: OperationState) -> None:
        """Run one step; every expected failure ends the attempt with a message."""
        gate = Gate(self._context, app, memory, state)
        try:
            with turn.stage("policy"):
                gate.ask_first()
            self._step(app, memory, turn, state, gate)
        except Refused as refused:
            self._refused(app, memory, turn, state, refused)
        except Denied as failure:
            self._attempted(app, memory, turn, state, OperationPhase.ERROR, str(failure))
        except (PermanentError, InvalidInput) as failure:
            self._attempted(app, memory, turn, state, OperationPhase.ERROR, str(failure))

    def _step(self, app: Application, memory: Memory, turn: Turn, state: OperationState, gate: Gate) -> None:
        """Render and compare at the pinned commits, then apply."""
        context, sync = self._context, state.operation.sync or SyncOperation()
        sources = operation.effective_sources(app, state.operation)
        effective = gate.effective
        place = target.check(context, effective)
        turn.dest_server = place.cluster.server
        revisions = self._revisions(effective, turn, state, sources)
        trail.operate(app, memory, turn, state, revisions)
        with turn.stage("render") as stage:
            rendered = target.render(context, effective, place, sources, revisions, hard=False)
            stage.attributes["objects"] = len(rendered.objects)
            turn.rendered(rendered.source_types)
        if sources == app.spec.all_sources:
            memory.remember_render(revisions, rendered.key)
        basis = self._refresher.basis(effective, place, rendered.key)
        comparison = self._refresher.compare(effective, memory, turn, place, rendered, basis)
        options = Options([*app.spec.sync_options, *(sync.sync_options or ())])
        why = refusal(
            comparison.tasks,
            sync,
            options,
            allow_empty=bool(app.spec.automated and app.spec.automated.allow_empty),
            unknown=comparison.unknown,
            shared=comparison.shared,
        )
        if why:
            self._attempted(app, memory, turn, state, OperationPhase.ERROR, why)
            return
        selection = select(comparison.tasks, sync, options)
        refused = gate.permit(selection.tasks)
        if refused is not None:
            text = f"{operation.NOT_VALID}: {refused.reason}"
            self._attempted(app, memory, turn, state, OperationPhase.FAILED, text)
            return
        client = client_for(context, effective, place.cache)
        app, state = self._pin(app, state, revisions, sources)
        memory.witness.pin(state)
        with turn.stage("apply") as stage:
            earlier = (state.sync_result.resources if state.sync_result else None) or ()
            applier = Applier(place.cache, options, client)
            engine = Engine(place.cache, applier, context.pool, earlier, gate=gate.ask_again, note=stage.note)
            for task, message in selection.skipped:
                engine.skip(task, message)
            waves = arrange(selection.tasks, options)
            if not sync.dry_run and not gate.ask_again():
                ensure_namespace(app, place.cache, options, [task.key for task in selection.tasks], client)
            outcome = self._apply(engine, waves, dry_run=sync.dry_run)
            stage.attributes["changed"] = outcome.changed
        self._settle(app, memory, turn, state, outcome, comparison, revisions, gate)

    def _apply(self, engine: Engine, waves: tuple[Wave, ...], *, dry_run: bool) -> Outcome:
        """Let the server judge everything, then run the waves."""
        failure = engine.dry_run(waves)
        if failure:
            return engine.outcome("failed", failure)
        if dry_run:
            return engine.outcome("done", "successfully synced (dry run)")
        return engine.run(waves)

    def _revisions(
        self, app: Application, turn: Turn, state: OperationState, sources: tuple[Source, ...]
    ) -> tuple[str, ...]:
        """Return the pinned commits, or resolve what the operation asks for."""
        pinned = operation.pinned_revisions(state)
        if len(pinned) == len(sources) and all(pinned):
            return pinned
        asked = operation.requested_revisions(state.operation, sources)
        with turn.stage("git") as stage:
            wanted = [
                msgspec.structs.replace(source, target_revision=revision)
                for source, revision in zip(sources, asked, strict=True)
            ]
            found = target.resolve(self._context, app, wanted, force=True)
            stage.attributes["revision"] = ",".join(found)
            return found

    def _pin(
        self, app: Application, state: OperationState, revisions: tuple[str, ...], sources: tuple[Source, ...]
    ) -> tuple[Application, OperationState]:
        """Write the commits into the state before the first object is written, unless they stand there."""
        state = operation.pinned(state, revisions, sources, multiple=bool(app.spec.sources))
        recorded = app.status.operation_state
        known = operation.pinned_revisions(recorded) if recorded and not operation.is_completed(recorded) else ()
        if known == revisions and recorded is not None and recorded.finished_at is None:
            return app, state
        body: JSON = {"status": {"operationState": self._replaced(app, state)}}
        return self._context.writer.patch(app, body, guarded=True), state

    def _replaced(self, app: Application, state: OperationState) -> JSON:
        """Return the patch that makes status.operationState exactly this state."""
        wanted = {"operationState": status.operation_state(state)}
        patch = status.merge_patch(published.raw_status(app), wanted)
        found: JSON = patch.get("operationState", {})
        return found

    def _settle(
        self,
        app: Application,
        memory: Memory,
        turn: Turn,
        state: OperationState,
        outcome: Outcome,
        comparison: Comparison,
        revisions: tuple[str, ...],
        gate: Gate,
    ) -> None:
        """Write how far the step came."""
        message = outcome.message
        if comparison.hooks:
            message += f"; {comparison.hooks} hooks were not run, this version does not support hooks"
        state = operation.with_results(state, outcome.results, message)
        if outcome.verdict == "stopped":
            self._refused(app, memory, turn, state, gate.refusal or Refused(message))
        elif outcome.verdict == "waiting":
            self._wait(app, turn, state, WAIT_SECONDS)
        elif outcome.verdict == "failed":
            self._attempted(app, memory, turn, state, OperationPhase.FAILED, message)
        else:
            self._attempted(app, memory, turn, state, OperationPhase.SUCCEEDED, message, revisions=revisions)

    def _wait(self, app: Application, turn: Turn, state: OperationState, seconds: float) -> None:
        """Write that the operation waits, and for what, unless that stands there; come back later."""
        turn.outcome.update(phase=str(state.phase), message=state.message[:200])

        def make(newest: Application) -> JSON | None:
            recorded = newest.status.operation_state
            if newest.operation is None or (recorded and recorded.phase == OperationPhase.TERMINATING):
                return None
            patch = self._replaced(newest, state)
            return {"status": {"operationState": patch}} if patch else {}

        with turn.stage("status"):
            published.write_retrying(self._context, app, make)
        self._context.ask_operation(app.key, seconds)

    def _refused(self, app: Application, memory: Memory, turn: Turn, state: OperationState, refused: Refused) -> None:
        """Policy forbids to go on: the operation ends here, for one that waits would keep everybody else out.

        An automated change is begun anew, with the newest commit, when it may; a person is told why and until when.
        """
        turn.outcome.update(decision="deny")
        if refused.decision is not None:
            turn.outcome["rule"] = shown_rule(refused.decision)
        if refused.stopping:
            self._wait(app, turn, state, 1.0)
            return
        wrote = bool(state.sync_result and state.sync_result.resources)
        begins = operation.STOPPED if wrote else operation.BLOCKED if refused.timed else operation.REFUSED
        phase = OperationPhase.ERROR if refused.fatal else OperationPhase.FAILED
        done = operation.ended(state, phase, f"{begins}: {refused}", self._context.clock.now())
        self._finish(app, memory, turn, done)

    def _attempted(
        self,
        app: Application,
        memory: Memory,
        turn: Turn,
        state: OperationState,
        phase: OperationPhase,
        message: str,
        *,
        revisions: tuple[str, ...] = (),
    ) -> None:
        """End an attempt: finished, or to be retried."""
        now = self._context.clock.now()
        done = operation.finished(state, phase, message, now)
        if not operation.is_completed(done):
            turn.error = message
            self._tell(app, turn, done, phase, final=False)
            wait = retry_wait(done.operation.retry, state.retry_count) if done.operation.retry else dt.timedelta(0)
            memory.retry_due = self._context.clock.monotonic() + wait.total_seconds()
            self._wait(app, turn, done, wait.total_seconds())
            return
        if phase is not OperationPhase.SUCCEEDED:
            turn.error = message
        self._finish(app, memory, turn, done, revisions=revisions)

    def _finish(
        self,
        app: Application,
        memory: Memory,
        turn: Turn,
        state: OperationState,
        *,
        revisions: tuple[str, ...] = (),
    ) -> None:
        """Write the end: result, history and the erased request in one patch; then look at the outcome."""
        now = self._context.clock.now()
        ours = state.operation
        judged: list[bool] = []

        def make(newest: Application) -> JSON | None:
            fields: JSON = {"operationState": status.operation_state(state)}
            if state.phase == OperationPhase.SUCCEEDED and history.is_deployment(state):
                entries = history.appended(
                    newest.status.history, state, limit=newest.spec.revision_history_limit, now=now
                )
                fields["history"] = status.history(entries) or None
            if revisions and state.phase == OperationPhase.SUCCEEDED:
                fields.update(self._verdict(newest, memory, turn, state, revisions, now))
            judged.append("sync" in fields)
            body = published.patch_of(newest, fields, now, compared=False, answer=False)
            if newest.operation == ours:
                body["operation"] = None
            return body

        with turn.stage("status"):
            new = published.write_retrying(self._context, app, make)
        memory.witness.end(new, state)
        memory.retry_due = None
        turn.outcome["phase"] = str(state.phase)
        self._tell(new, turn, state, OperationPhase(state.phase), final=True)
        text = f"{'Partial sync' if ours.sync and ours.sync.resources else 'Sync'} operation to "
        text += f"{', '.join(operation.pinned_revisions(state)) or 'nothing'} {str(state.phase).lower()}"
        failed = state.phase != OperationPhase.SUCCEEDED
        self._context.recorder.record(new, "OperationCompleted", text, "Warning" if failed else "Normal")
        level = RefreshLevel.LATEST if ours.initiated_by.automated else RefreshLevel.LATEST_FORCED
        if memory.basis is None or memory.dirty or failed or not any(judged[-1:]):
            self._context.ask_refresh(app.key, Request(level=level, reason="operation finished"), 0.0)

    def _verdict(
        self,
        app: Application,
        memory: Memory,
        turn: Turn,
        state: OperationState,
        revisions: tuple[str, ...],
        now: dt.datetime,
    ) -> JSON:
        """Compare again after an automated sync, so that its result is seen in the same write."""
        if not state.operation.initiated_by.automated or memory.basis is None:
            return {}
        effective = effective_application(app, state)
        stale = healed(state) and revisions != revisions_of(app.status.sync)
        if effective.spec.all_sources != app.spec.all_sources or stale:
            return {}
        place = target.check(self._context, app)
        rendered = target.render(self._context, app, place, app.spec.all_sources, revisions, hard=False)
        basis = self._refresher.basis(app, place, rendered.key)
        comparison = self._refresher.compare(app, memory, turn, place, rendered, basis)
        with turn.stage("health"):
            found = published.verdict_fields(self._context, app, comparison.evaluation, revisions, now)
        turn.outcome["sync"] = str(comparison.evaluation.status)
        turn.outcome["health"] = str(comparison.evaluation.health.status)
        owned = SPEC_TYPES | COMPARE_TYPES | AUTOSYNC_TYPES
        return {**found, **published.condition_fields(app, owned, comparison.evaluation.findings, now)}

    def _tell(self, app: Application, turn: Turn, state: OperationState, phase: OperationPhase, *, final: bool) -> None:
        """Publish the end of an attempt."""
        now, sync = self._context.clock.now(), state.operation.sync
        automated = state.operation.initiated_by.automated
        self._context.publish(
            SyncAttempted(
                key=app.key,
                project=app.spec.project or "default",
                dest_server=turn.dest_server,
                phase=str(phase),
                dry_run=bool(sync and sync.dry_run),
                final=final,
                started=operation.recorded_start(state, now).timestamp(),
                finished=now.timestamp(),
                revision=", ".join(operation.pinned_revisions(state)),
                automated=automated,
                self_heal=bool(automated and sync and sync.auto_heal_attempts_count),
                message=state.message,
            )
        )
