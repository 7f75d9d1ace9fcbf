"""Everything that can be said about a policy before it is in force: what building it reports, and what takes longer.

For `lynceus rbac validate` and for start-up; building a generation runs only the checks of one line at a time.
Codes are listed in docs/policy.md. Nothing here raises, whatever the text is.
"""

from __future__ import annotations

import difflib
import re
import typing as t

from model.project import AppProject
from model.settings import RbacSettings
from policy.findings import Finding, Mode, shown
from policy.rbac import builtin
from policy.rbac.compiled import SOURCE, builtin_lines, compile_policy, match_mode_of
from policy.rbac.lint_cover import check_cover
from policy.rbac.lint_lines import check_binding, check_line
from policy.rbac.lint_modes import check_modes
from policy.rbac.lint_projects import check_project
from policy.rbac.lint_roles import Graph, check_roles
from policy.rbac.roles import project_layer
from policy.rbac.text import Parsed, parse

MOST = 100
"""Findings of one code; a generated policy repeats its mistake in every line."""

KEYS = ("policy.csv", "policy.default", "policy.matchMode", "scopes")

_PLACE = re.compile(r"(.*?)(?::(\d+))?(?::(\d+))?\Z", re.DOTALL)


def lint(
    settings: RbacSettings,
    *,
    projects: t.Iterable[AppProject] = (),
    mode: Mode = "strict",
    source: str = SOURCE,
) -> tuple[Finding, ...]:
    """Return all findings, in the order of the text; errors keep the policy, or a project's roles, out of force.

    Args:
        settings: argocd-rbac-cm.
        projects: AppProjects that are known; their roles are looked at, and names of them are not called unknown.
        mode: strict or compat, whose errors differ.
        source: what the keys belong to, for places; empty when a key is a place by itself.
    """
    known = list(projects)
    match_mode = match_mode_of(settings)
    parsed = parse(settings.csv, mode=mode, match_mode=match_mode, source=source)
    layers = [(project, project_layer(project, mode=mode, match_mode=match_mode)) for project in known]
    found = [*compile_policy(settings, mode=mode, source=source)[1], *_keys(settings, source)]
    found += _each_line([parsed, *(layer for _, layer in layers)], mode, match_mode)
    found += check_roles(_graph(parsed, [layer for _, layer in layers], settings.default_role, known))
    found += check_modes(settings, parsed, mode, source)
    for project, layer in layers:
        found += check_project(project, layer, mode)
    return _in_order(found)


def _each_line(layers: list[Parsed], mode: Mode, match_mode: str) -> t.Iterator[Finding]:
    for layer in layers:
        for line in layer.lines:
            yield from check_line(line, mode=mode, match_mode=match_mode)
        for binding in layer.bindings:
            yield from check_binding(binding)
        yield from check_cover(layer.lines, match_mode)


def _graph(parsed: Parsed, layers: list[Parsed], default_role: str, projects: list[AppProject]) -> Graph:
    fixed = builtin_lines("strict", "glob")
    lines = (*parsed.lines, *(line for layer in layers for line in layer.lines))
    bindings = (*parsed.bindings, *(binding for layer in layers for binding in layer.bindings))
    roles = {p.metadata.name: frozenset(role.name for role in p.spec.roles or ()) for p in projects}
    holders = frozenset(line.subject for line in (*fixed.lines, *lines))
    return Graph(lines, (*fixed.bindings, *bindings), holders, default_role, roles)


def _keys(settings: RbacSettings, source: str) -> t.Iterator[Finding]:
    """Report keys of the ConfigMap that mean nothing, for example policy.default in another spelling."""
    for key in settings.other_keys:
        by_case = [good for good in KEYS if good.casefold() == key.casefold()]
        near = by_case or difflib.get_close_matches(key, KEYS, 1, 0.7)
        fix = near[0] if near else "policy.csv, policy.NAME.csv, policy.default, policy.matchMode or scopes"
        where = f"{source} {key}".strip()
        text = f"key {shown(key)} means nothing to Argo CD"
        yield Finding(code="rbac-key", severity="warning", where=where, text=text, fix=fix)


def _in_order(found: list[Finding]) -> tuple[Finding, ...]:
    """Sort by place, keys in the order in which they were read, and keep at most `MOST` of each code."""
    places: dict[str, int] = {}
    keyed = []
    for finding in dict.fromkeys(found):
        match = _PLACE.match(finding.where)
        place, line, column = match.groups() if match else (finding.where, None, None)
        if place == builtin.SOURCE:
            continue
        rank = places.setdefault(place or "", len(places))
        keyed.append(((rank, int(line or 0), int(column or 0), finding.code), finding))
    counts: dict[str, int] = {}
    kept = []
    for _, finding in sorted(keyed, key=lambda item: item[0]):
        counts[finding.code] = counts.get(finding.code, 0) + 1
        if counts[finding.code] <= MOST or finding.severity == "error":
            kept.append(finding)
    return tuple(kept)
