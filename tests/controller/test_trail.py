"""controller.trail and controller.turn: which deployment a turn belongs to, and who learns its trace's id when."""

from __future__ import annotations

import datetime as dt
import typing as t

import pytest

from controller.memory import Memory
from controller.trail import follow, operate, resolved
from controller.turn import Turn, trace_id, with_trace_id
from model.application import Application, Operation, OperationState, SyncOperation
from model.durations import format_time
from model.meta import NamespacedName
from model.traces import deployment_trace_id
from tests.controller.builders import NOW, OTHER_REVISION, REVISION, FakeClock, application

KEY = NamespacedName("argocd", "shop")
OLD, NEW = (REVISION,), (OTHER_REVISION,)


def turn() -> Turn:
    return Turn(KEY, "refresh", FakeClock())


def app(sync: str = "Synced", health: str = "Healthy", revision: str = REVISION, **status: t.Any) -> Application:
    """Return an Application that was compared at a revision."""
    return application(status={"sync": {"status": sync, "revision": revision}, "health": {"status": health}, **status})


def followed(found: Application, memory: Memory, revisions: tuple[str, ...]) -> str:
    """Return the revision that a new turn deploys."""
    made = turn()
    follow(found, memory, made, revisions)
    assert made.outcome["revision"] == revisions[0]
    return made.deploys


def test_a_new_commit_is_deployed_until_synced_and_healthy() -> None:
    """From OutOfSync over Synced but Progressing; what comes after is no part of it."""
    memory = Memory(KEY)
    assert "" == followed(app(), memory, OLD)
    assert OTHER_REVISION == followed(app(), memory, NEW)
    assert OTHER_REVISION == followed(app("OutOfSync", revision=OTHER_REVISION), memory, NEW)
    assert OTHER_REVISION == followed(app("Synced", "Progressing", OTHER_REVISION), memory, NEW)
    assert "" == followed(app("Synced", "Healthy", OTHER_REVISION), memory, NEW)


@pytest.mark.parametrize(("sync", "health"), [("OutOfSync", "Healthy"), ("Synced", "Degraded"), ("Unknown", "Unknown")])
def test_what_happens_after_arrival_is_no_deployment(sync: str, health: str) -> None:
    """Drift and trouble at a commit where it had arrived keep traces of their own."""
    memory = Memory(KEY)
    followed(app(), memory, OLD)
    assert "" == followed(app(sync, health), memory, OLD)


def test_an_application_that_was_never_synced_is_deployed() -> None:
    """The first commit is a deployment like any other."""
    assert REVISION == followed(application(), Memory(KEY), OLD)


def test_back_to_an_earlier_commit_is_a_deployment() -> None:
    """Also when it had arrived there before."""
    memory = Memory(KEY)
    followed(app(), memory, OLD)
    followed(app(revision=REVISION), memory, NEW)
    assert REVISION == followed(app("OutOfSync", revision=OTHER_REVISION), memory, OLD)


def test_a_new_process_goes_on_with_the_deployment() -> None:
    """Nothing is remembered, and yet the id is the same: before the sync and between Synced and Healthy."""
    before = app("OutOfSync", revision=OTHER_REVISION)
    assert OTHER_REVISION == followed(before, Memory(KEY), NEW)
    assert OTHER_REVISION == followed(app("Synced", "Progressing", OTHER_REVISION), Memory(KEY), NEW)


@pytest.mark.parametrize(("minutes", "expected"), [(5, ""), (-5, REVISION)])
def test_a_new_process_knows_drift(minutes: int, expected: str) -> None:
    """OutOfSync by a comparison that came after the sync is drift; one from before says nothing of it."""
    history = [{"id": 1, "revision": REVISION, "deployedAt": format_time(NOW)}]
    compared = format_time(NOW + dt.timedelta(minutes=minutes))
    drifted = app("OutOfSync", history=history, reconciledAt=compared)
    assert expected == followed(drifted, Memory(KEY), OLD)


def test_several_sources_are_one_revision() -> None:
    """A commit in one of them is another deployment."""
    made = turn()
    follow(app(), Memory(KEY), made, (REVISION, OTHER_REVISION))
    assert f"{REVISION},{OTHER_REVISION}" == made.deploys == made.outcome["revision"]


def state(attempts: int = 0) -> OperationState:
    operation = Operation(sync=SyncOperation(auto_heal_attempts_count=attempts))
    return OperationState(operation=operation, phase="Running", started_at=format_time(NOW))


def test_an_operation_belongs_to_what_it_brings() -> None:
    """Unless it heals, or its commits are not known yet."""
    brings, heals, unknown = turn(), turn(), turn()
    operate(app("OutOfSync"), Memory(KEY), brings, state(), NEW)
    operate(app("OutOfSync"), Memory(KEY), heals, state(attempts=1), NEW)
    operate(app("OutOfSync"), Memory(KEY), unknown, state(), ())
    assert (OTHER_REVISION, "", "") == (brings.deploys, heals.deploys, unknown.deploys)
    assert (OTHER_REVISION, None) == (heals.outcome["revision"], unknown.outcome.get("revision"))


def test_a_dry_run_is_no_deployment() -> None:
    """It brings nothing of another commit, and what had arrived has not left: drift after it is drift."""
    memory, dry = Memory(KEY), turn()
    followed(app(), memory, OLD)
    tried = OperationState(operation=Operation(sync=SyncOperation(dry_run=True)), phase="Running")
    operate(app("OutOfSync"), memory, dry, tried, NEW)
    assert ("", OTHER_REVISION) == (dry.deploys, dry.outcome["revision"])
    assert "" == followed(app("OutOfSync"), memory, OLD)


def test_the_event_tells_trace_and_revision() -> None:
    """A turn has an id of its own until it becomes part of a deployment."""
    own, part = turn(), turn()
    resolved(own, OLD)
    part.deploy(REVISION)
    part.about(application())
    part.rendered(("Helm", "", "Helm"))
    first, second = own.finished(), part.finished()
    assert 32 == len(first.trace_id) == len(turn().trace_id)
    assert first.trace_id != turn().trace_id
    assert ("", REVISION) == (first.deploys, first.outcome["revision"])
    assert (REVISION, deployment_trace_id(KEY, REVISION)) == (second.deploys, second.trace_id)
    assert {"repository": "https://git.example/shop.git", "target": "main", "source_type": "Helm"} == second.about


def test_the_current_turn_gives_its_id_to_whoever_asks() -> None:
    """Only while it runs, and only in its thread."""
    made = turn()
    assert "" == trace_id()
    with made.current():
        assert made.trace_id == trace_id()
        made.deploy(REVISION)
        assert deployment_trace_id(KEY, REVISION) == trace_id()
    assert "" == trace_id()


def test_what_is_told_with_the_id_waits_until_it_is_final() -> None:
    """The request to Git from which the turn learns its deployment is told with the deployment's id."""
    told: list[str] = []
    with_trace_id(told.append)
    assert [""] == told
    made = turn()
    with made.current():
        with_trace_id(told.append)
        assert [""] == told
        made.deploy(REVISION)
        with_trace_id(told.append)
    assert ["", made.trace_id, made.trace_id] == told


def test_who_fails_to_be_told_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """Neither the turn nor the others who wait for its id; the failure is logged."""
    told: list[str] = []
    made = turn()

    def fail(trace_id: str) -> None:
        raise ValueError("gone wrong")

    with made.current():
        with_trace_id(fail)
        with_trace_id(told.append)
        made.deploy(REVISION)
    assert [made.trace_id] == told
    assert ["somebody could not be told the trace of a turn"] == [record.getMessage() for record in caplog.records]


def test_what_is_told_comes_at_the_end_at_the_latest() -> None:
    """A turn of its own is that to its end, also when it fails."""
    told: list[str] = []
    made = turn()

    def fail() -> None:
        with made.current():
            with_trace_id(told.append)
            raise ValueError("gone wrong")

    with pytest.raises(ValueError, match="gone wrong"):
        fail()
    assert [made.trace_id] == told
