"""From the wish of automated sync to an operation, or to the visible reason why it waits.

Between the two stands policy: the project per object, then the sync windows. Called by controller.reconciler.
"""

from __future__ import annotations

import datetime as dt
import random
import typing as t

import msgspec

from controller import autosync, operation, status
from controller.conditions import Finding
from controller.context import Context
from controller.evaluation import Evaluation
from controller.memory import Memory
from controller.permit import forbidden
from controller.sync.plan import Task
from controller.turn import Turn
from model.application import Application, Operation
from model.decision import Decision
from model.durations import format_time
from model.events import DecisionMade, SyncPermission
from model.meta import JSON
from model.states import ConditionType, SyncStatus

BLOCKED_AGAIN = 60.0
"""Seconds until a change is tried again that policy blocks without saying until when."""


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """What to write for automated sync."""

    operation: Operation | None = None
    fields: JSON = {}
    """Status fields that go with the operation."""
    findings: tuple[Finding, ...] = ()
    again_seconds: float | None = None
    """When to look again; None: no sooner than otherwise."""
    shown: str = ""
    """The revision, shortened for a message."""


def decide(
    context: Context,
    app: Application,
    memory: Memory,
    turn: Turn,
    evaluation: Evaluation,
    tasks: t.Sequence[Task] | None,
    revisions: tuple[str, ...],
    now: dt.datetime,
) -> Start:
    """Return what automated sync writes now; without `tasks` a sync that is due asks for a full comparison first."""
    with turn.stage("policy") as stage:
        decision = permission(context, app, now)
        wish = _wish(context, app, memory, evaluation, revisions, now)
        stage.attributes["wish"] = wish.verb
        if wish.verb == "refuse":
            return Start(findings=(Finding(ConditionType.SYNC, wish.why),))
        if wish.verb == "wait" and wish.at is not None:
            return Start(again_seconds=max(0.1, (wish.at - now).total_seconds()))
        if wish.operation is None:
            return Start()
        if not context.governance.loaded:
            text = "The policy is malformed and there is no last good one: nothing is synced until it is corrected"
            return Start(findings=(Finding(ConditionType.SYNC_BLOCKED, text),), again_seconds=BLOCKED_AGAIN)
        context.publish(_made(app, decision))
        turn.outcome.update(decision=str(decision.effect), rule=_rule(decision))
        if not decision.allowed:
            return _blocked(context, decision, now)
        if tasks is None:
            memory.dirty = True
            return Start(again_seconds=0.0)
        refused = forbidden(context, app, tasks)
        if refused is not None:
            turn.outcome.update(decision="deny", rule=_rule(refused))
            return Start(findings=(Finding(ConditionType.SYNC, refused.reason),))
        return _started(app, wish.operation, revisions, now)


def permission(context: Context, app: Application, now: dt.datetime) -> Decision:
    """Ask whether an automated and a manual sync would be let through now, and tell the listeners."""
    automated = context.guard.may_sync(app, now=now, manual=False)
    manual = context.guard.may_sync(app, now=now, manual=True)
    context.publish(SyncPermission(key=app.key, project=app.spec.project, automated=automated, manual=manual))
    return automated


def _wish(
    context: Context, app: Application, memory: Memory, evaluation: Evaluation, revisions: tuple[str, ...],
    now: dt.datetime,
) -> autosync.Wish:  # fmt: skip
    """Return what automated sync wants by the comparison alone."""
    state = app.status.operation_state
    tried = operation.pinned_revisions(state) if state else ()
    current = memory.render_keys.get(revisions)
    same = current is not None and tried != revisions and memory.render_keys.get(tried) == current
    verdict = autosync.Verdict(
        status=SyncStatus(evaluation.status), revisions=revisions, resources=evaluation.resources
    )
    return autosync.decide(app, verdict, backoff=context.options.self_heal, same_content=same, now=now)


def _blocked(context: Context, decision: Decision, now: dt.datetime) -> Start:
    """Say that the change waits, for which rule and until when, and come back then."""
    until = f" until {format_time(decision.until)}" if decision.until else ""
    text = f"An automated sync waits{until}: {decision.reason}"
    seconds = BLOCKED_AGAIN
    if decision.until is not None:
        spread = context.options.window_jitter.total_seconds() * random.random()  # noqa: S311 - jitter
        seconds = max(0.1, (decision.until - now).total_seconds() + spread)
    return Start(findings=(Finding(ConditionType.SYNC_BLOCKED, text),), again_seconds=seconds)


def _started(app: Application, wanted: Operation, revisions: tuple[str, ...], now: dt.datetime) -> Start:
    """Return the operation with its state: pinned to the compared commits before anything is written."""
    state = operation.pinned(
        operation.begun(wanted, now), revisions, app.spec.all_sources, multiple=bool(app.spec.sources)
    )
    shown = ", ".join(revision[:12] for revision in revisions)
    return Start(operation=wanted, fields={"operationState": status.operation_state(state)}, shown=shown)


def _made(app: Application, decision: Decision) -> DecisionMade:
    return DecisionMade(
        decision=decision,
        resource="applications",
        action="sync",
        source="loop",
        project=app.spec.project,
        key=app.key,
    )


def _rule(decision: Decision) -> str:
    return f"{decision.rule.origin}: {decision.rule.text}"[:200] if decision.rule else ""
