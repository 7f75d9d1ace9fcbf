"""The life of an operation: asked for, running, retrying, finished. Pure: state and `now` in, next state out.

What must survive a crash is in the state itself, which is written to status.operationState: the pinned revision, the
retry count, when it began. Called by controller.syncing. Source: Argo CD controller/appcontroller.go,
processRequestedAppOperation.
"""

from __future__ import annotations

import datetime as dt
import typing as t

import msgspec

from controller.backoff import retry_wait
from model.application import Application, Operation, OperationState, ResourceResult, Source, SyncResult, revisions_of
from model.durations import format_time, parse_time
from model.states import OperationPhase as Phase

BLOCKED = "Sync operation blocked by sync window"
"""Opens the message of an operation that a window or freeze kept from beginning (Argo CD's words)."""
REFUSED = "Sync operation refused"
"""Opens the message of an operation that policy kept from beginning for another reason."""
STOPPED = "Sync operation stopped"
"""Opens the message of an operation that policy ended; it is not counted as an attempt."""
NOT_VALID = "one or more synchronization tasks are not valid"
"""Opens the message of an operation that was refused before its first write (Argo CD's words)."""
TERMINATED = "Operation terminated"
BY_POLICY = (BLOCKED, REFUSED, STOPPED, NOT_VALID)
"""Messages that open so are policy's: the change was not tried, it was not let through."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What to do with the operation of an Application."""

    verb: t.Literal["none", "begin", "resume", "wait", "retry", "terminate"]
    state: OperationState | None = None
    at: dt.datetime | None = None
    """When to come back, for `wait`."""


def next_step(app: Application, now: dt.datetime) -> Step:
    """Say what the operation of the Application needs now.

    An operation that is asked for while the recorded one has ended begins; a recorded one that has not ended resumes,
    waits for its retry, retries or terminates.
    """
    state = app.status.operation_state
    if app.operation is None:
        return Step(verb="none")
    if state is None or is_completed(state):
        return Step(verb="begin", state=begun(app.operation, now))
    if state.phase == Phase.TERMINATING:
        return Step(verb="terminate", state=state)
    if state.finished_at is None:
        return Step(verb="resume", state=state)
    due = retry_at(state, now)
    if now < due:
        return Step(verb="wait", state=state, at=due)
    return Step(verb="retry", state=restarted(state))


def is_completed(state: OperationState) -> bool:
    """Say whether the operation has ended for good."""
    return state.phase in (Phase.SUCCEEDED, Phase.FAILED, Phase.ERROR)


def begun(operation: Operation, now: dt.datetime) -> OperationState:
    """Return the state of an operation that begins now."""
    return OperationState(operation=operation, phase=Phase.RUNNING, started_at=format_time(now))


def pinned(
    state: OperationState, revisions: t.Sequence[str], sources: t.Sequence[Source], *, multiple: bool
) -> OperationState:
    """Return the state with the resolved revisions recorded, so that every later turn uses the same commits."""
    result = state.sync_result or SyncResult()
    if multiple:
        result = msgspec.structs.replace(result, revisions=list(revisions), sources=list(sources))
    else:
        result = msgspec.structs.replace(result, revision=revisions[0], source=sources[0])
    return msgspec.structs.replace(state, sync_result=result)


def pinned_revisions(state: OperationState) -> tuple[str, ...]:
    """Return the recorded revisions, empty when none are recorded yet."""
    return revisions_of(state.sync_result) if state.sync_result is not None else ()


def with_sources(app: Application, sources: tuple[Source, ...], *, multiple: bool) -> Application:
    """Return the Application as if its spec named these sources."""
    if sources == app.spec.all_sources:
        return app
    source, several = (None, list(sources)) if multiple else (sources[0], None)
    return msgspec.structs.replace(app, spec=msgspec.structs.replace(app.spec, source=source, sources=several))


def is_multiple(app: Application, sources: tuple[Source, ...]) -> bool:
    """Say whether an operation writes these sources as a list: as the spec does, where they are the spec's."""
    return bool(app.spec.sources) if sources == app.spec.all_sources else len(sources) > 1


def with_results(state: OperationState, results: t.Iterable[ResourceResult], message: str) -> OperationState:
    """Return the state with the results so far and a message about what is going on."""
    result = msgspec.structs.replace(state.sync_result or SyncResult(), resources=list(results) or None)
    return msgspec.structs.replace(state, sync_result=result, message=message)


def finished(state: OperationState, phase: Phase, message: str, now: dt.datetime) -> OperationState:
    """Return the state after an attempt ended: completed, or Running with a retry announced.

    Args:
        state: the state with its results.
        phase: Succeeded, Failed or Error.
        message: one line for a person.
        now: the time of the end.
    """
    retry, count = state.operation.retry, state.retry_count
    done = msgspec.structs.replace(state, phase=phase, message=message, finished_at=format_time(now))
    if phase is Phase.SUCCEEDED:
        return done
    if retry is None or state.phase == Phase.TERMINATING or not may_retry(state):
        return msgspec.structs.replace(done, message=_counted(message, count))
    due = now.replace(microsecond=0) + retry_wait(retry, count)
    text = f"{message}. Retrying attempt #{count + 1} at {format_time(due)}."
    return msgspec.structs.replace(done, phase=Phase.RUNNING, retry_count=count + 1, message=text)


def ended(state: OperationState, phase: Phase, message: str, now: dt.datetime) -> OperationState:
    """Return the state completed whatever retries are left."""
    text = _counted(message, state.retry_count)
    return msgspec.structs.replace(state, phase=phase, message=text, finished_at=format_time(now))


def may_retry(state: OperationState) -> bool:
    """Say whether the operation has retries left; a limit below 0 is endless."""
    retry = state.operation.retry
    return retry is not None and (retry.limit < 0 or state.retry_count < retry.limit)


def retry_at(state: OperationState, now: dt.datetime) -> dt.datetime:
    """Return when the announced retry is due, computed again from what is recorded.

    A finishedAt that cannot be read, or lies in the future because a clock was set back, delays nothing.
    """
    retry = state.operation.retry
    try:
        end = parse_time(state.finished_at or "")
    except ValueError:
        return dt.datetime.min.replace(tzinfo=dt.UTC)
    if end > now:
        return now
    return end + (retry_wait(retry, max(0, state.retry_count - 1)) if retry else dt.timedelta(0))


def restarted(state: OperationState) -> OperationState:
    """Return the state of a retry: results cleared, the commit kept unless `retry.refresh` asks for the newest."""
    retry, result = state.operation.retry, state.sync_result
    keep = result is not None and not (retry is not None and retry.refresh)
    kept = msgspec.structs.replace(result, resources=None) if keep and result is not None else None
    return msgspec.structs.replace(state, finished_at=None, sync_result=kept)


def effective_sources(app: Application, operation: Operation) -> tuple[Source, ...]:
    """Return the sources that the operation uses: its own when it brings any, else those of the spec."""
    sync = operation.sync
    if sync is not None and sync.sources:
        return tuple(sync.sources)
    if sync is not None and sync.source is not None:
        return (sync.source,)
    return app.spec.all_sources


def requested_revisions(operation: Operation, sources: t.Sequence[Source]) -> tuple[str, ...]:
    """Return per source the revision that the operation asks for, else the source's targetRevision."""
    sync = operation.sync
    asked: t.Sequence[str] = ()
    if sync is not None:
        asked = sync.revisions or ((sync.revision,) if sync.revision else ())
    return tuple(
        (asked[i] if i < len(asked) and asked[i] else source.target_revision) for i, source in enumerate(sources)
    )


def recorded_start(state: OperationState, now: dt.datetime) -> dt.datetime:
    """Return when the operation says that it began; unreadable or future times are now."""
    try:
        return min(now, parse_time(state.started_at))
    except ValueError:
        return now


def start_of(state: OperationState, own: dt.datetime | None, now: dt.datetime) -> dt.datetime:
    """Return the start that sync windows may believe.

    status.operationState can be written by whoever may write the Application, so the later of what it says and what
    this process saw itself counts, and never the future. Without an own record it counts as started now.
    """
    try:
        said = parse_time(state.started_at)
    except ValueError:
        said = now
    return min(now, max(said, own or now))


def _counted(message: str, count: int) -> str:
    """Append the number of retries as Argo CD does."""
    return f"{message} (retried {count} times)." if count else message
