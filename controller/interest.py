"""Which Applications care about an object: those that declare it and the one whose tracking it carries.

Called by controller.manager for every event of a live object, so it must be quick.
"""

from __future__ import annotations

import threading
import typing as t

from controller.governance import Governance
from controller.kube.cluster import tracker_for
from controller.kube.store import Change
from controller.orphans import namespace_key
from model.meta import NamespacedName, ResourceKey


class Interest:
    """An index from objects to Applications; thread-safe."""

    def __init__(self, governance: Governance, namespace: str) -> None:
        self._governance, self._namespace = governance, namespace
        self._lock = threading.Lock()
        self._by_object: dict[tuple[str, ResourceKey], set[NamespacedName]] = {}
        self._by_app: dict[NamespacedName, tuple[str, frozenset[ResourceKey]]] = {}

    def declare(self, app: NamespacedName, server: str, keys: t.Iterable[ResourceKey]) -> None:
        """Say which objects an Application declares or tracks now; what it said before is forgotten."""
        wanted = frozenset(keys)
        if self._by_app.get(app) == (server, wanted):
            return
        with self._lock:
            self._forget(app)
            if wanted:
                self._by_app[app] = (server, wanted)
            for key in wanted:
                self._by_object.setdefault((server, key), set()).add(app)

    def interested(self, server: str, change: Change) -> set[NamespacedName]:
        """Return the Applications that an event concerns."""
        tracker = tracker_for(self._governance.settings)
        names = {tracker(stored.header) for stored in (change.old, change.new) if stored is not None} - {""}
        with self._lock:
            found = set(self._by_object.get((server, change.key), ()))
            if not names and (change.old is None or change.new is None):
                found |= self._by_object.get((server, namespace_key(change.key.namespace)), set())
        return found | {self._key(name) for name in names}

    def _key(self, instance: str) -> NamespacedName:
        """Return the key of the Application with this instance name."""
        namespace, underscore, name = instance.partition("_")
        return NamespacedName(namespace, name) if underscore else NamespacedName(self._namespace, instance)

    def _forget(self, app: NamespacedName) -> None:
        server, keys = self._by_app.pop(app, ("", frozenset()))
        for key in keys:
            apps = self._by_object.get((server, key))
            if apps is not None:
                apps.discard(app)
                if not apps:
                    del self._by_object[server, key]
