"""A client inside the process, for the simulated controllers: the same write path as HTTP, without the wire.

Objects are in their storage versions, and the caller's to change.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, TypeAlias

from sandbox import errors
from sandbox.cluster import Cluster
from sandbox.decoding import Write
from sandbox.deletion import DeleteOptions
from sandbox.resources import GroupResource, Resource
from sandbox.store import Change

Objects: TypeAlias = list[dict[str, Any]]
Kinds: TypeAlias = list[tuple[GroupResource, bool, str, str]]


class Api:
    """Reads and writes objects as one client of the API server.

    Args:
        cluster: The cluster.
        manager: The field manager of its writes.
    """

    def __init__(self, cluster: Cluster, *, manager: str = "kube-controller-manager") -> None:
        self._cluster = cluster
        self._manager = manager
        self.now = cluster.now

    def resources(self) -> Kinds:
        """Returns every kind of stored object: (name, namespaced, apiVersion, kind)."""
        stored = self._cluster.catalogue.stored()
        return [(each.gr, each.namespaced, each.api_version, each.kind) for each in stored]

    def get(self, gr: GroupResource, namespace: str, name: str) -> dict[str, Any] | None:
        """Returns an object, None when it is not there."""
        return copy.deepcopy(self._cluster.store.get(gr, namespace, name))

    def list(self, gr: GroupResource, namespace: str | None = None) -> Objects:
        """Returns the objects of a kind."""
        return [copy.deepcopy(each) for each in self._cluster.store.list(gr, namespace)[0]]

    def create(self, gr: GroupResource, obj: dict[str, Any], *, manager: str = "") -> dict[str, Any]:
        """Creates an object; AlreadyExists when it is there."""
        return copy.deepcopy(self._cluster.writer.create(self._write(gr, obj, manager=manager), obj))

    def update(self, gr: GroupResource, obj: dict[str, Any], *, manager: str = "") -> dict[str, Any]:
        """Replaces an object; Conflict when its resourceVersion is not the stored one."""
        written, _ = self._cluster.writer.replace(self._write(gr, obj, manager=manager), obj)
        return copy.deepcopy(written)

    def update_status(self, gr: GroupResource, obj: dict[str, Any], *, manager: str = "") -> dict[str, Any]:
        """Replaces an object's status; Conflict when its resourceVersion is not the stored one."""
        written, _ = self._cluster.writer.replace(self._write(gr, obj, "status", manager=manager), obj)
        return copy.deepcopy(written)

    def delete(
        self,
        gr: GroupResource,
        namespace: str,
        name: str,
        *,
        propagation: str = "Background",
        uid: str = "",
        grace_seconds: int | None = None,
    ) -> None:
        """Deletes an object; NotFound when it is not there, Conflict when it has another uid."""
        write = Write(self._resource(gr), namespace, name)
        self._cluster.delete(write, DeleteOptions(grace_seconds, propagation, uid))

    def remove_finalizer(self, gr: GroupResource, namespace: str, name: str, finalizer: str) -> None:
        """Takes a finalizer off an object, which goes away when it was the last; nothing when it is not there."""
        with self._cluster.store.lock:
            obj = self.get(gr, namespace, name)
            finalizers = (obj or {}).get("metadata", {}).get("finalizers") or []
            if obj is None or finalizer not in finalizers:
                return
            obj["metadata"]["finalizers"] = [each for each in finalizers if each != finalizer]
            self.update(gr, obj)

    def finalize_namespace(self, name: str) -> None:
        """Takes the namespace's own finalizer off, so that it goes away; nothing when it is not there."""
        namespaces = GroupResource("", "namespaces")
        with self._cluster.store.lock:
            obj = self.get(namespaces, "", name)
            if obj is not None:
                obj["spec"] = {"finalizers": []}
                self._cluster.writer.replace(self._write(namespaces, obj, "finalize"), obj)

    def bind(self, namespace: str, name: str, node: str) -> None:
        """Places a pod on a node."""
        pods = self._resource(GroupResource("", "pods"))
        self._cluster.writer.bind(Write(pods, namespace, name, manager="kube-scheduler"), node)

    def subscribe(self, fn: Callable[[Change], None]) -> Callable[[], None]:
        """Calls `fn` with every change, on the writer's thread and under the store's lock; returns how to stop."""
        return self._cluster.store.subscribe(fn)

    def _resource(self, gr: GroupResource) -> Resource:
        found = self._cluster.catalogue.storage(gr)
        if found is None:
            raise errors.no_such_path()
        return found

    def _write(self, gr: GroupResource, obj: dict[str, Any], subresource: str = "", *, manager: str = "") -> Write:
        resource, meta = self._resource(gr), obj["metadata"]
        return Write(
            resource,
            namespace=meta.get("namespace", "") if resource.namespaced else "",
            name=meta.get("name", ""),
            subresource=subresource,
            manager=manager or self._manager,
            field_validation="Ignore",
        )
