"""An AppProject compiled: which sources, destinations, kinds and namespaces it permits.

strict: a negation never allows, name and server of a cluster are one identity, a broken pattern on a deny list keeps
the project from coming into force, and the control namespace needs to be named without a pattern.
compat: as Argo CD. Source: Argo CD pkg/apis/application/v1alpha1/app_project_types.go, docs "Projects".
"""

from __future__ import annotations

import copy
import typing as t

from model.errors import InvalidSpec
from model.project import AppProject, ProjectDestination, ResourceRestriction
from model.urls import canonical_url
from policy.findings import Finding, Mode, Severity, shown
from policy.patterns import Pattern, PatternError, broken, glob, path_match, regex
from policy.windows.window import Window


class Source(t.NamedTuple):
    """spec.sourceRepos[]."""

    pattern: Pattern
    negated: bool
    where: str
    text: str


class DestinationPattern(t.NamedTuple):
    """One of name, server, namespace of spec.destinations[]."""

    pattern: Pattern
    negated: bool

    def matches(self, value: str) -> bool:
        """Return whether the value is meant: a negation means what its pattern does not match."""
        return self.pattern.matches(value) != self.negated

    def refuses(self, value: str) -> bool:
        """Return whether a negation is hit."""
        return self.negated and self.pattern.matches(value)


class DestinationRule(t.NamedTuple):
    """spec.destinations[]."""

    name: DestinationPattern
    server: DestinationPattern
    namespace: DestinationPattern
    where: str
    text: str
    spec: ProjectDestination


class Kind(t.NamedTuple):
    """An entry of a kind list."""

    group: Pattern
    kind: Pattern
    name: Pattern | None
    where: str
    text: str

    def matches(self, group: str, kind: str, name: str | None) -> bool:
        """Return whether the object is of this kind; without a name every name is."""
        if not (self.kind.matches(kind) and self.group.matches(group)):
            return False
        return self.name is None or name is None or self.name.matches(name)


KindList = tuple[Kind, ...] | None


class Project:
    """One project; `with_globals` adds what it inherits. Immutable for its users."""

    def __init__(self, spec: AppProject, mode: Mode) -> None:
        self.spec, self.mode = spec, mode
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

    def with_globals(self, inherited: t.Sequence[Project]) -> Project:
        """Return the project with the lists of its global projects appended, as Argo CD merges them."""
        if not inherited:
            return self
        merged = copy.copy(self)
        for other in inherited:
            merged.sources += other.sources
            merged.destinations += other.destinations
            merged.windows += other.windows
            merged.cluster_white = _both(merged.cluster_white, other.cluster_white)
            merged.cluster_black = _both(merged.cluster_black, other.cluster_black)
            merged.namespace_white = _both(merged.namespace_white, other.namespace_white)
            merged.namespace_black = _both(merged.namespace_black, other.namespace_black)
        return merged

    def _source(self, text: str, number: int) -> Source:
        where = f"{self.where}: spec.sourceRepos[{number}]"
        negated = text.startswith("!")
        bare = text[1:] if negated else text
        pattern = bare if bare == "*" else _source_pattern(bare)
        compiled = self._compile(lambda wanted: glob(wanted, "" if bare == "*" else "/"), pattern, where, deny=negated)
        return Source(compiled, negated, where, text)

    def _destination(self, item: ProjectDestination, number: int) -> DestinationRule:
        where = f"{self.where}: spec.destinations[{number}]"
        name = self._part(item.name, f"{where}.name")
        server = self._part(item.server, f"{where}.server")
        namespace = self._part(item.namespace, f"{where}.namespace")
        cluster = item.server or item.name or "''"
        return DestinationRule(name, server, namespace, where, f"{cluster} {item.namespace or chr(39) * 2}", item)

    def _part(self, text: str, where: str) -> DestinationPattern:
        negated = text.startswith("!")
        return DestinationPattern(self._compile(glob, text[1:] if negated else text, where, deny=negated), negated)

    def _kinds(self, field: str, items: list[ResourceRestriction] | None, *, deny: bool) -> KindList:
        if items is None:
            return None
        return tuple(self._kind(item, f"{self.where}: spec.{field}[{n}]", deny) for n, item in enumerate(items))

    def _kind(self, item: ResourceRestriction, where: str, deny: bool) -> Kind:
        group = self._compile(path_match, item.group, f"{where}.group", deny=deny)
        kind = self._compile(path_match, item.kind, f"{where}.kind", deny=deny)
        name = self._compile(path_match, item.name, f"{where}.name", deny=deny) if item.name else None
        return Kind(group, kind, name, where, " ".join(filter(None, (item.group, item.kind, item.name))))

    def _namespace(self, text: str, number: int) -> Pattern:
        where = f"{self.where}: spec.sourceNamespaces[{number}]"
        if len(text) > 1 and text.startswith("/") and text.endswith("/"):
            return self._compile(lambda p: regex(p, anchored=self.mode == "strict"), text[1:-1], where, deny=False)
        return self._compile(glob, text, where, deny=False)

    def _compile(self, build: t.Callable[[str], Pattern], text: str, where: str, *, deny: bool) -> Pattern:
        try:
            return build(text)
        except PatternError as failure:
            severity: Severity = "error" if deny and self.mode == "strict" else "warning"
            found = f"{shown(text)}: {failure}"
            fix = "a pattern that compiles; this one matches nothing"
            self.findings.append(Finding(code="project-pattern", severity=severity, where=where, text=found, fix=fix))
            return broken(text, str(failure))


def _both(own: KindList, inherited: KindList) -> KindList:
    """Append lists; absent stays absent only when both are."""
    return own if inherited is None else (own or ()) + inherited


def _source_pattern(text: str) -> str:
    """Return the pattern in the form of canonical URLs; one that is no URL stays as it is, in lower case."""
    try:
        return (
            canonical_url(text.replace("*", "w1ldc4rd").replace("?", "w1ldm4rk"))
            .replace("w1ldc4rd", "*")
            .replace("w1ldm4rk", "?")
        )
    except InvalidSpec:
        return text.strip().lower().removesuffix(".git").removeprefix("ssh://")
