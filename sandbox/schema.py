"""Schemas of the built-in kinds and of custom resources, as one tree of nodes that patches and field ownership walk.

The built-in kinds come from the ``kubernetes-validate`` package, which carries the definitions of Kubernetes 1.36;
``$ref`` is followed only when somebody asks, so that a request pays for the few types it touches. What the published
definitions do not say (is a Go field a pointer, does it have ``omitempty``) is in ``shapes.json``, derived from the
Go types of k8s.io/api 0.36.1. No validation of values lives here, and nothing about requests.
"""

from __future__ import annotations

import functools
import importlib.resources
from collections.abc import Mapping
from typing import Any, Literal

import orjson

from sandbox import quantity

Kind = Literal["struct", "map", "list", "scalar", "any"]
Raw = Mapping[str, Any]

META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
INT_OR_STRING = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"
TIMES = frozenset({"io.k8s.apimachinery.pkg.apis.meta.v1.Time", "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime"})
_PREFIX = "#/$defs/"
_KEY_DEFAULTS = {"protocol": "TCP"}
"""Defaults of keys of associative lists: the published definitions have lost them; these are all that exist."""
_KEY_DEFAULTS_IN = frozenset({"io.k8s.api.core.v1.ContainerPort", "io.k8s.api.core.v1.ServicePort"})


@functools.cache
def definitions() -> dict[str, Any]:
    """All published definitions by name (``io.k8s.api.apps.v1.Deployment``); loaded once, about 10 ms."""
    path = "kubernetes-json-schema/v1.36.0-local/_definitions.json"
    data = orjson.loads(importlib.resources.files("kubernetes_validate").joinpath(path).read_bytes())
    loaded: dict[str, Any] = data["$defs"]
    return loaded


@functools.cache
def _shapes() -> dict[str, dict[str, frozenset[str]]]:
    data = orjson.loads(importlib.resources.files("sandbox").joinpath("shapes.json").read_bytes())
    return {name: {code: frozenset(text.split()) for code, text in codes.items()} for name, codes in data.items()}


@functools.cache
def _names() -> dict[tuple[str, str, str], str]:
    """Definition names by (group, version, kind); a type shared by many groups (DeleteOptions) is none of them."""
    found = {}
    for name, raw in definitions().items():
        kinds = raw.get("x-kubernetes-group-version-kind", ())
        if len(kinds) == 1:
            found[(kinds[0]["group"], kinds[0]["version"], kinds[0]["kind"])] = name
    return found


class SchemaNode:
    """One place in a schema; its children are made when asked for and kept."""

    __slots__ = ("_additional", "_fields", "_items", "kind", "name", "raw", "shape")

    def __init__(self, raw: Raw, name: str = "") -> None:
        self.raw = raw
        """The JSON schema of this place, with the keywords beside a ``$ref`` laid over the definition's own."""
        self.name = name
        """The definition's name, or empty for an inline schema."""
        self.kind: Kind = _kind_of(raw, name)
        self.shape = _shapes().get(name, {})
        """Go's encoding rules of a built-in struct: code (S, N, P, Z, T, Q, I) -> field names; see defaults.form."""
        self._fields: dict[str, SchemaNode] = {}
        self._additional: SchemaNode | None = None
        self._items: SchemaNode | None = None

    def declared(self, key: str) -> SchemaNode | None:
        """The node of a declared property; None when the struct has no such field."""
        node = self._fields.get(key)
        if node is None:
            raw = self.properties.get(key)
            if raw is None:
                return None
            node = self._fields[key] = node_of(raw)
        return node

    def child(self, key: str) -> SchemaNode | None:
        """The node of a property or of a map's value; None when the schema allows no such key."""
        found = self.declared(key) or self.additional
        if found is None and self.open:
            return ANY
        return found

    @property
    def properties(self) -> Mapping[str, Raw]:
        """The declared properties, raw."""
        found: Mapping[str, Raw] = self.raw.get("properties") or {}
        return found

    @property
    def additional(self) -> SchemaNode | None:
        """The node of a map's values."""
        if self._additional is None:
            raw = self.raw.get("additionalProperties")
            if isinstance(raw, Mapping):
                self._additional = node_of(raw)
            elif raw is True:
                self._additional = ANY
        return self._additional

    @property
    def items(self) -> SchemaNode:
        """The node of a list's elements."""
        if self._items is None:
            raw = self.raw.get("items")
            self._items = node_of(raw) if isinstance(raw, Mapping) else ANY
        return self._items

    @property
    def open(self) -> bool:
        """Whether undeclared fields are kept: a free-form object, or x-kubernetes-preserve-unknown-fields."""
        return self.kind == "any" or self.raw.get("x-kubernetes-preserve-unknown-fields") is True

    @property
    def atomic(self) -> bool:
        """Whether field ownership treats the whole value as one: lists unless map or set, maps only when marked."""
        if self.kind == "list":
            return self.raw.get("x-kubernetes-list-type") not in ("map", "set")
        return self.raw.get("x-kubernetes-map-type") == "atomic"

    @property
    def list_keys(self) -> tuple[str, ...]:
        """The keys that identify an element of an associative list; empty for sets and atomic lists."""
        if self.raw.get("x-kubernetes-list-type") != "map":
            return ()
        return tuple(self.raw.get("x-kubernetes-list-map-keys", ()))

    def key_default(self, key: str) -> Any:
        """The default of a list key, which stands in for an absent one; None when there is none."""
        node = self.items
        if key in _KEY_DEFAULTS and node.name in _KEY_DEFAULTS_IN:
            return _KEY_DEFAULTS[key]
        child = node.declared(key)
        if child is not None and key in node.shape.get("P", ()):
            return child.zero
        return (node.properties.get(key) or {}).get("default")

    @property
    def merge_key(self) -> str:
        """The key by which a strategic merge patch pairs the elements of this list; empty when it does not merge."""
        key: str = self.raw.get("x-kubernetes-patch-merge-key", "")
        return key

    @property
    def strategies(self) -> tuple[str, ...]:
        """The patch strategies of this place: merge, replace, retainKeys."""
        return tuple(s for s in self.raw.get("x-kubernetes-patch-strategy", "").split(",") if s)

    @property
    def types(self) -> tuple[str, ...]:
        """The allowed JSON types; empty when anything goes."""
        declared = self.raw.get("type", ())
        return (declared,) if isinstance(declared, str) else tuple(declared)

    @property
    def int_or_string(self) -> bool:
        """Whether the value may be an integer or a text."""
        return self.name == INT_OR_STRING or self.raw.get("x-kubernetes-int-or-string") is True

    @property
    def zero(self) -> Any:
        """Go's zero of a plain value."""
        if "boolean" in self.types:
            return False
        return 0 if {"integer", "number"} & set(self.types) else ""

    @property
    def required(self) -> tuple[str, ...]:
        """The names of required fields."""
        return tuple(self.raw.get("required", ()))


def _kind_of(raw: Raw, name: str) -> Kind:
    if name in (QUANTITY, INT_OR_STRING) or raw.get("x-kubernetes-int-or-string"):
        return "scalar"
    if raw.get("properties"):
        return "struct"
    types = raw.get("type", ())
    types = (types,) if isinstance(types, str) else types
    if raw.get("additionalProperties") and "array" not in types:
        return "map"
    if "array" in types:
        return "list"
    if not types or "object" in types:
        return "any"
    return "scalar"


@functools.cache
def _definition(name: str) -> SchemaNode:
    return SchemaNode(definitions()[name], name)


def node_of(raw: Raw) -> SchemaNode:
    """The node of a raw schema; a bare ``$ref`` gives the shared node of its definition."""
    ref = raw.get("$ref")
    if ref is None:
        return SchemaNode(raw)
    name = ref.removeprefix(_PREFIX)
    beside = {key: value for key, value in raw.items() if key.startswith("x-")}
    return SchemaNode({**definitions()[name], **beside}, name) if beside else _definition(name)


ANY = SchemaNode({})
"""A place about which nothing is known."""
TEXT = SchemaNode({"type": "string"})
"""A plain text."""


@functools.cache
def schema_for(group: str, version: str, kind: str) -> SchemaNode | None:
    """The schema of a built-in kind.

    Args:
        group: the API group; empty for the core group.
        version: for example ``v1``; a full apiVersion (``apps/v1``) is taken too.
        kind: for example ``Deployment``.
    """
    name = _names().get((group, version.rpartition("/")[2], kind))
    return None if name is None else _definition(name)


def from_structural(schema: Raw) -> SchemaNode:
    """The schema of a custom resource from its ``openAPIV3Schema``; apiVersion, kind and metadata are added."""
    text = {"type": "string"}
    properties = {**(schema.get("properties") or {}), "apiVersion": text, "kind": text}
    properties["metadata"] = {"$ref": _PREFIX + META}
    return SchemaNode({**schema, "type": "object", "properties": properties})


def unknown_fields(schema: SchemaNode, obj: Any, *, drop: bool = True) -> list[str]:
    """Paths of the fields that the schema does not declare (``spec.foo``, ``spec.containers[0].bar``).

    Args:
        schema: the schema of the object.
        obj: the object; changed in place when ``drop`` is set.
        drop: whether to remove what is unknown, as decoding into the Go types does.
    """
    found: list[str] = []
    _unknown(schema, obj, "", found, drop)
    return found


def _unknown(node: SchemaNode, value: Any, path: str, found: list[str], drop: bool) -> None:
    if isinstance(value, dict) and node.kind in ("struct", "map"):
        for key in list(value):
            child = node.child(key)
            where = f"{path}.{key}" if path else key
            if child is not None:
                _unknown(child, value[key], where, found, drop)
                continue
            found.append(where)
            if drop:
                del value[key]
    elif isinstance(value, list) and node.kind == "list":
        for index, item in enumerate(value):
            _unknown(node.items, item, f"{path}[{index}]", found, drop)


def type_errors(schema: SchemaNode, obj: Any) -> list[str]:
    """What Go's JSON decoder says about values of a wrong type, in the order of the document; empty when all fit."""
    found: list[str] = []
    _mistyped(schema, obj, "", "", found)
    return found


def _mistyped(node: SchemaNode, value: Any, owner: str, path: str, found: list[str]) -> None:
    if value is None or node.kind == "any":
        return
    fault = _fault(node, value)
    if fault is None and node.name == QUANTITY and not _is_quantity(value):
        found.append(quantity.MESSAGE)
    elif fault is not None:
        place = f"Go struct field {owner}.{path}" if path else "Go value"
        found.append(f"json: cannot unmarshal {fault} into {place} of type {_go_type(node)}")
    elif node.kind == "list":
        for item in value:
            _mistyped(node.items, item, owner, path, found)
    elif node.kind in ("struct", "map"):
        own = node.name.rpartition(".")[2] or owner
        for key, item in value.items():
            child = node.child(key)
            if child is not None:
                inner = f"{path}.{key}" if path and node.kind == "struct" else path or key
                _mistyped(child, item, own if node.kind == "struct" else owner, inner, found)


def _is_quantity(value: Any) -> bool:
    try:
        quantity.parse(value)
    except ValueError:
        return False
    return True


def _fault(node: SchemaNode, value: Any) -> str | None:
    """The JSON type of a value in Go's words when the node does not take it, else None."""
    if node.kind == "list":
        return None if isinstance(value, list) else _json_type(value)
    if node.kind in ("struct", "map"):
        return None if isinstance(value, dict) else _json_type(value)
    if node.int_or_string or node.name == QUANTITY:
        return _json_type(value) if isinstance(value, bool | list | dict) else None
    wanted = next((t for t in node.types if t != "null"), "string")
    if wanted == "integer" and isinstance(value, float):
        return None if value.is_integer() else f"number {value}"
    fits: dict[str, bool] = {
        "string": isinstance(value, str),
        "boolean": isinstance(value, bool),
        "integer": isinstance(value, int) and not isinstance(value, bool),
        "number": isinstance(value, int | float) and not isinstance(value, bool),
    }
    return None if fits.get(wanted, True) else _json_type(value)


def _json_type(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def _go_type(node: SchemaNode) -> str:
    if node.name:
        parts = node.name.split(".")
        return f"{parts[-2]}.{parts[-1]}"
    if node.kind == "list":
        return f"[]{_go_type(node.items)}"
    if node.kind == "map" and node.additional is not None:
        return f"map[string]{_go_type(node.additional)}"
    wanted = next((t for t in node.types if t != "null"), "string")
    if wanted == "integer":
        return str(node.raw.get("format", "int64"))
    names: dict[str, str] = {"boolean": "bool", "number": "float64"}
    return names.get(wanted, wanted)
