"""Which entries of a project came near to permitting something, and what each of them lacked. Only words.

A person who is refused wants to know which line was meant to let them in. Called by policy.projects.permit.
"""

from __future__ import annotations

import typing as t

from model.secrets import Cluster
from policy.projects.compiled import DestinationRule, Kind, Project, Source

MOST = 3
"""Near misses in one answer."""


def sources(entries: t.Iterable[Source], form: str) -> tuple[str, ...]:
    """Return entries about the same host, the one with the longest common beginning first."""
    host = _host(form)
    found = [entry for entry in entries if not entry.negated and host and host in entry.text.lower()]
    found.sort(key=lambda entry: -_common(entry.pattern.text, form))
    return tuple(f"near: {entry.where}: {entry.text} {_lack(entry, form)}" for entry in found[:MOST])


def _lack(entry: Source, form: str) -> str:
    if entry.pattern.broken:
        return f"matches nothing: {entry.pattern.broken}"
    if entry.pattern.matches(form):
        return "is the same repository in another spelling; slashes, ports and users count"
    pattern = entry.pattern.text
    if pattern.count("/") < form.count("/") and "*" in pattern:
        return "does not reach so deep: * stays within one segment of the path, ** crosses"
    return "is about the same host, its path does not match"


def destinations(
    entries: t.Iterable[DestinationRule],
    on_cluster: t.Callable[[DestinationRule], bool],
    cluster: Cluster,
    namespace: str,
) -> tuple[str, ...]:
    """Return entries that match the cluster or the namespace, but not both."""
    found: list[str] = []
    for rule in entries:
        here, inside = on_cluster(rule), rule.namespace.pattern.matches(namespace)
        shown = f"near: {rule.where}: {rule.text}"
        if rule.negated and (here or inside):
            found.append(f"{shown} only refuses; it permits nothing")
        elif here and inside and not rule.upstream.server.matches(cluster.server):
            found.append(f"{shown} means this server in another spelling; case and slashes count")
        elif here and not inside:
            found.append(f"{shown} means this cluster, but not namespace {namespace or repr('')}")
        elif inside and not here:
            found.append(f"{shown} means this namespace, but not cluster {_cluster(rule, cluster)}")
    return tuple(found[:MOST])


def _cluster(rule: DestinationRule, cluster: Cluster) -> str:
    """Return how the cluster is known, and which of its names is not although the entry uses it."""
    if rule.spec.name and not cluster.name:
        return f"{cluster.server}, whose name is not known here: its Secret has it"
    if rule.spec.server and not cluster.server:
        return f"{cluster.name}, whose server is not known here: its Secret has it"
    return cluster.name or cluster.server


def kinds(project: Project, group: str, kind: str, name: str | None, *, namespaced: bool) -> tuple[str, ...]:
    """Return entries with the kind in another group, with another name, or in the list of the other scope."""
    own, other = project.cluster_white, project.namespace_white
    if namespaced:
        own, other = other, own
    found = [
        f"near: {entry.where}: {entry.text} {why}" for entry in own or () if (why := _apart(entry, group, kind, name))
    ]
    scope = "namespaced" if namespaced else "cluster-scoped"
    wrong = [entry for entry in other or () if entry.kind.literal == kind and entry.matches(group, kind, name)]
    found += [f"near: {e.where}: {e.text} stands in the other list; {kind} is {scope}" for e in wrong]
    return tuple(found[:MOST])


def _apart(entry: Kind, group: str, kind: str, name: str | None) -> str:
    """Return what an entry about this kind lacks, empty when it is about something else."""
    if entry.kind.matches(kind) and not entry.group.matches(group):
        return f"has this kind in group {entry.group.text or repr('')}, the object's group is {group or repr('')}"
    if entry.kind.matches(kind) and entry.name is not None and name is not None and not entry.name.matches(name):
        return f"means other names than {name}"
    if entry.kind.text.lower() == kind.lower() and entry.group.matches(group):
        return "differs in case; kinds are compared exactly"
    return ""


def _host(form: str) -> str:
    return form.partition("://")[2].partition("/")[0] or form.partition("/")[0]


def _common(one: str, other: str) -> int:
    return next(
        (n for n, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), min(len(one), len(other))
    )
