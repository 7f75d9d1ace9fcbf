"""Objects seen through their schema: the set of their fields, the difference of two, removal of fields.

Source: the typed package of sigs.k8s.io/structured-merge-diff. Lists are atomic, sets or associative as the schema
says; where it says nothing, maps are taken apart and lists are one value. Merging is in ``merging``, ownership rules
in ``ownership``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from sandbox.managed.fields import EMPTY, FieldSet, Path, canonical, under
from sandbox.schema import ANY, SchemaNode


class _Absent:
    """The type of ABSENT, which is not null: null is a value."""


ABSENT = _Absent()


class Comparison(NamedTuple):
    """What changed between two objects, as paths."""

    added: set[Path]
    removed: set[Path]
    modified: set[Path]


class UnkeyedError(ValueError):
    """An element of an associative list cannot be identified; the text is the server's."""


def element_of(node: SchemaNode, item: Any, index: int) -> str:
    """The path element of one item of a set or associative list.

    Raises:
        UnkeyedError: a key is absent and has no default, or an item of a set is not a plain value.
    """
    keys = node.list_keys
    if not keys:
        if isinstance(item, dict | list):
            raise UnkeyedError(f"element {index}: invalid item type for a set")
        return "v:" + canonical(item)
    if not isinstance(item, dict):
        raise UnkeyedError(f"element {index}: associative list with keys may not have non-map elements")
    found = {}
    for key in keys:
        value = item.get(key)
        found[key] = node.key_default(key) if value is None else value
        if found[key] is None:
            reason = f'associative list with keys has an element that omits key field "{key}"'
            raise UnkeyedError(f"element {index}: {reason} (and doesn't have default value)")
    return "k:" + canonical(found)


def elements(node: SchemaNode, items: list[Any] | None) -> dict[str, list[Any]]:
    """The items of a list by path element, in order; several under one element are duplicates.

    An item that cannot be identified takes its index, so that comparing never fails.
    """
    found: dict[str, list[Any]] = {}
    for index, item in enumerate(items or ()):
        try:
            element = element_of(node, item, index)
        except UnkeyedError:
            element = f"i:{index}"
        found.setdefault(element, []).append(item)
    return found


def is_leaf(node: SchemaNode, value: Any) -> bool:
    """Whether ownership takes the value as one: scalars, atomic maps and lists, lists of unknown make."""
    if isinstance(value, dict):
        return node.atomic or node.kind in ("scalar", "list")
    if isinstance(value, list):
        return node.kind != "list" or node.atomic
    return True


def child_of(node: SchemaNode, key: str) -> SchemaNode:
    """The node below a key; unknown places are free-form."""
    return node.child(key) or ANY


def to_set(node: SchemaNode, value: Any) -> FieldSet:
    """The fields that a manager owns by applying this value."""
    found: set[Path] = set()
    _to_set(node, value, (), found)
    return frozenset(found)


def _to_set(node: SchemaNode, value: Any, path: Path, found: set[Path]) -> None:
    if value is None and node.kind in ("struct", "map", "list") and not node.atomic:
        return
    if is_leaf(node, value):
        found.add(path)
    elif isinstance(value, dict):
        for key, item in value.items():
            below = (*path, f"f:{key}")
            _to_set(child_of(node, key), item, below, found)
            if item is None or item == {} or node.declared(key) is None:
                found.add(below)
    else:
        for element, items in elements(node, value).items():
            below = (*path, element)
            _to_set(node.items, items[0], below, found)
            found.add(below)


def compare(node: SchemaNode, old: Any, new: Any) -> Comparison:
    """The paths that were added, removed and modified between two values of one schema."""
    result = Comparison(set(), set(), set())
    _compare(node, old, new, (), result)
    return result


def _compare(node: SchemaNode, old: Any, new: Any, path: Path, out: Comparison) -> None:
    shown = new if new is not ABSENT else old
    both_empty = _blank(old) and _blank(new)
    mixed = isinstance(old, dict | list) and isinstance(new, dict | list) and type(old) is not type(new)
    some = shown if shown is not None or old is ABSENT else old
    if both_empty or mixed or is_leaf(node, some) or _scalar(old) or _scalar(new):
        _compare_leaf(old, new, path, out)
        return
    for element, below, left, right in _children(node, old, new):
        where = (*path, element)
        if isinstance(left, list) and isinstance(right, list) and element[0] != "f" and below is None:
            _compare_leaf(left, right, where, out)
        else:
            _compare(below or ANY, left, right, where, out)
    _mark(old, new, path, out)


def _blank(value: Any) -> bool:
    return value is ABSENT or value is None or value == {} or value == []


def _scalar(value: Any) -> bool:
    return value is not ABSENT and value is not None and not isinstance(value, dict | list)


def _mark(old: Any, new: Any, path: Path, out: Comparison) -> None:
    if old is ABSENT:
        out.added.add(path)
    elif new is ABSENT:
        out.removed.add(path)


def _compare_leaf(old: Any, new: Any, path: Path, out: Comparison) -> None:
    if old is ABSENT or new is ABSENT:
        _mark(old, new, path, out)
    elif not same(old, new):
        out.modified.add(path)


def same(old: Any, new: Any) -> bool:
    """Equality of JSON values: numbers by value, booleans never equal to numbers."""
    if isinstance(old, bool) != isinstance(new, bool):
        return False
    return bool(old == new)


def _children(node: SchemaNode, old: Any, new: Any) -> Iterator[tuple[str, SchemaNode | None, Any, Any]]:
    """The children of either side: element, node (None for duplicates, compared as lists), old and new value."""
    if isinstance(old, dict) or isinstance(new, dict):
        left, right = old if isinstance(old, dict) else {}, new if isinstance(new, dict) else {}
        for key in {**left, **right}:
            yield f"f:{key}", child_of(node, key), left.get(key, ABSENT), right.get(key, ABSENT)
        return
    before = elements(node, old if isinstance(old, list) else None)
    after = elements(node, new if isinstance(new, list) else None)
    for element in {**before, **after}:
        lhs, rhs = before.get(element, []), after.get(element, [])
        if len(lhs) > 1 or len(rhs) > 1:
            yield element, None, lhs or ABSENT, rhs or ABSENT
        else:
            yield element, node.items, lhs[0] if lhs else ABSENT, rhs[0] if rhs else ABSENT


def with_structs(node: SchemaNode, fields: FieldSet) -> FieldSet:
    """The set, with every declared struct field on the way to a member made a member too."""
    out = set(fields)
    _add_structs(node, fields, (), out)
    return frozenset(out)


def _add_structs(node: SchemaNode, fields: FieldSet, path: Path, out: set[Path]) -> None:
    for element in {member[0] for member in fields if len(member) > 1}:
        below = (*path, element)
        if element.startswith("f:"):
            if node.declared(element[2:]) is not None:
                out.add(below)
            child = child_of(node, element[2:])
        else:
            child = node.items if node.kind == "list" else ANY
        _add_structs(child, under(fields, element), below, out)


def remove(node: SchemaNode, value: Any, fields: FieldSet) -> Any:
    """The value without the given fields; containers that become empty become null, as upstream leaves them."""
    if not fields:
        return value
    if isinstance(value, dict) and value:
        return None if node.atomic else _remove_keys(node, value, fields) or None
    if isinstance(value, list) and value:
        return None if is_leaf(node, value) else _remove_items(node, value, fields) or None
    return value if not isinstance(value, dict | list) else None


def _remove_keys(node: SchemaNode, value: dict[str, Any], fields: FieldSet) -> dict[str, Any]:
    out = {}
    for key, item in value.items():
        element = f"f:{key}"
        if (element,) not in fields:
            below = under(fields, element)
            out[key] = remove(child_of(node, key), item, below) if below else item
    return out


def _remove_items(node: SchemaNode, value: list[Any], fields: FieldSet) -> list[Any]:
    out: list[Any] = []
    for element, items in elements(node, value).items():
        if (element,) not in fields:
            below = under(fields, element)
            out.extend(remove(node.items, item, below) if below else item for item in items)
    return out


NOTHING: FieldSet = EMPTY
"""The empty set, for callers that import only this module."""
