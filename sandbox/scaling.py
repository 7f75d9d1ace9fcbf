"""The scale subresource: reading and writing one number of replicas through the Scale kind."""

from __future__ import annotations

import copy
from typing import Any

from sandbox import conversion, errors, jsonpath, printing
from sandbox.decoding import APPLY_PATCH, Write, patched
from sandbox.kinds import Kind
from sandbox.writes import Writer

_SPEC, _STATUS = ".spec.replicas", ".status.replicas"


def read(write: Write, stored: dict[str, Any]) -> dict[str, Any]:
    """Returns the Scale of a stored object."""
    custom = (write.resource.custom.scale or {}) if write.resource.custom is not None else {}
    wanted = jsonpath.find(custom.get("specReplicasPath", _SPEC), stored)
    present = jsonpath.find(custom.get("statusReplicasPath", _STATUS), stored)
    status: dict[str, Any] = {"replicas": (present or [0])[0]}
    selector = _selector(write, custom, stored)
    if selector:
        status["selector"] = selector
    meta = stored["metadata"]
    names = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {name: meta[name] for name in names if name in meta},
        "spec": {"replicas": wanted[0]} if wanted and wanted[0] else {},
        "status": status,
    }


def _selector(write: Write, custom: dict[str, Any], stored: dict[str, Any]) -> str:
    if write.resource.custom is not None:
        path = custom.get("labelSelectorPath")
        found = jsonpath.find(path, stored) if path else []
        return str(found[0]) if found else ""
    text = printing.selector((stored.get("spec") or {}).get("selector"))
    return "" if text == "<none>" else text


def replace(writer: Writer, write: Write, body: dict[str, Any]) -> dict[str, Any]:
    """Writes the number of replicas of a Scale into its object and returns the new Scale.

    Raises:
        StatusError: It is not there, was changed meanwhile, or the number is negative.
    """
    with writer.store.lock:
        stored = _stored(writer, write)
        revision = (body.get("metadata") or {}).get("resourceVersion")
        if revision and revision != stored["metadata"]["resourceVersion"]:
            raise errors.conflict(write.resource.group, write.resource.plural, write.name)
        wanted = (body.get("spec") or {}).get("replicas", 0)
        if not isinstance(wanted, int) or wanted < 0:
            text = f"Invalid value: {wanted}: must be greater than or equal to 0"
            raise errors.invalid("autoscaling", "Scale", write.name, [("spec.replicas", "FieldValueInvalid", text)])
        obj = copy.deepcopy(conversion.from_storage(write.resource, stored))
        custom = (write.resource.custom.scale or {}) if write.resource.custom is not None else {}
        _set(obj, custom.get("specReplicasPath", _SPEC), wanted)
        return read(write, writer.update_decoded(write, stored, obj))


def patch(writer: Writer, write: Write, body: Any, content_type: str, kind: Kind) -> dict[str, Any]:
    """Patches a Scale and returns the new one."""
    with writer.store.lock:
        scale = read(write, _stored(writer, write))
        merged = {**scale, **body} if content_type == APPLY_PATCH else patched(kind, scale, body, content_type)
        return replace(writer, write, merged)


def _stored(writer: Writer, write: Write) -> dict[str, Any]:
    stored = writer.store.get(write.storage, write.namespace, write.name)
    if stored is None:
        raise errors.not_found(write.resource.group, write.resource.plural, write.name)
    return stored


def _set(obj: dict[str, Any], path: str, number: int) -> None:
    *parents, last = path.strip(".").split(".")
    for part in parents:
        obj = obj.setdefault(part, {})
    obj[last] = number
