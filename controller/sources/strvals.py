"""Helm's --set grammar: ``a.b=1,list[0].c=x,d={e,f}`` merged into values. Pure; called by `helm`.

Source: Helm, docs "The Format and Limitations of --set", and pkg/strvals.
"""

from __future__ import annotations

import typing as t

MAX_INDEX = 65536
MAX_NESTING = 30


class SetError(ValueError):
    """A text that is not a --set expression; the message says where it stops making sense."""


def parse_into(values: dict[str, t.Any], text: str, *, as_text: bool = False) -> None:
    """Merge a --set (or, `as_text`, --set-string) expression into `values`.

    Raises:
        SetError: naming the character position.
    """
    parser = _Parser(text, as_text)
    while parser.position < len(text):
        parser.mapping(values, 0)


def set_text(values: dict[str, t.Any], name: str, content: str) -> None:
    """Set the key `name` (same grammar) to a text as it is, as --set-file does."""
    parser = _Parser(f"{name}=", True)
    parser.content = content
    parser.mapping(values, 0)


def typed(text: str) -> t.Any:
    """Return the value of an unquoted --set value: true, false, null, integers without leading zeros, else text."""
    if text.lower() in ("true", "false", "null"):
        return {"true": True, "false": False, "null": None}[text.lower()]
    digits = text.removeprefix("-").removeprefix("+")
    plain = digits.isascii() and digits.isdigit() and (text == "0" or not text.startswith("0"))
    if plain and len(text) - len(digits) <= 1 and -(2**63) <= int(text[:25]) < 2**63 and len(text) < 25:
        return int(text)
    return text


class _Parser:
    def __init__(self, text: str, as_text: bool) -> None:
        self.text, self.as_text = text, as_text
        self.position = 0
        self.content: str | None = None

    def mapping(self, into: dict[str, t.Any], depth: int) -> None:
        """Read one ``key…=value`` into a mapping."""
        key, stop = self._until(".[=,", depth)
        if stop in (",", ""):
            if not key and stop == "":
                return
            raise SetError(f"no = after the key that ends at character {self.position}")
        if not key:
            raise SetError(f"an empty key before character {self.position}")
        if stop == "=":
            into[key] = self._value()
        elif stop == ".":
            below = into.get(key)
            into[key] = below if isinstance(below, dict) else {}
            self.mapping(into[key], depth + 1)
        else:
            below = into.get(key)
            into[key] = list(below) if isinstance(below, list) else []
            self._item(into[key], depth + 1)

    def _item(self, into: list[t.Any], depth: int) -> None:
        """Read ``0]=value``, ``0].key…`` or ``0][1]…`` into a list."""
        index_text, stop = self._until("]", depth)
        if stop != "]" or not index_text.isdigit() or int(index_text[:9]) > MAX_INDEX:
            raise SetError(f"an index up to {MAX_INDEX} is wanted before character {self.position}")
        index = int(index_text)
        into.extend([None] * (index + 1 - len(into)))
        stop = self.text[self.position : self.position + 1]
        self.position += 1
        if stop == "=":
            into[index] = self._value()
        elif stop == ".":
            into[index] = into[index] if isinstance(into[index], dict) else {}
            self.mapping(into[index], depth + 1)
        elif stop == "[":
            into[index] = into[index] if isinstance(into[index], list) else []
            self._item(into[index], depth + 1)
        else:
            raise SetError(f"=, . or [ is wanted at character {self.position}")

    def _value(self) -> t.Any:
        if self.content is not None:
            return self.content
        if self.text.startswith("{", self.position):
            return self._list()
        text, _ = self._until(",", 0)
        return text if self.as_text else typed(text)

    def _list(self) -> list[t.Any]:
        self.position += 1
        found: list[t.Any] = []
        while True:
            text, stop = self._until(",}", 0)
            if not stop:
                raise SetError("a list that is opened with { and not closed")
            if text or found or stop == ",":
                found.append(text if self.as_text else typed(text))
            if stop == "}":
                if self.text.startswith(",", self.position):
                    self.position += 1
                return found

    def _until(self, stops: str, depth: int) -> tuple[str, str]:
        """Return the unescaped text up to one of `stops`, and which one it was (empty at the end)."""
        if depth > MAX_NESTING:
            raise SetError(f"nested deeper than {MAX_NESTING} levels")
        out: list[str] = []
        while self.position < len(self.text):
            char = self.text[self.position]
            self.position += 1
            if char == "\\" and self.position < len(self.text):
                out.append(self.text[self.position])
                self.position += 1
            elif char in stops:
                return "".join(out), char
            else:
                out.append(char)
        return "".join(out), ""
