"""Deployment, StatefulSet, DaemonSet, ReplicaSet. Pure. Source: gitops-engine pkg/health, as kubectl rollout status."""

from __future__ import annotations

from controller.health.state import condition, degraded, healthy, number, part, progressing, suspended, text
from model.application import HealthState
from model.meta import JSON


def _observed(obj: JSON) -> int:
    return number(part(obj, "status"), "observedGeneration")


def _generation(obj: JSON) -> int:
    return number(part(obj, "metadata"), "generation")


def deployment(obj: JSON) -> HealthState:
    """Paused, rolling out, past its progress deadline, or available."""
    spec, status = part(obj, "spec"), part(obj, "status")
    if spec.get("paused") is True:
        return suspended("Deployment is paused")
    if _generation(obj) > _observed(obj):
        return progressing("Waiting for rollout to finish: observed deployment generation less than desired generation")
    name = text(part(obj, "metadata"), "name")
    if condition(obj, "Progressing").get("reason") == "ProgressDeadlineExceeded":
        return degraded(f'Deployment "{name}" exceeded its progress deadline')
    replicas, updated = number(status, "replicas"), number(status, "updatedReplicas")
    available, wanted = number(status, "availableReplicas"), number(spec, "replicas", 1)
    rollout = "Waiting for rollout to finish:"
    if updated < wanted:
        return progressing(f"{rollout} {updated} out of {wanted} new replicas have been updated...")
    if replicas > updated:
        return progressing(f"{rollout} {replicas - updated} old replicas are pending termination...")
    if available < updated:
        return progressing(f"{rollout} {available} of {updated} updated replicas are available...")
    return healthy()


def stateful_set(obj: JSON) -> HealthState:
    """Ready replicas, then the revision, with partitions."""
    spec, status = part(obj, "spec"), part(obj, "status")
    if _observed(obj) == 0 or _generation(obj) > _observed(obj):
        return progressing("Waiting for statefulset spec update to be observed...")
    ready, wanted = number(status, "readyReplicas"), number(spec, "replicas", 1)
    if ready < wanted:
        return progressing(f"Waiting for {wanted - ready} pods to be ready...")
    strategy = part(spec, "updateStrategy")
    if strategy.get("type") == "RollingUpdate" and isinstance(strategy.get("rollingUpdate"), dict):
        return _partitioned(number(part(strategy, "rollingUpdate"), "partition"), wanted, status)
    if strategy.get("type") == "OnDelete":
        return healthy(f"statefulset has {ready} ready pods")
    if status.get("updateRevision") != status.get("currentRevision"):
        updated = number(status, "updatedReplicas")
        return progressing(f"waiting for statefulset rolling update to complete {updated} pods at revision")
    return healthy(f"statefulset rolling update complete {number(status, 'currentReplicas')} pods at revision")


def _partitioned(partition: int, wanted: int, status: JSON) -> HealthState:
    updated, goal = number(status, "updatedReplicas"), wanted - partition
    if partition > 0 and updated < goal:
        return progressing(
            f"Waiting for partitioned roll out to finish: {updated} out of {goal} new pods have been updated..."
        )
    if partition > 0:
        return healthy(f"partitioned roll out complete: {updated} new pods have been updated...")
    if updated < goal:
        return progressing(f"Waiting for roll out to finish: {updated} out of {goal} new pods have been updated...")
    return healthy(f"roll out complete: {updated} new pods have been updated...")


def daemon_set(obj: JSON) -> HealthState:
    """Updated and available on every node that wants a pod."""
    status = part(obj, "status")
    if _generation(obj) > _observed(obj):
        return progressing("Waiting for rollout to finish: observed daemon set generation less than desired generation")
    updated, wanted = number(status, "updatedNumberScheduled"), number(status, "desiredNumberScheduled")
    if part(obj, "spec", "updateStrategy").get("type") == "OnDelete":
        return healthy(f"daemon set {updated} out of {wanted} new pods have been updated")
    name = text(part(obj, "metadata"), "name")
    rollout = f'Waiting for daemon set "{name}" rollout to finish:'
    if updated < wanted:
        return progressing(f"{rollout} {updated} out of {wanted} new pods have been updated...")
    available = number(status, "numberAvailable")
    if available < wanted:
        return progressing(f"{rollout} {available} of {wanted} updated pods are available...")
    return healthy()


def replica_set(obj: JSON) -> HealthState:
    """Available replicas, unless pods cannot be made."""
    if _generation(obj) > _observed(obj):
        return progressing(
            "Waiting for rollout to finish: observed replica set generation less than desired generation"
        )
    failure = condition(obj, "ReplicaFailure")
    if failure.get("status") == "True":
        return degraded(text(failure, "message"))
    available = number(part(obj, "status"), "availableReplicas")
    wanted = number(part(obj, "spec"), "replicas", 1)
    if available < wanted:
        return progressing(f"Waiting for rollout to finish: {available} out of {wanted} new replicas are available...")
    return healthy()
