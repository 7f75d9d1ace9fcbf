"""The policy of one test file, built for each mode that its cases ask in. Pure; total like policy.generation.build."""

from __future__ import annotations

import itertools
import typing as t

import msgspec

from lynceus.bundle import Live
from lynceus.policytest.inputs import Inputs
from model.application import Application
from model.project import AppProject
from policy.findings import Finding, Mode, errors_of
from policy.generation import build
from policy.guard import Guard
from policy.projects.compiled import Project
from policy.projects.fields import unknown_fields
from policy.windows import Window


class World(msgspec.Struct, frozen=True, kw_only=True):
    """One policy in one mode."""

    mode: Mode
    guard: Guard
    findings: tuple[Finding, ...]
    source: str
    """What places in the policy text begin with."""

    def project(self, name: str) -> Project | None:
        """Return the project with what it inherits; None when it is malformed."""
        return self.guard.current.projects.get(name)

    def windows(self, project: str) -> tuple[Window, ...]:
        """Return the windows and freezes in play for a project."""
        return self.guard.current.windows.get(project, ())

    def every_window(self) -> tuple[Window, ...]:
        """Return all windows and freezes once: also those that are meant for no project that there is."""
        current = self.guard.current
        found = itertools.chain(*current.windows.values(), current.additions.freezes, current.additions.windows)
        return tuple({window.where: window for window in found}.values())


class Worlds:
    """The policy of one file in every mode, each built on first use."""

    def __init__(self, inputs: Inputs, control_namespace: str, default: Mode) -> None:
        self.inputs, self.control_namespace, self.default = inputs, control_namespace, default
        self._built: dict[Mode, World] = {}

    def in_mode(self, mode: Mode) -> World:
        """Return the policy in a mode."""
        if mode not in self._built:
            self._built[mode] = self._build(mode)
        return self._built[mode]

    @property
    def live(self) -> Live:
        """Everything that governs, as it was read."""
        return self.inputs.live

    def used(self) -> t.Iterator[World]:
        """Yield what was built."""
        yield from self._built.values()

    def application(self, name: str) -> list[Application]:
        """Return the Applications of a name, or of NAMESPACE/NAME."""
        return [app for app in self.live.applications if name in (app.metadata.name, str(app.key))]

    def _build(self, mode: Mode) -> World:
        live, settings = self.inputs.live, self.inputs.live.settings
        generation, findings = build(
            live.rbac,
            live.projects,
            live.clusters,
            mode=mode,
            control_namespace=self.control_namespace,
            global_projects=settings.global_projects if settings.global_projects_readable else None,
            repositories=self.inputs.repositories,
            source=live.rbac_source,
            additions=live.additions,
        )
        misspelt = [each for spec in live.projects for each in _misspelt(spec)]
        return World(mode=mode, guard=Guard(generation), findings=(*findings, *misspelt), source=live.rbac_source)


def _misspelt(project: AppProject) -> tuple[Finding, ...]:
    """Return the fields whose rule is not there since their names are wrong."""
    return errors_of(unknown_fields(project, f"AppProject {project.metadata.name}"))


def unexpected(worlds: Worlds, expected: t.Callable[[Finding], bool]) -> tuple[Finding, ...]:
    """Return the errors of the policy that no case expects."""
    found = [finding for world in worlds.used() for finding in errors_of(world.findings) if not expected(finding)]
    return tuple(dict.fromkeys(found))
