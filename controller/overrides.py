"""A person went through a closed window or a freeze by break-glass: said in the log, on the Application, and counted.

Nothing is decided here: policy.guard has let it through. Called by controller.gate, once per operation.
"""

from __future__ import annotations

import logging

from controller.context import Context
from controller.witness import Witness
from model.application import Application, OperationState
from model.decision import Decision
from model.events import FreezeOverridden

log = logging.getLogger(__name__)

EVENT_REASON = "FreezeOverridden"


def tell(context: Context, app: Application, witness: Witness, state: OperationState, decision: Decision) -> None:
    """Say once per operation who went through what, and why."""
    rule = decision.overrode
    if rule is None or not witness.first_time(state, "override"):
        return
    who, why = state.operation.initiated_by.username, state.operation.break_glass
    context.publish(
        FreezeOverridden(
            key=app.key, project=app.spec.project or "default", subject=who, reason=why, rule=rule, decision=decision
        )
    )
    log.warning(
        "break-glass: a sync goes through a closed window or freeze",
        extra={
            "application": str(app.key),
            "project": app.spec.project or "default",
            "subject": who,
            "reason": why,
            "overrode": f"{rule.origin}: {rule.text}",
            "started": state.started_at,
        },
    )
    context.recorder.record(app, EVENT_REASON, f"{who} syncs through {rule.origin} by break-glass: {why}", "Warning")
