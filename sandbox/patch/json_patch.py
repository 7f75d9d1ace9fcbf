"""JSON Patch (RFC 6902) by the jsonpatch library, with the API server's limits and errors."""

from __future__ import annotations

import copy
from typing import Any

import jsonpatch
import jsonpointer

from sandbox.patch.errors import PatchError

MAX_OPERATIONS = 10_000
"""The server refuses longer patches (maxJSONPatchOperations of k8s.io/apiserver)."""
_OPERATIONS = frozenset({"add", "remove", "replace", "move", "copy", "test"})


def apply_json(obj: dict[str, Any], patch: Any) -> dict[str, Any]:
    """The object after a JSON Patch.

    Raises:
        PatchError: the patch is malformed (400), a path does not exist or a ``test`` does not hold (422).
    """
    if not isinstance(patch, list):
        raise PatchError("error decoding patch: expected a list of operations", code=400)
    if len(patch) > MAX_OPERATIONS:
        text = f"The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {len(patch)}"
        raise PatchError(text, code=413)
    out: Any = copy.deepcopy(obj)
    for operation in patch:
        out = _step(out, operation)
    if not isinstance(out, dict):
        raise PatchError("the patched document is not an object")
    return out


def _step(document: Any, operation: Any) -> Any:
    if not isinstance(operation, dict):
        raise PatchError("error decoding patch: an operation is not an object", code=400)
    kind, path = operation.get("op"), operation.get("path")
    if kind not in _OPERATIONS:
        raise PatchError(f"Unexpected kind: {kind}")
    if kind == "remove" and path == "":
        raise PatchError("the whole document cannot be removed")
    try:
        return jsonpatch.apply_patch(document, [operation])
    except jsonpatch.JsonPatchTestFailed:
        raise PatchError(f"testing value {path} failed") from None
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, TypeError, KeyError) as error:
        words = {"add": "add operation does not apply", "remove": "remove operation does not apply"}
        text = words.get(str(kind), f"{kind} operation does not apply")
        raise PatchError(f"{text}: doc is missing path: {path}: missing value") from error
