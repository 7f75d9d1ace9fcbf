"""What people ask for is written once, and only where nothing else was written meanwhile."""

from __future__ import annotations

import typing as t

import pytest

from controller.applications import Applications
from controller.requests import Requests
from controller.writer import AppWriter
from model.application import Application, Operation, SyncOperation
from model.errors import Conflict, NotFound, Rejected
from model.meta import JSON, NamespacedName
from tests.controller.builders import application

KEY = NamespacedName("argocd", "shop")


class Fake:
    """A store of one Application and a writer that meets `conflicts` others."""

    def __init__(self, app: Application | None, conflicts: int = 0) -> None:
        self.app, self.conflicts, self.bodies = app, conflicts, list[JSON]()

    def get(self, key: NamespacedName) -> Application | None:
        return self.app

    def reread(self, key: NamespacedName) -> Application | None:
        return self.app

    def patch(self, app: Application, body: JSON, *, guarded: bool) -> Application:
        assert guarded
        if self.conflicts:
            self.conflicts -= 1
            raise Conflict("somebody was faster")
        self.bodies.append(body)
        return app


def requests(fake: Fake) -> Requests:
    return Requests(t.cast("Applications", fake), t.cast("AppWriter", fake))


RUNNING = {"operation": {"sync": {}}, "phase": "Running", "startedAt": "2026-03-01T11:59:00Z"}
DONE = {**RUNNING, "phase": "Succeeded", "finishedAt": "2026-03-01T11:59:30Z"}
ASKED: dict[str, t.Any] = {"sync": {}}


@pytest.mark.parametrize(
    ("state", "body"),
    [
        (RUNNING, {"status": {"operationState": {"phase": "Terminating"}}}),
        (None, {"operation": None}),
        (DONE, {"operation": None}),
    ],
    ids=["runs", "first one, not begun", "next one, not begun"],
)
def test_whatever_was_asked_for_can_be_terminated(state: dict[str, t.Any] | None, body: JSON) -> None:
    """A running one winds up; one that waits for its first turn is taken away, so that it never begins."""
    fake = Fake(application(operation=ASKED, status={"operationState": state} if state else {}))
    requests(fake).terminate(KEY)
    assert [body] == fake.bodies


def test_without_an_operation_there_is_nothing_to_terminate() -> None:
    """Said, not written."""
    fake = Fake(application(status={"operationState": DONE}))
    with pytest.raises(Rejected, match="no operation is in progress"):
        requests(fake).terminate(KEY)
    assert [] == fake.bodies


def test_a_second_request_is_refused_and_never_replaces_the_first() -> None:
    """Who was first goes on."""
    fake = Fake(application(operation=ASKED))
    with pytest.raises(Rejected, match="another operation is already in progress"):
        requests(fake).submit(KEY, Operation(sync=SyncOperation()))
    assert [] == fake.bodies


def test_a_request_takes_the_result_of_the_last_one_along() -> None:
    """So that nothing of an earlier operation is read as this one's."""
    fake = Fake(application(status={"operationState": DONE}), conflicts=2)
    requests(fake).submit(KEY, Operation(sync=SyncOperation(revision="v1")))
    ((body,),) = [fake.bodies]
    assert ("v1", None) == (body["operation"]["sync"]["revision"], body["status"]["operationState"])


def test_what_does_not_exist_or_changes_all_the_time_is_told() -> None:
    """Two clear errors, no endless loop."""
    with pytest.raises(NotFound):
        requests(Fake(None)).terminate(KEY)
    with pytest.raises(Conflict, match="all the time"):
        requests(Fake(application(), conflicts=99)).submit(KEY, Operation(sync=SyncOperation()))
