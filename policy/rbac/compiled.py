"""argocd-rbac-cm as one unit: text, default role, match mode and scopes come into force together or not at all."""

from __future__ import annotations

import typing as t

import msgspec

from model.settings import RbacSettings
from policy.findings import Finding, Mode, errors_of, shown
from policy.rbac import builtin
from policy.rbac.index import Rules
from policy.rbac.scopes import DEFAULT, read_scopes
from policy.rbac.text import Parsed, parse

SOURCE = "argocd-rbac-cm"


class CompiledPolicy(msgspec.Struct, frozen=True):
    """A policy that can be asked."""

    rules: Rules
    default_role: str
    match_mode: str
    scopes: tuple[str, ...]
    generation: str
    """Of the text that is in force: the resourceVersion of the ConfigMap or a hash."""


def compile_policy(
    settings: RbacSettings, *, mode: Mode, source: str = SOURCE
) -> tuple[CompiledPolicy | None, tuple[Finding, ...]]:
    """Compile the ConfigMap; None when something in it keeps the whole from coming into force."""
    findings: list[Finding] = list(_check_match_mode(settings, mode, source))
    match_mode = match_mode_of(settings)
    scopes: tuple[str, ...] = DEFAULT
    try:
        scopes = read_scopes(settings.scopes)
    except ValueError as failure:
        where, fix = f"{source} scopes", "a YAML list in a string: '[groups, email]'"
        findings.append(Finding(code="rbac-scopes", severity="error", where=where, text=str(failure), fix=fix))
    parsed = parse(settings.csv, mode=mode, match_mode=match_mode, source=source)
    findings += parsed.findings
    if errors_of(findings):
        return None, tuple(findings)
    rules = Rules(builtin_lines(mode, match_mode), parsed)
    findings += _check_default_role(settings.default_role, rules, source)
    return CompiledPolicy(rules, settings.default_role, match_mode, scopes, settings.generation), tuple(findings)


def match_mode_of(settings: RbacSettings) -> str:
    """Return regex or glob; whatever is neither counts as glob."""
    return "regex" if settings.match_mode == "regex" else "glob"


_BUILTIN: dict[str, Parsed] = {}


def builtin_lines(mode: Mode, match_mode: str) -> Parsed:
    """Return the built-in roles; upstream reads their globs as regular expressions in regex mode, where they break."""
    dialect = "regex" if mode == "compat" and match_mode == "regex" else "glob"
    if dialect not in _BUILTIN:
        csv = [(builtin.SOURCE, builtin.TEXT)]
        # before every line of a user, as they are loaded first
        _BUILTIN[dialect] = parse(csv, mode="compat", match_mode=dialect, source="", first=-1000)
    return _BUILTIN[dialect]


def _check_match_mode(settings: RbacSettings, mode: Mode, source: str) -> t.Iterator[Finding]:
    if settings.match_mode not in ("", "glob", "regex"):
        yield Finding(
            code="rbac-match-mode",
            severity="error" if mode == "strict" else "warning",
            where=f"{source} policy.matchMode",
            text=f"{shown(settings.match_mode)}, which Argo CD takes for glob without a word",
            fix="glob or regex",
        )


def _check_default_role(role: str, rules: Rules, source: str) -> t.Iterator[Finding]:
    if role and role not in rules.by_subject and role not in rules.by_member:
        where = f"{source} policy.default"
        yield Finding(
            code="rbac-default-role",
            severity="warning",
            where=where,
            text=f"{shown(role)} has no lines",
            fix="a role with lines",
        )
