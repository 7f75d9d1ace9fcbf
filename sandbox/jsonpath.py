"""The part of JSONPath that printer columns and scale paths use: fields, indices, wildcards and equality filters."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

_STEP = re.compile(
    r"""\.(?P<field>(?:[^.\[\]\\]|\\.)+)|\[(?P<index>-?\d+)\]|\[['"](?P<quoted>[^'"]+)['"]\]|(?P<all>\[\*\]|\.\*)"""
    r"""|\[\?\(@\.(?P<left>[^=!<>\s]+)\s*(?P<op>==|!=)\s*(?P<right>"[^"]*"|'[^']*'|[^)]+)\)\]"""
)


@lru_cache(maxsize=1024)
def _steps(path: str) -> tuple[re.Match[str], ...]:
    text = path.strip("{}")
    text = text.removeprefix("$")
    text = text if text.startswith((".", "[")) else f".{text}"
    return tuple(_STEP.finditer(text))


def find(path: str, obj: Any) -> list[Any]:
    """Returns every value that a path reaches."""
    values = [obj]
    for step in _steps(path):
        values = [found for value in values for found in _take(step, value)]
    return values


def _take(step: re.Match[str], value: Any) -> list[Any]:
    name = step["field"] or step["quoted"]
    if name is not None:
        name = name.replace("\\", "") if step["field"] else name
        return [value[name]] if isinstance(value, dict) and name in value else []
    if step["all"]:
        return list(value.values() if isinstance(value, dict) else value if isinstance(value, list) else [])
    if not isinstance(value, list):
        return []
    if step["index"]:
        index = int(step["index"])
        return [value[index]] if -len(value) <= index < len(value) else []
    right = step["right"].strip("\"' ")
    return [each for each in value if _equals(each, step["left"], right) == (step["op"] == "==")]


def _equals(item: Any, left: str, right: str) -> bool:
    found = find(left, item)
    return bool(found) and str(found[0]) == right


def cell(path: str, kind: str, obj: Any) -> Any:
    """Returns the value of a table's cell: None when absent, several values joined by commas."""
    values = [value for value in find(path, obj) if value is not None]
    if not values:
        return None
    if kind in ("integer", "number", "boolean"):
        return values[0]
    return ",".join(_text(value) for value in values)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        import orjson

        return orjson.dumps(value).decode()
    return str(value)
