"""Translate the two glob dialects of Argo CD into RE2, and tell the simple shapes apart that need no expression.

Dialects: gobwas/glob 0.2 (RBAC, windows, sources, destinations, source namespaces) and Go's path.Match (kind lists).
Only text work: policy.patterns compiles the result. Source: the lexers of github.com/gobwas/glob and of Go's path.
"""

from __future__ import annotations

import re
import typing as t

import msgspec

ANY, SUPER, SINGLE, CLASS, TERMS = "*", "**", "?", "[]", "{}"


class GlobError(ValueError):
    """A pattern that the dialect does not compile; `column` is 1-based inside the pattern."""

    def __init__(self, text: str, column: int) -> None:
        super().__init__(text)
        self.column = column


class Translation(msgspec.Struct, frozen=True):
    """A glob as RE2 text, and its pieces: (kind, text), kind empty for literal text."""

    regex: str
    pieces: tuple[tuple[str, str], ...]


def translate_gobwas(pattern: str, separator: str = "") -> Translation:
    """Translate a gobwas glob.

    Args:
        pattern: ``*`` stops at the separator, ``**`` never; ``?``, ``[abc]``, ``[!abc]``, one range ``[a-c]``,
            ``{a,b}``, backslash escapes. An open brace is closed at the end, as upstream does.
        separator: one character or empty.

    Raises:
        GlobError: an open or empty class, more than one range in a class, or a reversed range.
    """
    return _Gobwas(pattern, separator).translate()


class _Gobwas:
    """One pass over a gobwas glob."""

    def __init__(self, pattern: str, separator: str) -> None:
        self.text, self.at, self.depth = pattern, 0, 0
        self.not_separator = f"[^{_quoted(separator)}]" if separator else "."
        self.pieces: list[tuple[str, str]] = []
        self.regex: list[str] = []

    def translate(self) -> Translation:
        while self.at < len(self.text):
            self._item(self.text[self.at])
        return Translation("".join(self.regex) + ")" * self.depth, tuple(self.pieces))

    def _item(self, char: str) -> None:
        if char == "{":
            self._emit("(?:", TERMS)
            self.depth += 1
        elif char == "}" and self.depth:
            self._emit(")", TERMS)
            self.depth -= 1
        elif char == "," and self.depth:
            self._emit("|", TERMS)
        elif char == "?":
            self._emit(self.not_separator, SINGLE)
        elif char == "*":
            self._star()
        elif char == "[":
            self._class()
        else:
            literal = self._literal("?*[{},") if self.depth else self._literal("?*[{")
            if literal:
                self.regex.append(re.escape(literal))
                self.pieces.append(("", literal))

    def _emit(self, regex: str, kind: str) -> None:
        self.regex.append(regex)
        self.pieces.append((kind, self.text[self.at]))
        self.at += 1

    def _star(self) -> None:
        if self.text.startswith("**", self.at):
            self.at += 1
            self._emit(".*", SUPER)
        else:
            self._emit(self.not_separator + "*", ANY)

    def _literal(self, breakers: str) -> str:
        found, escaped = [], False
        while self.at < len(self.text):
            char = self.text[self.at]
            if not escaped and char == "\\":
                escaped = True
            elif not escaped and char in breakers:
                break
            else:
                found.append(char)
                escaped = False
            self.at += 1
        return "".join(found)

    def _class(self) -> None:
        start, self.at = self.at, self.at + 1
        negated = self.text.startswith("!", self.at)
        self.at += negated
        if self.text[self.at + 1 : self.at + 2] == "-":
            body = self._range(start)
        else:
            letters = self._literal("]")
            body = "".join(map(_quoted, letters))
        if not body or not self.text.startswith("]", self.at):
            raise GlobError("a class must be [abc], [!abc] or one range [a-c]", start + 1)
        self.at += 1
        self.regex.append(f"[{'^' if negated else ''}{body}]")
        self.pieces.append((CLASS, self.text[start : self.at]))

    def _range(self, start: int) -> str:
        low, high = self.text[self.at], self.text[self.at + 2 : self.at + 3]
        if not high:
            raise GlobError("a class must be closed, as in [a-c]", start + 1)
        if high < low:
            raise GlobError("a range must run upwards, as in [a-c]", start + 1)
        self.at += 3
        return f"{_quoted(low)}-{_quoted(high)}"


def translate_path_match(pattern: str) -> Translation:
    """Translate a pattern of Go's path.Match: stars stop at a slash, ``[^a-z0-9]``, backslash escapes; no braces.

    Raises:
        GlobError: path.Match would answer with ErrBadPattern.
    """
    regex: list[str] = []
    pieces: list[tuple[str, str]] = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        if char in "*?":
            regex.append("[^/]*" if char == "*" else "[^/]")
            pieces.append((ANY if char == "*" else SINGLE, char))
            at += 1
        elif char == "[":
            body, end = _path_class(pattern, at)
            regex.append(body)
            pieces.append((CLASS, pattern[at:end]))
            at = end
        else:
            char, at = _path_char(pattern, at, at)
            regex.append(re.escape(char))
            pieces.append(("", char))
    return Translation("".join(regex), tuple(_joined(pieces)))


def _path_class(pattern: str, start: int) -> tuple[str, int]:
    """Return (RE2 class, index behind it); a reversed range matches nothing, as in Go."""
    at = start + 1
    negated = pattern.startswith("^", at)
    at += negated
    parts: list[str] = []
    ranges = 0
    while ranges == 0 or not pattern.startswith("]", at):
        low, at = _class_char(pattern, at, start)
        high = low
        if pattern.startswith("-", at):
            high, at = _class_char(pattern, at + 1, start)
        ranges += 1
        if low <= high:
            parts.append(f"{_quoted(low)}-{_quoted(high)}")
    if not parts:
        return ("." if negated else "[^\\x{0}-\\x{10FFFF}]"), at + 1
    return f"[{'^' if negated else ''}{''.join(parts)}]", at + 1


def _class_char(pattern: str, at: int, start: int) -> tuple[str, int]:
    if pattern[at : at + 1] in ("", "-", "]"):
        raise GlobError("a class must be closed and start with a character, as in [a-z]", start + 1)
    return _path_char(pattern, at, start)


def _path_char(pattern: str, at: int, start: int) -> tuple[str, int]:
    """Return (character, index behind it), with its backslash taken off."""
    if pattern[at] == "\\":
        at += 1
    if at >= len(pattern):
        raise GlobError("a pattern must not end with a backslash", start + 1)
    return pattern[at], at + 1


def _joined(pieces: t.Iterable[tuple[str, str]]) -> t.Iterator[tuple[str, str]]:
    """Join neighbouring literal pieces."""
    literal = ""
    for kind, text in pieces:
        if not kind:
            literal += text
            continue
        if literal:
            yield ("", literal)
        literal = ""
        yield (kind, text)
    if literal:
        yield ("", literal)


def _quoted(char: str) -> str:
    """Return a character as RE2 writes it inside a class."""
    return f"\\x{{{ord(char):X}}}" if char else ""
