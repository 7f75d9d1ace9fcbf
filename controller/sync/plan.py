"""From pairs to ordered work: tasks, their waves and their order inside a wave. Pure.

Called by controller.syncing. Source: Argo CD gitops-engine pkg/sync/sync_tasks.go and sync_context.go.
"""

from __future__ import annotations

import itertools
import typing as t

import msgspec

from controller.sync.options import Options, sync_wave
from model.meta import JSON, ResourceKey

# fmt: off
KIND_ORDER = (
    "Namespace", "NetworkPolicy", "ResourceQuota", "LimitRange", "PodSecurityPolicy", "PodDisruptionBudget",
    "ServiceAccount", "Secret", "SecretList", "ConfigMap", "StorageClass", "PersistentVolume",
    "PersistentVolumeClaim", "CustomResourceDefinition", "ClusterRole", "ClusterRoleList", "ClusterRoleBinding",
    "ClusterRoleBindingList", "Role", "RoleList", "RoleBinding", "RoleBindingList", "Service", "DaemonSet", "Pod",
    "ReplicationController", "ReplicaSet", "Deployment", "HorizontalPodAutoscaler", "StatefulSet", "Job", "CronJob",
    "IngressClass", "Ingress", "APIService",
)
# fmt: on
"""Kinds from first to last; all others come after them."""

_RANK = {kind: rank for rank, kind in enumerate(KIND_ORDER)}


class Task(msgspec.Struct, kw_only=True, frozen=True):
    """One object to be applied, or to be pruned when it has no target."""

    key: ResourceKey
    version: str
    target: JSON | None = None
    live: JSON | None = None
    modified: bool = True
    """The comparison found a difference, or there is no live object."""
    wave: int = 0

    @property
    def is_prune(self) -> bool:
        """True when the object has left the source."""
        return self.target is None


class Wave(msgspec.Struct, kw_only=True, frozen=True):
    """The tasks of one wave: all prunes first, then the applies, kind after kind."""

    number: int
    prunes: tuple[Task, ...]
    groups: tuple[tuple[Task, ...], ...]
    """Tasks of one kind; they may be applied side by side, the groups only one after another."""

    @property
    def tasks(self) -> tuple[Task, ...]:
        """All tasks of the wave in order."""
        return (*self.prunes, *itertools.chain.from_iterable(self.groups))


def arrange(tasks: t.Iterable[Task], options: Options) -> tuple[Wave, ...]:
    """Return the waves in which the tasks run.

    Applies run in the wave that the object names, prunes in mirrored waves, so that what was built last goes first.
    PruneLast puts prunes behind the last wave. Inside a wave the order is the kind's, then the name's. A Namespace
    goes in front of the first task that lives in it, a CustomResourceDefinition in front of its first object.
    """
    waved = [msgspec.structs.replace(task, wave=sync_wave(task.target or task.live)) for task in tasks]
    waved = _prune_last(_mirror_prunes(waved), options)
    ordered = _needed_first(sorted(waved, key=_rank))
    return tuple(_wave(number, list(group)) for number, group in itertools.groupby(ordered, key=lambda task: task.wave))


def _wave(number: int, tasks: list[Task]) -> Wave:
    """Split the tasks of one wave into prunes and groups of one kind."""
    applies = [task for task in tasks if not task.is_prune]
    groups = itertools.groupby(applies, key=lambda task: (task.key.group, task.key.kind))
    prunes = tuple(task for task in reversed(tasks) if task.is_prune)
    return Wave(number=number, prunes=prunes, groups=tuple(tuple(group) for _, group in groups))


def _rank(task: Task) -> tuple[int, int, str, str, str]:
    """Return the sort key of a task."""
    key = task.key
    return task.wave, _RANK.get(key.kind, len(KIND_ORDER)), key.kind, key.namespace, key.name


def _mirror_prunes(tasks: list[Task]) -> list[Task]:
    """Exchange first and last among the distinct waves of the prune tasks."""
    waves = sorted({task.wave for task in tasks if task.is_prune})
    mirrored = dict(zip(waves, reversed(waves), strict=True))
    return [msgspec.structs.replace(k, wave=mirrored[k.wave]) if k.is_prune else k for k in tasks]


def _prune_last(tasks: list[Task], options: Options) -> list[Task]:
    """Move the prunes that ask for it behind the last wave."""
    last = max(0, max((task.wave for task in tasks), default=0)) + 1
    return [
        msgspec.structs.replace(k, wave=last) if k.is_prune and options.has("PruneLast=true", k.live) else k
        for k in tasks
    ]


def _needed_first(tasks: list[Task]) -> list[Task]:
    """Move Namespaces and CustomResourceDefinitions forward to the first task that needs them."""
    ordered = list(tasks)
    for task in [k for k in tasks if not k.is_prune and _serves(k) is not None]:
        needs = _serves(task)
        at = ordered.index(task)
        first = next((i for i, k in enumerate(ordered[:at]) if needs is not None and needs(k)), None)
        if first is not None:
            ordered.pop(at)
            ordered.insert(first, msgspec.structs.replace(task, wave=ordered[first].wave))
    return ordered


def _serves(task: Task) -> t.Callable[[Task], bool] | None:
    """Return a test for the tasks that need this one, or None when nothing can."""
    if task.key.kind == "Namespace" and not task.key.group:
        return lambda other: not other.is_prune and other.key.namespace == task.key.name
    if task.key.kind == "CustomResourceDefinition" and task.target is not None:
        spec = task.target.get("spec") or {}
        served = (spec.get("group"), (spec.get("names") or {}).get("kind"))
        return lambda other: not other.is_prune and (other.key.group, other.key.kind) == served
    return None
