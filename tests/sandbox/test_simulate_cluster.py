"""Garbage collection, namespaces, endpoints, volumes, budgets and autoscalers."""

import pytest

from sandbox.resources import GroupResource
from tests.sandbox.simulation import NAMESPACE, Obj, Stage, stage, workload

__all__ = ["stage"]

DEPLOYMENTS, SETS, PODS, MAPS = ("apps", "deployments"), ("apps", "replicasets"), ("", "pods"), ("", "configmaps")
SERVICES, ENDPOINTS, SLICES = ("", "services"), ("", "endpoints"), ("discovery.k8s.io", "endpointslices")
CLAIMS, VOLUMES, NAMESPACES = ("", "persistentvolumeclaims"), ("", "persistentvolumes"), ("", "namespaces")
BUDGETS, SCALERS = ("policy", "poddisruptionbudgets"), ("autoscaling", "horizontalpodautoscalers")


def _config(name: str, *owners: Obj, block: bool = False) -> Obj:
    refs = [
        {"apiVersion": "v1", "kind": "ConfigMap", "name": o["metadata"]["name"], "uid": o["metadata"]["uid"]}
        | ({"blockOwnerDeletion": True} if block else {})
        for o in owners
    ]
    meta = {"name": name, **({"ownerReferences": refs} if refs else {})}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta}


def _running(stage: Stage, size: int) -> bool:
    pods = stage.list(PODS)
    return len(pods) == size and all(pod.get("status", {}).get("phase") == "Running" for pod in pods)


@pytest.mark.parametrize("propagation", ["Background", "Foreground"])
def test_a_deleted_deployment_takes_its_pods_along(stage: Stage, propagation: str) -> None:
    """Owner, ReplicaSet and Pods are all gone in the end; in the foreground the owner goes last."""
    stage.create(DEPLOYMENTS, workload("Deployment", replicas=2))
    stage.until(lambda: _running(stage, 2), "running Pods")
    stage.delete(DEPLOYMENTS, "web", propagation)
    early: list[bool] = []

    def gone() -> bool:
        left = bool(stage.list(SETS)) or bool(stage.list(PODS))
        early.append(stage.get(DEPLOYMENTS, "web") is None and left)
        return not left and stage.get(DEPLOYMENTS, "web") is None

    stage.until(gone, "everything gone")

    assert (propagation == "Background") or not any(early)


def test_orphans_stay_and_are_taken_over_again(stage: Stage) -> None:
    """The ReplicaSet loses its owner, and finds a new one of the same template."""
    stage.create(DEPLOYMENTS, workload("Deployment", replicas=1))
    stage.until(lambda: _running(stage, 1), "a running Pod")
    stage.delete(DEPLOYMENTS, "web", "Orphan")
    stage.until(lambda: stage.get(DEPLOYMENTS, "web") is None, "the Deployment gone")
    (rs,) = stage.list(SETS)
    assert "ownerReferences" not in rs["metadata"]

    made = stage.create(DEPLOYMENTS, workload("Deployment", replicas=1))
    stage.until(
        lambda: (
            [r["uid"] for r in stage.list(SETS)[0]["metadata"].get("ownerReferences", ())] == [made["metadata"]["uid"]]
        ),
        "the ReplicaSet taken over",
    )
    assert 1 == len(stage.list(SETS))


def test_an_object_with_two_owners_goes_with_the_last(stage: Stage) -> None:
    """The reference to the first is taken off."""
    one, two = stage.create(MAPS, _config("one")), stage.create(MAPS, _config("two"))
    stage.create(MAPS, _config("owned", one, two))
    stage.delete(MAPS, "one")
    stage.until(
        lambda: len((stage.get(MAPS, "owned") or {})["metadata"]["ownerReferences"]) == 1, "one reference taken off"
    )
    stage.delete(MAPS, "two")
    stage.until(lambda: stage.get(MAPS, "owned") is None, "the owned one gone")


def test_an_object_of_an_owner_that_never_was_goes(stage: Stage) -> None:
    """As the collector deletes what names an absent owner."""
    ghost = {"metadata": {"name": "ghost", "uid": "00000000-0000-0000-0000-000000000000"}}
    stage.create(MAPS, _config("haunted", ghost))
    stage.until(lambda: stage.get(MAPS, "haunted") is None, "the haunted one gone")


def test_a_namespace_is_furnished_and_emptied(stage: Stage) -> None:
    """Default account and root certificate; a deleted one comes back; deletion leaves nothing."""
    stage.api.create(GroupResource(*NAMESPACES), {"metadata": {"name": "n"}})
    account = ("", "serviceaccounts")
    stage.until(lambda: stage.get(account, "default", "n") and stage.get(MAPS, "kube-root-ca.crt", "n"), "furniture")
    stage.delete(account, "default", namespace="n")
    stage.until(lambda: stage.get(account, "default", "n"), "the account again")
    body = workload("Deployment", replicas=2)
    body["metadata"]["namespace"] = "n"
    stage.create(DEPLOYMENTS, body)
    stage.until(lambda: len(stage.list(PODS, "n")) == 2, "Pods")
    stage.delete(NAMESPACES, "n", namespace="")
    stage.until(lambda: stage.get(NAMESPACES, "n", "") is None, "the namespace gone")

    assert [] == [*stage.list(PODS, "n"), *stage.list(DEPLOYMENTS, "n"), *stage.list(MAPS, "n")]


def test_a_service_lists_the_pods_that_are_ready(stage: Stage) -> None:
    """Endpoints and one EndpointSlice, which follow the Pods."""
    ports = [{"port": 80, "targetPort": 8080, "name": "http"}]
    body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}}
    stage.create(SERVICES, {**body, "spec": {"selector": {"app": "web"}, "ports": ports}})
    stage.create(DEPLOYMENTS, workload("Deployment", replicas=2))

    def listed(size: int) -> bool:
        subsets = (stage.get(ENDPOINTS, "web") or {}).get("subsets") or []
        ready = [address for subset in subsets for address in subset.get("addresses", ())]
        slices = [item for piece in stage.list(SLICES) for item in piece.get("endpoints") or ()]
        return len(ready) == len([item for item in slices if item["conditions"]["ready"]]) == size

    stage.until(lambda: listed(2), "two endpoints")
    (piece,) = stage.list(SLICES)
    assert [{"name": "http", "port": 8080, "protocol": "TCP"}] == piece["ports"]
    assert "web" == piece["metadata"]["labels"]["kubernetes.io/service-name"]

    stage.change(DEPLOYMENTS, "web", lambda o: o["spec"].update(replicas=1))
    stage.until(lambda: listed(1), "one endpoint")
    stage.delete(SERVICES, "web")
    stage.until(lambda: stage.get(ENDPOINTS, "web") is None and not stage.list(SLICES), "no endpoints")


def test_a_claim_gets_a_volume_that_goes_with_it(stage: Stage) -> None:
    """Bound at once, with capacity; the volume is deleted after the claim."""
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "2Gi"}}}
    stage.create(CLAIMS, {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "c"}, "spec": spec})
    claim = stage.until(
        lambda: (found := stage.get(CLAIMS, "c")) and found["status"]["phase"] == "Bound" and found, "a bound claim"
    )

    assert {"storage": "2Gi"} == claim["status"]["capacity"]
    assert claim["spec"]["volumeName"] == stage.list(VOLUMES, None)[0]["metadata"]["name"]

    stage.delete(CLAIMS, "c")
    stage.until(lambda: not stage.list(VOLUMES, None) and stage.get(CLAIMS, "c") is None, "both gone")


def test_budgets_count_their_pods(stage: Stage) -> None:
    """Disruptions allowed follow the healthy Pods."""
    spec = {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}}
    stage.create(
        BUDGETS, {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "b"}, "spec": spec}
    )
    stage.create(DEPLOYMENTS, workload("Deployment", replicas=3))
    stage.until(lambda: (stage.get(BUDGETS, "b") or {})["status"].get("disruptionsAllowed") == 2, "two disruptions")

    status = (stage.get(BUDGETS, "b") or {})["status"]
    assert (3, 3, 1) == (status["expectedPods"], status["currentHealthy"], status["desiredHealthy"])


def test_an_autoscaler_finds_its_target(stage: Stage) -> None:
    """Able to scale once the target is there."""
    ref = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    body = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "h"}}
    stage.create(SCALERS, {**body, "spec": {"maxReplicas": 3, "scaleTargetRef": ref}})
    stage.until(lambda: stage.condition(SCALERS, "h", "AbleToScale").get("reason") == "FailedGetScale", "no target yet")
    stage.create(DEPLOYMENTS, workload("Deployment", replicas=2))
    stage.until(lambda: stage.condition(SCALERS, "h", "ScalingActive").get("status") == "True", "active")

    assert 2 == (stage.get(SCALERS, "h") or {})["status"]["currentReplicas"]


def test_a_load_balancer_stays_pending(stage: Stage) -> None:
    """Nobody gives it an address, as in a cluster without a provider."""
    body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "lb", "namespace": NAMESPACE}}
    stage.create(
        SERVICES, {**body, "spec": {"type": "LoadBalancer", "selector": {"app": "x"}, "ports": [{"port": 80}]}}
    )
    stage.until(lambda: stage.get(ENDPOINTS, "lb"), "its endpoints")

    assert {"loadBalancer": {}} == (stage.get(SERVICES, "lb") or {})["status"]
