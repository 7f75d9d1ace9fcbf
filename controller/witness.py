"""What this process saw of an Application itself, as against what its status says about the past.

An Application has no status subresource: whoever may write it may also write when its operation began, who asked for it
and what was deployed. Where policy depends on one of these, our own record goes before the object. Called by the turns,
each holding the Application's lock.
"""

from __future__ import annotations

import datetime as dt

import msgspec

from controller import history
from model.application import (
    Application,
    Destination,
    Operation,
    OperationState,
    Source,
    SyncResult,
    revisions_of,
    sources_of,
)
from model.durations import parse_time
from model.states import OperationPhase


class Begun(msgspec.Struct, frozen=True):
    """An operation that this process saw begin."""

    at: dt.datetime
    operation: Operation
    pinned: SyncResult | None = None
    """Revisions and sources, once they are resolved."""


class Deployed(msgspec.Struct, frozen=True):
    """What was synced last, whole and with success."""

    revisions: tuple[str, ...]
    sources: tuple[Source, ...]
    destination: Destination


class Witness:
    """The record of one Application; an Application of the same name and another UID is another one."""

    def __init__(self) -> None:
        self._uid: str | None = None
        self._begun: dict[str, Begun] = {}
        self._deployed: Deployed | None = None
        self._told: set[str] = set()

    def meet(self, app: Application, loop_started: dt.datetime) -> None:
        """See the Application at the beginning of a turn.

        What its status says was deployed is believed once: at first sight, and only of an Application that was there
        before this process was, for one that was created since may bring any status along.
        """
        if self._uid == app.metadata.uid:
            return
        self._uid, self._begun, self._told = app.metadata.uid, {}, set()
        self._deployed = recorded(app) if _created(app, loop_started) <= loop_started else None

    def begin(self, state: OperationState, now: dt.datetime) -> None:
        """Note that an operation begins now."""
        self._begun[state.started_at] = Begun(now, state.operation)

    def pin(self, state: OperationState) -> None:
        """Note the revisions that the operation was pinned to."""
        known = self._begun.get(state.started_at)
        if known is not None and state.sync_result is not None:
            pinned = msgspec.structs.replace(state.sync_result, resources=None)
            self._begun[state.started_at] = msgspec.structs.replace(known, pinned=pinned)

    def as_begun(self, state: OperationState) -> OperationState:
        """Return the state with operation and pinned revisions as this process saw them, whatever stands there now."""
        known = self._begun.get(state.started_at)
        if known is None:
            return state
        result = state.sync_result
        if known.pinned is not None and result is not None:
            result = msgspec.structs.replace(known.pinned, resources=result.resources)
        return msgspec.structs.replace(state, operation=known.operation, sync_result=result)

    def begun(self, state: OperationState) -> Begun | None:
        """Return what was noted when the operation began; None for one that began before this process did."""
        return self._begun.get(state.started_at)

    def end(self, app: Application, state: OperationState) -> None:
        """Note that the operation has ended, and what is deployed if it succeeded."""
        self._begun.clear()
        self._told.clear()
        if state.phase == OperationPhase.SUCCEEDED and history.is_deployment(state):
            self._deployed = _of_state(app, state)

    def deployed(self, app: Application) -> Deployed | None:
        """Return what was synced last to the Application's destination; None when that is not known."""
        known = self._deployed
        return known if known is not None and known.destination == app.spec.destination else None

    def first_time(self, state: OperationState, what: str) -> bool:
        """Say whether this is said about the operation for the first time, and note that it is said now."""
        words = f"{state.started_at} {what}"
        known = words in self._told
        self._told.add(words)
        return not known


def recorded(app: Application) -> Deployed | None:
    """Return what the status says was synced last; None when it may have been to another destination."""
    compared = app.status.sync.compared_to
    if compared is not None and compared.destination not in (None, app.spec.destination):
        return None
    entries = app.status.history or ()
    if entries:
        last = entries[-1]
        return _whole(revisions_of(last), sources_of(last), app.spec.destination)
    state = app.status.operation_state
    if state is None or state.phase != OperationPhase.SUCCEEDED or not history.is_deployment(state):
        return None
    return _of_state(app, state)


def _of_state(app: Application, state: OperationState) -> Deployed | None:
    result = state.sync_result
    if result is None:
        return None
    return _whole(revisions_of(result), sources_of(result), app.spec.destination)


def _whole(revisions: tuple[str, ...], sources: tuple[Source, ...], destination: Destination) -> Deployed | None:
    """Return the record unless half of it is missing."""
    complete = revisions and len(revisions) == len(sources) and all(revisions)
    return Deployed(revisions, sources, destination) if complete else None


def _created(app: Application, otherwise: dt.datetime) -> dt.datetime:
    """Return when the API server created the Application; without a time it counts as new."""
    try:
        return parse_time(app.metadata.creation_timestamp or "")
    except ValueError:
        return otherwise + dt.timedelta(days=1)
