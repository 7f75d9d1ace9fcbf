"""HorizontalPodAutoscalers and PodDisruptionBudgets: their status. Nothing is measured, so nothing is scaled."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.simulate.engine import Change, Gr, Key, Obj
from sandbox.simulate.replicasets import own_key
from sandbox.simulate.world import (
    DEPLOYMENTS,
    PODS,
    REPLICA_SETS,
    STATEFUL_SETS,
    World,
    deleting,
    matches,
    portion,
    ready,
    with_condition,
)

AUTOSCALERS: Gr = ("autoscaling", "horizontalpodautoscalers")
BUDGETS: Gr = ("policy", "poddisruptionbudgets")
_TARGETS = {"Deployment": DEPLOYMENTS, "StatefulSet": STATEFUL_SETS, "ReplicaSet": REPLICA_SETS}


class Autoscalers:
    """Shows autoscalers that find their target content."""

    def __init__(self, world: World) -> None:
        self.world = world

    def keys(self, change: Change) -> Iterable[Key]:
        """An autoscaler itself, or those of a target that changes."""
        gr = tuple(change.gr)
        if gr == AUTOSCALERS:
            return (own_key(change),)
        if gr not in _TARGETS.values() or change.new is None:
            return ()
        meta, kind = change.new["metadata"], change.new["kind"]
        return [
            Key(AUTOSCALERS, meta["namespace"], item["metadata"]["name"])
            for item in self.world.cache.of_kind(AUTOSCALERS, meta["namespace"])
            if (item["spec"]["scaleTargetRef"]["kind"], item["spec"]["scaleTargetRef"]["name"]) == (kind, meta["name"])
        ]

    def reconcile(self, key: Key) -> float | None:
        """Write the status."""
        found = self.world.cache.get(*key)
        if found is None or deleting(found):
            return None
        ref = found["spec"]["scaleTargetRef"]
        target = self.world.cache.get(_TARGETS.get(ref["kind"], ("", "")), key.namespace, ref["name"])
        self.world.set_status(AUTOSCALERS, found, _autoscaler_status(found, target, self.world.now()))
        return None


def _autoscaler_status(found: Obj, target: Obj | None, now: str) -> Obj:
    before = found.get("status") or {}
    listed = before.get("conditions")
    if target is None:
        text = "the HPA controller was unable to get the target's current scale"
        conditions = [_condition("AbleToScale", "False", "FailedGetScale", text)]
    else:
        conditions = [
            _condition("AbleToScale", "True", "ReadyForNewScale", "recommended size matches current size"),
            _condition("ScalingActive", "True", "ValidMetricFound", "the HPA was able to calculate a replica count"),
            _condition("ScalingLimited", "False", "DesiredWithinRange", "the desired count is within the range"),
        ]
    for condition in conditions:
        listed = with_condition(listed, condition, now)
    kept = [{key: value for key, value in item.items() if key != "lastUpdateTime"} for item in listed or ()]
    size = target["spec"].get("replicas", 1) if target is not None else 0
    return {**before, "currentReplicas": size, "desiredReplicas": size, "currentMetrics": None, "conditions": kept}


def _condition(kind: str, status: str, reason: str, message: str) -> Obj:
    return {"type": kind, "status": status, "reason": reason, "message": message}


class Budgets:
    """Counts the Pods of disruption budgets."""

    def __init__(self, world: World) -> None:
        self.world = world

    def keys(self, change: Change) -> Iterable[Key]:
        """A budget itself, or those that select a Pod that changes."""
        gr = tuple(change.gr)
        if gr == BUDGETS:
            return (own_key(change),)
        if gr != PODS:
            return ()
        meta = (change.new or change.old or {})["metadata"]
        return [
            Key(BUDGETS, meta["namespace"], item["metadata"]["name"])
            for item in self.world.cache.of_kind(BUDGETS, meta["namespace"])
            if matches(item["spec"].get("selector"), meta.get("labels"))
        ]

    def reconcile(self, key: Key) -> float | None:
        """Write the status."""
        found = self.world.cache.get(*key)
        if found is None or deleting(found):
            return None
        spec = found["spec"]
        pods = [
            pod
            for pod in self.world.cache.of_kind(PODS, key.namespace)
            if matches(spec.get("selector"), pod["metadata"].get("labels")) and not deleting(pod)
        ]
        expected, healthy = len(pods), sum(ready(pod) for pod in pods)
        if spec.get("minAvailable") is not None:
            wanted = portion(spec["minAvailable"], expected, up=True)
        else:
            wanted = max(0, expected - portion(spec.get("maxUnavailable", 1), expected, up=True))
        allowed = max(0, healthy - wanted) if expected else 0
        self._write(found, expected, healthy, wanted, allowed)
        return None

    def _write(self, found: Obj, expected: int, healthy: int, wanted: int, allowed: int) -> None:
        before = found.get("status") or {}
        generation = found["metadata"].get("generation", 1)
        status, reason = ("True", "SufficientPods") if allowed else ("False", "InsufficientPods")
        condition = _condition("DisruptionAllowed", status, reason, "")
        listed = with_condition(before.get("conditions"), condition, self.world.now())
        conditions = [{**item, "observedGeneration": generation} for item in listed]
        for item in conditions:
            item.pop("lastUpdateTime", None)
        counts = {"expectedPods": expected, "currentHealthy": healthy, "desiredHealthy": wanted}
        full = {**before, **counts, "disruptionsAllowed": allowed, "observedGeneration": generation}
        self.world.set_status(BUDGETS, found, {**full, "conditions": conditions})
