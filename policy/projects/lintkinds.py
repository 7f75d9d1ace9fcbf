"""Traps in the four kind lists, and what a global project changes in those that inherit from it.

Called by policy.projects.lint.
"""

from __future__ import annotations

import typing as t

from model.project import ResourceRestriction
from policy.findings import Finding, Severity, shown
from policy.projects.compiled import Project

CLUSTER_SCOPED = frozenset(
    [
        "Namespace",
        "Node",
        "PersistentVolume",
        "ClusterRole",
        "ClusterRoleBinding",
        "CustomResourceDefinition",
        "StorageClass",
        "PriorityClass",
        "IngressClass",
        "APIService",
        "MutatingWebhookConfiguration",
        "ValidatingWebhookConfiguration",
        "RuntimeClass",
        "CSIDriver",
    ]
)
"""Kinds of Kubernetes itself that lie in no namespace."""
NAMESPACED = frozenset(
    [
        "ConfigMap",
        "Secret",
        "Service",
        "ServiceAccount",
        "Pod",
        "Deployment",
        "StatefulSet",
        "DaemonSet",
        "ReplicaSet",
        "Job",
        "CronJob",
        "Ingress",
        "Role",
        "RoleBinding",
        "NetworkPolicy",
        "ResourceQuota",
        "LimitRange",
        "PersistentVolumeClaim",
        "HorizontalPodAutoscaler",
    ]
)
"""Kinds of Kubernetes itself that lie in a namespace."""
FIELDS = (
    ("clusterResourceWhitelist", "cluster_resource_whitelist", NAMESPACED),
    ("clusterResourceBlacklist", "cluster_resource_blacklist", NAMESPACED),
    ("namespaceResourceWhitelist", "namespace_resource_whitelist", CLUSTER_SCOPED),
    ("namespaceResourceBlacklist", "namespace_resource_blacklist", CLUSTER_SCOPED),
)
"""(field, attribute, kinds of Kubernetes that have no business there)."""


def kinds(project: Project) -> t.Iterator[Finding]:
    """Yield findings about the kind lists of a project's own spec."""
    if project.namespace_white == ():
        text = "an empty list permits nothing; tools that leave empty lists out when they write turn it into everything"
        where = f"{project.where}: spec.namespaceResourceWhitelist"
        fix = "namespaceResourceBlacklist with group * kind *"
        yield Finding(code="project-kind-empty", severity="warning", where=where, text=text, fix=fix)
    for field, attribute, strangers in FIELDS:
        for number, item in enumerate(getattr(project.spec.spec, attribute) or ()):
            yield from _kind(item, f"{project.where}: spec.{field}[{number}]", field, strangers)


def _kind(item: ResourceRestriction, where: str, field: str, strangers: frozenset[str]) -> t.Iterator[Finding]:
    def say(code: str, text: str, fix: str, severity: Severity = "warning") -> Finding:
        return Finding(code=code, severity=severity, where=where, text=text, fix=fix)

    deny = field.endswith("Blacklist")
    if item.kind in strangers:
        own, other = ("cluster", "namespace") if field.startswith("cluster") else ("namespace", "cluster")
        fix = other + field.removeprefix(own)
        yield say(
            "project-kind-scope", f"kind {item.kind} is never asked for here", fix, "error" if deny else "warning"
        )
    if not item.kind:
        yield say("project-kind", "no kind, so it matches nothing", "a kind, or *", "error" if deny else "warning")
    if "/" in item.group:
        yield say("project-kind", f"group {shown(item.group)} has a version", "the group alone, empty for core")
    if "{" in item.kind + item.group:
        yield say("project-kind", "braces are no alternatives here, they match themselves", "an entry for each")
    if item.name and field.startswith("namespace"):
        text = "name has no meaning in this list: Argo CD ignores it, strict lets it narrow what is permitted"
        yield say("project-kind-name", text, "no name; names count in the cluster lists")
    if field == "clusterResourceWhitelist" and (item.group, item.kind, item.name) == ("*", "*", ""):
        text = "every cluster-scoped kind, ClusterRoleBindings among them: the project owns its clusters"
        yield say("project-wildcard", text, "the kinds that are meant")


def inherited(project: Project, parent: Project) -> t.Iterator[Finding]:
    """Yield what a global project changes in a project that inherits from it."""

    def say(field: str, text: str, severity: Severity = "warning") -> Finding:
        where, fix = f"{parent.where}: spec.{field}", f"a look at what project {project.name} shall have"
        whole = f"{text} in project {project.name}, which inherits from it"
        return Finding(code="project-global-effect", severity=severity, where=where, text=whole, fix=fix)

    if parent.namespace_white and project.namespace_white is None:
        count = len(parent.namespace_white)
        yield say("namespaceResourceWhitelist", f"turns every namespaced kind into only these {count}")
    if parent.namespace_white == ():
        yield say("namespaceResourceWhitelist", "is empty, and an empty list changes nothing")
    if parent.cluster_white:
        yield say("clusterResourceWhitelist", f"permits {len(parent.cluster_white)} more cluster-scoped entries")
    if parent.sources:
        yield say("sourceRepos", f"adds {len(parent.sources)} entries to the sources")
    if parent.destinations:
        yield say("destinations", f"adds {len(parent.destinations)} entries to the destinations")
    if parent.accounts:
        yield say("destinationServiceAccounts", f"adds {len(parent.accounts)} entries to the service accounts")
