"""Short ways to a policy with projects, for the tests of RBAC."""

from __future__ import annotations

import typing as t

from model.meta import ObjectMeta
from model.project import AppProject, ProjectRole, ProjectSpec
from model.settings import RbacSettings, read_rbac_settings
from policy.findings import Finding
from policy.generation import Generation, build
from policy.guard import Guard


def role(name: str, *policies: str, groups: t.Iterable[str] = ()) -> ProjectRole:
    """Return a role of a project."""
    return ProjectRole(name=name, policies=list(policies), groups=list(groups))


def project(name: str, *roles: ProjectRole) -> AppProject:
    """Return an AppProject with roles."""
    return AppProject(metadata=ObjectMeta(name=name), spec=ProjectSpec(roles=list(roles)))


def settings_of(data: str | dict[str, str]) -> RbacSettings:
    """Return the settings of a ConfigMap, or of one that has only policy.csv."""
    return read_rbac_settings({"policy.csv": data} if isinstance(data, str) else data, "1")


def generation_of(
    data: str | dict[str, str], *projects: AppProject, mode: str = "strict", previous: Generation | None = None
) -> tuple[Generation, tuple[Finding, ...]]:
    """Build a generation and its findings."""
    return build(settings_of(data), projects, mode=t.cast("t.Any", mode), previous=previous)


def guard_of(data: str | dict[str, str], *projects: AppProject, mode: str = "strict") -> Guard:
    """Build a guard."""
    return Guard(generation_of(data, *projects, mode=mode)[0])


def both(data: str | dict[str, str], *projects: AppProject) -> tuple[Guard, Guard]:
    """Build a strict and a compatible guard."""
    return guard_of(data, *projects), guard_of(data, *projects, mode="compat")
