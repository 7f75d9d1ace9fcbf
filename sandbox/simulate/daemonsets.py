"""DaemonSets: one Pod on the one node."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.simulate.engine import Change, Key, Obj
from sandbox.simulate.replicasets import own_key, owner_key
from sandbox.simulate.revisions import LABEL, record
from sandbox.simulate.world import DAEMON_SETS, NODE, PODS, World, deleting, pod_from, ready


class DaemonSets:
    """Keeps a Pod of each DaemonSet."""

    def __init__(self, world: World) -> None:
        self.world = world

    def keys(self, change: Change) -> Iterable[Key]:
        """A DaemonSet itself, or the one that manages a Pod."""
        if tuple(change.gr) == DAEMON_SETS:
            return (own_key(change),)
        return owner_key(change.new or change.old, "DaemonSet", DAEMON_SETS) if tuple(change.gr) == PODS else ()

    def reconcile(self, key: Key) -> float | None:
        """Create the Pod, replace it after a change of the template, count."""
        found = self.world.cache.get(*key)
        if found is None or deleting(found):
            return None
        revision = record(self.world, found).rpartition("-")[2]
        wanted = _fits(found)
        pods = self.world.live_pods(found)
        current = [pod for pod in pods if (pod["metadata"].get("labels") or {}).get(LABEL) == revision]
        rolling = (found["spec"].get("updateStrategy") or {}).get("type") != "OnDelete"
        stale = [pod for pod in pods if pod not in current] if rolling or not wanted else []
        surplus = current if not wanted else current[1:]
        for pod in [*stale, *surplus]:
            meta = pod["metadata"]
            self.world.api.delete(PODS, meta["namespace"], meta["name"], uid=meta["uid"])
        leaving = any(deleting(pod) for pod in self.world.cache.owned_by(found["metadata"]["uid"], PODS))
        if wanted and not pods and not leaving:
            current = [self._create(found, revision)]
            pods = current
        self._report(found, pods, current, wanted=wanted)
        return None

    def _create(self, owner: Obj, revision: str) -> Obj:
        generation = (owner["metadata"].get("annotations") or {}).get("deprecated.daemonset.template.generation", "1")
        labels = {LABEL: revision, "pod-template-generation": generation}
        pod = pod_from(owner["spec"]["template"], owner, owner["metadata"]["namespace"], labels=labels)
        pod["spec"]["nodeName"] = NODE
        return self.world.api.create(PODS, pod)

    def _report(self, owner: Obj, pods: list[Obj], current: list[Obj], *, wanted: bool) -> None:
        up = sum(ready(pod) for pod in pods)
        status = {
            **(owner.get("status") or {}),
            "observedGeneration": owner["metadata"].get("generation", 1),
            "desiredNumberScheduled": int(wanted),
            "currentNumberScheduled": min(len(pods), int(wanted)),
            "numberMisscheduled": 0,
            "numberReady": up,
            "numberAvailable": up,
            "numberUnavailable": max(0, int(wanted) - up),
            "updatedNumberScheduled": len([pod for pod in current if pod in pods]),
        }
        self.world.set_status(DAEMON_SETS, owner, status)


def _fits(owner: Obj) -> bool:
    """Whether the node has the labels that the Pods want."""
    wanted = owner["spec"]["template"]["spec"].get("nodeSelector") or {}
    have = {"kubernetes.io/hostname": NODE, "kubernetes.io/os": "linux"}
    return all(have.get(key) == value for key, value in wanted.items())
