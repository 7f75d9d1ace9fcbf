"""The thread that reads the memory at the start and writes it when something changed.

What is counted is held back until the memory that says so is written: after a crash it was then either counted or is
known not to have been. Without a memory, or when it cannot be written for long, it is published at once. Called by
`shell`.
"""

from __future__ import annotations

import logging
import threading
import typing as t

from controller.clock import Clock
from controller.delivery.state import State
from model.errors import LynceusError, TemporaryError
from model.events import Event

log = logging.getLogger(__name__)

MOST_HELD = 10_000
"""Events held back; with one more, all are published."""
LONGEST_HELD = 300.0
"""Seconds after which events are published though the memory could not be written."""
RETRY_SECONDS = 2.0
GIVE_UP_SECONDS = 300.0
"""When the memory cannot be read for so long, the process goes on without, and writes none."""
FORGET_SECONDS = 3600.0
"""What is remembered of Applications that have not come back by then is forgotten."""


class Store(t.Protocol):
    """Where states are kept: `controller.delivery.memory.ConfigMaps`."""

    def load(self) -> dict[str, State]:
        """Return what is remembered, by NAMESPACE/NAME; raises LynceusError."""
        ...

    def save(self, states: dict[str, State]) -> None:
        """Remember these states and nothing else; raises LynceusError."""
        ...


class Snapshot(t.Protocol):
    """Hands over what shall be remembered."""

    def __call__(self, *, forget: bool) -> dict[str, State]:
        """Return the states; `forget` those that nobody came for."""
        ...


class Keeper:
    """One thread, one store."""

    def __init__(
        self,
        store: Store | None,
        clock: Clock,
        *,
        loaded: t.Callable[[dict[str, State]], None],
        snapshot: Snapshot,
        publish: t.Callable[[Event], None],
        seconds: float,
    ) -> None:
        self._store, self._clock, self._publish = store, clock, publish
        self._take, self._snapshot, self._seconds = loaded, snapshot, seconds
        self._wake = threading.Condition()
        self._dirty, self._stopping, self._failing = False, False, False
        self._held: list[Event] = []
        self._held_since = self._written = self._began = clock.monotonic()
        self._written -= seconds
        self._thread = threading.Thread(target=self._run, name="delivery-memory", daemon=True)

    def start(self) -> None:
        """Begin to read; without a store there is nothing to do."""
        if self._store is not None:
            self._thread.start()

    def stop(self, timeout: float = 10.0) -> None:
        """Write once more, and publish what is held."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def changed(self) -> None:
        """Hear that there is something new to remember."""
        with self._wake:
            if not self._dirty:
                self._dirty = True
                self._wake.notify()

    def hold(self, event: Event) -> None:
        """Publish an event once the memory knows of it; at once where there is none."""
        with self._wake:
            if self._store is not None and not self._stopping and len(self._held) < MOST_HELD:
                self._held_since = self._held_since if self._held else self._clock.monotonic()
                self._held.append(event)
                self._dirty = True
                self._wake.notify()
                return
        self._release()
        self._publish(event)

    def _run(self) -> None:
        try:
            self._load()
            while self._due():
                self._save()
        except Exception:
            log.exception("the memory of deployments failed; counting goes on without")
            self._without()

    def _load(self) -> None:
        """Read the memory; try again while the API server does not answer."""
        while True:
            try:
                self._take(self._store.load() if self._store is not None else {})
                return
            except LynceusError as failure:
                late = self._clock.monotonic() - self._began > GIVE_UP_SECONDS
                if self._stopping or late or not isinstance(failure, TemporaryError):
                    log.warning("nothing is remembered over restarts", extra={"error": str(failure)})
                    self._without()
                    return
            with self._wake:
                self._wake.wait_for(lambda: self._stopping, RETRY_SECONDS)

    def _without(self) -> None:
        """Go on without a memory."""
        with self._wake:
            self._store = None
        self._take({})
        self._release()

    def _due(self) -> bool:
        """Wait until the memory is to be written; False: it is not, for this is the end."""
        with self._wake:
            while self._store is not None:
                now = self._clock.monotonic()
                wait = self._written + (max(self._seconds, RETRY_SECONDS) if self._failing else self._seconds) - now
                if self._dirty and (wait <= 0 or self._stopping):
                    return True
                if self._stopping:
                    return False
                self._wake.wait(wait if self._dirty else None)
        return False

    def _save(self) -> None:
        """Write the memory, then publish what it now knows of."""
        with self._wake:
            held, self._dirty, store = len(self._held), False, self._store
        now = self._clock.monotonic()
        self._written = now
        try:
            if store is not None:
                store.save(self._snapshot(forget=now - self._began > FORGET_SECONDS))
            self._failing = False
        except TemporaryError as failure:
            self._postpone(failure)
            return
        except LynceusError as failure:
            log.warning("nothing is remembered over restarts", extra={"error": str(failure)})
            with self._wake:
                self._store = None
        self._release(None if self._store is None else held)

    def _postpone(self, failure: LynceusError) -> None:
        """Try again later; the first failure of a row is logged.

        At the end of the process nothing is published: the memory says that it was not counted, so that the next
        process will.
        """
        if not self._failing:
            log.info("the memory of deployments is written later", extra={"error": str(failure)})
        with self._wake:
            self._failing, self._dirty = True, not self._stopping
            if self._stopping:
                self._held.clear()
            late = self._held and self._clock.monotonic() - self._held_since > LONGEST_HELD
        if late:
            self._release()

    def _release(self, number: int | None = None) -> None:
        """Publish the first so many events that are held; None: all."""
        with self._wake:
            released = self._held[:number]
            del self._held[: len(released)]
            self._held_since = self._clock.monotonic()
        for event in released:
            self._publish(event)
