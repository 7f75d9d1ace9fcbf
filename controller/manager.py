"""The running loop: starts and joins all parts, carries events to queues, runs the workers, says how it fares.

Called by lynceus.wiring. The one boundary that catches whatever a turn throws is in controller.workers.
"""

from __future__ import annotations

import concurrent.futures
import datetime as dt
import logging
import threading
import typing as t

from controller.applications import Applications
from controller.appsets import ApplicationSets
from controller.backoff import FailureBackoff
from controller.calendarwatch import CalendarWatch
from controller.clock import Clock
from controller.clockwatch import ClockWatch
from controller.clusters import Clusters
from controller.context import Context, LoopOptions
from controller.governance import Governance
from controller.interest import Interest
from controller.kube.client import KubeClient
from controller.kube.informer import Informer
from controller.kube.store import Change, ObjectStore
from controller.kubeevents import EventRecorder
from controller.memory import Memory
from controller.openings import Openings
from controller.refresh import Request, of_change
from controller.requests import Requests
from controller.secretbook import SecretBook
from controller.sources.service import SourceService
from controller.workers import Workers
from controller.workqueue import WorkQueue
from controller.writer import APPLICATIONS, AppWriter
from model.application import Application, Operation
from model.errors import InvalidSpec
from model.events import ApplicationChanged, ApplicationDeleted, Event, Leading, QueueState
from model.meta import NamespacedName
from model.project import AppProject
from model.states import RefreshLevel
from model.urls import canonical_url
from policy.guard import Guard

log = logging.getLogger(__name__)

START_SECONDS = 60.0
"""How long the start waits for the first lists before it goes on unready."""


REFRESH_QUEUE, OPERATION_QUEUE = "app_reconciliation_queue", "app_operation_processing_queue"
"""The queues under Argo CD's names, for metrics."""


class Manager:
    """Reconciles all Applications of one control plane."""

    def __init__(
        self,
        client: KubeClient,
        *,
        namespace: str,
        guard: Guard,
        sources: SourceService,
        clock: Clock,
        publish: t.Callable[[Event], None],
        options: LoopOptions | None = None,
        book: SecretBook | None = None,
    ) -> None:
        """Join the parts; nothing is started or requested yet.

        Args:
            client: of the cluster that holds the Applications.
            namespace: the control namespace.
            guard: filled with policy generations by this manager.
            sources: renders.
            clock: the time.
            publish: takes model.events; must not block and not raise.
            options: how the loop runs.
            book: filled with the Secrets; the one that `sources` looks credentials up in.
        """
        self.options = options or LoopOptions()
        self.namespace, self.clock, self.publish, self.sources = namespace, clock, publish, sources
        self._stopping, self._started, self._begun = threading.Event(), False, clock.now()
        self.refreshes = _queue(REFRESH_QUEUE, clock, publish)
        self.operations = _queue(OPERATION_QUEUE, clock, publish)
        self.memories: dict[NamespacedName, Memory] = {}
        self._memories_lock = threading.Lock()
        self.store = Applications(self._changed)
        book = book or SecretBook()
        self._calendar = CalendarWatch(clock, publish)
        self.governance = Governance(
            client, namespace, guard=guard, book=book, clock=clock, publish=publish,
            mode=self.options.policy_mode, changed=self._governed, swapped=self._calendar.use,
        )  # fmt: skip
        self.clusters = Clusters(client, book, clock=clock, publish=publish, watcher=self._live_changed)
        self.interest = Interest(self.governance, namespace)
        self._watch_store = ObjectStore()
        self._watch_store.subscribe(self.store.take)
        scope = "" if self.options.any_namespace else namespace
        self._watch = Informer(client, APPLICATIONS, self._watch_store, clock=clock, namespace=scope)
        self._appsets = ApplicationSets(client, namespace, clock=clock, publish=publish)
        self._pool = concurrent.futures.ThreadPoolExecutor(self.options.write_workers, "apply")
        self.context = self._context(client, guard)
        self._requests = Requests(self.store, self.context.writer)
        self._clock_watch = ClockWatch(clock, self._clock_set, self.options.clock_watch.total_seconds())
        self._workers = Workers(self)

    def start(self) -> None:
        """Read what governs, then the Applications, then begin to work."""
        self._begun = self.clock.now()
        if not self.governance.start(START_SECONDS):
            log.warning("what governs the loop could not be read yet; nothing is synced until it is")
        self.clusters.use(self.governance.settings)
        self._use_interval()
        self.context.recorder.start()
        self._watch.start()
        self._watch.settled.wait(START_SECONDS)
        self._workers.start()
        self._clock_watch.start()
        self._calendar.start()
        self._appsets.start()
        self._started = True
        self.publish(Leading(leading=True))

    def stop(self, timeout: float = 20.0) -> None:
        """Begin no new turn and no new wave, let running turns write their state, end all threads."""
        self._stopping.set()
        self._clock_watch.stop()
        self._calendar.stop()
        self._appsets.stop()
        self.refreshes.close()
        self.operations.close()
        self._workers.join(timeout)
        self.publish(Leading(leading=False))
        self._watch.request_stop()
        self.governance.stop()
        self.context.recorder.stop()
        self.clusters.stop()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def ready(self) -> bool:
        """Say whether a valid policy is in force and all Applications were read."""
        return self._started and self.governance.loaded and self._watch.synced.is_set()

    def healthy(self) -> bool:
        """Say whether work goes on: no worker died, and the oldest due Application has not waited too long."""
        limit = self.options.progress_limit.total_seconds()
        waits = (self.refreshes.oldest_seconds(), self.operations.oldest_seconds())
        return not self._started or (self._workers.alive() and max(waits) < limit)

    def queue_states(self) -> list[QueueState]:
        """Return how the work queues stand now, for a scrape."""
        return [self.refreshes.state(), self.operations.state()]

    def applications(self) -> list[Application]:
        """Return all Applications in their newest version."""
        return self.store.all()

    def application(self, key: NamespacedName) -> Application | None:
        """Return one Application, None when it does not exist or cannot be read."""
        return self.store.get(key)

    def project(self, name: str) -> AppProject | None:
        """Return the last good version of an AppProject."""
        return self.governance.projects.get(name or "default")

    def projects(self) -> list[AppProject]:
        """Return the last good versions of all AppProjects."""
        return list(self.governance.projects.values())

    def request_refresh(self, key: NamespacedName, level: RefreshLevel, reason: str, *, hard: bool = False) -> None:
        """Ask for a refresh of one Application now."""
        self._ask_refresh(key, Request(level=level, reason=reason, hard=hard), 0.0)

    def refresh_pushed(self, key: NamespacedName, *, since: float, pushed_at: float | None) -> None:
        """Ask for a refresh of one Application, for a push to its repository was received.

        Args:
            key: the Application.
            since: the monotonic time of the push; one list of refs that is newer serves all Applications.
            pushed_at: the same in Unix seconds; None: a second look for the same push.
        """
        request = Request(level=RefreshLevel.LATEST, reason="push", since=since, pushed_at=pushed_at)
        self._ask_refresh(key, request, 0.0)

    def submit_operation(self, key: NamespacedName, operation: Operation) -> Application:
        """Begin an operation; raises as `Requests.submit`."""
        app = self._requests.submit(key, operation)
        self.operations.add(key)
        return app

    def terminate_operation(self, key: NamespacedName) -> Application:
        """End the running operation; raises as `Requests.terminate`."""
        app = self._requests.terminate(key)
        self.operations.add(key)
        return app

    def refresh_repository(self, url: str) -> None:
        """Ask for a refresh of all Applications that follow a repository, for it has moved."""
        wanted = _canonical(url)
        for app in self.store.all():
            if any(_canonical(source.repo_url) == wanted for source in app.spec.all_sources):
                self.request_refresh(app.key, RefreshLevel.LATEST, "repository moved")

    def memory(self, key: NamespacedName) -> Memory:
        """Return what is remembered of an Application."""
        with self._memories_lock:
            return self.memories.setdefault(key, Memory(key))

    def _context(self, client: KubeClient, guard: Guard) -> Context:
        """Return what the turns share."""
        return Context(
            namespace=self.namespace,
            applications=self.store,
            writer=AppWriter(client, self.store),
            clusters=self.clusters,
            governance=self.governance,
            guard=guard,
            sources=self.sources,
            clock=self.clock,
            publish=self.publish,
            recorder=EventRecorder(client, self.clock),
            options=self.options,
            openings=Openings(self.clock, self.options.starts_per_second),
            started=lambda: self._begun,
            pool=self._pool,
            stopping=self._stopping.is_set,
            ask_refresh=self._ask_refresh,
            ask_behind=lambda key: self.refreshes.add(key, behind=True),
            ask_operation=self.operations.add_after,
            declared=self.interest.declare,
        )

    def _ask_refresh(self, key: NamespacedName, request: Request, seconds: float) -> None:
        """Note the request and queue the Application; a request without a level is a mere timer."""
        if request.level > RefreshLevel.NOTHING and seconds <= 0:
            self.memory(key).ask(request)
            self.refreshes.add(key)
        elif request.level > RefreshLevel.NOTHING:
            self.memory(key).later(request, self.clock.monotonic() + seconds)
            self.refreshes.add_after(key, seconds)
        else:
            self.refreshes.add_after(key, seconds)

    def _changed(self, key: NamespacedName, old: Application | None, new: Application | None, *, own: bool) -> None:
        """Hear of a changed Application: tell the listeners, and look at it unless the change is our own."""
        if new is None:
            self.refreshes.add(key)
            self.operations.drop(key)
            if self.store.broken(key) is None:
                self.publish(ApplicationDeleted(key=key))
            return
        self.publish(ApplicationChanged(application=new, dest_server=self.server_of(new)))
        if own:
            return
        if wish := of_change(old, new):
            self.memory(key).ask(wish)
        self.refreshes.add(key)
        if new.operation is not None or new.deleting:
            self.operations.add(key)

    def _live_changed(self, server: str, change: Change) -> None:
        """Hear of a changed object: the Applications that declare or track it compare again."""
        for key in self.interest.interested(server, change):
            memory = self.memories.get(key)
            version = change.new.header.resource_version if change.new else ""
            if memory is not None and memory.seen.get(change.key) == version:
                continue
            app = self.store.get(key)
            if app is None:
                continue
            if memory is not None:
                memory.dirty = True
            wait = 0.0
            if memory is not None:
                since = self.clock.monotonic() - memory.compared_monotonic
                wait = max(0.0, self.options.compare_interval.total_seconds() - since)
            self._ask_refresh(key, Request(level=RefreshLevel.RECENT, reason="object changed"), wait)
            if app.operation is not None or app.deleting:
                self.operations.add_after(key, 0.1)

    def _governed(self) -> None:
        """Hear of changed policy or settings."""
        self.clusters.use(self.governance.settings)
        self._use_interval()
        self._ask_all("policy or settings changed")

    def _clock_set(self, seconds: float) -> None:
        """Hear that somebody set the clock: timers count seconds and know nothing of the new time of day."""
        self._calendar.clock_set()
        self._ask_all("clock set")

    def _ask_all(self, reason: str) -> None:
        """Look at every Application again."""
        for app in self.store.all():
            self._ask_refresh(app.key, Request(level=RefreshLevel.RECENT, reason=reason), 0.0)
            if app.operation is not None:
                self.operations.add(app.key)

    def _use_interval(self) -> None:
        """Let lists of refs live a little shorter than the reconciliation interval."""
        timeout = self.governance.settings.reconciliation_timeout
        set_interval = getattr(self.sources, "set_interval", None)
        if set_interval is not None and timeout > dt.timedelta(0):
            set_interval(timeout.total_seconds() * 0.9)

    def server_of(self, app: Application) -> str:
        """Return the API server of an Application's destination, empty when it cannot be resolved."""
        try:
            return self.clusters.find(app.spec.destination, f"Application {app.key}").server
        except InvalidSpec:
            return ""


def _queue(name: str, clock: Clock, publish: t.Callable[[Event], None]) -> WorkQueue[NamespacedName]:
    return WorkQueue(clock, FailureBackoff(), name=name, publish=publish)


def _canonical(url: str) -> str:
    try:
        return canonical_url(url)
    except InvalidSpec:
        return url
