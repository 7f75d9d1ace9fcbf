"""Reads requests in Kubernetes' protobuf encoding: kubectl's typed commands (`create namespace`) send nothing else.

Only the decoding of requests; answers are always JSON, which those clients accept. The numbers and types of the fields
are in ``protobuf.json``, derived from the published .proto files of Kubernetes 0.36.1.
"""

from __future__ import annotations

import base64
import datetime as dt
import functools
import importlib.resources
import struct
from collections.abc import Callable, Iterator
from typing import Any

import orjson

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\x00"
_META = "meta.v1.ObjectMeta"


class MalformedError(ValueError):
    """The bytes are no object in this encoding."""


def decode(body: bytes) -> dict[str, Any]:
    """Returns the object as JSON data.

    Raises:
        MalformedError: The bytes are cut, are no Kubernetes protobuf, or hold an unknown kind.
    """
    if not body.startswith(_MAGIC):
        raise MalformedError("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")
    try:
        envelope = {number: value for number, _, value in _fields(body[len(_MAGIC) :])}
        kind = {number: value.decode() for number, _, value in _fields(envelope.get(1, b""))}
        name = _kind_name(kind.get(1, ""), kind.get(2, ""))
        return {"apiVersion": kind.get(1, ""), "kind": kind.get(2, ""), **_message(name, envelope.get(2, b""))}
    except (IndexError, struct.error, UnicodeDecodeError, AttributeError) as err:
        raise MalformedError(f"unexpected end of protobuf: {err}") from None


@functools.cache
def _tables() -> dict[str, Any]:
    loaded: dict[str, Any] = orjson.loads(importlib.resources.files("sandbox").joinpath("protobuf.json").read_bytes())
    return loaded


def _kind_name(api_version: str, kind: str) -> str:
    group, _, version = api_version.rpartition("/")
    kinds = _tables()["kinds"]
    name = kinds.get("meta.k8s.io/v1/DeleteOptions" if kind == "DeleteOptions" else f"{group}/{version}/{kind}")
    if name is None:
        raise MalformedError(f'no kind "{kind}" is registered for version "{api_version}"')
    return str(name)


def _fields(data: bytes) -> Iterator[tuple[int, int, Any]]:
    """Yields (field number, wire type, value) of one message."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, at = _varint(data, at)
            yield number, wire, value
        elif wire == 2:
            size, at = _varint(data, at)
            if at + size > len(data):
                raise MalformedError("unexpected end of protobuf")
            yield number, wire, data[at : at + size]
            at += size
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
            yield number, wire, struct.unpack_from("<d" if wire == 1 else "<f", data, at)[0]
            at += size
        else:
            raise MalformedError(f"wire type {wire} is not used by Kubernetes")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise MalformedError("a number is too long")


def _message(name: str, data: bytes) -> dict[str, Any]:
    table = _tables()["messages"][name]
    obj: dict[str, Any] = {}
    for number, _, raw in _fields(data):
        entry = table.get(str(number))
        if entry is not None:
            _add(obj, entry[0], entry[1], entry[2] if len(entry) > 2 else "", raw)
    if name == _META:
        return {key: value for key, value in obj.items() if value not in ("", 0, None)}
    return obj


def _add(obj: dict[str, Any], field: str, kind: str, label: str, raw: Any) -> None:
    if label == "{}":
        key, value = "", _zero(kind)
        for number, _, part in _fields(raw):
            key, value = (part.decode(), value) if number == 1 else (key, _value(kind, part))
        obj.setdefault(field, {})[key] = value
    elif label == "[]":
        obj.setdefault(field, []).append(_value(kind, raw))
    elif label == "inline":
        obj.update(_message(kind, raw))
    else:
        obj[field] = _value(kind, raw)


def _zero(kind: str) -> Any:
    return {"string": "", "bytes": "", "bool": False, "int32": 0, "int64": 0}.get(kind, {})


def _value(kind: str, raw: Any) -> Any:
    if kind == "string":
        return raw.decode()
    if kind == "bytes":
        return base64.b64encode(raw).decode()
    if kind == "bool":
        return bool(raw)
    if kind in ("int32", "int64"):
        return raw - (1 << 64) if raw >= 1 << 63 else raw
    if kind == "double":
        return raw
    special = _SPECIAL.get(kind.rpartition(".")[2])
    return special(raw) if special else _message(kind, raw)


def _parts(raw: bytes) -> dict[int, Any]:
    return {number: value for number, _, value in _fields(raw)}


def _time(raw: bytes) -> str | None:
    parts = _parts(raw)
    if not parts:
        return None
    seconds = _value("int64", parts.get(1, 0))
    if seconds < -62_000_000_000:
        return None
    return (dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _micro_time(raw: bytes) -> str | None:
    text = _time(raw)
    return text and f"{text[:-1]}.{_parts(raw).get(2, 0) // 1000:06d}Z"


def _quantity(raw: bytes) -> str:
    found: bytes = _parts(raw).get(1, b"0")
    return found.decode()


def _int_or_string(raw: bytes) -> int | str:
    parts = _parts(raw)
    if parts.get(1):
        return bytes(parts.get(3, b"")).decode()
    return int(_value("int64", parts.get(2, 0)))


def _json(raw: bytes) -> Any:
    return orjson.loads(_parts(raw).get(1) or b"null")


def _wrapped_list(raw: bytes) -> list[str]:
    return [value.decode() for _, _, value in _fields(raw)]


def _schema_or(raw: bytes) -> Any:
    parts = _parts(raw)
    return _message("crd.v1.JSONSchemaProps", parts[2]) if 2 in parts else bool(parts.get(1, 0))


def _schema_of_items(raw: bytes) -> dict[str, Any]:
    return _message("crd.v1.JSONSchemaProps", _parts(raw).get(1, b""))


_SPECIAL: dict[str, Callable[[bytes], Any]] = {
    "Time": _time,
    "MicroTime": _micro_time,
    "Quantity": _quantity,
    "IntOrString": _int_or_string,
    "RawExtension": _json,
    "JSON": _json,
    "FieldsV1": _json,
    "ExtraValue": _wrapped_list,
    "JSONSchemaPropsOrBool": _schema_or,
    "JSONSchemaPropsOrArray": _schema_of_items,
}
