"""Turn an engine's outcome into a Decision: the deciding line and role path, or what came near and would be needed.

Everything that does not depend on the object is worked out once for each caller, action and project, and remembered.
"""

from __future__ import annotations

import itertools
import typing as t

from model.decision import Decision, Rule, deny
from model.states import Effect
from policy.findings import Mode, shown
from policy.rbac import builtin, hints
from policy.rbac.engine import REFUSED, Engine, Outcome, Request, View, decide_strict, first_allow
from policy.rbac.roles import MALFORMED
from policy.rbac.text import PolicyLine
from policy.rbac.vocabulary import WITH_SLASH
from policy.subjects import Subject

MOST_LINES = 50
"""Lines looked at for near misses; explaining a denial stays independent of the size of the policy."""

MOST_REASONS = 5

MOST_TOLD = 64
"""Lines of one case whose words are kept; on overflow all are forgotten."""


REMEMBERED = 16_384
"""Answers, and likewise cases, kept for one generation; on overflow all are forgotten, which costs microseconds."""

Question = tuple[Subject, str, str, str]
"""Subject, resource, action, object."""

_BROKEN = " (its expression does not compile, so that upstream's whole evaluation fails)"

_NO_LINE = Rule(kind="default", origin="argocd-rbac-cm", text="what no line allows is denied")


class NearMiss(t.NamedTuple):
    """An allow line of the resource which the object makes a near miss, or does not."""

    fits: bool
    """The action fits, so that the object must differ; else only the action may differ."""
    segment: str | None
    """What stands before the first slash of every object that matches, when that is known."""
    matches: t.Callable[[str], bool]
    text: str
    """The whole reason, or all but the object that was asked for when the action fits."""


class Refusal(t.NamedTuple):
    """What refusals of one case have in common, whatever the object."""

    remedy: tuple[str, str]
    """The text before and behind the object."""
    reasons: tuple[str, ...]
    near: dict[str | None, tuple[NearMiss, ...]]
    """By the beginning of the object up to its first slash: the lines that may be near misses; None = any other."""


class Told(t.NamedTuple):
    """What a deciding line says to one caller, whatever the object."""

    rule: Rule
    text: str
    remedy: str


class Case(t.NamedTuple):
    """What the answers to one caller about one action, resource and project have in common, whatever the object."""

    view: View | None
    """None: compat, where the evaluation of one line may end that of others."""
    may: str
    may_not: str
    told: dict[tuple[int, str], Told]
    """By identity of the line and the caller's name that has it."""


class Answers(dict[Question, Decision]):
    """The answers of one generation, found out on first use: `answers[subject, resource, action, object]`."""

    def __init__(self, engine: Engine | None, generation: str) -> None:
        super().__init__()
        self._engine, self._generation = engine, generation
        self._cases: dict[Question, Case] = {}
        self._refusals: dict[Question, Refusal] = {}

    def __missing__(self, question: Question) -> Decision:
        decision = no_policy(self._generation) if self._engine is None else self._ask(self._engine, question)
        if len(self) >= REMEMBERED:
            self.clear()
        self[question] = decision
        return decision

    def _ask(self, engine: Engine, question: Question) -> Decision:
        subject, resource, action, target = question
        key = (subject, resource, action, engine.layer_of(resource, target))
        case = self._cases.get(key)
        if case is None:
            if len(self._cases) >= REMEMBERED:
                self._cases.clear()
            case = self._cases[key] = _case(engine, key)
        if case.view is None:
            outcome = engine.decide_compat(subject, Request(resource, action, target), key[3])
        else:
            outcome = decide_strict(case.view, subject, resource, target, engine.default_role)
        asked = f"{case.may if outcome.allowed else case.may_not}{target and ' '}{target}"
        if outcome.line is None:
            return self._refused(engine, key, asked, target, outcome.note)
        told = _told(case, subject, outcome, outcome.line, engine.mode)
        return Decision(
            effect=Effect.ALLOW if outcome.allowed else Effect.DENY,
            reason=f"{asked}: {told.text}",
            rule=told.rule,
            generation=self._generation,
            remedy=told.remedy,
            reasons=() if outcome.allowed else _instead(case, subject, target),
        )

    def _refused(self, engine: Engine, key: Question, asked: str, target: str, note: str) -> Decision:
        refusal = self._refusals.get(key)
        if refusal is None:
            if len(self._refusals) >= REMEMBERED:
                self._refusals.clear()
            refusal = self._refusals[key] = _refusal(engine, key)
        before, behind = refusal.remedy
        return Decision(
            effect=Effect.DENY,
            reason=f"{asked}: {note or 'no line allows it'}",
            rule=_NO_LINE,
            generation=self._generation,
            remedy=_other_remedy(key[1], target, note) or f"{before}{target}{behind}",
            reasons=_reasons(refusal, key[1], target),
        )


def no_policy(generation: str) -> Decision:
    """Return the answer to everything while no policy can be used."""
    reason = (
        "argocd-rbac-cm cannot be used and no earlier good one is known: everything is denied until it is corrected"
    )
    rule = Rule(kind="default", origin="argocd-rbac-cm", text="no valid policy")
    return deny(reason, rule, generation=generation, remedy="correct argocd-rbac-cm")


def _case(engine: Engine, key: Question) -> Case:
    subject, resource, action, project = key
    view = engine.view(subject, resource, action, project) if engine.mode == "strict" else None
    may, may_not = (f"{subject.label} {word} {action} {resource}" for word in ("may", "may not"))
    return Case(view, may, may_not, {})


def _told(case: Case, subject: Subject, outcome: Outcome, line: PolicyLine, mode: Mode) -> Told:
    """Return what a deciding line says, with the way from the subject to it; remembered."""
    key = (id(line), outcome.via)
    found = case.told.get(key)
    if found is None:
        if len(case.told) >= MOST_TOLD:
            case.told.clear()
        path = outcome.path if outcome.via == subject.name else (subject.label, *outcome.path)
        text = f"{line.origin}: {line.text}{_way(subject, outcome)}{_BROKEN if line.brittle else ''}"
        rule = Rule(kind="rbac", origin=line.origin, text=line.text, path=path)
        found = case.told[key] = Told(rule, text, "" if outcome.allowed else _against(line, mode))
    return found


def _instead(case: Case, subject: Subject, target: str) -> tuple[str, ...]:
    """Say which line would allow it if none denied it."""
    found = REFUSED if case.view is None else first_allow(case.view, target)
    if found.line is None:
        return ()
    return (f"without it {found.line.origin} allows: {found.line.text}{_way(subject, found)}",)


def _against(line: PolicyLine, mode: Mode) -> str:
    """Say what would change a refusal by a line."""
    if line.brittle:
        return f"correct the expression at {line.origin}"
    if line.text == MALFORMED:
        return f"correct {line.origin.partition('[')[0]}; `lynceus rbac validate` says where"
    if mode == "strict":
        return f"remove or narrow {line.origin}; a deny is final"
    return f"remove or narrow {line.origin}, or allow it by another group or the default role"


def _way(subject: Subject, outcome: Outcome) -> str:
    """Say how the subject came to a line that does not name the subject itself."""
    if len(outcome.path) == 1 and outcome.via == subject.name:
        return ""
    if not outcome.via:
        return " (a line about nobody counts for every caller)"
    first = "by group " if outcome.via in subject.groups else "by default role "
    return f" ({'' if outcome.via == subject.name else first}{' -> '.join(outcome.path)})"


def _other_remedy(resource: str, target: str, note: str) -> str:
    """Return what would help when no line would."""
    if note:
        return f"a role of project {target.partition('/')[0]}"
    if resource in WITH_SLASH and "/" not in target:
        return f"ask for PROJECT/{target or 'NAME'}"
    return ""


def _refusal(engine: Engine, key: Question) -> Refusal:
    near = sorted(_near(engine, *key), key=lambda item: item.text.startswith(builtin.SOURCE))
    return Refusal(
        remedy=hints.remedy(engine, key),
        reasons=tuple(itertools.islice(hints.remarks(engine, key), MOST_REASONS)),
        near=_by_segment(tuple(near)),
    )


def _near(engine: Engine, subject: Subject, resource: str, action: str, project: str) -> t.Iterator[NearMiss]:
    """Yield what the caller has that comes near with the right object, or with another one."""
    names = [name for name in (subject.name, engine.default_role, *subject.groups) if name]
    lines = (
        line for name in names for reach in engine.reach(name, project) for line in _lines(engine, reach.role, project)
    )
    for line in itertools.islice(lines, MOST_LINES):
        if line.effect != "allow" or not line.resource.matches(resource):
            continue
        fits, start = line.action.matches(action), line.target.prefix
        text = f"{line.origin} comes near: its action is {shown(line.action.text)}, asked was {shown(action)}"
        if fits:
            text = f"{line.origin} comes near: its object is {shown(line.target.text)}, asked was "
        yield NearMiss(fits, start.partition("/")[0] if "/" in start else None, line.target.matches, text)


def _by_segment(near: tuple[NearMiss, ...]) -> dict[str | None, tuple[NearMiss, ...]]:
    """Leave out, for each beginning of an object, the lines whose action differs and whose object differs as well."""
    segments = {None, *(item.segment for item in near)}
    return {
        segment: tuple(item for item in near if item.fits or item.segment in (None, segment)) for segment in segments
    }


def _lines(engine: Engine, role: str, project: str) -> t.Iterator[PolicyLine]:
    for rules in engine.layers_of(project):
        yield from rules.lines_of(role).lines


def _reasons(refusal: Refusal, resource: str, target: str) -> tuple[str, ...]:
    """Return the remarks and the near misses: allow lines that differ from what was asked in one field."""
    found = list(refusal.reasons)
    if resource in WITH_SLASH and "/" not in target:
        found.insert(0, f"object {shown(target)} has no slash; an object of {resource} is PROJECT/NAME")
    segment = target.partition("/")[0]
    near = refusal.near
    for fits, _, matches, text in near[segment] if segment in near else near[None]:
        if matches(target) != fits:
            found.append(text + shown(target) if fits else text)
            if len(found) >= MOST_REASONS:
                break
    return tuple(found[:MOST_REASONS])
