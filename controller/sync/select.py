"""Which tasks an operation runs, and what keeps it from running at all. Pure.

Called by controller.syncing before the first write. Source: Argo CD gitops-engine pkg/sync/sync_context.go.
"""

from __future__ import annotations

import typing as t

import msgspec

from controller.sync.options import Options
from controller.sync.plan import Task
from model.application import OperationResource, SyncOperation
from model.meta import GroupKind
from model.states import ResultCode


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """The tasks to run, and those that are left out with the words for the result."""

    tasks: tuple[Task, ...]
    skipped: tuple[tuple[Task, str], ...] = ()
    """Objects that left the source and stay all the same: (task, message)."""


def select(tasks: t.Iterable[Task], operation: SyncOperation, options: Options) -> Selection:
    """Return what the operation runs.

    Args:
        tasks: everything that the comparison found.
        operation: `resources` selects objects, `prune` lets what left the source be deleted.
        options: of operation and Application.
    """
    chosen = [task for task in tasks if _selected(task, operation.resources)]
    run: list[Task] = []
    skipped: list[tuple[Task, str]] = []
    for task in chosen:
        if not task.is_prune:
            if task.modified or not options.app("ApplyOutOfSyncOnly=true"):
                run.append(task)
        elif options.has("Prune=false", task.live):
            skipped.append((task, "ignored (no prune)"))
        elif options.has("Prune=confirm", task.live):
            skipped.append((task, "ignored (requires confirmation, which this version does not support)"))
        elif not operation.prune:
            skipped.append((task, "ignored (requires pruning)"))
        else:
            run.append(task)
    return Selection(tasks=tuple(run), skipped=tuple(skipped))


def refusal(
    tasks: t.Sequence[Task],
    operation: SyncOperation,
    options: Options,
    *,
    allow_empty: bool,
    unknown: t.Mapping[GroupKind, str],
    shared: t.Sequence[str],
) -> str:
    """Return why the operation must not run, empty when it may.

    Args:
        tasks: everything that the comparison found, before the selection.
        operation: the request.
        options: of operation and Application.
        allow_empty: automated.allowEmpty.
        unknown: kinds about whose objects nothing may be concluded.
        shared: objects that another Application tracks, one line each.
    """
    if unknown:
        kind, why = next(iter(sorted(unknown.items())))
        return f"The state of {kind} objects is not known: {why}"
    if shared and options.app("FailOnSharedResource=true"):
        return f"Shared resource found: {shared[0]}"
    prunes = [task for task in tasks if task.is_prune]
    if prunes and len(prunes) == len(tasks) and operation.prune and not allow_empty and not operation.resources:
        return (
            f"The source renders no objects, and pruning would delete all {len(prunes)}. "
            "Set spec.syncPolicy.automated.allowEmpty to allow that"
        )
    nameless = next((task for task in tasks if not task.key.name), None)
    if nameless is not None:
        return f"A {nameless.key.group_kind} has no metadata.name; only hooks may use generateName"
    return ""


def result_code(task: Task) -> ResultCode:
    """Return the code of a task that went well."""
    return ResultCode.PRUNED if task.is_prune else ResultCode.SYNCED


def _selected(task: Task, resources: list[OperationResource] | None) -> bool:
    """Say whether the operation's selection, if it has one, names the object."""
    if not resources:
        return True
    key = task.key
    return any(
        (r.group, r.kind, r.name) == (key.group, key.kind, key.name) and r.namespace in ("", key.namespace)
        for r in resources
    )
