"""Break-glass: a named person who may, with a reason, syncs by hand through windows and freezes.

A person passes over an entry when that entry's `override` names the person, one of the person's groups, or a role that
one of them reaches; and over every entry, Argo CD's own windows too, when a `breakGlass` entry for the project does.
Called by policy.guard, which has asked RBAC before.
"""

from __future__ import annotations

import datetime as dt
import typing as t

import msgspec

from model.decision import Decision, allow
from policy.findings import shown
from policy.generation import Generation, WindowQuestion
from policy.subjects import RESERVED, Subject
from policy.windows import Window, WindowDecision, judge
from policy.windows.words import names, rule_of, until


class Pass(t.NamedTuple):
    """The windows and freezes that a person may pass over, and by which name."""

    over: tuple[Window, ...]
    by: tuple[str, ...]


def held_names(generation: Generation, subject: Subject, project: str) -> tuple[str, ...]:
    """Return what a person is: the name, the groups, and the roles that they reach in the policy and the project."""
    own = [name for name in (subject.name, *subject.groups) if name]
    if subject.kind == "user":
        own = [name for name in own if not name.startswith(RESERVED)]
    if generation.engine is None:
        return ()
    reached = (reach.role for name in own for reach in generation.engine.reach(name, project))
    return tuple(dict.fromkeys([*own, *reached]))


def find_pass(
    generation: Generation, subject: Subject, question: WindowQuestion, found: WindowDecision, now: dt.datetime
) -> Pass | None:
    """Return which windows the person would pass over so that nothing is against the sync; None when that is not so.

    Args:
        generation: the policy in force.
        subject: the person.
        question: what was asked of the windows.
        found: the refusal.
        now: aware, UTC.
    """
    held = held_names(generation, subject, question.project)
    master = [name for name in generation.additions.holders_of(question.project) if name in held]
    windows, over, by = generation.windows[question.project], [], []
    while not found.allowed:
        for window in found.blocking:
            via = master or [name for name in window.override if name in held]
            if not via:
                return None
            over.append(window)
            by.append(via[0])
        passed = {id(window) for window in over}
        rest = [window for window in windows if id(window) not in passed]
        found = judge(rest, question.target, now, manual=question.manual, started=question.started)
    return Pass(tuple(over), tuple(dict.fromkeys(by)))


def broken_glass(refusal: Decision, found: WindowDecision, passed: Pass, subject: Subject, reason: str) -> Decision:
    """Return the answer to a person who passes over windows: allowed, with what was passed over, by whom and why.

    Args:
        refusal: the answer without break-glass; `until` of the answer is when it would have ended.
        found: the same in detail.
        passed: what is passed over.
        subject: the person.
        reason: as the person gave it.
    """
    as_role = "" if passed.by[0] == subject.name else f" ({', '.join(passed.by)})"
    text = f"manual sync allowed by break-glass of {subject.label}{as_role}: {shown(reason, 200)}"
    return allow(
        f"{text}; passes over {names(passed.over)}, which blocks{until(found) or ' without end'}",
        rule_of(passed.over[0]),
        until=refusal.until,
        generation=refusal.generation,
        reasons=tuple(f"passed over: {window.where} ({window.text})" for window in passed.over),
        overrode=rule_of(passed.over[0]),
    )


def with_way(refusal: Decision, passed: Pass, subject: Subject) -> Decision:
    """Return a refusal whose remedy names break-glass, which the person could use."""
    way = f"{subject.label} may pass by break-glass with a reason, as {passed.by[0]}"
    return msgspec.structs.replace(refusal, remedy=f"{refusal.remedy}; {way}" if refusal.remedy else way)


def refused_glass(refusal: Decision, subject: Subject | None, *, manual: bool) -> Decision:
    """Return a refusal that says why break-glass did not help."""
    if not manual:
        why = "break-glass is for manual syncs"
    elif subject is None or not subject.name:
        why = "break-glass needs a named person"
    else:
        why = f"break-glass refused: neither override of each of these nor breakGlass names {subject.label} or a role"
        why += f" or group of {subject.label}"
    return msgspec.structs.replace(refusal, reasons=(*refusal.reasons, why))
