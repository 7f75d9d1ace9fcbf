"""One generation of the whole policy: RBAC, projects with their windows, clusters. Built whole, swapped whole.

What is malformed keeps its last good form, unit by unit: argocd-rbac-cm is one unit, each AppProject one, the roles of
each AppProject one. A unit that never was good denies. An invalid sync window is in force: it blocks what it matches.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import typing as t

import msgspec

from model.additions import Additions
from model.decision import Decision
from model.project import AppProject
from model.secrets import Cluster
from model.settings import GlobalProject, RbacSettings
from policy.findings import Finding, Mode, errors_of
from policy.projects.clusters import Registry
from policy.projects.compiled import Project
from policy.projects.inherit import globals_of
from policy.rbac.compiled import SOURCE, CompiledPolicy, compile_policy
from policy.rbac.engine import Engine
from policy.rbac.explain import Answers
from policy.rbac.index import Rules
from policy.rbac.roles import closed_layer, project_layer
from policy.windows import Target


class Unit(msgspec.Struct, frozen=True):
    """One AppProject as it is in force."""

    spec: AppProject
    """The object that was read last, good or not."""
    project: Project | None
    """None: never was good, so that everything in it is denied."""
    layer: Rules
    findings: tuple[Finding, ...]
    layer_good: bool


class WindowQuestion(t.NamedTuple):
    """What the answer of the sync windows depends on, beside the instant."""

    project: str
    target: Target
    manual: bool
    started: dt.datetime | None


class Steady(t.NamedTuple):
    """An answer and for how long it stands."""

    start: dt.datetime
    end: dt.datetime | None
    decision: Decision


class Generation:
    """Everything that one answer comes from. Immutable for its users; it only remembers answers that it gave."""

    def __init__(
        self,
        *,
        identity: str,
        mode: Mode,
        control_namespace: str,
        protected: bool,
        settings: RbacSettings,
        policy: CompiledPolicy | None,
        units: dict[str, Unit],
        registry: Registry,
        global_projects: tuple[GlobalProject, ...],
    ) -> None:
        self.id, self.mode, self.control_namespace = identity, mode, control_namespace
        self.protected_namespace = control_namespace if protected and mode == "strict" else ""
        self.settings, self.policy, self.units, self.registry = settings, policy, units, registry
        self.projects = _inherit(units, global_projects)
        layers = {name: unit.layer for name, unit in units.items() if unit.layer.by_subject or unit.layer.by_member}
        self.window_answers: dict[WindowQuestion, Steady] = {}
        self.engine = Engine(policy.rules, layers, policy.default_role, mode, units) if policy else None
        self.answers = Answers(self.engine, identity)

    @property
    def scopes(self) -> tuple[str, ...]:
        """The claims that are groups."""
        return self.policy.scopes if self.policy else ()


def build(
    rbac: RbacSettings,
    projects: t.Iterable[AppProject],
    clusters: t.Iterable[Cluster] = (),
    *,
    mode: Mode = "strict",
    previous: Generation | None = None,
    control_namespace: str = "argocd",
    protect_control_namespace: bool = True,
    global_projects: t.Iterable[GlobalProject] = (),
    source: str = SOURCE,
    additions: Additions | None = None,
) -> tuple[Generation, tuple[Finding, ...]]:
    """Build a generation; total: no text of a policy makes it raise.

    Args:
        rbac: argocd-rbac-cm; an absent ConfigMap is an empty one.
        projects: all AppProjects of the control namespace.
        clusters: from the cluster Secrets.
        mode: strict or compat.
        previous: where the last good form of malformed units comes from.
        control_namespace: where Applications and AppProjects live.
        protect_control_namespace: strict only: the control namespace as a destination needs an entry that names it.
        global_projects: globalProjects of argocd-cm.
        source: what the policy text belongs to, for places; empty when each key of `rbac.csv` is a place by itself.
        additions: lynceus-cm; None is an absent one.
    """
    policy, findings = _policy(rbac, mode, previous, source)
    match_mode = policy.match_mode if policy else "glob"
    units = {spec.metadata.name: _unit(spec, mode, match_mode, previous) for spec in projects}
    found = [*findings, *(finding for unit in units.values() for finding in unit.findings)]
    rules = tuple(global_projects)
    found += _missing_globals(rules, units)
    registry = Registry(clusters)
    identity = _identity(rbac, units, registry, rules, mode, policy)
    generation = Generation(
        identity=identity,
        mode=mode,
        control_namespace=control_namespace,
        protected=protect_control_namespace,
        settings=rbac,
        policy=policy,
        units=units,
        registry=registry,
        global_projects=rules,
    )
    return generation, tuple(found)


def _policy(
    rbac: RbacSettings, mode: Mode, previous: Generation | None, source: str
) -> tuple[CompiledPolicy | None, tuple[Finding, ...]]:
    policy, findings = compile_policy(rbac, mode=mode, source=source)
    if policy is None and previous is not None and previous.mode == mode:
        return previous.policy, findings
    return policy, findings


def _unit(spec: AppProject, mode: Mode, match_mode: str, previous: Generation | None) -> Unit:
    """Compile one project, or take what is still good of the last generation."""
    known = previous.units.get(spec.metadata.name) if previous and previous.mode == mode else None
    same_dialect = previous is not None and previous.policy is not None and previous.policy.match_mode == match_mode
    if known and known.spec == spec and same_dialect:
        return known
    project: Project | None = Project(spec, mode)
    findings = [*project.findings, *(f for window in project.windows for f in window.findings)] if project else []
    if project and errors_of(project.findings):
        project = known.project if known else None
    parsed = project_layer(spec, mode=mode, match_mode=match_mode)
    findings += parsed.findings
    if not errors_of(parsed.findings):
        return Unit(spec, project, Rules(parsed), tuple(findings), True)
    layer = known.layer if known and known.layer_good else Rules(closed_layer(spec)) if mode == "strict" else Rules()
    return Unit(spec, project, layer, tuple(findings), bool(known and known.layer_good))


def _inherit(units: dict[str, Unit], rules: tuple[GlobalProject, ...]) -> dict[str, Project | None]:
    """Return the projects with what they inherit."""
    merged: dict[str, Project | None] = {}
    for name, unit in units.items():
        parents = [units[parent].project for parent in globals_of(unit.spec, rules) if parent in units]
        good = [parent for parent in parents if parent is not None]
        whole = unit.project is not None and len(good) == len(parents)
        merged[name] = unit.project.with_globals(good) if whole and unit.project else None
    return merged


def _missing_globals(rules: tuple[GlobalProject, ...], units: dict[str, Unit]) -> t.Iterator[Finding]:
    for rule in rules:
        if rule.project_name not in units:
            text, fix = f"project {rule.project_name!r} does not exist", "a project of the control namespace"
            where = "argocd-cm globalProjects"
            yield Finding(code="project-global", severity="warning", where=where, text=text, fix=fix)


def _identity(
    rbac: RbacSettings,
    units: dict[str, Unit],
    registry: Registry,
    rules: tuple[GlobalProject, ...],
    mode: Mode,
    policy: CompiledPolicy | None,
) -> str:
    """Return a short hash of everything that went in, also of the generation of a policy that was kept."""
    kept = policy.generation if policy else ""
    clusters = [(cluster.name, cluster.server, cluster.project) for cluster in registry.clusters]
    parts = [mode, kept, rbac, [units[name].spec for name in sorted(units)], clusters, rules]
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:12]
