"""OpenAPI documents, built from the definitions and the CRDs when somebody asks, one group version at a time.

They hold what clients look up: the schemas with their x-kubernetes extensions, and for each path the verbs, kinds and
query parameters. Prose about parameters and responses is left out. The version 2 document is served as JSON only:
kubectl reads it as protobuf, but only from servers without version 3.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import orjson

from sandbox import schema
from sandbox.resources import Catalogue, Resource

_V3_REF, _V2_REF = "#/components/schemas/", "#/definitions/"
_LOCAL_REF = "#/$defs/"
_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_LIST_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta"
_PATCH = "io.k8s.apimachinery.pkg.apis.meta.v1.Patch"
_PATCH_TYPES = (
    "application/apply-patch+yaml",
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
)
_ACTIONS = {
    "get": "get", "list": "list", "watch": "watch", "create": "post", "update": "put", "patch": "patch",
    "delete": "delete", "deletecollection": "deletecollection",
}  # fmt: skip
_WRITE_PARAMETERS = ("dryRun", "fieldManager", "fieldValidation")


class Documents:
    """Builds and keeps the documents; each is built again after the catalogue has changed.

    Args:
        catalogue: What is served.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._cache: dict[tuple[str, str, str], tuple[object, bytes]] = {}

    def index(self) -> dict[str, Any]:
        """Returns the answer to /openapi/v3: the documents and a hash of each."""
        paths = {}
        for group, versions in self._catalogue.groups().items():
            for version, resources in versions.items():
                path = f"apis/{group}/{version}" if group else f"api/{version}"
                digest = _digest(resources)
                paths[path] = {"serverRelativeURL": f"/openapi/v3/{path}?hash={digest}"}
        return {"paths": dict(sorted(paths.items()))}

    def v3(self, group: str, version: str) -> bytes | None:
        """Returns the version 3 document of a group version, None when it is not served."""
        resources = self._catalogue.in_version(group, version)
        if not resources:
            return None
        return self._kept(("v3", group, version), _digest(resources), lambda: _v3(resources))

    def v2(self) -> bytes:
        """Returns the version 2 document of everything."""
        return self._kept(("v2", "", ""), self._catalogue.generation, lambda: _v2(self._catalogue.all()))

    def _kept(self, key: tuple[str, str, str], state: object, build: Any) -> bytes:
        known = self._cache.get(key)
        if known is None or known[0] != state:
            known = self._cache[key] = (state, orjson.dumps(build()))
        return known[1]


def _digest(resources: list[Resource]) -> str:
    hasher = hashlib.sha512()
    for each in resources:
        hasher.update(f"{each.plural} {each.kind} {each.version} {sorted(each.subresources)}".encode())
        if each.custom is not None:
            hasher.update(orjson.dumps(each.custom.schema))
    return hasher.hexdigest().upper()


def _v3(resources: list[Resource]) -> dict[str, Any]:
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "1.36"},
        "paths": {path: item for each in resources for path, item in _paths(each, _V3_REF)},
        "components": {"schemas": _schemas(resources, _V3_REF)},
    }


def _v2(resources: list[Resource]) -> dict[str, Any]:
    return {
        "swagger": "2.0",
        "info": {"title": "Kubernetes", "version": "v1.36.1"},
        "paths": {path: item for each in resources for path, item in _paths(each, _V2_REF)},
        "definitions": _schemas(resources, _V2_REF),
    }


def _schemas(resources: list[Resource], ref: str) -> dict[str, Any]:
    wanted = [_META, _LIST_META, _PATCH, "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"]
    wanted.append("io.k8s.apimachinery.pkg.apis.meta.v1.Status")
    found: dict[str, Any] = {}
    for each in resources:
        if each.custom is not None:
            found.update(_custom(each, ref))
        else:
            wanted += [name for name in _names(each) if name]
    _collect(wanted, found, ref)
    return found


def _names(resource: Resource) -> list[str | None]:
    kinds = [
        (resource.group, resource.version, resource.kind),
        (resource.group, resource.version, f"{resource.kind}List"),
    ]
    kinds += [(sub.group, sub.version, sub.kind) for sub in resource.subresources.values() if sub.group]
    return [name_of(*kind) for kind in kinds]


def name_of(group: str, version: str, kind: str) -> str | None:
    """Returns the name of the definition of a built-in kind, None when there is none."""
    node = schema.schema_for(group, version, kind)
    return node.name if node is not None else None


def _collect(wanted: list[str], found: dict[str, Any], ref: str) -> None:
    definitions = schema.definitions()
    while wanted:
        name = wanted.pop()
        if name in found or name not in definitions:
            continue
        found[name] = _relinked(definitions[name], ref, wanted)


def _relinked(node: Any, ref: str, wanted: list[str]) -> Any:
    """Returns a copy of a schema whose references point into the document, and notes what they point to."""
    if isinstance(node, list):
        return [_relinked(each, ref, wanted) for each in node]
    if not isinstance(node, dict):
        return node
    target = node.get("$ref")
    if isinstance(target, str) and target.startswith(_LOCAL_REF):
        name = target.removeprefix(_LOCAL_REF)
        wanted.append(name)
        rest = {key: value for key, value in node.items() if key != "$ref"}
        return {**rest, "allOf": [{"$ref": ref + name}]} if rest and ref == _V3_REF else {**rest, "$ref": ref + name}
    return _as_published({key: _relinked(value, ref, wanted) for key, value in node.items()})


def _as_published(node: dict[str, Any]) -> dict[str, Any]:
    """Undoes what the definitions gained for validators: `null` among the types, apiVersion and kind as enums."""
    types = node.get("type")
    if isinstance(types, list):
        named = [each for each in types if each != "null"]
        node = {key: value for key, value in node.items() if key != "type"}
        if len(named) == 1:
            node["type"] = named[0]
    for name in ("apiVersion", "kind"):
        own = (node.get("properties") or {}).get(name) if isinstance(node.get("properties"), dict) else None
        if isinstance(own, dict):
            own.pop("enum", None)
    return node


def _custom(resource: Resource, ref: str) -> dict[str, Any]:
    name = _custom_name(resource)
    kind = {"group": resource.group, "version": resource.version, "kind": resource.kind}
    raw = dict(resource.custom.schema)
    meta = {"allOf": [{"$ref": ref + _META}]} if ref == _V3_REF else {"$ref": ref + _META}
    raw["properties"] = {
        **raw.get("properties", {}),
        "apiVersion": {"type": "string", "description": "The version of this object's schema."},
        "kind": {"type": "string", "description": "The kind of this object."},
        "metadata": {"description": "Standard object metadata.", **meta},
    }
    raw["x-kubernetes-group-version-kind"] = [kind]
    items = {"type": "array", "items": {"$ref": ref + name}}
    listed = {
        "type": "object",
        "required": ["items"],
        "properties": {
            "apiVersion": {"type": "string"},
            "items": items,
            "kind": {"type": "string"},
            "metadata": {"$ref": ref + _LIST_META},
        },
        "x-kubernetes-group-version-kind": [{**kind, "kind": resource.list_kind}],
    }
    return {name: raw, f"{name}List": listed}


def _custom_name(resource: Resource) -> str:
    return ".".join([*reversed(resource.group.split(".")), resource.version, resource.kind])


def _paths(resource: Resource, ref: str) -> Iterator[tuple[str, dict[str, Any]]]:
    base = f"/apis/{resource.group}/{resource.version}" if resource.group else f"/api/{resource.version}"
    scoped = f"{base}/namespaces/{{namespace}}" if resource.namespaced else base
    verbs = set(resource.verbs)
    name = (
        _custom_name(resource)
        if resource.custom is not None
        else name_of(resource.group, resource.version, resource.kind)
    )
    target = ref + (name or "")
    many = verbs & {"list", "create", "deletecollection"}
    one = verbs & {"get", "update", "patch", "delete"}
    if many:
        yield f"{scoped}/{resource.plural}", _item(resource, many, ref, target)
    if one:
        yield f"{scoped}/{resource.plural}/{{name}}", _item(resource, one, ref, target)
    if resource.namespaced and "list" in verbs:
        yield f"{base}/{resource.plural}", _item(resource, {"list"}, ref, target)
    for sub in resource.subresources.values():
        item = _item(resource, set(sub.verbs), ref, target)
        yield f"{scoped}/{resource.plural}/{{name}}/{sub.name}", item


def _item(resource: Resource, verbs: set[str], ref: str, target: str) -> dict[str, Any]:
    methods = {"list": "get", "get": "get", "create": "post", "update": "put", "patch": "patch", "delete": "delete"}
    found = {methods.get(verb, "delete"): _operation(resource, verb, ref, target) for verb in sorted(verbs)}
    return {**found, "parameters": [_parameter("pretty", "string", ref)]}


def _operation(resource: Resource, verb: str, ref: str, target: str) -> dict[str, Any]:
    kind = {"group": resource.group, "version": resource.version, "kind": resource.kind}
    names = [*_WRITE_PARAMETERS] if verb in ("create", "update", "patch") else []
    parameters = [_parameter(name, "string", ref) for name in names]
    if verb == "patch":
        parameters.append(_parameter("force", "boolean", ref))
    operation: dict[str, Any] = {
        "x-kubernetes-action": _ACTIONS[verb],
        "x-kubernetes-group-version-kind": kind,
        "parameters": parameters,
        "responses": {"200": _response(ref, target)},
    }
    if ref == _V3_REF and names:
        operation["requestBody"] = {"content": _contents(resource, verb, target, ref), "required": True}
    return operation


def _response(ref: str, target: str) -> dict[str, Any]:
    if ref == _V2_REF:
        return {"description": "OK", "schema": {"$ref": target}}
    return {"description": "OK", "content": {"application/json": {"schema": {"$ref": target}}}}


def _contents(resource: Resource, verb: str, target: str, ref: str) -> dict[str, Any]:
    if verb == "patch":
        types = _PATCH_TYPES[:3] if resource.custom is not None else _PATCH_TYPES
        return {name: {"schema": {"$ref": ref + _PATCH}} for name in types}
    return {"*/*": {"schema": {"$ref": target}}}


def _parameter(name: str, kind: str, ref: str) -> dict[str, Any]:
    if ref == _V2_REF:
        return {"name": name, "in": "query", "type": kind, "uniqueItems": True}
    return {"name": name, "in": "query", "schema": {"type": kind, "uniqueItems": True}}
