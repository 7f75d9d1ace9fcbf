"""Merging an applied configuration into a live object, and checking it against the schema first.

Source: the typed package of sigs.k8s.io/structured-merge-diff (merge and validate). The applied side wins wherever it
says something; elements of lists keep the live order as far as the applied order allows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sandbox.managed.fields import canonical, text
from sandbox.managed.typed import ABSENT, UnkeyedError, child_of, element_of, elements, is_leaf
from sandbox.schema import QUANTITY, SchemaNode


class TypedPatchError(ValueError):
    """The applied configuration does not fit the schema; the text is the server's."""


def check(node: SchemaNode, applied: Any) -> None:
    """Refuse a configuration with undeclared fields, wrong types, missing keys or duplicates.

    Raises:
        TypedPatchError: with every fault, worded as the server words them.
    """
    faults = sorted(_faults(node, applied, ""))
    if faults:
        raise TypedPatchError(faults[0] if len(faults) == 1 else "errors:\n  " + "\n  ".join(faults))


def _faults(node: SchemaNode, value: Any, path: str) -> Iterator[str]:
    if value is None or node.kind == "any":
        return
    if node.kind == "list":
        yield from _list_faults(node, value, path)
    elif node.kind == "scalar":
        fault = _scalar_fault(node, value)
        if fault:
            yield f"{path}: {fault}"
    elif not isinstance(value, dict):
        yield f"{path}: expected map, got &{{{_plain(value)}}}"
    else:
        for key, item in value.items():
            child = node.child(key)
            if child is None:
                yield f"{path}.{key}: field not declared in schema"
            else:
                yield from _faults(child, item, f"{path}.{key}")


def _list_faults(node: SchemaNode, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{path}: expected list, got &{{{_plain(value)}}}"
        return
    seen = set()
    for index, item in enumerate(value):
        if node.atomic:
            yield from _faults(node.items, item, f"{path}[{index}]")
            continue
        try:
            element = element_of(node, item, index)
        except UnkeyedError as error:
            yield f"{path}: {error}"
            continue
        if element in seen:
            yield f"{path}: duplicate entries for key {text((element,))}"
        seen.add(element)
        yield from _faults(node.items, item, path + text((element,)))


def _scalar_fault(node: SchemaNode, value: Any) -> str:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if node.name == QUANTITY or node.int_or_string:
        plain = number or isinstance(value, str)
        return "" if plain else f"expected any scalar, got &{{{_plain(value)}}}"
    wanted = next((t for t in node.types if t != "null"), "string")
    if wanted in ("integer", "number") and not number:
        return f"expected numeric (int or float), got {_go_name(value)}"
    if wanted == "boolean" and not isinstance(value, bool):
        return f"expected boolean, got &{{{_plain(value)}}}"
    if wanted == "string" and not isinstance(value, str):
        return f"expected string, got {_shown(value)}"
    return ""


def _shown(value: Any) -> str:
    inner = f'"{value}"' if isinstance(value, str) else canonical(value)
    return f"&value.valueUnstructured{{Value:{inner}}}"


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else canonical(value)


def _go_name(value: Any) -> str:
    names = {str: "string", bool: "bool", dict: "map[string]interface {}", list: "[]interface {}"}
    return names.get(type(value), "float64")


def merge(node: SchemaNode, live: Any, applied: Any) -> Any:
    """The live value with the applied one laid over it."""
    merged = _merge(node, live, applied)
    return None if merged is ABSENT else merged


def _merge(node: SchemaNode, live: Any, applied: Any) -> Any:
    if applied is ABSENT:
        return live
    if live is ABSENT or (is_leaf(node, applied) and applied is not None):
        return applied
    if isinstance(live, dict) and (isinstance(applied, dict) or applied is None) and not is_leaf(node, live):
        return _merge_maps(node, live, applied or {})
    if isinstance(live, list) and (isinstance(applied, list) or applied is None) and not is_leaf(node, live):
        return _merge_lists(node, live, applied or [])
    return applied


def _merge_maps(node: SchemaNode, live: dict[str, Any], applied: dict[str, Any]) -> Any:
    out = {}
    for key in {**live, **applied}:
        merged = _merge(child_of(node, key), live.get(key, ABSENT), applied.get(key, ABSENT))
        if merged is not ABSENT:
            out[key] = merged
    return out


def _merge_lists(node: SchemaNode, live: list[Any], applied: list[Any]) -> list[Any]:
    if not live:
        return applied
    return [item for _, item in _Interleaving(node, live, applied).run()]


class _Interleaving:
    """The order of a merged associative list: live items stay before the next item that both sides share."""

    def __init__(self, node: SchemaNode, live: list[Any], applied: list[Any]) -> None:
        self.node = node
        self.left = [(_element(node, item, at), item) for at, item in enumerate(live)]
        self.right = list(elements(node, applied))
        self.applied = elements(node, applied)
        self.live = elements(node, live)
        self.shared = [element for element in self.right if element in self.live]
        self.done: set[str] = set()

    def run(self) -> Iterator[tuple[str, Any]]:
        left, right = list(self.left), list(self.right)
        while left or right:
            element = left[0][0] if left else ""
            if left and right and element == right[0]:
                left.pop(0)
                yield self._take(right.pop(0))
            elif left and right and element in self.applied and self.shared and self.shared[0] != element:
                left.pop(0)
            elif left and element not in self.applied:
                yield left.pop(0)
            else:
                if left and element in self.done:
                    left.pop(0)
                if right:
                    yield self._take(right.pop(0))

    def _take(self, element: str) -> tuple[str, Any]:
        self.done.add(element)
        if self.shared and self.shared[0] == element:
            self.shared.pop(0)
        before = self.live.get(element, [])
        return element, _merge(self.node.items, before[0] if len(before) == 1 else ABSENT, self.applied[element][0])


def _element(node: SchemaNode, item: Any, index: int) -> str:
    try:
        return element_of(node, item, index)
    except UnkeyedError:
        return f"i:{index}"
