"""Lines that change nothing: doubles, lines inside a wider one of the same subject, allows inside a deny.

What is reported is so for every request: a line is called covered only when each of its three patterns provably lies
inside the other line's. Not everything that is covered is found. Near-linear in the number of lines.
"""

from __future__ import annotations

import typing as t

from policy.findings import Finding, shown
from policy.patterns import Pattern
from policy.rbac.lint_lines import warning
from policy.rbac.text import PolicyLine

MOST_WILD = 16
"""Patterns with wildcards that are looked at for each field of one subject; more would cost time, not soundness."""

_ANY = ("*", "**")


def check_cover(lines: t.Iterable[PolicyLine], match_mode: str) -> t.Iterator[Finding]:
    """Yield findings about lines that others of the same subject make needless or dead."""
    by_subject: dict[str, list[PolicyLine]] = {}
    for line in lines:
        broken = line.resource.broken or line.action.broken or line.target.broken
        if not broken and line.effect in ("allow", "deny"):
            by_subject.setdefault(line.subject, []).append(line)
    for group in by_subject.values():
        allows, denies = (_Table(group, effect, match_mode == "glob") for effect in ("allow", "deny"))
        for number, line in enumerate(group):
            denied = denies.cover(number, line) if line.effect == "allow" else None
            if denied is not None:
                yield _dead(line, denied)
                continue
            wider = (allows if line.effect == "allow" else denies).cover(number, line)
            if wider is not None:
                yield _needless(line, wider)


def _dead(line: PolicyLine, deny: PolicyLine) -> Finding:
    text = f"allows nothing: {deny.origin} denies {shown(line.subject)} all of it, and a deny wins"
    return warning("rbac-denied", line, 0, text, "one of the two lines")


def _needless(line: PolicyLine, wider: PolicyLine) -> Finding:
    same = _triple(line) == _triple(wider)
    text = f"{'stands already at' if same else 'adds nothing to'} {wider.origin}"
    return warning("rbac-shadowed", line, 0, text if same else f"{text}: {shown(wider.text)}", "one of the two lines")


def _triple(line: PolicyLine) -> tuple[str, str, str]:
    return line.resource.text, line.action.text, line.target.text


class _Table:
    """The lines of one subject and effect, by the texts of their patterns."""

    def __init__(self, group: list[PolicyLine], effect: str, globs: bool) -> None:
        self.globs = globs
        self.effect = effect
        self.at: dict[tuple[str, str, str], tuple[int, PolicyLine]] = {}
        wild: tuple[dict[str, Pattern], dict[str, Pattern]] = ({}, {})
        self.lengths: set[int] = set()
        for number, line in enumerate(group):
            if line.effect != effect:
                continue
            self.at.setdefault(_triple(line), (number, line))
            for known, pattern in zip(wild, (line.resource, line.action), strict=True):
                if pattern.literal is None and len(known) < MOST_WILD:
                    known[pattern.text] = pattern
            if _prefix_glob(line.target):
                self.lengths.add(len(line.target.prefix))
        self.resources, self.actions = (list(known.values()) for known in wild)

    def cover(self, number: int, line: PolicyLine) -> PolicyLine | None:
        """Return another line that covers this one; of two that cover each other only the later one is reported."""
        for resource in self._over(line.resource, self.resources):
            for action in self._over(line.action, self.actions):
                for target in self._targets(line.target):
                    found = self.at.get((resource, action, target))
                    if found is None or found[1] is line:
                        continue
                    if found[0] < number or not self._covers(line, found[1]) or line.effect != self.effect:
                        return found[1]
        return None

    def _covers(self, wide: PolicyLine, narrow: PolicyLine) -> bool:
        """True when the wide line's patterns also cover the other's: then the two say the same."""
        pairs = ((wide.resource, narrow.resource), (wide.action, narrow.action), (wide.target, narrow.target))
        return all(self._inside(inner, outer) for outer, inner in pairs)

    def _over(self, pattern: Pattern, wild: list[Pattern]) -> list[str]:
        return [
            pattern.text,
            *(other.text for other in wild if other.text != pattern.text and self._inside(pattern, other)),
        ]

    def _inside(self, inner: Pattern, outer: Pattern) -> bool:
        if inner.text == outer.text:
            return True
        if not self.globs:
            return False
        if outer.everything or (inner.literal is not None and not outer.broken and outer.matches(inner.literal)):
            return True
        return _prefix_glob(outer) and inner.prefix.startswith(outer.prefix)

    def _targets(self, target: Pattern) -> t.Iterator[str]:
        """Yield the texts of objects that cover an object."""
        yield target.text
        if not self.globs:
            return
        yield from _ANY
        start = target.literal if target.literal is not None else target.prefix
        if "/" in start:
            yield "*/*"
        for length in self.lengths:
            if 0 < length <= len(start):
                yield f"{start[:length]}*"


def _prefix_glob(pattern: Pattern) -> bool:
    """True for `text*`: it matches everything that begins so."""
    return bool(pattern.prefix) and pattern.literal is None and pattern.text == f"{pattern.prefix}*"
