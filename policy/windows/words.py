"""The answer of the windows in words: which window, where it stands, until when, and what would change it."""

from __future__ import annotations

import typing as t

from model.decision import Decision, Rule, allow, deny
from model.durations import format_time
from policy.windows.window import Window

if t.TYPE_CHECKING:
    from policy.windows.decide import WindowDecision


def to_decision(found: WindowDecision, *, manual: bool, generation: str = "") -> Decision:
    """Put the answer of the windows into words."""
    reasons = tuple(str(finding) for window in found.invalid for finding in window.findings)
    more: dict[str, t.Any] = {"until": found.next_change, "generation": generation, "reasons": reasons}
    deciding = found.blocking or found.active
    rule = rule_of(deciding[0]) if deciding else None
    flag = "manual" if manual else "automated"
    if found.allowed:
        return allow(_permission(found, flag), rule, **more)
    outside = bool(deciding) and deciding[0].rule_kind == "window" and deciding[0].allows
    return deny(_refusal(found, flag), rule, remedy=_remedy(found, manual), outside=outside, **more)


def rule_of(window: Window) -> Rule:
    """Return a window as the rule of a Decision."""
    return Rule(kind=window.rule_kind, origin=window.where, text=window.text)


def until(found: WindowDecision) -> str:
    """Return `` until TIME``, or nothing when no change is in sight."""
    return f" until {format_time(found.next_change)}" if found.next_change else ""


def _permission(found: WindowDecision, flag: str) -> str:
    said = {
        "none": "no sync window is against it",
        "open": f"{names(found.active)} is open",
        "manual": "every window that is against it has manualSync",
        "overrun": "it was permitted when it started, and every window that is against it has syncOverrun",
        "heal": "every window that is against it lets heal to the revision that was synced last",
    }
    return f"{flag} sync allowed{until(found)}: {said.get(found.state, found.state)}"


def _refusal(found: WindowDecision, flag: str) -> str:
    said = {
        "invalid": f"{names(found.blocking)} cannot be evaluated as written",
        "denied": f"{names(found.blocking)} is {'in force' if _is_freeze(found) else 'open'}",
        "closed": f"no allow window is open: {names(found.blocking)} is closed",
    }
    return f"{flag} sync blocked{until(found)}: {said.get(found.state, found.state)}"


def _is_freeze(found: WindowDecision) -> bool:
    return bool(found.blocking) and found.blocking[0].rule_kind == "freeze"


def names(windows: t.Sequence[Window]) -> str:
    """Name the first window in full and count the rest."""
    if not windows:
        return ""
    first = windows[0]
    more = f" and {len(windows) - 1} more" if len(windows) > 1 else ""
    return f"{first.where} ({first.text}){more}"


def _remedy(found: WindowDecision, manual: bool) -> str:
    blocking = found.blocking
    if found.state == "invalid":
        return "correct the window"
    own = "end the freeze" if all(window.rule_kind == "freeze" for window in blocking) else "change the window"
    ways = ["wait", own] if found.next_change else [own]
    if not manual and all(window.spec.manual_sync for window in blocking):
        return "a manual sync is let through"
    if manual and all(window.override for window in blocking):
        ways.append(f"break-glass by {holders(blocking)}")
    return ", or ".join([", ".join(ways[:-1]), ways[-1]] if ways[:-1] else ways)


def holders(windows: t.Sequence[Window]) -> str:
    """Name who may pass over all of these windows."""
    return " or ".join(dict.fromkeys(name for window in windows for name in window.override))
