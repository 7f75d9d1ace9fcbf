"""An AppProject compiled: its lists as patterns, its rules for orphans, accounts and signatures.

strict: a negation never allows, name and server of a cluster are one identity, a broken pattern on a deny list keeps
the project from coming into force, and the control namespace needs to be named without a pattern.
compat: as Argo CD. Source: Argo CD pkg/apis/application/v1alpha1/app_project_types.go, docs "Projects". Questions are
asked in policy.projects.permit; what other objects add comes in over policy.projects.additions.
"""

from __future__ import annotations

import copy
import typing as t

from model.errors import InvalidSpec
from model.project import AppProject, ProjectDestination, ResourceRestriction
from model.secrets import Cluster
from model.urls import canonical_url
from policy.findings import Finding, Mode, Severity, shown
from policy.patterns import Pattern, PatternError, broken, glob, loose, path_match, regex, tolerant
from policy.projects.accounts import Account
from policy.projects.clusters import server_key
from policy.projects.goform import normalised
from policy.projects.integrity import Demand, demands_of
from policy.projects.orphans import OrphanRules
from policy.windows.window import Window


class Source(t.NamedTuple):
    """spec.sourceRepos[]."""

    pattern: Pattern
    """For the form of URLs that the mode compares (Project.source_form)."""
    exact: Pattern
    """For the form that Argo CD compares: strict permits nothing that this does not."""
    negated: bool
    where: str
    text: str

    def permits(self, form: str, exact_form: str) -> bool:
        """Return whether an entry without negation means the repository, in both forms."""
        return self.pattern.matches(form) and self.exact.matches(exact_form)

    def hits(self, form: str, exact_form: str) -> bool:
        """Return whether the entry, its negation left aside, means the repository in either form."""
        return self.pattern.matches(form) or self.exact.matches(exact_form)


class DestinationPattern(t.NamedTuple):
    """One of name, server, namespace of spec.destinations[]."""

    pattern: Pattern
    negated: bool

    def matches(self, value: str) -> bool:
        """Return whether the value is meant: a negation means what its pattern does not match."""
        return self.pattern.matches(value) != self.negated


class Parts(t.NamedTuple):
    """The patterns of a destination entry as Argo CD compares them."""

    name: DestinationPattern
    server: DestinationPattern
    namespace: DestinationPattern


class DestinationRule(t.NamedTuple):
    """spec.destinations[]."""

    name: DestinationPattern
    server: DestinationPattern
    """For the form of servers that the mode compares (Project.server_form)."""
    namespace: DestinationPattern
    where: str
    text: str
    spec: ProjectDestination
    upstream: Parts
    """What the entry means in Argo CD: strict permits no more than that, and refuses no less."""

    @property
    def negated(self) -> bool:
        """Whether any of its three parts is a negation."""
        return self.namespace.negated or self.server.negated or self.name.negated


class Kind(t.NamedTuple):
    """An entry of a kind list."""

    group: Pattern
    kind: Pattern
    name: Pattern | None
    where: str
    text: str

    def matches(self, group: str, kind: str, name: str | None) -> bool:
        """Return whether the object is of this kind and name; without a name the kind alone counts."""
        if not (self.kind.matches(kind) and self.group.matches(group)):
            return False
        return self.name is None or name is None or self.name.matches(name)


KindList = tuple[Kind, ...] | None


class Project:
    """One project; `with_globals` adds what it inherits. Immutable for its users."""

    def __init__(self, spec: AppProject, mode: Mode) -> None:
        self.spec, self.mode = spec, mode
        self.strict = mode == "strict"
        self.name = spec.metadata.name
        self.where = f"AppProject {self.name}"
        self.findings: list[Finding] = []
        body = spec.spec
        self.sources = tuple(self._source(text, n) for n, text in enumerate(body.source_repos or []))
        self.destinations = tuple(self._destination(item, n) for n, item in enumerate(body.destinations or []))
        self.cluster_white = self._kinds("clusterResourceWhitelist", body.cluster_resource_whitelist, deny=False)
        self.cluster_black = self._kinds("clusterResourceBlacklist", body.cluster_resource_blacklist, deny=True)
        self.namespace_white = self._kinds("namespaceResourceWhitelist", body.namespace_resource_whitelist, deny=False)
        self.namespace_black = self._kinds("namespaceResourceBlacklist", body.namespace_resource_blacklist, deny=True)
        self.namespaces = tuple(self._namespace(text, n) for n, text in enumerate(body.source_namespaces or []))
        self.windows = tuple(
            Window(item, f"{self.where}: spec.syncWindows[{n}]", n, mode)
            for n, item in enumerate(body.sync_windows or [])
        )
        self.accounts = tuple(
            Account.of(item, f"{self.where}: spec.destinationServiceAccounts[{n}]", self._glob)
            for n, item in enumerate(body.destination_service_accounts or [])
        )
        self.orphans = OrphanRules.of(body.orphaned_resources, f"{self.where}: spec.orphanedResources", self._glob)
        self.demands: tuple[Demand, ...] = demands_of(body, self.where, mode)
        self.scoped: tuple[Cluster, ...] = ()
        """Clusters whose Secrets name this project."""
        self.findings += self.orphans.findings

    def source_form(self, url: str) -> str:
        """Return the form of a repository URL that the entries are compared with; strict raises InvalidSpec."""
        return canonical_url(url) if self.strict else normalised(url)

    def server_form(self, server: str) -> str:
        """Return the form of a cluster's server that the entries are compared with."""
        return server_key(server) if self.strict else server

    def extended(
        self, sources: t.Iterable[Source], destinations: t.Iterable[DestinationRule], scoped: t.Iterable[Cluster]
    ) -> Project:
        """Return the project with entries that come from elsewhere, behind its own."""
        merged = copy.copy(self)
        merged.sources += tuple(sources)
        merged.destinations += tuple(destinations)
        merged.scoped += tuple(scoped)
        return merged

    def with_globals(self, inherited: t.Sequence[Project]) -> Project:
        """Return the project with the lists of its global projects appended, as Argo CD merges them.

        Kind lists, windows, sources, destinations and service accounts are appended; roles, source namespaces,
        signatures and orphan rules are not. A namespaced whitelist turns "all" into "only these".
        """
        if not inherited:
            return self
        merged = copy.copy(self)
        for other in inherited:
            merged.sources += other.sources
            merged.destinations += other.destinations
            merged.windows += other.windows
            merged.accounts += other.accounts
            merged.cluster_white = _both(merged.cluster_white, other.cluster_white)
            merged.cluster_black = _both(merged.cluster_black, other.cluster_black)
            merged.namespace_white = _both(merged.namespace_white, other.namespace_white)
            merged.namespace_black = _both(merged.namespace_black, other.namespace_black)
        return merged

    def _source(self, text: str, number: int) -> Source:
        where = f"{self.where}: spec.sourceRepos[{number}]"
        negated = text.startswith("!")
        bare = text[1:] if negated else text
        pattern = self._strict_source(bare, where, negated) if self.strict else self._compat_source(bare, where)
        if pattern is None:
            nothing = broken(text, "no repository URL")
            return Source(nothing, nothing, negated, where, text)
        everything = pattern == "*" and (self.strict or not negated)
        separator = "" if everything else "/"
        compiled = self._compile(lambda wanted: glob(wanted, separator), pattern, where, deny=negated)
        exact = tolerant(lambda wanted: glob(wanted, separator), normalised(bare)) if self.strict else compiled
        return Source(compiled, exact, negated, where, text)

    def _strict_source(self, text: str, where: str, negated: bool) -> str | None:
        """Return the pattern in the form of canonical URLs; None for an entry that is no URL and permits nothing."""
        if text == "*":
            return text
        try:
            return _canonical_pattern(text)
        except InvalidSpec:
            plain = text.strip().lower().removesuffix(".git").removeprefix("ssh://")
        if negated or (plain and normalised(text) == plain):
            return plain
        self._no_source(text, where, "so it permits nothing")
        return None

    def _compat_source(self, text: str, where: str) -> str:
        """Return the pattern as Argo CD has it: what is no URL becomes empty, and equal to all that is none either."""
        pattern = normalised(text)
        if not pattern:
            self._no_source(text, where, "so it means every other text that is none")
        return pattern

    def _no_source(self, text: str, where: str, consequence: str) -> None:
        found, fix = f"{shown(text)}: no repository URL, {consequence}", "scheme://host/path or user@host:path"
        self.findings.append(Finding(code="project-source", severity="warning", where=where, text=found, fix=fix))

    def _destination(self, item: ProjectDestination, number: int) -> DestinationRule:
        where = f"{self.where}: spec.destinations[{number}]"
        name = self._part(item.name, f"{where}.name")
        server = self._part(self.server_form(item.server), f"{where}.server")
        namespace = self._part(item.namespace, f"{where}.namespace")
        cluster = item.server or item.name or "''"
        shown_entry = f"{cluster} {item.namespace or chr(39) * 2}"
        upstream = Parts(name, server, namespace)
        if self.strict:
            upstream = Parts(*map(_as_upstream, (item.name, item.server, item.namespace)))
        return DestinationRule(name, server, namespace, where, shown_entry, item, upstream)

    def _part(self, text: str, where: str) -> DestinationPattern:
        negated = text.startswith("!")
        return DestinationPattern(
            self._compile(self._glob, text[1:] if negated else text, where, deny=negated), negated
        )

    def _glob(self, text: str) -> Pattern:
        """Compile a glob without separator; compat with the mistakes of upstream's library."""
        return glob(text) if self.strict else loose(glob(text))

    def _kinds(self, field: str, items: list[ResourceRestriction] | None, *, deny: bool) -> KindList:
        if items is None:
            return None
        named = field.startswith("cluster") or (self.strict and not deny)
        return tuple(self._kind(item, f"{self.where}: spec.{field}[{n}]", deny, named) for n, item in enumerate(items))

    def _kind(self, item: ResourceRestriction, where: str, deny: bool, named: bool) -> Kind:
        """Compile an entry; `name` is no field of the namespaced lists, where it can only narrow what is permitted."""
        group = self._compile(path_match, item.group, f"{where}.group", deny=deny)
        kind = self._compile(path_match, item.kind, f"{where}.kind", deny=deny)
        name = self._compile(path_match, item.name, f"{where}.name", deny=deny) if item.name and named else None
        return Kind(group, kind, name, where, " ".join(filter(None, (item.group, item.kind, item.name))))

    def _namespace(self, text: str, number: int) -> Pattern:
        where = f"{self.where}: spec.sourceNamespaces[{number}]"
        if len(text) > 1 and text.startswith("/") and text.endswith("/"):
            return self._compile(lambda p: regex(p, anchored=self.strict), text[1:-1], where, deny=False)
        return self._compile(self._glob, text, where, deny=False)

    def _compile(self, build: t.Callable[[str], Pattern], text: str, where: str, *, deny: bool) -> Pattern:
        try:
            return build(text)
        except PatternError as failure:
            severity: Severity = "error" if deny and self.strict else "warning"
            found = f"{shown(text)}: {failure}"
            fix = "a pattern that compiles; this one matches nothing"
            self.findings.append(Finding(code="project-pattern", severity=severity, where=where, text=found, fix=fix))
            return broken(text, str(failure))


def _as_upstream(text: str) -> DestinationPattern:
    negated = text.startswith("!")
    return DestinationPattern(tolerant(lambda it: loose(glob(it)), text[1:] if negated else text), negated)


def _both(own: KindList, inherited: KindList) -> KindList:
    """Append lists; nothing appended leaves an absent list absent."""
    return own if not inherited else (own or ()) + inherited


def _canonical_pattern(text: str) -> str:
    """Return a pattern in canonical form: its stars stand in as letters meanwhile; raises InvalidSpec."""
    canonical = canonical_url(text.replace("*", "w1ldc4rd").replace("?", "w1ldm4rk"))
    return canonical.replace("w1ldc4rd", "*").replace("w1ldm4rk", "?")
