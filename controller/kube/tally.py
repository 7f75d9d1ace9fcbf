"""Counts watch events of one cluster, so that listeners hear of them about once a second and never one by one.

No clock, no thread. Called by controller.kube.cluster.
"""

from __future__ import annotations

import threading
import typing as t

from model.meta import GroupKind


class Batch(t.NamedTuple):
    """What came since the last batch."""

    counts: dict[tuple[str, str], int]
    """(group, kind) -> events."""
    seconds: float
    """Spent on taking them into the store."""


class EventTally:
    """Counts from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, str], int] = {}
        self._seconds = 0.0

    def add(self, kind: GroupKind, number: int, seconds: float) -> bool:
        """Count events; True when they are the first since the last batch."""
        key = (kind.group, kind.kind)
        with self._lock:
            first = not self._counts
            self._counts[key] = self._counts.get(key, 0) + number
            self._seconds += seconds
            return first

    def take(self) -> Batch | None:
        """Return what was counted and begin anew; None when nothing was."""
        with self._lock:
            if not self._counts:
                return None
            batch = Batch(self._counts, self._seconds)
            self._counts, self._seconds = {}, 0.0
            return batch

    def __bool__(self) -> bool:
        return bool(self._counts)
