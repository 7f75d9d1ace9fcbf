"""Strategic merge patch: maps merge, lists merge by key where the schema says so, and ``$`` directives steer.

Source: k8s.io/apimachinery, util/strategicpatch. Custom resources have no such patch: the server answers 415 there.
"""

from __future__ import annotations

import copy
from typing import Any

from sandbox.patch.errors import PatchError
from sandbox.schema import ANY, SchemaNode

DIRECTIVE = "$patch"
RETAIN = "$retainKeys"
ORDER = "$setElementOrder/"
DELETE_PRIMITIVES = "$deleteFromPrimitiveList/"


def apply_strategic(obj: dict[str, Any], patch: Any, schema: SchemaNode | None) -> dict[str, Any]:
    """The object after a strategic merge patch.

    Args:
        obj: the stored object; not changed.
        patch: the patch document.
        schema: of the kind; None treats every map as mergeable and every list as replaced.

    Raises:
        PatchError: the patch is not an object, a list element lacks its merge key, or a directive is unknown.
    """
    if not isinstance(patch, dict):
        raise PatchError("error decoding patch: json: cannot unmarshal into a map[string]interface {}", code=400)
    merged: dict[str, Any] = _merge_map(copy.deepcopy(obj), copy.deepcopy(patch), schema or ANY)
    return merged


def _merge_map(original: dict[str, Any], patch: dict[str, Any], node: SchemaNode) -> dict[str, Any]:
    directive = patch.pop(DIRECTIVE, None)
    if directive == "replace":
        return patch
    if directive == "delete":
        return {}
    if directive not in (None, "merge"):
        raise PatchError(f"Unknown patch type: {directive}", code=400)
    _retain(original, patch)
    orders = {key.removeprefix(ORDER): patch.pop(key) for key in list(patch) if key.startswith(ORDER)}
    for key in [key for key in patch if key.startswith(DELETE_PRIMITIVES)]:
        _delete_primitives(original, key.removeprefix(DELETE_PRIMITIVES), patch.pop(key))
    for key, value in patch.items():
        if key in orders:
            _check_order(value, orders[key], (node.child(key) or ANY).merge_key)
        if value is None:
            original.pop(key, None)
        else:
            original[key] = _merge_value(original.get(key), value, node.child(key) or ANY, orders.get(key))
    for key, order in orders.items():
        if key not in patch and isinstance(original.get(key), list) and isinstance(order, list):
            original[key] = _ordered(original[key], original[key], order, (node.child(key) or ANY).merge_key)
    return original


def _retain(original: dict[str, Any], patch: dict[str, Any]) -> None:
    """Drop what a union no longer names: ``$retainKeys`` lists all keys that may stay."""
    kept = patch.pop(RETAIN, None)
    if kept is None:
        return
    stray = [key for key in patch if not key.startswith("$") and patch[key] is not None and key not in kept]
    if stray:
        raise PatchError("patch and $retainKeys list conflict on " + ", ".join(sorted(stray)), code=400)
    for key in [key for key in original if key not in kept]:
        del original[key]


def _delete_primitives(original: dict[str, Any], key: str, values: Any) -> None:
    current = original.get(key)
    if isinstance(current, list) and isinstance(values, list):
        original[key] = [item for item in current if item not in values]


def _merge_value(current: Any, value: Any, node: SchemaNode, order: Any) -> Any:
    if current is None and isinstance(value, list):
        return _bare(value)
    if isinstance(value, dict):
        replace = "replace" in node.strategies
        return _merge_map(current if isinstance(current, dict) and not replace else {}, value, node)
    if isinstance(value, list) and "merge" in node.strategies:
        return _merge_list(current if isinstance(current, list) else [], value, node, order)
    return _without_directives(value)


def _without_directives(value: Any) -> Any:
    if isinstance(value, list):
        plain = [item for item in value if not (isinstance(item, dict) and DIRECTIVE in item and len(item) == 1)]
        return [_without_directives(item) for item in plain]
    return value


def _bare(value: Any) -> Any:
    """A value that merges with nothing, as it stands there: what only steers a merge is left out."""
    if isinstance(value, list):
        return [_bare(item) for item in _without_directives(value)]
    if isinstance(value, dict):
        return {key: _bare(inner) for key, inner in value.items() if not key.startswith("$") and inner is not None}
    return value


def _check_order(patch: Any, order: Any, key: str) -> None:
    """Refuse a list whose items are not all named by its order, one after the other.

    Source: validatePatchWithSetOrderList of util/strategicpatch; the server answers 500.
    """
    if not isinstance(patch, list) or not isinstance(order, list):
        raise PatchError("expected a []interface {}", code=500)
    if not order or any(isinstance(item, dict) and item.get(DIRECTIVE) == "replace" for item in patch):
        return
    left = iter(_key_of(item, key) for item in order)
    for item in patch:
        if isinstance(item, dict) and item.get(DIRECTIVE) == "delete":
            continue
        if not any(named == _key_of(item, key) for named in left):
            raise PatchError(f"The order in patch list doesn't match {ORDER.rstrip('/')} list", code=500)


def _key_of(item: Any, key: str) -> Any:
    return item.get(key) if key and isinstance(item, dict) else item


def _merge_list(current: list[Any], patch: list[Any], node: SchemaNode, order: Any) -> list[Any]:
    key = node.merge_key
    if not key or not all(isinstance(item, dict) for item in [*current, *patch]):
        merged = [*current, *(item for item in patch if item not in current)]
        merged = [item for at, item in enumerate(merged) if item not in merged[:at]]
        return _ordered(merged, current, order if isinstance(order, list) else patch, "")
    if any(item.get(DIRECTIVE) == "replace" for item in patch):
        return [_bare(item) for item in patch if DIRECTIVE not in item]
    gone = [item[key] for item in patch if item.get(DIRECTIVE) == "delete" and key in item]
    current = [item for item in current if item.get(key) not in gone]
    merged = list(current)
    for item in patch:
        merged = _merge_item(merged, item, key, node)
    return _ordered(merged, current, order if isinstance(order, list) else patch, key)


def _merge_item(merged: list[Any], item: dict[str, Any], key: str, node: SchemaNode) -> list[Any]:
    if key not in item:
        raise PatchError(f"map: {item} does not contain declared merge key: {key}", code=400)
    if item.get(DIRECTIVE) == "delete":
        return merged
    for at, have in enumerate(merged):
        if have.get(key) == item[key]:
            merged[at] = _merge_map(have, item, node.items)
            return merged
    return [*merged, _bare(item)]


def _ordered(merged: list[Any], before: list[Any], order: list[Any], key: str) -> list[Any]:
    """The merged list in the order that the server gives it.

    Items that the order names come in that order; each of the others goes before the first of them that followed it
    in the old list. Source: mergeSortedSlice of util/strategicpatch.
    """

    def name(item: Any) -> Any:
        return _key_of(item, key)

    names, places = [name(item) for item in order], [name(item) for item in before]
    right = sorted((item for item in merged if name(item) in names), key=lambda item: names.index(name(item)))
    left = sorted((item for item in merged if name(item) not in names), key=lambda item: places.index(name(item)))
    out: list[Any] = []
    while left and right:
        mine, theirs = name(left[0]), name(right[0])
        first = theirs in places and places.index(mine) < places.index(theirs)
        out.append(left.pop(0) if first else right.pop(0))
    return out + left + right
