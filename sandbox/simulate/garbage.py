"""Garbage collection by ownerReferences: background, foreground and orphan.

Source: kubernetes/pkg/controller/garbagecollector. An object goes when none of its owners is left; references to
owners that are gone are taken off otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.simulate.engine import Change, Key, Obj, owner_uids
from sandbox.simulate.replicasets import own_key
from sandbox.simulate.world import World, deleting

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"
POLL_SECONDS = 0.1
GRACE_SECONDS = 0.5
"""An object whose owner was never seen is looked at again after this long, before it counts as orphaned by death."""


class Garbage:
    """Deletes what nobody owns any more."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._doubted: dict[str, None] = {}

    def keys(self, change: Change) -> Iterable[Key]:
        """The dependents of what went, owners that wait for theirs, and objects that name an owner."""
        if change.new is None:
            uid = (change.old or {})["metadata"].get("uid", "")
            self._doubted.pop(uid, None)
            return [Key(*place) for place in self.world.cache.places_owned_by(uid)]
        if deleting(change.new):
            waits = {FOREGROUND, ORPHAN} & set(change.new["metadata"].get("finalizers") or ())
            return (own_key(change),) if waits else ()
        uids = owner_uids(change.new)
        if uids and not all(uid in self.world.cache.uids for uid in uids):
            return (own_key(change),)
        return ()

    def reconcile(self, key: Key) -> float | None:
        """Settle one object."""
        obj = self.world.cache.get(*key)
        if obj is None:
            return None
        finalizers = obj["metadata"].get("finalizers") or ()
        if deleting(obj):
            if ORPHAN in finalizers:
                return self._orphan(key, obj)
            return self._foreground(key, obj) if FOREGROUND in finalizers else None
        return self._attempt(key, obj)

    def _attempt(self, key: Key, obj: Obj) -> float | None:
        """Delete an object without owners, or take references to owners that are gone off it."""
        meta = obj["metadata"]
        refs = meta.get("ownerReferences") or []
        left = [ref for ref in refs if ref.get("uid") in self.world.cache.uids]
        if len(left) == len(refs):
            return None
        if meta["uid"] not in self._doubted:
            self._doubted[meta["uid"]] = None
            return GRACE_SECONDS if not left and _just_made(obj) else 0.0
        if left:
            self.world.api.update(key.gr, {**obj, "metadata": {**meta, "ownerReferences": left}})
        else:
            policy = "Foreground" if FOREGROUND in (meta.get("finalizers") or ()) else "Background"
            self.world.api.delete(key.gr, key.namespace, key.name, propagation=policy, uid=meta["uid"])
        self._doubted.pop(meta["uid"], None)
        return None

    def _orphan(self, key: Key, obj: Obj) -> float | None:
        """Set the dependents free, then let the owner go."""
        uid = obj["metadata"]["uid"]
        for gr, namespace, name in self.world.cache.places_owned_by(uid):
            dependent = self.world.cache.get(gr, namespace, name)
            if dependent is None:
                continue
            meta = dependent["metadata"]
            left = [ref for ref in meta["ownerReferences"] if ref.get("uid") != uid]
            kept = {field: value for field, value in meta.items() if field != "ownerReferences"}
            self.world.api.update(
                gr, {**dependent, "metadata": {**kept, **({"ownerReferences": left} if left else {})}}
            )
        self.world.api.remove_finalizer(key.gr, key.namespace, key.name, ORPHAN)
        return None

    def _foreground(self, key: Key, obj: Obj) -> float | None:
        """Delete the dependents first; those that block keep the owner."""
        uid = obj["metadata"]["uid"]
        waiting = False
        for gr, namespace, name in self.world.cache.places_owned_by(uid):
            dependent = self.world.cache.get(gr, namespace, name)
            if dependent is None:
                continue
            meta = dependent["metadata"]
            waiting |= any(ref.get("uid") == uid and ref.get("blockOwnerDeletion") for ref in meta["ownerReferences"])
            alone = all(ref.get("uid") == uid for ref in meta["ownerReferences"])
            if alone and not deleting(dependent):
                owns = bool(self.world.cache.places_owned_by(meta["uid"]))
                policy = "Foreground" if owns else "Background"
                self.world.api.delete(gr, namespace, name, propagation=policy, uid=meta["uid"])
        if waiting:
            return POLL_SECONDS
        self.world.api.remove_finalizer(key.gr, key.namespace, key.name, FOREGROUND)
        return None


def _just_made(obj: Obj) -> bool:
    """Whether nothing but its creation is known of the object, so that its owner may still be on its way here."""
    return obj["metadata"].get("generation", 1) <= 1 and not obj.get("status")
