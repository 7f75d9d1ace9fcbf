"""Asks the policy what a case asks, through policy.guard as the loop and the API do. Pure."""

from __future__ import annotations

import datetime as dt
import typing as t

import msgspec

from lynceus.policytest import cases
from lynceus.policytest.cases import Case, Word
from lynceus.policytest.world import World
from model.decision import Decision, Rule, deny
from policy.findings import Finding
from policy.projects import permit
from policy.projects.compiled import Project
from policy.windows import Window
from policy.windows.added import findings_at


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the policy said."""

    word: Word
    decision: Decision | None = None
    until: dt.datetime | None = None
    findings: tuple[Finding, ...] = ()
    """For a question about findings: those that it looks at."""
    rules: tuple[Rule, ...] = ()
    """Every rule that had a part in the answer, for coverage."""


def ask(case: Case, world: World) -> Answer:
    """Answer one case; `world` is the policy in the mode of the case."""
    question = case.question
    match question:
        case cases.Can():
            return _decided(world.guard.can(question.subject, question.resource, question.action, question.target))
        case cases.Sync():
            return _sync(question, case.at, world)
        case cases.Permitted():
            return _decided(world.guard.may_use(question.app))
        case cases.FromSource():
            return _decided(_in(world, question.project, lambda project: permit.source(project, question.repo)))
        case cases.ToDestination():
            return _decided(_in(world, question.project, lambda project: _destination(question, world, project)))
        case cases.OfKind():
            return _decided(_apply(question, world))
        case cases.WindowState():
            return _window(question, case.at, world)
        case cases.Lint():
            return _lint(question, case.at, world)


def _decided(decision: Decision, *more: Rule) -> Answer:
    rules = (*((decision.rule,) if decision.rule else ()), *more)
    word: Word = "allow" if decision.allowed else "deny"
    return Answer(word=word, decision=decision, until=decision.until, rules=rules)


def _sync(question: cases.Sync, at: dt.datetime | None, world: World) -> Answer:
    assert at is not None
    decision = world.guard.may_sync(
        question.app,
        now=at,
        manual=question.trigger == "manual",
        started=question.started,
        subject=question.by,
        healing=question.trigger == "healing",
        break_glass=question.break_glass,
    )
    return _decided(decision, *_parts(question, at, world, decision))


def _parts(question: cases.Sync, at: dt.datetime, world: World, decision: Decision) -> t.Iterator[Rule]:
    """Yield the other rules that had a part: every window that speaks, and the line that let the person ask."""
    if decision.rule and decision.rule.kind == "rbac":
        return
    guard, manual = world.guard, question.trigger == "manual"
    healing = question.trigger == "healing"
    found = guard.windows(question.app, now=at, manual=manual, started=question.started, healing=healing)
    for window in (found.blocking or found.active) if found else ():
        yield _rule_of(window)
    if question.by:
        asked = question.app.rbac_object(guard.current.control_namespace)
        rule = guard.can(question.by, "applications", "sync", asked).rule
        if rule:
            yield rule


def _in(world: World, name: str, ask_project: t.Callable[[Project], Decision]) -> Decision:
    project = world.project(name)
    if project is not None:
        return ask_project(project)
    rule = Rule(kind="project", origin=f"AppProject {name}", text="malformed")
    return deny(f"AppProject {name} is malformed, so that everything in it is denied", rule)


def _destination(question: cases.ToDestination, world: World, project: Project) -> Decision:
    current = world.guard.current
    cluster = current.registry.resolve(question.destination)
    assert cluster is not None
    protected = current.protected_namespace if current.registry.is_local(cluster) else ""
    return permit.destination(project, cluster, question.destination.namespace, protected)


def _apply(question: cases.OfKind, world: World) -> Decision:
    return world.guard.may_apply(
        question.app,
        group=question.group,
        kind=question.kind,
        namespaced=bool(question.namespace),
        namespace=question.namespace,
        name=question.name,
    )


def _window(question: cases.WindowState, at: dt.datetime | None, world: World) -> Answer:
    assert at is not None
    window = next(window for window in world.windows(question.project) if window.where == question.window)
    span = window.span(at)
    word: Word = "invalid" if window.invalid else "open" if span.open else "closed"
    return Answer(word=word, until=None if window.invalid else span.end, rules=(_rule_of(window),))


def _rule_of(window: Window) -> Rule:
    return Rule(kind=window.rule_kind, origin=window.where, text=window.text)


def _lint(question: cases.Lint, at: dt.datetime | None, world: World) -> Answer:
    """Return the findings of the policy, and at an instant also those that time brings, such as expired windows."""
    timely = findings_at(world.every_window(), at) if at else ()
    found = tuple(finding for finding in (*world.findings, *timely) if question.where in finding.where)
    return Answer(word="found", findings=found)
