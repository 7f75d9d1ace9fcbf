"""One of the two policies that are compared: which lines a caller has in it, and what matching lines answer together.

Who is evaluated, in which order, is the engine's to say; every answer that is reported is asked there once more.
"""

from __future__ import annotations

import typing as t

from model.decision import Decision
from policy.generation import Generation
from policy.rbac import builtin
from policy.rbac.engine import Request
from policy.rbac.text import PolicyLine
from policy.rbac.vocabulary import project_of
from policy.subjects import Subject, project_of_token

Answer = t.Literal["allow", "deny", "none"]
"""deny: a deny line applies (strict, where it is final); none: nothing allows it."""

Part = tuple[str, str]
"""One evaluation of several: (name, project layer). In strict there is only one, ("", "")."""

ONE: Part = ("", "")


class Held(t.NamedTuple):
    """A line that a caller has, and in which evaluation it counts."""

    line: PolicyLine
    part: Part


class Table(t.NamedTuple):
    """The lines of one role that a caller has."""

    lines: list[PolicyLine]
    part: Part
    allows: bool
    """False: only the deny lines count, as for a group that stands first in no g line."""


class Signs:
    """Numbers for what the lines of a role do together; both sides share them, so that equal ones mean equal deeds."""

    def __init__(self) -> None:
        self._numbers: dict[frozenset[tuple[str, str, str, str, str]], int] = {}
        self._known: dict[int, tuple[list[PolicyLine], int]] = {}

    def of(self, lines: list[PolicyLine], dialect: t.Callable[[PolicyLine], str]) -> int:
        """Return the number; the list must not change afterwards."""
        known = self._known.get(id(lines))
        if known is None:
            deeds = frozenset(
                (line.resource.text, line.action.text, line.target.text, line.effect, dialect(line)) for line in lines
            )
            known = self._known[id(lines)] = (lines, self._numbers.setdefault(deeds, len(self._numbers)))
        return known[1]


class Side:
    """A generation, as one side of a comparison."""

    def __init__(self, generation: Generation, signs: Signs) -> None:
        self.generation, self.engine, self._signs = generation, generation.engine, signs
        self.strict = generation.mode == "strict"
        self.regex = generation.policy is not None and generation.policy.match_mode == "regex"
        self.default_role = self.engine.default_role if self.engine else ""
        self.rules = (self.engine.rules, *self.engine.layers.values()) if self.engine else ()
        self.projects = frozenset(generation.units)
        self._projects_of: dict[str, set[str]] = {}
        for project, rules in (self.engine.layers if self.engine else {}).items():
            for name in (*rules.by_subject, *rules.by_member):
                self._projects_of.setdefault(name, set()).add(project)

    def dialect(self, line: PolicyLine) -> str:
        """Return what the patterns of a line are written in.

        glob, loose (as upstream's library has globs), regex (of whole texts) or search (found anywhere, as upstream).
        """
        if self.regex and not (self.strict and line.origin.startswith(builtin.SOURCE)):
            return "regex" if self.strict else "search"
        return "glob" if self.strict or line.origin.startswith(builtin.SOURCE) else "loose"

    def names(self) -> set[str]:
        """Return every subject, member and role that the policy or a layer names."""
        found = {self.default_role}
        for rules in self.rules:
            found |= set(rules.by_subject) | set(rules.by_member)
            found |= {binding.role for bindings in rules.by_member.values() for binding in bindings}
        return found - {""}

    def bound(self, name: str) -> bool:
        """True when the name stands first in some g line, of the policy or of a project."""
        return any(name in rules.by_member for rules in self.rules)

    def touched(self, subject: Subject) -> set[str]:
        """Return the projects whose role layer may add something to what the caller has."""
        if self.engine is None:
            return set()
        names = {self.default_role, subject.name, "", *subject.groups}
        reached = {reach.role for name in names for reach in self.engine.reach(name, "")}
        return {project for role in reached for project in self._projects_of.get(role, ())}

    def lines(self, subject: Subject, resource: str, project: str) -> list[Held]:
        """Return every line that can count for the caller in requests about a resource of a project.

        Args:
            subject: the caller.
            resource: of the requests.
            project: of the requests; empty for every project of which neither side has a role layer; or GLOBAL.
        """
        return [
            Held(line, table.part)
            for table in self._tables(subject, resource, project)
            for line in table.lines
            if table.allows or line.effect == "deny"
        ]

    def signature(self, subject: Subject, project: str) -> frozenset[tuple[str, int, Part, bool]]:
        """Return a value that is equal for two callers, or two sides, when what they have does the same."""
        found = set()
        for resource in ("clusters", "accounts") if project_of_token(subject.name) else ("clusters",):
            for table in self._tables(subject, resource, project):
                part = table.part if table.part == ONE or table.part[0] != subject.name else ("=", table.part[1])
                found.add((resource, self._signs.of(table.lines, self.dialect), part, table.allows))
        return frozenset(found)

    def _tables(self, subject: Subject, resource: str, project: str) -> t.Iterator[Table]:
        if self.engine is None:
            return
        evaluations = self._strict(subject, resource, project) if self.strict else self._compat(
            subject, resource, project
        )  # fmt: skip
        for name, layer, part, allows in evaluations:
            layers = self.engine.layers_of(layer)
            for reach in self.engine.reach(name, layer):
                for rules in layers:
                    lines = rules.by_subject.get(reach.role)
                    if lines:
                        yield Table(lines, part, allows)

    def _strict(self, subject: Subject, resource: str, project: str) -> t.Iterator[tuple[str, str, Part, bool]]:
        assert self.engine is not None
        asked = project_of(resource, _object_in(resource, project))
        elsewhere = subject.kind == "token" and bool(asked) and asked != project_of_token(subject.name)
        layer = "" if project == GLOBAL else project
        for name, allows in self.engine.names(subject, layer):
            yield name, layer, ONE, allows and (not elsewhere or name == self.default_role)

    def _compat(self, subject: Subject, resource: str, project: str) -> t.Iterator[tuple[str, str, Part, bool]]:
        assert self.engine is not None
        request = Request(resource, "", _object_in(resource, project))
        layer = self.engine.layer_of(resource, request.target)
        for name, project_layer in self.engine.evaluations(subject, request, layer):
            yield name, project_layer, (name, project_layer), True

    def decide(self, subject: Subject, resource: str, action: str, target: str) -> Decision:
        """Ask the policy itself."""
        return self.generation.answers[subject, resource, action, target]

    def answer(self, subject: Subject, resource: str, action: str, target: str) -> Answer:
        """Ask the policy itself, for one word."""
        return word_of(self.decide(subject, resource, action, target), strict=self.strict)


NO_PROJECT = "\N{BULLET}"
"""Stands for a project that does not exist: names of projects have no such character."""

GLOBAL = "/"
"""Instead of a project: clusters and repositories that belong to none, whose objects are plain URLs."""


def _object_in(resource: str, project: str) -> str:
    """Return an object of the project, for questions in which nothing else of it counts."""
    if project == GLOBAL:
        return "x"
    return project or NO_PROJECT if resource == "projects" else f"{project or NO_PROJECT}/x"


def word_of(decision: Decision, *, strict: bool) -> Answer:
    """Return a Decision in one word."""
    if decision.allowed:
        return "allow"
    return "deny" if strict and decision.rule is not None and decision.rule.kind == "rbac" else "none"


def answer(marks: t.Iterable[tuple[Part, str]], *, strict: bool) -> Answer:
    """Return what matching lines answer together.

    Args:
        marks: (evaluation, effect) of each line that matches.
        strict: a deny is final; else an evaluation with a deny gives nothing, and one that allows is enough.
    """
    allowed: set[Part] = set()
    denied: set[Part] = set()
    for part, effect in marks:
        if effect in ("allow", "deny"):
            (allowed if effect == "allow" else denied).add(part)
    if strict and denied:
        return "deny"
    return "allow" if allowed - denied else "none"
