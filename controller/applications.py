"""All Applications in the newest version known: what the watch brought, overlaid by what we wrote ourselves.

Without the overlay a turn right after our own write would see the version before it and do the work again. Called by
controller.manager (feeds the watch in) and by every turn. No requests are made here.
"""

from __future__ import annotations

import threading
import typing as t

import msgspec

from controller.kube.store import Change
from model.application import Application, read_application
from model.errors import InvalidSpec
from model.meta import NamespacedName


class Broken(msgspec.Struct, frozen=True, kw_only=True):
    """An Application that cannot be read; it harms nobody else and is read again when it changes."""

    key: NamespacedName
    resource_version: str
    problem: str
    """One line: which path, what was found, what would be right."""
    raw: bytes


class Listener(t.Protocol):
    """Who wants to hear of changes."""

    def __call__(self, key: NamespacedName, old: Application | None, new: Application | None, *, own: bool) -> None:
        """Hear that `key` changed; `own` when the new version comes from our own write, `new` None when it is gone."""
        ...


class Applications:
    """The newest known version of each Application; thread-safe."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._lock = threading.Lock()
        self._known: dict[NamespacedName, Application] = {}
        self._broken: dict[NamespacedName, Broken] = {}

    def get(self, key: NamespacedName) -> Application | None:
        """Return the Application, None when it does not exist or cannot be read."""
        return self._known.get(key)

    def broken(self, key: NamespacedName) -> Broken | None:
        """Return why the Application cannot be read, None when it can."""
        return self._broken.get(key)

    def all(self) -> list[Application]:
        """Return all readable Applications."""
        with self._lock:
            return list(self._known.values())

    def take(self, change: Change) -> None:
        """Take a change of the watch; our own writes coming back and older versions are passed over."""
        key = NamespacedName(change.key.namespace, change.key.name)
        if change.new is None:
            with self._lock:
                old = self._known.pop(key, None)
                self._broken.pop(key, None)
            self._listener(key, old, None, own=False)
            return
        self._put(key, change.new.header.resource_version, change.new.raw, own=False)

    def wrote(self, raw: bytes) -> Application:
        """Take the API server's answer to our own write and return the new version; InvalidSpec when unreadable."""
        app = read_application(raw)
        self._put(app.key, app.metadata.resource_version, raw, own=True, app=app)
        return app

    def reread(self, raw: bytes) -> Application:
        """Take an Application that was read directly; like a change of the watch, but returned."""
        app = read_application(raw)
        self._put(app.key, app.metadata.resource_version, raw, own=False, app=app)
        return self._known.get(app.key) or app

    def _put(self, key: NamespacedName, version: str, raw: bytes, *, own: bool, app: Application | None = None) -> None:
        old = self._known.get(key)
        if old is not None and not is_newer(version, old.metadata.resource_version):
            return
        try:
            new = app or read_application(raw, f"Application {key}")
        except InvalidSpec as failure:
            with self._lock:
                old = self._known.pop(key, None)
                self._broken[key] = Broken(key=key, resource_version=version, problem=str(failure), raw=raw)
            self._listener(key, old, None, own=False)
            return
        with self._lock:
            old = self._known.get(key)
            if old is not None and not is_newer(version, old.metadata.resource_version):
                return
            self._known[key] = new
            self._broken.pop(key, None)
        self._listener(key, old, new, own=own)


def is_newer(version: str, than: str) -> bool:
    """Say whether a resourceVersion is newer than another one of the same object.

    Kubernetes 1.35 promises that resourceVersions of one kind are integers that grow; where one is not, the version
    that came later counts as the newer one.
    """
    if version.isdigit() and than.isdigit():
        return int(version) > int(than)
    return version != than
