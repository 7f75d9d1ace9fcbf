"""The questions to a compiled project; each answer names the entry that decided, or says which entries there are."""

from __future__ import annotations

import typing as t

from model.decision import Decision, Rule, allow, deny
from model.errors import InvalidSpec
from model.secrets import Cluster
from model.urls import canonical_url, display_url
from policy.findings import shown
from policy.projects.clusters import server_key
from policy.projects.compiled import DestinationRule, Kind, Project

MOST_NAMED = 5
"""Entries of a list that a refusal repeats."""


def source(project: Project, url: str) -> Decision:
    """May an Application of this project come from the repository? A negation that hits wins."""
    place = f"{project.where}: spec.sourceRepos"
    try:
        canonical = canonical_url(url)
    except InvalidSpec as failure:
        return deny(str(failure), _rule(place, "repository URLs have one meaning"))
    permitted = None
    for entry in project.sources:
        hit = entry.pattern.matches(canonical)
        if entry.negated and hit:
            reason = f"source {display_url(url)} is refused by {entry.where}: {entry.text}"
            return deny(reason, _rule(entry.where, entry.text), remedy=f"take {entry.text} off {place}")
        if permitted is None and (hit != entry.negated if project.mode == "compat" else hit and not entry.negated):
            permitted = entry
    if permitted:
        rule = _rule(permitted.where, permitted.text)
        return allow(f"source {display_url(url)} is permitted by {permitted.where}: {permitted.text}", rule)
    listed = _listed([entry.text for entry in project.sources])
    reason = f"source {display_url(url)} is not permitted in project {project.name}: {place} has {listed}"
    return deny(reason, _rule(place, listed), remedy=f"add {display_url(url)} to {place}")


def destination(project: Project, cluster: Cluster, namespace: str, protected: str) -> Decision:
    """May objects go to this namespace (empty: cluster-scoped) of the cluster?

    Args:
        project: the compiled project.
        cluster: name and server, both.
        namespace: as it will stand in the object.
        protected: the control namespace when it is protected, else empty. It needs an entry that names it.
    """
    place = f"{project.where}: spec.destinations"
    target = f"{cluster.name or cluster.server}/{namespace}"
    permitted = None
    for rule in project.destinations:
        if _refuses(rule, cluster, namespace, project.mode == "compat"):
            reason = f"destination {target} is refused by {rule.where}: {rule.text}"
            return deny(reason, _rule(rule.where, rule.text), remedy=f"take {rule.text} off {place}")
        if permitted is None and _permits(rule, cluster, namespace, protected, project.mode == "compat"):
            permitted = rule
    listed = _listed([rule.text for rule in project.destinations])
    if permitted is None:
        why = " (the control namespace needs an entry that names it)" if protected and namespace == protected else ""
        reason = f"destination {target} is not permitted in project {project.name}{why}: {place} has {listed}"
        return deny(reason, _rule(place, listed), remedy=f"add {cluster.server} {namespace} to {place}")
    if project.spec.spec.permit_only_project_scoped_clusters and cluster.project != project.name:
        where = f"{project.where}: spec.permitOnlyProjectScopedClusters"
        return deny(f"destination {target}: the cluster is not scoped to project {project.name}", _rule(where, "true"))
    rule_found = _rule(permitted.where, permitted.text)
    return allow(f"destination {target} is permitted by {permitted.where}: {permitted.text}", rule_found)


def _permits(rule: DestinationRule, cluster: Cluster, namespace: str, protected: str, compat: bool) -> bool:
    if compat:
        by_cluster = rule.server.matches(cluster.server) or rule.name.matches(cluster.name)
        return by_cluster and rule.namespace.matches(namespace)
    if protected and namespace == protected and rule.spec.namespace != protected:
        return False
    return _same_cluster(rule, cluster) and rule.namespace.matches(namespace) and not rule.namespace.negated


def _same_cluster(rule: DestinationRule, cluster: Cluster) -> bool:
    """Strict: an entry means a cluster by name or by server, whichever it states; a negation alone means none."""
    by_server = (
        bool(rule.spec.server)
        and not rule.server.negated
        and (rule.server.pattern.matches(cluster.server) or rule.server.pattern.matches(server_key(cluster.server)))
    )
    by_name = bool(rule.spec.name) and not rule.name.negated and rule.name.pattern.matches(cluster.name)
    return by_server or by_name


def _refuses(rule: DestinationRule, cluster: Cluster, namespace: str, compat: bool) -> bool:
    """Return whether a negation of the entry is hit, by the entry's own other parts."""
    if compat:
        return _refuses_upstream(rule, cluster, namespace)
    spec = rule.spec
    parts = ((spec.name, rule.name, cluster.name), (spec.server, rule.server, cluster.server))
    on_cluster = [part.pattern.matches(value) for text, part, value in parts if text and not part.negated]
    off_cluster = [part.pattern.matches(value) for text, part, value in parts if text and part.negated]
    in_namespace = rule.namespace.negated or rule.namespace.pattern.matches(namespace)
    if any(off_cluster) and in_namespace:
        return True
    return rule.namespace.refuses(namespace) and (any(on_cluster) or not on_cluster)


def _refuses_upstream(rule: DestinationRule, cluster: Cluster, namespace: str) -> bool:
    by_server, by_name = rule.server.matches(cluster.server), rule.name.matches(cluster.name)
    in_namespace = rule.namespace.matches(namespace)
    if (by_server or by_name) and in_namespace:
        return False
    return (
        (rule.name.negated and not by_name)
        or (rule.server.negated and not by_server and in_namespace)
        or (rule.namespace.negated and not in_namespace and by_server)
    )


def kind(project: Project, group: str, name_of_kind: str, *, namespaced: bool, name: str | None) -> Decision:
    """May objects of this kind be synced? Namespaced: absent whitelist = all; cluster-scoped: absent = none."""
    scope = "namespace" if namespaced else "cluster"
    white = project.namespace_white if namespaced else project.cluster_white
    black = project.namespace_black if namespaced else project.cluster_black
    shown_kind = f"{group}/{name_of_kind}" if group else name_of_kind
    place = f"{project.where}: spec.{scope}ResourceWhitelist"
    hit = _first(white or (), group, name_of_kind, name)
    if white is None and namespaced:
        rule = _rule(place, "absent: every namespaced kind")
    elif hit is None:
        listed = _listed([entry.text for entry in white or ()])
        reason = f"kind {shown_kind} is not permitted in project {project.name}: {place} has {listed}"
        return deny(
            reason, _rule(place, listed), remedy=f"add group {shown(group)} kind {shown(name_of_kind)} to {place}"
        )
    else:
        rule = _rule(hit.where, hit.text)
    against = _first(black or (), group, name_of_kind, name)
    if against:
        reason = f"kind {shown_kind} is refused by {against.where}: {against.text}"
        return deny(reason, _rule(against.where, against.text), remedy=f"take {against.text} off the list")
    return allow(f"kind {shown_kind} is permitted by {rule.origin}: {rule.text}", rule)


def namespace_of_application(project: Project, namespace: str, control: str) -> Decision:
    """May Applications of this project live in the namespace? The control namespace always may."""
    place = f"{project.where}: spec.sourceNamespaces"
    if namespace in ("", control):
        return allow(f"Applications live in the control namespace {control}", _rule("control namespace", control))
    for number, pattern in enumerate(project.namespaces):
        if pattern.matches(namespace):
            where = f"{place}[{number}]"
            return allow(f"namespace {namespace} is permitted by {where}: {pattern.text}", _rule(where, pattern.text))
    listed = _listed([pattern.text for pattern in project.namespaces])
    reason = f"Applications of project {project.name} may not live in namespace {namespace}: {place} has {listed}"
    return deny(reason, _rule(place, listed), remedy=f"add {namespace} to {place}")


def _first(entries: t.Iterable[Kind], group: str, kind_name: str, name: str | None) -> Kind | None:
    return next((entry for entry in entries if entry.matches(group, kind_name, name)), None)


def _rule(origin: str, text: str) -> Rule:
    return Rule(kind="project", origin=origin, text=text)


def _listed(texts: list[str]) -> str:
    if not texts:
        return "no entries"
    more = f" and {len(texts) - MOST_NAMED} more" if len(texts) > MOST_NAMED else ""
    return ", ".join(texts[:MOST_NAMED]) + more
