"""Which objects are answered differently by two policies, for one caller and some actions that the same lines concern.

Exact where all patterns concerned are globs: an example is found for each line that makes a difference, or it is known
that there is none. Expressions are tried on samples and on the Applications.
"""

from __future__ import annotations

import typing as t

from policy.patterns import Pattern
from policy.preview.automaton import Exploration, Machine
from policy.preview.patterns import machine_of, samples, within
from policy.preview.sides import GLOBAL, Answer, Held, Part, Side, answer
from policy.preview.universe import Applications
from policy.rbac.vocabulary import WITH_SLASH, project_of
from policy.subjects import Subject

Direction = t.Literal["gained", "lost", "barred", "unbarred"]
"""barred: a deny line applies now though nothing was allowed before, so that no other right can allow it any more."""

MOST_STATES = 4_000
"""Combined states looked at for one line; ordinary patterns need a few dozen."""

WITH_APPLICATIONS = WITH_SLASH - {"applicationsets"}
"""Resources whose objects are those of Applications."""

EXPRESSIONS = frozenset({"regex", "search"})

MANY = 50
"""Applications from which on it pays to remember what was worked out for other callers."""

Memory = dict[t.Any, t.Any]

Marks = frozenset[tuple[Part, str]]


class Item(t.NamedTuple):
    """One object pattern and what it does on either side: (evaluation, effect) of each of its lines."""

    pattern: Pattern
    dialect: str
    before: Marks
    after: Marks

    @property
    def differs(self) -> bool:
        """True when a line with this pattern came or went."""
        return self.before != self.after

    def explains(self) -> frozenset[Direction]:
        """Return the directions in which the pattern's lines may be the reason for a change."""
        came = {effect for _, effect in self.after - self.before}
        went = {effect for _, effect in self.before - self.after}
        found: set[Direction] = set()
        if "allow" in came or "deny" in went:
            found.add("gained")
        if "allow" in went or "deny" in came:
            found.add("lost")
        if "deny" in came:
            found.add("barred")
        if "deny" in went:
            found.add("unbarred")
        return frozenset(found)


class Place(t.NamedTuple):
    """For whom and where is searched."""

    subject: Subject
    resource: str
    action: str
    """One of those that the same lines concern."""
    project: str
    """Only objects of this project; empty: of all but those in `outside`."""
    outside: frozenset[str]


class Hit(t.NamedTuple):
    """A change that a line brings."""

    direction: Direction
    pattern: str
    """The object pattern of the line, as written."""
    example: str
    applications: tuple[str, ...]


class Found(t.NamedTuple):
    """What a search found."""

    hits: tuple[Hit, ...]
    unproven: tuple[str, ...]
    """Patterns of which it is not known whether they make a further difference."""


def items_of(before: t.Iterable[Held], after: t.Iterable[Held], sides: tuple[Side, Side]) -> tuple[Item, ...]:
    """Return the patterns of the lines that apply on either side."""
    patterns: dict[tuple[str, str], tuple[Pattern, tuple[set[tuple[Part, str]], set[tuple[Part, str]]]]] = {}
    for number, lines in enumerate((before, after)):
        for line, part in lines:
            pattern, dialect = line.target, sides[number].dialect(line)
            key = (pattern.literal, "") if pattern.literal is not None else (pattern.text, dialect)
            patterns.setdefault(key, (pattern, (set(), set())))[1][number].add((part, line.effect))
    return tuple(
        Item(pattern, dialect, frozenset(marks[0]), frozenset(marks[1]))
        for (_, dialect), (pattern, marks) in patterns.items()
    )


def turn(before: Answer, after: Answer) -> Direction | None:
    """Return how an answer changed, None when it did not."""
    if before == after:
        return None
    if "allow" in (before, after):
        return "gained" if after == "allow" else "lost"
    return "barred" if after == "deny" else "unbarred"


class Search:
    """Searches one set of patterns."""

    def __init__(
        self, items: tuple[Item, ...], place: Place, sides: tuple[Side, Side], apps: Applications, memory: Memory
    ) -> None:
        self.items, self.place, self.sides, self.memory = items, place, sides, memory
        self.apps = apps if place.resource in WITH_APPLICATIONS else Applications(())
        self.exact = all(item.pattern.broken or machine_of(item.pattern, item.dialect) for item in items)
        self.brittle = not sides[0].strict and any(side.regex for side in sides)

    def run(self) -> Found:
        """Return what changes, line by line."""
        hits: list[Hit] = []
        unproven: list[str] = []
        for item in self.items:
            if item.differs and (not item.pattern.broken or self.brittle):
                found, complete = self._one(item)
                hits += found
                if not complete:
                    unproven.append(item.pattern.text)
        return Found(tuple(hits), tuple(unproven))

    def _one(self, item: Item) -> tuple[list[Hit], bool]:
        """Return what one pattern changes, and whether that is all."""
        wanted: frozenset[Direction] = frozenset(("gained", "lost"))
        others = [other for other in self.items if other is not item]
        if not self.brittle:
            others = [other for other in others if may_meet(item.pattern, other.pattern)]
            wanted = possible(item, others, pairs=self.place.resource in WITH_SLASH)
        apps = self._applications(item, wanted) if wanted else {}
        examples: dict[Direction, str] = {}
        self._try(
            (item.pattern.literal,) if item.pattern.literal is not None else self._samples(item), wanted, examples
        )
        examples |= {direction: targets[0] for direction, targets in apps.items()}
        complete = item.pattern.literal is not None or wanted <= set(examples)
        if not complete and self.exact and not self.brittle:
            complete = self._explore(item, others, wanted, examples)
        text = item.pattern.text
        return [Hit(way, text, examples[way], tuple(apps.get(way, ()))) for way in examples], complete

    def _samples(self, item: Item) -> tuple[str, ...]:
        """Return texts to try first: for a simple glob that is all there is to do."""
        if item.dialect in EXPRESSIONS:
            return samples(item.pattern.text)
        return (item.pattern.text.replace("*", "x").replace("?", "x"),)

    def _applications(self, item: Item, wanted: frozenset[Direction]) -> dict[Direction, list[str]]:
        """Return the Applications whose answer changes with this pattern.

        Many callers have the same few patterns for all projects and others for single ones. What the former say of an
        Application in a project that the latter do not concern is worked out once.
        """
        found: dict[Direction, list[str]] = {}
        known = self.apps.under(item.pattern.prefix, self.place.project)
        if self.brittle or len(known) < MANY:
            self._sort_in(item, wanted, known, self.items, found)
            return found
        general = tuple(each for each in self.items if _segment(each.pattern) is None)
        special = {segment for each in self.items if (segment := _segment(each.pattern)) is not None}
        for segment, ways in self._general(item, wanted, general).items():
            if segment not in special:
                for way, targets in ways.items():
                    found.setdefault(way, []).extend(targets)
        for segment in special:
            self._sort_in(item, wanted, self.apps.under(f"{segment}/", self.place.project), self.items, found)
        return found

    def _general(self, item: Item, wanted: frozenset[Direction], general: tuple[Item, ...]) -> Memory:
        key = (_sign(item), frozenset(map(_sign, general)), wanted, self.place.project, self.place.outside)
        if key not in self.memory:
            found: Memory = {}
            for segment, targets in self.apps.by_project.items():
                ways: dict[Direction, list[str]] = {}
                if not self.place.project or segment == self.place.project:
                    self._sort_in(item, wanted, targets, general, ways)
                if ways:
                    found[segment] = ways
            self.memory[key] = found
        return t.cast("Memory", self.memory[key])

    def _sort_in(
        self,
        item: Item,
        wanted: frozenset[Direction],
        targets: t.Iterable[str],
        items: tuple[Item, ...],
        found: dict[Direction, list[str]],
    ) -> None:
        for target in targets:
            if (self.brittle or item.pattern.matches(target)) and self._inside(target):
                way = self._turn(target, items)
                if way in wanted and way is not None:
                    found.setdefault(way, []).append(target)

    def _inside(self, target: str) -> bool:
        return not self.place.outside or _project(self.place.resource, target) not in self.place.outside

    def _try(self, texts: t.Iterable[str], wanted: frozenset[Direction], examples: dict[Direction, str]) -> None:
        machine = within(self.place.resource, self.place.project)
        for text in texts:
            if machine.accepts(machine.walk(text)) and self._inside(text):
                way = self._turn(text, self.items)
                if way in wanted and way is not None:
                    examples.setdefault(way, text)

    def _turn(self, target: str, items: tuple[Item, ...]) -> Direction | None:
        if self.brittle:
            subject, resource, action = self.place[:3]
            answers = [side.answer(subject, resource, action, target) for side in self.sides]
            return turn(answers[0], answers[1])
        return self._compare([item for item in items if item.pattern.matches(target)])

    def _compare(self, matched: t.Sequence[Item]) -> Direction | None:
        strict = self.sides[0].strict
        before = answer((mark for item in matched for mark in item.before), strict=strict)
        after = answer((mark for item in matched for mark in item.after), strict=strict)
        return turn(before, after)

    def _explore(
        self, item: Item, others: list[Item], wanted: frozenset[Direction], examples: dict[Direction, str]
    ) -> bool:
        """Find an example for each direction; False when there may be one that was not found.

        Objects of projects with role lines of their own are another search's: one that comes up is shut out, and the
        search begins again.
        """
        machines = [within(self.place.resource, self.place.project)]
        machines += [t.cast("Machine", machine_of(each.pattern, each.dialect)) for each in (item, *others)]
        shut: list[str] = []
        while True:
            shut_machines = [within(self.place.resource, project) for project in shut]
            walk = Exploration([*machines, *shut_machines], required=2, most=MOST_STATES, prefix=item.pattern.prefix)
            again = ""
            for text, matched in walk.words():
                if max(matched) >= len(machines):
                    continue
                way = self._compare([item, *(others[number - 2] for number in matched if number > 1)])
                if way is None or way not in wanted or way in examples:
                    continue
                if not self._inside(text):
                    again = _project(self.place.resource, text)
                    break
                examples[way] = text
                if wanted <= set(examples):
                    return True
            if not again or again in shut:
                return walk.complete and not again
            shut.append(again)


def _project(resource: str, target: str) -> str:
    """Return the project of a request, or GLOBAL."""
    return project_of(resource, target) or GLOBAL


def _segment(pattern: Pattern) -> str | None:
    """Return what stands before the first slash of every object that matches, None when that differs."""
    start = pattern.literal if pattern.literal is not None else pattern.prefix
    return start.partition("/")[0] if "/" in start else None


def _sign(item: Item) -> tuple[str, str, Marks, Marks]:
    return item.pattern.text, item.dialect, item.before, item.after


def may_meet(pattern: Pattern, other: Pattern) -> bool:
    """False when no text can match both."""
    if other.broken:
        return False
    if other.literal is not None:
        return pattern.matches(other.literal)
    if pattern.literal is not None:
        return other.matches(pattern.literal)
    start, beginning = pattern.prefix, other.prefix
    return start.startswith(beginning) or beginning.startswith(start)


def possible(item: Item, others: t.Iterable[Item], *, pairs: bool) -> frozenset[Direction]:
    """Return the directions that are not excluded at a glance, for one pattern.

    Args:
        item: the pattern whose lines differ.
        others: the patterns that may meet it.
        pairs: every object has a slash.
    """
    before, after = _Reach(), _Reach()
    for other in (item, *others):
        whole = other is item or _covers(other, item.pattern, pairs=pairs)
        before.add(other.before, whole=whole)
        after.add(other.after, whole=whole)
    wanted = set(item.explains())
    if not after.allows or (before.allowed and not before.denies):
        wanted.discard("gained")
    if not before.allows or (after.allowed and not after.denies):
        wanted.discard("lost")
    if before.allowed:
        wanted.discard("barred")
    if after.allowed:
        wanted.discard("unbarred")
    return frozenset(wanted)


class _Reach:
    """What lines of one side say of the objects of a pattern."""

    def __init__(self) -> None:
        self.allows = self.denies = self.allowed = False

    def add(self, marks: Marks, *, whole: bool) -> None:
        """Take lines in that concern some, or the whole, of the objects."""
        effects = {effect for _, effect in marks}
        self.allows |= "allow" in effects
        self.denies |= "deny" in effects
        self.allowed |= whole and "allow" in effects


def _covers(item: Item, pattern: Pattern, *, pairs: bool) -> bool:
    """True when the item certainly matches whatever the pattern matches."""
    text, start = item.pattern.text, item.pattern.prefix
    if item.pattern.everything or (pairs and text == "*/*" and item.dialect not in EXPRESSIONS):
        return True
    return item.dialect not in EXPRESSIONS and text == f"{start}*" and pattern.prefix.startswith(start)
