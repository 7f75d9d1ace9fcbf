"""A policy text compiled for answers: who reaches which role, and which of a role's lines can hit a request at all.

Built once for each policy generation; immutable for its users (the caches inside only remember answers).
"""

from __future__ import annotations

import itertools
import operator
import typing as t

from policy.rbac.text import Binding, Parsed, PolicyLine

MOST_VERBS = 64
"""Pairs of resource and action for which the lines of one role are kept sorted out; on overflow all are forgotten."""

DEEPEST = 10
"""Hops over g lines that count; Argo CD's role manager stops there (casbin: maxHierarchyLevel)."""


_number = operator.attrgetter("number")


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
        """Return the lines that may match the object, in no particular order."""
        found = self.rest
        if target in self.exact:
            found = self.exact[target] + found
        if segment in self.segments:
            found = self.segments[segment] + found
        return found

    def first(self, target: str, segment: str) -> PolicyLine | None:
        """Return the first line of the text that matches the object; lines must have been filed in that order."""
        found: PolicyLine | None = None
        if segment in self.segments:
            for line in self.segments[segment]:
                if line.target.matches(target):
                    found = line
                    break
        if target in self.exact and (found is None or self.exact[target][0].number < found.number):
            found = self.exact[target][0]
        for line in self.rest:
            if found is not None and found.number <= line.number:
                break
            if line.target.matches(target):
                return line
        return found

    def lines(self) -> t.Iterator[PolicyLine]:
        """Yield all lines, those of one key in the order in which they were filed."""
        return itertools.chain(*self.segments.values(), *self.exact.values(), self.rest)


class Verb(t.NamedTuple):
    """The lines of one role that apply to one resource and action, by effect; only the object is left to look at."""

    denies: tuple[Slot, ...]
    allows: tuple[Slot, ...]


class RoleLines:
    """All lines of one subject or role."""

    __slots__ = ("_verbs", "lines", "slots", "wild")

    def __init__(self, lines: list[PolicyLine]) -> None:
        self.lines = lines
        self.slots: dict[str, Slot] = {}
        self.wild = Slot()
        self._verbs: dict[tuple[str, str], Verb] = {}
        for line in lines:
            literal = line.resource.literal
            slot = self.wild if literal is None else self.slots.setdefault(literal, Slot())
            slot.add(line)

    def candidates(self, resource: str, target: str, segment: str) -> list[PolicyLine]:
        """Return the lines that may match a request, in order; `segment` is the object up to its first slash."""
        found = self.wild.collect(target, segment)
        slot = self.slots.get(resource)
        if slot:
            found = slot.collect(target, segment) + found
        return sorted(found, key=_number)

    def verb(self, resource: str, action: str) -> Verb:
        """Return what applies to a resource and an action, remembered."""
        found = self._verbs.get((resource, action))
        if found is None:
            if len(self._verbs) >= MOST_VERBS:
                self._verbs.clear()
            slots = [slot for slot in (self.slots.get(resource), self.wild) if slot]
            sides = (_narrowed(slots, resource, action, effect) for effect in ("deny", "allow"))
            found = self._verbs[resource, action] = Verb(*sides)
        return found


def _narrowed(slots: list[Slot], resource: str, action: str, effect: str) -> tuple[Slot, ...]:
    """Return one slot with only the lines that apply, filed in the order of the text; none when there are none."""
    lines = [
        line
        for slot in slots
        for line in slot.lines()
        if line.effect == effect and line.action.matches(action) and line.resource.matches(resource)
    ]
    if not lines:
        return ()
    narrow = Slot()
    for line in sorted(lines, key=_number):
        narrow.add(line)
    return (narrow,)


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
