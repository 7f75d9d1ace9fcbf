"""Attempts of syncs, read from status.operationState beside an Argo CD, which tells of them nowhere else. Pure.

In reconcile mode the loop itself publishes them, and only the marks are kept here.
"""

from __future__ import annotations

from controller.delivery import evidence
from controller.delivery.moment import Moment
from model.application import OperationState
from model.events import SyncAttempted
from model.states import OperationPhase as Phase


def take(moment: Moment) -> None:
    """Count each increase of the retry count as one failed attempt, and the end of the operation once."""
    state, operation = moment.state, moment.app.status.operation_state
    if operation is None:
        return
    if moment.finished and moment.finished == state.counted:
        return
    identity = evidence.identity(operation)
    if state.attempts_of != identity:
        state.attempts_of, state.attempts, state.base = identity, 0, state.there
    for _ in range(min(operation.retry_count - state.attempts, MOST)):
        _tell(moment, operation, str(Phase.FAILED), final=False)
    state.attempts = max(state.attempts, operation.retry_count)
    if moment.finished:
        _tell(moment, operation, str(operation.phase), final=True)


MOST = 100
"""Attempts told for one version: a retry count that jumps further is no count of attempts."""


def _tell(moment: Moment, operation: OperationState, phase: str, *, final: bool) -> None:
    if not moment.facts.observe:
        return
    started = evidence.before(operation.started_at, moment.now)
    finished = evidence.before(operation.finished_at, moment.now)
    automated = operation.operation.initiated_by.automated
    moment.tell(
        SyncAttempted(
            key=moment.key,
            project=moment.app.spec.project,
            dest_server=moment.facts.dest_server,
            phase=phase,
            dry_run=evidence.is_dry(operation),
            final=final,
            started=moment.now if started is None else started,
            finished=moment.now if finished is None else finished,
            revision=", ".join(evidence.asked(operation).revisions),
            automated=automated,
            self_heal=automated and evidence.heals(operation) > 0,
            message=operation.message,
        )
    )
