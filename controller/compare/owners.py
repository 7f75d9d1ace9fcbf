"""Who wrote which field: metadata.managedFields, read only when a difference has to be explained or judged. Pure.

Source: structured-merge-diff fieldpath serialisation (f:NAME, k:{keys}, v:value, i:index).
"""

from __future__ import annotations

import typing as t

import msgspec

from controller.compare.paths import Element, Item, Path, Step
from controller.compare.values import canonical
from model.meta import JSON

Trie = dict[str, t.Any]


class Owner(msgspec.Struct, frozen=True):
    """One entry of managedFields."""

    manager: str
    operation: str
    """Apply or Update."""
    subresource: str
    fields: Trie


class Owners:
    """The owners of the fields of one live object."""

    def __init__(self, live: JSON) -> None:
        entries = (live.get("metadata") or {}).get("managedFields") or ()
        self._owners = [_owner(entry) for entry in entries if isinstance(entry, dict)]

    def of(self, path: Path) -> list[Owner]:
        """Return who owns this place, or the list or map above it that is owned as a whole."""
        return [owner for owner in self._owners if _holds(owner.fields, path)]

    def name(self, path: Path) -> str:
        """Return the managers of a place, joined by commas; empty when nobody owns it."""
        names = dict.fromkeys(owner.manager for owner in self.of(path))
        return ", ".join(names)

    def applied(self, manager: str) -> Trie:
        """Return the fields that a manager owns by server-side apply."""
        for owner in self._owners:
            if owner.manager == manager and owner.operation == "Apply" and not owner.subresource:
                return owner.fields
        return {}


def _owner(entry: JSON) -> Owner:
    fields = entry.get("fieldsV1")
    return Owner(
        manager=str(entry.get("manager") or ""),
        operation=str(entry.get("operation") or ""),
        subresource=str(entry.get("subresource") or ""),
        fields=fields if isinstance(fields, dict) else {},
    )


def _holds(trie: Trie, path: Path) -> bool:
    """Return True when a place, something in it, or what encloses it as a whole is in the trie."""
    node: t.Any = trie
    for step in path:
        found = _child(node, step)
        if found is None:
            # An empty node is a leaf: the manager owns everything below it. A node with children owns only those.
            return node is not trie and not node
        node = found
    return True


def _child(node: Trie, step: Step) -> Trie | None:
    if isinstance(step, str):
        return node.get(f"f:{step}")
    if isinstance(step, int):
        return node.get(f"i:{step}")
    if isinstance(step, Element):
        return node.get(f"v:{msgspec.json.encode(step.value).decode()}")
    for name, child in node.items():
        if name.startswith("k:") and canonical(read_keys(name)) == canonical(dict(step.keys)):
            return t.cast("Trie", child)
    return None


def read_keys(name: str) -> JSON:
    """Return the keys of a ``k:{…}`` entry; empty when it cannot be read."""
    try:
        found = msgspec.json.decode(name[2:])
    except msgspec.MsgspecError:
        return {}
    return found if isinstance(found, dict) else {}


def step_of(name: str) -> Step | None:
    """Return the step that an entry of a trie names; None for the dot that means the place itself."""
    if name.startswith("f:"):
        return name[2:]
    if name.startswith("k:"):
        return Item(tuple(read_keys(name).items()))
    if name.startswith("v:"):
        try:
            return Element(msgspec.json.decode(name[2:]))
        except msgspec.MsgspecError:
            return None
    return int(name[2:]) if name.startswith("i:") and name[2:].isdigit() else None
