"""Deployments, StatefulSets, DaemonSets, Jobs and Pods move through believable states."""

import time

import pytest

from tests.sandbox.simulation import Obj, Stage, stage, workload

__all__ = ["stage"]

DEPLOYMENTS, SETS, PODS = ("apps", "deployments"), ("apps", "replicasets"), ("", "pods")
STATEFUL, DAEMONS, JOBS, CLAIMS = (
    ("apps", "statefulsets"),
    ("apps", "daemonsets"),
    ("batch", "jobs"),
    (
        "",
        "persistentvolumeclaims",
    ),
)


def _image(name: str) -> object:
    def change(obj: Obj) -> None:
        obj["spec"]["template"]["spec"]["containers"][0]["image"] = name

    return change


def _available(stage: Stage, name: str, size: int) -> Obj | None:
    """The Deployment once its rollout is through."""
    obj = stage.get(DEPLOYMENTS, name)
    status = (obj or {}).get("status") or {}
    counts = (status.get("replicas"), status.get("updatedReplicas"), status.get("availableReplicas"))
    return (
        obj if obj and counts == (size,) * 3 and status["observedGeneration"] == obj["metadata"]["generation"] else None
    )


def test_a_deployment_becomes_available(stage: Stage) -> None:
    """ReplicaSet with the template's hash, Pods that are ready, conditions with the real reasons."""
    stage.create(DEPLOYMENTS, workload("Deployment", replicas=2))
    stage.until(lambda: _available(stage, "web", 2), "two available replicas")
    (rs,) = stage.list(SETS)
    found = rs["metadata"]["labels"]["pod-template-hash"]

    assert f"web-{found}" == rs["metadata"]["name"]
    assert {found} == {pod["metadata"]["labels"]["pod-template-hash"] for pod in stage.list(PODS)}
    assert {"Running"} == {pod["status"]["phase"] for pod in stage.list(PODS)}
    reason = stage.condition(DEPLOYMENTS, "web", "Progressing")["reason"]
    assert "NewReplicaSetAvailable" == reason
    assert "MinimumReplicasAvailable" == stage.condition(DEPLOYMENTS, "web", "Available")["reason"]


def test_a_new_image_rolls_out_and_a_return_reuses_its_replica_set(stage: Stage) -> None:
    """Revisions count up; the old ReplicaSet is kept empty."""
    stage.create(DEPLOYMENTS, workload("Deployment", replicas=2))
    stage.until(lambda: _available(stage, "web", 2), "first rollout")
    stage.change(DEPLOYMENTS, "web", _image("nginx:2"))  # type: ignore[arg-type]
    stage.until(lambda: len(stage.list(SETS)) == 2 and _available(stage, "web", 2), "second rollout")

    assert [0, 2] == sorted(rs["spec"]["replicas"] for rs in stage.list(SETS))

    stage.change(DEPLOYMENTS, "web", _image("nginx:1"))  # type: ignore[arg-type]
    revision = "deployment.kubernetes.io/revision"
    stage.until(
        lambda: (
            (stage.get(DEPLOYMENTS, "web") or {})["metadata"]["annotations"][revision] == "3"
            and _available(stage, "web", 2)
        ),
        "third revision",
    )
    assert 2 == len(stage.list(SETS))


def test_a_broken_image_never_becomes_ready_and_stalls_the_rollout(stage: Stage) -> None:
    """The old Pods stay, the new one backs off, and the deadline passes."""
    stage.create(DEPLOYMENTS, workload("Deployment", replicas=3, progressDeadlineSeconds=1))
    stage.until(lambda: _available(stage, "web", 3), "first rollout")
    stage.change(DEPLOYMENTS, "web", _image("nginx:broken"))  # type: ignore[arg-type]

    def backing_off() -> bool:
        reasons = [
            status["state"].get("waiting", {}).get("reason")
            for pod in stage.list(PODS)
            for status in pod.get("status", {}).get("containerStatuses", ())
        ]
        return "ImagePullBackOff" in reasons

    stage.until(backing_off, "a Pod that backs off")
    stage.until(
        lambda: stage.condition(DEPLOYMENTS, "web", "Progressing").get("reason") == "ProgressDeadlineExceeded",
        "deadline",
    )

    assert "False" == stage.condition(DEPLOYMENTS, "web", "Progressing")["status"]
    assert "True" == stage.condition(DEPLOYMENTS, "web", "Available")["status"]
    assert 3 == (stage.get(DEPLOYMENTS, "web") or {})["status"]["availableReplicas"]


def test_recreate_ends_the_old_pods_first(stage: Stage) -> None:
    """At no time do Pods of both templates exist."""
    both: list[bool] = []

    def look() -> bool:
        images = {pod["spec"]["containers"][0]["image"] for pod in stage.list(PODS)}
        both.append(len(images) > 1)
        return images == {"nginx:2"} and bool(_available(stage, "web", 2))

    stage.create(DEPLOYMENTS, workload("Deployment", replicas=2, strategy={"type": "Recreate"}))
    stage.until(lambda: _available(stage, "web", 2), "first rollout")
    stage.change(DEPLOYMENTS, "web", _image("nginx:2"))  # type: ignore[arg-type]
    stage.until(look, "second rollout")

    assert not any(both)


def test_a_rollout_never_exceeds_its_surge(stage: Stage) -> None:
    """Four replicas, one more and none less at any time."""
    sizes: list[tuple[int, int]] = []

    def look() -> bool:
        pods = [pod for pod in stage.list(PODS) if not pod["metadata"].get("deletionTimestamp")]
        up = [
            pod
            for pod in pods
            if any(c["type"] == "Ready" and c["status"] == "True" for c in pod.get("status", {}).get("conditions", ()))
        ]
        sizes.append((len(pods), len(up)))
        images = {pod["spec"]["containers"][0]["image"] for pod in pods}
        return images == {"nginx:2"} and bool(_available(stage, "web", 4))

    rolling = {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    stage.create(DEPLOYMENTS, workload("Deployment", replicas=4, strategy=rolling))
    stage.until(lambda: _available(stage, "web", 4), "first rollout")
    stage.change(DEPLOYMENTS, "web", _image("nginx:2"))  # type: ignore[arg-type]
    stage.until(look, "second rollout")

    assert 5 >= max(size for size, _ in sizes)
    assert 4 <= min(up for _, up in sizes)


def test_a_paused_deployment_waits(stage: Stage) -> None:
    """No new ReplicaSet while it is paused."""
    stage.create(DEPLOYMENTS, workload("Deployment", replicas=1))
    stage.until(lambda: _available(stage, "web", 1), "first rollout")

    def pause(obj: Obj) -> None:
        obj["spec"].update(paused=True)
        obj["spec"]["template"]["spec"]["containers"][0]["image"] = "nginx:2"

    stage.change(DEPLOYMENTS, "web", pause)
    stage.until(lambda: stage.condition(DEPLOYMENTS, "web", "Progressing")["reason"] == "DeploymentPaused", "pause")
    assert 1 == len(stage.list(SETS))
    stage.change(DEPLOYMENTS, "web", lambda o: o["spec"].pop("paused"))
    stage.until(lambda: len(stage.list(SETS)) == 2 and _available(stage, "web", 1), "the rollout after it")


def test_a_stateful_set_starts_in_order_with_its_claims(stage: Stage) -> None:
    """The second Pod comes after the first is ready; claims are bound and stay."""
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    templates = [{"metadata": {"name": "data"}, "spec": claim}]
    stage.create(STATEFUL, workload("StatefulSet", "db", replicas=2, serviceName="db", volumeClaimTemplates=templates))
    stage.until(lambda: ((stage.get(STATEFUL, "db") or {}).get("status") or {}).get("readyReplicas") == 2, "two ready")
    first, second = stage.get(PODS, "db-0"), stage.get(PODS, "db-1")
    assert first is not None
    assert second is not None

    assert int(first["metadata"]["resourceVersion"]) < int(second["metadata"]["resourceVersion"])
    stage.until(lambda: {"Bound"} == {c["status"]["phase"] for c in stage.list(CLAIMS)}, "bound claims")
    assert ["data-db-0", "data-db-1"] == sorted(c["metadata"]["name"] for c in stage.list(CLAIMS))

    stage.change(STATEFUL, "db", lambda o: o["spec"].update(replicas=1))
    stage.until(lambda: stage.get(PODS, "db-1") is None, "the second Pod gone")
    assert 2 == len(stage.list(CLAIMS))


def test_a_stateful_set_replaces_its_pods(stage: Stage) -> None:
    """After a change of the template all Pods are of the new revision."""
    stage.create(STATEFUL, workload("StatefulSet", "db", replicas=2, serviceName="db"))
    stage.until(lambda: ((stage.get(STATEFUL, "db") or {}).get("status") or {}).get("readyReplicas") == 2, "two ready")
    stage.change(STATEFUL, "db", _image("pg:2"))  # type: ignore[arg-type]

    def through() -> bool:
        status = (stage.get(STATEFUL, "db") or {})["status"]
        images = {pod["spec"]["containers"][0]["image"] for pod in stage.list(PODS)}
        same = status["currentRevision"] == status["updateRevision"]
        return same and images == {"pg:2"} and status.get("readyReplicas") == 2

    stage.until(through, "the new revision everywhere")


def test_a_daemon_set_runs_on_the_node(stage: Stage) -> None:
    """One Pod, replaced after a change of the template."""
    stage.create(DAEMONS, workload("DaemonSet", "agent"))
    stage.until(lambda: ((stage.get(DAEMONS, "agent") or {}).get("status") or {}).get("numberReady") == 1, "one ready")
    stage.change(DAEMONS, "agent", _image("agent:2"))  # type: ignore[arg-type]

    def replaced() -> bool:
        status = (stage.get(DAEMONS, "agent") or {})["status"]
        images = [pod["spec"]["containers"][0]["image"] for pod in stage.list(PODS)]
        return images == ["agent:2"] and status.get("numberReady") == status.get("updatedNumberScheduled") == 1

    stage.until(replaced, "the Pod replaced")


@pytest.mark.parametrize(
    ("image", "kind", "reason"),
    [("busybox:1", "Complete", "CompletionsReached"), ("busybox:failing", "Failed", "BackoffLimitExceeded")],
)
def test_a_job_comes_to_its_end(stage: Stage, image: str, kind: str, reason: str) -> None:
    """Completed, or failed after its retries."""
    stage.create(JOBS, workload("Job", "j", image, completions=2, parallelism=2, backoffLimit=1))
    found = stage.until(lambda: stage.condition(JOBS, "j", kind), kind)

    assert ("True", reason) == (found["status"], found["reason"])
    status = (stage.get(JOBS, "j") or {})["status"]
    assert (2, None) == ((status.get("succeeded"), status.get("failed")) if kind == "Complete" else (2, None))


def test_a_job_goes_when_its_time_is_over(stage: Stage) -> None:
    """TtlSecondsAfterFinished of zero: at once, with its Pods."""
    stage.create(JOBS, workload("Job", "j", ttlSecondsAfterFinished=0))
    stage.until(lambda: stage.list(PODS), "a Pod")
    stage.until(lambda: stage.get(JOBS, "j") is None and not stage.list(PODS), "nothing left")


def test_a_pod_for_another_scheduler_stays_pending(stage: Stage) -> None:
    """Nobody binds it."""
    spec = {"schedulerName": "other", "containers": [{"name": "c", "image": "i"}]}
    stage.create(PODS, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "odd"}, "spec": spec})
    stage.create(
        PODS, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": spec["containers"]}}
    )
    stage.until(lambda: (stage.get(PODS, "p") or {})["status"]["phase"] == "Running", "the other one running")

    odd = stage.get(PODS, "odd")
    assert odd is not None
    assert ("Pending", None) == (odd["status"]["phase"], odd["spec"].get("nodeName"))


def test_nothing_happens_when_nothing_happens(stage: Stage) -> None:
    """A settled cluster makes no writes, and its thread sleeps."""
    stage.create(DEPLOYMENTS, workload("Deployment", replicas=2))
    stage.until(lambda: _available(stage, "web", 2), "two available replicas")
    time.sleep(0.5)
    writes: list[object] = []
    stop = stage.api.subscribe(writes.append)
    spent = time.process_time()
    time.sleep(0.7)
    spent = time.process_time() - spent
    stop()

    assert [] == writes
    assert 0.2 > spent
