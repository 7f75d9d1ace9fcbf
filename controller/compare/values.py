"""When do two spellings mean the same value? Quantities, times, base64, numbers. Pure.

Source: apimachinery resource.ParseQuantity, encoding/base64, metav1.Time as the API server reads and writes them.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import re
import typing as t
from fractions import Fraction

import msgspec

if t.TYPE_CHECKING:
    from controller.kube.schema import Node

_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d{1,3})|([numkMGTPE]|[KMGTPE]i)?)", re.ASCII)
_DECIMAL = {"n": -3, "u": -2, "m": -1, "k": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}
_SUFFIXES: dict[str, Fraction] = {
    **{suffix: Fraction(1000) ** power for suffix, power in _DECIMAL.items()},
    **{f"{suffix}i": Fraction(1024) ** power for power, suffix in enumerate("KMGTPE", start=1)},
    "": Fraction(1),
}
_NANO = Fraction(1, 10**9)


def quantity(value: t.Any) -> Fraction | None:
    """Return the amount that a Kubernetes quantity means, rounded up to nano; None if it is not one."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    found = _QUANTITY.fullmatch(str(value))
    if found is None:
        return None
    number, exponent, suffix = found.groups()
    scale = Fraction(10) ** int(exponent[1:]) if exponent else _SUFFIXES[suffix or ""]
    amount = Fraction(number) * scale
    steps = abs(amount) / _NANO
    rounded = _NANO * -(-steps.numerator // steps.denominator)
    return rounded if amount >= 0 else -rounded


def is_empty(value: t.Any) -> bool:
    """Return True for what a typed API leaves out when it writes: null, zero, false, and containers of such."""
    if isinstance(value, dict):
        return all(is_empty(item) for item in value.values())
    return not value


def same_scalar(target: t.Any, live: t.Any, node: Node | None, *, built_in: bool) -> bool:
    """Return True when two leaves mean the same.

    Args:
        target: as the manifest states it.
        live: as the server returns it.
        node: the type of the place, None if unknown.
        built_in: True for kinds compiled into the server, which rewrites quantities, times and base64.
    """
    if isinstance(target, bool) or isinstance(live, bool):
        return target is live
    if target == live:
        return True
    if node is None or not built_in:
        return False
    if node.is_quantity:
        amount = quantity(target)
        return amount is not None and amount == quantity(live)
    if not isinstance(target, str) or not isinstance(live, str):
        return False
    if node.format == "byte":
        return (decoded := _base64(target)) is not None and decoded == _base64(live)
    if node.format == "date-time":
        return (moment := _moment(target)) is not None and moment == _moment(live)
    return False


def _base64(text: str) -> bytes | None:
    try:
        return base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True)
    except (binascii.Error, ValueError):
        return None


def _moment(text: str) -> dt.datetime | None:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def canonical(value: t.Any) -> bytes:
    """Return bytes that are equal for equal JSON values, whatever the order of keys."""
    return msgspec.json.encode(value, order="sorted")
