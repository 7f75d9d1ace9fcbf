"""Tells how sync windows and freezes stand: when a generation is put in force, and when one of them opens or closes.

One thread, asleep until the next opening or closing; the clock that somebody sets wakes it. Nothing is decided here.
Called by controller.manager and controller.governance.
"""

from __future__ import annotations

import logging
import threading
import typing as t

from controller.clock import Clock
from model.events import CalendarChanged, Event
from policy.generation import Generation
from policy.windows.standing import Standing

log = logging.getLogger(__name__)

PAUSE = 0.25
"""Seconds between two tellings, so that windows which open one after another do not keep the listeners busy."""
LONGEST_SLEEP = 6 * 3600.0
"""Seconds until it is looked again in any case; a wait of months would not survive every system's limits."""
RETRY = 60.0
"""Seconds until everything is looked at again after a failure."""
SOONEST = 0.01


class CalendarWatch:
    """Follows the windows and freezes of the generation in force."""

    def __init__(self, clock: Clock, publish: t.Callable[[Event], None]) -> None:
        """Begin with nothing.

        Args:
            clock: the time of day.
            publish: takes CalendarChanged; must not block and not raise.
        """
        self._clock, self._publish = clock, publish
        self._newest: Generation | None = None
        self._followed: Generation | None = None
        self._standing: Standing | None = None
        self._told: CalendarChanged | None = None
        self._clock_was_set = False
        self._left_out = 0
        self._wake, self._stopping = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="calendar", daemon=True)

    def start(self) -> None:
        """Begin to follow; what `use` was given before is told now."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()
        self._wake.set()

    def use(self, generation: Generation) -> None:
        """Take the generation that was put in force."""
        self._newest = generation
        self._wake.set()

    def clock_set(self) -> None:
        """Look at everything again: the time of day is another."""
        self._clock_was_set = True
        self._wake.set()

    def look(self) -> float | None:
        """Look once and tell what changed; returns the seconds until something opens or closes, None = never."""
        generation, now = self._newest, self._clock.now()
        if generation is None:
            return None
        everything = self._clock_was_set
        if everything:
            self._clock_was_set, now = False, self._clock.now()
        standing = self._standing
        if standing is None or generation is not self._followed:
            freezes = generation.additions.freezes
            standing = Standing(generation.control_namespace, generation.windows, freezes, standing)
            self._standing, self._followed, everything = standing, generation, True
            self._say_left_out(standing.left_out)
        standing.move(now, everything=everything)
        event = CalendarChanged(windows=standing.windows, freezes=standing.freezes)
        if event != self._told:
            self._told = event
            self._publish(event)
        return (standing.next_edge - now).total_seconds() if standing.next_edge is not None else None

    def _say_left_out(self, number: int) -> None:
        if number and number != self._left_out:
            log.warning("too many windows and freezes to tell of all of them", extra={"left_out": number})
        self._left_out = number

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                seconds = self.look()
            except Exception:  # the thread must not end because of one window
                log.exception("the calendar could not be told")
                self._followed = None  # what was due and not looked at is not known any more
                seconds = RETRY
            if self._stopping.wait(PAUSE):
                return
            if seconds is not None:
                seconds = min(max(SOONEST, seconds - PAUSE), LONGEST_SLEEP)
            self._wake.wait(seconds)
