"""StatefulSets: numbered Pods in order, with their claims, and updates from the highest number down."""

from __future__ import annotations

import copy
from collections.abc import Iterable

from sandbox.simulate.engine import Change, Key, Obj
from sandbox.simulate.replicasets import own_key, owner_key
from sandbox.simulate.revisions import LABEL, record
from sandbox.simulate.world import CLAIMS, PODS, STATEFUL_SETS, World, deleting, ended, pod_from, ready


class StatefulSets:
    """Keeps numbered Pods."""

    def __init__(self, world: World) -> None:
        self.world = world

    def keys(self, change: Change) -> Iterable[Key]:
        """A StatefulSet itself, or the one that manages a Pod."""
        if tuple(change.gr) == STATEFUL_SETS:
            return (own_key(change),)
        return owner_key(change.new or change.old, "StatefulSet", STATEFUL_SETS) if tuple(change.gr) == PODS else ()

    def reconcile(self, key: Key) -> float | None:
        """One Pod created, deleted or replaced at a time unless Parallel; then the status."""
        found = self.world.cache.get(*key)
        if found is None or deleting(found):
            return None
        update = record(self.world, found)
        current = (found.get("status") or {}).get("currentRevision") or update
        pods = {pod["metadata"]["name"]: pod for pod in self.world.cache.owned_by(found["metadata"]["uid"], PODS)}
        self._step(found, pods, update, current)
        self._report(found, pods, update, current)
        return None

    def _step(self, owner: Obj, pods: dict[str, Obj], update: str, current: str) -> None:
        spec, name = owner["spec"], owner["metadata"]["name"]
        names = _names(owner)
        parallel = spec.get("podManagementPolicy") == "Parallel"
        partition = ((spec.get("updateStrategy") or {}).get("rollingUpdate") or {}).get("partition", 0)
        start = (spec.get("ordinals") or {}).get("start", 0)
        for at, pod_name in enumerate(names):
            pod = pods.get(pod_name)
            if pod is None:
                fresh = current if at + start < partition and current else update
                pods[pod_name] = self._create(owner, pod_name, at + start, fresh)
            elif ended(pod) and not deleting(pod):
                self._delete(pod)
            if not parallel and not (ready(pods[pod_name]) and not deleting(pods[pod_name])):
                return
        extra = sorted((n for n in pods if n not in names), key=lambda n: int(n.removeprefix(f"{name}-") or 0))
        for pod_name in reversed(extra):
            if not deleting(pods[pod_name]):
                self._delete(pods[pod_name])
            if not parallel:
                return
        if (spec.get("updateStrategy") or {}).get("type") != "OnDelete":
            self._roll(names, pods, update, partition)

    def _roll(self, names: list[str], pods: dict[str, Obj], update: str, partition: int) -> None:
        """Replace the highest Pod of an older revision, once all above it are ready."""
        for at in range(len(names) - 1, partition - 1, -1):
            pod = pods.get(names[at])
            if pod is None or deleting(pod) or not (ready(pod) or _revision(pod) != update):
                return
            if _revision(pod) != update:
                self._delete(pod)
                return

    def _delete(self, pod: Obj) -> None:
        meta = pod["metadata"]
        self.world.api.delete(PODS, meta["namespace"], meta["name"], uid=meta["uid"])

    def _create(self, owner: Obj, name: str, ordinal: int, revision: str) -> Obj:
        namespace = owner["metadata"]["namespace"]
        labels = {
            LABEL: revision,
            "statefulset.kubernetes.io/pod-name": name,
            "apps.kubernetes.io/pod-index": str(ordinal),
        }
        pod = pod_from(owner["spec"]["template"], owner, namespace, name=name, labels=labels)
        pod["spec"] |= {"hostname": name, "subdomain": owner["spec"].get("serviceName", "")}
        for template in owner["spec"].get("volumeClaimTemplates") or ():
            claim = f"{template['metadata']['name']}-{name}"
            self._claim(owner, template, claim)
            volume = {"name": template["metadata"]["name"], "persistentVolumeClaim": {"claimName": claim}}
            others = [item for item in pod["spec"].get("volumes") or () if item["name"] != volume["name"]]
            pod["spec"]["volumes"] = [*others, volume]
        return self.world.api.create(PODS, pod)

    def _claim(self, owner: Obj, template: Obj, name: str) -> None:
        namespace = owner["metadata"]["namespace"]
        if self.world.cache.get(CLAIMS, namespace, name) is not None:
            return
        labels = {**(template["metadata"].get("labels") or {}), **(owner["spec"]["selector"].get("matchLabels") or {})}
        metadata = {"name": name, "namespace": namespace, "labels": labels}
        if template["metadata"].get("annotations"):
            metadata["annotations"] = dict(template["metadata"]["annotations"])
        body = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata}
        self.world.api.create(CLAIMS, {**body, "spec": copy.deepcopy(template["spec"])})

    def _report(self, owner: Obj, pods: dict[str, Obj], update: str, current: str) -> None:
        live = [pod for pod in pods.values() if not deleting(pod)]
        updated = [pod for pod in live if _revision(pod) == update]
        available = [pod for pod in live if ready(pod)]
        names = _names(owner)
        if len(updated) == len(names) == len(available):
            current = update
        status = {
            **(owner.get("status") or {}),
            "observedGeneration": owner["metadata"].get("generation", 1),
            "replicas": len(live),
            "readyReplicas": len(available),
            "availableReplicas": len(available),
            "currentReplicas": sum(_revision(pod) == current for pod in live),
            "updatedReplicas": len(updated),
            "currentRevision": current,
            "updateRevision": update,
            "collisionCount": 0,
        }
        self.world.set_status(STATEFUL_SETS, owner, status)


def _names(owner: Obj) -> list[str]:
    start = (owner["spec"].get("ordinals") or {}).get("start", 0)
    return [f"{owner['metadata']['name']}-{start + at}" for at in range(owner["spec"].get("replicas", 1))]


def _revision(pod: Obj) -> str:
    return str((pod["metadata"].get("labels") or {}).get(LABEL, ""))
