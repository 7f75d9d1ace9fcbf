"""Scheduler and kubelet in one: Pods get the one node, start, become ready, finish when a Job owns them, and end.

An image whose tag is ``broken`` cannot be pulled and never starts. In a Pod of a Job, an image whose tag is
``failing`` ends with exit code 1.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from sandbox.simulate.engine import Change, Key, Obj
from sandbox.simulate.world import KUBELET, NODE, PODS, World, controller_of, deleting, ended

START_SECONDS = 0.3
"""From creation to running and ready."""
WORK_SECONDS = 0.6
"""From creation to the end of a Job's Pod."""
STOP_SECONDS = 0.1
"""From deletion to gone: quick, whatever the grace period is."""
HOST = "10.0.0.1"
SCHEDULER = "default-scheduler"
"""Pods that ask for another scheduler wait for it, in vain."""


class Pods:
    """The life of Pods."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._seen: dict[str, float] = {}
        self._stopping: dict[str, float] = {}
        self._addresses = 1

    def keys(self, change: Change) -> Iterable[Key]:
        """Every Pod that changes."""
        if tuple(change.gr) != PODS:
            return ()
        if change.new is None:
            uid = (change.old or {}).get("metadata", {}).get("uid", "")
            self._seen.pop(uid, None)
            self._stopping.pop(uid, None)
            return ()
        meta = change.new["metadata"]
        return (Key(PODS, meta["namespace"], meta["name"]),)

    def reconcile(self, key: Key) -> float | None:
        """One step in a Pod's life."""
        pod = self.world.cache.get(*key)
        if pod is None:
            return None
        if deleting(pod):
            return self._end(pod)
        if ended(pod):
            return None
        if not pod["spec"].get("nodeName"):
            if pod["spec"].get("schedulerName", SCHEDULER) != SCHEDULER:
                return None
            self.world.api.update(PODS, {**pod, "spec": {**pod["spec"], "nodeName": NODE}}, manager="kube-scheduler")
            return 0.0
        age = time.monotonic() - self._seen.setdefault(pod["metadata"]["uid"], time.monotonic())
        if age < START_SECONDS:
            self._show(pod, "Pending", started=False)
            return START_SECONDS - age
        return self._work(pod, age)

    def _work(self, pod: Obj, age: float) -> float | None:
        if broken(pod):
            self._show(pod, "Pending", started=False)
            return None
        owner = controller_of(pod)
        if owner is not None and owner["kind"] == "Job":
            if age < WORK_SECONDS:
                self._show(pod, "Running", started=True)
                return WORK_SECONDS - age
            self._show(pod, "Failed" if _tagged(pod, "failing") else "Succeeded", started=True)
            return None
        self._show(pod, "Running", started=True)
        return None

    def _end(self, pod: Obj) -> float | None:
        meta = pod["metadata"]
        since = self._stopping.setdefault(meta["uid"], time.monotonic())
        left = since + STOP_SECONDS - time.monotonic()
        if left > 0:
            return left
        if meta.get("deletionGracePeriodSeconds"):
            self.world.api.delete(PODS, meta["namespace"], meta["name"], uid=meta["uid"], grace_seconds=0)
        return None

    def _show(self, pod: Obj, phase: str, *, started: bool) -> None:
        before = pod.get("status") or {}
        if before.get("phase") == phase and before.get("containerStatuses"):
            waiting = _waiting(pod)[0] if phase == "Pending" else ""
            said = before["containerStatuses"][0]["state"].get("waiting", {}).get("reason", "")
            if said == waiting:
                return
        self.world.set_status(PODS, pod, self._status(pod, phase, started=started), manager=KUBELET)

    def _status(self, pod: Obj, phase: str, *, started: bool) -> Obj:
        before, now = pod.get("status") or {}, self.world.now()
        status: Obj = {**before, "phase": phase, "startTime": before.get("startTime") or now}
        status |= {"hostIP": HOST, "hostIPs": [{"ip": HOST}]}
        if started and "podIP" not in status:
            address = HOST if pod["spec"].get("hostNetwork") else self._address()
            status |= {"podIP": address, "podIPs": [{"ip": address}]}
        status["conditions"] = _conditions(pod, phase, now)
        status["containerStatuses"] = [_container(pod, item, phase, now) for item in pod["spec"]["containers"]]
        if pod["spec"].get("initContainers"):
            items = pod["spec"]["initContainers"]
            status["initContainerStatuses"] = [_init_container(pod, item, now, started) for item in items]
        return status

    def _address(self) -> str:
        self._addresses += 1
        return f"10.244.{self._addresses // 250 % 250}.{self._addresses % 250 + 1}"


def _tagged(pod: Obj, tag: str) -> bool:
    containers = [*pod["spec"]["containers"], *(pod["spec"].get("initContainers") or ())]
    return any(str(item.get("image", "")).endswith(f":{tag}") for item in containers)


def broken(pod: Obj) -> bool:
    """Whether one of the Pod's images cannot be pulled."""
    return _tagged(pod, "broken")


def _waiting(pod: Obj) -> tuple[str, str]:
    """Reason and message of a container that waits: a broken image fails to pull, then backs off."""
    if not broken(pod):
        return "ContainerCreating", ""
    statuses = (pod.get("status") or {}).get("containerStatuses")
    return ("ImagePullBackOff" if statuses else "ErrImagePull"), "the image cannot be pulled"


def _conditions(pod: Obj, phase: str, now: str) -> list[Obj]:
    """The five conditions of a Pod in the kubelet's order."""
    names = [f"[{' '.join(item['name'] for item in pod['spec']['containers'])}]"]
    unready = {"reason": "ContainersNotReady", "message": f"containers with unready status: {names[0]}"}
    if phase in ("Succeeded", "Failed"):
        unready = {"reason": "PodCompleted" if phase == "Succeeded" else "PodFailed"}
    running = phase == "Running"
    wanted: list[tuple[str, bool, Obj]] = [
        ("PodReadyToStartContainers", phase != "Pending" or broken(pod), {}),
        ("Initialized", True, {"reason": "PodCompleted"} if phase == "Succeeded" else {}),
        ("Ready", running, {} if running else unready),
        ("ContainersReady", running, {} if running else unready),
        ("PodScheduled", True, {}),
    ]
    old = {item["type"]: item for item in (pod.get("status") or {}).get("conditions") or ()}
    out = []
    for kind, holds, extra in wanted:
        status = "True" if holds else "False"
        before = old.get(kind)
        since = before["lastTransitionTime"] if before is not None and before["status"] == status else now
        out.append({"type": kind, "status": status, "lastProbeTime": None, "lastTransitionTime": since, **extra})
    return out


def _container(pod: Obj, item: Obj, phase: str, now: str) -> Obj:
    begun = ((pod.get("status") or {}).get("startTime")) or now
    shown: dict[str, Any] = {"name": item["name"], "image": item.get("image", ""), "restartCount": 0, "lastState": {}}
    shown |= {"imageID": "", "ready": phase == "Running", "started": phase == "Running"}
    if phase == "Pending":
        reason, message = _waiting(pod)
        return {**shown, "state": {"waiting": {"reason": reason, **({"message": message} if message else {})}}}
    shown |= {"imageID": item.get("image", ""), "containerID": f"sandbox://{pod['metadata']['uid']}/{item['name']}"}
    if phase == "Running":
        return {**shown, "state": {"running": {"startedAt": begun}}}
    code = 0 if phase == "Succeeded" else 1
    ending = {"exitCode": code, "reason": "Completed" if code == 0 else "Error", "startedAt": begun, "finishedAt": now}
    return {**shown, "state": {"terminated": ending}}


def _init_container(pod: Obj, item: Obj, now: str, started: bool) -> Obj:
    shown: dict[str, Any] = {"name": item["name"], "image": item.get("image", ""), "restartCount": 0, "lastState": {}}
    shown |= {"imageID": "", "ready": started, "started": False}
    if not started:
        return {**shown, "state": {"waiting": {"reason": "PodInitializing"}}}
    ending = {"exitCode": 0, "reason": "Completed", "startedAt": now, "finishedAt": now}
    return {**shown, "state": {"terminated": ending}}
