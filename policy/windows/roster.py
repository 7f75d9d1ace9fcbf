"""Hundreds of windows of one project, ordered by time when they are loaded, so that a question need not ask each.

Windows whose weeks are alike stand in one timeline for each zone: who is open at the beginning of each day, and who
opens or closes when. It holds where the clock of the zone is not changed nearby; elsewhere, and for all other windows,
each window is asked. Called by policy.windows.decide; built by policy.generation.
"""

from __future__ import annotations

import bisect
import heapq
import typing as t
import zoneinfo

from policy.windows.ledger import FOREVER, MANY, Ledger, or_forever
from policy.windows.moment import MINUTE, WEEK, Calendar
from policy.windows.window import Window

DAY = 24 * 60 * MINUTE
MOST_EDGES = 100
"""Openings and closings that are followed to find when the answer changes."""


class Edge(t.NamedTuple):
    """A window opens or closes; `at` in microseconds: since the week began in a timeline, else since 1970."""

    at: int
    number: int
    opens: bool


class Timeline:
    """The windows of one zone."""

    def __init__(self, zone: zoneinfo.ZoneInfo | None) -> None:
        self.zone = zone
        self.edges: list[Edge] = []
        self.longest = 0
        self.days: list[set[int]] = [set() for _ in range(7)]
        """Numbers of the windows that are open at the beginning of each day of the week."""

    def add(self, number: int, starts: t.Sequence[int], length: int) -> None:
        """Take a window with its starts in a week; its openings do not touch."""
        self.longest = max(self.longest, length)
        for start in starts:
            end = start + length
            self.edges += (Edge(start, number, True), Edge(end % WEEK, number, False))
            for day in range(-(-start // DAY), -(-end // DAY)):
                self.days[day % 7].add(number)

    def open_at(self, position: int) -> set[int]:
        """Return who is open at a place in the week."""
        day = position // DAY
        found = set(self.days[day])
        first = bisect.bisect_left(self.edges, (day * DAY + 1,))
        for edge in self.edges[first : bisect.bisect_left(self.edges, (position + 1,))]:
            (found.add if edge.opens else found.discard)(edge.number)
        return found

    def after(self, origin: int, position: int) -> t.Iterator[Edge]:
        """Yield all edges behind a place in the week that began at `origin`, week after week."""
        first = bisect.bisect_left(self.edges, (position + 1,))
        while True:
            for at, number, opens in self.edges[first:]:
                yield Edge(origin + at, number, opens)
            origin, first = origin + WEEK, 0


class View(t.NamedTuple):
    """The timelines at an instant."""

    open: set[int]
    """Numbers of the windows that are open, of those in timelines."""
    edges: t.Iterator[Edge]
    until: int
    """Up to when the edges hold."""


class Roster(tuple[Window, ...]):
    """All windows of a project; a tuple of them, with timelines when they are many."""

    timelines: tuple[Timeline, ...]
    others: frozenset[int]
    """Numbers of the windows that are asked one by one."""

    def __new__(cls, windows: t.Iterable[Window]) -> Roster:
        """Order the windows by time."""
        self = super().__new__(cls, windows)
        timelines: dict[zoneinfo.ZoneInfo | None, Timeline] = {}
        others = []
        for number, window in enumerate(self if len(self) >= MANY else ()):
            weekly = window.opening.weekly if window.expires is None and not window.invalid else None
            if weekly is None:
                others.append(number)
                continue
            timeline = timelines.get(window.zone)
            if timeline is None:
                timeline = timelines[window.zone] = Timeline(window.zone)
            timeline.add(number, *weekly)
        for timeline in timelines.values():
            timeline.edges.sort()
        self.timelines, self.others = tuple(timelines.values()), frozenset(others)
        return self

    def view(self, micros: int, calendar: Calendar) -> View | None:
        """Return the timelines at an instant; None when the clock of a zone is changed too near to it."""
        found: set[int] = set()
        edges, until = [], FOREVER
        for timeline in self.timelines:
            origin, low, high = calendar.turn_to(timeline.zone, micros)
            if not low < micros - timeline.longest or micros >= high:
                return None
            found |= timeline.open_at(micros - origin)
            edges.append(timeline.after(origin, micros - origin))
            until = min(until, high)
        return View(found, heapq.merge(*edges), until)


class Many:
    """One question about many windows of a roster."""

    def __init__(self, ledger: Ledger, roster: Roster, view: View, numbers: t.Iterable[int]) -> None:
        self.ledger, self._roster, self._view = ledger, roster, view
        self._matched = frozenset(numbers).difference(roster.others)
        self._left = MOST_EDGES
        for number in sorted(view.open & self._matched):
            ledger.turn(number, True, None)
        self._next = self._following()
        self.first_edge: int | None = min(self._next.at, self._others_edge())
        """When the next window opens or closes, or an earlier instant up to which none does."""

    def _following(self) -> Edge:
        """Return the next edge of a window that matters; without a number: up to where there is none."""
        last = self._view.until
        for edge in self._view.edges:
            last = min(edge.at, self._view.until)
            self._left -= 1
            if self._left <= 0 or edge.at >= self._view.until:
                break
            if edge.number in self._matched:
                return edge
        return Edge(last, -1, False)

    def _others_edge(self) -> int:
        """Return when the first window outside the timelines opens or closes."""
        return or_forever(self.ledger.first_edge)

    def next_change(self, calendar: Calendar, furthest: int) -> tuple[int | None, int | None]:
        """Follow the edges until the answer differs; returns as Ledger.next_change."""
        ledger, allowed = self.ledger, self.ledger.allowed
        if ledger.constant():
            return None, None
        while True:
            held = self._held()
            at = min(self._next.at, self._others_edge())
            if held >= FOREVER:
                return None, None
            if held > at:
                if held >= furthest or not self._leap(held, calendar):
                    return None, min(held, furthest)
                at = held
            elif at >= furthest or self._left <= 0 or (self._next.number < 0 and at == self._next.at):
                return None, min(at, furthest)
            while self._next.at == at and self._next.number >= 0:
                ledger.turn(self._next.number, self._next.opens, None)
                self._next = self._following()
            self._left -= ledger.move(at, calendar)
            if ledger.allowed != allowed:
                return at, at

    def _held(self) -> int:
        """Return up to when a window outside the timelines blocks, whatever the others do; long ago when none does."""
        ledger = self.ledger
        if not self._roster.others or ledger.verdict != "denied":
            return -FOREVER
        denies = ((number, end) for number, end in ledger.denies.items() if number in self._roster.others)
        ends = [end for number, end in denies if ledger.asked.excuse(ledger.windows[number]) is None]
        return max(map(or_forever, ends), default=-FOREVER)

    def _leap(self, at: int, calendar: Calendar) -> bool:
        """Go to an instant at once; False when the timelines do not tell what is open there."""
        view = self._roster.view(at, calendar)
        if view is None:
            return False
        for number in self._matched:
            self.ledger.turn(number, number in view.open, None)
        self._view = view
        self._left -= MOST_EDGES // 10
        self._next = self._following()
        return True
