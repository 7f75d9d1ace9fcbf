"""A policy text compiled for answers: who reaches which role, and which of a role's lines can hit a request at all.

Built once for each policy generation; immutable for its users (the caches inside only remember answers).
"""

from __future__ import annotations

import typing as t

from policy.rbac.text import Binding, Parsed, PolicyLine

DEEPEST = 10
"""Hops over g lines that count; Argo CD's role manager stops there (casbin: maxHierarchyLevel)."""


class Reach(t.NamedTuple):
    """A role that a subject has, and how: the names from the subject to the role."""

    role: str
    path: tuple[str, ...]


class Slot:
    """The lines of one role and one resource, keyed by what the object must begin with."""

    __slots__ = ("exact", "rest", "segments")

    def __init__(self) -> None:
        self.exact: dict[str, list[PolicyLine]] = {}
        self.segments: dict[str, list[PolicyLine]] = {}
        self.rest: list[PolicyLine] = []

    def add(self, line: PolicyLine) -> None:
        """File a line under the narrowest key that every object it matches has."""
        target = line.target
        if target.literal is not None:
            self.exact.setdefault(target.literal, []).append(line)
        elif "/" in target.prefix:
            self.segments.setdefault(target.prefix.partition("/")[0], []).append(line)
        else:
            self.rest.append(line)

    def collect(self, target: str, segment: str) -> list[PolicyLine]:
        """Return the lines that may match the object."""
        found = self.rest
        if target in self.exact:
            found = self.exact[target] + found
        if segment in self.segments:
            found = self.segments[segment] + found
        return found


class RoleLines:
    """All lines of one subject or role."""

    __slots__ = ("lines", "slots", "wild")

    def __init__(self, lines: list[PolicyLine]) -> None:
        self.lines = lines
        self.slots: dict[str, Slot] = {}
        self.wild = Slot()
        for line in lines:
            literal = line.resource.literal
            slot = self.wild if literal is None else self.slots.setdefault(literal, Slot())
            slot.add(line)

    def candidates(self, resource: str, target: str, segment: str) -> list[PolicyLine]:
        """Return the lines that may match a request; `segment` is the object up to its first slash."""
        found = self.wild.collect(target, segment)
        slot = self.slots.get(resource)
        return slot.collect(target, segment) + found if slot else found


NO_LINES = RoleLines([])


class Rules:
    """The p and g lines of one layer: the policy of the ConfigMap with the built-in one, or that of one project."""

    def __init__(self, *parts: Parsed) -> None:
        self.by_subject: dict[str, list[PolicyLine]] = {}
        self.by_member: dict[str, list[Binding]] = {}
        self._tables: dict[str, RoleLines] = {}
        for part in parts:
            for line in part.lines:
                self.by_subject.setdefault(line.subject, []).append(line)
            for binding in part.bindings:
                self.by_member.setdefault(binding.member, []).append(binding)

    def lines_of(self, role: str) -> RoleLines:
        """Return the indexed lines of one subject or role, indexed on first use."""
        table = self._tables.get(role)
        if table is None:
            lines = self.by_subject.get(role)
            if not lines:
                return NO_LINES
            table = self._tables[role] = RoleLines(lines)
        return table


def closure(subject: str, layers: tuple[Rules, ...]) -> tuple[Reach, ...]:
    """Return the subject itself and every role it reaches in at most `DEEPEST` hops, nearest first; cycles are fine."""
    reached: dict[str, tuple[str, ...]] = {subject: (subject,)}
    edge = [subject]
    for _ in range(DEEPEST):
        further: list[str] = []
        for member in edge:
            for layer in layers:
                for binding in layer.by_member.get(member, ()):
                    if binding.role not in reached:
                        reached[binding.role] = (*reached[member], binding.role)
                        further.append(binding.role)
        if not further:
            break
        edge = further
    return tuple(Reach(role, path) for role, path in reached.items())
