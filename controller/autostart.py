"""From the wish of automated sync to an operation, or to the visible reason why it waits.

Between the two stands policy: the project per object, then the sync windows. A change that waits is no operation: it is
decided anew, from the clock and the newest commit, whenever the Application is looked at.
Called by controller.reconciler.
"""

from __future__ import annotations

import datetime as dt
import random
import typing as t

import msgspec

from controller import autosync, healing, operation, policyview, status
from controller.conditions import Finding
from controller.context import Context
from controller.evaluation import Evaluation
from controller.memory import Memory
from controller.permit import forbidden
from controller.sync.plan import Task
from controller.turn import Turn
from controller.witness import Deployed
from model.application import Application, Operation, Source
from model.decision import Decision
from model.durations import format_time
from model.events import DecisionMade, SyncPermission
from model.meta import JSON
from model.states import ConditionType, SyncStatus

BLOCKED_AGAIN = 60.0
"""Seconds until a change is tried again that policy blocks without saying until when."""
SAID_AGAIN = 60.0
"""A change whose window is open says so when its turn is more than these seconds away; else it is not worth a write."""


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """What to write for automated sync."""

    operation: Operation | None = None
    fields: JSON = {}
    """Status fields that go with the operation."""
    findings: tuple[Finding, ...] = ()
    again_seconds: float | None = None
    """When to look again; None: no sooner than otherwise."""
    since: float | None = None
    """Then the commits must not come from a list of refs older than this monotonic time."""
    shown: str = ""
    """The revision, shortened for a message."""
    heal: Deployed | None = None
    """Windows keep the change back, but drift from this may be set right."""


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
        automated = permission(context, app, memory, now)
        wish = _wish(context, app, memory, evaluation, revisions, now)
        stage.attributes["wish"] = wish.verb
        start = _start(context, app, memory, turn, tasks, revisions, now, wish, automated)
        return msgspec.structs.replace(start, findings=(*start.findings, *policyview.problems(context, app, automated)))


def permission(context: Context, app: Application, memory: Memory, now: dt.datetime) -> Decision:
    """Ask whether an automated and a manual sync would be let through now, and tell the listeners."""
    automated = manual = context.guard.may_use(app)
    if automated.allowed:
        automated = context.guard.may_sync(app, now=now, manual=False)
        manual = context.guard.may_sync(app, now=now, manual=True)
    context.publish(
        SyncPermission(key=app.key, project=app.spec.project or "default", automated=automated, manual=manual)
    )
    memory.permission_asked = now
    memory.permission_until = min((d.until for d in (automated, manual) if d.until is not None), default=None)
    return automated


def ask_again(context: Context, app: Application, memory: Memory, now: dt.datetime, *, wanted: bool) -> None:
    """Ask policy unless this turn did: also where its refresh failed before that, or there was none.

    Args:
        context: the shared parts.
        app: the Application.
        memory: what is remembered of it.
        now: when the turn began.
        wanted: something may have changed; else it is asked when the last answer is over.
    """
    over = memory.permission_until is not None and memory.permission_until <= now
    if memory.permission_asked != now and (wanted or over or memory.permission_asked is None):
        permission(context, app, memory, now)


def waits(app: Application) -> bool:
    """Say whether the status says that an automated change waits."""
    return any(c.type == ConditionType.SYNC_BLOCKED for c in app.status.conditions or ())


def _start(
    context: Context,
    app: Application,
    memory: Memory,
    turn: Turn,
    tasks: t.Sequence[Task] | None,
    revisions: tuple[str, ...],
    now: dt.datetime,
    wish: autosync.Wish,
    automated: Decision,
) -> Start:
    """Carry the wish to where policy lets it go."""
    if wish.verb == "refuse":
        return Start(findings=(Finding(ConditionType.SYNC, wish.why),))
    if wish.verb == "wait" and wish.at is not None:
        return Start(again_seconds=max(0.1, (wish.at - now).total_seconds()))
    if wish.operation is None:
        memory.turn_due = None
        return Start()
    if text := context.governance.missing():
        return Start(findings=(Finding(ConditionType.SYNC_BLOCKED, text),), again_seconds=BLOCKED_AGAIN)
    decision = _decision(context, app, memory, revisions, now, automated)
    context.publish(_made(app, decision))
    turn.outcome.update(decision=str(decision.effect), rule=shown_rule(decision))
    if not decision.allowed:
        memory.turn_due = None
        return _blocked(context, app, memory, decision, now)
    if waits(app) and not _is_newest(context, memory):
        return Start(findings=_said(app), again_seconds=0.0, since=memory.fresh_from)
    left = _until_turn(context, app, memory)
    if left > 0:
        return _queued(app, left, now)
    if tasks is None:
        memory.dirty = True
        return Start(again_seconds=0.0)
    refused = forbidden(context, app, tasks)
    if refused is not None:
        turn.outcome.update(decision="deny", rule=shown_rule(refused))
        return Start(findings=(Finding(ConditionType.SYNC, refused.reason),))
    memory.turn_due = None
    return started(app, wish.operation, revisions, app.spec.all_sources, now)


def _decision(
    context: Context,
    app: Application,
    memory: Memory,
    revisions: tuple[str, ...],
    now: dt.datetime,
    automated: Decision,
) -> Decision:
    """Ask whether this change is let through; bringing back what was synced last is less than a deployment."""
    known = memory.witness.deployed(app)
    if automated.allowed or known is None or (known.revisions, known.sources) != (revisions, app.spec.all_sources):
        return automated
    return context.guard.may_sync(app, now=now, manual=False, healing=True)


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


def _blocked(context: Context, app: Application, memory: Memory, decision: Decision, now: dt.datetime) -> Start:
    """Say that the change waits, for which rule and until when, and come back exactly then."""
    findings = (Finding(ConditionType.SYNC_BLOCKED, f"A change waits: {decision.reason}"),)
    heal = healing.permitted(context, app, memory, now)
    memory.fresh_from = None
    if decision.until is None:
        return Start(findings=findings, again_seconds=BLOCKED_AGAIN, heal=heal)
    left = max(0.0, (decision.until - now).total_seconds())
    spread = context.options.window_jitter.total_seconds() * random.random()  # noqa: S311 - jitter
    memory.fresh_from = context.clock.monotonic() + left
    again = max(0.1, left + spread)
    return Start(findings=findings, again_seconds=again, since=memory.fresh_from, heal=heal)


def _is_newest(context: Context, memory: Memory) -> bool:
    """Say whether the commits were asked for since the window opened, however it came to be open."""
    if memory.fresh_from is None or memory.fresh_from > context.clock.monotonic():
        memory.fresh_from = context.openings.seen()
    return memory.listed >= memory.fresh_from


def _until_turn(context: Context, app: Application, memory: Memory) -> float:
    """Return the seconds until a change that waited for its window may start; 0 for one that did not wait."""
    if memory.turn_due is None:
        if not waits(app):
            return 0.0
        memory.turn_due = context.openings.reserve()
    return memory.turn_due - context.clock.monotonic()


def _queued(app: Application, left: float, now: dt.datetime) -> Start:
    """Let the changes before this one start first; what the status says stays, unless it takes long."""
    said = _said(app)
    if left > SAID_AGAIN:
        at = format_time(now + dt.timedelta(seconds=left))
        said = (Finding(ConditionType.SYNC_BLOCKED, f"An automated sync is let through and has its turn at {at}"),)
    return Start(findings=said, again_seconds=left)


def _said(app: Application) -> tuple[Finding, ...]:
    """Return what the status says of the change that waits."""
    return tuple(
        Finding(c.type, c.message) for c in app.status.conditions or () if c.type == ConditionType.SYNC_BLOCKED
    )


def started(
    app: Application, wanted: Operation, revisions: tuple[str, ...], sources: tuple[Source, ...], now: dt.datetime
) -> Start:
    """Return the operation with its state: pinned to the compared commits before anything is written."""
    multiple = operation.is_multiple(app, sources)
    state = operation.pinned(operation.begun(wanted, now), revisions, sources, multiple=multiple)
    shown = ", ".join(revision[:12] for revision in revisions)
    return Start(operation=wanted, fields={"operationState": status.operation_state(state)}, shown=shown)


def _made(app: Application, decision: Decision) -> DecisionMade:
    return DecisionMade(
        decision=decision,
        resource="applications",
        action="sync",
        source="loop",
        project=app.spec.project or "default",
        key=app.key,
    )


def shown_rule(decision: Decision) -> str:
    """Return where the deciding rule stands and how it reads, in one line; empty when there was none."""
    return f"{decision.rule.origin}: {decision.rule.text}"[:200] if decision.rule else ""
