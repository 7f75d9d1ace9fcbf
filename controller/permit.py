"""May these objects be written? The project's answer for each final object, before the first write. Nothing half.

Called before an operation is set and again before each of its waves.
"""

from __future__ import annotations

import typing as t

from controller.context import Context
from controller.kube.cluster import ClusterCache
from controller.sync.plan import Task
from model.application import Application
from model.decision import Decision, Rule, deny
from model.errors import ApiUnavailable, InvalidSpec
from model.meta import GroupKind, ResourceKey, key_of
from model.secrets import Cluster


def forbidden(context: Context, app: Application, tasks: t.Iterable[Task]) -> Decision | None:
    """Return the first refusal among the objects of the tasks, None when all are permitted.

    The scope of each kind comes from the destination's discovery or from a CustomResourceDefinition among the tasks;
    a kind whose scope is not known is refused.
    """
    found = list(tasks)
    scopes = dict(_defined(found))
    cluster = context.clusters.find(app.spec.destination, f"Application {app.key}")
    for task in found:
        namespaced = scopes.get(task.key.group_kind)
        if namespaced is None:
            namespaced = _scope(context, cluster, task)
        if namespaced is None:
            return deny(
                f"{task.key.group_kind} {task.key.name}: the destination has no such kind, so nothing permits it"
            )
        decision = _beyond(cluster, task.key, namespaced=namespaced)
        if decision is None:
            decision = context.guard.may_apply(
                app,
                group=task.key.group,
                kind=task.key.kind,
                namespaced=namespaced,
                namespace=task.key.namespace,
                name=task.key.name,
            )
        if not decision.allowed:
            return decision
    return None


def _beyond(cluster: Cluster, key: ResourceKey, *, namespaced: bool) -> Decision | None:
    """Return the refusal of an object that lies outside of what the cluster's Secret gives to be managed.

    Nothing is watched there, so nobody would see what became of it. Source: gitops-engine pkg/cache, namespaced mode.
    """
    given = cluster.namespaces
    if not given or (not namespaced and cluster.cluster_resources) or (namespaced and key.namespace in given):
        return None
    where, text = f"cluster {cluster.name or cluster.server}", f"namespaces: {', '.join(given)}"
    what = f"its namespace is none of {', '.join(given)}" if namespaced else "cluster-scoped objects are not managed"
    remedy = "add the namespace to the cluster's Secret" if namespaced else 'set clusterResources: "true" in the Secret'
    rule = Rule(kind="project", origin=where, text=text)
    return deny(f"{key.group_kind} {key.name}: {where} is given with namespaces, {what}", rule, remedy=remedy)


def permits(context: Context, app: Application, cache: ClusterCache, key: ResourceKey) -> bool:
    """Say whether the project permits an object that is live only.

    Another installation may have an Application of the same name: its objects carry our tracking and lie where our
    project has no business.
    """
    try:
        resource = cache.discovery.find(key.group, key.kind)
    except ApiUnavailable:
        return True
    return (
        resource is not None
        and context.guard.may_apply(
            app, group=key.group, kind=key.kind, namespaced=resource.namespaced, namespace=key.namespace, name=key.name
        ).allowed
    )


def permits_kind(context: Context, app: Application, cache: ClusterCache, key: ResourceKey) -> bool:
    """Say whether the project permits the kind of a declared object; a kind that is not served (yet) may be."""
    try:
        resource = cache.discovery.find(key.group, key.kind)
    except ApiUnavailable:
        return True
    return resource is None or context.guard.may_hold(app, key, namespaced=resource.namespaced).allowed


def _scope(context: Context, cluster: Cluster, task: Task) -> bool | None:
    """Return whether the kind is namespaced, None when that is not known."""
    try:
        resource = context.clusters.cache(cluster).discovery.find(task.key.group, task.key.kind)
    except (ApiUnavailable, InvalidSpec):
        return None
    return resource.namespaced if resource is not None else None


def _defined(tasks: list[Task]) -> t.Iterator[tuple[GroupKind, bool]]:
    """Yield the kinds that the tasks define themselves."""
    for task in tasks:
        if task.target is None or key_of(task.target).kind != "CustomResourceDefinition":
            continue
        spec = task.target.get("spec") or {}
        yield (
            GroupKind(str(spec.get("group")), str((spec.get("names") or {}).get("kind"))),
            spec.get("scope") == "Namespaced",
        )
