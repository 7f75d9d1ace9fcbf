"""Is an Application due for a refresh, how deep, and why. Pure: data and `now` in, an answer out.

Called by controller.reconciler. Source: Argo CD controller/appcontroller.go, needRefreshAppStatus.
"""

from __future__ import annotations

import datetime as dt
import hashlib

import msgspec

from model.application import REFRESH_ANNOTATION, Application, sources_of
from model.durations import parse_time
from model.settings import Settings
from model.states import RefreshLevel

REFRESH_TIMESTAMP_ANNOTATION = "argocd.argoproj.io/refresh-timestamp"
"""Set beside the refresh annotation by clients that want to tell two requests apart."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A refresh that is wanted."""

    level: RefreshLevel
    reason: str
    """Why, in a few constant words: they become a metric label."""
    hard: bool = False
    """Render again even if the inputs are unchanged."""
    since: float | None = None
    """Do not answer from a list of refs older than this monotonic time."""
    pushed_at: float | None = None
    """When the push was received that asks for it, in Unix seconds; of several the earliest."""

    def merged(self, other: Request | None) -> Request:
        """Return one request that serves both: the deeper one gives level and reason, hard wins."""
        if other is None:
            return self
        deeper = self if self.level >= other.level else other
        times = [request.since for request in (self, other) if request.since is not None]
        pushes = [request.pushed_at for request in (self, other) if request.pushed_at is not None]
        return msgspec.structs.replace(
            deeper,
            hard=self.hard or other.hard,
            since=max(times, default=None),
            pushed_at=min(pushes, default=None),
        )


def decide(
    app: Application, *, requested: Request | None, checked_at: dt.datetime | None, settings: Settings, now: dt.datetime
) -> Request | None:
    """Return the refresh that is due, or None.

    Args:
        app: the Application as last read.
        requested: what watch events, operations and people asked for since the last refresh.
        checked_at: end of the last refresh of level 2 or more in this process; None = none yet, then
            status.reconciledAt counts.
        settings: the clocks of argocd-cm.
        now: the time.
    """
    found = _from_object(app) or _from_clock(app, checked_at, settings, now) or _from_spec(app)
    if found is None:
        return requested
    return found.merged(requested)


def of_change(old: Application | None, new: Application) -> Request | None:
    """Return the refresh that somebody's change of the Application asks for beside its sources; None for the others.

    What decides about a sync decides anew at once: nobody waits for the next timeout after switching automated sync on.
    Source: Argo CD controller/appcontroller.go, automatedSyncEnabled.
    """
    if old is None:
        return None
    if old.spec.sync_policy != new.spec.sync_policy:
        return Request(level=RefreshLevel.LATEST, reason="sync policy changed")
    if (old.spec.project, old.metadata.labels) != (new.spec.project, new.metadata.labels):
        return Request(level=RefreshLevel.RECENT, reason="project or labels changed")
    return None


def next_due(app: Application, checked_at: dt.datetime | None, settings: Settings) -> dt.datetime | None:
    """Return when the soft or hard clock of the Application runs out, jitter included; None when both are off."""
    last = last_check(app, checked_at)
    if last is None:
        return None
    spread = settings.reconciliation_jitter * jitter_share(str(app.key), last)
    due = [last + settings.reconciliation_timeout + spread] if settings.reconciliation_timeout else []
    if settings.hard_reconciliation_timeout:
        due.append(last + settings.hard_reconciliation_timeout)
    return min(due, default=None)


def last_check(app: Application, checked_at: dt.datetime | None) -> dt.datetime | None:
    """Return the end of the last refresh of level 2 or more, from memory or from status.reconciledAt."""
    if checked_at is not None:
        return checked_at
    try:
        return parse_time(app.status.reconciled_at) if app.status.reconciled_at else None
    except ValueError:
        return None


def jitter_share(key: str, last: dt.datetime) -> float:
    """Return a share in [0, 1) that differs from Application to Application and from round to round."""
    digest = hashlib.blake2b(f"{key} {last.timestamp()}".encode(), digest_size=4).digest()
    return int.from_bytes(digest) / 2**32


def _from_object(app: Application) -> Request | None:
    """Look for the refresh annotation and for another source than was compared."""
    wish = app.metadata.annotation(REFRESH_ANNOTATION)
    if wish or REFRESH_ANNOTATION in (app.metadata.annotations or {}):
        return Request(level=RefreshLevel.LATEST_FORCED, reason="refresh annotation", hard=wish == "hard")
    compared = app.status.sync.compared_to
    if app.spec.all_sources and (compared is None or not _same_sources(app)):
        return Request(level=RefreshLevel.LATEST_FORCED, reason="source changed")
    return None


def _from_clock(
    app: Application, checked_at: dt.datetime | None, settings: Settings, now: dt.datetime
) -> Request | None:
    """Look at the hard and the soft clock."""
    last = last_check(app, checked_at)
    soft, hard = settings.reconciliation_timeout, settings.hard_reconciliation_timeout
    if last is None:
        return Request(level=RefreshLevel.LATEST, reason="never compared", hard=bool(hard))
    if hard and now >= last + hard:
        return Request(level=RefreshLevel.LATEST, reason="hard timeout", hard=True)
    if soft and now >= last + soft + settings.reconciliation_jitter * jitter_share(str(app.key), last):
        return Request(level=RefreshLevel.LATEST, reason="timeout")
    return None


def _from_spec(app: Application) -> Request | None:
    """Look for a spec that differs from what the status was made from."""
    compared = app.status.sync.compared_to
    if compared is None:
        return None
    if compared.destination != app.spec.destination:
        return Request(level=RefreshLevel.LATEST, reason="destination changed")
    if _managed_metadata_changed(app):
        return Request(level=RefreshLevel.LATEST, reason="namespace metadata changed")
    if (compared.ignore_differences or []) != (app.spec.ignore_differences or []):
        return Request(level=RefreshLevel.LATEST, reason="ignored differences changed")
    return None


def _same_sources(app: Application) -> bool:
    """Compare the sources in force with those of the verdict."""
    compared = app.status.sync.compared_to
    if compared is None:
        return False
    return sources_of(compared) == app.spec.all_sources


def _managed_metadata_changed(app: Application) -> bool:
    """Compare managedNamespaceMetadata with what the last sync recorded; without a record nothing changed."""
    state = app.status.operation_state
    result = state.sync_result if state else None
    policy = app.spec.sync_policy
    wanted = policy.managed_namespace_metadata if policy else None
    if result is None or (wanted is None and result.managed_namespace_metadata is None):
        return False
    return result.managed_namespace_metadata != wanted
