"""What is malformed in the policy of an Application, as conditions: a mistake that blocks must not be mute.

Called by controller.autostart.
"""

from __future__ import annotations

import typing as t

from controller.conditions import Finding
from controller.context import Context
from model.application import Application
from model.decision import Decision
from model.states import ConditionType
from policy.guard import errors_of

MOST = 3
"""Conditions for one Application; the rest is counted in the last one."""


def problems(context: Context, app: Application, decision: Decision) -> tuple[Finding, ...]:
    """Return what is malformed in the Application's project and in the windows that concern it.

    Args:
        context: the shared parts.
        app: the Application.
        decision: the guard's answer to an automated sync; its reasons name the windows that cannot be evaluated.
    """
    found = list(dict.fromkeys(_all(context, app.spec.project or "default", decision)))
    if len(found) > MOST:
        found[MOST - 1 :] = [f"{found[MOST - 1]} (and {len(found) - MOST} more)"]
    return tuple(Finding(ConditionType.POLICY_INVALID, text) for text in found)


def _all(context: Context, project: str, decision: Decision) -> t.Iterator[str]:
    problem = context.governance.project_problem(project)
    if problem:
        yield problem
    unit = context.guard.current.units.get(project)
    if unit is not None:
        yield from (str(f) for f in errors_of(unit.findings) if not f.code.startswith(("window", "additions")))
    if not decision.allowed and decision.rule is not None and decision.rule.kind in ("window", "freeze"):
        yield from decision.reasons
