"""What Argo CD's API checks in the roles of an AppProject when it is written; kubectl writes past these checks.

What could widen rights is an error of strict (policy.rbac.roles) and a warning of compat here; the rest are warnings
in both, since it only keeps a role from working or the object from being written through the API.
Source: Argo CD AppProject.ValidateProject, validatePolicy.
"""

from __future__ import annotations

import re
import typing as t

import msgspec

from model.project import AppProject, ProjectRole
from policy.findings import Finding, Mode, shown
from policy.rbac.roles import project_layer
from policy.rbac.text import Parsed, PolicyLine

ACTIONS = frozenset({"get", "create", "update", "delete", "sync", "override", "rollback", "*"})

_PARTS = ("action/", "update/", "delete/")

_NAME = re.compile(r"[a-zA-Z0-9]([-_a-zA-Z0-9]*[a-zA-Z0-9])?\Z")

_OBJECT = re.compile(r"(/[*\w.-]+){1,2}\Z", re.ASCII)


def check_project(project: AppProject, layer: Parsed, mode: Mode) -> t.Iterator[Finding]:
    """Yield findings about the roles of a project."""
    yield from layer.findings
    if mode == "compat":
        strict = project_layer(project, mode="strict", match_mode="glob").findings
        yield from (msgspec.structs.replace(f, severity="warning") for f in strict if f.code.startswith("role-"))
    seen: set[str] = set()
    for index, role in enumerate(project.spec.roles or []):
        where = f"AppProject {project.metadata.name}: spec.roles[{index}]"
        if not _NAME.match(role.name):
            yield _warning("role-name", f"{where}.name", shown(role.name), "letters and digits, - and _ inside")
        if role.name in seen:
            yield _warning("role-double", f"{where}.name", f"a second role {shown(role.name)}", "a name of its own")
        seen.add(role.name)
        yield from _doubles(role, where)
    for line in layer.lines:
        if "policies[" in line.origin:
            yield from _line(line, project.metadata.name)


def _doubles(role: ProjectRole, where: str) -> t.Iterator[Finding]:
    for field, values in (("policies", role.policies or []), ("groups", role.groups or [])):
        known: set[str] = set()
        for number, value in enumerate(values):
            if value in known:
                yield _warning("role-double", f"{where}.{field}[{number}]", f"{shown(value)} stands twice", "it once")
            known.add(value)


def _line(line: PolicyLine, project: str) -> t.Iterator[Finding]:
    action, target = line.action.text, line.target.text
    if action not in ACTIONS and not any(part in action for part in _PARTS):
        wanted = ", ".join(sorted(ACTIONS)) + ", action/…, update/… or delete/…"
        yield _warning("role-action", line.origin, f"action {shown(action)}, which the API refuses", wanted)
    if target.startswith(f"{project}/") and not _OBJECT.match(target[len(project) :]):
        text = f"object {shown(target)}, which the API refuses"
        yield _warning("role-object", line.origin, text, f"{project}/NAME or {project}/NAMESPACE/NAME, with * at most")


def _warning(code: str, where: str, text: str, fix: str) -> Finding:
    return Finding(code=code, severity="warning", where=where, text=text, fix=fix)
