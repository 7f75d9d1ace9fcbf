"""The entries of ``metadata.managedFields``: reading, writing, ordering, and the names that messages give to managers.

Source: k8s.io/apimachinery, util/managedfields/internal. An Update entry is told apart by manager, apiVersion and
subresource; an Apply entry by manager and subresource only, so that an applier keeps one entry when it moves to
another version.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sandbox.managed.fields import FieldSet, decode, encode

MAX_UPDATERS = 10
"""Update entries beyond this number are merged, oldest first, into one named ``ancient-changes``."""
BUCKET = "ancient-changes"


class Manager(NamedTuple):
    """Who owns fields: the identity of one entry."""

    name: str
    operation: str
    """Apply or Update."""
    version: str
    """The apiVersion; empty for appliers, whose identity does not depend on it."""
    subresource: str


class Entry(NamedTuple):
    """What a manager owns."""

    fields: FieldSet
    version: str
    """The apiVersion in which the fields are written."""
    time: str
    """RFC 3339, whole seconds, UTC; empty when the entry carries none."""


Managers = dict[Manager, Entry]


def manager(name: str, operation: str, version: str, subresource: str) -> Manager:
    """The identity of an entry."""
    return Manager(name, operation, version if operation == "Update" else "", subresource)


def read(obj: dict[str, Any] | None) -> Managers:
    """The managers of an object; entries of an unknown fieldsType are left out."""
    listed = ((obj or {}).get("metadata") or {}).get("managedFields") or []
    found: Managers = {}
    for raw in listed:
        if raw.get("fieldsType", "FieldsV1") != "FieldsV1" or not raw.get("operation"):
            continue
        version = raw.get("apiVersion", "")
        key = manager(raw.get("manager", ""), raw["operation"], version, raw.get("subresource", ""))
        found[key] = Entry(decode(raw.get("fieldsV1") or {}), version, raw.get("time") or "")
    return found


def is_reset(obj: dict[str, Any]) -> bool:
    """Whether a client asks to forget all managers: a list with one empty entry."""
    listed: Any = (obj.get("metadata") or {}).get("managedFields")
    return isinstance(listed, list) and len(listed) == 1 and not listed[0]


def write(managers: Managers) -> list[dict[str, Any]]:
    """The managedFields list in the server's order: appliers first, then by time, name, version and subresource."""
    ordered = sorted(managers.items(), key=lambda item: _rank(*item))
    return [_encode(key, entry) for key, entry in ordered if entry.fields]


def _rank(key: Manager, entry: Entry) -> tuple[str, ...]:
    return (key.operation, entry.time, key.name, entry.version, key.subresource)


def _encode(key: Manager, entry: Entry) -> dict[str, Any]:
    raw: dict[str, Any] = {"manager": key.name, "operation": key.operation, "apiVersion": entry.version}
    if entry.time:
        raw["time"] = entry.time
    raw |= {"fieldsType": "FieldsV1", "fieldsV1": encode(entry.fields)}
    if key.subresource:
        raw["subresource"] = key.subresource
    return raw


def described(key: Manager, time: str = "") -> str:
    """A manager as conflict messages print it: ``"kubectl" with subresource "status" using apps/v1``."""
    said = f'"{key.name}"'
    if key.subresource:
        said += f' with subresource "{key.subresource}"'
    if key.operation == "Update":
        said += f" using {key.version}"
        if time:
            said += f" at {time}"
    return said


def cap(managers: Managers) -> Managers:
    """Merge the oldest Update entries until at most MAX_UPDATERS are left."""
    out = dict(managers)
    updaters = sorted((k for k in out if k.operation == "Update"), key=lambda k: (out[k].time, k.name))
    excess = len(updaters) - MAX_UPDATERS
    first: dict[str, Manager] = {}
    for key in updaters:
        if excess <= 0:
            break
        version = out[key].version
        if version not in first:
            first[version] = key
            continue
        bucket = manager(BUCKET, "Update", version, "")
        if bucket not in out:
            out[bucket] = out.pop(first[version])
        if key != bucket:
            entry = out.pop(key)
            out[bucket] = Entry(out[bucket].fields | entry.fields, version, entry.time)
            excess -= 1
    return out
