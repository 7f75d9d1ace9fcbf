"""Watches: changes of the store, selected per watcher, handed from the writers' threads to the server's event loop.

A watcher sees every change after its resourceVersion exactly once and in order: it is registered and told the past
under the store's lock. Encoding is the HTTP layer's work.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sandbox import errors, lists
from sandbox.lists import ListOptions
from sandbox.resources import GroupResource
from sandbox.selectors import Selector
from sandbox.store import Change, Store, with_revision

BACKLOG = 20_000
"""Changes that may wait for a slow watcher before it is cut off, as a real server cuts it."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a watch."""

    type: str
    """ADDED, MODIFIED, DELETED, BOOKMARK or ERROR."""
    object: dict[str, Any]
    """In the storage version; for BOOKMARK only its resourceVersion counts, for ERROR it is a Status."""


class Watcher:
    """One open watch.

    Args:
        namespace: None for all.
        selector: What it asks for.
        after: The revision up to which it has seen everything.
    """

    def __init__(self, namespace: str | None, selector: Selector, after: int) -> None:
        self.queue: asyncio.Queue[Event | None] = asyncio.Queue()
        self.seen = after
        self._namespace = namespace
        self._selector = selector

    def take(self, change: Change) -> None:
        """Queues what a change means to this watcher; runs on the event loop."""
        if change.rv <= self.seen:
            return
        self.seen = change.rv
        event = self.event(change)
        if event is not None:
            self.queue.put_nowait(event if self.queue.qsize() < BACKLOG else None)

    def event(self, change: Change) -> Event | None:
        """Returns what a change means to this watcher: an object that leaves the selection counts as deleted."""
        before = change.old is not None and self.wants(change.old)
        after = change.new is not None and self.wants(change.new)
        if after and change.new is not None:
            return Event("MODIFIED" if before else "ADDED", change.new)
        if before and change.old is not None:
            return Event("DELETED", with_revision(change.old, change.rv))
        return None

    def wants(self, obj: dict[str, Any]) -> bool:
        """Tells whether an object is selected."""
        if self._namespace is not None and obj["metadata"].get("namespace", "") != self._namespace:
            return False
        return not self._selector or self._selector.matches(obj)


class Hub:
    """Hands changes to all open watches.

    Args:
        store: The source.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._watchers: dict[GroupResource, list[Watcher]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = store.subscribe(self._changed)

    def open(self, gr: GroupResource, namespace: str | None, options: ListOptions) -> tuple[list[Event], Watcher]:
        """Registers a watcher; returns the events it must be told first. Must run on the event loop.

        Raises:
            StatusError: The resourceVersion is no number or too old.
        """
        lists.check(options)
        self._loop = asyncio.get_running_loop()
        with self._store.lock:
            wanted = _revision(options.resource_version)
            watcher = Watcher(namespace, options.selector, max(wanted, self._store.revision))
            first = list(self._first(gr, namespace, options, wanted, watcher))
            self._watchers.setdefault(gr, []).append(watcher)
        return first, watcher

    def _first(
        self, gr: GroupResource, namespace: str | None, options: ListOptions, wanted: int, watcher: Watcher
    ) -> Iterator[Event]:
        if wanted and not options.send_initial:
            found = (watcher.event(change) for change in self._store.changes_since(gr, wanted))
            yield from (event for event in found if event is not None)
            return
        if options.send_initial is False:
            return
        for obj in self._store.list(gr, namespace)[0]:
            if watcher.wants(obj):
                yield Event("ADDED", obj)
        if options.bookmarks:
            annotations = {"k8s.io/initial-events-end": "true"}
            yield Event(
                "BOOKMARK", {"metadata": {"resourceVersion": str(self._store.revision), "annotations": annotations}}
            )

    def bookmark(self) -> Event:
        """Returns a bookmark at the present revision."""
        return Event("BOOKMARK", {"metadata": {"resourceVersion": str(self._store.revision)}})

    def close(self, gr: GroupResource, watcher: Watcher) -> None:
        """Forgets a watcher."""
        self._watchers[gr].remove(watcher)

    def shut(self) -> None:
        """Ends every watch, so that the server can stop."""
        self._stop()
        for watchers in self._watchers.values():
            for watcher in watchers:
                watcher.queue.put_nowait(None)

    def _changed(self, change: Change) -> None:
        if self._loop is not None and self._watchers.get(change.gr) and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._dispatch, change)

    def _dispatch(self, change: Change) -> None:
        for watcher in tuple(self._watchers.get(change.gr, ())):
            watcher.take(change)


def error_event(err: errors.StatusError) -> Event:
    """Returns the event that tells a watch why it ends."""
    return Event("ERROR", err.status())


def _revision(text: str) -> int:
    if text and not (text.isascii() and text.isdigit()):
        why = f'Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid syntax'
        raise errors.StatusError(500, "", f"resourceVersion: {why}")
    return int(text or 0)
