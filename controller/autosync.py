"""Shall the Application be synced by itself now? Pure: the verdict of a comparison and `now` in, an answer out.

Policy (sync windows, project) is asked by the caller before the answer is carried out. Called by controller.reconciler.
Source: Argo CD controller/appcontroller.go, autoSync, alreadyAttemptedSync, shouldSelfHeal.
"""

from __future__ import annotations

import datetime as dt
import typing as t

import msgspec

from controller.backoff import DEFAULT_RETRY_LIMIT, SelfHealBackoff
from controller.operation import NOT_VALID, STOPPED, is_completed
from model.application import (
    Application,
    InitiatedBy,
    Operation,
    OperationResource,
    OperationState,
    ResourceState,
    RetryStrategy,
    SyncOperation,
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
    stale = [r for r in verdict.resources if r.status == SyncStatus.OUT_OF_SYNC]
    if not policy.prune and stale and all(r.requires_pruning for r in stale):
        return Wish(verb="nothing", why="only pruning is left and automated.prune is off")
    if already_attempted(app, verdict.revisions, same_content=same_content):
        return _again(app, verdict, stale, backoff, now)
    counted = [r for r in verdict.resources if r.status]
    if policy.prune and not policy.allow_empty and counted and all(r.requires_pruning for r in counted):
        return Wish(verb="refuse", why=_wipe(len(counted)))
    return Wish(verb="sync", operation=_operation(app, verdict.revisions), why="the target state changed")


def already_attempted(app: Application, revisions: t.Sequence[str], *, same_content: bool) -> bool:
    """Say whether these revisions of these sources were tried before.

    An operation that policy ended was not a try: when the window opens or the project is widened, the change must go on
    without a push.
    """
    state = app.status.operation_state
    if state is None:
        return False
    failed = state.phase in (OperationPhase.FAILED, OperationPhase.ERROR)
    if failed and state.message.startswith((STOPPED, NOT_VALID)):
        return False
    result = state.sync_result
    if result is None:
        return is_completed(state)
    known = tuple(result.revisions or ()) or (result.revision,)
    if known != tuple(revisions) and not same_content:
        return False
    sources = tuple(result.sources) if result.sources else (result.source,)
    return sources == tuple(app.spec.all_sources)


def _again(
    app: Application, verdict: Verdict, stale: t.Sequence[ResourceState], backoff: SelfHealBackoff, now: dt.datetime
) -> Wish:
    """Decide about a revision that was tried already: nothing, give up, or self-heal after its wait."""
    state, policy = app.status.operation_state, app.spec.automated
    revision = ", ".join(r[:12] for r in verdict.revisions)
    if state is None or policy is None:
        return Wish(verb="nothing")
    if state.phase != OperationPhase.SUCCEEDED:
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
    app: Application, revisions: t.Sequence[str], *, resources: list[OperationResource] | None = None, attempts: int = 0
) -> Operation:
    """Return the automated operation to these revisions."""
    policy = app.spec.sync_policy
    multiple = bool(app.spec.sources)
    sync = SyncOperation(
        revision="" if multiple else revisions[0],
        revisions=list(revisions) if multiple else None,
        prune=bool(app.spec.automated and app.spec.automated.prune),
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
    """Return when the last operation ended; unreadable or future times count as now."""
    try:
        return min(now, parse_time(state.finished_at or ""))
    except ValueError:
        return now


def _wipe(count: int) -> str:
    """Word the refusal to prune everything."""
    return (
        f"Skipping sync attempt: it would delete all {count} objects, because the source holds none. "
        "Set automated.allowEmpty to allow that"
    )
