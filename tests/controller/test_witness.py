"""What this process saw itself goes before what the Application says."""

from __future__ import annotations

import datetime as dt
import typing as t

import msgspec

from controller.witness import Witness
from model.application import Application, InitiatedBy, Operation, OperationState, SyncOperation, SyncResult
from model.states import OperationPhase
from tests.controller.builders import DESTINATION, NOW, OTHER_REVISION, REVISION, SOURCE, application

EARLIER = NOW - dt.timedelta(days=1)
LATER = NOW + dt.timedelta(seconds=1)
HISTORY = [{"id": 0, "revision": REVISION, "source": SOURCE, "deployedAt": "2026-03-01T11:00:00Z"}]


def app_of(*, created: dt.datetime = EARLIER, uid: str = "uid-shop", **more: t.Any) -> Application:
    found = application(**more)
    metadata = msgspec.structs.replace(
        found.metadata, creation_timestamp=created.strftime("%Y-%m-%dT%H:%M:%SZ"), uid=uid
    )
    return msgspec.structs.replace(found, metadata=metadata)


def state_of(revision: str = OTHER_REVISION, **more: t.Any) -> OperationState:
    operation = Operation(sync=SyncOperation(revision=revision), initiated_by=InitiatedBy(automated=True))
    result = SyncResult(revision=revision, source=application().spec.source)
    return OperationState(operation=operation, started_at="2026-03-01T11:59:00Z", sync_result=result, **more)


def met(app: Application) -> Witness:
    witness = Witness()
    witness.meet(app, NOW)
    return witness


def test_the_status_is_believed_at_first_sight_only() -> None:
    """What was there before the process is believed once; what is written into the history afterwards is not."""
    app = app_of(status={"history": HISTORY})
    witness = met(app)
    forged = app_of(status={"history": [{**HISTORY[0], "revision": OTHER_REVISION}]})
    witness.meet(forged, NOW)
    known = witness.deployed(forged)
    assert known is not None
    assert (REVISION,) == known.revisions


def test_an_application_that_was_created_since_brings_no_past_along() -> None:
    """Deleted and created again with a status of one's own: nothing counts as deployed."""
    assert met(app_of(created=LATER, status={"history": HISTORY})).deployed(app_of()) is None
    witness = met(app_of(status={"history": HISTORY}))
    again = app_of(created=LATER, uid="uid-2", status={"history": HISTORY})
    witness.meet(again, NOW)
    assert witness.deployed(again) is None


def test_another_destination_is_another_deployment() -> None:
    """What was synced to one namespace was not synced to another, and what went to one that just changed is unknown."""
    elsewhere = {**DESTINATION, "namespace": "elsewhere"}
    assert met(app_of(status={"history": HISTORY})).deployed(app_of(destination=elsewhere)) is None
    compared = {"comparedTo": {"source": SOURCE, "destination": elsewhere}}
    assert met(app_of(status={"history": HISTORY, "sync": compared})).deployed(app_of()) is None


def test_only_a_whole_and_successful_sync_is_a_deployment() -> None:
    """Failed, partial and dry runs leave the record; a success moves it."""
    app = app_of(status={"history": HISTORY})
    witness = met(app)
    partial = msgspec.structs.replace(
        state_of(), operation=Operation(sync=SyncOperation(revision=OTHER_REVISION, resources=[])), phase="Succeeded"
    )
    dry = msgspec.structs.replace(partial, operation=Operation(sync=SyncOperation(dry_run=True)))
    witness.end(app, state_of(phase=OperationPhase.FAILED))
    witness.end(app, dry)
    known = witness.deployed(app)
    assert known is not None
    assert (REVISION,) == known.revisions
    witness.end(app, state_of(phase=OperationPhase.SUCCEEDED))
    known = witness.deployed(app)
    assert known is not None
    assert (OTHER_REVISION,) == known.revisions


def test_operation_and_commit_are_those_that_were_seen_to_begin() -> None:
    """Whatever is written into the running state, who asked and for which commit stays as it began."""
    witness, state = met(app_of()), state_of()
    witness.begin(state, NOW)
    witness.pin(state)
    forged = msgspec.structs.replace(
        state,
        operation=Operation(sync=SyncOperation(), initiated_by=InitiatedBy(username="mallory")),
        sync_result=SyncResult(revision=REVISION, source=application().spec.source, resources=[]),
    )
    found = witness.as_begun(forged)
    assert state.operation == found.operation
    assert found.sync_result is not None
    assert (OTHER_REVISION, []) == (found.sync_result.revision, found.sync_result.resources)
    other = msgspec.structs.replace(forged, started_at="2026-03-01T08:00:00Z")
    assert other == witness.as_begun(other)
    assert witness.begun(other) is None


def test_each_thing_is_said_once_about_an_operation() -> None:
    """Once per operation, and again about the next one."""
    witness, state = met(app_of()), state_of()
    assert [True, False] == [witness.first_time(state, "override"), witness.first_time(state, "override")]
    assert witness.first_time(msgspec.structs.replace(state, started_at="2026-03-01T12:00:01Z"), "override")
