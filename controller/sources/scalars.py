"""Plain YAML scalars as Kubernetes reads them (sigs.k8s.io/yaml over Go's YAML 1.1 reader). Pure; called by `yamls`."""

from __future__ import annotations

import math
import re
import typing as t

_WORDS: dict[str, t.Any] = dict.fromkeys(("", "~", "null", "Null", "NULL"))
_WORDS |= dict.fromkeys(["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"], True)
_WORDS |= dict.fromkeys(["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"], False)
_SPECIAL = {sign + word for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")} | {".nan", ".NaN", ".NAN"}
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_INTEGER = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]([0-7]+)|0([0-7]+)|(0|[1-9][0-9]*))", re.ASCII)
_BASES = (16, 2, 8, 8, 10)
_LONGEST_NUMBER = 400
"""Characters; a longer run of digits overflows a float64 and stays text, as in Go."""
_EXACT = 1e21
"""Below it Go writes an integral float without an exponent, so it is an integer on the wire."""


class UnrepresentableError(ValueError):
    """A value or key that JSON cannot carry."""


def resolve(text: str) -> t.Any:
    """Return the JSON value of a plain scalar.

    Raises:
        UnrepresentableError: for infinities and NaN.
    """
    if text in _WORDS:
        return _WORDS[text]
    first = text[0]
    if not (first.isascii() and (first.isdigit() or first in "+-.")):
        return text
    if text in _SPECIAL:
        raise UnrepresentableError("an infinity or NaN, which JSON cannot carry")
    return _number(text)


def key_text(value: t.Any) -> str:
    """Return a mapping key as text: true, 1 and 1.5 become "true", "1" and "1.5".

    Raises:
        UnrepresentableError: for a null key.
    """
    if value is None:
        raise UnrepresentableError("a null key, where Kubernetes wants text")
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


def _number(text: str) -> t.Any:
    plain = text.replace("_", "")
    if not plain or len(plain) > _LONGEST_NUMBER:
        return text
    integer = _INTEGER.fullmatch(plain)
    if integer and text[0] != ".":
        value = _integer(integer)
        if -(2**63) <= value < 2**64:
            return value
    if not _FLOAT.fullmatch(plain):
        return text
    number = float(plain)
    if math.isinf(number):
        return text
    return int(number) if number.is_integer() and abs(number) < _EXACT else number


def _integer(found: re.Match[str]) -> int:
    digits, base = next((d, b) for d, b in zip(found.groups()[1:], _BASES, strict=True) if d is not None)
    return int(digits, base) * (-1 if found.group(1) == "-" else 1)
