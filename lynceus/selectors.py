"""Label selectors as kubectl takes and prints them: ``tier=web,env in (a, b),!legacy``."""

from __future__ import annotations

import re

from model.additions import LabelSelector, Requirement
from model.errors import InvalidSettings

_WORDS = {"In": "in", "NotIn": "notin"}
_PART = re.compile(r"[^,()]+(?:\([^()]*\)\s*)?")
_SET = re.compile(r"(\S+)\s+(in|notin)\s*\(([^()]*)\)")
_EQUAL = re.compile(r"([^\s=!]+)\s*(==|!=|=)\s*([^\s=!]*)")
_KEY = re.compile(r"(?:[A-Za-z0-9.-]{1,253}/)?[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_VALUE = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?")
_WANTED = "a label selector such as tier=web,env in (a,b),!legacy"


def parse_selector(text: str) -> LabelSelector | None:
    """Read the label selector of --selector; None for empty text.

    Args:
        text: parts between commas, all of which must hold.

    Raises:
        InvalidSettings: a part is none.
    """
    if not text.strip():
        return None
    parts = [part.strip() for part in _PART.findall(text)]
    if ",".join(parts).replace(" ", "") != text.replace(" ", ""):
        raise InvalidSettings("--selector", "", repr(text[:80]), _WANTED)
    return LabelSelector(match_expressions=tuple(_requirement(part) for part in parts))


def _requirement(part: str) -> Requirement:
    found = _read(part)
    if not _KEY.fullmatch(found.key) or not all(_VALUE.fullmatch(value) for value in found.values):
        raise InvalidSettings("--selector", "", repr(part[:80]), _WANTED)
    return found


def _read(part: str) -> Requirement:
    if listed := _SET.fullmatch(part):
        values = tuple(value.strip() for value in listed[3].split(","))
        return Requirement(key=listed[1], operator="In" if listed[2] == "in" else "NotIn", values=values)
    if equal := _EQUAL.fullmatch(part):
        return Requirement(key=equal[1], operator="NotIn" if equal[2] == "!=" else "In", values=(equal[3],))
    if part.startswith("!"):
        return Requirement(key=part[1:].strip(), operator="DoesNotExist")
    return Requirement(key=part, operator="Exists")


def format_selector(selector: LabelSelector) -> str:
    """Write a label selector as kubectl takes it."""
    parts = [f"{key}={value}" for key, value in selector.match_labels.items()]
    for item in selector.match_expressions:
        if item.operator in _WORDS:
            parts.append(f"{item.key} {_WORDS[item.operator]} ({','.join(item.values)})")
        else:
            parts.append(f"!{item.key}" if item.operator == "DoesNotExist" else item.key)
    return ",".join(parts)
