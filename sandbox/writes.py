"""The one write path: create, replace, patch and apply, for HTTP requests and for the simulated controllers alike.

Order of the steps as in k8s.io/apiserver: decode, prune, default, track field ownership, admit, keep what the request
may not change, count the generation, validate, store. Every write holds the store's lock from reading to writing, so a
patch never loses against another. Deletion is in `sandbox.deletion`, HTTP in `sandbox.serving`.
"""

from __future__ import annotations

import copy
import uuid
from collections.abc import Callable
from typing import Any

from sandbox import admission, conversion, decoding, errors, managed, metadata
from sandbox.decoding import APPLY_PATCH, Write
from sandbox.kinds import CREATE_ON_UPDATE, SPEC_ANNOTATIONS, Kind, Kinds, refuse_if_any
from sandbox.resources import Catalogue
from sandbox.store import Store, same_but_revision


class Writer:
    """Writes objects.

    Args:
        store: Where the objects are.
        catalogue: What is served.
        kinds: The rules of each kind.
        now: Returns the present time as RFC 3339 text.
    """

    def __init__(self, store: Store, catalogue: Catalogue, kinds: Kinds, now: Callable[[], str]) -> None:
        self.store = store
        self.catalogue = catalogue
        self.kinds = kinds
        self.now = now

    def create(self, write: Write, body: dict[str, Any]) -> dict[str, Any]:
        """Creates an object and returns it in the version of the request.

        Raises:
            StatusError: As a real API server would refuse it.
        """
        kind = self.kinds.of(write.resource)
        with self.store.lock:
            obj = decoding.decoded(write, kind, body)
            metadata.prepare_create(write.resource, obj, write.namespace)
            if kind.has_status:
                obj.pop("status", None)
            kind.default(obj)
            obj = self._tracked(write, kind, None, obj)
            return self._insert(write, kind, obj)

    def _insert(self, write: Write, kind: Kind, obj: dict[str, Any]) -> dict[str, Any]:
        obj = copy.deepcopy(obj)
        obj["metadata"]["uid"] = str(uuid.uuid4())
        kind.default(obj)
        admission.require_namespace(self.store, write.resource, obj)
        admission.on_create(self.store, write.resource, obj)
        obj["metadata"].pop("generation", None)
        if kind.counts_generation:
            obj["metadata"]["generation"] = 1
        causes = metadata.validate(write.resource, obj) + kind.validate(obj, None)
        refuse_if_any(write.resource, obj["metadata"].get("name", ""), causes)
        stored = conversion.to_storage(write.resource, obj)
        if write.dry_run:
            return conversion.from_storage(write.resource, self._pretended(write, stored))
        return conversion.from_storage(write.resource, self.store.create(write.storage, stored))

    def _pretended(self, write: Write, obj: dict[str, Any]) -> dict[str, Any]:
        meta = obj["metadata"]
        if self.store.get(write.storage, meta.get("namespace", ""), meta["name"]) is not None:
            raise errors.already_exists(write.resource.group, write.resource.plural, meta["name"])
        return {**obj, "metadata": {**meta, "creationTimestamp": self.now()}}

    def replace(self, write: Write, body: dict[str, Any]) -> tuple[dict[str, Any], bool]:
        """Replaces an object; returns it and whether it was created.

        Raises:
            StatusError: As a real API server would refuse it.
        """
        kind = self.kinds.of(write.resource)
        with self.store.lock:
            obj = decoding.decoded(write, kind, body)
            meta = metadata.meta_of(obj)
            decoding.same_name(write, meta)
            metadata.place(write.resource, meta, write.namespace)
            live = self.store.get(write.storage, write.namespace, write.name)
            if live is None and write.resource.custom is None and write.resource.plural in CREATE_ON_UPDATE:
                return self.create(
                    write, {**obj, "metadata": {k: v for k, v in meta.items() if k != "resourceVersion"}}
                ), True
            if live is None:
                raise errors.not_found(write.resource.group, write.resource.plural, write.name)
            decoding.check_revision(write, kind, meta, live)
            return self._update(write, kind, live, obj), False

    def patch(self, write: Write, body: Any, content_type: str) -> tuple[dict[str, Any], bool]:
        """Patches an object; returns it and whether it was created (by an apply).

        Args:
            write: Where, who and how.
            body: The decoded patch.
            content_type: One of the four patch types.

        Raises:
            StatusError: As a real API server would refuse it.
        """
        kind = self.kinds.of(write.resource)
        with self.store.lock:
            live = self.store.get(write.storage, write.namespace, write.name)
            if content_type == APPLY_PATCH:
                return self._apply(write, kind, live, body)
            if live is None:
                raise errors.not_found(write.resource.group, write.resource.plural, write.name)
            current = conversion.from_storage(write.resource, live)
            obj = decoding.decoded_patch(write, kind, decoding.patched(kind, current, body, content_type))
            decoding.same_name(write, obj["metadata"])
            revision = obj["metadata"].get("resourceVersion")
            if revision and revision != live["metadata"]["resourceVersion"]:
                raise errors.conflict(write.resource.group, write.resource.plural, write.name)
            return self._update(write, kind, live, obj), False

    def _apply(
        self, write: Write, kind: Kind, live: dict[str, Any] | None, body: dict[str, Any]
    ) -> tuple[dict[str, Any], bool]:
        applied = decoding.applied(write, kind, body)
        if live is None and write.subresource:
            raise errors.not_found(write.resource.group, write.resource.plural, write.name)
        current = conversion.from_storage(write.resource, live) if live else None
        try:
            obj = managed.apply(
                current,
                applied,
                manager=write.manager,
                force=write.force,
                schema=kind.schema,
                version=write.resource.api_version,
                now=self.now(),
                subresource=write.subresource,
                ignored=kind.tracked_apart,
            )
        except managed.ApplyConflict as err:
            raise decoding.apply_conflict(err) from err
        except managed.TypedPatchError as err:
            raise decoding.untyped(write, (body.get("metadata") or {}).get("namespace", ""), err) from err
        obj = copy.deepcopy(obj)
        if live is None:
            return self._create_applied(write, kind, obj), True
        return self._update(write, kind, live, obj, tracked=True), False

    def _create_applied(self, write: Write, kind: Kind, obj: dict[str, Any]) -> dict[str, Any]:
        fields = obj["metadata"].get("managedFields")
        metadata.prepare_create(write.resource, obj, write.namespace)
        if kind.has_status:
            obj.pop("status", None)
        kind.default(obj)
        if fields is not None:
            obj["metadata"]["managedFields"] = fields
        return self._insert(write, kind, obj)

    def _update(
        self, write: Write, kind: Kind, live: dict[str, Any], obj: dict[str, Any], *, tracked: bool = False
    ) -> dict[str, Any]:
        current = conversion.from_storage(write.resource, live)
        metadata.carry_over(obj, current)
        kind.default(obj)
        obj = self._only_subresource(write, kind, current, obj)
        if not tracked:
            obj = self._tracked(write, kind, current, obj)
        obj = copy.deepcopy(_with_old_times(current, obj))
        if not write.subresource and write.resource.custom is None:
            admission.on_update(self.store, write.resource, obj, current)
        if write.subresource != "status":
            self._count(kind, current, obj)
        causes = metadata.check_update(write.resource, obj, current) + metadata.validate(write.resource, obj)
        refuse_if_any(write.resource, write.name, causes + kind.validate(obj, current))
        return self._store_update(write, live, obj)

    def update_decoded(self, write: Write, live: dict[str, Any], obj: dict[str, Any]) -> dict[str, Any]:
        """Stores a new state that the server itself has made of the stored one; hold the store's lock.

        The scale of a custom resource is written without a note of who did it, as upstream does.
        """
        untracked = write.resource.custom is not None
        return self._update(write, self.kinds.of(write.resource), live, obj, tracked=untracked)

    def bind(self, write: Write, node: str) -> None:
        """Places a pod on a node, as the scheduler does; 409 when it has one already."""
        with self.store.lock:
            live = self.store.get(write.storage, write.namespace, write.name)
            if live is None:
                raise errors.not_found("", "pods", write.name)
            present = live["spec"].get("nodeName")
            if present:
                why = f"pod {write.name} is already assigned to node {present!r}".replace("'", '"')
                raise errors.conflict("", "pods/binding", write.name, why)
            obj = copy.deepcopy(live)
            obj["spec"]["nodeName"] = node
            scheduled = {
                "type": "PodScheduled",
                "status": "True",
                "lastProbeTime": None,
                "lastTransitionTime": self.now(),
            }
            conditions = obj.setdefault("status", {}).setdefault("conditions", [])
            conditions[:] = [*(each for each in conditions if each["type"] != "PodScheduled"), scheduled]
            if not write.dry_run:
                self.store.update(write.storage, obj, expected_rv=None)

    def _store_update(self, write: Write, live: dict[str, Any], obj: dict[str, Any]) -> dict[str, Any]:
        stored = conversion.to_storage(write.resource, obj)
        stored["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"]
        if write.dry_run:
            return conversion.from_storage(write.resource, stored)
        if self._ready_to_go(write, stored):
            self.store.remove(write.storage, write.namespace, write.name)
            return conversion.from_storage(write.resource, stored)
        return conversion.from_storage(write.resource, self.store.update(write.storage, stored, expected_rv=None))

    def _ready_to_go(self, write: Write, obj: dict[str, Any]) -> bool:
        meta = obj["metadata"]
        waits = meta.get("finalizers") or meta.get("deletionGracePeriodSeconds")
        if not meta.get("deletionTimestamp") or waits:
            return False
        if write.storage == admission.NAMESPACES:
            return not (obj.get("spec") or {}).get("finalizers")
        return True

    def _only_subresource(
        self, write: Write, kind: Kind, current: dict[str, Any], obj: dict[str, Any]
    ) -> dict[str, Any]:
        """Keeps everything that this request may not change as it is stored."""
        if write.subresource == "status":
            meta = self._status_metadata(write, current, obj)
            kept = {name: value for name, value in current.items() if name != "status"}
            return {**kept, "metadata": meta, **({"status": obj["status"]} if "status" in obj else {})}
        if write.subresource == "finalize":
            kept = {name: value for name, value in (current.get("spec") or {}).items() if name != "finalizers"}
            return {**current, "spec": {**kept, **(obj.get("spec") or {})}}
        if not kind.has_status:
            return obj
        kept = {name: value for name, value in obj.items() if name != "status"}
        return {**kept, "status": current["status"]} if "status" in current else kept

    def _status_metadata(self, write: Write, current: dict[str, Any], obj: dict[str, Any]) -> dict[str, Any]:
        meta, old = obj["metadata"], current["metadata"]
        if write.resource.custom is not None:
            fields = {"managedFields": meta["managedFields"]} if "managedFields" in meta else {}
            return {**old, **fields}
        if write.resource.plural != "deployments":
            return dict(meta)
        kept = {name: value for name, value in meta.items() if name != "labels"}
        return {**kept, "labels": old["labels"]} if "labels" in old else kept

    def _count(self, kind: Kind, current: dict[str, Any], obj: dict[str, Any]) -> None:
        if not kind.counts_generation:
            return
        names = (current.keys() | obj.keys()) - {"metadata", "apiVersion"}
        if kind.has_status or kind.resource.custom is None:
            names.discard("status")
        changed = any(current.get(name) != obj.get(name) for name in names)
        if kind.resource.plural in SPEC_ANNOTATIONS:
            changed |= (current["metadata"].get("annotations") or {}) != (obj["metadata"].get("annotations") or {})
        if changed:
            obj["metadata"]["generation"] = current["metadata"].get("generation", 0) + 1

    def _tracked(self, write: Write, kind: Kind, old: dict[str, Any] | None, new: dict[str, Any]) -> dict[str, Any]:
        if kind.schema is None:
            return new
        tracked: dict[str, Any] = managed.track_update(
            old,
            new,
            manager=write.manager,
            schema=kind.schema,
            version=write.resource.api_version,
            now=self.now(),
            subresource=write.subresource,
            ignored=kind.tracked_apart,
        )
        return tracked


def _with_old_times(current: dict[str, Any], obj: dict[str, Any]) -> dict[str, Any]:
    """Keeps the stored ownership when a write changes nothing but its times, so that it counts as no write at all."""
    old, new = current["metadata"].get("managedFields") or [], obj["metadata"].get("managedFields") or []
    if old == new or [_timeless(each) for each in old] != [_timeless(each) for each in new]:
        return obj
    kept = {**obj, "metadata": {**obj["metadata"], "managedFields": old}}
    return kept if same_but_revision(current, kept) else obj


def _timeless(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name != "time"}
