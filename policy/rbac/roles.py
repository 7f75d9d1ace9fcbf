"""The roles of one AppProject as a policy layer that counts only for requests inside that project.

strict holds what Argo CD's API checks on writing, also when the object was written with kubectl: every line concerns
the role it stands in and an object of the project. A layer with an error keeps its last good form; without one,
everybody who has a broken role is denied inside the project, so that a lost deny line never opens anything.
Source: Argo CD AppProject.ProjectPoliciesString, ValidateProject.
"""

from __future__ import annotations

import typing as t

from model.project import AppProject, ProjectRole
from policy.findings import Finding, Mode, shown
from policy.patterns import glob as compile_glob
from policy.patterns import tolerant
from policy.rbac.csvline import CsvError, read_record
from policy.rbac.text import Binding, Parsed, PolicyLine, parse
from policy.rbac.vocabulary import PROJECT_SCOPED

MALFORMED = "denied while the roles of the project are malformed"
"""Instead of the text of a line, for whoever has a broken role."""


def project_layer(project: AppProject, *, mode: Mode, match_mode: str) -> Parsed:
    """Return the role lines and bindings of a project, with findings."""
    parts = [_role_layer(project, index, role, mode, match_mode) for index, role in enumerate(project.spec.roles or [])]
    return _joined(parts)


def closed_layer(project: AppProject) -> Parsed:
    """Return the layer for a project whose roles are broken: the members of its roles are denied everything in it."""
    everything = tolerant(compile_glob, "*")
    lines, bindings = [], []
    for index, role in enumerate(project.spec.roles or []):
        origin = f"{_place(project)}: spec.roles[{index}]"
        lines.append(PolicyLine(_name(project, role), everything, everything, everything, "deny", origin, MALFORMED))
        bindings += [Binding(_group_name(g), _name(project, role), origin, f"group {g}") for g in role.groups or []]
    return Parsed(tuple(lines), tuple(bindings))


def _role_layer(project: AppProject, index: int, role: ProjectRole, mode: Mode, match_mode: str) -> Parsed:
    place = f"{_place(project)}: spec.roles[{index}]"
    subject, name = _name(project, role), project.metadata.name
    own = f"p, {subject}, projects, get, {name}, allow"
    texts = [(f"{place}.policies[{number}]", text) for number, text in enumerate(role.policies or [])]
    fixed = parse([(place, own)], mode="compat", match_mode=match_mode if mode == "compat" else "glob", source="")
    parsed = parse(texts, mode=mode, match_mode=match_mode, source="")
    groups = _groups(role, place, subject, mode)
    findings = [*parsed.findings, *groups.findings]
    if mode == "strict":
        findings += [finding for line in parsed.lines for finding in _foreign(line, subject, name)]
        findings += [_not_here(binding) for binding in parsed.bindings]
    return Parsed((*fixed.lines, *parsed.lines), (*parsed.bindings, *groups.bindings), tuple(findings))


def _groups(role: ProjectRole, place: str, subject: str, mode: Mode) -> Parsed:
    """Bind the groups; compat reads each as CSV, as upstream does, where a comma without quotes spoils the line."""
    if mode == "compat":
        texts = [(f"{place}.groups[{n}]", f"g, {group}, {subject}") for n, group in enumerate(role.groups or [])]
        return parse(texts, mode=mode, match_mode="glob", source="")
    findings, bindings = [], []
    for number, group in enumerate(role.groups or []):
        where = f"{place}.groups[{number}]"
        name = _group_name(group)
        if not name or name != name.strip() or any(char in name for char in '"\t\r\n\x00'):
            fix = "a group name without outer blanks, quotes and line breaks"
            findings.append(Finding(code="role-group", severity="error", where=where, text=shown(group), fix=fix))
        bindings.append(Binding(name, subject, where, f"g, {group}, {subject}"))
    return Parsed((), tuple(bindings), tuple(findings))


def _group_name(group: str) -> str:
    """Take off the quotes that a group with a comma carries."""
    if not group.startswith('"'):
        return group
    try:
        return read_record(group)[0]
    except CsvError:
        return group


def _foreign(line: PolicyLine, subject: str, project: str) -> t.Iterator[Finding]:
    """Report what a project role must not say."""
    wanted = ""
    if line.subject != subject:
        wanted = f"the subject {subject}"
    elif line.resource.text not in PROJECT_SCOPED:
        wanted = "a resource of " + ", ".join(sorted(PROJECT_SCOPED))
    elif not line.target.text.startswith(f"{project}/") or line.target.text == f"{project}/":
        wanted = f"an object {project}/…"
    if wanted:
        yield Finding(code="role-policy", severity="error", where=line.origin, text=shown(line.text, 120), fix=wanted)


def _not_here(binding: Binding) -> Finding:
    fix = "only p lines; groups stand in spec.roles[].groups"
    return Finding(code="role-policy", severity="error", where=binding.origin, text=shown(binding.text, 120), fix=fix)


def _joined(parts: list[Parsed]) -> Parsed:
    return Parsed(
        tuple(line for part in parts for line in part.lines),
        tuple(binding for part in parts for binding in part.bindings),
        tuple(finding for part in parts for finding in part.findings),
    )


def _place(project: AppProject) -> str:
    return f"AppProject {project.metadata.name}"


def _name(project: AppProject, role: ProjectRole) -> str:
    return f"proj:{project.metadata.name}:{role.name}"
