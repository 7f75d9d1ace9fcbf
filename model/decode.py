"""JSON bytes -> frozen structs, with the JSON path in every error."""

from __future__ import annotations

import typing as t

import msgspec

from model.errors import InvalidInput, InvalidSpec

T = t.TypeVar("T")


def decode(kind: type[T], data: bytes | str, where: str, error: type[InvalidInput] = InvalidSpec) -> T:
    """Decode JSON into `kind`.

    Args:
        kind: a msgspec Struct or any type msgspec knows.
        data: the JSON text.
        where: what to call the object in an error, for example ``Application argocd/shop``.
        error: class to raise.

    Raises:
        InvalidInput: (or `error`) naming the JSON path and what was expected there.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as failure:
        raise _explain(failure, where, error) from None


def convert(kind: type[T], value: t.Any, where: str, error: type[InvalidInput] = InvalidSpec) -> T:
    """Convert decoded JSON values into `kind`; errors as `decode`."""
    try:
        return msgspec.convert(value, type=kind)
    except (msgspec.MsgspecError, RecursionError) as failure:
        raise _explain(failure, where, error) from None


def _explain(failure: Exception, where: str, error: type[InvalidInput]) -> InvalidInput:
    """Turn msgspec's ``Expected `str`, got `int` - at `$.spec.x``` into our form; no content is quoted."""
    text, _, path = str(failure).partition(" - at ")
    wanted, _, found = text.partition(", got ")
    if not found:
        return error(where, path.strip("`").removeprefix("$."), text or type(failure).__name__, "a valid document")
    return error(
        where, path.strip("`").removeprefix("$."), found.strip("`"), wanted.removeprefix("Expected ").strip("`")
    )
