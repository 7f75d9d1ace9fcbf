"""Locks of repositories that tell who waits for them and for how long.

Called by `controller.sources.repositories`. A lock that is free costs nothing and tells nothing.
"""

from __future__ import annotations

import contextlib
import threading
import typing as t

from controller.clock import Clock
from model.events import Event, GitWait


class Queue:
    """Who waits for one repository, whichever of its locks; thread-safe."""

    def __init__(self, repo: str, publish: t.Callable[[Event], None], clock: Clock) -> None:
        """Begin with nobody.

        Args:
            repo: as it is shown.
            publish: takes GitWait; must not block and not raise.
            clock: for durations.
        """
        self._repo, self._publish, self._clock = repo, publish, clock
        self._lock = threading.Lock()
        self._pending = 0

    @contextlib.contextmanager
    def holding(self, lock: threading.Lock) -> t.Iterator[None]:
        """Hold a lock of the repository, waiting for it if need be."""
        if not lock.acquire(blocking=False):
            self._wait(lock)
        try:
            yield
        finally:
            lock.release()

    def _wait(self, lock: threading.Lock) -> None:
        started = self._clock.monotonic()
        self._move(1)
        try:
            lock.acquire()
        finally:
            self._move(-1, self._clock.monotonic() - started)

    def _move(self, step: int, waited: float | None = None) -> None:
        """Count one more or less, and tell it before the next is counted: the number told last is the true one."""
        with self._lock:
            self._pending += step
            self._publish(GitWait(repo=self._repo, pending=self._pending, waited=waited))
