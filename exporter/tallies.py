"""Counters of one Application that have further labels: its syncs and what it asks of API servers. Bounded; no I/O."""

from __future__ import annotations

import typing as t

from exporter.readings import FINISHED, flag
from model.events import ApiRequestFinished

MOST_FORMER = 8
"""Destinations that an Application had before and whose counters are kept; the oldest go first."""

MOST_REQUESTS = 500
"""Kinds of requests of one Application that are told apart: objects of fifty kinds, with all that may be answered."""

_VERBS = {verb.lower(): verb for verb in ("Get", "Watch", "List", "Create", "Delete", "Patch", "Update")}


class Syncs:
    """Attempts and seconds, by destination. Those of the destination in force are born at 0."""

    __slots__ = ("_counts", "_seconds")

    def __init__(self) -> None:
        self._counts: dict[str, dict[tuple[str, str], int]] | None = None
        self._seconds: dict[str, int] | None = None

    def count(self, place: str, phase: str, dry_run: str, current: str) -> None:
        """Count one attempt against `place`; `current` is the destination in force."""
        self._counts = _with(self._counts, place, current, dict[tuple[str, str], int]())
        phases = self._counts[place]
        word = phase if phase in FINISHED else "Error"
        phases[word, dry_run] = phases.get((word, dry_run), 0) + 1

    def add(self, place: str, seconds: float, current: str) -> None:
        """Add the time of a finished operation, in whole seconds as Argo CD does."""
        self._seconds = _with(self._seconds, place, current, 0)
        self._seconds[place] += max(int(seconds), 0)

    def counts(self, current: str) -> list[tuple[tuple[str, str, str], int]]:
        """Return ((destination, phase, dry run), attempts)."""
        rows = {(current, str(phase), flag(False)): 0 for phase in FINISHED}
        for place, phases in (self._counts or {}).items():
            rows |= {(place, phase, dry_run): number for (phase, dry_run), number in phases.items()}
        return list(rows.items())

    def seconds(self, current: str) -> list[tuple[tuple[str], int]]:
        """Return ((destination,), seconds)."""
        return [((place,), seconds) for place, seconds in ({current: 0} | (self._seconds or {})).items()]


_V = t.TypeVar("_V")


def _with(table: dict[str, _V] | None, place: str, current: str, empty: _V) -> dict[str, _V]:
    """Return the table with an entry for `place`, and no more former places than are kept."""
    found = table if table is not None else {}
    found.setdefault(place, empty)
    former = [known for known in found if known not in (place, current)]
    for oldest in former[: max(len(former) - MOST_FORMER, 0)]:
        del found[oldest]
    return found


class Requests:
    """Requests to API servers on behalf of one Application."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts: dict[tuple[str, ...], int] = {}

    def count(self, event: ApiRequestFinished) -> bool:
        """Count one request; False when there are too many kinds of them."""
        verb = _VERBS.get(event.verb, "Unknown")
        labels = (event.server, str(event.code), verb, event.kind, event.namespace, flag(event.dry_run))
        if labels not in self._counts and len(self._counts) >= MOST_REQUESTS:
            return False
        self._counts[labels] = self._counts.get(labels, 0) + 1
        return True

    def rows(self) -> list[tuple[tuple[str, ...], int]]:
        """Return (labels, requests): server, code, verb, kind, namespace, dry run."""
        return list(self._counts.items())
