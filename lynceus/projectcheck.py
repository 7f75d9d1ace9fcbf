"""Everything that an AppProject says about an Application and its rendered objects, question by question, on files.

Called by lynceus.commands.project, which prints it.
"""

from __future__ import annotations

import typing as t

import msgspec

from lynceus.bundle import Found, Live, assemble, read_entry, read_typed, secret_type
from lynceus.files import read_objects
from lynceus.scopes import Scopes
from model.application import Application
from model.decision import Decision, Rule, allow, deny
from model.errors import InvalidSettings
from model.meta import JSON, key_of
from model.project import AppProject, read_project
from model.secrets import Cluster, Repository
from model.settings import RbacSettings
from model.urls import display_url
from policy.findings import Finding, Mode
from policy.generation import Generation, build
from policy.guard import Guard
from policy.projects import permit
from policy.projects.clusters import Registry, server_key
from policy.projects.inherit import parents_of
from policy.projects.lint import lint


class Check(msgspec.Struct, frozen=True):
    """One question and its answer."""

    asked: str
    """source, destination, object or service account."""
    about: str
    decision: Decision


class Verdict(msgspec.Struct, frozen=True):
    """What the project says about one Application."""

    application: Application
    decision: Decision
    """May the Application be used at all?"""
    checks: tuple[Check, ...]

    @property
    def allowed(self) -> bool:
        """True when nothing was refused."""
        return self.answer.allowed

    @property
    def answer(self) -> Decision:
        """The first refusal, whatever it was about; the decision itself when there is none."""
        every = (self.decision, *(check.decision for check in self.checks))
        return next((each for each in every if not each.allowed), self.decision)


class Policy(msgspec.Struct, frozen=True):
    """The policy of the files."""

    generation: Generation
    impersonation: bool
    """argocd-cm asks for service accounts."""


def read(paths: t.Sequence[str], clusters: t.Iterable[Cluster], *, mode: Mode, control: str) -> Policy:
    """Build the policy of files: AppProjects, argocd-cm, cluster and repository Secrets, whatever of it is there.

    Raises:
        InvalidInput: something cannot be read.
    """
    objects = list(read_objects(dict.fromkeys(paths)))
    found = assemble((each for each in objects if each.obj.get("kind") in ("ConfigMap", "Secret")), where="")
    settings = found.settings
    generation, _ = build(
        RbacSettings(),
        _projects(objects),
        _together(clusters, found),
        mode=mode,
        control_namespace=control,
        global_projects=settings.global_projects if settings.global_projects_readable else None,
        repositories=[repository for each in objects if (repository := _repository(each))],
    )
    return Policy(generation, settings.impersonation_enabled)


def _projects(objects: t.Iterable[Found]) -> list[AppProject]:
    """Return the AppProjects; which of two that differ counts would be a guess."""
    seen: dict[str, Found] = {}
    found: list[AppProject] = []
    for each in (each for each in objects if each.obj.get("kind") == "AppProject"):
        spec = read_typed(read_project, each)
        first = seen.setdefault(spec.metadata.name, each)
        if first is each:
            found.append(spec)
        elif first.obj != each.obj:
            again = f"AppProject {spec.metadata.name} again, otherwise than in {first.place}"
            raise InvalidSettings(each.place, "", again, "each project once")
    return found


def _together(given: t.Iterable[Cluster], found: Live) -> list[Cluster]:
    """Return given clusters and those of Secrets; one that is only half known gives way to its Secret."""
    secrets = Registry(found.clusters)
    whole = [
        cluster
        for cluster in given
        if (cluster.name and cluster.server) or not secrets.knows(cluster.name, cluster.server)
    ]
    known = {server_key(cluster.server) for cluster in whole}
    return [*whole, *(cluster for cluster in found.clusters if server_key(cluster.server) not in known)]


def _repository(found: Found) -> Repository | None:
    """Return the repository of a Secret, without its credentials."""
    entry = read_entry(found) if secret_type(found) == "repository" else None
    return Repository(url=entry.url, project=entry.project) if isinstance(entry, Repository) else None


def judge(policy: Policy, app: Application, manifests: t.Sequence[JSON] = ()) -> Verdict:
    """Ask everything about an Application.

    Args:
        policy: of the files.
        app: the Application.
        manifests: its rendered objects; those without a namespace go to its destination namespace.
    """
    guard = Guard(policy.generation)
    decision = guard.may_use(app)
    project = policy.generation.projects.get(app.spec.project or "default")
    checks: list[Check] = []
    if project is not None:
        checks = [
            Check("source", display_url(s.repo_url), permit.source(project, s.repo_url)) for s in app.spec.all_sources
        ]
        checks.append(Check("destination", _target(app), guard.may_go(app)))
        signed = permit.signatures(project, (source.repo_url for source in app.spec.all_sources))
        checks += [Check("signature", app.metadata.name, signed)] if signed is not None else []
        checks += [_account(guard, app)] if policy.impersonation else []
        checks += _objects(guard, app, manifests)
    return Verdict(app, decision, tuple(checks))


def _target(app: Application) -> str:
    destination = app.spec.destination
    return f"{destination.name or destination.server} {destination.namespace}".strip()


def _account(guard: Guard, app: Application) -> Check:
    """Return as whom the objects would be written."""
    found = guard.service_account(app)
    if found.user:
        return Check("account", found.user, allow(f"objects are written as {found.user}", found.rule))
    why = found.problem or "no entry of spec.destinationServiceAccounts matches the destination"
    remedy = f"add {_target(app)} to spec.destinationServiceAccounts"
    return Check("account", "none", deny(why, found.rule, remedy=remedy))


def _objects(guard: Guard, app: Application, manifests: t.Sequence[JSON]) -> list[Check]:
    scopes = Scopes(manifests)
    return [_object(guard, app, obj, scopes) for obj in manifests]


def _object(guard: Guard, app: Application, obj: JSON, scopes: Scopes) -> Check:
    """Judge one object as a sync would, before its first write."""
    if not isinstance(obj.get("metadata"), dict) or not isinstance(obj.get("apiVersion"), str):
        raise InvalidSettings("--manifests", "", "an object without apiVersion or metadata", "rendered manifests")
    key = key_of(obj)
    namespaced = scopes.namespaced(key.group_kind)
    if namespaced is None:
        rule = Rule(kind="project", origin="--manifests", text="scope not known")
        text = f"kind {key.group_kind} is not Kubernetes' own: its scope is not known"
        remedy = "add its CustomResourceDefinition to the manifests"
        return Check("object", f"{key.group_kind} {key.name}", deny(text, rule, remedy=remedy))
    namespace = (key.namespace or app.spec.destination.namespace) if namespaced else ""
    decision = guard.may_apply(
        app, group=key.group, kind=key.kind, namespaced=namespaced, namespace=namespace, name=key.name
    )
    where = f"{namespace}/{key.name}" if namespace else key.name
    return Check("object", f"{key.group_kind} {where}", decision)


def findings(policy: Policy, names: t.Collection[str] | None = None) -> tuple[Finding, ...]:
    """Return what is worth a word about projects, each finding once.

    Args:
        policy: of the files.
        names: of the projects; None: all of them.
    """
    generation = policy.generation
    found: dict[Finding, None] = {}
    for name, unit in generation.units.items():
        if names is not None and name not in names:
            continue
        if unit.project is None:
            found.update(dict.fromkeys(unit.findings))
            continue
        parents = parents_of(unit.spec, generation.global_projects or (), generation.units, generation.mode)
        inherited = [parent for other in parents.names if (parent := generation.units[other].project)]
        traps = lint(unit.project, inherited=inherited, control=generation.control_namespace)
        found.update(dict.fromkeys((*traps, *unit.findings)))
    return tuple(found)
