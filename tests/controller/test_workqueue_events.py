"""What a work queue tells of its keys: as client-go counts them, and never with its lock held."""

from __future__ import annotations

import collections
import threading
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.backoff import FailureBackoff
from controller.workqueue import WorkQueue
from model.events import Event, QueueMoved, QueueState
from tests.controller.builders import FakeClock

Told = list[tuple[str, float]]


def make() -> tuple[WorkQueue[str], FakeClock, Told]:
    clock, told = FakeClock(), Told()

    def publish(event: Event) -> None:
        assert isinstance(event, QueueMoved)
        assert "queue" == event.queue
        told.append((event.what, event.seconds))

    backoff: FailureBackoff[str] = FailureBackoff(first=1, limit=8, jitter=lambda: 0.0)
    return WorkQueue(clock, backoff, name="queue", publish=publish), clock, told


def test_a_key_that_waits_already_is_not_added_again() -> None:
    """Also not when it moves up from the lane behind; the wait counts from the first time."""
    queue, clock, told = make()
    queue.add("a", behind=True)
    clock.advance(2)
    queue.add("a")
    queue.add("a")
    queue.get(0)
    clock.advance(3)
    queue.done("a")
    assert [("added", 0.0), ("taken", 2.0), ("done", 3.0)] == told


def test_a_key_added_while_it_is_worked_on_waits_from_then_on() -> None:
    """client-go counts the add at once, and the wait from the add, not from the end of the turn."""
    queue, clock, told = make()
    queue.add("a")
    queue.get(0)
    clock.advance(1)
    queue.add("a")
    queue.add("a")
    clock.advance(4)
    queue.done("a")
    queue.get(0)
    assert [("added", 0.0), ("taken", 0.0), ("added", 0.0), ("done", 5.0), ("taken", 4.0)] == told


def test_a_timer_adds_its_key_when_it_is_due() -> None:
    """Not when it is set; of several timers one adds, and the wait counts from when it was due."""
    queue, clock, told = make()
    queue.add_after("a", 5)
    queue.add_after("a", 3)
    assert [] == told
    clock.advance(4)
    queue.get(0)
    assert [("added", 0.0), ("taken", 1.0)] == told


def test_a_failure_is_told_as_a_retry() -> None:
    """Before the key is added again, which happens after its back-off."""
    queue, clock, told = make()
    queue.add("a")
    queue.get(0)
    queue.retry("a")
    queue.done("a")
    clock.advance(1)
    assert 1 == len(queue)
    assert ["added", "taken", "retried", "done", "added"] == [what for what, _ in told]


def test_a_closed_queue_tells_of_no_more_adds() -> None:
    """What is under way still ends."""
    queue, _, told = make()
    queue.add("a")
    queue.get(0)
    queue.add("a")
    queue.close()
    queue.add("b")
    queue.done("a")
    assert ["added", "taken", "added", "done"] == [what for what, _ in told]


def test_the_state_is_of_now() -> None:
    """Depth counts what is due and waits, also behind its own running turn; ages are of what is worked on."""
    queue, clock, _ = make()
    assert QueueState(
        queue="queue", depth=0, oldest_seconds=0.0, unfinished_seconds=0.0, longest_seconds=0.0
    ) == queue.state()  # fmt: skip
    for key in "abc":
        queue.add(key)
    queue.add_after("d", 9)
    queue.get(0)
    clock.advance(2)
    queue.get(0)
    queue.add("a")
    clock.advance(1)
    found = queue.state()
    assert (2, 3.0, 4.0, 3.0) == (
        found.depth, found.oldest_seconds, found.unfinished_seconds, found.longest_seconds
    )  # fmt: skip
    clock.advance(7)
    assert 3 == queue.state().depth


@pytest.mark.parametrize("deed", ["add", "get", "done", "state"])
def test_nobody_is_told_while_the_lock_is_held(deed: str) -> None:
    """A listener may ask the queue itself, from another thread too."""
    answers: list[bool] = []

    def publish(event: Event) -> None:
        thread = threading.Thread(target=lambda: answers.append(queue.state().depth >= 0))
        thread.start()
        thread.join(5.0)
        answers.append(not thread.is_alive())

    clock = FakeClock()
    queue: WorkQueue[str] = WorkQueue(clock, name="queue", publish=publish)
    queue.add_after("a", 1)
    clock.advance(2)
    deeds: dict[str, t.Callable[[], object]] = {
        "add": lambda: queue.add("b"),
        "state": queue.state,
        "get": lambda: queue.get(0),
        "done": lambda: queue.done(queue.get(0) or ""),
    }
    deeds[deed]()
    assert answers
    assert all(answers)


@given(st.lists(st.tuples(st.sampled_from(["add", "behind", "timer", "get", "done", "pass"]), st.sampled_from("abc"))))
def test_what_is_told_adds_up(deeds: list[tuple[str, str]]) -> None:
    """Added less taken is the depth, taken less done is what is worked on, whatever happens in which order."""
    queue, clock, told = make()
    working: list[str] = []
    for deed, key in deeds:
        _act(queue, clock, working, deed, key)
    state = queue.state()
    counts = collections.Counter(what for what, _ in told)
    assert state.depth == counts["added"] - counts["taken"]
    assert len(working) == counts["taken"] - counts["done"]
    assert all(seconds >= 0 for _, seconds in told)


def _act(queue: WorkQueue[str], clock: FakeClock, working: list[str], deed: str, key: str) -> None:
    deeds: dict[str, t.Callable[[], None]] = {
        "add": lambda: queue.add(key),
        "behind": lambda: queue.add(key, behind=True),
        "timer": lambda: queue.add_after(key, 2.0),
        "pass": lambda: clock.advance(1.0),
    }
    if deed == "get" and (taken := queue.get(0)) is not None:
        working.append(taken)
    elif deed == "done" and working:
        queue.done(working.pop())
    elif deed in deeds:
        deeds[deed]()
