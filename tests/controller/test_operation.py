"""The life of an operation as pure steps."""

from __future__ import annotations

import datetime as dt

import msgspec
import pytest

from controller import operation
from model.application import Backoff, OperationState, RetryStrategy, SyncResult
from model.states import OperationPhase as Phase
from tests.controller.builders import NOW, OTHER_REVISION, REVISION, SOURCE, application, finished

REQUEST = {"sync": {"revision": REVISION, "prune": True}}


def running(**more: object) -> dict[str, object]:
    return {"operation": REQUEST, "phase": "Running", "startedAt": "2026-03-01T11:59:00Z", **more}


def step(status: dict[str, object] | None, *, asked: bool = True, after: float = 0) -> operation.Step:
    app = application(operation=REQUEST if asked else None, status={"operationState": status} if status else {})
    return operation.next_step(app, NOW + dt.timedelta(seconds=after))


def test_a_request_begins_and_without_one_nothing_happens() -> None:
    """The request alone decides; what was recorded of an ended one does not."""
    assert "none" == step(None, asked=False).verb
    assert "none" == step(finished(), asked=False).verb
    for status in (None, finished(), finished(phase="Failed")):
        found = step(status)
        assert "begin" == found.verb
        assert found.state is not None
        assert ("Running", "2026-03-01T12:00:00Z") == (found.state.phase, found.state.started_at)


def test_a_recorded_operation_resumes() -> None:
    """After a restart the running operation goes on with what is recorded."""
    found = step(running(syncResult={"revision": OTHER_REVISION}))
    assert "resume" == found.verb
    assert found.state is not None
    assert (OTHER_REVISION,) == operation.pinned_revisions(found.state)


def test_terminating_ends_the_operation() -> None:
    """Whoever writes Terminating is obeyed, retry pending or not."""
    assert "terminate" == step(running(phase="Terminating", finishedAt="2026-03-01T12:00:00Z")).verb


def test_a_pending_retry_waits_for_its_announced_time() -> None:
    """Before the time it waits, then it retries with the same commit and without the old results."""
    request = {**REQUEST, "retry": {"limit": 5}}
    state = running(
        operation=request,
        finishedAt="2026-03-01T12:00:00Z",
        retryCount=1,
        syncResult={"revision": REVISION, "resources": [{"kind": "ConfigMap", "name": "a"}]},
    )
    assert ("wait", NOW + dt.timedelta(seconds=5)) == (step(state, after=4.9).verb, step(state).at)
    found = step(state, after=5)
    assert "retry" == found.verb
    assert found.state is not None
    assert (None, SyncResult(revision=REVISION)) == (found.state.finished_at, found.state.sync_result)


def test_retry_refresh_takes_the_newest_commit() -> None:
    """With retry.refresh the pinned commit is forgotten as well."""
    state = operation.begun(application(operation={**REQUEST, "retry": {"limit": 1, "refresh": True}}).operation, NOW)  # type: ignore[arg-type]
    state = msgspec.structs.replace(state, sync_result=SyncResult(revision=REVISION))
    assert operation.restarted(state).sync_result is None


@pytest.mark.row(57, 58)
def test_five_retries_then_failed_with_the_count() -> None:
    """Waits of 5, 10, 20, 40, 80 s are announced, then the operation is Failed and says how often it was retried."""
    request = {**REQUEST, "retry": {"limit": 5, "backoff": {"duration": "5s", "factor": 2, "maxDuration": "3m"}}}
    found = application(operation=request).operation
    assert found is not None
    state, now, waits = operation.begun(found, NOW), NOW, []
    while True:
        done = operation.finished(state, Phase.FAILED, "it failed", now)
        if operation.is_completed(done):
            break
        due = operation.retry_at(done, now)
        waits.append((due - now).total_seconds())
        attempt = len(waits)
        assert f"it failed. Retrying attempt #{attempt} at {due:%Y-%m-%dT%H:%M:%SZ}." == done.message
        state, now = operation.restarted(done), due
    assert [5, 10, 20, 40, 80] == waits
    assert (Phase.FAILED, "it failed (retried 5 times).") == (done.phase, done.message)


def test_success_and_termination_are_never_retried() -> None:
    """Retries are for failures of operations that nobody ended."""
    retry = RetryStrategy(limit=-1, backoff=Backoff())
    state = OperationState(operation=msgspec.structs.replace(application(operation=REQUEST).operation, retry=retry))  # type: ignore[type-var]
    assert Phase.SUCCEEDED == operation.finished(state, Phase.SUCCEEDED, "fine", NOW).phase
    ending = msgspec.structs.replace(state, phase=Phase.TERMINATING)
    assert Phase.FAILED == operation.finished(ending, Phase.FAILED, "ended", NOW).phase
    assert Phase.RUNNING == operation.finished(state, Phase.FAILED, "failed", NOW).phase


def test_the_start_that_windows_may_believe() -> None:
    """The later of the recorded and the own start counts, never the future; without an own record it is now."""
    early, own = "2026-03-01T08:00:00Z", NOW - dt.timedelta(minutes=5)

    def start(said: str, seen: dt.datetime | None) -> dt.datetime:
        return operation.start_of(OperationState(started_at=said), seen, NOW)

    assert own == start(early, own)
    assert NOW == start(early, None)
    assert NOW == start("2030-01-01T00:00:00Z", own)
    assert own == start("2026-03-01T11:55:00Z", own)
    assert NOW == start("nonsense", own)


def test_sources_and_revisions_of_the_request_go_before_the_spec() -> None:
    """An operation may bring source and revision of its own; else those of the spec count."""
    plain = application(operation={"sync": {}})
    assert plain.operation is not None
    assert plain.spec.all_sources == operation.effective_sources(plain, plain.operation)
    assert ("main",) == operation.requested_revisions(plain.operation, plain.spec.all_sources)
    other = application(operation={"sync": {"revision": "v1", "source": {**SOURCE, "path": "else"}}})
    assert other.operation is not None
    sources = operation.effective_sources(other, other.operation)
    assert ["else"] == [source.path for source in sources]
    assert ("v1",) == operation.requested_revisions(other.operation, sources)


def test_a_clock_that_was_set_back_does_not_freeze_a_retry() -> None:
    """An end that lies in the future delays nothing."""
    state = running(operation={**REQUEST, "retry": {"limit": 5}}, finishedAt="2026-03-01T13:00:00Z", retryCount=1)
    assert "retry" == step(state).verb


@pytest.mark.parametrize("value", ["because", " because ", 7, None])
def test_the_reason_of_break_glass_is_an_entry_of_info(value: object) -> None:
    """Only text counts, without blanks around it."""
    info = [{"name": "other", "value": "x"}, {"name": "lynceus.io/break-glass", "value": value}]
    found = application(operation={"sync": {}, "info": info}).operation
    assert found is not None
    assert ("because" if isinstance(value, str) else "") == found.break_glass
