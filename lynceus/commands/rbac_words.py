"""How the difference of two policies is told: one paragraph for callers to whom the same happens."""

from __future__ import annotations

import typing as t

from lynceus.commands.answers import decision_record
from lynceus.commands.rbac_who import caller_record
from model.decision import Decision
from policy.preview.differences import Change, Comparison, Diff, Entry
from policy.preview.universe import Caller
from policy.rbac.vocabulary import ACTIONS

MOST_NAMES = 6
"""Names written out of one list in text; data formats have all."""

WORDS = {"gained": "gain", "lost": "lose", "barred": "barred from", "unbarred": "no longer barred from"}

_ORDER = {"everybody": 0, "role": 1, "project role": 2}


def diff_lines(comparison: Comparison, diff: Diff) -> list[str]:
    """Return the difference as lines for a person."""
    lines: list[str] = []
    for entry in sorted(diff.entries, key=lambda entry: min(map(_rank, entry.callers))):
        lines.append(_who(entry, diff) + ":")
        for change in entry.changes:
            lines += _change_lines(comparison, entry, change)
    return lines or ["nobody gains or loses anything"]


def covers(diff: Diff, applications: t.Sequence[str]) -> list[str]:
    """Say what was looked at, and what is not certain."""
    lines = [f"not certain: {text}: other objects may change as well" for text in diff.unproven[:MOST_NAMES]]
    if len(diff.unproven) > MOST_NAMES:
        lines.append(f"not certain: {len(diff.unproven) - MOST_NAMES} more patterns")
    known = f"{len(applications)} applications" if applications else "no application is known"
    return [*lines, f"looked at: {len(diff.callers)} callers, all actions, all objects by their patterns; {known}"]


def entry_record(comparison: Comparison, entry: Entry) -> dict[str, t.Any]:
    """Return what happens to some callers as JSON values; before and after are answers about the example."""
    return {
        "subjects": [caller_record(caller) for caller in _sorted(entry.callers)],
        "changes": [_change_record(comparison, entry, change) for change in entry.changes],
    }


def _change_record(comparison: Comparison, entry: Entry, change: Change) -> dict[str, t.Any]:
    before, after = comparison.decisions(entry.callers[0].subject, change)
    return {
        "direction": change.direction,
        "resource": change.resource,
        "actions": list(change.actions),
        "objects": change.objects,
        "project": change.project,
        "example": change.example,
        "applications": list(change.applications),
        "before": decision_record(before),
        "after": decision_record(after),
    }


def _sorted(callers: t.Iterable[Caller]) -> list[Caller]:
    return sorted(callers, key=_rank)


def _rank(caller: Caller) -> tuple[int, str]:
    return _ORDER.get(caller.kind, 3), caller.label


def _who(entry: Entry, diff: Diff) -> str:
    """Name the callers: a role first and then who has it; everybody with those who are left out."""
    ordered = _sorted(entry.callers)
    if ordered[0].kind == "everybody":
        inside = {caller.subject for caller in entry.callers}
        outside = [caller.label for caller in _sorted(diff.callers) if caller.subject not in inside]
        return "everybody" + (f" (but for {_listed(outside)})" if outside else "")
    heads = [_name(caller) for caller in ordered if caller.kind in _ORDER]
    others = [_name(caller) for caller in ordered if caller.kind not in _ORDER]
    if heads and others:
        return f"{_listed(heads)}, with it {_listed(others)}"
    return _listed(heads or others)


def _name(caller: Caller) -> str:
    if caller.kind == "group":
        return f"group {caller.subject.groups[0]}"
    return f"user {caller.label}" if caller.kind == "user" else caller.label


def _listed(names: t.Sequence[str]) -> str:
    names = list(dict.fromkeys(names))
    shown = ", ".join(names[:MOST_NAMES])
    return shown + (f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else "")


def _change_lines(comparison: Comparison, entry: Entry, change: Change) -> list[str]:
    before, after = comparison.decisions(entry.callers[0].subject, change)
    where = f" in project {change.project}" if change.project else ""
    objects = change.objects or "(no object)"
    known = ("", change.objects, *change.applications)
    example = f", for example {change.example}" if change.example not in known else ""
    head = f"  {WORDS[change.direction]} {change.resource} {_actions(change)} on {objects}{where}{example}"
    lines = [head, f"    before: {_rule(before)}", f"    after:  {_rule(after)}"]
    if change.applications:
        count = len(change.applications)
        lines.append(f"    {count} application{'s' if count > 1 else ''}: {_listed(change.applications)}")
    return lines


def _actions(change: Change) -> str:
    """Return the actions; all plain words with a long one of each kind are a star."""
    plain = {action for action in change.actions if "/" not in action}
    kinds = {action.partition("/")[0] for action in change.actions if "/" in action}
    if plain == ACTIONS[change.resource] and (change.resource != "applications" or len(kinds) == 3):
        return "*"
    return ", ".join(dict.fromkeys(map(_shown_action, change.actions)))


def _shown_action(action: str) -> str:
    """Return a long action that stands for all others of its kind as action/…."""
    kind, _, rest = action.partition("/")
    return f"{kind}/…" if rest in ("x", "x/y/z", "x/y/z/n") else action


def _rule(decision: Decision) -> str:
    rule = decision.rule
    if rule is None or rule.kind != "rbac":
        return "no line allows it"
    way = rule.path[1:]
    return f"{rule.origin}: {rule.text}" + (f" (through {' -> '.join(way)})" if way else "")
