"""What an Application's status says about times, sources and operations. Pure; believes no time in the future.

Called by the other modules of this package.
"""

from __future__ import annotations

import hashlib
import typing as t

import msgspec

from controller import history
from controller.delivery.places import places
from controller.delivery.state import Deployed, Place
from controller.operation import BLOCKED, NOT_VALID, REFUSED, STOPPED, is_completed
from model.application import (
    Application,
    HistoryEntry,
    OperationState,
    Source,
    revisions_of,
    sources_of,
)
from model.durations import parse_time
from model.states import ConditionType
from model.states import OperationPhase as Phase

FAILED = (Phase.FAILED, Phase.ERROR)
BY_POLICY = (BLOCKED, REFUSED, STOPPED, f"{NOT_VALID}: ")
"""Messages that open so: the change was kept back, it did not fail. Argo CD's own window leaves the operation Running
with the first of them, and says the last one without a colon, for whatever is wrong with a task."""
HELD_BACK = (ConditionType.SYNC, ConditionType.SYNC_BLOCKED)
"""Conditions that only an OutOfSync Application gets."""
MOST_KNOWN = 20_000
"""Places of so many different sources are kept."""
NOT_PERMITTED = "is not permitted in project"
"""Argo CD's words for an object that the project does not admit."""


def seconds(text: str | None) -> float | None:
    """Return an RFC 3339 time in Unix seconds; None where there is none."""
    try:
        return parse_time(text).timestamp() if text else None
    except ValueError:
        return None


def before(text: str | None, now: float) -> float | None:
    """Return the time unless it is missing, unreadable or in the future."""
    found = seconds(text)
    return found if found is not None and found <= now else None


def completed(state: OperationState | None) -> bool:
    """Say whether there is an operation that has ended for good."""
    return state is not None and is_completed(state)


def identity(state: OperationState) -> str:
    """Return a text that only this operation has, from its beginning to its end.

    A retry with `refresh` asks for the newest commit, and Argo CD writes that into the operation: it is the same one.
    """
    operation = state.operation
    if operation.sync is not None and operation.retry is not None and operation.retry.refresh:
        plain = msgspec.structs.replace(operation.sync, revision="", revisions=None)
        operation = msgspec.structs.replace(operation, sync=plain)
    return f"{state.started_at} {digest(operation)}"


def finished_identity(state: OperationState) -> str:
    """Return a text that only this end of this operation has; its times alone are whole seconds."""
    return f"{identity(state)} {state.finished_at} {state.phase} {state.retry_count} {asked(state).mark}"


def heals(state: OperationState) -> int:
    """Return which self-heal of its commit this is; 0: none."""
    sync = state.operation.sync
    return (sync.auto_heal_attempts_count or sync.self_heal_attempts_count or 0) if sync else 0


def is_dry(state: OperationState) -> bool:
    """Say whether nothing was to be written."""
    return bool(state.operation.sync and state.operation.sync.dry_run)


def is_whole(state: OperationState) -> bool:
    """Say whether the operation is a sync of everything."""
    sync = state.operation.sync
    return sync is not None and not sync.dry_run and not sync.resources


def by_policy(state: OperationState) -> bool:
    """Say whether policy kept the operation back, in Lynceus' words or Argo CD's."""
    if state.phase not in FAILED:
        return False
    if state.message.startswith(BY_POLICY):
        return True
    results = (state.sync_result.resources if state.sync_result else None) or ()
    return state.message.startswith(NOT_VALID) and any(NOT_PERMITTED in result.message for result in results)


def asked(state: OperationState) -> Deployed:
    """Return what the operation brings: as its result says, else as it was asked for; empty where neither says."""
    result, sync = state.sync_result, state.operation.sync
    if result is not None and revisions_of(result):
        return deployed(revisions_of(result), sources_of(result))
    if sync is None:
        return Deployed()
    revisions = tuple(sync.revisions or ()) or ((sync.revision,) if sync.revision else ())
    return deployed(revisions, sources_of(sync))


def recorded(entry: HistoryEntry) -> Deployed:
    """Return what an entry of status.history says."""
    return deployed(revisions_of(entry), sources_of(entry))


def target(app: Application) -> Deployed:
    """Return what the Application was compared with last; without revisions where there was no comparison."""
    sync = app.status.sync
    compared = sources_of(sync.compared_to) if sync.compared_to is not None else ()
    return deployed(revisions_of(sync), compared or app.spec.all_sources)


def deployed(revisions: tuple[str, ...], sources: tuple[Source, ...]) -> Deployed:
    """Return revisions and sources as one value; a branch by another name that leads to the same commit is the same."""
    if not sources:
        return Deployed(revisions=revisions)
    mark = digest([msgspec.structs.replace(source, target_revision="") for source in sources])
    return Deployed(
        revisions=revisions,
        sources=mark,
        places=_places(mark, sources) if len(sources) == len(revisions) else (),
    )


_known: dict[str, tuple[Place, ...]] = {}


def _places(mark: str, sources: tuple[Source, ...]) -> tuple[Place, ...]:
    """Return the places of the sources with this digest; they are asked for with each version."""
    found = _known.get(mark)
    if found is None:
        if len(_known) >= MOST_KNOWN:
            _known.clear()
        found = _known[mark] = places(sources)
    return found


def located(what: Deployed, app: Application) -> Deployed:
    """Return it with the places of the Application's sources, where the operation itself does not say its sources."""
    sources = app.spec.all_sources
    if what.sources or len(sources) != len(what.revisions):
        return what
    return msgspec.structs.replace(what, places=places(sources))


def digest(value: t.Any) -> str:
    """Return a short digest of anything that can be written as JSON."""
    return hashlib.sha256(msgspec.json.encode(value)).hexdigest()[:16]


def earlier(app: Application, brought: Deployed | None = None) -> list[Deployed]:
    """Return what status.history says was deployed, oldest first, without the entry of the sync that brought this."""
    found = [recorded(entry) for entry in _ended(app)]
    return found[:-1] if found and brought is not None and found[-1].same(brought) else found


def _ended(app: Application) -> list[HistoryEntry]:
    """Return status.history without the entry of an operation that still runs: Argo CD writes it before the end."""
    entries, state = app.status.history or [], app.status.operation_state
    running = state is not None and not is_completed(state)
    if running and state is not None and entries and entries[-1].deploy_started_at == state.started_at:
        return entries[:-1]
    return entries


def last_deployed(app: Application) -> Deployed | None:
    """Return what the status says was deployed last."""
    if entries := _ended(app):
        return recorded(entries[-1])
    state = app.status.operation_state
    if state is None or state.phase != Phase.SUCCEEDED or not history.is_deployment(state):
        return None
    return asked(state)


def last_sync(app: Application, now: float) -> float | None:
    """Return when the last successful sync of everything ended, as far as the status says."""
    entries, state = app.status.history or (), app.status.operation_state
    times = [before(entry.deployed_at, now) for entry in entries[-1:]]
    if state is not None and state.phase == Phase.SUCCEEDED and is_whole(state):
        times.append(before(state.finished_at, now))
    return max((when for when in times if when is not None), default=None)


def drifted_at(app: Application, now: float) -> float:
    """Return since when an OutOfSync Application is drifted at the latest, by what its status proves.

    The earliest moment after the last successful sync at which it is known to have been OutOfSync: the last
    comparison, a condition that says that a sync is held back or failed, an automated sync that failed. Never before
    that successful sync, never in the future.
    """
    status, state = app.status, app.status.operation_state
    floor = last_sync(app, now)
    proofs = [before(status.reconciled_at, now)]
    proofs += [before(c.last_transition_time, now) for c in status.conditions or () if c.type in HELD_BACK]
    if state is not None and state.phase in FAILED and state.operation.initiated_by.automated:
        proofs.append(before(state.started_at, now))
    known = [when for when in proofs if when is not None and (floor is None or when >= floor)]
    return min(known) if known else floor if floor is not None else now
