"""Where a policy means one thing to Argo CD and another to strict: denies that others outrun, regex mode, scopes.

All warnings. A deny is called outrun only with a request that shows it.
"""

from __future__ import annotations

import itertools
import typing as t

from model.settings import RbacSettings
from policy.findings import Finding, Mode, shown
from policy.rbac import builtin
from policy.rbac.compiled import builtin_lines, match_mode_of
from policy.rbac.engine import Engine, Request
from policy.rbac.index import RoleLines, Rules
from policy.rbac.lint_lines import LONG, warning
from policy.rbac.text import Parsed, PolicyLine
from policy.rbac.vocabulary import ACTIONS

MOST_LINES = 50
"""Allow lines looked at for one deny line."""

MOST_SAMPLES = 24
"""Requests tried for one deny line."""


def check_modes(settings: RbacSettings, parsed: Parsed, mode: Mode, source: str) -> t.Iterator[Finding]:
    """Yield findings about what the two modes answer differently."""
    match_mode = match_mode_of(settings)
    engine = Engine(Rules(builtin_lines(mode, match_mode), parsed), {}, settings.default_role, mode)
    outrun = dict(_default_role(engine, parsed, mode)) if settings.default_role else {}
    yield from outrun.values()
    yield from _other_groups(engine, parsed, mode, outrun)
    if match_mode == "regex":
        yield from _built_in(settings.default_role, parsed, source)
    word = settings.scopes.strip()
    if word and word.replace("_", "").replace("-", "").isalnum() and word != "null":
        text = f"the plain word {shown(word)}, on which Argo CD stops half-way through the change"
        yield Finding(
            code="rbac-scopes", severity="warning", where=f"{source} scopes".strip(), text=text, fix=f"[{word}]"
        )


def _default_role(engine: Engine, parsed: Parsed, mode: Mode) -> t.Iterator[tuple[int, Finding]]:
    """Report deny lines that stop nobody in Argo CD, because the default role allows what they deny."""
    role = engine.default_role
    roles = {reach.role for reach in engine.reach(role, "")}
    lines = (line for name in roles for line in engine.rules.lines_of(name).lines if line.effect == "allow")
    allows = list(itertools.islice(lines, MOST_LINES))
    for number, line in enumerate(parsed.lines):
        if line.effect != "deny" or line.subject in roles:
            continue
        witness = next((ask for ask in _samples(line, allows) if engine.evaluate(role, ask, "").allowed), None)
        if witness is not None:
            text = f"policy.default {role} allows {' '.join(witness)} before this line is looked at: {_meant(mode)}"
            yield number, warning("rbac-default-deny", line, 0, text, "a narrower default role")


def _other_groups(engine: Engine, parsed: Parsed, mode: Mode, done: t.Container[int]) -> t.Iterator[Finding]:
    """Report deny lines beside which another role of the same caller may allow what they deny."""
    held = {binding.role for binding in parsed.bindings}
    table = RoleLines([line for line in parsed.lines if line.effect == "allow" and line.subject in held])
    for number, line in enumerate(parsed.lines):
        if line.effect != "deny" or number in done or not line.subject:
            continue
        found = _outrunner(engine, table, line)
        if found is not None:
            allow, ask = found
            who = f"{allow.origin} allows {shown(allow.subject)} {' '.join(ask)}"
            text = f"{who}; to a caller who has both {_both(mode)}"
            yield warning("rbac-deny-final", line, 0, text, "nothing, if the deny is meant to be final")


def _outrunner(engine: Engine, table: RoleLines, deny: PolicyLine) -> tuple[PolicyLine, Request] | None:
    """Return an allow line of a role that does not lead to the deny line, and a request that both hit."""
    for ask in _samples(deny, ()):
        segment = ask.target.partition("/")[0]
        for line in itertools.islice(table.candidates(ask.resource, ask.target, segment), MOST_LINES):
            hit = line.resource.matches(ask.resource) and line.action.matches(ask.action)
            if hit and line.target.matches(ask.target) and engine.evaluate(line.subject, ask, "").allowed:
                return line, ask
    return None


def _samples(line: PolicyLine, allows: t.Iterable[PolicyLine]) -> t.Iterator[Request]:
    """Yield some requests that the line hits."""
    return itertools.islice(_requests(line, allows), MOST_SAMPLES)


def _requests(line: PolicyLine, allows: t.Iterable[PolicyLine]) -> t.Iterator[Request]:
    targets = dict.fromkeys(_filled(other.target.text) for other in (line, *allows))
    targets = {target: None for target in targets if line.target.matches(target)}
    for resource in (word for word in ACTIONS if line.resource.matches(word)):
        for action in dict.fromkeys([*sorted(ACTIONS[resource]), *LONG, _filled(line.action.text)]):
            if line.action.matches(action):
                yield from (Request(resource, action, target) for target in targets)


def _filled(glob: str) -> str:
    """Return one text that a simple glob matches."""
    return glob.replace("**", "x").replace("*", "x").replace("?", "x")


def _meant(mode: Mode) -> str:
    return "Argo CD lets it pass, " + ("strict keeps the deny" if mode == "strict" else "and so does compat")


def _both(mode: Mode) -> str:
    return "Argo CD allows it, " + ("strict does not" if mode == "strict" else "and so does compat")


def _built_in(default_role: str, parsed: Parsed, source: str) -> t.Iterator[Finding]:
    """Report uses of the built-in roles, whose globs are no expressions."""
    text = "built-in roles do nothing in Argo CD's regex mode, and break the other roles of whoever has them"
    for binding in parsed.bindings:
        if binding.role in builtin.ROLES:
            yield warning("rbac-regex-builtin", binding, 2, text, "own roles, or policy.matchMode: glob")
    if default_role in builtin.ROLES:
        where = f"{source} policy.default".strip()
        fix = "an own role, or policy.matchMode: glob"
        yield Finding(code="rbac-regex-builtin", severity="warning", where=where, text=text, fix=fix)
