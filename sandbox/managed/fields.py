"""Field sets: which fields a manager owns, as paths and as the ``fieldsV1`` of managedFields.

A path is a tuple of elements written as fieldsV1 writes its keys: ``f:<field>``, ``k:<keys as JSON>``, ``v:<value as
JSON>``, ``i:<index>``. A set is a plain set of paths, so that its algebra is Python's. Source: the fieldpath package of
sigs.k8s.io/structured-merge-diff. Schemas and values stay in ``typed``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

Path = tuple[str, ...]
FieldSet = frozenset[Path]

EMPTY: FieldSet = frozenset()
_ORDER = {"f": 0, "k": 1, "v": 2, "i": 3}


def canonical(value: Any) -> str:
    """A JSON value as the text that identifies it in a path: no spaces, keys sorted."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def sort_key(element: str) -> tuple[Any, ...]:
    """The order of path elements: fields, keys, values, indexes, each by content; numbers come before texts."""
    kind, text = element[0], element[2:]
    if kind == "f":
        return (0, text)
    value = orjson.loads(text)
    if kind == "k":
        return (1, *((name, *_value_order(item)) for name, item in value.items()))
    return (_ORDER[kind], *_value_order(value))


def _value_order(value: Any) -> tuple[int, Any]:
    if isinstance(value, bool):
        return (2, value)
    if isinstance(value, int | float):
        return (0, value)
    return (1, value) if isinstance(value, str) else (3, canonical(value))


def encode(fields: Iterable[Path]) -> dict[str, Any]:
    """The fieldsV1 of a set; a path with owned children is marked by ``.``."""
    root: dict[str, Any] = {}
    members = set(fields)
    for path in members:
        at = root
        for element in path:
            at = at.setdefault(element, {})
    return _ordered(root, (), members)


def _ordered(node: dict[str, Any], path: Path, members: set[Path]) -> dict[str, Any]:
    out: dict[str, Any] = {".": {}} if node and path in members else {}
    for element in sorted(node, key=sort_key):
        out[element] = _ordered(node[element], (*path, element), members)
    return out


def decode(fields: dict[str, Any]) -> FieldSet:
    """The set that a fieldsV1 stands for."""
    found: set[Path] = set()
    _collect(fields, (), found)
    return frozenset(found)


def _collect(node: dict[str, Any], path: Path, found: set[Path]) -> None:
    for element, inner in node.items():
        if element == ".":
            found.add(path)
            continue
        below = (*path, element)
        if inner:
            _collect(inner, below, found)
        else:
            found.add(below)


def in_order(fields: Iterable[Path]) -> list[Path]:
    """The paths as upstream walks a set: at every level first the members, then what lies below, each sorted."""
    out: list[Path] = []
    _walk(frozenset(fields), 0, out)
    return out


def _walk(fields: FieldSet, depth: int, out: list[Path]) -> None:
    here = [path for path in fields if len(path) == depth + 1]
    out.extend(sorted(here, key=lambda path: sort_key(path[depth])))
    below: dict[str, set[Path]] = {}
    for path in fields:
        if len(path) > depth + 1:
            below.setdefault(path[depth], set()).add(path)
    for element in sorted(below, key=sort_key):
        _walk(frozenset(below[element]), depth + 1, out)


def text(path: Path) -> str:
    """A path as the server prints it: ``.spec.containers[name="web"].image``."""
    return "".join(_element_text(element) for element in path)


def _element_text(element: str) -> str:
    kind, body = element[0], element[2:]
    if kind == "f":
        return f".{body}"
    if kind == "k":
        pairs = orjson.loads(body).items()
        return "[" + ",".join(f"{name}={canonical(value)}" for name, value in pairs) + "]"
    return f"[={body}]" if kind == "v" else f"[{body}]"


def without_tree(fields: FieldSet, roots: Iterable[Path]) -> FieldSet:
    """The set without the given paths and everything below them."""
    cut = tuple(roots)
    if not cut:
        return fields
    return frozenset(path for path in fields if not any(path[: len(root)] == root for root in cut))


def under(fields: Iterable[Path], element: str) -> FieldSet:
    """The part of a set below one element, with that element taken off."""
    return frozenset(path[1:] for path in fields if len(path) > 1 and path[0] == element)
