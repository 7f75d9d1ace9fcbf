"""Validation of values by a structural schema, in the server's words.

Source: kube-openapi's validation errors and how k8s.io/apiextensions-apiserver turns them into field errors. The
keywords are type, nullable, required, enum, pattern, format, the minimum and maximum families, uniqueItems,
multipleOf, allOf, anyOf, oneOf, not, list-type set and map. Patterns are Python's regular expressions, which agree
with Go's on what schemas use; one that does not compile is not checked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import orjson

from sandbox.structural.formats import fits

Schema = Mapping[str, Any]
INVALID, REQUIRED = "FieldValueInvalid", "FieldValueRequired"
TYPE, ENUM = "FieldValueTypeInvalid", "FieldValueNotSupported"
LONG, MANY, DUPLICATE = "FieldValueTooLong", "FieldValueTooMany", "FieldValueDuplicate"


class Fault(NamedTuple):
    """One fault of an object."""

    path: str
    """Where, for example ``spec.replicas``."""
    message: str
    """What, without the path in front, as a Status cause has it."""
    reason: str
    """The cause's reason, for example FieldValueInvalid."""


def faults_of(schema: Schema, obj: dict[str, Any]) -> list[Fault]:
    """All faults of a whole object; apiVersion, kind and metadata are checked elsewhere."""
    body = {key: value for key, value in obj.items() if key not in ("apiVersion", "kind", "metadata")}
    required = [key for key in schema.get("required", ()) if key not in ("apiVersion", "kind", "metadata")]
    return list(_faults({**schema, "required": required}, body, ""))


def _faults(schema: Schema, value: Any, path: str) -> Iterator[Fault]:
    fault = _type_fault(schema, value, path)
    if fault is not None:
        yield fault
        return
    if value is None:
        return
    yield from _enum(schema, value, path)
    if isinstance(value, str):
        yield from _text(schema, value, path)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from _number(schema, value, path)
    elif isinstance(value, list):
        yield from _list(schema, value, path)
    elif isinstance(value, dict):
        yield from _map(schema, value, path)
    yield from _combined(schema, value, path)


def quoted(value: Any) -> str:
    """A value as field errors print it."""
    return orjson.dumps(value).decode()


def _invalid(path: str, value: Any, text: str) -> Fault:
    return Fault(path, f"Invalid value: {quoted(value)}: {path} in body {text}", INVALID)


def _type_fault(schema: Schema, value: Any, path: str) -> Fault | None:
    wanted = schema.get("type")
    if schema.get("x-kubernetes-int-or-string"):
        wanted = "integer,string"
    if not wanted or (value is None and schema.get("nullable")):
        return None
    actual = _type_of(value)
    accepted = wanted.split(",")
    if actual in accepted or (actual == "integer" and wanted == "number"):
        return None
    if actual == "number" and "integer" in accepted and float(value).is_integer():
        return None
    said = f'{path} in body must be of type {wanted}: "{actual}"'
    return Fault(path, f'Invalid value: "{actual}": {said}', TYPE)


def _type_of(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    for kind, name in ((float, "number"), (str, "string"), (list, "array")):
        if isinstance(value, kind):
            return name
    return "object"


def _enum(schema: Schema, value: Any, path: str) -> Iterator[Fault]:
    allowed = schema.get("enum")
    if allowed and value not in allowed:
        values = ", ".join(f'"{item}"' if isinstance(item, str) else f'"{quoted(item)}"' for item in allowed)
        yield Fault(path, f"Unsupported value: {quoted(value)}: supported values: {values}", ENUM)


def _text(schema: Schema, value: str, path: str) -> Iterator[Fault]:
    if "maxLength" in schema and len(value) > schema["maxLength"]:
        yield Fault(path, f"Too long: may not be more than {schema['maxLength']} bytes", LONG)
    if "minLength" in schema and len(value) < schema["minLength"]:
        yield _invalid(path, value, f"should be at least {schema['minLength']} chars long")
    if "pattern" in schema and not _matches(schema["pattern"], value):
        yield _invalid(path, value, f"should match '{schema['pattern']}'")
    if "format" in schema and not fits(schema["format"], value):
        yield _invalid(path, value, f'must be of type {schema["format"]}: "{value}"')


def _matches(pattern: str, value: str) -> bool:
    try:
        return re.search(pattern, value) is not None
    except re.error:
        return True


def _number(schema: Schema, value: float, path: str) -> Iterator[Fault]:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and schema.get("exclusiveMinimum") and value <= low:
        yield _invalid(path, value, f"should be greater than {low}")
    elif low is not None and value < low:
        yield _invalid(path, value, f"should be greater than or equal to {low}")
    if high is not None and schema.get("exclusiveMaximum") and value >= high:
        yield _invalid(path, value, f"should be less than {high}")
    elif high is not None and value > high:
        yield _invalid(path, value, f"should be less than or equal to {high}")
    if schema.get("multipleOf") and value % schema["multipleOf"]:
        yield _invalid(path, value, f"should be a multiple of {schema['multipleOf']}")
    if schema.get("format") == "int32" and not -(2**31) <= value < 2**31:
        yield _invalid(path, value, f"should be a valid int32: {value}")


def _list(schema: Schema, value: list[Any], path: str) -> Iterator[Fault]:
    if "maxItems" in schema and len(value) > schema["maxItems"]:
        yield Fault(path, f"Too many: {len(value)}: must have at most {schema['maxItems']} items", MANY)
    if "minItems" in schema and len(value) < schema["minItems"]:
        yield _invalid(path, len(value), f"should have at least {schema['minItems']} items")
    if schema.get("uniqueItems") and any(item in value[:at] for at, item in enumerate(value)):
        yield _invalid(path, value, "shouldn't contain duplicates")
    yield from _duplicates(schema, value, path)
    items = schema.get("items")
    if isinstance(items, Mapping):
        for index, item in enumerate(value):
            yield from _faults(items, item, f"{path}[{index}]")


def _duplicates(schema: Schema, value: list[Any], path: str) -> Iterator[Fault]:
    kind = schema.get("x-kubernetes-list-type")
    keys = schema.get("x-kubernetes-list-map-keys", ())
    if kind not in ("set", "map"):
        return
    seen: list[Any] = []
    for index, item in enumerate(value):
        known = (
            {key: item.get(key) for key in keys if key in item} if kind == "map" and isinstance(item, dict) else item
        )
        if known in seen:
            yield Fault(f"{path}[{index}]", f"Duplicate value: {quoted(known)}", DUPLICATE)
        seen.append(known)


def _map(schema: Schema, value: dict[str, Any], path: str) -> Iterator[Fault]:
    if "maxProperties" in schema and len(value) > schema["maxProperties"]:
        yield Fault(path, f"Too many: {len(value)}: must have at most {schema['maxProperties']} items", MANY)
    if "minProperties" in schema and len(value) < schema["minProperties"]:
        yield _invalid(path, value, f"should have at least {schema['minProperties']} properties")
    properties = schema.get("properties") or {}
    extra = schema.get("additionalProperties")
    for key, item in value.items():
        inner = properties.get(key, extra)
        if isinstance(inner, Mapping):
            yield from _faults(inner, item, f"{path}.{key}" if path else key)
    for key in schema.get("required", ()):
        if key not in value:
            yield Fault(f"{path}.{key}" if path else key, "Required value", REQUIRED)
    if schema.get("x-kubernetes-embedded-resource"):
        yield from (
            Fault(f"{path}.{key}", "Required value", REQUIRED) for key in ("apiVersion", "kind") if key not in value
        )


def _combined(schema: Schema, value: Any, path: str) -> Iterator[Fault]:
    name = quoted(path)
    for part in schema.get("allOf", ()):
        yield from _faults(part, value, path)
    any_of, one_of = schema.get("anyOf"), schema.get("oneOf")
    if any_of and not any(_holds(part, value, path) for part in any_of):
        text = f"{name} must validate at least one schema (anyOf)"
        yield Fault(path or "<nil>", f'Invalid value: "": {text}', INVALID)
    if one_of:
        good = sum(_holds(part, value, path) for part in one_of)
        if good != 1:
            said = "Found none valid" if not good else f"Found {good} valid alternatives"
            text = f"{name} must validate one and only one schema (oneOf). {said}"
            yield Fault(path or "<nil>", f'Invalid value: "": {text}', INVALID)
    if "not" in schema and _holds(schema["not"], value, path):
        yield Fault(path or "<nil>", f'Invalid value: "": {name} must not validate the schema (not)', INVALID)


def _holds(schema: Schema, value: Any, path: str) -> bool:
    return next(_faults(schema, value, path), None) is None
