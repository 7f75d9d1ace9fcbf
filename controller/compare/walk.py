"""The walk over target, live and last-applied side by side, which finds the fields that differ. Pure.

The question is always "would applying the target change this object?". So a field that only the live object has is no
difference, unless it was stated by the last apply, or stands in a list or map that an apply replaces as a whole.
Called by `controller.compare.diff` only.
"""

from __future__ import annotations

import typing as t

from controller.compare import defaults as known
from controller.compare.owners import Owners
from controller.compare.paths import MISSING, Element, Item, Path, key_value
from controller.compare.values import canonical, is_empty, same_scalar
from model.meta import JSON

if t.TYPE_CHECKING:
    from controller.kube.schema import Node

CLIENT_MANAGERS = frozenset({"kubectl-client-side-apply", "kubectl"})
"""Managers whose client-side apply leaves the same last-applied annotation as ours."""

Difference = tuple[Path, t.Any, t.Any]
"""Place, target value or MISSING, live value or MISSING."""


class Walk:
    """One comparison; `differences` and `unknown` hold what was found."""

    def __init__(self, owners: t.Callable[[], Owners], *, built_in: bool, server_side: bool, manager: str) -> None:
        self._owners, self._built_in, self._server_side = owners, built_in, server_side
        self._ours = CLIENT_MANAGERS | {manager}
        self.differences: list[Difference] = []
        self.unknown: list[Path] = []
        """Places in the target that the kind's schema does not have: the server drops them."""

    def fields(self, target: JSON, live: JSON, last: t.Any, node: Node | None, path: Path) -> None:
        """Compare two mappings field by field."""
        before: JSON = last if isinstance(last, dict) else {}
        for name, value in target.items():
            self._field(name, value, live, before, node, path)
        for name, value in before.items():
            if target.get(name) is None and live.get(name) is not None and value is not None:
                self._taken_out(name, live[name], node, path)
        if self._server_side and node is not None and node.map_type == "atomic":
            self._extras(target, live, before, node, path)

    def _field(self, name: str, value: t.Any, live: JSON, last: JSON, node: Node | None, path: Path) -> None:
        child = node.field(name) if node is not None else None
        place = (*path, name)
        if child is None and node is not None and not node.open and not node.is_map:
            self.unknown.append(place)
        elif name not in live or (live[name] is None and value is not None):
            if not self._left_out(name, value, path):
                self.differences.append((place, value, MISSING))
        elif value is None:
            if not self._built_in and live[name] is not None:
                self.differences.append((place, None, live[name]))
        elif (
            is_empty(value)
            and not isinstance(value, dict | list)
            and self._is_servers(name, value, live, last, node, path)
        ):
            return
        else:
            self.value(value, live[name], last.get(name, MISSING), child, place)

    def value(self, target: t.Any, live: t.Any, last: t.Any, node: Node | None, path: Path) -> None:
        """Compare two values of any type."""
        if isinstance(target, dict) and isinstance(live, dict):
            self.fields(target, live, last, node, path)
        elif isinstance(target, list) and isinstance(live, list):
            self._lists(target, live, last, node, path)
        elif not same_scalar(target, live, node, built_in=self._built_in):
            self.differences.append((path, target, live))

    def _left_out(self, name: str, value: t.Any, path: Path) -> bool:
        """Return True when the server stores nothing for this value, so that its absence is no difference."""
        if value is None:
            return True
        typed = self._built_in or path[:1] == ("metadata",)
        return typed and is_empty(value) and (name not in known.KEPT_ZEROS or isinstance(value, dict | list))

    def _is_servers(self, name: str, value: t.Any, live: JSON, last: JSON, node: Node | None, path: Path) -> bool:
        """Return True when the target states zero and the server put its own value there instead.

        It did if the value is a known default, or if the last apply stated the same zero and nobody else wrote the
        field since.
        """
        if not self._built_in or not is_empty(value) or isinstance(value, dict | list):
            return False
        if name in known.KEPT_ZEROS or is_empty(live[name]):
            return False
        if known.is_default(node, name, live[name]):
            return name not in ("replicas", "minReplicas", "completions", "parallelism", "backoffLimit")
        stated = name in last and canonical(last[name]) == canonical(value)
        return stated and not self._foreign((*path, name))

    def _foreign(self, path: Path) -> bool:
        """Return True when somebody else's manager owns the place."""
        return any(owner.manager not in self._ours for owner in self._owners().of(path))

    def _taken_out(self, name: str, live: t.Any, node: Node | None, path: Path) -> None:
        """A field of the last apply is no longer in the target: it must be gone, or hold what the server fills in."""
        if not known.is_default(node, name, live):
            self.differences.append(((*path, name), MISSING, live))

    def _extras(self, target: JSON, live: JSON, last: t.Any, node: Node | None, path: Path) -> None:
        """Find fields that only the live value has, where an apply would remove them."""
        for name, value in live.items():
            if name in target or known.is_default(node, name, value) or is_empty(value):
                continue
            same_as_last = last is not MISSING and last and canonical(last) == canonical(target)
            if not (self._built_in and same_as_last and not self._foreign(path)):
                self.differences.append(((*path, name), MISSING, value))

    def _lists(self, target: list[t.Any], live: list[t.Any], last: t.Any, node: Node | None, path: Path) -> None:
        before = last if isinstance(last, list) else []
        keys = self._keys(node)
        if keys and node is not None and _keyed(keys, target, live, before):
            self._items(target, live, before, keys, node, path)
        elif self._is_set(node) and not any(isinstance(item, dict | list) for item in (*target, *live)):
            self._set(target, live, before, path)
        else:
            self._whole(target, live, last, node, path)

    def _keys(self, node: Node | None) -> tuple[str, ...]:
        """Return the key fields when an apply merges this list item by item."""
        if node is None:
            return ()
        if self._server_side:
            return node.map_keys if node.list_type == "map" else ()
        if self._built_in and "merge" in node.strategies:
            return node.map_keys or ((node.merge_key,) if node.merge_key else ())
        return ()

    def _is_set(self, node: Node | None) -> bool:
        if node is None:
            return False
        if self._server_side:
            return node.list_type == "set"
        return self._built_in and "merge" in node.strategies and not node.merge_key

    def _set(self, target: list[t.Any], live: list[t.Any], last: list[t.Any], path: Path) -> None:
        self.differences.extend(((*path, Element(item)), item, MISSING) for item in target if item not in live)
        gone = [item for item in last if item not in target and item in live]
        self.differences.extend(((*path, Element(item)), MISSING, item) for item in gone)

    def _items(
        self,
        target: list[JSON],
        live: list[JSON],
        last: list[JSON],
        keys: tuple[str, ...],
        node: Node,
        path: Path,
    ) -> None:
        """Compare a list whose items are told apart by keys; items that only the live list has are left alone."""
        fill = _key_defaults(node, keys)
        wanted, found, before = (_by_keys(items, keys, fill) for items in (target, live, last))
        for step, item in wanted.items():
            place = (*path, step)
            if step not in found:
                self.differences.append((place, item, MISSING))
            else:
                self.fields({**fill, **item}, found[step], before.get(step), node.items(), place)
        for step in before:
            if step not in wanted and step in found:
                self.differences.append(((*path, step), MISSING, found[step]))
        if [step for step in found if step in wanted] != [step for step in wanted if step in found]:
            self.differences.append((path, target, live))

    def _whole(self, target: list[t.Any], live: list[t.Any], last: t.Any, node: Node | None, path: Path) -> None:
        """Compare a list that an apply replaces as a whole: same length, same order, nothing extra in the items."""
        if len(target) != len(live) and not self._tolerated(target, live, path):
            self.differences.append((path, target, live))
            return
        items = node.items() if node is not None else None
        before = last if isinstance(last, list) and len(last) == len(target) else [MISSING] * len(target)
        for number, (wanted, found, old) in enumerate(zip(target, live, before, strict=False)):
            place = (*path, number)
            self.value(wanted, found, MISSING, items, place)
            self._deep_extras(wanted, found, old, items, place)

    def _tolerated(self, target: list[t.Any], live: list[t.Any], path: Path) -> bool:
        """Return True for the tolerations that admission adds to every Pod, behind the stated ones."""
        if path != ("spec", "tolerations") or len(live) < len(target):
            return False
        keys = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
        return all(isinstance(item, dict) and item.get("key") in keys for item in live[len(target) :])

    def _deep_extras(self, target: t.Any, live: t.Any, last: t.Any, node: Node | None, path: Path) -> None:
        """Find extra fields at every depth of an item of a list that is replaced as a whole."""
        if not isinstance(target, dict) or not isinstance(live, dict):
            return
        if self._built_in or node is not None:
            self._extras(target, live, last, t.cast("Node", node), path)
        before = last if isinstance(last, dict) else {}
        for name, value in target.items():
            if known.is_default(node, name, live.get(name)):
                continue
            child = node.field(name) if node is not None else None
            self._deep_extras(value, live.get(name), before.get(name, MISSING), child, (*path, name))


def _keyed(keys: tuple[str, ...], *lists: list[t.Any]) -> bool:
    """Return True when all items are mappings with plain values in their key fields."""
    items = [item for items in lists for item in items]
    return all(isinstance(i, dict) and not any(isinstance(i.get(k), dict | list) for k in keys) for i in items)


def _key_defaults(node: Node, keys: tuple[str, ...]) -> JSON:
    """Return the defaults of key fields, which the server fills in before it matches: protocol TCP."""
    items = node.items()
    if items is None:
        return {}
    found = {key: known.default_of(items, key) for key in keys}
    return {key: value for key, value in found.items() if value is not MISSING and not is_empty(value)}


def _by_keys(items: list[JSON], keys: tuple[str, ...], fill: JSON) -> dict[Item, JSON]:
    return {_step(item, keys, fill): item for item in items}


def _step(item: JSON, keys: tuple[str, ...], fill: JSON) -> Item:
    values = ((key, key_value(item, key, fill)) for key in keys)
    return Item(tuple((key, value) for key, value in values if value is not None))
