"""Notices that somebody set the clock: what waits for a time of day is looked at anew, since timers count seconds.

Called by controller.manager.
"""

from __future__ import annotations

import logging
import threading
import typing as t

from controller.clock import Clock

log = logging.getLogger(__name__)

PERIOD = 2.0
"""Seconds between two looks."""
STEP = 1.0
"""Seconds by which the clock may run apart between two looks before it counts as set."""


class ClockWatch:
    """Compares the wall clock with the one that nobody can set."""

    def __init__(self, clock: Clock, jumped: t.Callable[[float], None], period: float = PERIOD) -> None:
        """Look at the clock for the first time.

        Args:
            clock: both clocks.
            jumped: called with the seconds by which the clock was set, negative when backwards.
            period: seconds between two looks.
        """
        self._clock, self._jumped, self._period = clock, jumped, period
        self._offset = self._read()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="clock-watch", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Stop looking."""
        self._stopping.set()

    def look(self) -> float:
        """Look once; returns by how many seconds the clock was set since the last look, 0 when it was not."""
        offset = self._read()
        step, self._offset = offset - self._offset, offset
        if abs(step) < STEP:
            return 0.0
        log.warning("the clock was set", extra={"seconds": round(step, 1)})
        self._jumped(step)
        return step

    def _read(self) -> float:
        return self._clock.now().timestamp() - self._clock.monotonic()

    def _run(self) -> None:
        while not self._stopping.wait(self._period):
            self.look()
