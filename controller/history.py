"""status.history: what was deployed, when and by whom. Pure. Called by controller.operation's users on success."""

from __future__ import annotations

import datetime as dt
import typing as t

from model.application import HistoryEntry, OperationState
from model.durations import format_time

DEFAULT_LIMIT = 10
"""Entries kept where spec.revisionHistoryLimit is absent (Argo CD: RevisionHistoryLimit)."""


def is_deployment(state: OperationState) -> bool:
    """Say whether a succeeded operation belongs in the history: a sync of everything that was not a dry run."""
    sync = state.operation.sync
    return sync is not None and not sync.dry_run and not sync.resources and state.sync_result is not None


def appended(
    entries: t.Sequence[HistoryEntry] | None, state: OperationState, *, limit: int | None, now: dt.datetime
) -> list[HistoryEntry]:
    """Return the history with one entry for the finished operation, cut to its limit.

    Args:
        entries: the history so far, oldest first.
        state: a succeeded operation with its syncResult.
        limit: spec.revisionHistoryLimit; None = 10, 0 = none is kept.
        now: when it was deployed.
    """
    result = state.sync_result
    if result is None:
        return list(entries or ())
    last = max((e.id for e in entries or ()), default=-1)
    entry = HistoryEntry(
        id=last + 1,
        revision=result.revision,
        revisions=result.revisions,
        source=result.source,
        sources=result.sources,
        deploy_started_at=state.started_at,
        deployed_at=format_time(now),
        initiated_by=state.operation.initiated_by,
    )
    keep = DEFAULT_LIMIT if limit is None else max(0, limit)
    return [*(entries or ()), entry][-keep:] if keep else []
