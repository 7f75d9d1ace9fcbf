"""May a sync run now, as far as sync windows go? Which windows say so, and until when?

Source: Argo CD pkg/apis/application/v1alpha1/types.go, SyncWindows.CanSync.
"""

from __future__ import annotations

import datetime as dt
import heapq
import itertools
import typing as t

import msgspec

from model.decision import Decision, Rule, allow, deny
from model.durations import format_time
from policy.windows.moment import Calendar, from_micros, to_micros
from policy.windows.window import Target, Window

MOST_CHANGES = 200
"""Openings and closings that are followed to find when the answer changes."""

FURTHEST = dt.timedelta(days=2 * 366)
"""How far ahead a change of the answer is looked for."""

_FURTHEST_MICROS = FURTHEST // dt.timedelta(microseconds=1)


class WindowDecision(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of the windows that match an Application."""

    allowed: bool
    state: t.Literal["none", "open", "denied", "closed", "overrun", "manual", "invalid"]
    """Why: no window speaks, an allow is open, a deny is open, no allow is open, …"""
    matched: tuple[Window, ...] = ()
    active: tuple[Window, ...] = ()
    blocking: tuple[Window, ...] = ()
    invalid: tuple[Window, ...] = ()
    next_change: dt.datetime | None = None
    """When the answer changes by itself; None = not within two years."""
    steady_until: dt.datetime | None = None
    """When the first matched window opens or closes: until then this very answer stands. None = never."""


class _Answer(t.NamedTuple):
    allowed: bool
    state: t.Literal["none", "open", "denied", "closed", "overrun", "manual", "invalid"]
    blocking: tuple[Window, ...]


def judge(
    windows: t.Sequence[Window],
    target: Target,
    now: dt.datetime,
    *,
    manual: bool,
    started: dt.datetime | None = None,
) -> WindowDecision:
    """Decide at one instant.

    Args:
        windows: the project's windows, then those of its global projects.
        target: the Application's name and destination.
        now: aware, UTC.
        manual: a person asked for this sync.
        started: when the running operation began; a time after `now` counts as `now`.
    """
    matched = _matching(windows, target)
    invalid = tuple([window for window in matched if window.invalid])
    calendar, micros = Calendar(), to_micros(now)
    states = [window.state(micros, calendar) for window in matched]
    are_open = [is_open for is_open, _ in states]
    began = min(started, now) if started else None
    answer = _answer(matched, invalid, are_open, now, manual, began)
    edges = [(end, number) for number, (_, end) in enumerate(states) if end is not None]
    heapq.heapify(edges)
    steady_until = from_micros(edges[0][0]) if edges else None
    change = None
    if edges and not invalid:
        tally = _Tally(matched, are_open, now, manual, began)
        change = _next_change(tally, edges, calendar, micros, answer.allowed)
    return WindowDecision(
        allowed=answer.allowed,
        state=answer.state,
        matched=matched,
        active=tuple(itertools.compress(matched, are_open)),
        blocking=answer.blocking,
        invalid=invalid,
        steady_until=steady_until,
        next_change=change,
    )


def _matching(windows: t.Sequence[Window], target: Target) -> tuple[Window, ...]:
    """Return the windows that concern the Application; those that only name beginnings of names need no call."""
    named = target.application.startswith
    return tuple(
        [window for window in windows if (named(starts) if (starts := window.starts) else window.matches(target))]
    )


def _answer(
    matched: tuple[Window, ...],
    invalid: tuple[Window, ...],
    states: t.Sequence[bool],
    now: dt.datetime,
    manual: bool,
    started: dt.datetime | None,
) -> _Answer:
    if invalid:
        return _Answer(False, "invalid", invalid)
    active = list(itertools.compress(matched, states))
    denies = tuple([window for window in active if window.denies])
    if denies:
        return _exempt(denies, matched, now, manual, started, "denied")
    if any(window.allows for window in active):
        return _Answer(True, "open", ())
    allows = tuple([window for window in matched if window.allows])
    if allows:
        return _exempt(allows, matched, now, manual, started, "closed")
    return _Answer(True, "none", ())


def _exempt(
    against: tuple[Window, ...],
    matched: tuple[Window, ...],
    now: dt.datetime,
    manual: bool,
    started: dt.datetime | None,
    state: t.Literal["denied", "closed"],
) -> _Answer:
    """Let a manual sync or a running one through when every window that is against it says so."""
    if manual and all(window.spec.manual_sync for window in against):
        return _Answer(True, "manual", ())
    overrun = started is not None and all(window.spec.sync_overrun for window in against)
    if started and overrun and _permitted_at(matched, started, now, manual):
        return _Answer(True, "overrun", ())
    return _Answer(False, state, against)


def _next_change(
    tally: _Tally, edges: list[tuple[int, int]], calendar: Calendar, micros: int, allowed: bool
) -> dt.datetime | None:
    """Follow openings and closings, a heap of (microseconds, number of the window), until the answer differs."""
    matched, furthest = tally.matched, micros + _FURTHEST_MICROS
    steps = 0
    while edges and edges[0][0] <= furthest and steps < MOST_CHANGES:
        at = edges[0][0]
        while edges and edges[0][0] == at:
            _, number = edges[0]
            is_open, end = matched[number].later_state(at, calendar)
            tally.turn(number, is_open)
            if end is not None:
                heapq.heapreplace(edges, (end, number))
            else:
                heapq.heappop(edges)
        steps += 1
        if tally.allowed != allowed:
            return from_micros(at)
    return None


class _Tally:
    """The answer kept up to date while windows open and close; the same rules as `_answer`, by counting."""

    def __init__(
        self,
        matched: tuple[Window, ...],
        states: t.Sequence[bool],
        now: dt.datetime,
        manual: bool,
        started: dt.datetime | None,
    ) -> None:
        self.matched = matched
        self._open = [False] * len(matched)
        self._manual = manual
        self._running = started is not None and _permitted_at(matched, started, now, manual)
        self._lenient = manual or self._running
        allows = [window for window in matched if window.allows]
        self._has_allows = bool(allows)
        self._allows_excuse = self._lenient and self._excuse(
            sum(not window.spec.manual_sync for window in allows),
            sum(not window.spec.sync_overrun for window in allows),
        )
        self._allows = self._denies = self._strict_manual = self._strict_overrun = 0
        for number in itertools.compress(range(len(matched)), states):
            self.turn(number, True)

    def turn(self, number: int, is_open: bool) -> None:
        """Note that a window is open or closed now."""
        if self._open[number] is is_open:
            return
        self._open[number] = is_open
        window = self.matched[number]
        step = 1 if is_open else -1
        if window.allows:
            self._allows += step
        elif window.denies:
            self._denies += step
            self._strict_manual += step * (not window.spec.manual_sync)
            self._strict_overrun += step * (not window.spec.sync_overrun)

    @property
    def allowed(self) -> bool:
        """The answer with the windows as they are."""
        if self._denies:
            return self._lenient and self._excuse(self._strict_manual, self._strict_overrun)
        return self._allows > 0 or not self._has_allows or self._allows_excuse

    def _excuse(self, without_manual: int, without_overrun: int) -> bool:
        return (self._manual and not without_manual) or (self._running and not without_overrun)


def _permitted_at(matched: tuple[Window, ...], started: dt.datetime, now: dt.datetime, manual: bool) -> bool:
    """Return whether the sync was permitted when it started; upstream takes the zone offset of now for it."""
    then = [window.is_open(started, now) for window in matched]
    return _answer(matched, (), then, started, manual, None).allowed


def decide(
    windows: t.Sequence[Window],
    target: Target,
    now: dt.datetime,
    *,
    manual: bool,
    started: dt.datetime | None = None,
    generation: str = "",
) -> Decision:
    """Return the answer as a Decision that names the window, its place, and when it changes; arguments as `judge`."""
    found = judge(windows, target, now, manual=manual, started=started)
    return to_decision(found, manual=manual, generation=generation)


def to_decision(found: WindowDecision, *, manual: bool, generation: str = "") -> Decision:
    """Put the answer of the windows into words."""
    reasons = tuple(str(finding) for window in found.invalid for finding in window.findings)
    more: dict[str, t.Any] = {"until": found.next_change, "generation": generation, "reasons": reasons}
    deciding = found.blocking or found.active
    rule = _rule(deciding[0]) if deciding else None
    flag = "manual" if manual else "automated"
    if found.allowed:
        return allow(_permission(found, flag), rule, **more)
    return deny(_refusal(found, flag), rule, remedy=_remedy(found, manual), **more)


def _rule(window: Window) -> Rule:
    return Rule(kind="window", origin=window.where, text=window.text)


def _permission(found: WindowDecision, flag: str) -> str:
    said = {
        "none": "no sync window is against it",
        "open": f"{_names(found.active)} is open",
        "manual": "every window that is against it has manualSync",
        "overrun": "it was permitted when it started, and every window that is against it has syncOverrun",
    }
    return f"{flag} sync allowed{_until(found)}: {said.get(found.state, found.state)}"


def _refusal(found: WindowDecision, flag: str) -> str:
    said = {
        "invalid": f"{_names(found.blocking)} cannot be evaluated as written",
        "denied": f"{_names(found.blocking)} is open",
        "closed": f"no allow window is open: {_names(found.blocking)} is closed",
    }
    return f"{flag} sync blocked{_until(found)}: {said.get(found.state, found.state)}"


def _until(found: WindowDecision) -> str:
    return f" until {format_time(found.next_change)}" if found.next_change else ""


def _names(windows: t.Sequence[Window]) -> str:
    """Name the first window in full and count the rest."""
    if not windows:
        return ""
    first = windows[0]
    more = f" and {len(windows) - 1} more" if len(windows) > 1 else ""
    return f"{first.where} ({first.text}){more}"


def _remedy(found: WindowDecision, manual: bool) -> str:
    if found.state == "invalid":
        return "correct the window"
    by_hand = not manual and all(window.spec.manual_sync for window in found.blocking)
    if by_hand:
        return "a manual sync is let through"
    return "wait, or change the window" if found.next_change else "change the window"
