"""The work queue: each key waits once, is worked on once at a time, and comes back later without a busy loop.

Here are keys and times only; what a key means is the workers' business. Called by controller.manager (workers) and by
everything that asks for a turn. Source of the rules: client-go's workqueue (de-duplication, rate-limited re-adds), also
of what is told to listeners: a key that waits already is not added, one that is added while it is worked on waits from
then on, and a timer adds its key when it is due.
"""

from __future__ import annotations

import collections
import contextlib
import heapq
import itertools
import threading
import typing as t

from controller.backoff import FailureBackoff
from controller.clock import Clock
from model.events import Event, QueueMoved, QueueState

K = t.TypeVar("K", bound=t.Hashable)


class WorkQueue(t.Generic[K]):
    """A de-duplicating queue with timers and two lanes: urgent work first, then work that may wait behind it."""

    def __init__(
        self,
        clock: Clock,
        backoff: FailureBackoff[K] | None = None,
        *,
        name: str = "",
        publish: t.Callable[[Event], None] | None = None,
    ) -> None:
        """Begin empty.

        Args:
            clock: monotonic times.
            backoff: how long a key waits after failures.
            name: what events and states call the queue.
            publish: takes QueueMoved; called without the lock, in the thread that moved the key.
        """
        self.name, self._publish = name, publish
        self._moves: list[QueueMoved] = []
        """What is to be told as soon as the lock is free; kept under the lock."""
        self._clock = clock
        self._backoff: FailureBackoff[K] = backoff or FailureBackoff()
        self._lock = threading.Lock()
        self._leader = threading.Condition(self._lock)
        """Where one idle worker waits for the next timer, so that a timer wakes one thread and not all."""
        self._followers = threading.Condition(self._lock)
        """Where the other idle workers wait for keys."""
        self._led = False
        self._following = 0
        self._lanes: tuple[collections.deque[K], collections.deque[K]] = (collections.deque(), collections.deque())
        self._ready: dict[K, float] = {}
        self._working: dict[K, float] = {}
        self._again: dict[K, tuple[bool, float]] = {}
        """Keys that were added while they are worked on: whether they go behind, and since when they wait."""
        self._timers: list[tuple[float, int, K]] = []
        self._timer_of: dict[K, float] = {}
        self._count = itertools.count()
        self._closed = False

    def add(self, key: K, *, behind: bool = False) -> None:
        """Ask for a turn now; while the key is being worked on, it runs once more afterwards.

        Args:
            key: the key; a key that waits already is not added again, but moves up when it waited behind.
            behind: let all keys without this mark go first.
        """
        with self._telling():
            self._add(key, behind=behind)

    def add_after(self, key: K, seconds: float) -> None:
        """Ask for a turn in `seconds`; of several timers for one key the earliest stands."""
        with self._lock:
            due = self._clock.monotonic() + max(0.0, seconds)
            known = self._timer_of.get(key)
            if known is not None and known <= due:
                return
            self._timer_of[key] = due
            heapq.heappush(self._timers, (due, next(self._count), key))
            if self._timers[0][0] == due:
                self._leader.notify()

    def retry(self, key: K) -> float:
        """Ask for a turn after the key's growing back-off; returns the wait in seconds."""
        wait = self._backoff.failed(key)
        self.add_after(key, wait)
        if self._publish is not None:
            self._publish(QueueMoved(queue=self.name, what="retried"))
        return wait

    def forget(self, key: K) -> None:
        """Say that the key's last turn went well: its back-off starts from the beginning."""
        self._backoff.succeeded(key)

    def drop(self, key: K) -> None:
        """Remove the key's timer and back-off; a turn that waits already still runs."""
        with self._lock:
            self._timer_of.pop(key, None)
            self._backoff.succeeded(key)

    def get(self, timeout: float | None = None) -> K | None:
        """Return the next key, or None when the queue is closed or `timeout` seconds passed without one.

        Whoever gets a key must call `done` with it.
        """
        until = None if timeout is None else self._clock.monotonic() + timeout
        with self._telling():
            while not self._closed:
                wait = self._serve_timers()
                key = self._pop()
                left = None if until is None else until - self._clock.monotonic()
                if key is not None or (left is not None and left <= 0):
                    self._hand_over()
                    return key
                self._idle(wait, left)
            return None

    def _pop(self) -> K | None:
        """Take the first key that is ready; the lock is held."""
        for lane in self._lanes:
            while lane:
                key = lane.popleft()
                if key in self._ready:
                    since, now = self._ready.pop(key), self._clock.monotonic()
                    self._working[key] = now
                    self._moved("taken", now - since)
                    return key
        return None

    def _idle(self, wait: float | None, left: float | None) -> None:
        """Wait for something to do; the lock is held.

        Args:
            wait: seconds to the next timer, None when there is none.
            left: seconds that the caller is willing to wait, None for ever.
        """
        if self._led:
            self._following += 1
            self._followers.wait(left)
            self._following -= 1
            return
        self._led = True
        self._leader.wait(min((seconds for seconds in (wait, left) if seconds is not None), default=None))
        self._led = False

    def _hand_over(self) -> None:
        """Wake one more worker where there are more keys, or nobody is left to watch the timers; the lock is held."""
        if self._ready:
            self._signal()
        elif not self._led:
            self._followers.notify()

    def _signal(self) -> None:
        """Wake one idle worker for a key; the lock is held."""
        (self._followers if self._following else self._leader).notify()

    def done(self, key: K) -> None:
        """End the turn of `key`; a turn that was asked for meanwhile is queued now."""
        with self._telling():
            began = self._working.pop(key, None)
            if began is not None:
                self._moved("done", self._clock.monotonic() - began)
            again = self._again.pop(key, None)
            if again is not None and not self._closed:
                self._queue(key, behind=again[0], since=again[1])

    def close(self) -> None:
        """Hand out no more keys and wake all waiting workers."""
        with self._lock:
            self._closed = True
            self._leader.notify_all()
            self._followers.notify_all()

    def oldest_seconds(self) -> float:
        """Return how long the oldest due key has waited or been worked on; 0 when nothing is due."""
        with self._lock:
            now = self._clock.monotonic()
            due = [when for when in self._timer_of.values() if when <= now]
            times = (*self._ready.values(), *self._working.values(), *due)
            return now - min(times) if times else 0.0

    def state(self) -> QueueState:
        """Return how the queue stands now, for a scrape."""
        oldest = self.oldest_seconds()
        with self._telling():
            self._serve_timers()
            now = self._clock.monotonic()
            ages = [now - began for began in self._working.values()]
            return QueueState(
                queue=self.name,
                depth=len(self._ready) + len(self._again),
                oldest_seconds=oldest,
                unfinished_seconds=sum(ages),
                longest_seconds=max(ages, default=0.0),
            )

    def __len__(self) -> int:
        """Return how many keys are due and wait."""
        with self._telling():
            self._serve_timers()
            return len(self._ready)

    def _add(self, key: K, *, behind: bool, since: float | None = None) -> None:
        """Queue the key unless it waits already, or keep it for when its turn ends; the lock is held."""
        if self._closed:
            return
        since = self._clock.monotonic() if since is None else since
        if key not in self._working:
            self._queue(key, behind=behind, since=since, new=True)
            return
        known = self._again.get(key)
        if known is None:
            self._moved("added")
        self._again[key] = (behind, since) if known is None else (behind and known[0], known[1])

    def _queue(self, key: K, *, behind: bool, since: float, new: bool = False) -> None:
        """Let the key wait for a worker; the lock is held.

        Args:
            key: nobody works on it.
            behind: let all keys without this mark go first.
            since: monotonic seconds since when it waits.
            new: nobody was told yet that it was added.
        """
        if key not in self._ready:
            self._ready[key] = since
            self._lanes[1 if behind else 0].append(key)
            if new:
                self._moved("added")
            self._signal()
        elif not behind:
            # The second entry in the urgent lane wins; the one left in the other lane is skipped by `get`.
            self._lanes[0].append(key)

    def _moved(self, what: t.Literal["added", "taken", "done"], seconds: float = 0.0) -> None:
        """Note what is to be told; the lock is held."""
        if self._publish is not None:
            self._moves.append(QueueMoved(queue=self.name, what=what, seconds=max(0.0, seconds)))

    @contextlib.contextmanager
    def _telling(self) -> t.Iterator[None]:
        """Hold the lock, and tell what happened meanwhile when it is free again."""
        moves: list[QueueMoved] = []
        try:
            with self._lock:
                try:
                    yield
                finally:
                    moves, self._moves = self._moves, moves
        finally:
            if self._publish is not None:
                for move in moves:
                    self._publish(move)

    def _serve_timers(self) -> float | None:
        """Queue the keys whose time has come; return the seconds to the next timer. The lock is held."""
        now = self._clock.monotonic()
        while self._timers:
            due, _, key = self._timers[0]
            if self._timer_of.get(key) != due:
                heapq.heappop(self._timers)
                continue
            if due > now:
                return due - now
            heapq.heappop(self._timers)
            del self._timer_of[key]
            self._add(key, behind=False, since=due)
        return None
