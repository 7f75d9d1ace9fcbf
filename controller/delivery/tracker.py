"""One Application, version by version: drift, health, failure and what is waited for. Pure: no I/O, no clock.

The rules stand in docs/delivery.md. Called by `shell` for each version and each permission; a version that was seen
already changes nothing, so that repeated events, relists and restarts count nothing twice.
"""

from __future__ import annotations

import typing as t

import msgspec

from controller.delivery import attempts, evidence, operations
from controller.delivery.facts import Ended, Facts
from controller.delivery.moment import Moment
from controller.delivery.state import PAST, Deployed, Seen, State
from model.application import Application, HealthState
from model.events import DriftDetected, DriftEnded, Event, Restored, Standing
from model.states import HealthStatus, SyncStatus

FAILED_SECONDS = 600.0
"""For so long after a failed sync it is looked whether it did harm; the comparison after it comes in seconds."""

Step = tuple[State, tuple[Event | Ended, ...]]


def step(state: State | None, app: Application, now: float, facts: Facts) -> Step:
    """Take a version of an Application.

    Args:
        state: what the step before returned, or what was remembered; None: nothing is.
        app: the version, possibly one that was taken before.
        now: Unix seconds.
        facts: what else is known.

    Returns:
        The new state, and what happened; `state` itself is left as it was.
    """
    known = state is not None and state.uid == app.metadata.uid
    new = msgspec.structs.replace(state) if known and state is not None else begun(app, now)
    told = standing(state, app) if known and not facts.first and state is not None else None
    moment = Moment(new, app, now, facts)
    new.project = app.spec.project
    if not app.deleting:
        _take(moment)
    if (stands := standing(new, app)) != told:
        moment.events.append(stands)
    return new, tuple(moment.events)


def _take(moment: Moment) -> None:
    """Let each rule look at the version; the order matters, for what an operation brought explains the rest."""
    _harmless(moment)
    attempts.take(moment)
    operations.take(moment)
    _drift(moment)
    _waiting(moment)
    _health(moment)
    operations.judge(moment)
    _restored(moment)


def begun(app: Application, now: float) -> State:
    """Return the state of an Application of which nothing is remembered: what has ended is not counted."""
    status, operation = app.status, app.status.operation_state
    last = evidence.last_deployed(app)
    state = State(uid=app.metadata.uid, project=app.spec.project, last=last, tried=last)
    state.there = evidence.target(app) if status.sync.status == SyncStatus.SYNCED else last
    state.base = state.there
    state.deployed_at = evidence.last_sync(app, now)
    state.past = tuple(dict.fromkeys(entry.mark for entry in evidence.earlier(app)))[-PAST:]
    if operation is not None:
        state.attempts_of, state.attempts = evidence.identity(operation), operation.retry_count
        if evidence.completed(operation):
            state.counted = evidence.finished_identity(operation)
            tried = evidence.asked(operation)
            meant = evidence.is_whole(operation) and not evidence.by_policy(operation) and tried.revisions
            state.tried = tried if meant else last
    if status.sync.status == SyncStatus.OUT_OF_SYNC:
        state.sync, state.drift_since = SyncStatus.OUT_OF_SYNC, evidence.drifted_at(app, now)
    if status.health.status == HealthStatus.DEGRADED:
        state.health = HealthStatus.DEGRADED
        state.failing_since = evidence.before(status.health.last_transition_time, now)
    return state


def standing(state: State, app: Application) -> Standing:
    """Return since when the Application is as it is."""
    since = state.unhealthy_since
    if since is not None and state.health == HealthStatus.PROGRESSING:
        since = max(since, state.deployed_at or since)
    return Standing(
        key=app.key,
        project=state.project,
        drift_since=state.drift_since,
        unhealthy_since=since,
        health_status=state.health,
    )


def _drift(moment: Moment) -> None:
    """Begin drift at the step from Synced to OutOfSync, end it at Synced; any other word leaves it as it is."""
    state, status = moment.state, moment.app.status.sync.status
    if status == SyncStatus.SYNCED:
        if state.drift_since is not None and state.drift_counted:
            seconds = max(0.0, moment.now - state.drift_since)
            moment.tell(DriftEnded(key=moment.key, project=state.project, seconds=seconds))
        if state.sync != SyncStatus.SYNCED or state.synced != moment.target:
            _arrive(moment)
        state.sync, state.synced = SyncStatus.SYNCED, moment.target
        state.drift_since, state.drift_counted = None, False
    elif status == SyncStatus.OUT_OF_SYNC:
        if state.drift_since is None:
            state.drift_since = evidence.drifted_at(moment.app, moment.now) if moment.facts.first else moment.now
            state.drift_counted = state.sync == SyncStatus.SYNCED
            if state.drift_counted:
                moment.tell(DriftDetected(key=moment.key, project=state.project, origin=_origin(moment)))
        state.sync = SyncStatus.OUT_OF_SYNC


def _arrive(moment: Moment) -> None:
    """Note what became Synced; a version that only repeats that may be older than the sync that it tells of."""
    state = moment.state
    state.there = moment.target if moment.target.revisions else state.there
    state.tried = state.tried if moment.working else state.last


def _origin(moment: Moment) -> t.Literal["git", "live"]:
    """Say who moved: what is wanted, or what is there."""
    return "live" if moment.target.same(moment.state.synced) else "git"


def _waiting(moment: Moment) -> None:
    """Note a target that is not deployed yet, and how long policy keeps it back."""
    state, status = moment.state, moment.app.status.sync.status
    if status == SyncStatus.OUT_OF_SYNC and moment.target.revisions:
        if moment.target.same(state.there):
            state.seen = None
        elif state.seen is None or not moment.target.same(state.seen.what):
            state.seen = Seen(what=moment.target, at=_seen_at(moment, moment.target))
    elif status == SyncStatus.SYNCED and not moment.working:
        state.seen = None
    state.seen = operations.kept_back(moment, state.seen)


def _seen_at(moment: Moment, target: Deployed) -> float:
    """Return when the target was first seen: at its push, in this version, or when the drift began that it made."""
    times = moment.pushed(target, moment.now)
    if moment.facts.first and moment.state.drift_since is not None and moment.state.seen is None:
        times.append(moment.state.drift_since)
    return min([moment.now, *times])


def _health(moment: Moment) -> None:
    """Keep since when the Application is not Healthy, whatever it is instead, and since when it fails."""
    state, health = moment.state, moment.app.status.health
    if health == HealthState() or not health.status:
        return
    if health.status == HealthStatus.HEALTHY:
        state.unhealthy_since = None
    elif state.unhealthy_since is None or _resumed(state, health):
        state.unhealthy_since = moment.changed_at
    if health.status == HealthStatus.DEGRADED and state.health != HealthStatus.DEGRADED:
        state.failing_since = moment.changed_at if state.failing_since is None else state.failing_since
    state.health, state.health_time = health.status, health.last_transition_time or ""


def _resumed(state: State, health: HealthState) -> bool:
    """Say whether a pause ends here: somebody wanted it, so its time is no time of illness."""
    return state.health == HealthStatus.SUSPENDED and health.status != HealthStatus.SUSPENDED


def _harmless(moment: Moment) -> None:
    """Forget a failed sync after which the Application has stayed Synced and Healthy: what comes later is not of it."""
    failed_at = moment.state.failed_at
    if failed_at is not None and moment.now - failed_at > FAILED_SECONDS:
        moment.state.failed_at = None


def _restored(moment: Moment) -> None:
    """End the time of failure at Synced and Healthy; a failed sync that left both true was none."""
    state = moment.state
    if not moment.good:
        if state.failed_at is not None:
            since = state.failing_since
            state.failing_since = state.failed_at if since is None else min(since, state.failed_at)
        state.failed_at = None
        return
    if state.failing_since is not None:
        seconds = max(0.0, moment.now - state.failing_since)
        environment = moment.facts.environment
        moment.tell(Restored(key=moment.key, project=state.project, environment=environment, seconds=seconds))
        state.failing_since = None
