"""The difference of two policies: who gains and who loses what, with the deciding rule before and after.

Callers who have the same on both sides are answered together, and only where a line that concerns them came or went.
A caller with several names (a user in groups) has, in strict, the deny of any of them and else the allow of any; so
what is found for each name alone holds for all callers, as long as `barred` and `unbarred` are looked at as well.
"""

from __future__ import annotations

import typing as t

import msgspec

from model.decision import Decision
from policy.generation import Generation
from policy.preview.search import Direction, Found, Hit, Memory, Place, Search, items_of
from policy.preview.sides import GLOBAL, Held, Side, Signs
from policy.preview.universe import Applications, Caller, Verbs, callers, verbs
from policy.rbac.vocabulary import PROJECT_SCOPED, WITH_URL
from policy.subjects import Subject, project_of_token


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that callers may do on one side only."""

    direction: Direction
    resource: str
    actions: tuple[str, ...]
    """Long actions stand for all that the policies do not tell apart from them."""
    objects: str
    """The object pattern of the line that brings the change; what other lines decide alike is not meant."""
    project: str = ""
    """Only objects of this project; empty when that does not matter."""
    example: str
    """An object that is answered differently; it need not exist."""
    applications: tuple[str, ...] = ()
    """The known Applications that are answered differently."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """Callers to whom the same happens."""

    callers: tuple[Caller, ...]
    changes: tuple[Change, ...]


class Diff(msgspec.Struct, frozen=True, kw_only=True):
    """What a change of policy does."""

    entries: tuple[Entry, ...]
    callers: tuple[Caller, ...]
    """Everybody who was looked at."""
    unproven: tuple[str, ...]
    """Patterns whose whole effect is not known, since they are expressions or too entangled; each with its resource."""

    @property
    def differs(self) -> bool:
        """True when somebody gains or loses something, or when that is not excluded."""
        return bool(self.entries or self.unproven)


class Comparison:
    """Two generations side by side."""

    def __init__(self, before: Generation, after: Generation) -> None:
        signs = Signs()
        self.sides = (Side(before, signs), Side(after, signs))

    def decisions(self, subject: Subject, change: Change) -> tuple[Decision, Decision]:
        """Return what either side answers to a change's example."""
        before, after = (side.decide(subject, change.resource, change.actions[0], change.example)
                         for side in self.sides)  # fmt: skip
        return before, after

    def diff(self, *, applications: t.Iterable[str] = (), given: t.Iterable[Subject] = ()) -> Diff:
        """Return who gains and who loses what.

        Args:
            applications: RBAC objects (project/name, project/namespace/name) of the Applications there are.
            given: further callers, for example a user with the groups that this user has.
        """
        everyone = callers(self.sides, given)
        work = _Work(self.sides, Applications(applications), verbs(self.sides))
        entries: dict[tuple[Change, ...], list[Caller]] = {}
        for kin in self._kin(everyone):
            changes = work.changes(kin[0].subject)
            if changes:
                entries.setdefault(changes, []).extend(kin)
        found = tuple(
            Entry(callers=tuple(who), changes=self._joined(who[0].subject, what)) for what, who in entries.items()
        )
        return Diff(entries=found, callers=tuple(everyone), unproven=tuple(sorted(work.unproven)))

    def _joined(self, subject: Subject, changes: tuple[Change, ...]) -> tuple[Change, ...]:
        """Join changes that differ in their actions only and are decided by the same lines."""
        found: dict[t.Any, Change] = {}
        for change in changes:
            rules = tuple(decision.rule for decision in self.decisions(subject, change))
            rest = msgspec.structs.replace(change, actions=())
            known = found.get((rest, rules))
            actions = sorted({*(known.actions if known else ()), *change.actions}, key=_plain_first)
            found[rest, rules] = msgspec.structs.replace(change, actions=tuple(actions))
        return tuple(found.values())

    def _kin(self, everyone: t.Iterable[Caller]) -> t.Iterable[list[Caller]]:
        """Return the callers whose lines differ between the sides, together with those who have the same."""
        kin: dict[t.Any, list[Caller]] = {}
        for caller in everyone:
            signature = self._signature(caller.subject)
            if signature is not None:
                kin.setdefault(signature, []).append(caller)
        return kin.values()

    def _signature(self, subject: Subject) -> t.Any:
        """Return what a caller has on both sides, project by project; None when it is the same."""
        pairs = tuple(
            (project, *(side.signature(subject, project) for side in self.sides))
            for project in ("", *projects_of(self.sides, subject))
        )
        if all(before == after for _, before, after in pairs):
            return None
        return (project_of_token(subject.name), pairs)


def projects_of(sides: tuple[Side, Side], subject: Subject) -> list[str]:
    """Return the projects in which a caller may have something else than elsewhere."""
    found = sides[0].touched(subject) | sides[1].touched(subject)
    own = project_of_token(subject.name)
    if own is not None:
        found |= {own, GLOBAL}
        if not sides[0].strict:
            found |= sides[0].projects | sides[1].projects
    return sorted(found)


def _counts(resource: str, project: str) -> bool:
    """True when requests about the resource can be inside the project; those outside all projects always can."""
    if project == GLOBAL:
        return resource in WITH_URL
    return not project or resource in PROJECT_SCOPED or resource == "projects"


class _Work:
    """The search for one caller after the other; equal searches are made once."""

    def __init__(self, sides: tuple[Side, Side], apps: Applications, words: Verbs) -> None:
        self.sides, self.apps, self.words = sides, apps, words
        self.unproven: set[str] = set()
        self._known: dict[t.Any, Found] = {}
        self._memory: Memory = {}

    def changes(self, subject: Subject) -> tuple[Change, ...]:
        """Return what changes for a caller."""
        found: dict[t.Any, Change] = {}
        projects = projects_of(self.sides, subject)
        for project in (*projects, ""):
            for resource in self.words.actions:
                if not _counts(resource, project):
                    continue
                outside = frozenset(each for each in projects if _counts(resource, each) and not project)
                for change in self._of_resource(subject, resource, project, outside):
                    _merge(found, change)
        for key, change in list(found.items()):
            if change.project and (*key[:4], "") in found:
                _merge(found, msgspec.structs.replace(found.pop(key), project=""))
        return tuple(sorted(found.values(), key=_order))

    def _of_resource(
        self, subject: Subject, resource: str, project: str, outside: frozenset[str]
    ) -> t.Iterator[Change]:
        before, after = (self._relevant(side, subject, resource, project) for side in self.sides)
        for actions, held in self._alike(resource, before, after).items():
            place = Place(subject, resource, actions[0], project, outside)
            for hit in self._search(held, place):
                yield _change(hit, place, actions)

    def _relevant(self, side: Side, subject: Subject, resource: str, project: str) -> list[Held]:
        return [held for held in side.lines(subject, resource, project) if held.line.resource.matches(resource)]

    def _alike(
        self, resource: str, before: list[Held], after: list[Held]
    ) -> dict[tuple[str, ...], tuple[list[Held], list[Held]]]:
        """Return actions with the lines that concern them, those concerned by the same lines together."""
        differing = {deed[0] for deed in self._deeds(0, before) ^ self._deeds(1, after)}
        if not differing:
            return {}
        if resource == "applications" and not self.words.complete:
            patterns = (held.line.action for held in (*before, *after))
            if any(pattern.literal is None and pattern.text in differing for pattern in patterns):
                self.unproven.add("applications: actions on single resources")
        groups: dict[t.Any, tuple[list[str], list[Held], list[Held]]] = {}
        for action in self.words.actions[resource]:
            old = [held for held in before if held.line.action.matches(action)]
            new = [held for held in after if held.line.action.matches(action)]
            if not self._same(old, new):
                key = (tuple(id(held.line) for held in old), tuple(id(held.line) for held in new))
                groups.setdefault(key, ([], old, new))[0].append(action)
        return {tuple(actions): (old, new) for actions, old, new in groups.values()}

    def _deeds(self, number: int, lines: list[Held]) -> set[t.Any]:
        side = self.sides[number]
        return {
            (held.line.action.text, held.line.target.text, held.line.effect, side.dialect(held.line), held.part)
            for held in lines
        }

    def _same(self, old: list[Held], new: list[Held]) -> bool:
        """True when the objects and effects of lines for one action are the same on both sides."""
        return {deed[1:] for deed in self._deeds(0, old)} == {deed[1:] for deed in self._deeds(1, new)}

    def _search(self, held: tuple[list[Held], list[Held]], place: Place) -> tuple[Hit, ...]:
        items = items_of(held[0], held[1], self.sides)
        search = Search(items, place, self.sides, self.apps, self._memory)
        key: t.Any = (items_key(held), place.resource, place.project, place.outside)
        known = self._known.get(key) if not search.brittle else None
        if known is None:
            known = self._known[key] = search.run()
        self.unproven |= {f"{place.resource}: {text}" for text in known.unproven}
        return known.hits


def items_key(held: tuple[list[Held], list[Held]]) -> tuple[tuple[t.Any, ...], ...]:
    """Return a key that is equal for equal lists of lines in equal evaluations."""
    return tuple(tuple((id(each.line), each.part) for each in side) for side in held)


def _change(hit: Hit, place: Place, actions: tuple[str, ...]) -> Change:
    return Change(
        direction=hit.direction,
        resource=place.resource,
        actions=actions,
        objects=hit.pattern,
        project="" if place.project == GLOBAL or hit.pattern.startswith(f"{place.project}/") else place.project,
        example=hit.example,
        applications=hit.applications,
    )


def _merge(found: dict[t.Any, Change], change: Change) -> None:
    """Take a change in, together with an equal one of another project's search."""
    key = (change.direction, change.resource, change.actions, change.objects, change.project)
    known = found.get(key)
    if known is not None:
        targets = tuple(sorted({*known.applications, *change.applications}))
        change = msgspec.structs.replace(known, applications=targets)
    found[key] = change


def _plain_first(action: str) -> tuple[bool, str]:
    return "/" in action, action


def _order(change: Change) -> tuple[t.Any, ...]:
    seldom = change.direction in ("barred", "unbarred")
    return (seldom, change.resource, change.objects, change.direction, change.actions, change.project)
