"""The one place that is asked: may this Application be used, this object applied, this sync run, this caller act?

The loop, the API and the webhook ask the same questions and get the same answers. Every question is answered by exactly
one generation, whose id stands in the Decision. Nothing here does I/O or looks at a clock.
"""

from __future__ import annotations

import datetime as dt

import msgspec

from model.application import Application
from model.decision import Decision, Rule, allow, deny
from model.meta import ResourceKey
from model.secrets import Cluster
from model.settings import RbacSettings
from policy import breakglass
from policy.findings import Finding as Finding
from policy.findings import errors_of as errors_of
from policy.generation import Generation as Generation
from policy.generation import Steady, WindowQuestion
from policy.generation import build as build
from policy.projects import permit
from policy.projects.accounts import Impersonation
from policy.projects.compiled import Project
from policy.projects.orphans import OrphanRules
from policy.rbac import explain
from policy.subjects import Subject as Subject
from policy.subjects import named as named
from policy.windows import Target, WindowDecision, judge, to_decision

REMEMBERED = 16_384
"""Answers of the windows kept for one generation; on overflow all are forgotten, which costs microseconds each."""


class Guard:
    """Answers with the generation in force; `swap` replaces it whole."""

    def __init__(self, generation: Generation | None = None) -> None:
        self.current = generation or empty()

    def swap(self, generation: Generation) -> None:
        """Put a generation in force; a question under way is still answered by the one it began with."""
        self.current = generation

    def may_use(self, app: Application) -> Decision:
        """Do project, namespace, every source and the destination of the Application fit together?"""
        now = self.current
        project = _usable(now, app)
        if isinstance(project, Decision):
            return project
        source = _sources(project, app)
        if not source.allowed:
            return _stamped(now, source)
        target = _destination(now, project, app, app.spec.destination.namespace)
        if not target.allowed:
            return _stamped(now, target)
        return allow(f"{source.reason}; {target.reason}", source.rule, generation=now.id)

    def may_go(self, app: Application) -> Decision:
        """Is the destination of the Application, cluster and namespace, one of its project's?"""
        now = self.current
        project = _project(now, app)
        if isinstance(project, Decision):
            return project
        return _stamped(now, _destination(now, project, app, app.spec.destination.namespace))

    def may_apply(
        self, app: Application, *, group: str, kind: str, namespaced: bool, namespace: str, name: str
    ) -> Decision:
        """May this object be applied or pruned by the Application?

        Args:
            app: the Application.
            group: API group, empty for core.
            kind: as the API server spells it.
            namespaced: the scope from the cluster's discovery, never a guess.
            namespace: as it will stand in the object; empty when cluster-scoped.
            name: of the object.
        """
        now = self.current
        project = _usable(now, app)
        if isinstance(project, Decision):
            return project
        answer = permit.kind(project, group, kind, namespaced=namespaced, name=name)
        if answer.allowed and namespaced:
            target = _destination(now, project, app, namespace)
            answer = allow(f"{answer.reason}; {target.reason}", answer.rule) if target.allowed else target
        return _stamped(now, answer)

    def may_hold(self, app: Application, key: ResourceKey, *, namespaced: bool) -> Decision:
        """Does the project permit objects of this kind and name, wherever they are?"""
        now = self.current
        project = _project(now, app)
        if isinstance(project, Decision):
            return project
        return _stamped(now, permit.kind(project, key.group, key.kind, namespaced=namespaced, name=key.name))

    def may_sync(
        self,
        app: Application,
        *,
        now: dt.datetime,
        manual: bool,
        started: dt.datetime | None = None,
        subject: Subject | None = None,
        healing: bool = False,
        break_glass: str = "",
    ) -> Decision:
        """May a sync of the Application run at this instant?

        Args:
            app: the Application.
            now: aware, UTC.
            manual: a person asked for it.
            started: when the running operation began, by our own record.
            subject: who asks; then RBAC applications/sync is asked as well.
            healing: an automated sync to the very revisions that were synced last.
            break_glass: why a person passes over windows and freezes; needs `manual` and a `subject` who may.
        """
        generation = self.current
        project = _usable(generation, app)
        if isinstance(project, Decision):
            return project
        if generation.engine is None:
            return explain.no_policy(generation.id)
        if subject is not None:
            asked = app.rbac_object(generation.control_namespace)
            answer = generation.answers[subject, "applications", "sync", asked]
            if not answer.allowed:
                return answer
        signed = permit.signatures(project, (source.repo_url for source in app.spec.all_sources))
        if signed is not None and not signed.allowed:
            return _stamped(generation, signed)
        question = WindowQuestion(project.name, _target(generation, app), manual, started, healing and not manual)
        answer, found = _ask_windows(generation, question, now)
        if not answer.allowed and (break_glass.strip() or (manual and subject is not None)):
            answer = _through(generation, question, answer, found, now, subject, break_glass.strip())
        return answer if signed is None else msgspec.structs.replace(answer, reasons=answer.reasons + signed.reasons)

    def windows(
        self,
        app: Application,
        *,
        now: dt.datetime,
        manual: bool,
        started: dt.datetime | None = None,
        healing: bool = False,
    ) -> WindowDecision | None:
        """Return the answer of the windows in detail, for pages and metrics; None when the project is missing."""
        generation = self.current
        project = generation.projects.get(app.spec.project or "default")
        if project is None:
            return None
        windows = generation.windows[project.name]
        return judge(windows, _target(generation, app), now, manual=manual, started=started, healing=healing)

    def service_account(self, app: Application) -> Impersonation:
        """As whom are the objects of the Application written when impersonation is on?"""
        generation = self.current
        project = _project(generation, app)
        if isinstance(project, Decision):
            return Impersonation(rule=project.rule, problem=project.reason)
        cluster = generation.registry.resolve(app.spec.destination)
        if cluster is None:
            return Impersonation(problem=f"Application {app.key}: the destination's cluster is not known")
        return permit.service_account(project, cluster, app.spec.destination.namespace, app.metadata.namespace)

    def orphan_rules(self, app: Application) -> OrphanRules:
        """Which objects that nobody tracks are worth a word to the Application; none without a usable project."""
        project = self.current.projects.get(app.spec.project or "default")
        return project.orphans if project is not None else OrphanRules.of(None, "")

    def can(self, subject: Subject, resource: str, action: str, object: str) -> Decision:
        """May the caller do this? Answers are remembered for the life of the generation."""
        return self.current.answers[subject, resource, action, object]


def empty(control_namespace: str = "argocd") -> Generation:
    """Return the generation before any policy was read: everything is denied."""
    broken = RbacSettings(match_mode="none yet", generation="none")
    return build(broken, (), (), control_namespace=control_namespace)[0]


def _ask_windows(generation: Generation, question: WindowQuestion, now: dt.datetime) -> tuple[Decision, WindowDecision]:
    """Answer from memory until one of the matched windows opens or closes."""
    answers = generation.window_answers
    known = answers.get(question)
    if known is not None and known.start <= now and (known.end is None or now < known.end):
        return known.decision, known.found
    project, target, manual, started, healing = question
    found = judge(generation.windows[project], target, now, manual=manual, started=started, healing=healing)
    decision = to_decision(found, manual=manual, generation=generation.id)
    if len(answers) >= REMEMBERED:
        answers.clear()
    if started is None:
        answers[question] = Steady(now, found.steady_until, found, decision)
    return decision, found


def _through(
    generation: Generation,
    question: WindowQuestion,
    refusal: Decision,
    found: WindowDecision,
    now: dt.datetime,
    subject: Subject | None,
    reason: str,
) -> Decision:
    """Let a person who may pass over the windows through, or say who may."""
    passed = None
    if question.manual and subject is not None and subject.name:
        passed = breakglass.find_pass(generation, subject, question, found, now)
    if not reason:
        return breakglass.with_way(refusal, passed, subject) if passed and subject else refusal
    if passed is None or subject is None:
        return breakglass.refused_glass(refusal, subject, manual=question.manual)
    return breakglass.broken_glass(refusal, found, passed, subject, reason)


def _project(generation: Generation, app: Application) -> Project | Decision:
    """Return the Application's project, or the refusal when there is none that can be used."""
    name = app.spec.project or "default"
    project = generation.projects.get(name)
    if project is not None:
        return project
    where = f"Application {app.key}: spec.project"
    if name not in generation.projects:
        reason = f"{where}: project {name} does not exist in namespace {generation.control_namespace}"
        return deny(reason, _rule(where, name), generation=generation.id, remedy=f"create AppProject {name}")
    reason = f"{where}: {generation.refusals[name]}"
    found = tuple(str(finding) for finding in errors_of(generation.units[name].findings))
    return deny(reason, _rule(where, name), generation=generation.id, reasons=found, remedy="correct the AppProject")


def _usable(generation: Generation, app: Application) -> Project | Decision:
    """Return the Application's project, or the refusal when there is none or the Application lives elsewhere."""
    project = _project(generation, app)
    if isinstance(project, Decision):
        return project
    answer = permit.namespace_of_application(project, app.metadata.namespace, generation.control_namespace)
    return project if answer.allowed else _stamped(generation, answer)


def _sources(project: Project, app: Application) -> Decision:
    """Check every source that could be used; a spec that leaves open which one is refused."""
    spec, where = app.spec, f"Application {app.key}: spec"
    if spec.source and spec.sources:
        return deny(f"{where} has source and sources, expected one of them", _rule(where, "source and sources"))
    if b'"sourceHydrator"' in app.raw:
        return deny(f"{where}.sourceHydrator is not supported", _rule(f"{where}.sourceHydrator", "refused"))
    if not spec.all_sources:
        return deny(f"{where} has no source", _rule(where, "no source"))
    answer = None
    for source in spec.all_sources:
        answer = permit.source(project, source.repo_url)
        if not answer.allowed:
            return answer
    assert answer is not None
    return answer


def _destination(generation: Generation, project: Project, app: Application, namespace: str) -> Decision:
    wanted = app.spec.destination
    where = f"Application {app.key}: spec.destination"
    if not wanted.name and not wanted.server:
        return deny(f"{where} has neither name nor server", _rule(where, "empty"))
    if wanted.name and wanted.server:
        return deny(f"{where} has name and server, expected one of them", _rule(where, "name and server"))
    cluster = generation.registry.resolve(wanted)
    if cluster is None:
        shown = wanted.name or wanted.server
        reason = f"{where}: cluster {shown!r} is not known, or name and server mean different ones"
        return deny(reason, _rule(where, shown), remedy="register the cluster, or correct the destination")
    return permit.destination(project, cluster, namespace, _protected(generation, cluster))


def _protected(generation: Generation, cluster: Cluster) -> str:
    """Return the control namespace when the cluster is the one it is in."""
    local = generation.registry.is_local(cluster)
    return generation.protected_namespace if local else ""


def _target(generation: Generation, app: Application) -> Target:
    """Return what windows select by; strict adds the cluster's other name."""
    wanted = app.spec.destination
    names = {wanted.name, wanted.server}
    unresolved = False
    if generation.mode == "strict":
        cluster = generation.registry.resolve(wanted)
        unresolved = cluster is None
        names |= {cluster.name, cluster.server} if cluster else set()
    known = tuple(sorted(name for name in names if name))
    labels = tuple(sorted((app.metadata.labels or {}).items()))
    return Target(app.metadata.name, wanted.namespace, known, unresolved, labels)


def _stamped(generation: Generation, answer: Decision) -> Decision:
    return msgspec.structs.replace(answer, generation=generation.id)


def _rule(origin: str, text: str) -> Rule:
    return Rule(kind="project", origin=origin, text=text)
