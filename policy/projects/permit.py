"""The questions to a compiled project; each answer names the entry that decided, or says which entries there are.

A refusal says what would permit it and which entries came near.
"""

from __future__ import annotations

import contextlib
import json
import typing as t

from model.decision import Decision, Rule, allow, deny
from model.errors import InvalidSpec
from model.secrets import Cluster
from model.urls import display_url
from policy.findings import shown
from policy.projects import near
from policy.projects.accounts import Impersonation, resolve
from policy.projects.compiled import DestinationPattern, DestinationRule, Kind, Parts, Project
from policy.projects.goform import normalised

MOST_NAMED = 5
"""Entries of a list that a refusal repeats."""


def source(project: Project, url: str) -> Decision:
    """May an Application of this project come from the repository? A negation that hits wins."""
    place = f"{project.where}: spec.sourceRepos"
    try:
        form = project.source_form(url)
    except InvalidSpec as failure:
        return deny(str(failure), _rule(place, "repository URLs have one meaning"))
    exact = normalised(url) if project.strict else form
    permitted = None
    for entry in project.sources:
        hit = entry.hits(form, exact) if entry.negated else entry.permits(form, exact)
        if entry.negated and hit:
            reason = f"source {display_url(url)} is refused by {entry.where}: {entry.text}"
            return deny(reason, _rule(entry.where, entry.text), remedy=f"take {entry.text} off {place}")
        if permitted is None and (hit and not entry.negated if project.strict else hit != entry.negated):
            permitted = entry
    if permitted:
        rule = _rule(permitted.where, permitted.text)
        return allow(f"source {display_url(url)} is permitted by {permitted.where}: {permitted.text}", rule)
    listed = _listed([entry.text for entry in project.sources])
    reason = f"source {display_url(url)} is not permitted in project {project.name}: {place} has {listed}"
    remedy = f"add {display_url(url)} to {place}"
    return deny(reason, _rule(place, listed), remedy=remedy, reasons=near.sources(project.sources, form))


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
        if _refuses(project, rule, cluster, namespace):
            reason = f"destination {target} is refused by {rule.where}: {rule.text}"
            return deny(reason, _rule(rule.where, rule.text), remedy=f"take {rule.text} off {place}")
        if permitted is None and _permits(project, rule, cluster, namespace, protected):
            permitted = rule
    if permitted is None:
        return _no_destination(project, cluster, namespace, protected)
    if project.spec.spec.permit_only_project_scoped_clusters and not _is_scoped(project, cluster):
        where = f"{project.where}: spec.permitOnlyProjectScopedClusters"
        reason = f"destination {target}: the cluster is not scoped to project {project.name}"
        return deny(reason, _rule(where, "true"), remedy=f"set project: {project.name} in the cluster's Secret")
    rule_found = _rule(permitted.where, permitted.text)
    return allow(f"destination {target} is permitted by {permitted.where}: {permitted.text}", rule_found)


def _no_destination(project: Project, cluster: Cluster, namespace: str, protected: str) -> Decision:
    """Refuse for want of an entry."""
    place = f"{project.where}: spec.destinations"
    listed = _listed([rule.text for rule in project.destinations])
    why = " (the control namespace needs an entry that names it)" if protected and namespace == protected else ""
    target = f"{cluster.name or cluster.server}/{namespace}"
    reason = f"destination {target} is not permitted in project {project.name}{why}: {place} has {listed}"
    remedy = f"add {json.dumps({'server': cluster.server, 'namespace': namespace})} to {place}"
    close = near.destinations(project.destinations, lambda r: _on_cluster(project, r, cluster), cluster, namespace)
    return deny(reason, _rule(place, listed), remedy=remedy, reasons=close)


def _is_scoped(project: Project, cluster: Cluster) -> bool:
    return any(own.name == cluster.name or own.server == cluster.server for own in project.scoped)


def _hits(part: DestinationPattern, value: str) -> bool:
    """Match the name or server of a cluster as upstream does: what a cluster does not have matches nothing."""
    return bool(value) and part.matches(value)


def _permits(project: Project, rule: DestinationRule, cluster: Cluster, namespace: str, protected: str) -> bool:
    upstream = rule.upstream
    named = _hits(upstream.server, cluster.server) or _hits(upstream.name, cluster.name)
    if not (named and upstream.namespace.matches(namespace)):
        return False
    if not project.strict:
        return True
    if (protected and namespace == protected and rule.spec.namespace != protected) or rule.namespace.negated:
        return False
    return _on_cluster(project, rule, cluster) and rule.namespace.matches(namespace)


def _on_cluster(project: Project, rule: DestinationRule, cluster: Cluster) -> bool:
    """Return whether an entry means the cluster by its name or its server; strict: a negation means none."""
    server, name = project.server_form(cluster.server), cluster.name
    if not project.strict:
        return _hits(rule.server, server) or _hits(rule.name, name)
    return (_hits(rule.server, server) and not rule.server.negated) or (
        _hits(rule.name, name) and not rule.name.negated
    )


def _refuses(project: Project, rule: DestinationRule, cluster: Cluster, namespace: str) -> bool:
    """Return whether a negation of the entry is hit, in the area that its other parts mark out."""
    return _refuses_upstream(rule.upstream, cluster, namespace) or (
        project.strict and _refuses_strictly(project, rule, cluster, namespace)
    )


def _refuses_upstream(parts: Parts, cluster: Cluster, namespace: str) -> bool:
    """Refuse as Argo CD does: a negated name whatever the namespace, a negated namespace on the entry's server."""
    by_server, by_name = _hits(parts.server, cluster.server), _hits(parts.name, cluster.name)
    inside = parts.namespace.matches(namespace)
    if (by_server or by_name) and inside:
        return False
    if parts.name.negated and not by_name:
        return True
    if parts.server.negated and not by_server and inside:
        return True
    return parts.namespace.negated and not inside and by_server


def _refuses_strictly(project: Project, rule: DestinationRule, cluster: Cluster, namespace: str) -> bool:
    """Refuse, too: a negated namespace on a cluster meant by its name, a negated server beside a negated namespace."""
    by_server = _hits(rule.server, project.server_form(cluster.server))
    by_name = _hits(rule.name, cluster.name)
    inside = rule.namespace.matches(namespace)
    if rule.name.negated and not by_name:
        return True
    if rule.server.negated and not by_server and (inside or rule.namespace.negated):
        return True
    here = by_server or by_name or not (rule.spec.server or rule.spec.name)
    return rule.namespace.negated and not inside and here


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
        remedy = f"add group {shown(group)} kind {shown(name_of_kind)} to {place}"
        close = near.kinds(project, group, name_of_kind, name, namespaced=namespaced)
        return deny(reason, _rule(place, listed), remedy=remedy, reasons=close)
    else:
        rule = _rule(hit.where, hit.text)
    against = _first(black or (), group, name_of_kind, name)
    if against:
        reason = f"kind {shown_kind} is refused by {against.where}: {against.text}"
        remedy = f"take {against.text} off {against.where.partition('[')[0]}"
        return deny(reason, _rule(against.where, against.text), remedy=remedy)
    return allow(f"kind {shown_kind} is permitted by {rule.origin}: {rule.text}", rule)


def namespace_of_application(project: Project, namespace: str, control: str) -> Decision:
    """May Applications of this project live in the namespace? The control namespace always may."""
    place = f"{project.where}: spec.sourceNamespaces"
    if namespace in ("", control):
        return allow(f"Applications live in the control namespace {control}", _rule("control namespace", control))
    written = project.spec.spec.source_namespaces or []
    for number, (pattern, text) in enumerate(zip(project.namespaces, written, strict=True)):
        if pattern.matches(namespace):
            where = f"{place}[{number}]"
            return allow(f"namespace {namespace} is permitted by {where}: {text}", _rule(where, text))
    listed = _listed([text or repr(text) for text in written])
    reason = f"Applications of project {project.name} may not live in namespace {namespace}: {place} has {listed}"
    return deny(reason, _rule(place, listed), remedy=f"add {namespace} to {place}")


def signatures(project: Project, urls: t.Iterable[str]) -> Decision | None:
    """Return what is to be said about signatures, None when no source has to be signed.

    Nothing verifies a signature yet. strict: such a source is not synced. compat: it is, and the answer says so.
    """
    if not project.demands:
        return None
    for url in urls:
        spellings = {url, url.strip().lower(), display_url(url)}
        with contextlib.suppress(InvalidSpec):
            spellings.add(project.source_form(url))
        for demand in project.demands:
            if not demand.concerns(spellings):
                continue
            rule = _rule(demand.where, demand.text)
            text = f"source {display_url(url)} has to be signed by {demand.where}, and signatures are not verified here"
            if project.strict:
                remedy = f"take {demand.where.partition(': ')[2]} off the project, or let Argo CD sync it"
                return deny(f"{text}: it is not synced", rule, remedy=remedy)
            return allow(text, rule, reasons=(text,))
    return None


def service_account(project: Project, cluster: Cluster, namespace: str, application_namespace: str) -> Impersonation:
    """As whom are the objects of an Application written when impersonation is on?"""
    servers = {cluster.server, project.server_form(cluster.server)}
    return resolve(project.accounts, servers, namespace, application_namespace, project.mode)


def _first(entries: t.Iterable[Kind], group: str, kind_name: str, name: str | None) -> Kind | None:
    return next((entry for entry in entries if entry.matches(group, kind_name, name)), None)


def _rule(origin: str, text: str) -> Rule:
    return Rule(kind="project", origin=origin, text=text)


def _listed(texts: list[str]) -> str:
    if not texts:
        return "no entries"
    more = f" and {len(texts) - MOST_NAMED} more" if len(texts) > MOST_NAMED else ""
    return ", ".join(texts[:MOST_NAMED]) + more
