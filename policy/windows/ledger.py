"""Which of the windows that concern an Application are open, kept by counting; the rules, and when to look again.

Argo CD's rules over its own windows: an open deny decides before any allow; manualSync and syncOverrun must stand on
all windows that are against the sync. An added window only takes away: whom it lets through gets the answer that there
is without it. Called by policy.windows.decide. Source: Argo CD types.go, SyncWindows.CanSync.
"""

from __future__ import annotations

import heapq
import typing as t

from policy.windows.moment import Calendar
from policy.windows.window import State, Window

Verdict = t.Literal["none", "open", "denied", "closed", "overrun", "manual", "heal", "invalid"]
"""Why: no window speaks, an allow is open, a deny is open, no allow is open, …"""

REFUSALS = frozenset({"denied", "closed", "invalid"})

MOST_LOOKS, MOST_LOOKS_AMONG_MANY = 2_000, 150
"""States that are worked out to find when the answer changes; fewer where hundreds of windows match."""
MANY = 200
FOREVER = 1 << 62
"""Microseconds; behind every instant that is looked at."""


class Asked(t.NamedTuple):
    """What speaks for the sync itself."""

    manual: bool
    running: bool
    """It has begun, and was permitted then."""
    healing: bool

    def excuse(self, window: Window) -> Verdict | None:
        """Return why a window lets this sync through; None when it does not."""
        if self.manual and window.spec.manual_sync:
            return "manual"
        if self.running and window.spec.sync_overrun:
            return "overrun"
        return "heal" if self.healing and window.heal else None

    def common(self, windows: t.Collection[Window]) -> Verdict | None:
        """Return the one reason for which all windows let this sync through; None when there is none."""
        if self.manual and all(window.spec.manual_sync for window in windows):
            return "manual"
        if self.running and all(window.spec.sync_overrun for window in windows):
            return "overrun"
        return "heal" if self.healing and all(window.heal for window in windows) else None


class Ledger:
    """The state of all matched windows at an instant that moves forward."""

    def __init__(self, windows: t.Sequence[Window], asked: Asked, numbers: t.Sequence[int] | None = None) -> None:
        """Take the question.

        Args:
            windows: what the numbers count.
            asked: what speaks for the sync.
            numbers: those that concern the Application; None = all.
        """
        self.windows, self.asked = windows, asked
        self._numbers = range(len(windows)) if numbers is None else numbers
        self.denies: dict[int, int | None] = {}
        """Open deny windows: their number, and when they close."""
        self.allows: dict[int, int | None] = {}
        self.invalid = {number: windows[number].expires for number in self._numbers if windows[number].invalid}
        self._allowing = {number for number in self._numbers if windows[number].allows}.difference(self.invalid)
        """Numbers of all allow windows, open or not."""
        self._shut: Verdict | None = None
        self._against = self._own = self._no_manual = self._no_overrun = 0
        self._edges: dict[bool, list[tuple[int, int]]] = {True: [], False: []}
        """When windows open or close: heaps of (microseconds, number), for allow windows and for the others."""

    def start(self, states: t.Sequence[tuple[int, State]]) -> None:
        """Take the states of windows at the first instant, with their numbers."""
        for number, (is_open, end) in states:
            if is_open:
                self.turn(number, True, end)
        allowing, windows, invalid = self._allowing, self.windows, self.invalid
        allows, others = self._edges[True], self._edges[False]
        for number, (_, end) in states:
            if end is not None:
                if number in allowing:
                    allows.append((end, number))
                elif windows[number].denies or number in invalid:
                    others.append((end, number))
        heapq.heapify(allows)
        heapq.heapify(others)

    def turn(self, number: int, is_open: bool, end: int | None) -> None:
        """Note that a window is open now up to `end`, or closed."""
        window = self.windows[number]
        if number in self.invalid or not (window.allows or window.denies):
            return
        book = self.allows if window.allows else self.denies
        was_open = number in book
        if is_open:
            book[number] = end
        else:
            book.pop(number, None)
        if window.denies and was_open is not is_open:
            self._count(window, 1 if is_open else -1)

    def _count(self, window: Window, step: int) -> None:
        if window.added:
            self._against += step * (self.asked.excuse(window) is None)
            return
        self._own += step
        self._no_manual += step * (not window.spec.manual_sync)
        self._no_overrun += step * (not window.spec.sync_overrun)

    def _retire(self, number: int) -> None:
        """Take out a window that has expired."""
        self.turn(number, False, None)
        self.invalid.pop(number, None)
        self._allowing.discard(number)
        self._shut = None

    @property
    def verdict(self) -> Verdict:
        """The answer with the windows as they are."""
        if self.invalid:
            return "invalid"
        if self._against:
            return "denied"
        if self._own:
            if self.asked.manual and not self._no_manual:
                return "manual"
            return "overrun" if self.asked.running and not self._no_overrun else "denied"
        if self.allows:
            return "open"
        if self._shut is None:
            # only closed allow windows: the same excuse must stand on all of them
            self._shut = (self._excuse_of(self._allowing) or "closed") if self._allowing else "none"
        return self._shut

    def _excuse_of(self, numbers: t.Iterable[int]) -> Verdict | None:
        return self.asked.common([self.windows[number] for number in numbers]) if any(self.asked) else None

    @property
    def allowed(self) -> bool:
        """Whether the sync may run."""
        return self.verdict not in REFUSALS

    def blocking(self) -> tuple[Window, ...]:
        """Return the windows that are against the sync, the one to name first; empty when it may run."""
        match self.verdict:
            case "invalid":
                numbers = sorted(self.invalid)
            case "denied":
                against = self._own and not (self.asked.manual and not self._no_manual)
                against = against and not (self.asked.running and not self._no_overrun)
                numbers = self._ordered(n for n in self.denies if self._stands(self.windows[n], bool(against)))
            case "closed":
                numbers = self._ordered(self._allowing)
            case _:
                numbers = []
        return tuple(self.windows[number] for number in numbers)

    def _ordered(self, numbers: t.Iterable[int]) -> list[int]:
        """Return the windows as they are listed, those that let this sync through behind those that do not."""
        return sorted(numbers, key=lambda number: (self.asked.excuse(self.windows[number]) is not None, number))

    def _stands(self, window: Window, own: bool) -> bool:
        return self.asked.excuse(window) is None if window.added else own

    def excused(self) -> tuple[Window, ...]:
        """Return the open added windows that let the sync through."""
        windows = (self.windows[number] for number in sorted(self.denies))
        return tuple(window for window in windows if window.added and self.asked.excuse(window))

    @property
    def first_edge(self) -> int | None:
        """When the next of the windows opens, closes or expires."""
        edge = min(self._edge(allows=True), self._edge(allows=False))
        return edge if edge < FOREVER else None

    def _edge(self, *, allows: bool) -> int:
        heap = self._edges[allows]
        return heap[0][0] if heap else FOREVER

    # --- when the answer changes ---

    def next_change(self, calendar: Calendar, furthest: int) -> tuple[int | None, int | None]:
        """Follow the windows until the answer differs.

        Returns:
            When it does (None = not as far as was looked), and up to where it is sure (None = for ever).
        """
        if self.constant():
            return None, None
        allowed, looks, last = self.allowed, 0, -FOREVER
        most = MOST_LOOKS if len(self._numbers) < MANY else MOST_LOOKS_AMONG_MANY
        while True:
            at = self._next_look()
            if at >= FOREVER:
                return None, None
            if at > furthest or looks >= most or at <= last:
                return None, min(at, furthest)
            looks += self.move(at, calendar)
            if self.allowed != allowed:
                return at, at
            last = at

    def constant(self) -> bool:
        """Return whether all windows let this sync through for one and the same reason."""
        return not self.invalid and self._excuse_of(self._numbers) is not None

    def _next_look(self) -> int:
        """Return up to when the answer cannot change, whatever the windows do before."""
        deny_edge, allow_edge = self._edge(allows=False), self._edge(allows=True)
        match self.verdict:
            case "invalid":
                return max(or_forever(expires) for expires in self.invalid.values())
            case "denied":
                excuse = self.asked.excuse
                ends = [or_forever(end) for n, end in self.denies.items() if excuse(self.windows[n]) is None]
                return max(ends) if ends else deny_edge
            case "open":
                return min(deny_edge, max(map(or_forever, self.allows.values())))
            case "none":
                return deny_edge
            case "closed":
                return min(allow_edge, deny_edge) if self.asked.manual or self.asked.running else allow_edge
        return min(allow_edge, deny_edge)

    def move(self, at: int, calendar: Calendar) -> int:
        """Bring all windows to an instant; returns how many states were worked out."""
        looks = 0
        for heap in self._edges.values():
            while heap and heap[0][0] <= at:
                number = heap[0][1]
                window = self.windows[number]
                is_open, end = window.later_state(at, calendar)
                looks += 1
                if window.gone(at):
                    self._retire(number)
                    end = None
                else:
                    self.turn(number, is_open, end)
                if end is not None and end > at:
                    heapq.heapreplace(heap, (end, number))
                else:
                    heapq.heappop(heap)
        return looks


def or_forever(end: int | None) -> int:
    """Return an end as a number that can be compared; None is without end."""
    return FOREVER if end is None else end
