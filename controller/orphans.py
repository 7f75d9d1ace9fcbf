"""Orphans: objects in an Application's destination namespace that no Application tracks, if its project asks for them.

Looked for in the store alone, so among the kinds that some Application in the cluster declares or had; no kind is
watched for this. Top-level objects count, what they own does not. A new or deleted object that nobody tracks makes the
Applications of its namespace compare again. Called by controller.reconciler and controller.interest.
Source: Argo CD docs "Orphaned resources monitoring".
"""

from __future__ import annotations

import typing as t

from controller.conditions import Finding
from controller.context import Context
from controller.kube.cluster import ClusterCache, tracker_for
from controller.memory import Memory
from controller.permit import permits
from model.application import Application
from model.events import OrphansCounted
from model.meta import NamespacedName, ResourceKey
from model.project import OrphanedResources
from model.states import ConditionType

WHOLE_NAMESPACE = "*"
"""Stands for the kind in the key by which an Application says that it cares about all of a namespace."""


def found(
    context: Context, app: Application, cache: ClusterCache, managed: t.Container[ResourceKey]
) -> list[ResourceKey]:
    """Return the orphans that the project permits and does not ignore, sorted.

    Args:
        context: the parts.
        app: the Application.
        cache: the destination's cluster.
        managed: objects that the Application declares or tracks.
    """
    rules, namespace = context.guard.orphan_rules(app), app.spec.destination.namespace
    if not (rules.watched and namespace):
        return []
    tracker = tracker_for(context.governance.settings)
    orphans = [
        stored.header.key
        for kind in cache.store.counts()
        for stored in cache.store.of_kind(*kind)
        if stored.header.key.namespace == namespace
        and not stored.header.owners
        and stored.header.key not in managed
        and not _is_tracked(context, tracker(stored.header))
        and not rules.ignored(stored.header.key)
    ]
    return sorted(key for key in orphans if permits(context, app, cache, key))


def findings(
    context: Context, app: Application, memory: Memory, cache: ClusterCache, managed: t.Container[ResourceKey]
) -> list[Finding]:
    """Return the warning about orphans, in Argo CD's words; none unless the project wants to be warned.

    Their number is told to the listeners when it is another than last time; it is 0 where nobody looks for them.
    """
    count = len(found(context, app, cache, managed))
    if count != memory.orphans:
        memory.orphans = count
        context.publish(OrphansCounted(key=app.key, project=app.spec.project or "default", number=count))
    if not context.guard.orphan_rules(app).warn:
        return []
    return [Finding(ConditionType.ORPHANED_RESOURCE, f"Application has {count} orphaned resources")] if count else []


def basis(context: Context, app: Application) -> tuple[OrphanedResources, int] | None:
    """Return what a comparison depends on where orphans are looked for: the rules, and which Applications there are.

    An Application that goes without its objects leaves orphans to the others, and no object changes by it.
    """
    project = context.governance.projects.get(app.spec.project or "default")
    if project is None or project.spec.orphaned_resources is None:
        return None
    return project.spec.orphaned_resources, hash(frozenset(other.key for other in context.applications.all()))


def interest(context: Context, app: Application) -> list[ResourceKey]:
    """Return the key that stands for the destination namespace when orphans in it are watched for."""
    namespace = app.spec.destination.namespace
    return [namespace_key(namespace)] if namespace and context.guard.orphan_rules(app).watched else []


def namespace_key(namespace: str) -> ResourceKey:
    """Return the key that stands for everything in a namespace; no object has such a kind."""
    return ResourceKey("", WHOLE_NAMESPACE, namespace, "")


def _is_tracked(context: Context, instance: str) -> bool:
    """Say whether there is an Application of this instance name."""
    if not instance:
        return False
    namespace, underscore, name = instance.partition("_")
    key = NamespacedName(namespace, name) if underscore else NamespacedName(context.namespace, instance)
    return context.applications.get(key) is not None
