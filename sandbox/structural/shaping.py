"""Pruning and defaulting by a structural schema. Source: k8s.io/apiextensions-apiserver, pkg/apiserver/schema."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

_ROOT = frozenset({"apiVersion", "kind", "metadata"})


def prune(schema: Mapping[str, Any], obj: dict[str, Any]) -> list[str]:
    """Drop undeclared fields of a whole object in place; returns their paths."""
    found: list[str] = []
    _prune(schema, obj, "", found, resource=True)
    return found


def _prune(schema: Mapping[str, Any], value: Any, path: str, found: list[str], *, resource: bool) -> None:
    if isinstance(value, dict):
        _prune_map(schema, value, path, found, resource=resource)
    elif isinstance(value, list):
        items = schema.get("items")
        for index, item in enumerate(value):
            inner = items if isinstance(items, Mapping) else _kept(schema)
            _prune(inner, item, f"{path}[{index}]", found, resource=_embedded(inner))


def _prune_map(
    schema: Mapping[str, Any], value: dict[str, Any], path: str, found: list[str], *, resource: bool
) -> None:
    properties = schema.get("properties") or {}
    extra = schema.get("additionalProperties")
    for key in list(value):
        where = f"{path}.{key}" if path else key
        if resource and key in _ROOT:
            continue
        if key in properties:
            _prune(properties[key], value[key], where, found, resource=_embedded(properties[key]))
        elif isinstance(extra, Mapping):
            _prune(extra, value[key], where, found, resource=_embedded(extra))
        elif not (extra is True or schema.get("x-kubernetes-preserve-unknown-fields")):
            found.append(where)
            del value[key]


def _embedded(schema: Mapping[str, Any]) -> bool:
    return schema.get("x-kubernetes-embedded-resource") is True


def _kept(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of items that nobody describes: kept as they are where unknown fields are."""
    return {"x-kubernetes-preserve-unknown-fields": True} if schema.get("x-kubernetes-preserve-unknown-fields") else {}


def fill_defaults(schema: Mapping[str, Any], value: Any) -> None:
    """Fill in defaults in place."""
    if isinstance(value, dict):
        for key, inner in (schema.get("properties") or {}).items():
            if "default" in inner and (key not in value or (value[key] is None and not inner.get("nullable"))):
                value[key] = copy.deepcopy(inner["default"])
            if key in value:
                fill_defaults(inner, value[key])
        extra = schema.get("additionalProperties")
        if isinstance(extra, Mapping):
            _fill_values(schema, extra, value)
    elif isinstance(value, list) and isinstance(schema.get("items"), Mapping):
        for index, item in enumerate(value):
            if item is None and "default" in schema["items"] and not schema["items"].get("nullable"):
                value[index] = copy.deepcopy(schema["items"]["default"])
            fill_defaults(schema["items"], value[index])


def _fill_values(schema: Mapping[str, Any], extra: Mapping[str, Any], value: dict[str, Any]) -> None:
    for key in value:
        if key in (schema.get("properties") or {}):
            continue
        if value[key] is None and "default" in extra and not extra.get("nullable"):
            value[key] = copy.deepcopy(extra["default"])
        fill_defaults(extra, value[key])
