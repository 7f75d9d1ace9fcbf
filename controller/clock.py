"""The only place that reads a clock; everything else is handed a Clock or a `now`."""

from __future__ import annotations

import datetime as dt
import time
import typing as t


class Clock(t.Protocol):
    """What the loop knows about time."""

    def now(self) -> dt.datetime:
        """Return the wall-clock time as an aware UTC datetime."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never run backwards; only differences mean something."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now(self) -> dt.datetime:
        """Return the wall-clock time as an aware UTC datetime."""
        return dt.datetime.now(dt.UTC)  # noqa: TID251 - this is the one place

    def monotonic(self) -> float:
        """Return seconds that never run backwards; only differences mean something."""
        return time.monotonic()
