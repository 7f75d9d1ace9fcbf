"""The built-in health checks, object in, state out."""

from typing import Any

import pytest

from controller.health import ResourceHealth, aggregate, assess, worst
from controller.health.aggregate import ORDER
from model.application import HealthState
from model.meta import JSON, ResourceKey


def obj(api_version: str, kind: str, spec: JSON | None = None, status: JSON | None = None, **metadata: Any) -> JSON:
    """Return a live object."""
    meta = {"name": "x", "namespace": "n", "generation": 1, **metadata}
    return {"apiVersion": api_version, "kind": kind, "metadata": meta, "spec": spec or {}, "status": status or {}}


def rolled(**status: Any) -> JSON:
    """Return the status of a Deployment that is done, with changes."""
    return {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2, **status}


def waiting(reason: str, **extra: Any) -> JSON:
    """Return the status of a pod with one waiting container."""
    container = {"name": "c", "state": {"waiting": {"reason": reason, "message": f"{reason}!"}}}
    return {"phase": "Pending", "containerStatuses": [container], **extra}


def said(kind: str, status: str, reason: str = "", message: str = "") -> JSON:
    """Return a status with one condition."""
    return {"conditions": [{"type": kind, "status": status, "reason": reason, "message": message}]}


DEADLINE = said("Progressing", "False", "ProgressDeadlineExceeded")
TWO = {"replicas": 2}
ROLLING = {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}
ENDED = {"name": "c", "state": {"terminated": {"exitCode": 3}}}
RESTARTED = {"name": "c", "state": {}, "lastState": {"terminated": {"exitCode": 1}}}
ADDRESS = {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}

CASES: list[tuple[str, JSON, str]] = [
    ("deployment done", obj("apps/v1", "Deployment", TWO, rolled()), "Healthy"),
    ("deployment of zero", obj("apps/v1", "Deployment", {"replicas": 0}, {"observedGeneration": 1}), "Healthy"),
    ("deployment paused", obj("apps/v1", "Deployment", {**TWO, "paused": True}, rolled()), "Suspended"),
    ("deployment not observed", obj("apps/v1", "Deployment", TWO, rolled(), generation=2), "Progressing"),
    ("deployment not updated", obj("apps/v1", "Deployment", TWO, rolled(updatedReplicas=1)), "Progressing"),
    ("deployment old pods", obj("apps/v1", "Deployment", TWO, rolled(replicas=3)), "Progressing"),
    ("deployment not available", obj("apps/v1", "Deployment", TWO, rolled(availableReplicas=1)), "Progressing"),
    ("deployment without status", obj("apps/v1", "Deployment", TWO), "Progressing"),
    (
        "deployment past its deadline",
        obj("apps/v1", "Deployment", TWO, {"observedGeneration": 1, **DEADLINE}),
        "Degraded",
    ),
    ("statefulset new", obj("apps/v1", "StatefulSet", {"replicas": 1}), "Progressing"),
    ("statefulset not ready", obj("apps/v1", "StatefulSet", TWO, rolled(readyReplicas=1)), "Progressing"),
    (
        "statefulset partition",
        obj("apps/v1", "StatefulSet", {**TWO, "updateStrategy": ROLLING}, rolled(readyReplicas=2, updatedReplicas=1)),
        "Healthy",
    ),
    (
        "statefulset partition waits",
        obj("apps/v1", "StatefulSet", {**TWO, "updateStrategy": ROLLING}, rolled(readyReplicas=2, updatedReplicas=0)),
        "Progressing",
    ),
    (
        "statefulset on delete",
        obj("apps/v1", "StatefulSet", {**TWO, "updateStrategy": {"type": "OnDelete"}}, rolled(readyReplicas=2)),
        "Healthy",
    ),
    (
        "statefulset revisions differ",
        obj("apps/v1", "StatefulSet", TWO, rolled(readyReplicas=2, updateRevision="b", currentRevision="a")),
        "Progressing",
    ),
    (
        "daemonset done",
        obj(
            "apps/v1",
            "DaemonSet",
            status=rolled(desiredNumberScheduled=2, updatedNumberScheduled=2, numberAvailable=2),
        ),
        "Healthy",
    ),
    (
        "daemonset updating",
        obj("apps/v1", "DaemonSet", status=rolled(desiredNumberScheduled=2, updatedNumberScheduled=1)),
        "Progressing",
    ),
    (
        "daemonset not available",
        obj("apps/v1", "DaemonSet", status=rolled(desiredNumberScheduled=2, updatedNumberScheduled=2)),
        "Progressing",
    ),
    ("replicaset done", obj("apps/v1", "ReplicaSet", TWO, rolled()), "Healthy"),
    (
        "replicaset cannot make pods",
        obj("apps/v1", "ReplicaSet", TWO, {"observedGeneration": 1, **said("ReplicaFailure", "True", message="quota")}),
        "Degraded",
    ),
    ("replicaset waits", obj("apps/v1", "ReplicaSet", TWO, rolled(availableReplicas=0)), "Progressing"),
    ("pod pending", obj("v1", "Pod", status={"phase": "Pending"}), "Progressing"),
    ("pod cannot pull", obj("v1", "Pod", status=waiting("ImagePullBackOff")), "Degraded"),
    ("pod cannot pull, first", obj("v1", "Pod", status=waiting("ErrImagePull")), "Degraded"),
    ("pod config error", obj("v1", "Pod", status=waiting("CreateContainerConfigError")), "Degraded"),
    ("pod creating", obj("v1", "Pod", status=waiting("ContainerCreating")), "Progressing"),
    ("job pod cannot pull", obj("v1", "Pod", {"restartPolicy": "Never"}, waiting("ImagePullBackOff")), "Progressing"),
    (
        "job pod said to be for ever",
        obj(
            "v1",
            "Pod",
            {"restartPolicy": "Never"},
            waiting("ImagePullBackOff"),
            annotations={"argocd.argoproj.io/ignore-restart-policy": "true"},
        ),
        "Degraded",
    ),
    ("pod ready", obj("v1", "Pod", status={"phase": "Running", **said("Ready", "True")}), "Healthy"),
    ("pod not ready", obj("v1", "Pod", status={"phase": "Running"}), "Progressing"),
    ("pod restarting", obj("v1", "Pod", status={"phase": "Running", "containerStatuses": [RESTARTED]}), "Degraded"),
    ("pod done", obj("v1", "Pod", status={"phase": "Succeeded"}), "Healthy"),
    ("pod failed", obj("v1", "Pod", status={"phase": "Failed", "containerStatuses": [ENDED]}), "Degraded"),
    ("pod unknown", obj("v1", "Pod"), "Unknown"),
    ("service", obj("v1", "Service"), "Healthy"),
    ("balancer waits", obj("v1", "Service", {"type": "LoadBalancer"}), "Progressing"),
    ("balancer", obj("v1", "Service", {"type": "LoadBalancer"}, ADDRESS), "Healthy"),
    ("ingress waits", obj("networking.k8s.io/v1", "Ingress"), "Progressing"),
    ("ingress", obj("networking.k8s.io/v1", "Ingress", status=ADDRESS), "Healthy"),
    ("claim bound", obj("v1", "PersistentVolumeClaim", status={"phase": "Bound"}), "Healthy"),
    ("claim waits", obj("v1", "PersistentVolumeClaim", status={"phase": "Pending"}), "Progressing"),
    ("claim lost", obj("v1", "PersistentVolumeClaim", status={"phase": "Lost"}), "Degraded"),
    ("claim new", obj("v1", "PersistentVolumeClaim"), "Unknown"),
    ("job failed", obj("batch/v1", "Job", status=said("Failed", "True", message="deadline")), "Degraded"),
    ("job complete", obj("batch/v1", "Job", status=said("Complete", "True")), "Healthy"),
    ("job suspended", obj("batch/v1", "Job", status=said("Suspended", "True")), "Suspended"),
    ("job running", obj("batch/v1", "Job"), "Progressing"),
    ("cronjob suspended", obj("batch/v1", "CronJob", {"suspend": True}), "Suspended"),
    ("cronjob", obj("batch/v1", "CronJob"), "Healthy"),
    ("autoscaler waits", obj("autoscaling/v2", "HorizontalPodAutoscaler"), "Progressing"),
    (
        "autoscaler able",
        obj("autoscaling/v2", "HorizontalPodAutoscaler", status=said("AbleToScale", "True")),
        "Healthy",
    ),
    (
        "autoscaler without metrics",
        obj(
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            status=said("ScalingActive", "False", "FailedGetResourceMetric"),
        ),
        "Degraded",
    ),
    (
        "autoscaler v1",
        obj(
            "autoscaling/v1",
            "HorizontalPodAutoscaler",
            annotations={
                "autoscaling.alpha.kubernetes.io/conditions": '[{"type":"AbleToScale","status":"True"}]',
            },
        ),
        "Healthy",
    ),
    ("apiservice", obj("apiregistration.k8s.io/v1", "APIService", status=said("Available", "True")), "Healthy"),
    (
        "apiservice down",
        obj("apiregistration.k8s.io/v1", "APIService", status=said("Available", "False")),
        "Progressing",
    ),
    ("workflow failed", obj("argoproj.io/v1alpha1", "Workflow", status={"phase": "Failed"}), "Degraded"),
    ("workflow new", obj("argoproj.io/v1alpha1", "Workflow"), "Progressing"),
    ("other version", obj("apps/v1beta1", "Deployment", TWO, rolled()), "Unknown"),
    ("being deleted", obj("v1", "Service", deletionTimestamp="2026-01-01T00:00:00Z"), "Progressing"),
]


@pytest.mark.row(65, 69, 71, 72)
@pytest.mark.parametrize(("live", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_built_in_checks(live: JSON, expected: str) -> None:
    """Each built-in kind is judged as Argo CD judges it."""
    found = assess(live)

    assert found is not None
    assert expected == found.status


@pytest.mark.parametrize("kind", ["ConfigMap", "Secret", "Namespace"])
def test_kinds_without_a_check(kind: str) -> None:
    """A kind without a check has no health, which is not the same as being healthy."""
    assert assess(obj("v1", kind)) is None


def test_a_child_application_has_no_built_in_check() -> None:
    """Waves over child applications do not wait, as in Argo CD."""
    assert assess(obj("argoproj.io/v1alpha1", "Application")) is None


@pytest.mark.parametrize("junk", [{}, {"status": []}, {"spec": "x", "status": {"conditions": [1, None, "x"]}}])
@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"])
def test_junk_does_not_raise(kind: str, junk: JSON) -> None:
    """An object of unexpected shape is judged, not a reason to fail the turn."""
    assert assess({"apiVersion": "apps/v1", "kind": kind, **junk}) is not None


def test_a_message_says_what_an_ingress_waits_for() -> None:
    """An Ingress without an address says why it is Progressing, and so does its application."""
    ingress = obj("networking.k8s.io/v1", "Ingress")
    health = assess(ingress)
    key = ResourceKey("networking.k8s.io", "Ingress", "n", "x")
    expected = (
        "Caused by Ingress:n/x (Waiting for an ingress controller to write an address "
        "(status.loadBalancer.ingress is empty))"
    )

    assert expected == aggregate([ResourceHealth(key, health)]).message


def resource(name: str, status: str | None, *, live: bool = True, kind: str = "Deployment") -> ResourceHealth:
    """Return one contribution."""
    group = "argoproj.io" if kind == "Application" else "apps"
    health = HealthState(status=status) if status else None
    return ResourceHealth(ResourceKey(group, kind, "n", name), health, live=live)


@pytest.mark.row(65)
@pytest.mark.parametrize("status", [str(word) for word in ORDER])
def test_every_state_can_be_an_applications(status: str) -> None:
    """Each of the six states is what one object alone can give its application."""
    assert status == aggregate([resource("a", status)]).status


def test_the_worst_wins_and_at_most_three_are_named() -> None:
    """The message names three objects of the worst state and counts the rest."""
    found = aggregate([resource("ok", "Healthy"), *(resource(f"d{i}", "Degraded") for i in range(5))])

    assert "Degraded" == found.status
    assert "Caused by Deployment:n/d0, Deployment:n/d1, Deployment:n/d2, and 2 more" == found.message


def test_missing_objects_count_only_when_nothing_is_there() -> None:
    """A missing object does not lower the health, unless not one is live."""
    assert "Healthy" == aggregate([resource("a", "Healthy"), resource("b", None, live=False)]).status
    assert "Missing" == aggregate([resource("b", None, live=False)]).status
    assert "Healthy" == aggregate([]).status


def test_unknown_child_applications_are_excused() -> None:
    """A child application that is Unknown or Missing does not lower its parent."""
    children = [resource("a", "Unknown", kind="Application"), resource("b", "Missing", kind="Application")]

    assert "Healthy" == aggregate([*children, resource("c", "Healthy")]).status


def test_worst_orders_all_states() -> None:
    """The order is Argo CD's; a word nobody knows is worse than all."""
    for number, status in enumerate(ORDER):
        assert status == worst(status, ORDER[0])
        assert all(ORDER[max(number, other)] == worst(status, ORDER[other]) for other in range(len(ORDER)))
    assert "Odd" == worst("Unknown", "Odd")
