"""Claims get a volume at once, as from a provisioner that never fails; the volume goes with its claim."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.simulate.engine import Change, Key, Obj
from sandbox.simulate.replicasets import own_key
from sandbox.simulate.world import CLAIMS, VOLUMES, World, deleting

PROVISIONER = "sandbox.lynceus/provisioner"
_BY = "pv.kubernetes.io/provisioned-by"


class Volumes:
    """Binds claims."""

    def __init__(self, world: World) -> None:
        self.world = world

    def keys(self, change: Change) -> Iterable[Key]:
        """Every claim that changes, and every volume that appears."""
        if tuple(change.gr) in (CLAIMS, VOLUMES):
            return (own_key(change),)
        return ()

    def reconcile(self, key: Key) -> float | None:
        """Bind a claim; show an unbound volume as available; remove what was made for a claim that is gone."""
        found = self.world.cache.get(*key)
        if found is not None and deleting(found):
            self._let_go(key, found)
        elif key.gr == VOLUMES:
            self._volume(found)
        elif found is None:
            self._release(key)
        elif (found.get("status") or {}).get("phase") != "Bound":
            self._bind(found)
        return None

    def _let_go(self, key: Key, obj: Obj) -> None:
        """Take off the finalizer that protects claims and volumes in use."""
        finalizer = "kubernetes.io/pvc-protection" if key.gr == CLAIMS else "kubernetes.io/pv-protection"
        if finalizer in (obj["metadata"].get("finalizers") or ()):
            self.world.api.remove_finalizer(key.gr, key.namespace, key.name, finalizer)

    def _volume(self, volume: Obj | None) -> None:
        if volume is not None:
            phase = "Bound" if volume["spec"].get("claimRef") else "Available"
            if (volume.get("status") or {}).get("phase") != phase:
                self.world.set_status(VOLUMES, volume, {**(volume.get("status") or {}), "phase": phase})

    def _bind(self, claim: Obj) -> None:
        meta, spec = claim["metadata"], claim["spec"]
        name = spec.get("volumeName") or f"pvc-{meta['uid']}"
        capacity = ((spec.get("resources") or {}).get("requests") or {}).get("storage", "1Gi")
        if not spec.get("volumeName"):
            if self.world.cache.get(VOLUMES, "", name) is None:
                self.world.api.create(VOLUMES, _volume_for(claim, name, capacity))
            notes = {"pv.kubernetes.io/bind-completed": "yes", "pv.kubernetes.io/bound-by-controller": "yes"}
            annotations = {**(meta.get("annotations") or {}), **notes}
            changed = {**claim, "metadata": {**meta, "annotations": annotations}, "spec": {**spec, "volumeName": name}}
            claim = self.world.api.update(CLAIMS, changed)
        elif self.world.cache.get(VOLUMES, "", name) is None:
            return
        status = {"phase": "Bound", "accessModes": spec.get("accessModes"), "capacity": {"storage": capacity}}
        self.world.set_status(CLAIMS, claim, {**(claim.get("status") or {}), **status})

    def _release(self, key: Key) -> None:
        for volume in self.world.cache.of_kind(VOLUMES):
            ref = volume["spec"].get("claimRef") or {}
            made = (volume["metadata"].get("annotations") or {}).get(_BY) == PROVISIONER
            if made and (ref.get("namespace"), ref.get("name")) == (key.namespace, key.name) and not deleting(volume):
                self.world.api.delete(VOLUMES, "", volume["metadata"]["name"])


def _volume_for(claim: Obj, name: str, capacity: str) -> Obj:
    meta, spec = claim["metadata"], claim["spec"]
    reference = {"kind": "PersistentVolumeClaim", "apiVersion": "v1", "uid": meta["uid"]}
    body: Obj = {
        "capacity": {"storage": capacity},
        "accessModes": spec.get("accessModes") or ["ReadWriteOnce"],
        "persistentVolumeReclaimPolicy": "Delete",
        "claimRef": {**reference, "namespace": meta["namespace"], "name": meta["name"]},
        "hostPath": {"path": f"/var/lib/sandbox/{name}"},
    }
    if spec.get("storageClassName"):
        body["storageClassName"] = spec["storageClassName"]
    metadata = {"name": name, "annotations": {_BY: PROVISIONER}}
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": metadata, "spec": body}
