"""Turn an engine's outcome into a Decision: the deciding line and role path, or what came near and would be needed."""

from __future__ import annotations

import itertools
import typing as t

from model.decision import Decision, Rule, allow, deny
from policy.findings import shown
from policy.rbac.engine import Engine, Hit, Outcome, Request
from policy.rbac.text import PolicyLine
from policy.rbac.vocabulary import project_of
from policy.subjects import RESERVED, Subject

MOST_LINES = 50
"""Lines looked at for near misses; explaining a denial stays independent of the size of the policy."""

MOST_REASONS = 5


def decide(engine: Engine, subject: Subject, request: Request, generation: str) -> Decision:
    """Answer a question with its reasons."""
    outcome = engine.decide(subject, request)
    if outcome.hit is None:
        return _refused(engine, subject, request, outcome, generation)
    rule = rule_of(subject, outcome, outcome.hit)
    asked = f"{subject.label} may {'' if outcome.allowed else 'not '}{_asked(request)}"
    reason = f"{asked}: {rule.origin}: {rule.text}{_route(subject, outcome, outcome.hit)}"
    if outcome.allowed:
        return allow(reason, rule, generation=generation)
    return deny(reason, rule, generation=generation, remedy=f"remove or narrow {rule.origin}; a deny is final")


def rule_of(subject: Subject, outcome: Outcome, hit: Hit) -> Rule:
    """Return the deciding line as a Rule, with the way from the subject to it."""
    path = hit.path if outcome.via == subject.name else (subject.label, *hit.path)
    return Rule(kind="rbac", origin=hit.line.origin, text=hit.line.text, path=path)


def _asked(request: Request) -> str:
    target = f" {request.target}" if request.target else ""
    return f"{request.action} {request.resource}{target}"


def _route(subject: Subject, outcome: Outcome, hit: Hit) -> str:
    """Say how the subject came to the line, unless the line names the subject itself."""
    path = hit.path
    if outcome.via == subject.name and len(path) == 1:
        return ""
    first = (
        "" if outcome.via == subject.name else "by default role " if outcome.via not in subject.groups else "by group "
    )
    return f" ({first}{' -> '.join(path)})"


def _refused(engine: Engine, subject: Subject, request: Request, outcome: Outcome, generation: str) -> Decision:
    rule = Rule(kind="default", origin="argocd-rbac-cm", text="what no line allows is denied")
    why = outcome.note or "no line allows it"
    project = project_of(request.resource, request.target)
    return deny(
        f"{subject.label} may not {_asked(request)}: {why}",
        rule,
        generation=generation,
        remedy=_remedy(engine, subject, request),
        reasons=tuple(itertools.islice(_near_misses(engine, subject, request, project), MOST_REASONS)),
    )


def _remedy(engine: Engine, subject: Subject, request: Request) -> str:
    roles = [role for role, _ in engine.reach(subject.name, "")[1:]]
    holder = next((role for role in roles if role.startswith("role:")), "role:NAME" if not roles else roles[0])
    line = f"p, {holder}, {request.resource}, {request.action}, {request.target}, allow"
    return f"a line such as: {line}" + ("" if roles else f", and: g, {subject.label}, {holder}")


def _near_misses(engine: Engine, subject: Subject, request: Request, project: str) -> t.Iterator[str]:
    """Yield what the caller has that is close to what was asked."""
    project = project if project in engine.layers else ""
    if subject.kind == "user":
        for name in (subject.name, *subject.groups):
            if name.startswith(RESERVED):
                yield f"{shown(name)} is the name of a role; as a user or group it gives nothing"
    for group in subject.groups:
        if not engine.bound(group, project) and engine.rules.by_subject.get(group):
            yield f"group {shown(group)} has p lines but no g line, and upstream's rule is that such lines do not count"
    names = [name for name in (subject.name, engine.default_role, *subject.groups) if name]
    lines = (
        line for name in names for reach in engine.reach(name, project) for line in _lines(engine, reach.role, project)
    )
    for line in itertools.islice(lines, MOST_LINES):
        missing = _missing(line, request)
        if missing:
            yield f"{line.origin} comes near: {missing}"


def _lines(engine: Engine, role: str, project: str) -> t.Iterator[PolicyLine]:
    for rules in engine.layers_of(project):
        yield from rules.lines_of(role).lines


def _missing(line: PolicyLine, request: Request) -> str:
    """Return the one field in which an allow line differs from the request, or empty text."""
    if line.effect != "allow":
        return ""
    pairs = (
        ("resource", line.resource, request.resource),
        ("action", line.action, request.action),
        ("object", line.target, request.target),
    )
    wrong = [(word, pattern.text, value) for word, pattern, value in pairs if not pattern.matches(value)]
    if len(wrong) != 1 or wrong[0][0] == "resource":
        return ""
    word, pattern, value = wrong[0]
    return f"its {word} is {shown(pattern)}, asked was {shown(value)}"
