"""The objects of the embedded cluster, in memory, with one counter of revisions and a bounded history.

The only holder of objects. It knows nothing of kinds, admission or HTTP: `sandbox.writes` decides what is stored.
Objects go in and out as frozen JSON dicts: nobody changes one after handing it over or receiving it.
Revisions and the history behave as etcd's do for a Kubernetes API server: one increasing number for all kinds, and
lists and watches of the recent past are possible until the history is cut.
"""

from __future__ import annotations

import threading
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from sandbox import errors
from sandbox.resources import GroupResource

__all__ = ["Change", "GroupResource", "Store"]

Key = tuple[str, str]
Objects: TypeAlias = list[dict[str, Any]]
Changes: TypeAlias = "list[Change]"
HISTORY = 2000
"""Changes kept per kind of object: enough for a client that comes back after a short break, small in memory."""


@dataclass(frozen=True, slots=True)
class Change:
    """One write, in order."""

    type: str
    """ADDED, MODIFIED or DELETED."""
    gr: GroupResource
    old: dict[str, Any] | None
    """The object before; None when it was added."""
    new: dict[str, Any] | None
    """The object after; None when it was removed."""
    rv: int
    """The revision of this write."""

    @property
    def object(self) -> dict[str, Any]:
        """Returns what a watch reports: the new state, or the last one at the revision of its removal."""
        if self.new is not None:
            return self.new
        return with_revision(self.old or {}, self.rv)


def key_of(obj: dict[str, Any]) -> Key:
    """Returns (namespace, name) of an object."""
    meta = obj["metadata"]
    return meta.get("namespace", ""), meta["name"]


def with_revision(obj: dict[str, Any], rv: int) -> dict[str, Any]:
    """Returns a copy of an object (sharing everything below metadata) that carries a resourceVersion."""
    meta = {name: value for name, value in obj["metadata"].items() if name != "resourceVersion"}
    ordered = {}
    for name in ("name", "generateName", "namespace", "uid"):
        if name in meta:
            ordered[name] = meta.pop(name)
    return {**obj, "metadata": {**ordered, "resourceVersion": str(rv), **meta}}


def same_but_revision(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Tells whether two objects differ in nothing but their resourceVersion."""
    if any(one.get(name) != other.get(name) for name in one.keys() | other.keys() if name != "metadata"):
        return False
    here, there = one["metadata"], other["metadata"]
    return all(here.get(name) == there.get(name) for name in here.keys() | there.keys() if name != "resourceVersion")


class Store:
    """Thread-safe storage of objects.

    Args:
        now: Returns the present time as RFC 3339 text, for creationTimestamp.
        history: Changes kept per kind of object.
    """

    def __init__(self, now: Callable[[], str], *, history: int = HISTORY) -> None:
        self.lock = threading.RLock()
        """Held by every method; writers hold it around read, decide and write."""
        self._now = now
        self._rv = 0
        self._history = history
        self._objects: dict[GroupResource, dict[Key, dict[str, Any]]] = {}
        self._changes: dict[GroupResource, deque[Change]] = {}
        self._cut: dict[GroupResource, int] = {}
        self._subscribers: list[Callable[[Change], None]] = []
        self._untold: deque[Change] = deque()
        self._telling = False

    @property
    def revision(self) -> int:
        """Returns the revision of the latest write."""
        return self._rv

    def get(self, gr: GroupResource, namespace: str, name: str) -> dict[str, Any] | None:
        """Returns an object, None when it is not there."""
        with self.lock:
            return self._objects.get(gr, {}).get((namespace, name))

    def list(self, gr: GroupResource, namespace: str | None = None) -> tuple[Objects, int]:
        """Returns the objects of a kind in key order and the revision they were read at.

        Args:
            gr: The kind of object.
            namespace: Only those in it; None for all.
        """
        with self.lock:
            found = self._objects.get(gr, {})
            return _ordered(found, namespace), self._rv

    def list_at(self, gr: GroupResource, namespace: str | None, rv: int) -> Objects | None:
        """Returns the objects as they were at a revision, by undoing the history; None when it does not reach back."""
        with self.lock:
            if rv < self._cut.get(gr, 0):
                return None
            found = dict(self._objects.get(gr, {}))
            for change in reversed(self._changes.get(gr, ())):
                if change.rv <= rv:
                    break
                _undo(found, change)
            return _ordered(found, namespace)

    def create(self, gr: GroupResource, obj: dict[str, Any]) -> dict[str, Any]:
        """Adds an object and gives it uid, creationTimestamp and resourceVersion.

        Raises:
            AlreadyExists: An object of that name is there.
        """
        with self.lock:
            key = key_of(obj)
            if key in self._objects.get(gr, {}):
                raise errors.already_exists(gr.group, gr.resource, key[1])
            meta = dict(obj["metadata"])
            meta.setdefault("uid", str(uuid.uuid4()))
            meta.setdefault("creationTimestamp", self._now())
            return self._write(gr, key, None, {**obj, "metadata": meta})

    def update(self, gr: GroupResource, obj: dict[str, Any], *, expected_rv: str | None) -> dict[str, Any]:
        """Replaces an object; one that equals what is stored keeps its resourceVersion and nobody is told.

        Args:
            gr: The kind of object.
            obj: The whole new state.
            expected_rv: The resourceVersion that must be stored now; None for any.

        Raises:
            NotFound: It is not there.
            Conflict: Another resourceVersion is stored.
        """
        with self.lock:
            key = key_of(obj)
            old = self._require(gr, key)
            if expected_rv is not None and expected_rv != old["metadata"]["resourceVersion"]:
                raise errors.conflict(gr.group, gr.resource, key[1])
            if same_but_revision(old, obj):
                return old
            return self._write(gr, key, old, obj)

    def remove(self, gr: GroupResource, namespace: str, name: str) -> dict[str, Any]:
        """Removes an object and returns its last state.

        Raises:
            NotFound: It is not there.
        """
        with self.lock:
            old = self._require(gr, (namespace, name))
            del self._objects[gr][(namespace, name)]
            self._rv += 1
            self._publish(Change("DELETED", gr, old, None, self._rv))
            return old

    def changes_since(self, gr: GroupResource, rv: int) -> Changes:
        """Returns the changes of a kind after a revision, oldest first.

        Raises:
            Expired: The history does not reach back that far.
        """
        with self.lock:
            cut = self._cut.get(gr, 0)
            if rv < cut:
                raise errors.expired(rv, cut)
            return [change for change in self._changes.get(gr, ()) if change.rv > rv]

    def subscribe(self, fn: Callable[[Change], None]) -> Callable[[], None]:
        """Calls `fn` with every change, in order, on the writer's thread and under the lock; returns how to stop."""
        with self.lock:
            self._subscribers.append(fn)
        return lambda: self._subscribers.remove(fn)

    def _require(self, gr: GroupResource, key: Key) -> dict[str, Any]:
        old = self._objects.get(gr, {}).get(key)
        if old is None:
            raise errors.not_found(gr.group, gr.resource, key[1])
        return old

    def _write(self, gr: GroupResource, key: Key, old: dict[str, Any] | None, obj: dict[str, Any]) -> dict[str, Any]:
        self._rv += 1
        new = with_revision(obj, self._rv)
        self._objects.setdefault(gr, {})[key] = new
        self._publish(Change("MODIFIED" if old else "ADDED", gr, old, new, self._rv))
        return new

    def _publish(self, change: Change) -> None:
        changes = self._changes.setdefault(change.gr, deque())
        changes.append(change)
        while len(changes) > self._history:
            self._cut[change.gr] = changes.popleft().rv
        self._untold.append(change)
        self._tell()

    def _tell(self) -> None:
        """Tells the subscribers; one that writes meanwhile only adds to the queue, so that all see one order."""
        if self._telling:
            return
        self._telling = True
        try:
            while self._untold:
                change = self._untold.popleft()
                for subscriber in tuple(self._subscribers):
                    subscriber(change)
        finally:
            self._telling = False


def _ordered(found: dict[Key, dict[str, Any]], namespace: str | None) -> Objects:
    return [found[key] for key in sorted(found) if namespace is None or key[0] == namespace]


def _undo(found: dict[Key, dict[str, Any]], change: Change) -> None:
    if change.old is None:
        found.pop(key_of(change.new or {}), None)
    else:
        found[key_of(change.old)] = change.old
