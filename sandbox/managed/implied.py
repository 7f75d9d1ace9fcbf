"""What a Go struct always shows: what is no pointer and not omitted when empty stands in every object, said or not.

Field ownership compares objects as Go encodes them, so a ``spec`` or ``strategy`` that nobody wrote is present on both
sides and belongs to nobody. Source: the encoding rules in ``sandbox/shapes.json``.
"""

from __future__ import annotations

from typing import Any

from sandbox.schema import SchemaNode


def with_implied(node: SchemaNode, value: Any) -> Any:
    """The value with implied structs (``{}``), lists and times (null) and zeros filled in; free-form parts stay."""
    if isinstance(value, dict) and node.kind == "struct":
        return _struct(node, value)
    if isinstance(value, dict) and node.kind == "map" and node.additional is not None:
        return {key: with_implied(node.additional, item) for key, item in value.items()}
    if isinstance(value, list) and node.kind == "list":
        return [with_implied(node.items, item) for item in value]
    return value


def _struct(node: SchemaNode, value: dict[str, Any]) -> dict[str, Any]:
    out = {}
    for key, item in value.items():
        child = node.child(key)
        out[key] = item if child is None else with_implied(child, item)
    for key in node.shape.get("S", ()):
        if out.get(key) is None:
            child = node.declared(key)
            out[key] = {} if child is None else with_implied(child, {})
    for code in ("N", "T"):
        for key in node.shape.get(code, ()):
            out.setdefault(key, None)
    for key in node.shape.get("P", ()):
        child = node.declared(key)
        out.setdefault(key, "" if child is None else child.zero)
    for key in node.shape.get("Q", ()):
        out.setdefault(key, "0")
    for key in node.shape.get("I", ()):
        out.setdefault(key, 0)
    return out
