"""Writing what a turn found: one merge patch for status, operation and annotation together, and the Events about it.

Called by controller.reconciler, controller.syncing and controller.deletion; they say what changed, this module knows
what is on the wire already.
"""

from __future__ import annotations

import datetime as dt
import typing as t

import msgspec

from controller import conditions, status
from controller.context import Context
from controller.evaluation import Evaluation
from controller.refresh import REFRESH_TIMESTAMP_ANNOTATION
from model.application import REFRESH_ANNOTATION, AppCondition, Application, ComparedTo, HealthState, SyncState
from model.durations import format_time
from model.errors import Conflict
from model.meta import JSON
from model.states import ConditionType

EVENT_OF: t.Mapping[str, str] = {
    ConditionType.SYNC_BLOCKED: "SyncBlocked",
    ConditionType.POLICY_INVALID: "PolicyInvalid",
}
"""Conditions that are also told as Events when they appear."""
Make = t.Callable[[Application], JSON]
"""Makes the wanted status fields from the newest version of the Application."""


def raw_status(app: Application) -> JSON:
    """Return status as it stands on the wire, with all unknown fields."""
    found = msgspec.json.decode(app.raw).get("status")
    return found if isinstance(found, dict) else {}


def verdict_fields(
    context: Context, app: Application, evaluation: Evaluation, revisions: t.Sequence[str], now: dt.datetime
) -> JSON:
    """Return the status fields that a comparison writes, conditions left out."""
    multiple = bool(app.spec.sources)
    sync = SyncState(
        status=evaluation.status,
        revision="" if multiple else revisions[0],
        revisions=list(revisions) if multiple else None,
        compared_to=compared_to(app),
    )
    types = [found for found in evaluation.source_types if found]
    return {
        "sync": status.sync_state(sync),
        "health": health_fields(app, evaluation.health, now),
        "resources": status.resource_states(evaluation.resources) or None,
        "sourceType": types[0] if types and not multiple else None,
        "sourceTypes": types if types and multiple else None,
        "summary": {"images": list(evaluation.images)} if evaluation.images else None,
        "controllerNamespace": context.namespace,
    }


def health_fields(app: Application, found: HealthState, now: dt.datetime) -> JSON:
    """Return status.health; its time changes only with its status."""
    old = app.status.health
    same = old.status == found.status and old.last_transition_time
    when = old.last_transition_time if same else format_time(now)
    return status.health_state(msgspec.structs.replace(found, last_transition_time=when))


def compared_to(app: Application) -> ComparedTo:
    """Return what the verdict belongs to."""
    multiple = bool(app.spec.sources)
    return ComparedTo(
        source=None if multiple else app.spec.source,
        sources=app.spec.sources if multiple else None,
        destination=app.spec.destination,
        ignore_differences=app.spec.ignore_differences,
    )


def condition_fields(
    app: Application, owned: t.AbstractSet[str], found: t.Iterable[conditions.Finding], now: dt.datetime
) -> JSON:
    """Return status.conditions with those of the owned types replaced."""
    kept: list[AppCondition] = conditions.replace(app.status.conditions, owned, found, now)
    return {"conditions": status.conditions(kept) or None}


def patch_of(app: Application, fields: JSON, now: dt.datetime, *, compared: bool, answer: bool) -> JSON:
    """Return the body that makes the status fields true; empty when they are.

    Args:
        app: the version that the patch is made from.
        fields: wanted status fields; None removes one.
        now: the time.
        compared: this was a comparison of level 2 or more, so reconciledAt moves with whatever else changes.
        answer: the refresh annotation has been served and goes.
    """
    patch = status.merge_patch(raw_status(app), status.shortened(fields))
    asked = app.metadata.annotations or {}
    answered = {name: None for name in (REFRESH_ANNOTATION, REFRESH_TIMESTAMP_ANNOTATION) if name in asked}
    if compared and (patch or (answer and answered) or not app.status.reconciled_at):
        patch["reconciledAt"] = format_time(now)
    body: JSON = {"status": patch} if patch else {}
    if answer and answered:
        body["metadata"] = {"annotations": answered}
    return body


def write(context: Context, app: Application, body: JSON, *, guarded: bool) -> Application:
    """Send the patch and tell about what it changed in the words of Argo CD."""
    new = context.writer.patch(app, body, guarded=guarded)
    if new is app:
        return app
    for name, old, now in (
        ("sync", app.status.sync.status, new.status.sync.status),
        ("health", app.status.health.status, new.status.health.status),
    ):
        if old != now:
            context.recorder.record(new, "ResourceUpdated", f"Updated {name} status: {old or 'Unknown'} -> {now}")
    known = {(c.type, c.message) for c in app.status.conditions or ()}
    for condition in new.status.conditions or ():
        if condition.type in EVENT_OF and (condition.type, condition.message) not in known:
            context.recorder.record(new, EVENT_OF[condition.type], condition.message, "Warning")
    return new


def write_retrying(context: Context, app: Application, make: t.Callable[[Application], JSON | None]) -> Application:
    """Send a patch; when somebody wrote meanwhile, read again and let `make` decide again.

    What Lynceus alone writes needs no guard: a verdict is a verdict on what was compared, which stands in comparedTo.

    Args:
        context: the shared parts.
        app: the version to begin with.
        make: returns the body for a version, or None when nothing shall be written any more.
    """
    for _ in range(5):
        body = make(app)
        if body is None:
            return app
        guarded = set(body) != {"status"} or "operationState" in body["status"]
        try:
            return write(context, app, body, guarded=guarded)
        except Conflict:
            found = context.writer.reread(app.key)
            if found is None:
                return app
            app = found
    raise Conflict(f"Application {app.key}: others write it all the time")
