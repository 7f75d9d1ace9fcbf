"""The patterns of policy lines as automata, by the dialect they are written in; None where only samples can be tried.

Which requests there can be at all is said here, too: `within`.
"""

from __future__ import annotations

import functools

from policy.globs import GlobError
from policy.patterns import Pattern, is_one_character, two_ends
from policy.preview.automaton import EVERY, Builder, Chars, Machine, glob_machine, literal_machine, pieces_machine
from policy.preview.sides import GLOBAL
from policy.rbac.vocabulary import PROJECT_SCOPED, WITH_SLASH, WITH_URL, WITHOUT_OBJECT

SLASH = Chars(((ord("/"), ord("/")),))
NO_SLASH = SLASH._replace(negated=True)
NO_BREAK = Chars(((10, 10),), negated=True)
"""What a dot matches in an expression."""


def machine_of(pattern: Pattern, dialect: str) -> Machine | None:
    """Return the automaton that matches what the pattern matches; None when there is none for its dialect."""
    if pattern.literal is not None:
        return _literal(pattern.literal)
    if pattern.everything:
        return _glob("*")
    if dialect == "glob":
        return _glob(pattern.text)
    if dialect == "regex":
        return expression_machine(pattern.text)
    return _loose(pattern.text) if dialect == "loose" else None


@functools.lru_cache(maxsize=4096)
def _literal(text: str) -> Machine:
    return literal_machine(text)


@functools.lru_cache(maxsize=4096)
def _glob(text: str) -> Machine | None:
    try:
        return glob_machine(text)
    except GlobError:
        return None


@functools.lru_cache(maxsize=4096)
def expression_machine(text: str) -> Machine | None:
    """Return the automaton of a simple expression that must match the whole text; None for what is not simple.

    Simple are letters, dots, escaped signs, ``*``, ``+`` and ``?`` behind one character, and alternatives, also in
    brackets; anchors count only where they say nothing.
    """
    return _Expression(text).machine()


class _Expression:
    """One pass over an expression."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.depth = text, 0, 0
        self.builder = Builder()

    def machine(self) -> Machine | None:
        self.builder.open_choice()
        while self.at < len(self.text):
            if not self._item(self.text[self.at]):
                return None
        if self.depth:
            return None
        self.builder.close()
        return self.builder.done()

    def _item(self, char: str) -> bool:
        """Take one item; False when it is not simple."""
        before, after = self.text[self.at - 1 : self.at], self.text[self.at + 1 : self.at + 2]
        self.at += 1
        if char in "^$":
            return self.depth == 0 and (before if char == "^" else after) in ("", "|")
        if char == "|":
            self.builder.next_choice()
            return True
        if char in "()":
            return self._bracket(char, after)
        if char == ".":
            return self._repeated(NO_BREAK)
        if char == "\\":
            self.at += 1
            return bool(after) and after.isascii() and not after.isalnum() and self._repeated(_one(after))
        return char not in "*+?[]{}" and self._repeated(_one(char))

    def _bracket(self, char: str, after: str) -> bool:
        if char == "(":
            self.builder.open_choice()
            self.depth += 1
            if after == "?":
                self.at += 2
                return self.text.startswith("?:", self.at - 2)
            return True
        self.builder.close()
        self.depth -= 1
        return self.depth >= 0 and after not in ("*", "+", "?", "{")

    def _repeated(self, chars: Chars) -> bool:
        """Take a character, and the sign behind it that says how often."""
        sign = self.text[self.at : self.at + 1]
        if sign not in ("*", "+", "?", "{"):
            self.builder.char(chars)
            return True
        self.at += 1
        if sign == "?":
            self.builder.open_choice()
            self.builder.char(chars)
            self.builder.next_choice()
            self.builder.close()
        elif sign == "+":
            self.builder.char(chars)
        if sign in "*+":
            self.builder.star(chars)
        return sign != "{" and self.text[self.at : self.at + 1] not in ("*", "+", "?", "{")


@functools.lru_cache(maxsize=4096)
def _loose(text: str) -> Machine | None:
    """Return the automaton of a glob with the two mistakes of upstream's library; see policy.patterns.loose."""
    ends = two_ends(text)
    if ends is not None:
        return _overlapping(*ends)
    machine = _glob(text)
    return _or_nothing(machine) if machine is not None and is_one_character(text) else machine


def _overlapping(start: str, end: str) -> Machine:
    """Match start*end, also where the two share characters."""
    builder = Builder()
    builder.open_choice()
    for char in start:
        builder.char(_one(char))
    builder.star(EVERY)
    for char in end:
        builder.char(_one(char))
    for shared in range(1, min(len(start), len(end)) + 1):
        if start.endswith(end[:shared]):
            builder.next_choice()
            for char in start + end[shared:]:
                builder.char(_one(char))
    builder.close()
    return builder.done()


def _or_nothing(machine: Machine) -> Machine:
    """Match the one character of a glob, or no text at all."""
    builder = Builder()
    builder.open_choice()
    builder.char(machine.edges[0][0][0])
    builder.next_choice()
    builder.close()
    return builder.done()


def _one(char: str) -> Chars:
    return Chars(((ord(char), ord(char)),))


@functools.lru_cache(maxsize=4096)
def within(resource: str, project: str) -> Machine:
    """Return the automaton of all objects that requests about a resource can have.

    Args:
        resource: one of Argo CD's.
        project: only objects of this project; empty: of any; GLOBAL: only those of none.
    """
    if resource in WITHOUT_OBJECT:
        return literal_machine("")
    if project == GLOBAL:
        return _of_none()
    if resource == "projects":
        return literal_machine(project) if project else _name()
    if resource in PROJECT_SCOPED and project:
        return _of_project(resource, project)
    if resource in WITH_SLASH:
        return _pair()
    return glob_machine("?*")


def _of_project(resource: str, project: str) -> Machine:
    """Match PROJECT/…; an Application has a name, while the URL of a cluster is any text."""
    named = [] if resource in WITH_URL else [("?", "?")]
    return pieces_machine([("", f"{project}/"), *named, ("*", "*")])


def _name() -> Machine:
    builder = Builder()
    builder.char(NO_SLASH)
    builder.star(NO_SLASH)
    return builder.done()


def _of_none() -> Machine:
    """Match objects without a slash, those that begin with one, and URLs with their scheme: none has a project."""
    builder = Builder()
    builder.open_choice()
    builder.char(NO_SLASH)
    builder.star(NO_SLASH)
    builder.next_choice()
    builder.char(SLASH)
    builder.star(EVERY)
    builder.next_choice()
    builder.star(NO_SLASH)
    builder.char(_one(":"))
    builder.star(NO_SLASH)
    builder.char(SLASH)
    builder.star(EVERY)
    builder.close()
    return builder.done()


def _pair() -> Machine:
    """Match PROJECT/NAME and PROJECT/NAMESPACE/NAME."""
    builder = Builder()
    builder.char(NO_SLASH)
    builder.star(NO_SLASH)
    builder.char(SLASH)
    builder.char(EVERY)
    builder.star(EVERY)
    return builder.done()


def long_actions() -> Machine:
    """Return the automaton of actions on single resources of an Application."""
    return glob_machine("{action,update,delete}/?*")


def samples(text: str) -> tuple[str, ...]:
    """Return texts that an expression may match; rough, and to be tried: nothing is concluded from them alone."""
    plain = text.removeprefix("^").removesuffix("$")
    for old in (".*", ".+", "[^/]*", "[^/]+", "\\w+", "\\w*", "[a-z]+", "[a-z0-9-]+", "[a-z0-9]+"):
        plain = plain.replace(old, "x")
    plain = plain.replace("\\", "").replace("?", "")
    choices = [plain]
    if "(" in plain and ")" in plain:
        before, _, rest = plain.partition("(")
        inner, _, after = rest.partition(")")
        choices = [f"{before}{choice}{after}" for choice in inner.removeprefix("?:").split("|")]
    elif "|" in plain:
        choices = [choice.removeprefix("^").removesuffix("$") for choice in plain.split("|")]
    found = [variant for choice in choices for variant in (choice, f"x{choice}x", f"{choice}/x", f"x/{choice}")]
    return tuple(dict.fromkeys(found))
