"""Over whom and what a preview looks: callers, resources with their actions, and the Applications that there are."""

from __future__ import annotations

import typing as t

from policy.preview.automaton import Exploration, Machine
from policy.preview.patterns import long_actions, machine_of, samples
from policy.preview.sides import Side
from policy.rbac.vocabulary import ACTIONS, LONG_ACTIONS
from policy.subjects import Subject, named

MOST_STATES = 20_000
"""Combined states looked at to tell the long actions apart; a policy names a few dozen of them."""


class Caller(t.NamedTuple):
    """Somebody who may ask, and how to call them."""

    subject: Subject
    kind: str
    """everybody, role, project role, user, group, `user or group`, or caller (one given with groups)."""
    label: str


def callers(sides: t.Sequence[Side], given: t.Iterable[Subject] = ()) -> list[Caller]:
    """Return everybody, all callers that the policies name, and the given ones.

    A name of no particular form may be a user or a group. Where that makes a difference (the group stands first in no
    g line, so that its allow lines do not count), it comes twice.
    """
    names = sorted({name for side in sides for name in side.names()})
    found = [_everybody(names)]
    for name in names:
        if name.startswith("role:"):
            found.append(Caller(named(name), "role", name))
        elif name.startswith("proj:"):
            found.append(Caller(named(name), "project role", name))
        elif all(side.bound(name) for side in sides):
            found.append(Caller(named(name), "user or group", name))
        else:
            found += [Caller(named(name), "user", name), Caller(_member(name, names), "group", name)]
    return found + [Caller(subject, *_called(subject)) for subject in given]


def _everybody(names: t.Container[str]) -> Caller:
    return Caller(Subject(_unused("anybody", names)), "everybody", "everybody")


def _member(group: str, names: t.Container[str]) -> Subject:
    return Subject(_unused(f"any member of {group}", names), (group,))


def _unused(name: str, names: t.Container[str]) -> str:
    """Return a name that no line of a policy has."""
    while name in names:
        name += "'"
    return name


def _called(subject: Subject) -> tuple[str, str]:
    if not subject.groups:
        return "caller", subject.label
    who = f"{subject.label} in " if subject.name else "any member of "
    return "caller", who + " and ".join(subject.groups)


class Verbs(t.NamedTuple):
    """All actions by resource."""

    actions: dict[str, tuple[str, ...]]
    complete: bool
    """False: some long action that the policies tell apart may be missing."""


def verbs(sides: t.Sequence[Side]) -> Verbs:
    """Return the actions of each resource.

    All plain words, and of the long ones (update/…, delete/…, action/…) one for each way in which the patterns of the
    policies tell them apart.
    """
    plain = {resource: tuple(sorted(words)) for resource, words in ACTIONS.items()}
    longs, complete = _long_actions(sides)
    plain["applications"] = (*plain["applications"], *longs)
    return Verbs(plain, complete)


def _long_actions(sides: t.Sequence[Side]) -> tuple[tuple[str, ...], bool]:
    machines: dict[int | str, Machine] = {}
    tried: list[str] = ["action/x/y/z", "update/x/y/z/n", "delete/x/y/z/n"]
    complete = True
    for pattern, dialect in _action_patterns(sides):
        machine = machine_of(pattern, dialect)
        if machine is None:
            tried += [text for text in samples(pattern.text) if text.startswith(LONG_ACTIONS)]
            complete = complete and bool(pattern.broken)
        elif pattern.literal is None or pattern.literal.startswith(LONG_ACTIONS):
            machines[id(machine)] = machine
    walk = Exploration([long_actions(), *machines.values()], required=1, most=MOST_STATES)
    found = [word.text for word in walk.words()]
    return tuple(dict.fromkeys([*found, *tried] if not complete else found)), complete and walk.complete


def _action_patterns(sides: t.Sequence[Side]) -> list[tuple[t.Any, str]]:
    found: dict[tuple[str, str], t.Any] = {}
    for side in sides:
        for rules in side.rules:
            for lines in rules.by_subject.values():
                for line in lines:
                    if line.resource.matches("applications"):
                        found.setdefault((line.action.text, side.dialect(line)), line.action)
    return [(pattern, dialect) for (_, dialect), pattern in found.items()]


class Applications:
    """The objects of the Applications that there are, found by what a pattern begins with."""

    def __init__(self, objects: t.Iterable[str]) -> None:
        self.objects = tuple(dict.fromkeys(objects))
        self.by_project: dict[str, list[str]] = {}
        """By what stands before the first slash."""
        for target in self.objects:
            self.by_project.setdefault(target.partition("/")[0], []).append(target)

    def under(self, prefix: str, project: str) -> t.Sequence[str]:
        """Return the objects of a project (empty: of all) that may begin with the prefix."""
        segment, slash, _ = prefix.partition("/")
        if project:
            return self.by_project.get(project, []) if not slash or segment == project else []
        return self.by_project.get(segment, []) if slash else self.objects
