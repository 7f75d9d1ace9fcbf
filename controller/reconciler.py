"""One refresh turn: is it due, resolve, render, compare, decide, write. One Application at a time.

A turn with unchanged inputs compares nothing and writes nothing. Called by controller.manager's refresh workers, which
stand around it with the boundary that catches whatever goes wrong.
"""

from __future__ import annotations

import datetime as dt
import random

import msgspec

from controller import autostart, healing, orphans, published, refresh, status, target, trail
from controller.conditions import COMPARE_TYPES, DECIDED_TYPES, SPEC_TYPES, Finding
from controller.context import Context
from controller.evaluation import Comparison, Question, evaluate
from controller.memory import Basis, Memory
from controller.permit import permits, permits_kind
from controller.refresh import Request
from controller.sources.requests import Rendered
from controller.sync.options import Options
from controller.turn import Turn
from model.application import REFRESH_ANNOTATION, SKIP_RECONCILE_ANNOTATION, Application, HealthState, revisions_of
from model.errors import Conflict, Denied, InvalidInput, PermanentError, SourceUnavailable, TemporaryError
from model.meta import JSON
from model.states import ConditionType, HealthStatus, RefreshLevel, SyncStatus

KEPT_WISHES = 3
"""How often a refresh annotation stays for another refresh because somebody wrote while it was being answered."""
RETRY_SECONDS = 30.0
"""Until an unreachable source or cluster is asked again, plus jitter."""


class Refresher:
    """Runs refresh turns."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def turn(self, app: Application, memory: Memory, turn: Turn) -> None:
        """Refresh the Application if it is due; raises what the boundary has to deal with."""
        context, now = self._context, self._context.clock.now()
        if app.metadata.annotation(SKIP_RECONCILE_ANNOTATION) == "true" or app.deleting:
            turn.quiet = True
            if not app.deleting:
                autostart.ask_again(context, app, memory, now, wanted=memory.requested is not None)
                self._at(app, [memory.permission_until], now)
            return
        memory.witness.meet(app, context.started())
        settings = context.governance.settings
        request = refresh.decide(
            app, requested=memory.requested, checked_at=memory.checked_at, settings=settings, now=now
        )
        memory.requested = None
        if request is None and memory.checked_at is None and _pending(app):
            request = Request(level=RefreshLevel.LATEST, reason="first look")
        turn.quiet = request is None
        if request is not None:
            turn.level, turn.reason, turn.project = int(request.level), request.reason, app.spec.project
            turn.pushed_at, request = request.pushed_at, msgspec.structs.replace(request, pushed_at=None)
            self._refresh(app, memory, turn, request, now)
        autostart.ask_again(context, app, memory, now, wanted=request is not None)
        newest = context.applications.get(app.key) or app
        due = refresh.next_due(newest, memory.checked_at, settings)
        later = memory.later_seconds(context.clock.monotonic())
        self._at(app, [due, memory.permission_until], now, later)

    def _at(
        self, app: Application, times: list[dt.datetime | None], now: dt.datetime, later: float | None = None
    ) -> None:
        """Come back at the first of these times, or in `later` seconds."""
        seconds = [(at - now).total_seconds() for at in times if at is not None]
        if seconds or later is not None:
            self._again(app, min(seconds if later is None else [*seconds, later]))

    def _again(self, app: Application, seconds: float) -> None:
        """Come back when the clock runs out; the clock is the reason, so no request is noted."""
        request = Request(level=RefreshLevel.NOTHING, reason="timer")
        self._context.ask_refresh(app.key, request, max(0.05, seconds))

    def _refresh(self, app: Application, memory: Memory, turn: Turn, request: Request, now: dt.datetime) -> None:
        """Run one refresh; every expected failure becomes a condition."""
        try:
            place = target.check(self._context, app)
        except (InvalidInput, Denied) as failure:
            self._invalid(app, memory, turn, failure, request, now)
            return
        except TemporaryError as failure:
            self._unknown(app, memory, turn, failure, request, now)
            return
        turn.dest_server = place.cluster.server
        try:
            revisions = self._revisions(app, memory, turn, request)
            trail.resolved(turn, revisions)
            if self._unchanged(app, memory, place, revisions, request):
                self._quiet(app, memory, turn, revisions, request, now)
                return
            trail.follow(app, memory, turn, revisions)
            with turn.stage("render") as stage:
                rendered = target.render(self._context, app, place, app.spec.all_sources, revisions, hard=request.hard)
                stage.attributes["objects"] = len(rendered.objects)
                turn.rendered(rendered.source_types)
        except TemporaryError as failure:
            if not self._grace(app, memory, turn, failure, request, now):
                self._unknown(app, memory, turn, failure, request, now)
            return
        except (PermanentError, InvalidInput) as failure:
            self._unknown(app, memory, turn, failure, request, now)
            return
        memory.source_failed_at = None
        self._compare(app, memory, turn, place, rendered, revisions, request, now)

    def _revisions(self, app: Application, memory: Memory, turn: Turn, request: Request) -> tuple[str, ...]:
        """Return the commits to compare with: those of the last comparison at level 1, else resolved ones."""
        known = revisions_of(app.status.sync)
        if request.level <= RefreshLevel.RECENT and known and all(known) and len(known) == len(app.spec.all_sources):
            return known
        with turn.stage("git") as stage:
            force = request.level >= RefreshLevel.LATEST_FORCED
            asked = self._context.clock.monotonic()
            found = target.resolve(self._context, app, app.spec.all_sources, force=force, since=request.since)
            # What is wanted for an opening to come may be asked for before it: then the list is of now.
            listed = asked if force else request.since
            memory.listed = max(memory.listed, min(asked, listed)) if listed is not None else memory.listed
            stage.attributes["revision"] = ",".join(found)
            return found

    def basis(self, app: Application, place: target.Place, render_key: str) -> Basis:
        """Return what a comparison depends on besides the live objects."""
        known = orphans.basis(self._context, app)
        spec = (app.spec.all_sources, app.spec.destination, app.spec.ignore_differences, app.spec.sync_options, known)
        settings = hash(msgspec.json.encode(self._context.governance.settings))
        return Basis(render_key, settings, place.cluster.server, msgspec.json.encode(spec))

    def _unchanged(
        self, app: Application, memory: Memory, place: target.Place, revisions: tuple[str, ...], request: Request
    ) -> bool:
        """Say whether the last comparison still stands, without rendering anything."""
        known = memory.render_keys.get(revisions)
        if known is None or request.hard or memory.dirty or memory.evaluation is None:
            return False
        return memory.basis == self.basis(app, place, known)

    def _quiet(
        self, app: Application, memory: Memory, turn: Turn, revisions: tuple[str, ...], request: Request,
        now: dt.datetime,
    ) -> None:  # fmt: skip
        """End a turn whose inputs did not change: only what the clock alone can change is decided again."""
        evaluation = memory.evaluation
        if evaluation is None:
            return
        memory.source_failed_at = None
        if self._moves_only(app, memory, revisions):
            later = msgspec.structs.replace(request, level=RefreshLevel.LATEST, reason="revision moved")
            memory.ask(later)
            self._context.ask_behind(app.key)
            return
        self._checked(memory, request, now)
        start = autostart.decide(self._context, app, memory, turn, evaluation, None, revisions, now)
        if start.heal is not None and not memory.heal_looked:
            memory.dirty = True
            start = msgspec.structs.replace(start, again_seconds=0.0)
        fields = {
            **published.verdict_fields(self._context, app, evaluation, revisions, now),
            **published.condition_fields(app, DECIDED_TYPES, [*evaluation.findings, *start.findings], now),
        }
        turn.quiet = self._write(app, memory, turn, fields, start, request, now) is app
        if not turn.quiet:
            trail.follow(app, memory, turn, revisions)

    def _moves_only(self, app: Application, memory: Memory, revisions: tuple[str, ...]) -> bool:
        """Say once whether nothing but the revision moves: such a write lets real work go first."""
        known = revisions_of(app.status.sync)
        asked = REFRESH_ANNOTATION in (app.metadata.annotations or {})
        memory.behind = not memory.behind and known != revisions and not asked
        return memory.behind

    def _compare(
        self,
        app: Application,
        memory: Memory,
        turn: Turn,
        place: target.Place,
        rendered: Rendered,
        revisions: tuple[str, ...],
        request: Request,
        now: dt.datetime,
    ) -> None:
        """Compare unless nothing changed, decide about a sync, write."""
        basis = self.basis(app, place, rendered.key)
        memory.remember_render(revisions, rendered.key)
        if basis == memory.basis and not memory.dirty and not request.hard and memory.evaluation is not None:
            self._quiet(app, memory, turn, revisions, request, now)
            return
        try:
            comparison = self.compare(app, memory, turn, place, rendered, basis)
        except TemporaryError as failure:
            self._unknown(app, memory, turn, failure, request, now)
            return
        self._checked(memory, request, now)
        evaluation = comparison.evaluation
        start = autostart.decide(self._context, app, memory, turn, evaluation, comparison.tasks, revisions, now)
        start = self._healed(app, memory, turn, place, start, now)
        findings = [*evaluation.findings, *start.findings]
        fields = {
            **published.verdict_fields(self._context, app, evaluation, revisions, now),
            **published.condition_fields(app, DECIDED_TYPES, findings, now),
        }
        self._write(app, memory, turn, fields, start, request, now)

    def _healed(
        self,
        app: Application,
        memory: Memory,
        turn: Turn,
        place: target.Place,
        start: autostart.Start,
        now: dt.datetime,
    ) -> autostart.Start:
        """Set drift from what was synced last right, where windows keep only the newer commit back."""
        memory.heal_looked = start.heal is not None
        if start.heal is None:
            return start
        found = healing.look(self._context, app, memory, turn, place, start.heal, now)
        if found is None or found.wish.verb == "nothing":
            return start
        if found.wish.operation is None:
            # Looked at again even if nothing else changes: the drift is there and waits for its back-off.
            memory.dirty = True
            wait = (found.wish.at - now).total_seconds() if found.wish.at else autostart.BLOCKED_AGAIN
            extra = (Finding(ConditionType.SYNC, found.wish.why),) if found.wish.verb == "refuse" else ()
            again = min(max(0.1, wait), start.again_seconds or wait)
            return msgspec.structs.replace(start, findings=(*start.findings, *extra), again_seconds=again)
        known = found.deployed
        begun = autostart.started(app, found.wish.operation, known.revisions, known.sources, now)
        return msgspec.structs.replace(
            begun, findings=start.findings, again_seconds=start.again_seconds, since=start.since
        )

    def compare(
        self, app: Application, memory: Memory, turn: Turn, place: target.Place, rendered: Rendered, basis: Basis
    ) -> Comparison:
        """Compare and remember the verdict."""
        context = self._context
        known = memory.checked if memory.basis == basis else {}
        # From here on every event of a live object makes the memory dirty again.
        memory.dirty = False
        with turn.stage("compare") as stage:
            try:
                comparison = evaluate(
                    Question(
                        app=app,
                        instance=context.instance(app),
                        cache=place.cache,
                        server=place.cluster.server,
                        settings=context.governance.settings,
                        objects=rendered.objects,
                        source_types=rendered.source_types,
                        known=known,
                        options=Options(app.spec.sync_options),
                        permits=lambda key: permits(context, app, place.cache, key),
                        kind_permitted=lambda key: permits_kind(context, app, place.cache, key),
                        warnings=lambda keys: orphans.findings(context, app, memory, place.cache, keys),
                    )
                )
            except Exception:
                memory.dirty = True
                raise
            stage.attributes["status"] = str(comparison.evaluation.status)
        turn.compared = True
        memory.basis, memory.checked = basis, comparison.checked
        memory.evaluation = comparison.evaluation
        memory.seen = {key: checked.resource_version for key, checked in comparison.checked.items()}
        memory.compared_monotonic = context.clock.monotonic()
        if comparison.unknown:
            memory.dirty = True
        context.declared(app.key, place.cluster.server, [*memory.seen, *orphans.interest(context, app)])
        return comparison

    def _checked(self, memory: Memory, request: Request, now: dt.datetime) -> None:
        """Restart the clocks after a comparison with the newest commit."""
        if request.level >= RefreshLevel.LATEST:
            memory.checked_at = now

    def _write(
        self,
        app: Application,
        memory: Memory,
        turn: Turn,
        fields: JSON,
        start: autostart.Start,
        request: Request,
        now: dt.datetime,
    ) -> Application:
        """Write the status, and with it the operation that automated sync wants; then let it begin."""
        context = self._context
        deep = request.level >= RefreshLevel.LATEST
        with turn.stage("health"):
            turn.outcome["health"] = str((fields.get("health") or {}).get("status", ""))
        turn.outcome["sync"] = str((fields.get("sync") or {}).get("status", ""))
        with turn.stage("status") as stage:
            wanted = {**fields, **start.fields}

            def make(newest: Application) -> JSON | None:
                if newest is not app and not _same_request(app, newest):
                    raise Conflict(f"Application {app.key} was changed during its refresh")
                answer = newest is app or memory.kept_wish >= KEPT_WISHES
                memory.kept_wish = 0 if answer else memory.kept_wish + 1
                body = published.patch_of(newest, wanted, now, compared=deep, answer=answer)
                if start.operation is not None:
                    body["operation"] = msgspec.to_builtins(start.operation)
                return body

            new = published.write_retrying(context, app, make)
            stage.attributes["written"] = new is not app
        state = new.status.operation_state
        if start.operation is not None and state is not None:
            memory.witness.begin(state, now)
            memory.witness.pin(state)
            context.recorder.record(new, "OperationStarted", f"Initiated automated sync to {start.shown}")
            context.ask_operation(app.key, 0.0)
        if start.again_seconds is not None:
            reason = Request(level=RefreshLevel.LATEST, reason="waited for its time", since=start.since)
            context.ask_refresh(app.key, reason, start.again_seconds)
        return new

    def _invalid(
        self, app: Application, memory: Memory, turn: Turn, failure: Exception, request: Request, now: dt.datetime
    ) -> None:
        """Write that the spec cannot be used; nothing is compared."""
        turn.error = str(failure)
        memory.forget_comparison()
        self._checked(memory, request, now)
        findings = [Finding(ConditionType.INVALID_SPEC, str(failure))]
        fields = {
            **_unknown_verdict(app, now, health=True),
            **published.condition_fields(app, DECIDED_TYPES, findings, now),
        }
        self._write(app, memory, turn, fields, autostart.Start(), request, now)

    def _grace(
        self, app: Application, memory: Memory, turn: Turn, failure: Exception, request: Request, now: dt.datetime
    ) -> bool:
        """Say whether an unreachable source may leave the status as it is for now."""
        memory.source_failed_at = memory.source_failed_at or now
        since = now - memory.source_failed_at
        if request.level >= RefreshLevel.LATEST_FORCED or since >= self._context.options.source_grace:
            return False
        turn.error = str(failure)
        self._retry(app, request)
        if isinstance(failure, SourceUnavailable):
            target.still_in_force(self._context, app)
        return isinstance(failure, SourceUnavailable)

    def _unknown(
        self, app: Application, memory: Memory, turn: Turn, failure: Exception, request: Request, now: dt.datetime
    ) -> None:
        """Write that the state is not known, and why; what was applied stays as it is."""
        turn.error = str(failure)
        memory.forget_comparison()
        self._checked(memory, request, now)
        findings = [Finding(ConditionType.COMPARISON, str(failure))]
        fields = {
            **_unknown_verdict(app, now, health=not app.status.health.status),
            **published.condition_fields(app, SPEC_TYPES | COMPARE_TYPES, findings, now),
        }
        self._write(app, memory, turn, fields, autostart.Start(), request, now)
        if isinstance(failure, TemporaryError):
            self._retry(app, request)

    def _retry(self, app: Application, request: Request) -> None:
        """Try again soon, without the force that a person's request had."""
        level = min(request.level, RefreshLevel.LATEST)
        again = msgspec.structs.replace(request, level=RefreshLevel(level), reason="retry")
        seconds = RETRY_SECONDS * (1 + random.random() / 2)  # noqa: S311 - jitter, not a secret
        self._context.ask_refresh(app.key, again, seconds)


def _pending(app: Application) -> bool:
    """Say whether a change may have waited while no process looked."""
    waited = app.spec.automated is not None and app.status.sync.status == SyncStatus.OUT_OF_SYNC
    return waited or autostart.waits(app)


def _same_request(old: Application, new: Application) -> bool:
    """Say whether a verdict on `old` also stands for `new`: nothing that it was made from differs."""
    specs = [msgspec.structs.replace(app.spec, info=None) for app in (old, new)]
    return specs[0] == specs[1] and new.operation is None and old.deleting == new.deleting


def _unknown_verdict(app: Application, now: dt.datetime, *, health: bool) -> JSON:
    """Return the status fields of an Application whose state is not known; the revision stays."""
    sync = msgspec.structs.replace(app.status.sync, status=SyncStatus.UNKNOWN, compared_to=published.compared_to(app))
    fields: JSON = {"sync": status.sync_state(sync)}
    if health:
        fields["health"] = published.health_fields(app, HealthState(status=HealthStatus.UNKNOWN), now)
    return fields
