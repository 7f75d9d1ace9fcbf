"""The work queue: de-duplication, one worker per key, timers, lanes, progress."""

from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st

from controller.backoff import FailureBackoff
from controller.clock import SystemClock
from controller.workqueue import WorkQueue
from tests.controller.builders import FakeClock


def make() -> tuple[WorkQueue[str], FakeClock]:
    clock = FakeClock()
    return WorkQueue(clock, FailureBackoff(first=1, limit=8, jitter=lambda: 0.0)), clock


def test_a_key_waits_once() -> None:
    """Two requests for one key give one turn."""
    queue, _ = make()
    queue.add("a")
    queue.add("a")
    assert "a" == queue.get(0)
    queue.done("a")
    assert queue.get(0) is None


def test_a_key_is_never_worked_on_twice_at_once() -> None:
    """A request during a turn waits for its end and then runs once."""
    queue, _ = make()
    queue.add("a")
    queue.get(0)
    queue.add("a")
    queue.add("a")
    assert queue.get(0) is None
    queue.done("a")
    assert "a" == queue.get(0)
    queue.done("a")
    assert queue.get(0) is None


def test_urgent_keys_go_before_those_that_may_wait() -> None:
    """The lane behind is served when the other is empty; an urgent request moves a key up, without a second turn."""
    queue, _ = make()
    for key in "abc":
        queue.add(key, behind=True)
    queue.add("d")
    queue.add("c")
    taken = [queue.get(0) for _ in range(4)]
    for key in "abcd":
        queue.done(key)
    assert ["d", "c", "a", "b"] == taken
    assert queue.get(0) is None


def test_an_urgent_request_during_the_turn_is_not_put_behind() -> None:
    """Of two requests during a turn the urgent one counts."""
    queue, _ = make()
    queue.add("a")
    queue.get(0)
    queue.add("a")
    queue.add("a", behind=True)
    queue.done("a")
    queue.add("b", behind=True)
    assert "a" == queue.get(0)


def test_the_earliest_timer_of_a_key_stands() -> None:
    """Two timers for one key give one turn, at the earlier time."""
    queue, clock = make()
    queue.add_after("a", 10)
    queue.add_after("a", 5)
    queue.add_after("a", 20)
    clock.advance(4.9)
    assert queue.get(0) is None
    clock.advance(0.2)
    assert "a" == queue.get(0)
    queue.done("a")
    clock.advance(60)
    assert queue.get(0) is None


def test_retries_wait_longer_each_time_until_forgotten() -> None:
    """The wait doubles to its limit; a success starts from the beginning."""
    queue, _ = make()
    assert [1, 2, 4, 8, 8] == [queue.retry("a") for _ in range(5)]
    queue.forget("a")
    assert 1 == queue.retry("a")


def test_the_oldest_due_key_shows_whether_work_goes_on() -> None:
    """Waiting keys, keys in work and overdue timers count; a timer in the future does not."""
    queue, clock = make()
    queue.add_after("later", 100)
    assert 0 == queue.oldest_seconds()
    queue.add("a")
    clock.advance(7)
    assert 7 == queue.oldest_seconds()
    queue.get(0)
    clock.advance(3)
    assert 3 == queue.oldest_seconds()
    queue.done("a")
    clock.advance(95)
    assert 5 == queue.oldest_seconds()


def test_a_waiting_worker_wakes_for_a_key_and_for_the_close() -> None:
    """`get` sleeps without a poll and returns as soon as there is something to say."""
    queue: WorkQueue[str] = WorkQueue(SystemClock())
    got: list[str | None] = []
    worker = threading.Thread(target=lambda: got.extend([queue.get(), queue.get()]))
    worker.start()
    queue.add_after("a", 0.02)
    while not got and worker.is_alive() and not queue.oldest_seconds() > 5:
        worker.join(0.01)
        if len(queue) == 0 and worker.is_alive():
            queue.close()
    worker.join(5)
    assert not worker.is_alive()


@given(st.lists(st.tuples(st.sampled_from(["add", "behind", "get", "done", "timer"]), st.sampled_from("abc"))))
def test_no_request_is_ever_lost(steps: list[tuple[str, str]]) -> None:
    """Whatever the order of calls: after a request the key is handed out once more, and never while in work."""
    queue, clock = make()
    working: set[str] = set()
    wanted: set[str] = set()
    for verb, key in steps:
        if verb == "get":
            got = queue.get(0)
            if got is not None:
                assert got not in working
                working.add(got)
                wanted.discard(got)
        elif verb == "done" and key in working:
            working.discard(key)
            queue.done(key)
        elif verb in ("add", "behind"):
            queue.add(key, behind=verb == "behind")
            wanted.add(key)
        elif verb == "timer":
            queue.add_after(key, 1)
            wanted.add(key)
    for key in sorted(working):
        queue.done(key)
    clock.advance(2)
    left = set()
    while (got := queue.get(0)) is not None:
        left.add(got)
    assert wanted <= left
