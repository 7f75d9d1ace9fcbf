"""Heal, but do not deploy: drift from what was synced last is set right while a newer commit waits for its window.

The comparison that is made here is with the deployed commit and leaves no trace in status or memory: what people see
stays the verdict on the newest one. Called by controller.reconciler when windows let only this through.
"""

from __future__ import annotations

import datetime as dt
import typing as t

import msgspec

from controller import autosync, target
from controller.context import Context
from controller.evaluation import Question, evaluate
from controller.memory import Memory
from controller.operation import with_sources
from controller.permit import forbidden, permits
from controller.sync.options import Options
from controller.turn import Turn
from controller.witness import Deployed
from model.application import Application, OperationState
from model.errors import Denied, LynceusError
from model.states import SyncStatus


class Healing(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done about drift from the deployed commit."""

    wish: autosync.Wish
    deployed: Deployed


def healed(state: OperationState) -> bool:
    """Say whether an operation is a self-heal."""
    sync = state.operation.sync
    return bool(state.operation.initiated_by.automated and sync and sync.auto_heal_attempts_count)


def permitted(context: Context, app: Application, memory: Memory, now: dt.datetime) -> Deployed | None:
    """Return what was synced last, when windows let the Application be healed to it; None when not."""
    policy, known = app.spec.automated, memory.witness.deployed(app)
    if policy is None or not policy.self_heal or known is None or app.operation is not None:
        return None
    allowed = context.guard.may_sync(as_deployed(app, known), now=now, manual=False, healing=True).allowed
    return known if allowed else None


def look(
    context: Context,
    app: Application,
    memory: Memory,
    turn: Turn,
    place: target.Place,
    known: Deployed,
    now: dt.datetime,
) -> Healing | None:
    """Compare with the deployed commit and return what to do about drift; None when there is none, or doubt."""
    effective = as_deployed(app, known)
    try:
        with turn.stage("heal") as stage:
            rendered = target.render(context, effective, place, known.sources, known.revisions, hard=False)
            comparison = evaluate(
                Question(
                    app=effective,
                    instance=context.instance(app),
                    cache=place.cache,
                    server=place.cluster.server,
                    settings=context.governance.settings,
                    objects=rendered.objects,
                    options=Options(app.spec.sync_options),
                    permits=lambda key: permits(context, effective, place.cache, key),
                )
            )
            stage.attributes["status"] = str(comparison.evaluation.status)
    except (LynceusError, Denied) as failure:
        turn.error = f"not known whether to heal: {failure}"
        return None
    if comparison.evaluation.status != SyncStatus.OUT_OF_SYNC or comparison.unknown:
        return None
    wish = autosync.heal(
        app, known.revisions, known.sources, comparison.evaluation.resources, backoff=context.options.self_heal, now=now
    )
    chosen = {(r.group, r.kind, r.namespace, r.name) for r in _selected(wish)}
    tasks = [task for task in comparison.tasks if _name(task.key) in chosen]
    if wish.operation is not None and forbidden(context, effective, tasks) is not None:
        return None
    return Healing(wish=wish, deployed=known)


def as_deployed(app: Application, known: Deployed) -> Application:
    """Return the Application with the sources of the deployed commit."""
    return with_sources(app, known.sources, multiple=len(known.sources) > 1)


def _selected(wish: autosync.Wish) -> t.Sequence[t.Any]:
    sync = wish.operation.sync if wish.operation is not None else None
    return (sync.resources or ()) if sync is not None else ()


def _name(key: t.Any) -> tuple[str, str, str, str]:
    return key.group, key.kind, key.namespace, key.name
