"""The one thread of the simulation: changes come in, keys go into a queue with due times, controllers run in turn.

It keeps a cache of what the store holds, fed by the changes, so that controllers read without copying. When nothing is
due the thread sleeps without waking up. What a controller does is in its own module.
"""

from __future__ import annotations

import heapq
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, Protocol

from sandbox.errors import StatusError

Obj = dict[str, Any]
Gr = tuple[str, str]
Place = tuple[Gr, str, str]
"""Resource, namespace, name."""
RETRY_SECONDS = 0.05
"""After a conflict or a miss: the change that caused it is then in the cache."""
log = logging.getLogger(__name__)


class Change(Protocol):
    """What the store tells about a write."""

    @property
    def gr(self) -> Any:
        """Group and resource."""

    @property
    def old(self) -> Obj | None:
        """The object before; None when it was added."""

    @property
    def new(self) -> Obj | None:
        """The object after; None when it was removed."""


class Key(NamedTuple):
    """What a controller is asked to look at."""

    gr: Gr
    namespace: str
    name: str


class Controller(Protocol):
    """One loop: told of changes, it names keys; asked about a key, it acts."""

    def keys(self, change: Change) -> Iterable[Key]:
        """The keys that a change concerns; called for every change, so it must be quick."""

    def reconcile(self, key: Key) -> float | None:
        """Bring one object a step further; returns seconds until it wants to look again, None for not by itself."""


class Cache:
    """The objects as the changes told them; shared, so nobody may change one."""

    def __init__(self) -> None:
        self._objects: dict[Gr, dict[tuple[str, str], Obj]] = {}
        self._owned: dict[str, dict[Place, None]] = {}
        self.uids: set[str] = set()
        """The uids of all objects that exist."""

    def apply(self, gr: Gr, old: Obj | None, new: Obj | None) -> None:
        """Take over one change; a repeated or older one does no harm."""
        shown = new or old or {}
        meta = shown["metadata"]
        spot = (meta.get("namespace", ""), meta["name"])
        kind = self._objects.setdefault(gr, {})
        before = kind.pop(spot, None)
        if before is not None:
            self.uids.discard(before["metadata"].get("uid", ""))
            for uid in owner_uids(before):
                self._owned.get(uid, {}).pop((gr, *spot), None)
        if new is not None:
            kind[spot] = new
            self.uids.add(meta.get("uid", ""))
            for uid in owner_uids(new):
                self._owned.setdefault(uid, {})[(gr, *spot)] = None

    def get(self, gr: Gr, namespace: str, name: str) -> Obj | None:
        """An object, or None."""
        return self._objects.get(gr, {}).get((namespace, name))

    def of_kind(self, gr: Gr, namespace: str | None = None) -> Iterator[Obj]:
        """All objects of a kind, of one namespace or of all."""
        found = list(self._objects.get(gr, {}).items())
        return (obj for (where, _), obj in found if namespace is None or where == namespace)

    def kinds(self) -> list[Gr]:
        """The resources of which objects were seen."""
        return list(self._objects)

    def places_owned_by(self, uid: str) -> list[Place]:
        """Where the objects are that name this owner."""
        return list(self._owned.get(uid, {}))

    def owned_by(self, uid: str, gr: Gr) -> Iterator[Obj]:
        """The objects of one kind that name this owner, whichever kind of reference it is."""
        for place in self.places_owned_by(uid):
            obj = self.get(*place) if place[0] == gr else None
            if obj is not None:
                yield obj


def owner_uids(obj: Obj) -> list[str]:
    """The uids in ownerReferences."""
    return [ref.get("uid", "") for ref in obj["metadata"].get("ownerReferences") or ()]


class Engine:
    """Queue and thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.cache = Cache()
        self._clock = clock
        self._controllers: list[Controller] = []
        self._changes: deque[Change] = deque()
        self._due: list[tuple[float, int, int, Key]] = []
        self._planned: dict[tuple[int, Key], float] = {}
        self._count = 0
        self._wake = threading.Condition()
        self._stopping = False
        self._thread: threading.Thread | None = None

    def add(self, controller: Controller) -> None:
        """Register a controller, before the start."""
        self._controllers.append(controller)

    def notice(self, change: Change) -> None:
        """Take in a change; quick, callable from any thread and under the store's lock."""
        with self._wake:
            self._changes.append(change)
            self._wake.notify()

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._run, name="simulation", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread and wait for it."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join(timeout=10)

    def _run(self) -> None:
        while self._wait():
            self.turn()

    def _wait(self) -> bool:
        """Sleep until there is work; False when it is time to stop."""
        with self._wake:
            while not self._stopping and not self._changes:
                delay = self._due[0][0] - self._clock() if self._due else None
                if delay is not None and delay <= 0:
                    break
                self._wake.wait(delay)
            return not self._stopping

    def turn(self) -> None:
        """Take over all changes, then run at most one key that is due."""
        while True:
            with self._wake:
                if not self._changes:
                    break
                change = self._changes.popleft()
            self._take(change)
        if self._due and self._due[0][0] <= self._clock():
            due, _, which, key = heapq.heappop(self._due)
            if self._planned.get((which, key)) == due:
                del self._planned[(which, key)]
                self._reconcile(which, key)

    def _take(self, change: Change) -> None:
        self.cache.apply(tuple(change.gr), change.old, change.new)
        for which, controller in enumerate(self._controllers):
            for key in controller.keys(change):
                self._plan(which, key, 0.0)

    def _plan(self, which: int, key: Key, delay: float) -> None:
        due = self._clock() + delay
        planned = self._planned.get((which, key))
        if planned is not None and planned <= due:
            return
        self._planned[(which, key)] = due
        self._count += 1
        heapq.heappush(self._due, (due, self._count, which, key))

    def _reconcile(self, which: int, key: Key) -> None:
        try:
            again = self._controllers[which].reconcile(key)
        except StatusError as refusal:
            stale = refusal.code in (404, 409)
            if not stale:
                log.warning("a simulated write was refused", extra={"object": str(key), "error": refusal.message})
            self._plan(which, key, RETRY_SECONDS if stale else 1.0)
            return
        except Exception:
            log.exception("a simulated controller failed", extra={"object": str(key)})
            return
        if again is not None:
            self._plan(which, key, again)
