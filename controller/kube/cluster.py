"""One cluster as the loop sees it: which kinds there are, which of them are watched, and their objects.

Watched are only the kinds that somebody asked for with `ensure` (what applications declare or have declared), so
memory is bounded by what is declared. A kind that cannot be listed is not synced: nobody may conclude anything about
its objects. One housekeeping thread, asleep unless CRDs change or there is something to tell: counts every few seconds,
events every second, a server that is lost or back at once.
"""

from __future__ import annotations

import functools
import logging
import threading
import typing as t

import msgspec

from controller.clock import Clock
from controller.kube.client import KubeClient
from controller.kube.discovery import ApiResource, Discovery
from controller.kube.informer import Hearers, Informer
from controller.kube.schema import Schemas
from controller.kube.store import Change, Header, ObjectStore, StoredObject, Tracker, tracked_by_annotation
from controller.kube.tally import EventTally
from model.errors import LynceusError, NotFound
from model.events import ClusterEventsProcessed, ClusterObserved, Event
from model.meta import JSON, GroupKind, split_api_version
from model.settings import Settings

log = logging.getLogger(__name__)

CRD = GroupKind("apiextensions.k8s.io", "CustomResourceDefinition")
STALE_LIMIT = 30.0
"""Seconds without contact after which a kind's view no longer counts as current."""
TELL_INTERVAL = 5.0
"""Seconds between two ClusterObserved events: counts change with every pod, and a scrape comes twice a minute."""
EVENTS_INTERVAL = 1.0
"""Seconds between two ClusterEventsProcessed events."""
CRD_LAG = (0.1, 1.0, 3.0)
"""Seconds after a CRD event at which discovery is read: the server publishes a new kind a moment later."""
RETRY = 5.0
"""Seconds until discovery is tried again when the server does not answer."""


class ClusterCache:
    """Watches over one cluster."""

    def __init__(
        self,
        client: KubeClient,
        *,
        settings: Settings,
        clock: Clock,
        publish: t.Callable[[Event], None],
        name: str = "in-cluster",
        server: str = "",
        labels: dict[str, str] | None = None,
        namespaces: tuple[str, ...] = (),
    ) -> None:
        """Prepare; nothing is requested yet.

        Args:
            client: of the cluster's API server.
            settings: how ownership is read.
            clock: the time.
            publish: takes ClusterObserved and ClusterEventsProcessed; must not block and not raise.
            name: of the cluster, for people.
            server: its URL as destinations name it; empty: as the client reaches it.
            labels: of the cluster's Secret.
            namespaces: the only ones that are watched; empty: all.
        """
        self.client, self.name, self.namespaces = client, name, namespaces
        self.server, self.labels = server or client.server, labels or {}
        self.discovery = Discovery(client, clock)
        self.schemas = Schemas(client, clock)
        self.store = ObjectStore(tracker_for(settings))
        self.version = ""
        """The server's version; empty until it was reached."""
        self._clock, self.publish = clock, publish
        self._lock = threading.Lock()
        self._wanted: set[GroupKind] = set()
        self._informers: dict[GroupKind, list[Informer]] = {}
        self._stop, self._wake = threading.Event(), threading.Event()
        self._crds_changed = self._changed = False
        self._looks: list[float] = []
        """Monotonic seconds at which discovery is to be read."""
        self._told: ClusterObserved | None = None
        self._tell_at = self._tell_events_at = 0.0
        self._events = EventTally()
        self._version_due = True
        self._synced_at = 0.0
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin; a server that does not answer yet is tried again in the background."""
        self.store.subscribe(self._noticed)
        self.ensure([CRD])
        self._thread = threading.Thread(target=self._run, name=f"cluster-{self.name}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End all threads."""
        self._stop.set()
        self._wake.set()
        with self._lock:
            informers = [informer for group in self._informers.values() for informer in group]
            self._informers = {}
        for informer in informers:
            informer.request_stop()
        for informer in informers:
            informer.stop()
        if self._thread is not None:
            self._thread.join(5.0)

    def use(self, settings: Settings) -> None:
        """Take changed settings: ownership may be read in another way."""
        self.store.set_tracker(tracker_for(settings))

    def describe(self, name: str, labels: dict[str, str]) -> None:
        """Take another name and other labels of the cluster's Secret."""
        self.name, self.labels = name, labels
        self._changed, self._tell_at = True, 0.0
        self._wake.set()

    def ensure(self, kinds: t.Iterable[GroupKind], timeout: float = 0.0) -> frozenset[GroupKind]:
        """Watch these kinds from now on and return those whose view is not current.

        Args:
            kinds: what an application declares, tracks or has in status.resources.
            timeout: seconds to wait for the first lists.
        """
        asked = {GroupKind(*kind) for kind in kinds}
        for kind in asked:
            self._start_kind(kind)
        deadline = self._clock.monotonic() + timeout
        for kind in asked if timeout > 0 else ():
            for informer in self._informers.get(kind, ()):
                informer.settled.wait(max(0.0, deadline - self._clock.monotonic()))
        return frozenset(kind for kind in asked if not self.kind_synced(*kind))

    def wait_synced(self, timeout: float) -> bool:
        """Wait for all kinds asked for so far; True when each has a current view."""
        with self._lock:
            wanted = set(self._wanted)
        return not self.ensure(wanted, timeout)

    def kind_synced(self, group: str, kind: str) -> bool:
        """Return True when the store's view of this kind is complete and current; False forbids any conclusion."""
        informers = self._informers.get(GroupKind(group, kind))
        return bool(informers) and all(self._current(informer) for informer in informers or ())

    def problems(self) -> dict[GroupKind, str]:
        """Return the last failure of each kind that has one, in words."""
        with self._lock:
            pairs = [(kind, informer.error) for kind, group in self._informers.items() for informer in group]
        return {kind: error for kind, error in pairs if error}

    def decode_as(self, stored: StoredObject, api_version: str) -> JSON:
        """Return the live object in the version that a target states, read from the server if it is another.

        Raises:
            LynceusError: the server does not serve that version, or does not answer.
        """
        found = stored.decode()
        if found.get("apiVersion") == api_version:
            return found
        key = stored.header.key
        resource = self.discovery.find(key.group, key.kind, split_api_version(api_version)[1])
        if resource is None:
            raise NotFound(f"{key.kind} {key.namespace}/{key.name}: the server does not serve {api_version}")
        return t.cast("JSON", msgspec.json.decode(self.client.get(resource, key.namespace, key.name)))

    @property
    def connected(self) -> bool:
        """True while the server answers, be it that it refuses to show CustomResourceDefinitions."""
        informers = self._informers.get(CRD)
        return bool(self.version and informers) and all(informer.answers for informer in informers or ())

    def _current(self, informer: Informer) -> bool:
        since = informer.stale_since
        return informer.synced.is_set() and (since is None or self._clock.monotonic() - since < STALE_LIMIT)

    def _start_kind(self, kind: GroupKind) -> None:
        """Start the informers of a kind unless they run or the kind is not there (yet)."""
        if kind in self._informers:
            return
        with self._lock:
            self._wanted.add(kind)
        try:
            resource = self.discovery.find(*kind)
        except LynceusError as failure:
            log.info("kind not known yet", extra={"kind": str(kind), "error": str(failure)})
            return
        if resource is None or not resource.watchable:
            return
        with self._lock:
            if kind in self._informers or self._stop.is_set():
                return
            self._informers[kind] = informers = [self._informer(resource, ns) for ns in self._scopes(resource)]
        for informer in informers:
            informer.start()

    def _scopes(self, resource: ApiResource) -> tuple[str, ...]:
        return self.namespaces if self.namespaces and resource.namespaced else ("",)

    def _informer(self, resource: ApiResource, namespace: str) -> Informer:
        kind = resource.group_kind
        hearers = Hearers(
            missing=self._kinds_changed,
            contact=functools.partial(self._contact_changed, kind),
            events=functools.partial(self._count_events, kind),
        )
        return Informer(self.client, resource, self.store, clock=self._clock, namespace=namespace, hearers=hearers)

    def _noticed(self, change: Change) -> None:
        """Remember that something changed; called by informers for every object."""
        if change.key.group_kind == CRD and not _same_spec(change):
            self._kinds_changed()
        if not self._changed:
            self._changed = True
            self._wake.set()

    def _contact_changed(self, kind: GroupKind) -> None:
        """Hear that a watch lost the server or has it back; whoever comes back may be another version."""
        self._changed = True
        self._version_due = self._version_due or kind == CRD
        self._wake.set()

    def _count_events(self, kind: GroupKind, number: int, seconds: float) -> None:
        """Count watch events; called by informers for each piece that arrived."""
        if self._events.add(kind, number, seconds):
            self._wake.set()

    def _kinds_changed(self) -> None:
        self.discovery.invalidate()
        self.schemas.invalidate()
        self._crds_changed = True
        self._wake.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            pause = None
            try:
                self._keep_house()
            except LynceusError as failure:
                log.warning("cluster not reachable", extra={"cluster": self.name, "error": str(failure)})
                pause = RETRY
            except Exception:
                log.exception("housekeeping failed", extra={"cluster": self.name})
                pause = RETRY
            if self._stop.is_set():
                return
            self._tell_due(unreachable=pause is not None)
            self._wake.wait(self._pause(pause))
            self._wake.clear()

    def _keep_house(self) -> None:
        now = self._clock.monotonic()
        blind = CRD not in self._informers
        if self._version_due and (not self.version or blind or self.connected):
            known, self.version = self.version, self._read_version()
            if blind or self.version != known:
                self._looks = [now]
        if self._crds_changed:
            self._crds_changed = False
            self._looks = [now + lag for lag in CRD_LAG]
        if any(due <= now for due in self._looks):
            self.discovery.refresh()
            self._match_kinds()
            self._looks = [due for due in self._looks if due > now]

    def _read_version(self) -> str:
        """Ask for the version; who is lost and back while it is asked for is asked once more."""
        self._version_due = False
        try:
            return self.client.version()
        except Exception:
            self._version_due = True
            raise

    def _tell_due(self, *, unreachable: bool) -> None:
        """Tell what has to be told now: counts and events when their time has come, another contact at once."""
        now = self._clock.monotonic()
        told = self._told
        if told is None:
            due = unreachable or all(informer.settled.is_set() for informer in self._informers.get(CRD, ()))
        else:
            due = told.connected != self.connected or (self._changed and now >= self._tell_at)
        if due:
            self._tell(now)
        if self._events and now >= self._tell_events_at and (batch := self._events.take()):
            self._tell_events_at = now + EVENTS_INTERVAL
            self.publish(ClusterEventsProcessed(server=self.server, counts=batch.counts, seconds=batch.seconds))

    def _pause(self, retry: float | None) -> float | None:
        """Return seconds until something is due; None: until something happens.

        Args:
            retry: seconds until the server is tried again, for it just failed; None: it did not.
        """
        now = self._clock.monotonic()
        due = list(self._looks) if retry is None else [now + retry]
        due += [self._tell_at] if self._changed and self._told is not None else []
        due += [self._tell_events_at] if self._events else []
        return max(0.0, min(due) - now) if due else None

    def _match_kinds(self) -> None:
        """Start what is wanted and there now; stop what is gone or has another preferred version."""
        with self._lock:
            running = dict(self._informers)
            wanted = set(self._wanted)
        for kind, informers in running.items():
            if not self.discovery.group_unknown(kind.group) and self.discovery.find(*kind) != informers[0].resource:
                self._restart(kind, informers)
        for kind in wanted:
            self._start_kind(kind)

    def _restart(self, kind: GroupKind, informers: list[Informer]) -> None:
        """Stop a kind; its objects leave the store only if the server says that the kind is no more."""
        with self._lock:
            self._informers.pop(kind, None)
        for informer in informers:
            informer.stop()
        if self.discovery.find(*kind) is None:
            self.store.replace_kind(kind, {})

    def _tell(self, now: float) -> None:
        """Publish the counts when they differ from what was told."""
        self._changed, self._tell_at = False, now + TELL_INTERVAL
        event = ClusterObserved(
            server=self.server,
            name=self.name,
            version=self.version,
            objects=self.store.count(),
            api_resources=len(self._informers),
            connected=self.connected,
            synced_at=self._last_list(),
            labels=self.labels,
        )
        if event != self._told and not self._stop.is_set():
            self._told = event
            self.publish(event)

    def _last_list(self) -> float:
        """Return when the last full list was taken while all kinds had one, Unix seconds; 0 = that never was."""
        with self._lock:
            informers = [informer for group in self._informers.values() for informer in group]
        if informers and all(informer.synced.is_set() or informer.refused for informer in informers):
            self._synced_at = max(self._synced_at, *(informer.listed_at for informer in informers))
        return self._synced_at


def tracker_for(settings: Settings) -> Tracker:
    """Return how ownership is read under the tracking method of these settings."""
    if settings.tracking_method != "label":
        return tracked_by_annotation
    key = settings.instance_label_key

    def by_label(header: Header) -> str:
        return header.labels.get(key, "")

    return by_label


def _same_spec(change: Change) -> bool:
    """True when a CRD changed in nothing that discovery shows: same generation, and it was served before."""
    old, new = change.old, change.new
    if old is None or new is None:
        return False
    return old.header.generation == new.header.generation and _established(old.raw) == _established(new.raw)


def _established(raw: bytes) -> bool:
    return b'"Established"' in raw
