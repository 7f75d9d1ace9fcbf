"""Kubernetes label selectors, checked and matched. Source: apimachinery, LabelSelectorAsSelector."""

from __future__ import annotations

import re
import typing as t

from model.additions import LabelSelector, Requirement

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
_PREFIX = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")

OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")


def takes(selector: LabelSelector, labels: t.Mapping[str, str]) -> bool:
    """Return whether everything in the selector holds; an empty one takes every object."""
    exact = all(labels.get(key) == value for key, value in selector.match_labels.items())
    return exact and all(_holds(item, labels) for item in selector.match_expressions)


def _holds(item: Requirement, labels: t.Mapping[str, str]) -> bool:
    found = labels.get(item.key)
    match item.operator:
        case "In":
            return found is not None and found in item.values
        case "NotIn":
            return found is None or found not in item.values
        case "Exists":
            return found is not None
    return found is None


def problems_of(selector: LabelSelector) -> t.Iterator[tuple[str, str, str]]:
    """Yield (path in the selector, what was found, what would be right) for whatever cannot be evaluated."""
    for key, value in selector.match_labels.items():
        if not is_key(key):
            yield "matchLabels", f"key {_quoted(key)}", "a label key such as app.kubernetes.io/name"
        if not is_value(value):
            yield f"matchLabels[{_quoted(key)}]", f"value {_quoted(value)}", "at most 63 letters, digits, '-', '_', '.'"
    for number, item in enumerate(selector.match_expressions):
        where = f"matchExpressions[{number}]"
        if not is_key(item.key):
            yield f"{where}.key", f"key {_quoted(item.key)}", "a label key such as app.kubernetes.io/name"
        if item.operator not in OPERATORS:
            yield f"{where}.operator", _quoted(item.operator), "In, NotIn, Exists or DoesNotExist"
        elif item.operator in ("In", "NotIn") and not (item.values and all(map(is_value, item.values))):
            yield f"{where}.values", "no usable values", f"at least one label value for {item.operator}"
        elif item.operator in ("Exists", "DoesNotExist") and item.values:
            yield f"{where}.values", "values", f"none for {item.operator}"


def is_key(key: str) -> bool:
    """Return whether a text may be the key of a label."""
    prefix, slash, name = key.rpartition("/")
    return bool(_NAME.fullmatch(name)) and (not slash or bool(_PREFIX.fullmatch(prefix)))


def is_value(value: str) -> bool:
    """Return whether a text may be the value of a label."""
    return not value or bool(_NAME.fullmatch(value))


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:39] + "…")
