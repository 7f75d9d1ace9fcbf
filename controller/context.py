"""The parts that all turns share, in one value; built by controller.manager."""

from __future__ import annotations

import concurrent.futures
import datetime as dt
import typing as t

import msgspec

from controller.applications import Applications
from controller.backoff import SelfHealBackoff
from controller.clock import Clock
from controller.clusters import Clusters
from controller.governance import Governance
from controller.kubeevents import EventRecorder
from controller.openings import Openings
from controller.refresh import Request
from controller.sources.service import SourceService
from controller.writer import AppWriter
from model.application import Application
from model.events import Event
from model.meta import NamespacedName
from policy.guard import Guard


class LoopOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How the loop runs; every default is a choice that suits a cluster of hundreds of Applications."""

    refresh_workers: int = 8
    operation_workers: int = 8
    write_workers: int = 8
    """Threads that apply the objects of one kind side by side."""
    mode: t.Literal["reconcile", "observe"] = "reconcile"
    """observe: beside an Argo CD; nothing is written, neither to Applications nor to what they deploy."""
    policy_mode: t.Literal["strict", "compat"] = "strict"
    """How policy is read."""
    source_grace: dt.timedelta = dt.timedelta(seconds=180)
    """An unreachable source leaves the status as it is for this long (Argo CD: ARGOCD_REPO_ERROR_GRACE_PERIOD…)."""
    self_heal: SelfHealBackoff = SelfHealBackoff()
    sync_timeout: dt.timedelta = dt.timedelta(0)
    """An operation that runs longer is terminated; 0 = never (Argo CD: --sync-timeout)."""
    compare_interval: dt.timedelta = dt.timedelta(seconds=1)
    """Comparisons of one Application that watch events cause are at least this far apart."""
    any_namespace: bool = False
    """Also reconcile Applications outside the control namespace, as far as their project permits."""
    progress_limit: dt.timedelta = dt.timedelta(minutes=10)
    """When the oldest due Application waited longer than this, the loop counts as stuck."""
    window_jitter: dt.timedelta = dt.timedelta(seconds=5)
    """Spread over which blocked changes start when their window opens."""
    starts_per_second: float = 20.0
    """Starts a second of changes that waited for a window; 0 = no cap."""
    clock_watch: dt.timedelta = dt.timedelta(seconds=2)
    """How often it is looked whether somebody set the clock."""


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What a turn works with."""

    namespace: str
    """The control namespace."""
    applications: Applications
    writer: AppWriter
    clusters: Clusters
    governance: Governance
    guard: Guard
    sources: SourceService
    clock: Clock
    publish: t.Callable[[Event], None]
    recorder: EventRecorder
    options: LoopOptions
    openings: Openings
    """Whose turn it is among the changes that waited for a window."""
    started: t.Callable[[], dt.datetime]
    """When this process began to reconcile."""
    pool: concurrent.futures.ThreadPoolExecutor
    stopping: t.Callable[[], bool]
    """True once the process was asked to stop: no new step of a sync begins."""
    ask_refresh: t.Callable[[NamespacedName, Request, float], None]
    """Ask for a refresh in so many seconds."""
    ask_behind: t.Callable[[NamespacedName], None]
    """Ask for a refresh that lets all others go first."""
    ask_operation: t.Callable[[NamespacedName, float], None]
    """Ask for a turn of the operation in so many seconds."""
    declared: t.Callable[[NamespacedName, str, t.Iterable[t.Any]], None]
    """Tell which objects (server, keys) an Application declares, so that their changes reach it."""

    def instance(self, app: Application) -> str:
        """Return the name under which the Application's objects are tracked."""
        return app.instance_name(self.namespace)
