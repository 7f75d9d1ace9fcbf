"""From the body of a write request to an object of its kind: kinds, names, unknown fields, patches, and their refusals.

No storing and no HTTP: `sandbox.writes` calls these between reading and storing.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

import orjson

from sandbox import errors, managed, metadata, patch
from sandbox.kinds import Kind
from sandbox.resources import SHARED_STORAGE, GroupResource, Resource

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"


@dataclass(frozen=True)
class Write:
    """Who writes what, and how strictly."""

    resource: Resource
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    manager: str = "unknown"
    """Field manager: the query's, else the first word of the user agent."""
    dry_run: bool = False
    field_validation: str = "Warn"
    """Strict refuses unknown fields, Warn drops them and says so, Ignore drops them."""
    force: bool = False
    """Take over fields that other managers own (server-side apply)."""
    duplicates: tuple[str, ...] = ()
    """Paths that occurred twice in the body."""
    warnings: list[str] = field(default_factory=list)
    """Lines for the response's Warning headers; filled while writing."""

    @property
    def storage(self) -> GroupResource:
        """Returns the name of the storage that holds the object."""
        return SHARED_STORAGE.get(self.resource.gr, self.resource.gr)


def decoded(write: Write, kind: Kind, body: dict[str, Any]) -> dict[str, Any]:
    """Returns the object of a create or replace, its kind set and unknown fields dropped; `body` is left alone.

    Raises:
        StatusError: 400, when it is no object of this kind, or has unknown fields and the request is strict.
    """
    obj = checked_kind(write, body)
    found = kind.type_errors(obj)
    if found:
        raise errors.bad_request(_cannot_be_handled(write, found[0]))
    metadata.meta_of(obj)
    _unknown(write, kind.prune(obj))
    return obj


def checked_kind(write: Write, body: dict[str, Any]) -> dict[str, Any]:
    """Returns a copy of a body with the resource's kind and apiVersion; 400 when it names others."""
    resource = write.resource
    given, version = body.get("kind") or "", body.get("apiVersion") or ""
    if resource.custom is not None and not given:
        text = orjson.dumps(body).decode()
        message = f"the object provided is unrecognized (must be of type {resource.kind}): Object 'Kind' is missing in"
        raise errors.bad_request(f"{message} '{text}'")
    if (given and given != resource.kind) or (version and version != resource.api_version):
        message = f'{given} in version "{version.rpartition("/")[2]}" cannot be handled as a {resource.kind}: '
        raise errors.bad_request(message + f"converting ({version}.{given}) to ({resource.kind}): unknown conversion")
    rest = {name: value for name, value in body.items() if name not in ("kind", "apiVersion")}
    return {"kind": resource.kind, "apiVersion": resource.api_version, **copy.deepcopy(rest)}


def patched(kind: Kind, current: dict[str, Any], body: Any, content_type: str) -> dict[str, Any]:
    """Returns the object that a JSON, merge or strategic patch makes of the current one."""
    try:
        if content_type == JSON_PATCH:
            return patch.apply_json(current, body)
        if content_type == STRATEGIC_PATCH:
            return patch.apply_strategic(current, body, kind.schema)
        return patch.apply_merge(current, body)
    except patch.PatchError as err:
        raise _patch_refused(err) from err


def decoded_patch(write: Write, kind: Kind, obj: dict[str, Any]) -> dict[str, Any]:
    """Returns the result of a patch as an object of its kind; 422 when it no longer is one."""
    obj = copy.deepcopy(obj)
    metadata.meta_of(obj)
    found = kind.type_errors(obj)
    if obj.get("kind") != write.resource.kind or obj.get("apiVersion") != write.resource.api_version:
        found = [f"converting ({obj.get('apiVersion')}.{obj.get('kind')}) to {write.resource.kind}: unknown conversion"]
    if found:
        text = orjson.dumps(orjson.dumps(obj).decode()).decode()
        raise errors.invalid("", "", "", [("patch", "FieldValueInvalid", f"Invalid value: {text}: {found[0]}")])
    _unknown(write, kind.prune(obj), patch=True)
    return obj


def applied(write: Write, kind: Kind, body: dict[str, Any]) -> dict[str, Any]:
    """Returns the configuration of a server-side apply, placed and named.

    Raises:
        StatusError: 400, when it carries managedFields or another name, kind or namespace.
    """
    version, given = str(body.get("apiVersion") or ""), str(body.get("kind") or "")
    if (version, given) != (write.resource.api_version, write.resource.kind):
        raise errors.bad_request(f"invalid object type: /{version}, Kind={given}")
    obj = checked_kind(write, body)
    meta = metadata.meta_of(obj)
    if meta.get("managedFields"):
        raise errors.bad_request("metadata.managedFields must be nil")
    for name in ("creationTimestamp", "managedFields"):
        meta.pop(name, None)
    same_name(write, meta)
    metadata.place(write.resource, meta, write.namespace)
    return obj


def same_name(write: Write, meta: dict[str, Any]) -> None:
    """Refuses a body whose name is missing or is not the one of the path."""
    given = meta.get("name") or ""
    if not given:
        text = f"the name of the object ({write.name} based on URL) was undeterminable: name must be provided"
        raise errors.bad_request(text)
    if given != write.name:
        text = f"the name of the object ({given}) does not match the name on the URL ({write.name})"
        raise errors.bad_request(text)


def check_revision(write: Write, kind: Kind, meta: dict[str, Any], live: dict[str, Any]) -> None:
    """Refuses a replace that was made from another state, or another object, than the stored one."""
    resource, revision = write.resource, meta.get("resourceVersion")
    if not revision and kind.needs_revision:
        cause = ("metadata.resourceVersion", "FieldValueInvalid", "Invalid value: 0: must be specified for an update")
        raise errors.invalid(resource.group, resource.plural, write.name, [cause])
    uid = live["metadata"]["uid"]
    if meta.get("uid") and meta["uid"] != uid:
        why = f"Precondition failed: UID in precondition: {meta['uid']}, UID in object meta: {uid}"
        raise errors.conflict(resource.group, resource.plural, write.name, why)
    if revision and revision != live["metadata"]["resourceVersion"]:
        raise errors.conflict(resource.group, resource.plural, write.name)


def apply_conflict(err: managed.ApplyConflict) -> errors.StatusError:
    """Returns the answer to an apply that would change fields of other managers."""
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {manager}", "field": where}
        for manager, where in err.conflicts
    ]
    return errors.Conflict(409, "Conflict", str(err), {"causes": causes})


def untyped(write: Write, given: str, err: Exception) -> errors.StatusError:
    """Returns the answer to an apply whose configuration does not fit the schema; `given` is the body's namespace."""
    version = write.resource.api_version if write.resource.group else f"/{write.resource.version}"
    where = f"{given}/{write.name}; {version}, Kind={write.resource.kind}"
    return errors.StatusError(500, "", f"failed to create typed patch object ({where}): {err}")


def _patch_refused(err: patch.PatchError) -> errors.StatusError:
    if err.code == 400:
        return errors.bad_request(str(err))
    if err.code == 422:
        return errors.StatusError(422, "Invalid", "the server rejected our request due to an error in our request", {})
    return errors.StatusError(err.code, "", str(err))


def _cannot_be_handled(write: Write, why: str) -> str:
    kind, version = write.resource.kind, write.resource.version
    return f'{kind} in version "{version}" cannot be handled as a {kind}: {why}'


def _unknown(write: Write, paths: list[str], *, patch: bool = False) -> None:
    lines = [f'unknown field "{path}"' for path in paths]
    lines += [f'duplicate field "{path}"' for path in write.duplicates]
    if not lines or write.field_validation == "Ignore":
        return
    if write.field_validation == "Strict":
        why = "strict decoding error: " + ", ".join(lines)
        if patch:
            raise errors.invalid("", "", "", [("patch", "FieldValueInvalid", f'Invalid value: "": {why}')])
        raise errors.bad_request(_cannot_be_handled(write, why))
    write.warnings.extend(lines)
