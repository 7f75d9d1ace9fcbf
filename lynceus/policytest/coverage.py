"""Which policy lines and windows no case decided on: what nobody would notice if it were gone. Pure."""

from __future__ import annotations

import hashlib
import itertools
import typing as t

import msgspec

from lynceus.policytest.world import World
from model.decision import Rule
from policy.rbac.roles import project_layer
from policy.rbac.text import Parsed, parse


class Item(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """A line or window that can decide."""

    number: int
    """Its place among the items of a policy, for the order of messages."""
    origin: str
    text: str
    kind: t.Literal["line", "window"]
    whole: str
    """Hash of what it stands in: a line of the same policy is one item, whichever test file decided on it."""


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """All items, and those decided on."""

    items: frozenset[Item] = frozenset()
    hit: frozenset[Item] = frozenset()

    @property
    def percent(self) -> float:
        """Share of the items that were decided on; 100 when there are none."""
        return 100.0 * len(self.hit) / len(self.items) if self.items else 100.0

    @property
    def missed(self) -> list[Item]:
        """The items that no case decided on, in their order."""
        return sorted(self.items - self.hit)


def join(coverages: t.Iterable[Coverage]) -> Coverage:
    """Return what several files cover together."""
    found = list(coverages)
    items = frozenset(itertools.chain.from_iterable(each.items for each in found))
    return Coverage(items=items, hit=frozenset(itertools.chain.from_iterable(each.hit for each in found)))


def cover(world: World, rules: t.Iterable[Rule]) -> Coverage:
    """Return what the rules of a run's answers cover of the policy."""
    used = list(rules)
    origins = {rule.origin for rule in used}
    hops = {hop for rule in used for hop in itertools.pairwise(rule.path)}
    places: list[tuple[_Place, bool]] = []
    for whole, part in _layers(world):
        places += [(_Place(line.origin, line.text, "line", whole), line.origin in origins) for line in part.lines]
        places += [(_Place(b.origin, b.text, "line", whole), (b.member, b.role) in hops) for b in part.bindings]
    places += [(place, place.origin in origins) for place in _windows(world)]
    items = {Item(number=number, **place._asdict()): hit for number, (place, hit) in enumerate(places)}
    return Coverage(items=frozenset(items), hit=frozenset(item for item, hit in items.items() if hit))


class _Place(t.NamedTuple):
    origin: str
    text: str
    kind: t.Literal["line", "window"]
    whole: str


def _layers(world: World) -> t.Iterator[tuple[str, Parsed]]:
    """Yield the lines of the policy and of the projects' roles; not those that nobody wrote."""
    current = world.guard.current
    match_mode = current.policy.match_mode if current.policy else "glob"
    csv = current.settings.csv
    yield _hash(msgspec.json.encode(csv)), parse(csv, mode=world.mode, match_mode=match_mode, source=world.source)
    for unit in current.units.values():
        layer = project_layer(unit.spec, mode=world.mode, match_mode=match_mode)
        written = tuple(line for line in layer.lines if ".policies[" in line.origin)
        yield _hash(unit.spec.raw), Parsed(written, layer.bindings)


def _windows(world: World) -> t.Iterator[_Place]:
    """Yield each window and freeze once; those of an AppProject belong to it."""
    units = world.guard.current.units.values()
    owners = {window.where: unit.spec.raw for unit in units if unit.project for window in unit.project.windows}
    for window in world.every_window():
        yield _Place(window.where, window.text, "window", _hash(owners.get(window.where, b"")))


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
