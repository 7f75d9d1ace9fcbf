"""JSON Merge Patch (RFC 7386)."""

from __future__ import annotations

import copy
from typing import Any

from sandbox.patch.errors import PatchError


def apply_merge(obj: dict[str, Any], patch: Any) -> dict[str, Any]:
    """The object after a merge patch: null removes, objects merge, everything else replaces.

    Raises:
        PatchError: the patch is not an object.
    """
    if not isinstance(patch, dict):
        raise PatchError("error decoding patch: json: cannot unmarshal into a map[string]interface {}", code=400)
    merged: dict[str, Any] = _merged(obj, patch)
    return merged


def _merged(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    out = copy.deepcopy(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            out.pop(key, None)
        else:
            out[key] = _merged(out.get(key), value)
    return out
