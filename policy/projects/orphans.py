"""spec.orphanedResources: which objects nobody tracks are worth a word, and which are always there.

Source: Argo CD controller/appcontroller.go, isKnownOrphanedResourceExclusion and getResourceTree.
"""

from __future__ import annotations

import typing as t

from model.meta import ResourceKey
from model.project import OrphanedResources, OrphanIgnore
from policy.findings import Finding, shown
from policy.patterns import Pattern, PatternError, broken, glob

ALWAYS_THERE = (
    ("", "Service", "default", "kubernetes"),
    ("", "ServiceAccount", "", "default"),
    ("", "ConfigMap", "", "kube-root-ca.crt"),
)
"""(group, kind, namespace or any, name) of what Kubernetes itself puts into namespaces."""


class Ignored(t.NamedTuple):
    """spec.orphanedResources.ignore[]: an absent kind or name means any, the group is always compared."""

    group: Pattern
    kind: Pattern | None
    name: Pattern | None
    where: str

    def matches(self, key: ResourceKey) -> bool:
        """Return whether the entry takes the object."""
        named = self.name is None or self.name.matches(key.name)
        return named and (self.kind is None or self.kind.matches(key.kind)) and self.group.matches(key.group)


class OrphanRules(t.NamedTuple):
    """The rules of one project."""

    watched: bool
    """Orphans are looked for at all."""
    warn: bool
    """They make a condition; absent means so."""
    ignore: tuple[Ignored, ...]
    findings: tuple[Finding, ...]

    @classmethod
    def of(cls, spec: OrphanedResources | None, where: str, build: t.Callable[[str], Pattern] = glob) -> OrphanRules:
        """Compile; a pattern that does not compile ignores nothing."""
        if spec is None:
            return cls(watched=False, warn=False, ignore=(), findings=())
        findings: list[Finding] = []
        items = enumerate(spec.ignore or ())
        ignore = tuple(_ignored(item, f"{where}.ignore[{n}]", findings, build) for n, item in items)
        return cls(watched=True, warn=spec.warn is not False, ignore=ignore, findings=tuple(findings))

    def ignored(self, key: ResourceKey) -> str:
        """Return what says that the object is no orphan, empty when nothing does."""
        for group, kind, namespace, name in ALWAYS_THERE:
            if (key.group, key.kind, key.name) == (group, kind, name) and namespace in ("", key.namespace):
                return "Kubernetes puts it there"
        return next((entry.where for entry in self.ignore if entry.matches(key)), "")


def _ignored(item: OrphanIgnore, where: str, findings: list[Finding], build: t.Callable[[str], Pattern]) -> Ignored:
    def compiled(text: str, field: str) -> Pattern:
        try:
            return build(text)
        except PatternError as failure:
            found, fix = f"{shown(text)}: {failure}", "a pattern that compiles; this one ignores nothing"
            place = f"{where}.{field}"
            findings.append(Finding(code="project-pattern", severity="warning", where=place, text=found, fix=fix))
            return broken(text, str(failure))

    kind = compiled(item.kind, "kind") if item.kind else None
    name = compiled(item.name, "name") if item.name else None
    return Ignored(compiled(item.group, "group"), kind, name, where)
