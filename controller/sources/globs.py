"""The globs of source.directory.include and exclude: ``*`` crosses slashes, braces give choices. Pure.

Source: Argo CD user guide "Directory", which matches with gobwas/glob without separators. Patterns run on RE2.
"""

from __future__ import annotations

import functools
import re
import typing as t

import re2

from controller.sources.paths import shown
from model.errors import InvalidSpec

_LONGEST = 2048


@functools.lru_cache(maxsize=256)
def compile_glob(pattern: str, where: str, field: str) -> t.Callable[[str], bool]:
    """Return a matcher for whole paths.

    Raises:
        InvalidSpec: an unclosed brace or bracket.
    """
    try:
        if len(pattern) > _LONGEST:
            raise ValueError
        compiled = re2.compile(_translate(pattern))
    except (ValueError, re2.error):
        raise InvalidSpec(where, field, shown(pattern), "a glob with *, ?, [a-z] and {a,b}") from None
    return lambda path: compiled.fullmatch(path) is not None


def _translate(pattern: str) -> str:
    out: list[str] = []
    depth = position = 0
    while position < len(pattern):
        char = pattern[position]
        position += 1
        if char == "\\" and position < len(pattern):
            out.append(re.escape(pattern[position]))
            position += 1
        elif char == "[":
            text, position = _class(pattern, position)
            out.append(text)
        elif char == "{":
            depth += 1
            out.append("(?:")
        elif depth and char in ",}":
            depth -= char == "}"
            out.append("|" if char == "," else ")")
        else:
            out.append({"*": "(?s:.*)", "?": "(?s:.)"}.get(char) or re.escape(char))
    if depth:
        raise ValueError(pattern)
    return "".join(out)


def _class(pattern: str, position: int) -> tuple[str, int]:
    """Translate ``[a-z]`` or ``[!a-z]``, whose opening bracket stands before `position`."""
    end = pattern.index("]", position + 1)
    body = pattern[position:end]
    negated = body[0] in "!^"
    members = re.sub(r"([\\\[\]^&~|])", r"\\\1", body[negated:])
    return f"[{'^' if negated else ''}{members}]", end + 1
