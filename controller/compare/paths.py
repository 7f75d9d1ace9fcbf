"""Places in an object: steps, their spelling, reading and writing. Pure."""

from __future__ import annotations

import re
import typing as t

import msgspec

from model.meta import JSON


class Item(msgspec.Struct, frozen=True):
    """The item of a list that these fields tell apart: ``[name=web]``."""

    keys: tuple[tuple[str, t.Any], ...]


class Element(msgspec.Struct, frozen=True):
    """The element of a set: ``["a"]``."""

    value: t.Any


Step = str | int | Item | Element
Path = tuple[Step, ...]

_PLAIN = re.compile(r"[A-Za-z_$][\w$-]*", re.ASCII)
MISSING: t.Final = msgspec.UNSET
"""Stands for "nothing there", which null is not."""


def spell(path: Path) -> str:
    """Write a path: ``spec.template.spec.containers[name=web].image``, ``metadata.labels["app.io/x"]``."""
    text = ""
    for step in path:
        if isinstance(step, str):
            text += (f".{step}" if text else step) if _PLAIN.fullmatch(step) else f"[{_quoted(step)}]"
        elif isinstance(step, int):
            text += f"[{step}]"
        elif isinstance(step, Element):
            text += f"[{_quoted(step.value)}]"
        else:
            text += "[" + ",".join(f"{key}={value}" for key, value in step.keys) + "]"
    return text


def _quoted(value: t.Any) -> str:
    return msgspec.json.encode(value).decode()


def same_keys(item: t.Any, step: Item, defaults: t.Mapping[str, t.Any]) -> bool:
    """Return True when an item of a list has these keys, defaults filled in."""
    if not isinstance(item, dict):
        return False
    return all(key_value(item, key, defaults) == value for key, value in step.keys)


def key_value(item: t.Mapping[str, t.Any], key: str, defaults: t.Mapping[str, t.Any]) -> t.Any:
    """Return the value of a key field, or its default when the item leaves it out."""
    found = item.get(key)
    return defaults.get(key) if found is None else found


def write(obj: JSON, path: Path, value: t.Any) -> JSON:
    """Return the object with `value` at a place (MISSING removes it); the input is left as it was."""
    return t.cast("JSON", _write(obj, path, value))


def _write(node: t.Any, path: Path, value: t.Any) -> t.Any:
    if not path:
        return value
    step, rest = path[0], path[1:]
    if isinstance(step, str):
        base = node if isinstance(node, dict) else {}
        new = _write(base.get(step), rest, value)
        return {k: v for k, v in base.items() if k != step} if new is MISSING else {**base, step: new}
    items = list(node) if isinstance(node, list) else []
    index = _index(items, step)
    new = _write(items[index] if index is not None else None, rest, value)
    if index is None:
        return items if new is MISSING else [*items, new]
    return [*items[:index], *([] if new is MISSING else [new]), *items[index + 1 :]]


def _index(items: list[t.Any], step: Step) -> int | None:
    for number, item in enumerate(items):
        if step == number and isinstance(step, int):
            return number
        if isinstance(step, Element) and item == step.value:
            return number
        if isinstance(step, Item) and same_keys(item, step, {}):
            return number
    return None
