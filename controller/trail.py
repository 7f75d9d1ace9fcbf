"""Which deployment a turn is part of: the commits it works towards, unless the Application has arrived there.

What a turn does belongs to the deployment of a commit from the moment the commit is resolved until the Application is
Synced and Healthy at it. What comes after (drift, self-heal, a look because time has passed) is no part of it. Nothing
is decided by this: it chooses an id for traces and log lines. Called by the turns, each holding the lock.
"""

from __future__ import annotations

from controller.memory import Memory
from controller.turn import Turn
from model.application import Application, OperationState, revisions_of
from model.durations import parse_time
from model.states import HealthStatus, SyncStatus
from model.traces import deployment_revision

Revisions = tuple[str, ...]


def resolved(turn: Turn, revisions: Revisions) -> None:
    """Note which commits the turn looks at, whether or not anything is to be done about them."""
    turn.outcome["revision"] = deployment_revision(revisions)


def follow(app: Application, memory: Memory, turn: Turn, revisions: Revisions) -> None:
    """Make the turn part of the deployment of these commits, unless the Application has arrived there before."""
    resolved(turn, revisions)
    if _arrived(app, memory, revisions):
        memory.arrived = revisions
    else:
        memory.arrived = ()
        turn.deploy(deployment_revision(revisions))


def operate(app: Application, memory: Memory, turn: Turn, state: OperationState, revisions: Revisions) -> None:
    """As `follow`, for an operation whose commits are known; a self-heal or a dry run deploys nothing."""
    sync = state.operation.sync
    if not revisions or not all(revisions):
        return
    if sync is not None and (sync.auto_heal_attempts_count or sync.dry_run):
        resolved(turn, revisions)
    else:
        follow(app, memory, turn, revisions)


def _arrived(app: Application, memory: Memory, revisions: Revisions) -> bool:
    """Say whether the Application is or was Synced and Healthy at these commits, with no others since."""
    status = app.status
    well = status.sync.status == SyncStatus.SYNCED and status.health.status == HealthStatus.HEALTHY
    if well and revisions_of(status.sync) == revisions:
        return True
    return memory.arrived == revisions if memory.arrived is not None else _drifted(app, revisions)


def _drifted(app: Application, revisions: Revisions) -> bool:
    """Say whether the status of a process that ended tells of drift: compared since the deployment, and OutOfSync."""
    last = app.status.history[-1] if app.status.history else None
    if last is None or revisions_of(last) != revisions or app.status.sync.status != SyncStatus.OUT_OF_SYNC:
        return False
    try:
        return parse_time(app.status.reconciled_at or "") > parse_time(last.deployed_at)
    except ValueError:
        return False
