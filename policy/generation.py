"""One generation of the whole policy: RBAC, projects with their windows, clusters. Built whole, swapped whole.

What is malformed keeps its last good form, unit by unit: argocd-rbac-cm is one unit, each AppProject one, the roles of
each AppProject one. A unit that never was good denies. An invalid sync window is in force: it blocks what it matches.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import operator
import typing as t

import msgspec

from model.additions import Additions
from model.decision import Decision
from model.project import AppProject
from model.secrets import Cluster, Repository
from model.settings import GlobalProject, RbacSettings
from policy.findings import Finding, Mode, errors_of
from policy.projects.additions import Scoped
from policy.projects.clusters import Registry
from policy.projects.compiled import Project
from policy.projects.inherit import parents_of, selector_problem
from policy.rbac.compiled import SOURCE, CompiledPolicy, compile_policy
from policy.rbac.engine import Engine
from policy.rbac.explain import Answers
from policy.rbac.index import Rules
from policy.rbac.roles import closed_layer, project_layer
from policy.windows import Target, Window, WindowDecision
from policy.windows.checks import duplicates
from policy.windows.collect import Collection, OfProject, collect, collect_annotation
from policy.windows.roster import Roster


class Unit(msgspec.Struct, frozen=True):
    """One AppProject as it is in force."""

    spec: AppProject
    """The object that was read last, good or not."""
    project: Project | None
    """None: never was good, so that everything in it is denied."""
    layer: Rules
    findings: tuple[Finding, ...]
    layer_good: bool
    added: OfProject = OfProject()
    """The windows of the AppProject's annotation."""


class WindowQuestion(t.NamedTuple):
    """What the answer of the sync windows depends on, beside the instant."""

    project: str
    target: Target
    manual: bool
    started: dt.datetime | None
    healing: bool = False


class Steady(t.NamedTuple):
    """An answer and for how long it stands."""

    start: dt.datetime
    end: dt.datetime | None
    found: WindowDecision
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
        global_projects: tuple[GlobalProject, ...] | None,
        extended: dict[str, Project],
        additions: Collection,
        earlier: t.Mapping[str, tuple[Window, ...]],
    ) -> None:
        self.id, self.mode, self.control_namespace = identity, mode, control_namespace
        self.protected_namespace = control_namespace if protected and mode == "strict" else ""
        self.settings, self.policy, self.units, self.registry = settings, policy, units, registry
        self.global_projects = global_projects
        self.projects, self.refusals = _inherit(units, global_projects, extended, mode)
        self.additions = additions
        self.windows = {
            name: _windows(project, units[name], additions, earlier.get(name, ()))
            for name, project in self.projects.items()
        }
        """All windows that concern a project: freezes, Argo CD's own with the inherited ones, and added ones."""
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
    global_projects: t.Iterable[GlobalProject] | None = (),
    repositories: t.Iterable[Repository] = (),
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
        global_projects: globalProjects of argocd-cm; None when that text cannot be read.
        repositories: from the repository Secrets: those with a project are sources of it.
        source: what the policy text belongs to, for places; empty when each key of `rbac.csv` is a place by itself.
        additions: lynceus-cm; None is an absent one.
    """
    policy, findings = _policy(rbac, mode, previous, source)
    units = {spec.metadata.name: _unit(spec, mode, _match_mode(policy), previous) for spec in projects}
    scoped = Scoped.of(repositories, (registry := Registry(clusters)).clusters)
    extended = _extended(units, scoped, found := [*findings])
    rules = _global_rules(global_projects, mode, previous, units, found)
    collected = collect(additions, previous.additions if previous else None)
    made = Generation(
        identity=_identity(rbac, units, registry, rules, scoped, mode, policy, collected),
        mode=mode,
        control_namespace=control_namespace,
        protected=protect_control_namespace,
        settings=rbac,
        policy=policy,
        units=units,
        registry=registry,
        global_projects=rules,
        extended=extended,
        additions=collected,
        earlier=previous.windows if previous else {},
    )
    return made, (*found, *collected.findings)


def _match_mode(policy: CompiledPolicy | None) -> str:
    return policy.match_mode if policy else "glob"


def _extended(units: dict[str, Unit], scoped: Scoped, findings: list[Finding]) -> dict[str, Project]:
    """Return the projects with what Secrets add to them, and note the findings of both."""
    extended: dict[str, Project] = {}
    for name, unit in units.items():
        findings += unit.findings
        if unit.project is not None:
            extended[name], more = scoped.added_to(unit.project)
            findings += more
    return extended


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
    compiled = Project(spec, mode)
    findings = [*compiled.findings, *(f for window in compiled.windows for f in window.findings)]
    findings += duplicates([(window.where, window.spec) for window in compiled.windows])
    added = collect_annotation(spec, known.added if known else None)
    findings += added.findings
    kept = known.project if known else None
    project = kept if errors_of(compiled.findings) else compiled
    parsed = project_layer(spec, mode=mode, match_mode=match_mode)
    findings += parsed.findings
    if not errors_of(parsed.findings):
        return Unit(spec, project, Rules(parsed), tuple(findings), True, added)
    layer = known.layer if known and known.layer_good else Rules(closed_layer(spec)) if mode == "strict" else Rules()
    return Unit(spec, project, layer, tuple(findings), bool(known and known.layer_good), added)


def _global_rules(
    wanted: t.Iterable[GlobalProject] | None,
    mode: Mode,
    previous: Generation | None,
    units: dict[str, Unit],
    findings: list[Finding],
) -> tuple[GlobalProject, ...] | None:
    """Return globalProjects, or their last good form; None when nobody knows who inherits what."""
    rules = tuple(wanted) if wanted is not None else None
    bad = [f"project {rule.project_name!r} {why}" for rule in rules or () if (why := selector_problem(rule))]
    findings += _missing_globals(rules or (), units, mode)
    if rules is not None and not bad:
        return rules
    text = "; ".join(bad) or "text that is no list of {projectName, labelSelector}"
    fix, where = "label selectors as Kubernetes has them", "argocd-cm globalProjects"
    findings.append(Finding(code="project-global", severity="error", where=where, text=text, fix=fix))
    if mode == "compat":
        return rules or ()
    return previous.global_projects if previous is not None and previous.units and previous.mode == mode else rules


def _inherit(
    units: dict[str, Unit], rules: tuple[GlobalProject, ...] | None, extended: dict[str, Project], mode: Mode
) -> tuple[dict[str, Project | None], dict[str, str]]:
    """Return the projects with what their global projects add, and why some cannot be used."""
    merged: dict[str, Project | None] = {}
    refusals: dict[str, str] = {}
    for name, unit in units.items():
        merged[name] = None
        if unit.project is None:
            refusals[name] = f"project {name} is malformed and no earlier good form of it is known"
            continue
        if rules is None:
            refusals[name] = "globalProjects of argocd-cm cannot be read, and no earlier good form of it is known"
            continue
        parents = parents_of(unit.spec, rules, units, mode)
        good = [parent for other in parents.names if (parent := units[other].project) is not None]
        broken = [other for other in parents.names if units[other].project is None]
        if parents.refusal or broken:
            refusals[name] = parents.refusal or f"its global project {broken[0]} is malformed"
            continue
        merged[name] = extended[name].with_globals(good)
    return merged, refusals


def _windows(
    project: Project | None, unit: Unit, additions: Collection, earlier: tuple[Window, ...]
) -> tuple[Window, ...]:
    """Return all windows that concern a project; a freeze comes first, so that it is the one that is named.

    Those of the generation before, ordered by time as they are, when each one is still the same.
    """
    if project is None:
        return ()
    freezes, shared = additions.concerning(project.name)
    found = (*freezes, *project.windows, *unit.added.windows, *shared)
    same = len(found) == len(earlier) and all(map(operator.is_, found, earlier))
    return earlier if same and earlier else Roster(found)


def _missing_globals(rules: tuple[GlobalProject, ...], units: dict[str, Unit], mode: Mode) -> t.Iterator[Finding]:
    for rule in rules:
        if rule.project_name not in units:
            text, fix = f"project {rule.project_name!r} does not exist", "a project of the control namespace"
            where = "argocd-cm globalProjects"
            severity: t.Literal["error", "warning"] = "error" if mode == "strict" else "warning"
            yield Finding(code="project-global", severity=severity, where=where, text=text, fix=fix)


def _identity(
    rbac: RbacSettings,
    units: dict[str, Unit],
    registry: Registry,
    rules: tuple[GlobalProject, ...] | None,
    scoped: Scoped,
    mode: Mode,
    policy: CompiledPolicy | None,
    additions: Collection,
) -> str:
    """Return a short hash of everything that went in, also of the generation of a policy that was kept."""
    kept = (policy.generation, policy.default_role, policy.scopes, _lines_of(policy.rules)) if policy else None
    clusters = [(cluster.name, cluster.server, cluster.project) for cluster in registry.clusters]
    own = sorted((name, one.url) for name, found in scoped.repositories.items() for one in found)
    kept_windows = [[window.entry for window in unit.added.windows] for _, unit in sorted(units.items())]
    parts: list[t.Any] = [mode, kept, rbac, [units[name].spec for name in sorted(units)], clusters, rules, own]
    parts += [additions.additions, kept_windows]
    parts += [[(unit.project and unit.project.spec, _lines_of(unit.layer)) for _, unit in sorted(units.items())]]
    return hashlib.sha256(_bytes_of(parts)).hexdigest()[:12]


def _lines_of(rules: Rules) -> list[tuple[str, str]]:
    """Return where each line in force stands and what it says: a kept one no longer stands in the text read last."""
    lines = [(line.origin, line.text) for lines in rules.by_subject.values() for line in lines]
    return lines + [(binding.origin, binding.text) for found in rules.by_member.values() for binding in found]


def _bytes_of(parts: list[t.Any]) -> bytes:
    """Return the parts in one unambiguous form, also those with half characters, of which there is no JSON."""
    try:
        return msgspec.json.encode(parts)
    except UnicodeEncodeError:
        return repr(parts).encode("utf-8", "backslashreplace")
