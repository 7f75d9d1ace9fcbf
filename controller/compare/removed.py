"""Server-side apply: the fields that our manager owns and the target no longer states, which an apply would remove.

Pure. A field that another manager owns as well stays when we let go of it, so it is no difference.
"""

from __future__ import annotations

import typing as t

from controller.compare import defaults as known
from controller.compare.owners import Owners, Trie, step_of
from controller.compare.paths import MISSING, Element, Item, Path, Step, same_keys
from controller.compare.walk import Difference
from model.meta import JSON

if t.TYPE_CHECKING:
    from controller.kube.schema import Node


def released(owners: Owners, manager: str, target: JSON, live: JSON, node: Node | None) -> list[Difference]:
    """Return the differences that come from fields taken out of the target."""
    return list(_released(owners, manager, owners.applied(manager), target, live, node, ()))


def _released(
    owners: Owners, manager: str, trie: Trie, target: t.Any, live: t.Any, node: Node | None, path: Path
) -> t.Iterator[Difference]:
    for name, below in trie.items():
        step = step_of(name)
        if step is None or (*path, step) in _IDENTITY:
            continue
        place = (*path, step)
        found = _at(live, step)
        child = _type_at(node, step)
        if found is MISSING or found is None:
            continue
        wanted = _at(target, step)
        if wanted is MISSING or wanted is None:
            yield from _let_go(owners, manager, below, found, (node, child), place)
        elif below:
            yield from _released(owners, manager, below, wanted, found, child, place)


_IDENTITY = {("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace"), ("status",)}


def _let_go(
    owners: Owners, manager: str, below: Trie, live: t.Any, types: tuple[Node | None, Node | None], place: Path
) -> t.Iterator[Difference]:
    """Yield what disappears of a place that the target no longer states."""
    parent, child = types
    if isinstance(place[-1], str) and known.is_default(parent, place[-1], live):
        return
    others = [owner for owner in owners.of(place) if owner.manager != manager or owner.operation != "Apply"]
    if not others:
        yield place, MISSING, live
    elif below:
        yield from _released(owners, manager, below, {}, live, child, place)


def _at(value: t.Any, step: Step) -> t.Any:
    """Return what stands at a step, MISSING if nothing does."""
    if isinstance(step, str):
        return value.get(step, MISSING) if isinstance(value, dict) else MISSING
    items = value if isinstance(value, list) else []
    if isinstance(step, Item):
        return next((item for item in items if same_keys(item, step, _FILL)), MISSING)
    if isinstance(step, Element):
        return step.value if step.value in items else MISSING
    return items[step] if step < len(items) else MISSING


_FILL = {"protocol": "TCP"}
"""The one key field of the built-in kinds that has a default."""


def _type_at(node: Node | None, step: Step) -> Node | None:
    if node is None:
        return None
    return node.field(step) if isinstance(step, str) else node.items()
