"""How all windows and freezes of a generation stand: who is open, and when the next of them opens or closes.

Pure: the caller brings the instant. Work is bounded: at an edge only the windows that are due are asked again, by the
arithmetic that decides. Called by controller.calendarwatch.
"""

from __future__ import annotations

import datetime as dt
import heapq
import typing as t

from model.additions import AddedWindow, Freeze
from model.events import FreezeState, WindowState
from policy.windows.added import Added
from policy.windows.moment import Calendar, from_micros, to_micros
from policy.windows.opening import Once
from policy.windows.window import Window

MOST_WINDOWS = 5_000
"""Windows that are followed, one for each project that it concerns; the rest is counted."""
MOST_FREEZES = 1_000

_EARLIEST_YEAR = 1970
"""A freeze that began before has no time that can be read."""

ALL, PART = "all", "part"
"""Scopes of freezes."""


class Placed(t.NamedTuple):
    """One window and the project that it concerns."""

    project: str
    name: str
    """What names it within the project; stays the same while the window stays at its place."""
    window: Window


class Freezing(t.NamedTuple):
    """One freeze and one of the globs of projects that it names."""

    scope: str
    project: str
    window: Added


class _Known(t.NamedTuple):
    state: WindowState
    end: int | None
    """Microseconds: up to when the state holds; None = for ever."""
    gone: bool
    """The entry has expired: it is no window any more."""


class Standing:
    """The windows and freezes of one generation at an instant that moves; not thread-safe."""

    def __init__(
        self,
        namespace: str,
        windows: t.Mapping[str, t.Sequence[Window]],
        freezes: t.Sequence[Added],
        before: Standing | None = None,
    ) -> None:
        """Take the windows; `move` brings them to an instant.

        Args:
            namespace: the control namespace.
            windows: of each project, freezes among them are passed over.
            freezes: all that there are.
            before: of the generation before; a freeze that was in force and is gone is told once as ended.
        """
        self._namespace = namespace
        placed = sorted((found for project in windows for found in place(project, windows[project])), key=_order)
        self.left_out = max(0, len(placed) - MOST_WINDOWS) + max(0, len(freezes) - MOST_FREEZES)
        """Windows and freezes that are not followed, since there are too many."""
        self._placed = placed[:MOST_WINDOWS]
        self._freezes = [_of_freeze(window, glob) for window in freezes[:MOST_FREEZES] for glob in _globs(window)]
        self._known: list[_Known | None] = [None] * len(self._placed)
        self._edges: list[tuple[int, int]] = []
        """Heap of (microseconds, number of the window, or -1 for the freezes)."""
        self._active: frozenset[tuple[str, str]] = before._active if before else frozenset()
        """Scope and project of the freezes that were told as in force."""
        self._told_freezes: tuple[FreezeState, ...] = ()

    def move(self, now: dt.datetime, *, everything: bool = False) -> bool:
        """Go to an instant; returns whether any window or freeze was asked again.

        Args:
            now: aware, UTC.
            everything: ask all again; needed at the first time, and when the instant lies before the last one.
        """
        micros = to_micros(now)
        self._told_freezes = tuple(freeze for freeze in self._told_freezes if freeze.active)
        if everything:
            due = set(range(-1, len(self._placed)))
            self._edges = []
        else:
            due = set()
            while self._edges and self._edges[0][0] <= micros:
                due.add(heapq.heappop(self._edges)[1])
        calendar = Calendar()
        for number in sorted(due):
            end = self._look_freezes(now) if number < 0 else self._look(number, micros, calendar)
            if end is not None:
                heapq.heappush(self._edges, (end, number))
        return bool(due)

    @property
    def next_edge(self) -> dt.datetime | None:
        """When the next window or freeze opens, closes or expires; None = never."""
        return from_micros(self._edges[0][0]) if self._edges else None

    @property
    def windows(self) -> tuple[WindowState, ...]:
        """How the windows stand, those that have expired left out."""
        return tuple(known.state for known in self._known if known is not None and not known.gone)

    @property
    def freezes(self) -> tuple[FreezeState, ...]:
        """How the freezes stand: those in force, and those that have ended since the last move."""
        return self._told_freezes

    def _look(self, number: int, micros: int, calendar: Calendar) -> int | None:
        """Ask one window; returns when it is to be asked again."""
        project, name, window = self._placed[number]
        if window.gone(micros):
            self._known[number] = _Known(_state(self._namespace, project, name, window), None, True)
            return None
        is_open, end = (False, window.expires) if window.invalid else window.state(micros, calendar)
        if end is not None and end <= micros:
            end = micros + 1
        at = from_micros(end).timestamp() if end is not None and not window.invalid else None
        state = _state(self._namespace, project, name, window, active=is_open, next_change=at)
        self._known[number] = _Known(state, end, False)
        return end

    def _look_freezes(self, now: dt.datetime) -> int | None:
        """Ask all freezes; returns when the next of them begins or ends."""
        since: dict[tuple[str, str], float | None] = {}
        edges = []
        for scope, project, window in self._freezes:
            span = window.opening.span(now)
            if span.end is not None:
                edges.append(to_micros(span.end))
            if not (span.open or window.invalid):
                continue
            began = _began(window, now)
            known = since.get((scope, project), began)
            since[scope, project] = min(known, began) if known is not None and began is not None else None
        ended = self._active - since.keys()
        self._active = frozenset(since)
        self._told_freezes = tuple(
            FreezeState(
                scope=scope, project=project, active=(scope, project) in since, since=since.get((scope, project))
            )
            for scope, project in sorted([*since, *ended])
        )
        return min(edges, default=None)


def place(project: str, windows: t.Sequence[Window]) -> t.Iterator[Placed]:
    """Name the windows of a project; Argo CD's by their place, added ones by their own name where it is unique."""
    own = f"AppProject {project}: "
    used: set[str] = set()
    for window in sorted((w for w in windows if w.rule_kind == "window"), key=lambda window: window.added):
        spot = window.where.removeprefix(own).removeprefix("AppProject ")
        given = window.entry.name if isinstance(window, Added) and isinstance(window.entry, AddedWindow) else ""
        name = next(found for found in _spellings(given, spot) if found not in used)
        used.add(name)
        yield Placed(project, name, window)


def _spellings(given: str, spot: str) -> t.Iterator[str]:
    if given:
        yield given
    yield spot
    number = 2
    while True:
        yield f"{spot} ({number})"
        number += 1


def _order(placed: Placed) -> tuple[str, str]:
    return placed.project, placed.name


def _state(
    namespace: str,
    project: str,
    name: str,
    window: Window,
    *,
    active: bool = False,
    next_change: float | None = None,
) -> WindowState:
    spec = window.spec
    schedule = spec.schedule
    if not schedule and isinstance(window, Added) and isinstance(window.entry, AddedWindow):
        once = (("from", window.entry.start), ("until", window.entry.end))
        schedule = " ".join(f"{word} {text}" for word, text in once if text)
    return WindowState(
        namespace=namespace,
        project=project,
        window=name,
        kind=spec.kind,
        schedule=schedule,
        duration=spec.duration,
        time_zone=spec.time_zone,
        manual_sync=spec.manual_sync,
        active=active,
        next_change=next_change,
        invalid=window.invalid,
    )


def _globs(window: Added) -> tuple[str, ...]:
    """Return the globs of projects of a freeze, each once; what cannot be read is for all."""
    return tuple(dict.fromkeys(pattern.text for pattern in window.projects)) or ("*",)


def _of_freeze(window: Added, glob: str) -> Freezing:
    entry = window.entry
    narrow = entry.applications or entry.namespaces or entry.clusters or entry.label_selector is not None
    return Freezing(PART if narrow else ALL, glob, window)


def _began(window: Added, now: dt.datetime) -> float | None:
    """Return since when a freeze is in force; None when its record does not say."""
    opening, entry = window.opening, window.entry
    readable = isinstance(entry, Freeze) and not entry.broken and isinstance(opening, Once)
    if not readable or not isinstance(opening, Once) or opening.start > now or opening.start.year < _EARLIEST_YEAR:
        return None
    return opening.start.timestamp()
