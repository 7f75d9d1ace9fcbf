"""ReplicaSets: as many Pods as asked for."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.simulate.engine import Change, Key, Obj
from sandbox.simulate.world import (
    PODS,
    REPLICA_SETS,
    World,
    controller_of,
    deleting,
    matches,
    owner_reference,
    pod_from,
    ready,
)


def owner_key(obj: Obj | None, kind: str, gr: tuple[str, str]) -> Iterable[Key]:
    """The key of an object's managing controller when that is of the kind."""
    ref = controller_of(obj) if obj is not None else None
    if obj is None or ref is None or ref["kind"] != kind:
        return ()
    return (Key(gr, obj["metadata"].get("namespace", ""), ref["name"]),)


def own_key(change: Change) -> Key:
    """The key of the object that changed."""
    shown = change.new or change.old or {}
    return Key(tuple(change.gr), shown["metadata"].get("namespace", ""), shown["metadata"]["name"])


class ReplicaSets:
    """Creates and deletes the Pods of ReplicaSets, and counts them."""

    def __init__(self, world: World) -> None:
        self.world = world

    def keys(self, change: Change) -> Iterable[Key]:
        """A ReplicaSet itself, or the one that manages a Pod."""
        if tuple(change.gr) == REPLICA_SETS:
            return (own_key(change),)
        if tuple(change.gr) == PODS:
            return owner_key(change.new or change.old, "ReplicaSet", REPLICA_SETS)
        return ()

    def reconcile(self, key: Key) -> float | None:
        """Adjust the number of Pods, then the status."""
        found = self.world.cache.get(*key)
        if found is None:
            return None
        pods = self.world.live_pods(found)
        if not deleting(found):
            pods = self._adjust(found, pods)
        self._count(found, pods)
        return None

    def _adjust(self, owner: Obj, pods: list[Obj]) -> list[Obj]:
        pods = pods + self._adopt(owner)
        wanted = owner["spec"].get("replicas", 1)
        namespace = owner["metadata"]["namespace"]
        for _ in range(wanted - len(pods)):
            made = self.world.api.create(PODS, pod_from(owner["spec"]["template"], owner, namespace))
            pods.append(made)
        extra = len(pods) - wanted
        if extra > 0:
            order = sorted(pods, key=lambda pod: (ready(pod), _reversed_age(pod)))
            for pod in order[:extra]:
                self.world.api.delete(PODS, namespace, pod["metadata"]["name"], uid=pod["metadata"]["uid"])
                pods.remove(pod)
        return pods

    def _adopt(self, owner: Obj) -> list[Obj]:
        """Take over matching Pods that nobody manages."""
        taken = []
        for pod in self.world.cache.of_kind(PODS, owner["metadata"]["namespace"]):
            free = controller_of(pod) is None and not deleting(pod)
            if free and matches(owner["spec"]["selector"], pod["metadata"].get("labels")):
                taken.append(adopt(self.world, owner, PODS, pod))
        return taken

    def _count(self, owner: Obj, pods: list[Obj]) -> None:
        labels = (owner["spec"]["template"].get("metadata") or {}).get("labels")
        available = sum(ready(pod) for pod in pods)
        leaving = sum(deleting(pod) for pod in self.world.cache.owned_by(owner["metadata"]["uid"], PODS))
        full = sum(matches({"matchLabels": labels}, pod["metadata"].get("labels")) for pod in pods)
        status = {
            **(owner.get("status") or {}),
            "replicas": len(pods),
            "fullyLabeledReplicas": full,
            "readyReplicas": available,
            "availableReplicas": available,
            "terminatingReplicas": leaving,
            "observedGeneration": owner["metadata"].get("generation", 1),
        }
        self.world.set_status(REPLICA_SETS, owner, status)


def _reversed_age(pod: Obj) -> tuple[int, ...]:
    """Newest first, by creation time."""
    return tuple(-ord(letter) for letter in pod["metadata"].get("creationTimestamp", ""))


def adopt(world: World, owner: Obj, gr: tuple[str, str], obj: Obj) -> Obj:
    """Make an object that nobody manages one of the owner's."""
    refs = [*(obj["metadata"].get("ownerReferences") or ()), owner_reference(owner)]
    return world.api.update(gr, {**obj, "metadata": {**obj["metadata"], "ownerReferences": refs}})
