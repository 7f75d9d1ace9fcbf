"""The embedded cluster as one object: store, catalogue, write path, CRDs and watches, wired together.

The HTTP layer (`sandbox.serving`) and the simulated controllers (`sandbox.inprocess`) both stand on this.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from sandbox import deletion, lists, managed
from sandbox.crds import CRDS, DYNAMIC, Registrar
from sandbox.decoding import Write
from sandbox.deletion import DeleteOptions
from sandbox.kinds import Kinds
from sandbox.openapi import Documents
from sandbox.resources import SHARED_STORAGE, Catalogue, GroupResource, Resource
from sandbox.store import Store
from sandbox.watches import Hub
from sandbox.writes import Writer


def system_now() -> str:
    """Returns the present time as RFC 3339 text in whole seconds."""
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")  # noqa: TID251 - the clock of a cluster of its own


class Cluster:
    """Everything but HTTP."""

    def __init__(self) -> None:
        self.now = system_now
        self.store = Store(self.now)
        self.catalogue = Catalogue()
        self.kinds = Kinds()
        self.writer = Writer(self.store, self.catalogue, self.kinds, self.now)
        self.registrar = Registrar(
            self.store,
            self.catalogue,
            now=self.now,
            delete_all=self._delete_all,
            write_status=self._write_crd_status,
        )
        self.hub = Hub(self.store)
        self.documents = Documents(self.catalogue)

    def storage_of(self, resource: Resource) -> GroupResource:
        """Returns the storage that a resource reads and writes."""
        return SHARED_STORAGE.get(resource.gr, resource.gr)

    def delete(self, write: Write, options: DeleteOptions) -> dict[str, Any]:
        """Deletes one object and returns the body of the answer."""
        obj, gone = deletion.delete(self.store, write, options, self.now())
        return deletion.answer(write, obj, gone=gone)

    def _delete_all(self, resource: Resource) -> None:
        for obj in self.store.list(resource.gr)[0]:
            meta = obj["metadata"]
            write = Write(resource, namespace=meta.get("namespace", ""), name=meta["name"])
            deletion.delete(self.store, write, DeleteOptions(), self.now())

    def _write_crd_status(self, crd: dict[str, Any]) -> None:
        live = self.store.get(CRDS, "", crd["metadata"]["name"])
        resource = self.catalogue.find(CRDS.group, "v1", CRDS.resource)
        if live is None or resource is None:
            return
        kind = self.kinds.of(resource)
        tracked = managed.track_update(
            live,
            crd,
            manager=DYNAMIC,
            schema=kind.schema,
            version=resource.api_version,
            now=self.now(),
            subresource="status",
        )
        self.store.update(CRDS, tracked, expected_rv=None)

    def page(self, resource: Resource, namespace: str | None, options: lists.ListOptions) -> lists.Page:
        """Reads one page of a list; objects in the storage version."""
        return lists.page(self.store, self.storage_of(resource), namespace, options)
