"""Kubernetes quantities: their one canonical text. Source: k8s.io/apimachinery, pkg/api/resource."""

from __future__ import annotations

import math
import re
from fractions import Fraction

PATTERN = r"^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$"
"""The expression that the server quotes when it refuses a quantity."""
MESSAGE = f"quantities must match the regular expression '{PATTERN}'"
_TEXT = re.compile(r"([+-]?)(\d+\.?\d*|\.\d+)(Ki|Mi|Gi|Ti|Pi|Ei|n|u|m|k|M|G|T|P|E|[eE][+-]?\d+)?")
_BINARY = {name: 1024 ** (at + 1) for at, name in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"))}
_DECIMAL = {-9: "n", -6: "u", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T", 15: "P", 18: "E"}
_EXPONENTS = {name: exponent for exponent, name in _DECIMAL.items()}


def parse(value: str | float) -> Fraction:
    """The exact value of a quantity.

    Raises:
        ValueError: the text is none; the message is the server's.
    """
    return _split(value)[0]


def _split(value: str | float) -> tuple[Fraction, str]:
    match = _TEXT.fullmatch(str(value))
    if match is None:
        raise ValueError(MESSAGE)
    sign, digits, suffix = match[1], match[2], match[3] or ""
    number = Fraction(f"{sign}{digits.rstrip('.') or '0'}")
    if suffix in _BINARY:
        return number * _BINARY[suffix], "binary"
    if suffix in _EXPONENTS:
        return number * Fraction(10) ** _EXPONENTS[suffix], "decimal"
    return number * Fraction(10) ** int(suffix[1:]), "exponent"


def canonical(value: str | float) -> str:
    """The text in which the server stores a quantity: ``1000m`` is ``1``, ``1024Mi`` is ``1Gi``.

    Raises:
        ValueError: the text is no quantity.
    """
    number, form = _split(value)
    number = Fraction(math.ceil(abs(number) * 10**9), 10**9) * (-1 if number < 0 else 1)
    if number == 0:
        return "0"
    if form == "binary" and abs(number) >= 1024:
        return _binary(number)
    exponent = -9
    mantissa = int(number * 10**9)
    while mantissa % 1000 == 0 and exponent < 18:
        mantissa, exponent = mantissa // 1000, exponent + 3
    if form == "exponent":
        return f"{mantissa}e{exponent}" if exponent else str(mantissa)
    return f"{mantissa}{_DECIMAL[exponent]}"


def _binary(number: Fraction) -> str:
    whole = math.ceil(number)
    suffix = ""
    for name in _BINARY:
        if whole % 1024:
            break
        whole, suffix = whole // 1024, name
    return f"{whole}{suffix}"


def milli(value: str | float) -> str:
    """The canonical text rounded up to thousandths, as resource lists keep it."""
    number, form = _split(value)
    if form == "binary" or (number * 1000).denominator == 1:
        return canonical(value)
    return canonical(f"{math.ceil(number * 1000)}m")
