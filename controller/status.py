"""The status as it goes on the wire, and the smallest merge patch from what is there to what shall be. Pure.

An Application has no status subresource, so everything here names only the fields that Lynceus owns: a patch made
here never touches spec, the user's metadata or a field of status that Lynceus does not know.
Source: Argo CD controller/appcontroller.go, persistAppStatus; RFC 7386 for the patch.
"""

from __future__ import annotations

import typing as t

import msgspec

from model.application import (
    AppCondition,
    ComparedTo,
    HealthState,
    HistoryEntry,
    OperationState,
    ResourceResult,
    ResourceState,
    SyncState,
)
from model.meta import JSON

LARGEST_STATUS = 900_000
"""Bytes. etcd refuses values above 1.5 MiB, and an Application holds spec and managedFields besides its status."""


def merge_patch(old: t.Mapping[str, t.Any], new: t.Mapping[str, t.Any]) -> JSON:
    """Return the merge patch that changes the keys of `new` in `old`; a None in `new` removes the key.

    Keys of `old` that `new` does not name are left alone at this level; below it objects become equal to those in
    `new`. Empty when nothing differs.
    """
    patch: JSON = {}
    for key, value in new.items():
        if value is None:
            if key in old:
                patch[key] = None
        elif key not in old:
            patch[key] = value
        elif old[key] != value:
            patch[key] = _difference(old[key], value)
    return patch


def _difference(old: t.Any, new: t.Any) -> t.Any:
    """Return what a merge patch must say so that `old` becomes exactly `new`."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    gone = {key: None for key in old if key not in new}
    return {**gone, **merge_patch(old, new)}


def owned_part(status: t.Mapping[str, t.Any], keys: t.Iterable[str]) -> JSON:
    """Return the named keys of a raw status, absent ones left out."""
    return {key: status[key] for key in keys if key in status}


def sync_state(state: SyncState) -> JSON:
    """Write status.sync; the status word always stands there."""
    wire = _wire(state, {"status": str(state.status)})
    if state.compared_to is not None:
        wire["comparedTo"] = compared_to(state.compared_to)
    return wire


def compared_to(value: ComparedTo) -> JSON:
    """Write status.sync.comparedTo; source and destination always stand there, as the CRD demands."""
    wire = _wire(value, {"destination": msgspec.to_builtins(value.destination) if value.destination else {}})
    for source in (wire.get("source"), *wire.get("sources", ())):
        if source is not None:
            source.setdefault("repoURL", "")
    return wire


def health_state(state: HealthState) -> JSON:
    """Write status.health."""
    return _wire(state, {"status": str(state.status)})


def resource_states(states: t.Iterable[ResourceState]) -> list[JSON]:
    """Write status.resources, sorted by GROUP/KIND/NAMESPACE/NAME."""
    ordered = sorted(states, key=lambda r: (r.group, r.kind, r.namespace, r.name))
    return [_wire(r, {"health": health_state(r.health)} if r.health else {}) for r in ordered]


def conditions(values: t.Iterable[AppCondition]) -> list[JSON]:
    """Write status.conditions."""
    return [_wire(c, {"type": c.type, "message": c.message}) for c in values]


def history(entries: t.Iterable[HistoryEntry]) -> list[JSON]:
    """Write status.history; the id stands there even when it is 0."""
    return [_wire(e, {"id": e.id, "deployedAt": e.deployed_at}) for e in entries]


def operation_state(state: OperationState) -> JSON:
    """Write status.operationState with the fields that the CRD demands."""
    required: JSON = {
        "operation": msgspec.to_builtins(state.operation),
        "phase": str(state.phase),
        "startedAt": state.started_at,
    }
    if state.sync_result is not None:
        result = _wire(state.sync_result, {"revision": state.sync_result.revision})
        if state.sync_result.resources is not None:
            result["resources"] = [_resource_result(r) for r in state.sync_result.resources]
        required["syncResult"] = result
    return _wire(state, required)


def shortened(status: JSON, limit: int = LARGEST_STATUS) -> JSON:
    """Return the status small enough to be written: first without the results' messages, then without the results.

    Args:
        status: a whole status on the wire.
        limit: bytes of JSON.
    """
    if len(msgspec.json.encode(status)) <= limit:
        return status
    result = (status.get("operationState") or {}).get("syncResult") or {}
    without = [{k: v for k, v in r.items() if k != "message"} for r in result.get("resources") or ()]
    for resources in (without, []):
        state = {**status["operationState"], "syncResult": {**result, "resources": resources}} if result else None
        status = {**status, **({"operationState": state} if state else {})}
        if len(msgspec.json.encode(status)) <= limit:
            break
    return status


def _resource_result(result: ResourceResult) -> JSON:
    """Write an entry of syncResult.resources with the fields that the CRD demands."""
    names = ("group", "version", "kind", "namespace", "name")
    return _wire(result, {name: getattr(result, name) for name in names})


def _wire(value: msgspec.Struct, required: JSON) -> JSON:
    """Encode without defaults, then put the required fields back."""
    encoded: JSON = msgspec.to_builtins(value)
    return {**encoded, **required}
