"""What one policy line alone shows: objects that no request has, words of Kubernetes, expressions that hit too much.

Everything here is a warning: the line is in force, and somebody may have meant another one. policy.rbac.lint calls it.
"""

from __future__ import annotations

import typing as t

from policy.findings import Finding, Mode, shown
from policy.patterns import Pattern, PatternError, regex, two_ends
from policy.rbac.csvline import column_of
from policy.rbac.text import Binding, PolicyLine
from policy.rbac.vocabulary import ACTIONS, WITH_SLASH, WITHOUT_OBJECT, WITHOUT_SLASH

LONG = ("update/apps/Deployment/ns/name", "delete/apps/Deployment/ns/name", "action/apps/Deployment/restart")
"""Samples of actions on single resources."""

_ANCHORS = ("^", "\\A", ".*", "(?i)^", "(?s).*", "(?i).*")
_ENDS = ("$", "\\z", ".*", ".+")
_ACTIONS = tuple(dict.fromkeys(word for words in ACTIONS.values() for word in sorted(words)))


def warning(code: str, line: PolicyLine | Binding, field: int, text: str, fix: str) -> Finding:
    """Return a warning about one field of a line, counted from 0."""
    where = f"{line.origin}:{column_of(line.text, field)}"
    return Finding(code=code, severity="warning", where=where, text=text, fix=fix)


def check_line(line: PolicyLine, *, mode: Mode, match_mode: str) -> t.Iterator[Finding]:
    """Yield what is odd about one p line."""
    if line.subject.startswith("system:"):
        yield _kubernetes(line, 1, line.subject)
    yield from _star(line, line.subject)
    if match_mode == "regex":
        yield from _wide(line, mode)
    else:
        yield from _object(line)
        yield from _overlap(line)
        yield from _library(line)


def check_binding(binding: Binding) -> t.Iterator[Finding]:
    """Yield what is odd about one g line."""
    if binding.member.startswith("system:"):
        yield _kubernetes(binding, 1, binding.member)
    yield from _star(binding, binding.member)
    if binding.member == binding.role:
        yield warning("rbac-cycle", binding, 2, f"{shown(binding.role)} is bound to itself", "another role, or no line")


def _kubernetes(line: PolicyLine | Binding, field: int, name: str) -> Finding:
    text = f"{shown(name)} is a user or group of Kubernetes, which no token of Argo CD has"
    return warning("rbac-kubernetes", line, field, text, "a group of the identity provider")


def _star(line: PolicyLine | Binding, name: str) -> t.Iterator[Finding]:
    """Report a name that was meant as a pattern."""
    if "*" in name:
        text = f"{shown(name)} means only who is called exactly so; names are no patterns"
        fix = "each name on a line of its own, or policy.default for everybody"
        yield warning("rbac-subject", line, 1, text, fix)


def _object(line: PolicyLine) -> t.Iterator[Finding]:
    """Report objects that requests about the resource never have."""
    resource, target = line.resource.literal, line.target
    if resource is None or target.broken:
        return
    if resource in WITH_SLASH and _never_slash(target.text):
        text = f"object {shown(target.text)} has no slash, and every object of {resource} has one"
        yield warning("rbac-object", line, 4, text, f"PROJECT/{target.text or '*'}")
    elif resource in WITHOUT_SLASH and _always_slash(target.text):
        text = f"object {shown(target.text)} has a slash, and no object of {resource} has one"
        yield warning("rbac-object", line, 4, text, "the name alone")
    elif resource in WITHOUT_OBJECT and not target.matches(""):
        text = f"object {shown(target.text)}, and requests about {resource} have an empty object"
        yield warning("rbac-object", line, 4, text, "*")
    elif resource == "clusters" and target.literal is not None and "://" not in target.literal:
        text = f"object {shown(target.text)} is no URL; the name of a cluster is never asked for"
        yield warning("rbac-cluster-name", line, 4, text, "the server's URL, as in https://kubernetes.default.svc")


def _never_slash(glob: str) -> bool:
    """True when no text that the glob matches has a slash (a class or a backslash may stand for one)."""
    return "/" not in glob and frozenset("*?[\\").isdisjoint(glob)


def _always_slash(glob: str) -> bool:
    """True when every text that the glob matches has a slash."""
    return "/" in glob and frozenset("[{\\").isdisjoint(glob)


def _overlap(line: PolicyLine) -> t.Iterator[Finding]:
    """Report globs whose beginning and end overlap, where Argo CD's library matches too much."""
    text = line.target.text
    ends = two_ends(text)
    if ends is None:
        return
    start, end = ends
    for size in range(min(len(start), len(end)), 0, -1):
        if start.endswith(end[:size]):
            said = f"Argo CD also matches {shown(start + end[size:])}, which is too short for {shown(text)}"
            yield warning("rbac-overlap", line, 4, said, "nothing, if both are meant")
            return


def _library(line: PolicyLine) -> t.Iterator[Finding]:
    """Report globs of which Argo CD's library misses a part."""
    for field, pattern in ((2, line.resource), (3, line.action), (4, line.target)):
        opened = pattern.text.partition("{")[2]
        inside = opened.rpartition("}")[0] if "}" in opened else opened
        if not pattern.broken and "\\" not in pattern.text and not frozenset("*?[").isdisjoint(inside):
            text = f"{shown(pattern.text)} has wildcards in braces, of which Argo CD's library misses some texts"
            yield warning("rbac-glob", line, field, text, "a line for each alternative")


def _wide(line: PolicyLine, mode: Mode) -> t.Iterator[Finding]:
    """Report expressions that are found inside other words."""
    for field, pattern, words in ((2, line.resource, tuple(ACTIONS)), (3, line.action, _ACTIONS + LONG)):
        found = _inside(pattern, words)
        if found:
            yield _too_wide(line, field, f"{shown(pattern.text)} is also found in {' and '.join(found[:3])}", mode)
    text = line.target.text
    if text and not line.target.broken and not (text.startswith(_ANCHORS) and text.endswith(_ENDS)):
        sides = [
            side for side, good in (("before", text.startswith(_ANCHORS)), ("behind", text.endswith(_ENDS))) if not good
        ]
        yield _too_wide(line, 4, f"{shown(text)} is also found with other text {' and '.join(sides)} it", mode)


def _inside(pattern: Pattern, words: tuple[str, ...]) -> list[str]:
    """Return the words in which the expression is found without matching all of them."""
    try:
        found, whole = regex(pattern.text, anchored=False), regex(pattern.text, anchored=True)
    except PatternError:
        return []
    return [word for word in words if found.matches(word) and not whole.matches(word)]


def _too_wide(line: PolicyLine, field: int, text: str, mode: Mode) -> Finding:
    meant = "Argo CD takes that as well, strict does not" if mode == "strict" else "that counts as well"
    return warning("rbac-regex-wide", line, field, f"{text}: {meant}", "anchors, as in ^applications$")
