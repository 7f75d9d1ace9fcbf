"""Shall the Application be synced by itself now? Pure: the verdict of a comparison and `now` in, an answer out.

Policy (sync windows, project) is asked by the caller before the answer is carried out. Called by controller.reconciler.
Source: Argo CD controller/appcontroller.go, autoSync, alreadyAttemptedSync, shouldSelfHeal.
"""

from __future__ import annotations

import datetime as dt
import typing as t

import msgspec

from controller.backoff import DEFAULT_RETRY_LIMIT, SelfHealBackoff
from controller.operation import BY_POLICY, is_completed, is_multiple, pinned_revisions
from controller.witness import recorded
from model.application import (
    Application,
    InitiatedBy,
    Operation,
    OperationResource,
    OperationState,
    ResourceState,
    RetryStrategy,
    Source,
    SyncOperation,
    revisions_of,
    sources_of,
)
from model.durations import parse_time
from model.states import OperationPhase, SyncStatus


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What automated sync wants to do."""

    verb: t.Literal["nothing", "sync", "heal", "wait", "refuse"]
    why: str = ""
    """One sentence; for `refuse` it is the message of the SyncError condition."""
    operation: Operation | None = None
    at: dt.datetime | None = None
    """When to ask again, for `wait`."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What the comparison found, as far as this decision needs it."""

    status: SyncStatus
    revisions: tuple[str, ...]
    resources: tuple[ResourceState, ...]


def decide(
    app: Application, verdict: Verdict, *, backoff: SelfHealBackoff, same_content: bool, now: dt.datetime
) -> Wish:
    """Return what automated sync wants.

    Args:
        app: the Application as last read.
        verdict: the comparison that was just made.
        backoff: waits between self-heals.
        same_content: the commit that was last attempted renders to the same manifests as this one.
        now: the time.
    """
    policy = app.spec.automated
    if policy is None:
        return Wish(verb="nothing", why="automated sync is off")
    if app.operation is not None or app.deleting:
        return Wish(verb="nothing", why="an operation is in progress" if app.operation else "it is being deleted")
    if verdict.status is not SyncStatus.OUT_OF_SYNC:
        return Wish(verb="nothing", why=f"the status is {verdict.status}")
    stale = [r for r in verdict.resources if r.status != SyncStatus.SYNCED]
    if not policy.prune and stale and all(r.requires_pruning for r in stale):
        return Wish(verb="nothing", why="only pruning is left and automated.prune is off")
    if already_attempted(app, verdict.revisions, same_content=same_content):
        return _again(app, verdict, stale, backoff, now)
    if policy.prune and not policy.allow_empty and _wipes(verdict.resources):
        return Wish(verb="refuse", why=_wipe(len(verdict.resources)))
    return Wish(verb="sync", operation=_operation(app, verdict.revisions), why="the target state changed")


def already_attempted(app: Application, revisions: t.Sequence[str], *, same_content: bool) -> bool:
    """Say whether these revisions of these sources were tried before.

    An operation that policy ended was not a try: when the window opens or the project is widened, the change must go on
    without a push. One that policy kept from beginning left everything as it was synced before. Nor is it a try when
    somebody looked (a dry run) or synced a few objects by hand.
    """
    state = app.status.operation_state
    if state is None:
        return False
    if ended_by_policy(state) or _by_the_way(app, state):
        before = recorded(app) if state.sync_result is None or not ended_by_policy(state) else None
        if before is None or before.sources != app.spec.all_sources:
            return False
        return before.revisions == tuple(revisions) or same_content
    result = state.sync_result
    if result is None:
        return is_completed(state)
    if revisions_of(result) != tuple(revisions) and not same_content:
        return False
    return sources_of(result) == app.spec.all_sources


def _by_the_way(app: Application, state: OperationState) -> bool:
    """Say whether a person's operation deployed nothing as a whole, so that the history tells what was synced."""
    sync = state.operation.sync
    partial = sync is not None and (sync.dry_run or bool(sync.resources))
    kept = app.spec.revision_history_limit is None or app.spec.revision_history_limit > 0
    return partial and kept and is_completed(state) and not state.operation.initiated_by.automated


def ended_by_policy(state: OperationState) -> bool:
    """Say whether policy ended the operation, or kept it from beginning."""
    failed = state.phase in (OperationPhase.FAILED, OperationPhase.ERROR)
    return failed and state.message.startswith(BY_POLICY)


def heal(
    app: Application,
    revisions: tuple[str, ...],
    sources: tuple[Source, ...],
    resources: t.Sequence[ResourceState],
    *,
    backoff: SelfHealBackoff,
    now: dt.datetime,
) -> Wish:
    """Return the wish to set drift from what was synced last right, while a newer commit waits.

    Args:
        app: the Application as last read.
        revisions: what was synced last.
        sources: where from.
        resources: the comparison with it.
        backoff: waits between self-heals.
        now: the time.
    """
    state, policy = app.status.operation_state, app.spec.automated
    stale = [r for r in resources if r.status == SyncStatus.OUT_OF_SYNC]
    chosen = [r for r in stale if (policy and policy.prune) or not r.requires_pruning]
    if policy is None or not policy.self_heal or not chosen or _wipes(resources):
        return Wish(verb="nothing", why="nothing drifted from what was synced last")
    tried = state is not None and pinned_revisions(state) == revisions
    count = _attempts(state) if state is not None and tried else 0
    if state is not None and tried and count and not ended_by_policy(state):
        if state.phase != OperationPhase.SUCCEEDED:
            return Wish(verb="refuse", why=f"Failed last self-heal to {_short(revisions)}: {state.message}")
        due = _finish(state, now) + backoff.wait(count)
        if now < due:
            return Wish(verb="wait", at=due, why=f"self-heal attempt #{count + 1} waits for its back-off")
    names = [OperationResource(group=r.group, kind=r.kind, name=r.name, namespace=r.namespace) for r in chosen]
    operation = _operation(app, revisions, resources=names, attempts=count + 1, sources=sources)
    return Wish(verb="heal", operation=operation, why=f"{len(chosen)} objects drifted from {_short(revisions)}")


def _again(
    app: Application, verdict: Verdict, stale: t.Sequence[ResourceState], backoff: SelfHealBackoff, now: dt.datetime
) -> Wish:
    """Decide about a revision that was tried already: nothing, give up, or self-heal after its wait."""
    state, policy = app.status.operation_state, app.spec.automated
    revision = _short(verdict.revisions)
    if state is None or policy is None:
        return Wish(verb="nothing")
    if state.phase != OperationPhase.SUCCEEDED and not ended_by_policy(state) and not _by_the_way(app, state):
        return Wish(verb="refuse", why=f"Failed last sync attempt to {revision}: {state.message}")
    if not policy.self_heal:
        return Wish(verb="nothing", why="this revision was synced already and automated.selfHeal is off")
    count = _attempts(state)
    due = _finish(state, now) + backoff.wait(count)
    if now < due:
        return Wish(verb="wait", at=due, why=f"self-heal attempt #{count + 1} waits for its back-off")
    chosen = [r for r in stale if policy.prune or not r.requires_pruning]
    resources = [OperationResource(group=r.group, kind=r.kind, name=r.name, namespace=r.namespace) for r in chosen]
    operation = _operation(app, verdict.revisions, resources=resources, attempts=count + 1)
    return Wish(verb="heal", operation=operation, why=f"{len(chosen)} objects drifted from {revision}")


def _operation(
    app: Application,
    revisions: t.Sequence[str],
    *,
    resources: list[OperationResource] | None = None,
    attempts: int = 0,
    sources: tuple[Source, ...] | None = None,
) -> Operation:
    """Return the automated operation to these revisions, with sources of its own where they differ from the spec's."""
    policy = app.spec.sync_policy
    other = sources if sources is not None and sources != app.spec.all_sources else None
    multiple = is_multiple(app, other or app.spec.all_sources)
    sync = SyncOperation(
        revision="" if multiple else revisions[0],
        revisions=list(revisions) if multiple else None,
        prune=bool(app.spec.automated and app.spec.automated.prune),
        source=other[0] if other and not multiple else None,
        sources=list(other) if other and multiple else None,
        sync_options=list(app.spec.sync_options) or None,
        resources=resources,
        auto_heal_attempts_count=attempts or None,
    )
    retry = (policy.retry if policy else None) or RetryStrategy(limit=DEFAULT_RETRY_LIMIT)
    return Operation(sync=sync, initiated_by=InitiatedBy(automated=True), retry=retry)


def _attempts(state: OperationState) -> int:
    """Return how often this revision was self-healed."""
    sync = state.operation.sync
    return (sync.auto_heal_attempts_count or 0) if sync else 0


def _finish(state: OperationState, now: dt.datetime) -> dt.datetime:
    """Return when the last operation ended; a time in the future, because the clock was set back, is long ago."""
    try:
        end = parse_time(state.finished_at or "")
    except ValueError:
        return now
    return end if end <= now else dt.datetime.min.replace(tzinfo=dt.UTC)


def _short(revisions: t.Sequence[str]) -> str:
    """Return the revisions shortened for a message."""
    return ", ".join(revision[:12] for revision in revisions)


def _wipes(resources: t.Sequence[ResourceState]) -> bool:
    """Say whether pruning would leave nothing."""
    counted = [r for r in resources if r.status]
    return bool(counted) and all(r.requires_pruning for r in counted)


def _wipe(count: int) -> str:
    """Word the refusal to prune everything."""
    return (
        f"Skipping sync attempt: it would delete all {count} objects, because the source holds none. "
        "Set automated.allowEmpty to allow that"
    )
