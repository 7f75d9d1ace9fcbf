"""Endpoints and EndpointSlices of Services with a selector."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sandbox.simulate.engine import Change, Gr, Key, Obj
from sandbox.simulate.replicasets import own_key
from sandbox.simulate.world import NODE, PODS, SERVICES, World, deleting, ended, owner_reference, ready

ENDPOINTS: Gr = ("", "endpoints")
SLICES: Gr = ("discovery.k8s.io", "endpointslices")
_SLICER = "endpointslice-controller.k8s.io"


class Services:
    """Lists the Pods behind each Service."""

    def __init__(self, world: World) -> None:
        self.world = world

    def keys(self, change: Change) -> Iterable[Key]:
        """A Service itself, or all Services that select a Pod whose readiness or address changes."""
        if tuple(change.gr) == SERVICES:
            return (own_key(change),)
        if tuple(change.gr) != PODS or _seen(change.old) == _seen(change.new):
            return ()
        meta = (change.new or change.old or {})["metadata"]
        found = self.world.cache.of_kind(SERVICES, meta["namespace"])
        return [
            Key(SERVICES, meta["namespace"], service["metadata"]["name"])
            for service in found
            if _selects(service, meta.get("labels") or {})
        ]

    def reconcile(self, key: Key) -> float | None:
        """Write both lists when they change."""
        service = self.world.cache.get(*key)
        if service is None:
            if self.world.cache.get(ENDPOINTS, key.namespace, key.name) is not None:
                self.world.api.delete(ENDPOINTS, key.namespace, key.name)
            return None
        if deleting(service) or not service["spec"].get("selector"):
            return None
        pods = [
            pod
            for pod in self.world.cache.of_kind(PODS, key.namespace)
            if _selects(service, pod["metadata"].get("labels") or {}) and _address(pod) and not ended(pod)
        ]
        pods.sort(key=lambda pod: str(pod["metadata"]["name"]))
        self._endpoints(service, pods)
        self._slice(service, pods)
        return None

    def _endpoints(self, service: Obj, pods: list[Obj]) -> None:
        meta = service["metadata"]
        up = [_target(pod) for pod in pods if ready(pod) and not deleting(pod)]
        down = [_target(pod) for pod in pods if not ready(pod) and not deleting(pod)]
        subset: Obj = {"addresses": up, "notReadyAddresses": down, "ports": _ports(service, pods)}
        subset = {key: value for key, value in subset.items() if value}
        body = {"subsets": [subset]} if up or down else {}
        found = self.world.cache.get(ENDPOINTS, meta["namespace"], meta["name"])
        if found is None:
            labels = {**(meta.get("labels") or {}), "endpoints.kubernetes.io/managed-by": "endpoint-controller"}
            named = {"name": meta["name"], "namespace": meta["namespace"], "labels": labels}
            self.world.api.create(ENDPOINTS, {"apiVersion": "v1", "kind": "Endpoints", "metadata": named, **body})
        elif found.get("subsets", []) != body.get("subsets", []):
            kept = {key: value for key, value in found.items() if key != "subsets"}
            self.world.api.update(ENDPOINTS, {**kept, **body})

    def _slice(self, service: Obj, pods: list[Obj]) -> None:
        meta = service["metadata"]
        endpoints = [_endpoint(pod) for pod in pods]
        ports = _ports(service, pods)
        found = next(self.world.cache.owned_by(meta["uid"], SLICES), None)
        if found is None:
            labels = {
                **(meta.get("labels") or {}),
                "endpointslice.kubernetes.io/managed-by": _SLICER,
                "kubernetes.io/service-name": meta["name"],
            }
            named = {"generateName": f"{meta['name']}-", "namespace": meta["namespace"], "labels": labels}
            named["ownerReferences"] = [owner_reference(service)]
            body = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": named}
            self.world.api.create(SLICES, {**body, "addressType": "IPv4", "endpoints": endpoints, "ports": ports})
        elif (found.get("endpoints") or []) != endpoints or (found.get("ports") or []) != ports:
            self.world.api.update(SLICES, {**found, "endpoints": endpoints, "ports": ports})


def _selects(service: Obj, labels: dict[str, str]) -> bool:
    selector = service["spec"].get("selector") or {}
    return bool(selector) and all(labels.get(key) == value for key, value in selector.items())


def _address(pod: Obj) -> str:
    return str((pod.get("status") or {}).get("podIP", ""))


def _seen(pod: Obj | None) -> Any:
    return None if pod is None else (_address(pod), ready(pod), deleting(pod), pod["metadata"].get("labels"))


def _reference(pod: Obj) -> Obj:
    meta = pod["metadata"]
    return {"kind": "Pod", "namespace": meta["namespace"], "name": meta["name"], "uid": meta["uid"]}


def _target(pod: Obj) -> Obj:
    return {"ip": _address(pod), "nodeName": NODE, "targetRef": _reference(pod)}


def _endpoint(pod: Obj) -> Obj:
    up = ready(pod)
    conditions = {"ready": up and not deleting(pod), "serving": up, "terminating": deleting(pod)}
    return {"addresses": [_address(pod)], "conditions": conditions, "nodeName": NODE, "targetRef": _reference(pod)}


def _ports(service: Obj, pods: list[Obj]) -> list[Obj]:
    out = []
    for port in service["spec"].get("ports") or ():
        number = _number(port.get("targetPort", port["port"]), pods)
        if number:
            out.append({"name": port.get("name", ""), "port": number, "protocol": port.get("protocol", "TCP")})
    return out


def _number(target: Any, pods: list[Obj]) -> int:
    if isinstance(target, int):
        return target
    for pod in pods:
        for container in pod["spec"]["containers"]:
            for port in container.get("ports") or ():
                if port.get("name") == target:
                    return int(port["containerPort"])
    return 0
