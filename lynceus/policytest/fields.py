"""Strict reading of the mappings of a test file: keys are known and values have their types.

A mistake is named by file, line and path, together with what would be right. What the keys mean is not known here.
"""

from __future__ import annotations

import datetime as dt
import difflib
import typing as t

from lynceus.policytest.marked import Listing, Table
from model.durations import parse_time
from model.errors import InvalidSettings

_INSTANT = "an RFC 3339 time with its offset, such as 2026-12-24T12:00:00Z"


class Fields:
    """One mapping of the file, with its line."""

    def __init__(self, value: t.Any, file: str, line: int, path: str, known: t.Sequence[str]) -> None:
        self.file, self.path, self.line = file, path, line
        self.table = value if isinstance(value, Table) else Table(line)
        if not isinstance(value, Table):
            raise self.wrong("", describe(value), "a mapping with " + ", ".join(known))
        self.line = value.line
        for key in value:
            if key not in known:
                raise self.wrong(key, "an unknown key", _instead(key, known))

    def wrong(self, key: str, found: str, wanted: str, index: int | None = None) -> InvalidSettings:
        """Return the error for a key (empty: the whole mapping), or for one item of its list."""
        line, path = self.line, self.path
        if key:
            line, path = self.table.lines.get(key, line), self._path_of(key)
        if index is not None:
            lines = getattr(self.table.get(key), "lines", None)
            line = lines[index] if isinstance(lines, list) else line
            path += f"[{index}]"
        return InvalidSettings(f"{self.file}:{line}", path, found, wanted)

    def __contains__(self, key: str) -> bool:
        return key in self.table

    def line_of(self, key: str) -> int:
        """Return the line of a key."""
        return self.table.lines[key]

    def _path_of(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def nested(self, key: str, known: t.Sequence[str]) -> Fields:
        """Return the mapping under a key."""
        line = self.table.lines.get(key, self.line)
        return Fields(self.table.get(key), self.file, line, self._path_of(key), known)

    def free(self, key: str) -> Fields:
        """Return the mapping under a key, whatever its keys are."""
        value = self.table.get(key)
        return self.nested(key, tuple(value) if isinstance(value, dict) else ("names of your own",))

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text; without a default it must be there."""
        if key not in self.table and default is not None:
            return default
        value = self.table.get(key)
        if not isinstance(value, str):
            raise self.wrong(key, describe(value), "text")
        return value

    def name(self, key: str) -> str:
        """Return a text that must not be empty."""
        value = self.text(key)
        if not value.strip():
            raise self.wrong(key, "empty text", "text")
        return value

    def flag(self, key: str) -> bool:
        """Return true or false; false when absent."""
        value = self.table.get(key, False)
        if not isinstance(value, bool):
            raise self.wrong(key, describe(value), "true or false")
        return value

    def one_of(self, key: str, words: t.Sequence[str], default: str | None = None) -> str:
        """Return one of the words."""
        value = self.table.get(key, default)
        if not isinstance(value, str):
            raise self.wrong(key, describe(value), "one of " + ", ".join(words))
        if value not in words:
            raise self.wrong(key, f"{value[:40]!r}", _instead(value, words))
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts; one text alone is a list of one; absent is empty."""
        value = self.table.get(key, [])
        if isinstance(value, str):
            return (value,)
        if not isinstance(value, list):
            raise self.wrong(key, describe(value), "a list of texts")
        for index, item in enumerate(value):
            if not isinstance(item, str):
                raise self.wrong(key, describe(item), "text", index)
        return tuple(value)

    def items(self, key: str) -> t.Iterator[tuple[t.Any, int, str]]:
        """Yield (item, line, path) of a list; absent is empty."""
        value = self.table.get(key, [])
        if not isinstance(value, list):
            raise self.wrong(key, describe(value), "a list")
        lines = value.lines if isinstance(value, Listing) else []
        path = self._path_of(key)
        for index, item in enumerate(value):
            yield item, lines[index], f"{path}[{index}]"

    def pairs(self, key: str) -> dict[str, str]:
        """Return a mapping of text to text; absent is empty."""
        value = self.table.get(key, Table(self.line))
        if not isinstance(value, Table):
            raise self.wrong(key, describe(value), "a mapping of text to text")
        for name, item in value.items():
            if not isinstance(item, str):
                raise self.wrong(key, f"{describe(item)} under {name[:40]!r}", "text, quoted where YAML needs it")
        return dict(value)

    def instant(self, key: str) -> dt.datetime | None:
        """Return an instant, UTC; None when absent."""
        if key not in self.table:
            return None
        value = self.table[key]
        if not isinstance(value, str):
            raise self.wrong(key, describe(value), _INSTANT)
        return self.instant_of(key, value)

    def instant_of(self, key: str, text: str) -> dt.datetime:
        """Return the instant of a text."""
        try:
            return parse_time(text)
        except ValueError:
            raise self.wrong(key, f"{text[:40]!r}", _INSTANT) from None

    def exactly_one(self, keys: t.Sequence[str], what: str = "") -> str:
        """Return which of the keys is there; one of them must be, and no second."""
        found = [key for key in keys if key in self.table]
        if len(found) != 1:
            shown = " and ".join(found) if found else "none of " + ", ".join(keys)
            raise self.wrong("", shown, what or "exactly one of " + ", ".join(keys))
        return found[0]


def describe(value: t.Any) -> str:
    """Say what kind of value stands there, without its content."""
    if value is None:
        return "nothing"
    words = ((bool, "true or false"), (dict, "a mapping"), (list, "a list"), (str, "text"), ((int, float), "a number"))
    return next((word for kind, word in words if isinstance(value, kind)), "a value")


def _instead(word: str, known: t.Sequence[str]) -> str:
    near = difflib.get_close_matches(word, known, 1, 0.6)
    return f"{near[0]}" if near else "one of " + ", ".join(known)
