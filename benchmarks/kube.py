"""Taking a list of 5,000 Deployments into the store, beside the official client's models: time, and memory per object.

The bytes are in memory on both sides, as they are after the answer was read; what is measured is what each side makes
of them. Environment: LYNCEUS_BENCH_KUBE_OBJECTS.
"""

from __future__ import annotations

import copy
import gc
import json
import os
import statistics
import time
import tracemalloc
import typing as t

from controller.clock import SystemClock
from controller.kube.discovery import ApiResource
from controller.kube.informer import Informer
from controller.kube.store import ObjectStore

OBJECTS = int(os.environ.get("LYNCEUS_BENCH_KUBE_OBJECTS", "5000"))
ROUNDS = 5
YARDSTICK_ROUNDS = 1
"""The yardstick takes seconds and hardly varies."""
DEPLOYMENTS = ApiResource("apps", "v1", "Deployment", "deployments", True, frozenset({"list", "watch"}))
YARDSTICK = "the official client's models (kubernetes 37)"


def deployment(number: int) -> dict[str, t.Any]:
    """Return a Deployment as an API server returns one: about 3 KB, a third of it managedFields."""
    name = f"app-{number}"
    container = {
        "name": "web",
        "image": "registry.example.com/shop/web:1.2.3",
        "ports": [{"containerPort": 8080, "protocol": "TCP", "name": "http"}],
        "env": [{"name": f"SETTING_{i}", "value": f"value-{i}"} for i in range(6)],
        "resources": {"limits": {"cpu": "500m", "memory": "256Mi"}, "requests": {"cpu": "100m", "memory": "128Mi"}},
        "livenessProbe": {"httpGet": {"path": "/healthz", "port": "http", "scheme": "HTTP"}, "periodSeconds": 10},
        "terminationMessagePath": "/dev/termination-log",
        "imagePullPolicy": "IfNotPresent",
    }
    fields: dict[str, t.Any] = {f"f:{key}": {} for key in container}
    fields["f:env"] = {f'k:{{"name":"SETTING_{i}"}}': {".": {}, "f:name": {}, "f:value": {}} for i in range(6)}
    template = {"f:spec": {"f:containers": {'k:{"name":"web"}': fields}}}
    managed = {"manager": "argocd-controller", "operation": "Apply", "apiVersion": "apps/v1", "fieldsType": "FieldsV1"}
    conditions = [
        {"type": kind, "status": "True", "reason": "Reason", "message": f'Deployment "{name}" is well.'}
        for kind in ("Available", "Progressing")
    ]
    return {
        "metadata": {
            "name": name,
            "namespace": "shop",
            "uid": f"8c6d7f0e-0000-4000-8000-{number:012d}",
            "resourceVersion": str(1_000_000 + number),
            "generation": 3,
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "labels": {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "shop"},
            "annotations": {"argocd.argoproj.io/tracking-id": f"shop:apps/Deployment:shop/{name}"},
            "managedFields": [
                {**managed, "time": "2026-01-01T00:00:00Z", "fieldsV1": {"f:spec": {"f:template": template}}}
            ],
        },
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}},
            "revisionHistoryLimit": 10,
            "progressDeadlineSeconds": 600,
        },
        "status": {"observedGeneration": 3, "replicas": 2, "availableReplicas": 2, "conditions": conditions},
    }


def listing(count: int) -> bytes:
    """Return the answer to a list of so many Deployments."""
    items = [deployment(number) for number in range(count)]
    body = {"kind": "DeploymentList", "apiVersion": "apps/v1", "metadata": {"resourceVersion": "9"}, "items": items}
    return json.dumps(body, separators=(",", ":")).encode()


class _Answers:
    """Stands in for the client: hands out the prepared answer."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def request(self, *_: t.Any, **__: t.Any) -> bytes:
        return self.body


def ours(body: bytes) -> ObjectStore:
    """Take the list as an informer does, all the way into the indexed store."""
    store = ObjectStore()
    Informer(t.cast("t.Any", _Answers(body)), DEPLOYMENTS, store, clock=SystemClock())._list()
    return store


def theirs(body: bytes) -> t.Any:
    """Take the list as the official client's typed API does."""
    from kubernetes.client import ApiClient

    return ApiClient().deserialize(body.decode(), "V1DeploymentList", "application/json")


def seconds(take: t.Callable[[bytes], t.Any], body: bytes, rounds: int) -> float:
    """Return the median time of one list."""
    times = []
    for _ in range(rounds):
        gc.collect()
        started = time.perf_counter()
        take(body)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def held(take: t.Callable[[bytes], t.Any], body: bytes, count: int) -> float:
    """Return the bytes that stay allocated per object, the answer itself left out."""
    take(copy.copy(body))
    gc.collect()
    tracemalloc.start()
    kept = take(body)
    gc.collect()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del kept
    return size / count


def run() -> t.Iterator[dict[str, t.Any]]:
    """Measure both sides."""
    body = listing(OBJECTS)
    mine, yours = seconds(ours, body, ROUNDS), seconds(theirs, body, YARDSTICK_ROUNDS)
    name = f"list of {OBJECTS} objects"
    yield {"name": name, "figure": mine * 1000, "unit": "ms", "ratio": yours / mine, "yardstick": YARDSTICK}
    sample = min(500, OBJECTS)
    body = listing(sample)
    mine, yours = held(ours, body, sample), held(theirs, body, sample)
    name = "memory per watched object"
    yield {"name": name, "figure": mine, "unit": "bytes", "ratio": mine / yours, "yardstick": YARDSTICK}
    yield {"name": "size of one object on the wire", "figure": len(body) / sample, "unit": "bytes"}
