"""May a sync run now, as far as sync windows go? Which windows say so, and until when?"""

from __future__ import annotations

import datetime as dt
import typing as t

import msgspec

from model.decision import Decision
from policy.windows.ledger import MANY, REFUSALS, Asked, Ledger, Verdict
from policy.windows.moment import Calendar, bounded, from_micros, to_micros
from policy.windows.roster import Many, Roster
from policy.windows.window import Target, Window
from policy.windows.words import to_decision

FURTHEST = dt.timedelta(days=2 * 366)
"""How far ahead a change of the answer is looked for."""

_FURTHEST_MICROS = FURTHEST // dt.timedelta(microseconds=1)


class WindowDecision(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of the windows that match an Application."""

    allowed: bool
    state: Verdict
    """Why: no window speaks, an allow is open, a deny is open, no allow is open, …"""
    matched: tuple[Window, ...] = ()
    active: tuple[Window, ...] = ()
    blocking: tuple[Window, ...] = ()
    invalid: tuple[Window, ...] = ()
    next_change: dt.datetime | None = None
    """When the answer changes by itself; None = not before `sure_until`."""
    steady_until: dt.datetime | None = None
    """When the first matched window opens or closes: until then this very answer stands. None = never."""
    sure_until: dt.datetime | None = None
    """Up to when the same yes or no is known to hold: `next_change`, or where looking ahead ended. None = for ever."""


def judge(
    windows: t.Sequence[Window],
    target: Target,
    now: dt.datetime,
    *,
    manual: bool,
    started: dt.datetime | None = None,
    healing: bool = False,
) -> WindowDecision:
    """Decide at one instant.

    Args:
        windows: the project's windows, then those of its global projects, added ones and freezes.
        target: the Application's name, labels and destination.
        now: aware, UTC.
        manual: a person asked for this sync.
        started: when the running operation began; a time after `now` counts as `now`.
        healing: an automated sync to the very revisions that were synced last.
    """
    now = bounded(now)
    calendar, micros = Calendar(), to_micros(now)
    numbers = _matching(windows, target, micros)
    matched = tuple([windows[number] for number in numbers])
    healing = healing and not manual
    began = bounded(min(started, now)) if started is not None else None
    running = began is not None and _permitted_at(matched, began, now, manual=manual, healing=healing)
    ledger = Ledger(windows, Asked(manual, running, healing), numbers)
    ahead = _begin(ledger, windows, numbers, micros, calendar)
    state, blocking, steady_until = _stated(ledger), ledger.blocking(), ahead.first_edge
    active = sorted([*ledger.denies, *ledger.allows])
    change, sure = ahead.next_change(calendar, micros + _FURTHEST_MICROS)
    return WindowDecision(
        allowed=state not in REFUSALS,
        state=state,
        matched=matched,
        active=tuple([windows[number] for number in active]),
        blocking=blocking,
        invalid=tuple([window for window in matched if window.invalid]),
        steady_until=_instant(steady_until),
        next_change=_instant(change),
        sure_until=_instant(sure),
    )


def _matching(windows: t.Sequence[Window], target: Target, micros: int) -> list[int]:
    """Return the numbers of the windows that concern the Application; plain beginnings of names need no call."""
    named = target.application.startswith
    found = [
        number
        for number, window in enumerate(windows)
        if (named(starts) if (starts := window.starts) else window.matches(target))
    ]
    return [number for number in found if not windows[number].added or not windows[number].gone(micros)]


def _begin(
    ledger: Ledger, windows: t.Sequence[Window], numbers: list[int], micros: int, calendar: Calendar
) -> Ledger | Many:
    """Bring the ledger to the instant; returns what can look ahead from there."""
    if isinstance(windows, Roster) and len(numbers) >= MANY:
        view = windows.view(micros, calendar)
        if view is not None:
            asked = sorted(windows.others.intersection(numbers))
            ledger.start([(number, windows[number].state(micros, calendar)) for number in asked])
            return Many(ledger, windows, view, numbers)
    ledger.start([(number, windows[number].state(micros, calendar)) for number in numbers])
    return ledger


def _stated(ledger: Ledger) -> Verdict:
    """Return the answer; when nothing else speaks, why added windows that are open let the sync through."""
    verdict = ledger.verdict
    excused = ledger.excused() if verdict in ("none", "open") else ()
    return (ledger.asked.excuse(excused[0]) or verdict) if excused else verdict


def _permitted_at(
    matched: tuple[Window, ...], started: dt.datetime, now: dt.datetime, *, manual: bool, healing: bool
) -> bool:
    """Return whether the sync was permitted when it started; upstream takes the zone offset of now for it."""
    ledger = Ledger(matched, Asked(manual, False, healing))
    ledger.start([(number, (window.is_open(started, now), None)) for number, window in enumerate(matched)])
    return ledger.allowed


def _instant(micros: int | None) -> dt.datetime | None:
    return from_micros(micros) if micros is not None else None


def decide(
    windows: t.Sequence[Window],
    target: Target,
    now: dt.datetime,
    *,
    manual: bool,
    started: dt.datetime | None = None,
    healing: bool = False,
    generation: str = "",
) -> Decision:
    """Return the answer as a Decision that names the window, its place, and when it changes; arguments as `judge`."""
    found = judge(windows, target, now, manual=manual, started=started, healing=healing)
    return to_decision(found, manual=manual, generation=generation)
