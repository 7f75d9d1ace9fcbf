"""What the simulated controllers share: reading the cache, writing through the API, small rules of the object model."""

from __future__ import annotations

import copy
import hashlib
import math
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import orjson

from sandbox.simulate.engine import Cache, Gr, Obj

PODS: Gr = ("", "pods")
NODES: Gr = ("", "nodes")
SERVICES: Gr = ("", "services")
EVENTS: Gr = ("", "events")
NAMESPACES: Gr = ("", "namespaces")
CLAIMS: Gr = ("", "persistentvolumeclaims")
VOLUMES: Gr = ("", "persistentvolumes")
REPLICA_SETS: Gr = ("apps", "replicasets")
DEPLOYMENTS: Gr = ("apps", "deployments")
STATEFUL_SETS: Gr = ("apps", "statefulsets")
DAEMON_SETS: Gr = ("apps", "daemonsets")
REVISIONS: Gr = ("apps", "controllerrevisions")
JOBS: Gr = ("batch", "jobs")
NODE = "sandbox"
"""The one simulated node."""
MANAGER = "kube-controller-manager"
KUBELET = "kubelet"
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
"""The letters of generated names and hashes: Kubernetes leaves out vowels and what looks like them."""


class Api(Protocol):
    """The in-process API: the same write path as HTTP."""

    def now(self) -> str:
        """The present time as RFC 3339 text."""

    def get(self, gr: Any, namespace: str, name: str) -> Obj | None:
        """An object, or None."""

    def list(self, gr: Any, namespace: str | None = None) -> Iterable[Obj]:
        """All objects of a kind."""

    def create(self, gr: Any, obj: Obj, *, manager: str = MANAGER) -> Obj:
        """Create an object."""

    def update(self, gr: Any, obj: Obj, *, manager: str = MANAGER) -> Obj:
        """Replace an object."""

    def update_status(self, gr: Any, obj: Obj, *, manager: str = MANAGER) -> Obj:
        """Replace an object's status."""

    def delete(
        self, gr: Any, namespace: str, name: str, *, propagation: str = "Background", uid: str = "",
        grace_seconds: int | None = None,
    ) -> Any:  # fmt: skip
        """Delete an object."""

    def remove_finalizer(self, gr: Any, namespace: str, name: str, finalizer: str) -> Any:
        """Take one finalizer off."""

    def finalize_namespace(self, name: str) -> Any:
        """Let an empty namespace go."""

    def subscribe(self, listener: Any) -> Any:
        """Hear of every change; returns the function that ends it."""

    def resources(self) -> Iterable[tuple[Any, bool, str, str]]:
        """All resources: (group and resource, namespaced, apiVersion, kind)."""


class World:
    """The cluster as a simulated controller sees it."""

    def __init__(self, api: Api, cache: Cache) -> None:
        self.api = api
        self.cache = cache

    def now(self) -> str:
        """The present time as RFC 3339 text."""
        return self.api.now()

    def set_status(self, gr: Gr, obj: Obj, status: Obj, *, manager: str = MANAGER) -> None:
        """Write a status when it says something new."""
        tidy = {key: value for key, value in status.items() if value is not None}
        before = obj.get("status") or {}
        if {k: v for k, v in tidy.items() if v not in (0, [], "")} != {
            k: v for k, v in before.items() if v not in (0, [], "")
        }:
            self.api.update_status(gr, {**obj, "status": copy.deepcopy(tidy)}, manager=manager)

    def set_replicas(self, gr: Gr, obj: Obj, replicas: int) -> None:
        """Scale a workload when it has another size."""
        if obj["spec"].get("replicas") != replicas:
            self.api.update(gr, {**obj, "spec": {**obj["spec"], "replicas": replicas}})

    def event(self, about: Obj, reason: str, message: str, *, component: str = MANAGER, kind: str = "Normal") -> None:
        """Record an Event about an object."""
        meta = about["metadata"]
        now = self.now()
        self.api.create(
            EVENTS,
            {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": {"generateName": f"{meta['name'][:50]}.", "namespace": meta.get("namespace") or "default"},
                "involvedObject": {
                    "apiVersion": about["apiVersion"],
                    "kind": about["kind"],
                    "name": meta["name"],
                    **({"namespace": meta["namespace"]} if meta.get("namespace") else {}),
                    "uid": meta["uid"],
                    "resourceVersion": meta["resourceVersion"],
                },
                "reason": reason,
                "message": message,
                "source": {"component": component},
                "type": kind,
                "count": 1,
                "firstTimestamp": now,
                "lastTimestamp": now,
                "reportingComponent": component,
            },
            manager=component,
        )

    def live_pods(self, owner: Obj) -> list[Obj]:
        """The Pods of an owner that are neither ended nor being deleted, in the order of their names."""
        pods = (pod for pod in self.cache.owned_by(owner["metadata"]["uid"], PODS) if not deleting(pod))
        return sorted((pod for pod in pods if not ended(pod)), key=lambda pod: pod["metadata"]["name"])


def deleting(obj: Obj) -> bool:
    """Whether the object is on its way out."""
    return bool(obj["metadata"].get("deletionTimestamp"))


def ended(pod: Obj) -> bool:
    """Whether a Pod has run to its end."""
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def ready(pod: Obj) -> bool:
    """Whether a Pod's Ready condition is true."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)


def owner_reference(owner: Obj) -> Obj:
    """The reference of a controller that its dependents carry."""
    meta = owner["metadata"]
    named = {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": meta["name"], "uid": meta["uid"]}
    return {**named, "controller": True, "blockOwnerDeletion": True}


def controller_of(obj: Obj) -> Obj | None:
    """The owner reference of the managing controller."""
    refs = obj["metadata"].get("ownerReferences") or ()
    return next((ref for ref in refs if ref.get("controller")), None)


def matches(selector: Mapping[str, Any] | None, labels: Mapping[str, str] | None) -> bool:
    """Whether labels satisfy a LabelSelector; an empty selector matches everything, none matches nothing."""
    if selector is None:
        return False
    have = labels or {}
    if any(have.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_holds(rule, have) for rule in selector.get("matchExpressions") or ())


def _holds(rule: Mapping[str, Any], have: Mapping[str, str]) -> bool:
    key, values = rule["key"], rule.get("values") or ()
    operator = rule["operator"]
    if operator == "Exists":
        return key in have
    if operator == "DoesNotExist":
        return key not in have
    return (key in have and have[key] in values) if operator == "In" else have.get(key) not in values


def hash_of(value: Any) -> str:
    """A short stable hash in the letters that Kubernetes uses for names."""
    number = int.from_bytes(hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).digest()[:8], "big")
    out = ""
    for _ in range(10):
        number, at = divmod(number, len(_LETTERS))
        out += _LETTERS[at]
    return out


def pod_from(template: Obj, owner: Obj, namespace: str, *, name: str = "", labels: Obj | None = None) -> Obj:
    """A Pod of a template, named or to be named, with its controller's reference."""
    meta = copy.deepcopy(template.get("metadata") or {})
    kept = {key: meta[key] for key in ("annotations", "finalizers") if meta.get(key)}
    named = {"name": name} if name else {"generateName": f"{owner['metadata']['name']}-"}
    kept["labels"] = {**(meta.get("labels") or {}), **(labels or {})}
    metadata = {**named, "namespace": namespace, **kept, "ownerReferences": [owner_reference(owner)]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": copy.deepcopy(template["spec"])}


def portion(value: Any, total: int, *, up: bool) -> int:
    """A number or percentage of a total, as maxSurge (rounded up) and maxUnavailable (rounded down) mean it."""
    if isinstance(value, str) and value.endswith("%"):
        share = total * int(value[:-1]) / 100
        return math.ceil(share) if up else math.floor(share)
    return int(value or 0)


def with_condition(conditions: Iterable[Obj] | None, new: Obj, now: str, *, touch: bool = False) -> list[Obj]:
    """The conditions with one set: times move only when the status changes, or the update time when told to touch.

    Args:
        conditions: the present ones.
        new: type, status, reason and message.
        now: RFC 3339 time.
        touch: move lastUpdateTime even when nothing else changes.
    """
    listed = list(conditions or ())
    old = next((item for item in listed if item["type"] == new["type"]), None)
    unchanged = old is not None and all(old.get(key) == new.get(key) for key in ("status", "reason", "message"))
    if old is not None and unchanged and not touch:
        return listed
    since = old["lastTransitionTime"] if old is not None and old["status"] == new["status"] else now
    entry = {"type": new["type"], "status": new["status"], "lastUpdateTime": now, "lastTransitionTime": since}
    entry |= {key: new[key] for key in ("reason", "message") if key in new}
    return [*(item for item in listed if item["type"] != new["type"]), entry]
