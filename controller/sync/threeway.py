"""Client-side apply: what an object becomes when a manifest is applied as kubectl does it, and the patch for it. Pure.

Three inputs: what was applied last (from the annotation), the target, the live object. A field that the target states
is set, one that was applied before and is stated no more is removed, all others stay. The patch is a JSON merge patch
from the live object to the result and carries the resourceVersion it was made from, so that lists which it replaces
whole cannot undo somebody else's write. Source: Kubernetes kubectl apply, strategicpatch.CreateThreeWayMergePatch.
"""

from __future__ import annotations

import base64
import typing as t

import msgspec

from controller.status import merge_patch
from model.meta import JSON

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
LARGEST_ANNOTATIONS = 262_144
"""Bytes of all annotations of one object that the API server accepts."""
_SERVER_FIELDS = ("creationTimestamp", "uid", "resourceVersion", "generation", "selfLink", "managedFields")


class Field(t.Protocol):
    """What is needed of a schema node."""

    @property
    def merge_key(self) -> str:
        """The field that tells list items apart."""
        ...

    @property
    def strategies(self) -> frozenset[str]:
        """Of a strategic merge patch."""
        ...

    def field(self, name: str) -> Field | None:
        """The type of a field."""
        ...

    def items(self) -> Field | None:
        """The type of list items."""
        ...


def desired(target: JSON) -> JSON:
    """Return the manifest as it is applied: without what only the server writes, Secret text moved into data."""
    obj = {key: value for key, value in target.items() if key != "status"}
    metadata = {k: v for k, v in obj["metadata"].items() if k not in _SERVER_FIELDS and v is not None}
    annotations = {k: v for k, v in (metadata.get("annotations") or {}).items() if k != LAST_APPLIED}
    metadata.pop("annotations", None)
    obj["metadata"] = {**metadata, **({"annotations": annotations} if annotations else {})}
    if obj.get("kind") == "Secret" and obj.get("apiVersion") == "v1" and obj.get("stringData"):
        text = obj.pop("stringData")
        encoded = {key: base64.b64encode(str(value).encode()).decode() for key, value in text.items()}
        obj["data"] = {**(obj.get("data") or {}), **encoded}
    return obj


def with_last_applied(target: JSON) -> JSON:
    """Return the manifest with the annotation that remembers it; without where that would be too large."""
    obj = desired(target)
    text = last_applied_text(obj)
    if len(text) + sum(len(k) + len(str(v)) for k, v in _annotations(obj).items()) > LARGEST_ANNOTATIONS:
        return obj
    metadata = {**obj["metadata"], "annotations": {**_annotations(obj), LAST_APPLIED: text}}
    return {**obj, "metadata": metadata}


def last_applied_text(obj: JSON) -> str:
    """Return the text of the annotation as kubectl writes it: sorted keys and a newline."""
    metadata = {"annotations": {}, **obj["metadata"]}
    return msgspec.json.encode({**obj, "metadata": metadata}, order="sorted").decode() + "\n"


def last_applied(live: JSON) -> JSON:
    """Return what was applied last; empty when there is no annotation or it cannot be read."""
    try:
        found = msgspec.json.decode(_annotations(live).get(LAST_APPLIED) or "{}")
    except (msgspec.MsgspecError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def patch_for(target: JSON, live: JSON, schema: Field | None) -> JSON:
    """Return the merge patch that applies the target to the live object; empty when nothing would change.

    Args:
        target: the manifest.
        live: the object as last read, with its resourceVersion.
        schema: the type of a built-in kind; None for custom resources, whose lists are replaced whole.
    """
    wanted = with_last_applied(target)
    result = merged(last_applied(live), wanted, live, schema)
    patch = merge_patch(live, result)
    patch.update({key: None for key in live if key not in result})
    if not patch:
        return {}
    metadata = {**(patch.get("metadata") or {}), "resourceVersion": live["metadata"].get("resourceVersion")}
    return {**patch, "metadata": metadata}


def merged(original: JSON, target: JSON, live: JSON, schema: Field | None) -> JSON:
    """Return the object that applying `target` makes of `live`."""
    result = {k: v for k, v in live.items() if not (k in original and k not in target)}
    for key, value in target.items():
        if value is None:
            result.pop(key, None)
            continue
        node = schema.field(key) if schema is not None else None
        result[key] = _value(original.get(key), value, live.get(key), node)
    if schema is not None and "retainKeys" in schema.strategies:
        result = {key: value for key, value in result.items() if key in target}
    return result


def _value(original: t.Any, target: t.Any, live: t.Any, node: Field | None) -> t.Any:
    """Merge one value; what has no counterpart of its type in the live object is taken as it is."""
    if isinstance(target, dict) and isinstance(live, dict):
        return merged(original if isinstance(original, dict) else {}, target, live, node)
    if isinstance(target, list) and isinstance(live, list) and node is not None and "merge" in node.strategies:
        return _list(original if isinstance(original, list) else [], target, live, node)
    if isinstance(target, dict):
        return {key: _value(None, value, None, None) for key, value in target.items() if value is not None}
    return target


def _list(original: list[t.Any], target: list[t.Any], live: list[t.Any], node: Field) -> list[t.Any]:
    """Merge a list of the strategic kind: by merge key, or as a set of scalars."""
    key = node.merge_key
    items = [*original, *target, *live]
    if not key or not all(isinstance(item, dict) and key in item for item in items):
        if any(isinstance(item, (dict, list)) for item in items):
            return target
        others = [item for item in live if item not in original and item not in target]
        return [*target, *others]
    before, now = ({item[key]: item for item in part} for part in (original, live))
    stated = {item[key] for item in target}
    kept = [item for item in live if item[key] not in stated and item[key] not in before]
    inner = node.items()
    return [_value(before.get(item[key]), item, now.get(item[key]), inner) for item in target] + kept


def _annotations(obj: JSON) -> dict[str, str]:
    return (obj.get("metadata") or {}).get("annotations") or {}
