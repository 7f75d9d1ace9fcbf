"""What in an AppProject probably does not mean what it looks like. Findings only; nothing here decides.

Each trap is one function that yields findings; codes are listed in docs/projects.md.
"""

from __future__ import annotations

import typing as t

from policy.findings import Finding, Severity, shown
from policy.projects import lintkinds
from policy.projects.accounts import FORBIDDEN
from policy.projects.compiled import DestinationRule, Project, Source
from policy.projects.fields import unknown_fields

Check = t.Callable[["Subject"], t.Iterator[Finding]]


class Subject(t.NamedTuple):
    """What is looked at."""

    project: Project
    """As its own spec says, without what is added to it."""
    inherited: tuple[Project, ...]
    """Its global projects."""
    control: str
    """The control namespace."""

    def finding(self, code: str, severity: Severity, field: str, text: str, fix: str) -> Finding:
        """Return a finding about a field of the spec."""
        return Finding(code=code, severity=severity, where=f"{self.project.where}: spec.{field}", text=text, fix=fix)


def lint(project: Project, *, inherited: t.Sequence[Project] = (), control: str = "argocd") -> tuple[Finding, ...]:
    """Return everything that is worth a word, in the order of the fields.

    Args:
        project: the compiled project, without scoped entries and global projects.
        inherited: its global projects; what they change is told.
        control: the control namespace.
    """
    subject = Subject(project, tuple(inherited), control)
    found = [finding for check in CHECKS for finding in check(subject)]
    return (*unknown_fields(project.spec, project.where), *project.findings, *found)


def _sources(subject: Subject) -> t.Iterator[Finding]:
    sources = subject.project.sources
    if sources and all(entry.negated for entry in sources):
        text = "negations only: Argo CD permits every other repository, strict permits none"
        yield subject.finding("project-negation-only", "error", "sourceRepos", text, "an entry that permits, such as *")
    for entry in sources:
        if entry.pattern.everything and not entry.negated and not any(other.negated for other in sources):
            fix = "the repositories that are meant"
            yield _about(entry, "project-wildcard", "every repository is a source", fix)
        elif _open_host(entry):
            text = "the star reaches into the host: a host of somebody else may match"
            yield _about(entry, "project-source-host", text, "scheme://host/ before the first star")


def _open_host(entry: Source) -> bool:
    """Return whether a wildcard stands where it can lengthen or replace the registrable part of a host name."""
    text = entry.pattern.text
    if entry.negated or entry.pattern.everything:
        return False
    host, slash, _ = text.partition("://")[2].partition("/") if "://" in text else text.partition("/")
    return "*" in host and (not slash or host.rstrip("0123456789:").endswith("*") or "." not in host)


def _about(entry: Source | DestinationRule, code: str, text: str, fix: str, severity: Severity = "warning") -> Finding:
    return Finding(code=code, severity=severity, where=entry.where, text=f"{shown(entry.text)}: {text}", fix=fix)


def _destinations(subject: Subject) -> t.Iterator[Finding]:
    rules = subject.project.destinations
    if rules and all(rule.negated for rule in rules):
        text = "negations only: Argo CD permits what they do not name, strict permits nothing"
        yield subject.finding("project-negation-only", "error", "destinations", text, "an entry that permits as well")
    for rule in rules:
        yield from _destination(rule, subject.control)


def _destination(rule: DestinationRule, control: str) -> t.Iterator[Finding]:
    spec = rule.spec
    if not spec.server and not spec.name:
        fix = "server or name"
        yield _about(rule, "project-destination-cluster", "neither server nor name, so Argo CD matches none", fix)
    if rule.negated:
        text = "Argo CD also permits what this entry does not name; strict lets it refuse only"
        yield _about(rule, "project-negation", text, "a separate entry for what is permitted")
        if rule.namespace.negated and not spec.server:
            text = "Argo CD looks at server when a namespace is negated, so it refuses nothing"
            yield _about(rule, "project-negation-open", text, "server instead of name", "error")
        return
    if spec.server and spec.name and not rule.server.pattern.everything:
        text = "server and name: either of them is enough"
        yield _about(rule, "project-destination-either", text, "one of them")
    anywhere = rule.server.pattern.everything or rule.name.pattern.everything
    if anywhere and rule.namespace.pattern.everything:
        yield _about(rule, "project-wildcard", "every namespace of every cluster", "the clusters that are meant")
    if spec.namespace == control:
        text = "whoever may write the control namespace rewrites the policy itself"
        yield _about(rule, "project-control-namespace", text, "a project of the administrators only")
    if not spec.namespace:
        text = "an empty namespace means only Applications without one"
        yield _about(rule, "project-destination-namespace", text, "a namespace, or *")


def _source_namespaces(subject: Subject) -> t.Iterator[Finding]:
    for number, text in enumerate(subject.project.spec.spec.source_namespaces or ()):
        field = f"sourceNamespaces[{number}]"
        if text.startswith("!"):
            fix = "the namespaces that are meant; there is no negation here"
            yield subject.finding("project-negation", "warning", field, f"{shown(text)} is taken literally", fix)
        if text in ("*", "/.*/"):
            what = f"{shown(text)}: Applications of every namespace may use the project"
            yield subject.finding("project-wildcard", "warning", field, what, "the namespaces that are meant")


def _signatures(subject: Subject) -> t.Iterator[Finding]:
    for demand in subject.project.demands:
        text = f"{demand.text}: signatures are not verified yet, so strict does not sync these sources"
        fix = "another project for them, or Argo CD"
        yield Finding(code="project-signature", severity="warning", where=demand.where, text=text, fix=fix)


def _accounts(subject: Subject) -> t.Iterator[Finding]:
    caught = ""
    for entry in subject.project.accounts:
        rest = entry.account.partition(":")
        code, fix = "project-account", "NAME or NAMESPACE:NAME of a service account"
        if not entry.account.strip() or (FORBIDDEN | {" "}) & set(entry.account) or ":" in rest[2]:
            text = f"{shown(entry.account)} is no service account; syncs that reach it fail"
            yield Finding(code=code, severity="error", where=entry.where, text=text, fix=fix)
        if caught:
            text = f"never reached: {caught} takes everything before it"
            yield Finding(code=code, severity="warning", where=entry.where, text=text, fix="the catch-all last")
        if entry.server.everything and entry.namespace.everything:
            caught = caught or entry.where


def _duplicates(subject: Subject) -> t.Iterator[Finding]:
    for entries in (subject.project.sources, subject.project.destinations):
        seen: dict[object, str] = {}
        for entry in t.cast("tuple[Source | DestinationRule, ...]", entries):
            key = entry.text if isinstance(entry, Source) else entry.spec
            if key in seen:
                yield _about(entry, "project-duplicate", f"stands there already as {seen[key]}", "one of them")
            seen.setdefault(key, entry.where)


def _kinds(subject: Subject) -> t.Iterator[Finding]:
    yield from lintkinds.kinds(subject.project)


def _inherited(subject: Subject) -> t.Iterator[Finding]:
    for parent in subject.inherited:
        yield from lintkinds.inherited(subject.project, parent)


CHECKS: tuple[Check, ...] = (
    _sources,
    _source_namespaces,
    _destinations,
    _duplicates,
    _kinds,
    _signatures,
    _accounts,
    _inherited,
)
