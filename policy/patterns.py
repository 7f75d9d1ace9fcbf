"""Every pattern that a user writes, compiled: string shortcuts for the simple shapes, RE2 (linear time) for the rest.

No pattern of a user ever reaches Python's own `re`, whose backtracking a few stars can stall for minutes.
"""

from __future__ import annotations

import typing as t

import msgspec
import re2

from policy.globs import ANY, CLASS, SINGLE, SUPER, GlobError, Translation, translate_gobwas, translate_path_match

LONGEST_PATTERN = 4096
"""Characters. Argo CD's own objects are far shorter; compiling stays below a millisecond."""

_SPECIAL = frozenset("*?[{\\")

MOST_MEMORY = 512 * 1024
"""Bytes of one compiled expression: \\p{L}{50} alone would take longer to compile than a thousand policy lines."""

Test = t.Callable[[str], bool]


class PatternError(ValueError):
    """A pattern that does not compile; `column` is 1-based inside the pattern, 0 when unknown."""

    def __init__(self, text: str, column: int = 0) -> None:
        super().__init__(text)
        self.column = column


class Pattern(msgspec.Struct, frozen=True, eq=False):
    """A compiled pattern."""

    text: str
    """As written."""
    matches: Test
    literal: str | None = None
    """The only text that it matches, when there is one."""
    prefix: str = ""
    """Every text that it matches starts with this."""
    everything: bool = False
    """True when it matches any text at all."""
    broken: str = ""
    """Why it does not compile; then it matches nothing. Empty for a good pattern."""


def literal(text: str) -> Pattern:
    """Return the pattern that matches exactly this text."""
    return Pattern(text, text.__eq__, text, text)


def glob(text: str, separator: str = "") -> Pattern:
    """Compile a gobwas glob; PatternError when it does not compile."""
    if len(text) <= LONGEST_PATTERN and text.isascii() and text.isprintable():
        if _SPECIAL.isdisjoint(text):
            return Pattern(text, text.__eq__, text, text)
        start = text[:-1]
        if not separator and text[-1] == "*" and _SPECIAL.isdisjoint(start):
            return Pattern(text, lambda value: value.startswith(start), prefix=start, everything=not start)
    return _from_translation(text, lambda: translate_gobwas(text, separator), separator)


def loose(pattern: Pattern) -> Pattern:
    """Return a glob (without separator) as upstream's library answers it in two of its own mistakes.

    `ab*bc` also matches abc, since beginning and end may overlap; a single `?` or `[!a]` also matches the empty text.
    Source: gobwas/glob 0.2.3, match.PrefixSuffix, match.Single and match.List.
    """
    ends = two_ends(pattern.text)
    if ends is not None:
        start, end = ends
        return Pattern(pattern.text, lambda value: value.startswith(start) and value.endswith(end), prefix=start)
    if pattern.literal is None and not pattern.broken and is_one_character(pattern.text):
        return Pattern(pattern.text, lambda value: not value or pattern.matches(value))
    return pattern


def two_ends(text: str) -> tuple[str, str] | None:
    """Return the plain beginning and end of a glob that has only stars between them, None for any other glob."""
    start, _, rest = text.partition("*")
    end = rest.lstrip("*")
    return (start, end) if start and end and _SPECIAL.isdisjoint(start + end) else None


def is_one_character(text: str) -> bool:
    """True for `?` and for one negated class, which upstream's library also lets match no text at all."""
    pieces = translate_gobwas(text).pieces
    return len(pieces) == 1 and (pieces[0][0] == SINGLE or (pieces[0][0] == CLASS and text.startswith("[!")))


def path_match(text: str) -> Pattern:
    """Compile a pattern of Go's path.Match; PatternError when it does not compile."""
    return _from_translation(text, lambda: translate_path_match(text), "/")


def regex(text: str, *, anchored: bool) -> Pattern:
    """Compile an RE2 expression, for the whole text or (as upstream) for any part of it; PatternError when invalid."""
    _check_expression(text)
    _check_text(text)
    return Pattern(text, _expression(text, anchored=anchored, dot_newline=False))


def broken(text: str, why: str) -> Pattern:
    """Return a pattern that matches nothing and says why."""
    return Pattern(text, _never, broken=why)


def tolerant(compile_pattern: t.Callable[[str], Pattern], text: str) -> Pattern:
    """Compile, or return a broken pattern instead of raising."""
    try:
        return compile_pattern(text)
    except PatternError as failure:
        return broken(text, str(failure))


def _from_translation(text: str, translate: t.Callable[[], Translation], separator: str) -> Pattern:
    _check_text(text)
    try:
        translation = translate()
    except GlobError as failure:
        raise PatternError(str(failure), failure.column) from None
    return _shortcut(text, translation, separator) or Pattern(
        text,
        _expression(translation.regex, anchored=True, dot_newline=True),
        prefix=_leading(translation),
    )


def _shortcut(text: str, translation: Translation, separator: str) -> Pattern | None:
    """Return a pattern of plain string tests for literal, any, prefix, suffix and infix shapes."""
    pieces = translation.pieces
    shape = "".join("t" if not kind else "*" if _crosses(kind, separator) else "x" for kind, _ in pieces)
    if shape == "":
        return literal("")
    if shape == "t":
        return Pattern(text, pieces[0][1].__eq__, pieces[0][1], pieces[0][1])
    if set(shape) == {"*"}:
        return Pattern(text, _always, everything=True)
    if shape == "t*":
        start = pieces[0][1]
        return Pattern(text, lambda value: value.startswith(start), prefix=start)
    if shape == "*t":
        end = pieces[1][1]
        return Pattern(text, lambda value: value.endswith(end))
    if shape == "*t*":
        inner = pieces[1][1]
        return Pattern(text, lambda value: inner in value)
    if shape == "t*t":
        return _framed(text, pieces[0][1], pieces[2][1])
    return None


def _framed(text: str, start: str, end: str) -> Pattern:
    shortest = len(start) + len(end)

    def test(value: str) -> bool:
        return len(value) >= shortest and value.startswith(start) and value.endswith(end)

    return Pattern(text, test, prefix=start)


def _crosses(kind: str, separator: str) -> bool:
    """True for a star that matches any text, the separator included."""
    return kind == SUPER or (kind == ANY and not separator)


def _leading(translation: Translation) -> str:
    kind, text = translation.pieces[0]
    return "" if kind else text


def _always(_: str) -> bool:
    return True


def _never(_: str) -> bool:
    return False


def _check_text(text: str) -> None:
    if len(text) > LONGEST_PATTERN:
        raise PatternError(f"a pattern of {len(text)} characters; at most {LONGEST_PATTERN} are taken")
    if "\x00" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise PatternError("a pattern with a NUL or half a character")


def _check_expression(text: str) -> None:
    r"""Refuse ``\C`` (any byte), which RE2 has and Go's regexp has not."""
    at = text.find("\\")
    while at >= 0:
        if text.startswith("C", at + 1):
            raise PatternError("not an RE2 expression (\\C, any byte, is not taken)", at + 1)
        quoted = text.startswith("Q", at + 1)
        end = text.find("\\E", at + 2) if quoted else at
        at = text.find("\\", end + 2) if end >= 0 else -1


def _expression(text: str, *, anchored: bool, dot_newline: bool) -> Test:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MOST_MEMORY
    options.dot_nl = dot_newline
    options.never_capture = True
    try:
        compiled = re2.compile(text, options)
    except re2.error as failure:
        why = failure.args[0] if failure.args else ""
        said = why.decode("utf-8", "replace") if isinstance(why, bytes) else str(why)
        said = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in said[:80])
        raise PatternError(f"not an RE2 expression ({said})") from None
    return _tester(compiled.fullmatch if anchored else compiled.search)


def _tester(search: t.Callable[[str], object]) -> Test:
    def test(value: str) -> bool:
        try:
            return search(value) is not None
        except UnicodeEncodeError:
            return False

    return test
