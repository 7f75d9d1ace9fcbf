"""Applications -> the lines of the per-application families. No I/O; called by `exporter.listener` with events.

An Application is known from its first ApplicationChanged to its ApplicationDeleted. What arrives for one that is not
known (a turn that ended after the deletion) is dropped, so that a deleted Application cannot come back.
"""

from __future__ import annotations

import collections
import threading
import typing as t

from exporter.catalogue import CATALOGUE
from exporter.fragments import FragmentFamily, Line
from exporter.labels import repository
from model.application import Application
from model.events import ApplicationChanged, ApplicationDeleted, SyncAttempted, SyncPermission
from model.meta import NamespacedName
from model.states import HealthStatus, OperationPhase, SyncStatus

_BORN_AT_ZERO = (OperationPhase.SUCCEEDED, OperationPhase.FAILED, OperationPhase.ERROR)

Count = tuple[str, str, str, str]
"""project, dest_server, phase, dry_run: what tells the counters of one Application apart."""


class _State:
    """What is kept of one Application beside its lines."""

    __slots__ = ("counts", "dest_server", "permission", "project")

    def __init__(self) -> None:
        self.project = ""
        self.dest_server = ""
        self.counts: dict[Count, int] = {}
        self.permission: SyncPermission | None = None


class Applications:
    """The per-application families, kept up to date by events."""

    def __init__(self, *, argocd_metrics: bool, count_attempts: bool = True) -> None:
        """Start without any Application.

        Args:
            argocd_metrics: False leaves out the families that an Argo CD in the same cluster exports too.
            count_attempts: False counts as Argo CD does: once per finished operation, whatever its retries.
        """
        chosen = [m for m in CATALOGUE if m.per_application and (argocd_metrics or not m.shadows_argocd)]
        self.families = tuple(FragmentFamily(metric) for metric in chosen)
        self._family = {family.metric.name: family for family in self.families}
        self._line = {metric.name: Line(metric) for metric in chosen}
        self._count_attempts = count_attempts
        self._states: dict[NamespacedName, _State] = {}
        self._lock = threading.Lock()

    def changed(self, event: ApplicationChanged) -> None:
        """Take a new version of an Application."""
        app, key = event.application, event.application.key
        with self._lock:
            state = self._states.setdefault(key, _State())
            state.project, state.dest_server = app.spec.project or "default", event.dest_server
            self._bear(state)
            self._put("argocd_app_info", key, [(_info(app, event.dest_server), 1)])
            self._put("argocd_app_condition", key, _conditions(app))
            self._write_counts(key, state)
            self._write_permission(key, state)

    def deleted(self, event: ApplicationDeleted) -> None:
        """Forget an Application and all of its series."""
        with self._lock:
            self._states.pop(event.key, None)
            for family in self.families:
                family.remove(event.key)

    def attempted(self, event: SyncAttempted) -> None:
        """Count an attempt of a sync."""
        succeeded = event.phase == OperationPhase.SUCCEEDED
        if not event.final and (succeeded or not self._count_attempts):
            return
        with self._lock:
            if (state := self._states.get(event.key)) is None:
                return
            # An attempt that failed before its destination was resolved belongs to the series that was born at 0.
            project, dest_server = event.project or state.project, event.dest_server or state.dest_server
            count = (project, dest_server, event.phase, _flag(event.dry_run))
            state.counts[count] = state.counts.get(count, 0) + 1
            self._write_counts(event.key, state)

    def permitted(self, event: SyncPermission) -> None:
        """Take whether a sync would be let through now."""
        with self._lock:
            if (state := self._states.get(event.key)) is not None:
                state.permission = event
                self._write_permission(event.key, state)

    def _bear(self, state: _State) -> None:
        """Give birth to the counters at 0 under the labels in force, and drop those of old labels that never moved."""
        now = {(state.project, state.dest_server, phase, "false") for phase in _BORN_AT_ZERO}
        state.counts = {count: n for count, n in state.counts.items() if n or count in now}
        for count in sorted(now):
            state.counts.setdefault(count, 0)

    def _write_counts(self, key: NamespacedName, state: _State) -> None:
        names = ("project", "dest_server", "phase", "dry_run")
        rows = [(dict(zip(names, count, strict=True)), n) for count, n in state.counts.items()]
        self._put("argocd_app_sync_total", key, rows)

    def _write_permission(self, key: NamespacedName, state: _State) -> None:
        if state.permission is None:
            return
        answers = (("auto", state.permission.automated), ("manual", state.permission.manual))
        rows = [({"project": state.project, "trigger": trigger}, int(d.allowed)) for trigger, d in answers]
        self._put("lynceus_app_sync_allowed", key, rows)

    def _put(self, name: str, key: NamespacedName, rows: t.Iterable[tuple[dict[str, str], float]]) -> None:
        """Write the lines of one Application in one family, when that family is exported."""
        if (family := self._family.get(name)) is None:
            return
        own = {"namespace": key.namespace, "name": key.name}
        family.put(key, "".join(self._line[name].write(own | labels, value) for labels, value in rows).encode())


def _info(app: Application, dest_server: str) -> dict[str, str]:
    """Return the labels of argocd_app_info. Source: Argo CD controller/metrics/metrics.go, collectApps."""
    sources = app.spec.all_sources
    return {
        "project": app.spec.project or "default",
        "autosync_enabled": _flag(app.spec.automated is not None),
        "repo": repository(sources[0].repo_url) if sources else "",
        "dest_server": dest_server,
        "dest_namespace": app.spec.destination.namespace,
        "sync_status": app.status.sync.status or SyncStatus.UNKNOWN,
        "health_status": app.status.health.status or HealthStatus.UNKNOWN,
        "operation": _operation(app),
    }


def _operation(app: Application) -> str:
    if app.deleting:
        return "delete"
    return "sync" if app.operation is not None and app.operation.sync is not None else ""


def _conditions(app: Application) -> list[tuple[dict[str, str], float]]:
    """Return one row per type of condition."""
    types = collections.Counter(condition.type for condition in app.status.conditions or ())
    project = app.spec.project or "default"
    return [({"project": project, "condition": kind}, n) for kind, n in sorted(types.items())]


def _flag(value: bool) -> str:
    return "true" if value else "false"
