"""Keeps the store equal to one kind of a cluster: list in pages, then watch, and list again when the thread is lost.

A list counts only when it is complete: an error on any page discards it. While the view is not current (`synced`
cleared, or `stale_since` set for long) nobody may conclude that an object is gone. One daemon thread per informer,
asleep in a socket read when nothing happens.
"""

from __future__ import annotations

import logging
import random
import threading
import time
import typing as t

import msgspec

from controller.clock import Clock
from controller.kube.client import KubeClient
from controller.kube.discovery import ApiResource
from controller.kube.replies import NoAnswer, event_failure
from controller.kube.store import ObjectStore, StoredObject, read_stored
from controller.kube.streams import WatchStream
from model.errors import ApiUnavailable, Forbidden, Gone, LynceusError, NotFound, TooManyRequests, Unauthenticated
from model.meta import ResourceKey

log = logging.getLogger(__name__)

PAGE = 500
"""Objects per page, as client-go's pager."""
SERVER_WATCH_SECONDS = 290
"""The server ends a watch after this long, give or take a tenth: below the five minutes of common load balancers."""
SILENCE_SECONDS = 100.0
"""Without a byte for this long the stream counts as dead: API servers send a bookmark about once a minute."""
FIRST_BACKOFF, LONGEST_BACKOFF = 0.2, 30.0
SHORT_LIFE = 1.0
"""Seconds; a watch that ends sooner without an event counts as a failure, so that it cannot become a hot loop."""
DOUBTFUL_SECONDS = 30.0
"""So long a server may fail or cut its answers before it counts as one that does not answer."""
REFUSED_BACKOFF = 60.0
"""Seconds between tries when the kind may not be read or is not there: rights and CRDs rarely change."""


class _ListMeta(msgspec.Struct, frozen=True, rename="camel"):
    resource_version: str = ""
    next_page: str = msgspec.field(name="continue", default="")


class _Page(msgspec.Struct, frozen=True):
    kind: str
    metadata: _ListMeta
    items: list[msgspec.Raw] | None


class _WatchEvent(msgspec.Struct, frozen=True):
    type: str
    object: msgspec.Raw


class _BookmarkMeta(msgspec.Struct, frozen=True, rename="camel"):
    resource_version: str = ""


class _Bookmark(msgspec.Struct, frozen=True):
    metadata: _BookmarkMeta


_pages, _events = msgspec.json.Decoder(_Page), msgspec.json.Decoder(_WatchEvent)
_bookmarks = msgspec.json.Decoder(_Bookmark)


def _nobody(*_: float) -> None:
    """Hear nothing."""


class Hearers(t.NamedTuple):
    """Who hears of what happens to a watch; called in its thread, must be quick and must not raise."""

    missing: t.Callable[[], None] = _nobody
    """The server says that there is no such kind."""
    contact: t.Callable[[], None] = _nobody
    """The server was lost or is back, or the view became complete or lost its place."""
    events: t.Callable[[int, float], None] = _nobody
    """So many changes arrived together, and taking them took so many seconds."""


NOBODY = Hearers()


class Informer:
    """Watches one kind, in one namespace or all."""

    stale_since: float | None = None
    """Monotonic seconds since when nothing is heard from the server; None while all is well."""
    error = ""
    """The last failure in words; empty while all is well."""
    answers = False
    """The server answers, be it with a refusal; False too when it does not let us in or only fails for long."""
    refused = False
    """It answers that the kind may not be read or is not there."""
    listed_at = 0.0
    """When the last complete list was taken, Unix seconds; 0 = never."""
    _held_back = 0.0
    """Seconds that were waited because the server had asked for it; told with the next request."""

    def __init__(
        self,
        client: KubeClient,
        resource: ApiResource,
        store: ObjectStore,
        *,
        clock: Clock,
        namespace: str = "",
        field_selector: str = "",
        label_selector: str = "",
        page: int = PAGE,
        silence: float = SILENCE_SECONDS,
        missing_backoff: float = REFUSED_BACKOFF,
        quiet: bool = False,
        hearers: Hearers = NOBODY,
    ) -> None:
        """Prepare to watch one kind.

        Args:
            client: of the API server.
            resource: the kind.
            store: is kept equal to it.
            clock: for times of lists and silences.
            namespace: one namespace; empty for all.
            field_selector: as the API takes it.
            label_selector: likewise.
            page: objects per page of a list.
            silence: seconds without a byte after which a watch counts as dead.
            missing_backoff: seconds between tries, give or take, while there is no such kind.
            quiet: what goes wrong is nobody's trouble: it is not logged above debug.
            hearers: who hears of what happens.
        """
        self.resource, self.namespace = resource, namespace
        self._client, self._store, self._clock = client, store, clock
        selectors = {"fieldSelector": field_selector, "labelSelector": label_selector}
        self._query: dict[str, str | int | bool] = {k: v for k, v in selectors.items() if v}
        self._page, self._silence, self._hearers = page, silence, hearers
        self._missing_backoff, self._level = missing_backoff, logging.DEBUG if quiet else logging.INFO
        self._path = resource.path(namespace)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._stream: WatchStream | None = None
        self._version = ""
        self._failures = 0
        self._random = random.Random()  # noqa: S311 - jitter, not a secret
        self.synced = threading.Event()
        """Set while a complete list has been taken and the watch that follows it has not lost its place."""
        self.settled = threading.Event()
        """Set once the first list has succeeded or failed: whoever waits at the start need wait no longer."""

    def start(self) -> None:
        """Begin in a thread of its own."""
        name = f"watch-{self.resource.plural}.{self.resource.group}"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def stop(self, timeout: float = 5.0) -> None:
        """End the thread, also out of a waiting read."""
        self.request_stop()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout)

    def request_stop(self) -> None:
        """Ask the thread to end without waiting for it."""
        self._stop.set()
        if (stream := self._stream) is not None:
            stream.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                if not self.synced.is_set():
                    self._list()
                self._watch()
            except LynceusError as failure:
                self._failed(failure)
            except Exception as failure:
                log.exception("a watch failed unexpectedly", extra={"kind": str(self.resource.group_kind)})
                self._lost(failure)
                self._stop.wait(self._backoff())

    def _list(self) -> None:
        """Take a complete list, or raise and leave the store as it was."""
        found: dict[ResourceKey, StoredObject] = {}
        query: dict[str, str | int | bool] = {**self._query, "limit": self._page}
        while True:
            page = self._read_page(query)
            for stored in map(self._stored, page.items or ()):
                found[stored.header.key] = stored
            if not page.metadata.next_page:
                break
            if self._stop.is_set():
                return
            query["continue"] = page.metadata.next_page
        self._version = page.metadata.resource_version
        self._store.replace_kind(self.resource.group_kind, found, self.namespace)
        self.listed_at = self._clock.now().timestamp()
        self.synced.set()
        self._reconnected()
        self.settled.set()
        self._hearers.contact()

    def _read_page(self, query: dict[str, str | int | bool]) -> _Page:
        body = self._client.request("GET", self._path, query=query, timeout=60.0, waited=self._waited())
        try:
            page = _pages.decode(body)
        except msgspec.MsgspecError as failure:
            raise ApiUnavailable(f"list {self._path}: not a list: {failure}") from None
        if not page.kind.endswith("List") or page.items is None or not page.metadata.resource_version:
            raise ApiUnavailable(f"list {self._path}: found kind {page.kind[:60] or 'nothing'}, expected a list")
        return page

    def _stored(self, raw: bytes | msgspec.Raw) -> StoredObject:
        resource = self.resource
        try:
            return read_stored(memoryview(raw), resource.group, resource.version, resource.kind)
        except msgspec.MsgspecError as failure:
            raise ApiUnavailable(f"{self._path}: an object without a name or metadata: {failure}") from None

    def _watch(self) -> None:
        seconds = int(SERVER_WATCH_SECONDS * self._random.uniform(0.9, 1.1))
        query = {
            **self._query,
            "resourceVersion": self._version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": seconds,
        }
        started, heard = self._clock.monotonic(), False
        waited = self._waited()
        self._stream = stream = self._client.stream(self._path, query, read_timeout=self._silence, waited=waited)
        try:
            if self._stop.is_set():
                return
            self._reconnected()
            for batch in stream.batches():
                heard = True
                self._take(batch)
        finally:
            self._stream = None
            stream.close()
        if not heard and self._clock.monotonic() - started < SHORT_LIFE:
            raise ApiUnavailable(f"watch {self._path}: ended at once without an event")
        self._well()

    def _take(self, lines: list[bytes]) -> None:
        """Apply what arrived together; of several events of one object only the last is told."""
        began, taken = time.perf_counter(), 0
        updates: dict[ResourceKey, StoredObject | None] = {}
        version = self._version
        failure: LynceusError | None = None
        for line in lines:
            try:
                event = _events.decode(line)
            except msgspec.MsgspecError as error:
                failure = ApiUnavailable(f"watch {self._path}: an event that is not JSON: {error}")
                break
            if event.type == "ERROR":
                failure = event_failure(bytes(event.object), f"watch {self._path}")
                break
            version = self._take_event(event, updates) or version
            taken += event.type != "BOOKMARK"
        self._store.apply(updates)
        self._version = version
        if taken:
            self._hearers.events(taken, time.perf_counter() - began)
        if failure is not None:
            raise failure
        self._well()

    def _take_event(self, event: _WatchEvent, updates: dict[ResourceKey, StoredObject | None]) -> str:
        """Note one event and return the resourceVersion it brings; unknown types are passed over."""
        if event.type == "BOOKMARK":
            return _bookmarks.decode(event.object).metadata.resource_version
        if event.type not in ("ADDED", "MODIFIED", "DELETED"):
            return ""
        stored = self._stored(event.object)
        updates.pop(stored.header.key, None)
        updates[stored.header.key] = None if event.type == "DELETED" else stored
        return stored.header.resource_version

    def _reconnected(self) -> None:
        """The server answers; back-off stays until a watch has brought something, or 410 after 410 would run hot."""
        was_lost = self.stale_since is not None
        self.stale_since, self.error, self.refused, self.answers = None, "", False, True
        if was_lost:
            self._hearers.contact()

    def _well(self) -> None:
        self._failures = 0
        self._reconnected()

    def _failed(self, failure: LynceusError) -> None:
        """Decide how to go on: list again when the place is lost, and wait longer after each failure."""
        self._lost(failure)
        listing = not self.synced.is_set()
        if isinstance(failure, (Gone, NotFound, Forbidden, NoAnswer)):
            # NoAnswer too: a server that was away may come back with an older store, so the place proves nothing.
            self.synced.clear()
        self.refused = isinstance(failure, (NotFound, Forbidden))
        self.answers = self._is_answer(failure)
        self._hearers.contact()
        if isinstance(failure, NotFound):
            self._hearers.missing()
        if self._stop.is_set():
            return
        log.log(self._level, "watch interrupted", extra={"kind": str(self.resource.group_kind), "error": self.error})
        if isinstance(failure, (NotFound, Forbidden)) and listing:
            longest = self._missing_backoff if isinstance(failure, NotFound) else REFUSED_BACKOFF
            self._stop.wait(longest * self._random.uniform(0.5, 1.0))
        elif isinstance(failure, TooManyRequests):
            self._held_back = max(failure.retry_after * self._random.uniform(1.0, 1.5), self._backoff())
            self._stop.wait(self._held_back)
        else:
            self._stop.wait(self._backoff())

    def _is_answer(self, failure: LynceusError) -> bool:
        """Say whether the server still counts as one that answers; some failures are doubtful and pass soon."""
        if isinstance(failure, (Gone, NotFound, Forbidden, TooManyRequests)):
            return True
        if isinstance(failure, (NoAnswer, Unauthenticated)) or self.stale_since is None:
            return False
        return self.answers and self._clock.monotonic() - self.stale_since < DOUBTFUL_SECONDS

    def _waited(self) -> float:
        """Return how long the server made this request wait."""
        waited, self._held_back = self._held_back, 0.0
        return waited

    def _lost(self, failure: Exception) -> None:
        if self.stale_since is None:
            self.stale_since = self._clock.monotonic()
        self.error = str(failure)
        self.settled.set()

    def _backoff(self) -> float:
        """Return seconds to wait: doubling, with jitter, so that fifty watches do not come back as one."""
        self._failures += 1
        longest = min(FIRST_BACKOFF * 2.0 ** min(self._failures - 1, 16), LONGEST_BACKOFF)
        return self._random.uniform(longest / 2, longest)
