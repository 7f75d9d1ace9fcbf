"""Bytes of a manifest file to JSON values: YAML or JSON, here or in the cage when they are large."""

from __future__ import annotations

import json
import typing as t

import msgspec

from controller.cage import Cage, CageError
from controller.sources import yamls
from model.errors import RenderError

CAGE_BYTES = 128 * 1024
"""Larger texts are parsed in another process, so that the loop's interpreter is not held: 1 MB takes up to a second."""

Documents = list[tuple[str, int, t.Any]]
"""(file, line, value)."""


def read_yaml(name: str, data: bytes, cage: Cage) -> Documents:
    """Read a YAML text.

    Raises:
        yamls.YamlError: it is not YAML as Kubernetes reads it.
        RenderError: it took too long or too much memory.
    """
    if len(data) <= CAGE_BYTES:
        return [(name, d.line, d.value) for d in yamls.parse(data, name)]
    if len(data) > yamls.MAX_BYTES:
        raise yamls.YamlError(f"{name}: {len(data)} bytes, more than the limit of {yamls.MAX_BYTES}")
    try:
        found = cage.call("controller.sources.yamls:to_json", {"data": data, "name": name})
    except CageError as failure:
        raise RenderError(f"{name}: reading it {failure.message}") from None
    if "error" in found:
        refusal = yamls.YamlError(found["error"])
        refusal.partial = found["partial"]
        raise refusal
    return [(name, line, msgspec.json.decode(value)) for line, value in found["documents"]]


def read_json(name: str, data: bytes) -> Documents:
    """Read a JSON text of exactly one object.

    Raises:
        yamls.YamlError: as `read_yaml`.
    """
    if not data.strip():
        return []
    try:
        value = json.loads(data, object_pairs_hook=_unique, parse_constant=_finite, parse_int=_integer)
    except json.JSONDecodeError as failure:
        raise yamls.YamlError(f"{name}:{failure.lineno}:{failure.colno}: not valid JSON: {failure.msg}") from None
    except _RefusedError as failure:
        raise yamls.YamlError(f"{name}: {failure}") from None
    except (UnicodeDecodeError, RecursionError):
        raise yamls.YamlError(f"{name}: not valid JSON: not UTF-8, or nested too deep") from None
    return [(name, 1, value)]


class _RefusedError(Exception):
    """A value that JSON's grammar or Python lets through and Kubernetes does not."""


def _unique(pairs: list[tuple[str, t.Any]]) -> dict[str, t.Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _RefusedError("a key that stands twice in one object")
    return found


def _finite(_: str) -> t.NoReturn:
    raise _RefusedError("an infinity or NaN, which JSON cannot carry")


def _integer(text: str) -> int | float:
    value: int | float = int(text) if len(text) < 40 else float(text)
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        raise _RefusedError("a number that is too large")
    return value
