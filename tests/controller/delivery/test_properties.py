"""Whatever the versions are: repeated ones and restarts change no count, sinces stay, durations are not negative."""

from __future__ import annotations

import collections
import typing as t

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.delivery import records, tracker
from controller.delivery.facts import Ended, Facts
from controller.delivery.state import State
from model.application import Application, read_application
from model.events import DeploymentEnded, DriftEnded, Event, Restored, Standing, SyncAttempted
from tests.controller.delivery.story import DESTINATION, SOURCE, START, A, B, C, stamp

OTHER = {**SOURCE, "path": "other"}
TIMES = st.one_of(st.none(), st.integers(-2000, 2000).map(lambda n: stamp(START + n)), st.just("no time"))
REVISIONS = st.sampled_from([A, B, C])
Json = dict[str, t.Any]


def without_nothing(body: Json) -> Json:
    """Leave out what is None."""
    return {name: value for name, value in body.items() if value is not None}


@st.composite
def operations(draw: st.DrawFn) -> Json:
    """Any status.operationState."""
    sync = without_nothing(
        {
            "revision": draw(REVISIONS),
            "dryRun": draw(st.sampled_from([None, None, None, True])),
            "resources": draw(st.sampled_from([None, None, [{"kind": "ConfigMap", "name": "a"}]])),
            "autoHealAttemptsCount": draw(st.sampled_from([None, None, 1, 2])),
        }
    )
    result = {"revision": draw(REVISIONS), "source": draw(st.sampled_from([SOURCE, OTHER]))}
    return without_nothing(
        {
            "operation": {"sync": sync, "initiatedBy": {"automated": draw(st.booleans())}},
            "phase": draw(st.sampled_from(["Running", "Succeeded", "Succeeded", "Failed", "Error", "Terminating"])),
            "message": draw(st.sampled_from(["done", "Sync operation blocked by sync window"])),
            "startedAt": draw(TIMES) or stamp(START),
            "finishedAt": draw(TIMES),
            "retryCount": draw(st.integers(0, 3)),
            "syncResult": draw(st.sampled_from([result, result, None])),
        }
    )


@st.composite
def versions(draw: st.DrawFn) -> Application:
    """Any version of the Application."""
    health = without_nothing(
        {
            "status": draw(st.sampled_from(["Healthy", "Progressing", "Degraded", "Suspended", "Unknown", ""])),
            "lastTransitionTime": draw(TIMES),
        }
    )
    compared = {"source": draw(st.sampled_from([SOURCE, OTHER])), "destination": DESTINATION}
    status = without_nothing(
        {
            "sync": {
                "status": draw(st.sampled_from(["Synced", "OutOfSync", "Unknown"])),
                "revision": draw(REVISIONS),
                "comparedTo": compared,
            },
            "health": health,
            "reconciledAt": draw(TIMES),
            "operationState": draw(st.none() | operations()),
            "history": draw(st.none() | st.lists(REVISIONS, max_size=3).map(entries)),
        }
    )
    policy = {"automated": {}} if draw(st.booleans()) else {}
    body = {
        "metadata": {"name": "shop", "namespace": "argocd", "uid": draw(st.sampled_from(["u"] * 9 + ["v"]))},
        "spec": {"project": "default", "source": SOURCE, "destination": DESTINATION, "syncPolicy": policy},
        "status": status,
    }
    return read_application(msgspec.json.encode(body))


def entries(revisions: list[str]) -> list[Json]:
    """Make a history."""
    return [
        {"id": n, "revision": revision, "source": SOURCE, "deployedAt": stamp(START + n)}
        for n, revision in enumerate(revisions)
    ]


class Played(t.NamedTuple):
    """What a run of the tracker gave."""

    counts: collections.Counter[tuple[str, ...]]
    events: list[Event]
    states: list[State]


def play(steps: list[tuple[Application, float, int, bool, bool]]) -> Played:
    """Let the tracker see versions: (version, seconds since the last, how often, restart before it, blocked)."""
    state, first, now = None, True, START
    events: list[Event] = []
    states: list[State] = []
    for app, seconds, times, restart, blocked in steps:
        now += seconds
        if restart and state is not None:
            first = True
            state = records.decode(records.encode({"a": state}, 1, now)).states["a"]
        for _ in range(times):
            before = msgspec.json.encode(state)
            new, told = tracker.step(state, app, now, Facts(first=first, observe=True, blocked=blocked))
            assert before == msgspec.json.encode(state), "the state that was handed in is left alone"
            state, first = new, False
            events += [event.event if isinstance(event, Ended) else event for event in told]
            states.append(new)
    return Played(collections.Counter(map(name_of, counted(events))), events, states)


def counted(events: list[Event]) -> list[Event]:
    """Leave out what is no count."""
    return [event for event in events if not isinstance(event, Standing)]


def name_of(event: Event) -> tuple[str, ...]:
    """Return type and labels of an event, without times."""
    labels = [str(getattr(event, name, "")) for name in ("result", "origin", "phase", "final", "revision")]
    return (type(event).__name__, *labels)


STEPS = st.lists(st.tuples(versions(), st.sampled_from([0.0, 0.5, 1.0, 30.0, 700.0])), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(STEPS, st.data())
def test_repeated_versions_and_restarts_change_no_count(
    story: list[tuple[Application, float]], data: st.DataObject
) -> None:
    """The same counts whether each version comes once to one process, or often to many."""
    plain = play([(app, seconds, 1, False, False) for app, seconds in story])
    troubled = play(
        [(app, seconds, data.draw(st.integers(1, 3)), data.draw(st.booleans()), False) for app, seconds in story]
    )
    assert plain.counts == troubled.counts


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(versions(), st.floats(-3000, 3000), st.booleans(), st.booleans()), min_size=1, max_size=12))
def test_durations_are_never_negative(story: list[tuple[Application, float, bool, bool]]) -> None:
    """Also with clocks that are set back, times of the future and texts that are no time."""
    played = play([(app, seconds, 1, restart, blocked) for app, seconds, restart, blocked in story])
    for event in played.events:
        if isinstance(event, DriftEnded | Restored):
            assert event.seconds >= 0
        if isinstance(event, DeploymentEnded):
            assert event.ended >= event.started
            assert all(seconds >= 0 for seconds in event.stages.values())
        if isinstance(event, SyncAttempted):
            assert event.phase in ("Succeeded", "Failed", "Error")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(versions(), st.floats(0, 3000), st.booleans()), min_size=2, max_size=12))
def test_sinces_do_not_move_while_their_condition_holds(story: list[tuple[Application, float, bool]]) -> None:
    """Drift until Synced; not Healthy until Healthy or the end of a pause; a failure until it is restored."""
    played = play([(app, seconds, 1, restart, False) for app, seconds, restart in story])
    for (app, _, _), before, after in zip(story[1:], played.states, played.states[1:], strict=False):
        if before.uid != after.uid:
            continue
        if before.drift_since is not None and app.status.sync.status != "Synced":
            assert before.drift_since == after.drift_since
        if (
            before.unhealthy_since is not None
            and app.status.health.status != "Healthy"
            and before.health != "Suspended"
        ):
            assert before.unhealthy_since == after.unhealthy_since
        if before.failing_since is not None and after.failing_since is not None:
            assert before.failing_since == after.failing_since


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_each_drift_that_was_counted_ends_once(story: list[tuple[Application, float]]) -> None:
    """Detections and ends alternate for one Application."""
    played = play([(app, seconds, 1, False, False) for app, seconds in story if app.metadata.uid == "u"])
    names = [type(e).__name__ for e in played.events if type(e).__name__ in ("DriftDetected", "DriftEnded")]
    assert names == [("DriftDetected", "DriftEnded")[n % 2] for n in range(len(names))]
