"""The stored form of an object: Go's decoding, the defaults of every struct on the way, Go's encoding.

One walk along the schema. On the way down nulls disappear and each struct gets its defaults; on the way up empty
optional lists and maps and zero optional values disappear, and what Go always writes (structs that are no pointers,
required lists as null) appears. Source: encoding/json with the tags of k8s.io/api, see ``sandbox/shapes.json``.
"""

from __future__ import annotations

from typing import Any

from sandbox.defaults.kinds import DEFAULTS
from sandbox.quantity import canonical
from sandbox.schema import QUANTITY, SchemaNode


def shape(node: SchemaNode, value: Any) -> Any:
    """The stored form of a value; dicts and lists are changed in place and returned."""
    if isinstance(value, dict):
        if node.kind == "struct":
            _struct(node, value)
        elif node.kind == "map" and node.additional is not None:
            for key, item in value.items():
                value[key] = shape(node.additional, item)
    elif isinstance(value, list):
        if node.kind == "list":
            value[:] = [shape(node.items, item) for item in value]
    elif node.name == QUANTITY and value is not None:
        return _quantity(value)
    elif isinstance(value, float) and "integer" in node.types and value.is_integer():
        return int(value)
    return value


def _quantity(value: Any) -> Any:
    """A bad quantity stays as it is: refusing it is the decoder's work, before anything is stored."""
    try:
        return canonical(value)
    except ValueError:
        return value


def _struct(node: SchemaNode, value: dict[str, Any]) -> None:
    for key in [key for key, item in value.items() if item is None]:
        del value[key]
    default = DEFAULTS.get(node.name)
    if default is not None:
        default(value)
    for key in node.shape.get("S", ()):
        value.setdefault(key, {})
    required = node.shape.get("N", frozenset())
    optional = node.shape.get("Z", frozenset())
    for key in list(value):
        child = node.child(key)
        if child is None:
            continue
        value[key] = item = shape(child, value[key])
        blank = child.kind in ("list", "map") and not item and key not in required
        if blank or (key in optional and not item and not isinstance(item, dict | list)):
            del value[key]
    _always_written(node, value)


def _always_written(node: SchemaNode, value: dict[str, Any]) -> None:
    for code in ("N", "T"):
        for key in node.shape.get(code, ()):
            value.setdefault(key, None)
    for key in node.shape.get("P", ()):
        if key not in value:
            child = node.declared(key)
            value[key] = child.zero if child is not None else ""
    for key in node.shape.get("Q", ()):
        value.setdefault(key, "0")
    for key in node.shape.get("I", ()):
        value.setdefault(key, 0)
