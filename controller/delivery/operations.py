"""Finished operations: deployment, self-heal, rollback or nothing of these; and what becomes of a deployment. Pure.

Called by `tracker` for each version. Every finished operation is looked at once: the state keeps which one was last.
"""

from __future__ import annotations

import typing as t

import msgspec

from controller.delivery import commits, evidence
from controller.delivery.facts import Ended
from controller.delivery.moment import Moment
from controller.delivery.state import PAST, Deployed, Seen, Underway
from model.application import OperationState
from model.events import DeploymentEnded, SelfHealed
from model.states import HealthStatus, SyncStatus
from model.states import OperationPhase as Phase
from model.traces import deployment_revision, deployment_trace_id

SICK_SECONDS = 900.0
"""An Application that was Degraded before a deployment, and still is so long after, was not cured by it."""

Result = t.Literal["success", "failed", "rolled_back"]


def take(moment: Moment) -> None:
    """Look at the recorded operation unless that was done."""
    state, operation = moment.state, moment.app.status.operation_state
    if operation is not None and moment.finished and moment.finished != state.counted:
        state.counted = moment.finished
        _finished(moment, operation)


def judge(moment: Moment) -> None:
    """End the deployment under way when it is healthy, or known not to become so."""
    state, underway = moment.state, moment.state.underway
    if underway is None or not _fresh(moment, underway):
        return
    health = moment.app.status.health.status
    if health == HealthStatus.DEGRADED:
        if not underway.sick or moment.now - underway.synced_at > SICK_SECONDS:
            _end(moment, underway, "failed")
    elif health == HealthStatus.HEALTHY and _arrived(moment, underway):
        _end(moment, underway, "rolled_back" if underway.rollback else "success")
    else:
        state.underway = msgspec.structs.replace(underway, sick=False, differs=_differs(moment, underway))


def kept_back(moment: Moment, seen: Seen | None) -> Seen | None:
    """Return the waiting target with the time in which policy kept it back."""
    blocked = moment.facts.blocked
    if seen is None or blocked is None:
        return seen
    denied = blocked and moment.app.spec.automated is not None and not moment.working
    if denied and seen.blocked_since is None:
        return msgspec.structs.replace(seen, blocked_since=moment.now)
    if not denied and seen.blocked_since is not None:
        return msgspec.structs.replace(seen, blocked=_blocked(seen, moment.now), blocked_since=None)
    return seen


def _finished(moment: Moment, operation: OperationState) -> None:
    """Say what the operation was, and count it."""
    state, what = moment.state, evidence.located(evidence.asked(operation), moment.app)
    if evidence.is_dry(operation) or operation.operation.sync is None or evidence.by_policy(operation):
        return
    succeeded, whole = operation.phase == Phase.SUCCEEDED, evidence.is_whole(operation)
    repeated = _is_there(moment, what)
    if succeeded and whole:
        state.deployed_at = _finish(moment, operation)
    if _is_heal(operation, repeated=repeated):
        result: t.Literal["success", "failed"] = "success" if succeeded else "failed"
        moment.tell(SelfHealed(key=moment.key, project=moment.app.spec.project, result=result))
        return
    if not whole or not what.revisions:
        return
    if succeeded:
        state.failed_at, state.there = None, what
    if repeated:
        return
    if succeeded:
        _begin(moment, operation, what)
    else:
        _failed(moment, operation, what)
    state.tried = what


def _is_there(moment: Moment, what: Deployed) -> bool:
    """Say whether this was there already when the operation began, and no other deployment has failed since."""
    state = moment.state
    undisturbed = state.tried is None or state.tried.same(state.last)
    return undisturbed and (what.same(state.last) or what.same(state.base))


def _is_heal(operation: OperationState, *, repeated: bool) -> bool:
    """Say whether an automated sync brought back what was deployed already."""
    automated = operation.operation.initiated_by.automated
    return automated and (evidence.heals(operation) > 0 or (repeated and evidence.is_whole(operation)))


def _begin(moment: Moment, operation: OperationState, what: Deployed) -> None:
    """Note a deployment whose sync succeeded; one that is still under way is superseded."""
    state = moment.state
    _supersede(moment)
    end, before = _finish(moment, operation), state.last
    seen_at, blocked = _wait(moment, operation, what)
    recorded = moment.app.status.reconciled_at or ""
    order = _order(moment, what)
    again = what.mark in order
    state.underway = Underway(
        what=what,
        seen_at=min(seen_at, end),
        synced_at=end,
        known_at=moment.now,
        before=before,
        blocked=blocked,
        again=again,
        rollback=again and before is not None and _is_older(what, before, order),
        sick=state.health == HealthStatus.DEGRADED,
        reconciled_at=recorded if (evidence.seconds(recorded) or 0.0) < end else "",
    )
    state.past = tuple(order if again else [*order, what.mark])[-PAST:]
    state.last, state.seen = what, None


def _order(moment: Moment, what: Deployed) -> list[str]:
    """Return the marks of what was deployed before, in the order of their first deployments."""
    state = moment.state
    history = [entry.mark for entry in evidence.earlier(moment.app, what)]
    return list(dict.fromkeys([*state.past, *history, *([state.last.mark] if state.last else [])]))


def _is_older(what: Deployed, before: Deployed, order: list[str]) -> bool:
    """Say whether something is older than what is deployed, or the same, which something that failed was to replace."""
    return order.index(what.mark) <= order.index(before.mark)


def _failed(moment: Moment, operation: OperationState, what: Deployed) -> None:
    """Count a deployment whose sync failed; what was under way before it cannot be judged any more."""
    state = moment.state
    _supersede(moment)
    end = _finish(moment, operation)
    seen_at, _ = _wait(moment, operation, what)
    state.underway = None
    if state.failing_since is None:
        state.failed_at = end
    questions = () if moment.was_deployed(what) else commits.questions(what, state.last)
    floor = commits.floor(moment.app) if state.last is None else None
    event = _event(moment, what, "failed", min(seen_at, end), end, {})
    moment.tell(Ended(event=event, questions=questions, seen_at=min(seen_at, end), floor=floor))


def _supersede(moment: Moment) -> None:
    """End a deployment that another one follows before it was healthy: failed if it is still Degraded.

    Otherwise it is not counted: what it brought is judged with what the next one brings.
    """
    underway, state = moment.state.underway, moment.state
    if underway is not None and state.health == HealthStatus.DEGRADED:
        _end(moment, underway, "failed")
    state.underway = None


def _wait(moment: Moment, operation: OperationState, what: Deployed) -> tuple[float, float | None]:
    """Return when the target was first seen, and how long policy kept it back since (None: it is not automated)."""
    state = moment.state
    start = evidence.before(operation.started_at, moment.now)
    start = moment.now if start is None else start
    seen = state.seen if state.seen is not None and state.seen.what.same(what) else None
    seen_at = min([start, *moment.pushed(what, start), *([seen.at] if seen else [])])
    if moment.app.spec.automated is None:
        return seen_at, None
    return seen_at, min(_blocked(seen, start), start - seen_at) if seen else 0.0


def _blocked(seen: Seen, now: float) -> float:
    return seen.blocked + (max(0.0, now - seen.blocked_since) if seen.blocked_since is not None else 0.0)


def _finish(moment: Moment, operation: OperationState) -> float:
    """Return when the operation ended; now, where it does not say or says the future."""
    found = evidence.before(operation.finished_at, moment.now)
    return moment.now if found is None else found


def _fresh(moment: Moment, underway: Underway) -> bool:
    """Say whether the version's verdict was made after the sync: on what it brought, or by a later comparison."""
    status = moment.app.status
    if status.sync.status == SyncStatus.SYNCED and moment.target.same(underway.what):
        return True
    if moment.facts.compared_at is not None and moment.facts.compared_at >= underway.known_at:
        return True
    when = status.reconciled_at or ""
    return when != underway.reconciled_at and (evidence.seconds(when) or 0.0) >= int(underway.synced_at)


def _differs(moment: Moment, underway: Underway) -> bool:
    """Say whether the last comparison with what was deployed found the cluster different."""
    if not moment.target.same(underway.what):
        return underway.differs
    return moment.app.status.sync.status == SyncStatus.OUT_OF_SYNC


def _arrived(moment: Moment, underway: Underway) -> bool:
    """Say whether a Healthy version is the end: Synced, or compared with something else than what was deployed."""
    if not moment.target.same(underway.what):
        return not underway.differs and moment.app.status.sync.status in (SyncStatus.SYNCED, SyncStatus.OUT_OF_SYNC)
    return moment.app.status.sync.status == SyncStatus.SYNCED


def _end(moment: Moment, underway: Underway, result: Result) -> None:
    """Tell the end of the deployment under way."""
    state, first = moment.state, underway.before is None
    end = max(underway.synced_at, _healthy_at(moment) if result != "failed" else moment.now)
    stages = _stages(underway, end) if result != "failed" else {}
    questions = () if underway.again else commits.questions(underway.what, underway.before)
    event = _event(moment, underway.what, result, underway.seen_at, end, stages)
    floor = commits.floor(moment.app) if first else None
    moment.tell(Ended(event=event, questions=questions, seen_at=underway.seen_at, floor=floor))
    state.underway = None


def _healthy_at(moment: Moment) -> float:
    """Return when the Application became healthy: now, or while nobody looked."""
    if not moment.facts.first:
        return moment.now
    status = moment.app.status
    times = (
        evidence.before(status.health.last_transition_time, moment.now),
        evidence.before(status.reconciled_at, moment.now),
    )
    return max((when for when in times if when is not None), default=moment.now)


def _stages(underway: Underway, end: float) -> dict[str, float]:
    """Return the stages that need no commit."""
    stages = {"seen_to_synced": underway.synced_at - underway.seen_at, "synced_to_healthy": end - underway.synced_at}
    return stages if underway.blocked is None else {**stages, "blocked": underway.blocked}


def _event(
    moment: Moment, what: Deployed, result: Result, started: float, ended: float, stages: dict[str, float]
) -> DeploymentEnded:
    revision = deployment_revision(what.revisions)
    return DeploymentEnded(
        key=moment.key,
        project=moment.app.spec.project,
        environment=moment.facts.environment,
        result=result,
        revision=revision,
        trace_id=deployment_trace_id(moment.key, revision),
        started=started,
        ended=ended,
        stages=stages,
    )
