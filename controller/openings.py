"""Changes that waited for a window start one after another, each with the newest commit.

A cap on starts a second holds whatever the number that waits.

Jitter spreads the wake-ups; the cap holds where jitter does not reach, after a restart or when a freeze is lifted by
hand. Called by controller.autostart.
"""

from __future__ import annotations

import threading

from controller.clock import Clock

TOGETHER = 1.0
"""Seconds within which openings count as one."""


class Openings:
    """Gives each change that waited its turn."""

    def __init__(self, clock: Clock, per_second: float) -> None:
        """Begin without anybody waiting.

        Args:
            clock: monotonic times.
            per_second: starts a second, half as many of them at once; 0 = no cap.
        """
        self._clock, self._step = clock, 1.0 / per_second if per_second > 0 else 0.0
        self._ahead = self._step * max(0.0, per_second // 2 - 1)
        self._lock = threading.Lock()
        self._next = float("-inf")
        self._seen = float("-inf")

    def seen(self) -> float:
        """Return the monotonic time that counts as the opening for a change whose window is found open: about now.

        Changes that are let through together (a freeze ends, the clock is set) get the same time, so that one list of
        refs serves all that follow one repository.
        """
        now = self._clock.monotonic()
        with self._lock:
            if now - self._seen > TOGETHER:
                self._seen = now
            return self._seen

    def reserve(self) -> float:
        """Return the monotonic time of the next free turn, which is taken by this call; now when nobody is before."""
        now = self._clock.monotonic()
        with self._lock:
            turn = max(self._next, now - self._ahead)
            self._next = turn + self._step
        return max(now, turn)
