"""A small simulation of the usual controllers, so that workloads move through believable states.

``Simulation`` writes through the in-process API like any client and hears of changes from the store. One thread, no
busy loop. Left out on purpose: Ingresses get no address (as without an ingress controller), LoadBalancer Services stay
pending, CronJobs do not fire, autoscalers do not scale.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sandbox.errors import StatusError
from sandbox.simulate.daemonsets import DaemonSets
from sandbox.simulate.deployments import Deployments
from sandbox.simulate.engine import Engine, Obj
from sandbox.simulate.garbage import Garbage
from sandbox.simulate.jobs import Jobs
from sandbox.simulate.namespaces import Namespaces
from sandbox.simulate.pods import HOST, Pods
from sandbox.simulate.replicasets import ReplicaSets
from sandbox.simulate.scaling import Autoscalers, Budgets
from sandbox.simulate.services import Services
from sandbox.simulate.statefulsets import StatefulSets
from sandbox.simulate.volumes import Volumes
from sandbox.simulate.world import NODE, NODES, Api, World

__all__ = ["Simulation"]

_CONTROLLERS = (
    Namespaces,
    Garbage,
    Deployments,
    ReplicaSets,
    StatefulSets,
    DaemonSets,
    Jobs,
    Pods,
    Volumes,
    Services,
    Budgets,
    Autoscalers,
)


@dataclass
class _Known:
    """An object that was there before the simulation."""

    gr: Any
    old: Obj | None
    new: Obj | None


class Simulation:
    """The simulated controllers of one embedded cluster."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._engine = Engine()
        self._world = World(api, self._engine.cache)
        self._unsubscribe: Any = None
        for make in _CONTROLLERS:
            self._engine.add(make(self._world))

    def start(self) -> None:
        """Take in what exists, then follow every change."""
        self._unsubscribe = self._api.subscribe(self._engine.notice)
        for gr in dict.fromkeys(entry[0] for entry in self._api.resources()):
            for obj in self._api.list(gr):
                self._engine.notice(_Known(gr, None, obj))
        self._add_node()
        self._engine.start()

    def stop(self) -> None:
        """Stop following and end the thread."""
        if self._unsubscribe is not None:
            self._unsubscribe()
        self._engine.stop()

    def _add_node(self) -> None:
        """The one node on which everything runs."""
        labels = {"kubernetes.io/hostname": NODE, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE, "labels": labels}}
        try:
            made = self._api.create(NODES, node, manager="kubelet")
        except StatusError as refusal:
            if refusal.code == 409:
                return
            raise
        now = self._api.now()
        up = {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "the simulated node is ready"}
        room = {"cpu": "64", "memory": "256Gi", "pods": "5000"}
        status = {
            "capacity": room,
            "allocatable": room,
            "conditions": [{**up, "lastHeartbeatTime": now, "lastTransitionTime": now}],
            "addresses": [{"type": "InternalIP", "address": HOST}, {"type": "Hostname", "address": NODE}],
        }
        self._api.update_status(NODES, {**made, "status": status}, manager="kubelet")
