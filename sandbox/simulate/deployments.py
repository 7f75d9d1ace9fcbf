"""Deployments: ReplicaSets by template hash, rollouts within surge and unavailability, conditions with real reasons.

Source: kubernetes/pkg/controller/deployment (rolling, recreate, progress, sync).
"""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Iterable
from typing import NamedTuple

from sandbox.simulate.engine import Change, Key, Obj
from sandbox.simulate.progress import Counts, conditions
from sandbox.simulate.replicasets import adopt, own_key, owner_key
from sandbox.simulate.world import (
    DEPLOYMENTS,
    PODS,
    REPLICA_SETS,
    World,
    controller_of,
    deleting,
    hash_of,
    matches,
    owner_reference,
    portion,
)

HASH = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"
_DESIRED, _MAX = "deployment.kubernetes.io/desired-replicas", "deployment.kubernetes.io/max-replicas"
_OWN = frozenset({REVISION, _DESIRED, _MAX, "kubectl.kubernetes.io/last-applied-configuration"})


class Plan(NamedTuple):
    """How far a rollout may go."""

    replicas: int
    surge: int
    unavailable: int


class Deployments:
    """Rolls templates out."""

    def __init__(self, world: World) -> None:
        self.world = world

    def keys(self, change: Change) -> Iterable[Key]:
        """A Deployment itself, or the one that manages a ReplicaSet."""
        if tuple(change.gr) == DEPLOYMENTS:
            return (own_key(change),)
        if tuple(change.gr) == REPLICA_SETS:
            return owner_key(change.new or change.old, "Deployment", DEPLOYMENTS)
        return ()

    def reconcile(self, key: Key) -> float | None:
        """One step of the rollout, then the status."""
        found = self.world.cache.get(*key)
        if found is None or deleting(found):
            return None
        sets = self._sets(found)
        current = next((item for item in sets if _same_template(item, found)), None)
        paused = bool(found["spec"].get("paused"))
        made = False
        if not paused:
            current, made = self._current(found, sets, current)
            sets = self._sets(found) if not made or current is None else [*sets, current]
        old = [item for item in sets if current is None or item["metadata"]["uid"] != current["metadata"]["uid"]]
        if current is not None:
            self._scale(found, current, old)
            self._forget(found, old)
        return self._report(found, current, sets, made=made)

    def _sets(self, owner: Obj) -> list[Obj]:
        """The ReplicaSets of a Deployment, after taking over matching ones that nobody manages."""
        listed = [rs for rs in self.world.cache.owned_by(owner["metadata"]["uid"], REPLICA_SETS) if not deleting(rs)]
        for rs in self.world.cache.of_kind(REPLICA_SETS, owner["metadata"]["namespace"]):
            free = controller_of(rs) is None and not deleting(rs)
            if free and matches(owner["spec"]["selector"], rs["metadata"].get("labels")):
                listed.append(adopt(self.world, owner, REPLICA_SETS, rs))
        return sorted(listed, key=lambda rs: rs["metadata"]["name"])

    def _current(self, owner: Obj, sets: list[Obj], current: Obj | None) -> tuple[Obj, bool]:
        """The ReplicaSet of the present template with the highest revision; made when there is none."""
        revisions = [_revision(rs) for rs in sets if current is None or rs is not current]
        revision = str(max(revisions, default=0) + 1)
        made = current is None
        if current is None:
            current = self.world.api.create(REPLICA_SETS, self._set_for(owner, revision, sets))
            self._tell(owner, current, 0, current["spec"].get("replicas", 1))
        noted = (current["metadata"].get("annotations") or {}).get(REVISION, "0")
        if int(noted) < int(revision):
            current = self.world.api.update(REPLICA_SETS, _annotated(current, revision))
        return current, made

    def _set_for(self, owner: Obj, revision: str, sets: list[Obj]) -> Obj:
        spec = owner["spec"]
        label = hash_of(spec["template"])
        template = copy.deepcopy(spec["template"])
        labels = {**((template.get("metadata") or {}).get("labels") or {}), HASH: label}
        template["metadata"] = {**(template.get("metadata") or {}), "labels": labels}
        selector = copy.deepcopy(spec["selector"])
        selector["matchLabels"] = {**(selector.get("matchLabels") or {}), HASH: label}
        plan = _plan(owner)
        kept = {k: v for k, v in (owner["metadata"].get("annotations") or {}).items() if k not in _OWN}
        metadata = {
            "name": f"{owner['metadata']['name']}-{label}",
            "namespace": owner["metadata"]["namespace"],
            "labels": labels,
            "annotations": {
                **kept,
                _DESIRED: str(plan.replicas),
                _MAX: str(plan.replicas + plan.surge),
                REVISION: revision,
            },
            "ownerReferences": [owner_reference(owner)],
        }
        total = sum(rs["spec"].get("replicas", 1) for rs in sets)
        size = min(plan.replicas, max(0, plan.replicas + plan.surge - total))
        if spec["strategy"]["type"] == "Recreate" and total:
            size = 0
        body = {"replicas": size, "selector": selector, "template": template}
        if spec.get("minReadySeconds"):
            body["minReadySeconds"] = spec["minReadySeconds"]
        return {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": metadata, "spec": body}

    def _scale(self, owner: Obj, current: Obj, old: list[Obj]) -> None:
        plan = _plan(owner)
        active = [rs for rs in old if rs["spec"].get("replicas", 1)]
        if owner["spec"].get("paused") and active:
            return
        if owner["spec"]["strategy"]["type"] == "Recreate":
            self._recreate(plan, current, active, old)
            return
        have = current["spec"].get("replicas", 1)
        total = have + sum(rs["spec"].get("replicas", 1) for rs in active)
        if have > plan.replicas:
            self._resize(owner, current, plan.replicas)
        elif have < plan.replicas:
            room = plan.replicas + plan.surge - total
            if room > 0:
                self._resize(owner, current, min(plan.replicas, have + room))
        self._shrink(owner, plan, current, active)

    def _recreate(self, plan: Plan, current: Obj, active: list[Obj], old: list[Obj]) -> None:
        for rs in active:
            self.world.set_replicas(REPLICA_SETS, rs, 0)
        left = any(any(self.world.cache.owned_by(rs["metadata"]["uid"], PODS)) for rs in old)
        if not active and not left:
            self.world.set_replicas(REPLICA_SETS, current, plan.replicas)

    def _shrink(self, owner: Obj, plan: Plan, current: Obj, active: list[Obj]) -> None:
        """Scale old ReplicaSets down as far as enough Pods stay available: first what is not available anyway."""
        have = current["spec"].get("replicas", 1)
        total = have + sum(rs["spec"].get("replicas", 1) for rs in active)
        missing = max(0, have - _available(current))
        budget = total - (plan.replicas - plan.unavailable) - missing
        for rs in active:
            size = rs["spec"].get("replicas", 1)
            healthy = min(size, _available(rs))
            step = min(size - healthy, max(0, budget))
            budget -= step
            spare = _available(current) + sum(_available(item) for item in active) - plan.replicas + plan.unavailable
            more = min(healthy, max(0, min(budget, spare)))
            budget -= more
            if step + more:
                self._resize(owner, rs, size - step - more)
                return

    def _resize(self, owner: Obj, rs: Obj, size: int) -> None:
        before = rs["spec"].get("replicas", 1)
        if before == size:
            return
        self.world.set_replicas(REPLICA_SETS, rs, size)
        self._tell(owner, rs, before, size)

    def _tell(self, owner: Obj, rs: Obj, before: int, size: int) -> None:
        if before == size:
            return
        word = "up" if size > before else "down"
        text = f"Scaled {word} replica set {rs['metadata']['name']} from {before} to {size}"
        self.world.event(owner, "ScalingReplicaSet", text, component="deployment-controller")

    def _forget(self, owner: Obj, old: list[Obj]) -> None:
        """Delete the oldest empty ReplicaSets beyond the history limit."""
        idle = [rs for rs in old if not rs["spec"].get("replicas", 1) and not (rs.get("status") or {}).get("replicas")]
        extra = len(idle) - owner["spec"].get("revisionHistoryLimit", 10)
        for rs in sorted(idle, key=_revision)[: max(0, extra)]:
            meta = rs["metadata"]
            self.world.api.delete(REPLICA_SETS, meta["namespace"], meta["name"], uid=meta["uid"])

    def _report(self, owner: Obj, current: Obj | None, sets: list[Obj], *, made: bool) -> float | None:
        plan = _plan(owner)
        counts = Counts(
            generation=owner["metadata"].get("generation", 1),
            wanted=plan.replicas,
            asked=sum(rs["spec"].get("replicas", 1) for rs in sets),
            replicas=sum(_counted(rs, "replicas") for rs in sets),
            updated=_counted(current, "replicas") if current is not None else 0,
            ready=sum(_counted(rs, "readyReplicas") for rs in sets),
            available=sum(_available(rs) for rs in sets),
            leaving=sum(_counted(rs, "terminatingReplicas") for rs in sets),
        )
        name = current["metadata"]["name"] if current is not None else ""
        now = self.world.now()
        status = {**(owner.get("status") or {}), **counts.status()}
        status["conditions"] = conditions(owner, counts, plan.unavailable, name, now, made=made)
        noted = (owner["metadata"].get("annotations") or {}).get(REVISION)
        revision = (current["metadata"].get("annotations") or {}).get(REVISION) if current is not None else noted
        if revision and revision != noted:
            self.world.api.update_status(DEPLOYMENTS, {**_annotated(owner, revision), "status": status})
        else:
            self.world.set_status(DEPLOYMENTS, owner, status)
        return _until_deadline(owner, status["conditions"], now)


def _annotated(obj: Obj, revision: str) -> Obj:
    annotations = {**(obj["metadata"].get("annotations") or {}), REVISION: revision}
    return {**obj, "metadata": {**obj["metadata"], "annotations": annotations}}


def _until_deadline(owner: Obj, listed: list[Obj], now: str) -> float | None:
    """Seconds until a rollout that does not move is overdue."""
    found = next((item for item in listed if item["type"] == "Progressing"), None)
    if found is None or found["status"] != "True" or found["reason"] == "NewReplicaSetAvailable":
        return None
    since = dt.datetime.fromisoformat(now) - dt.datetime.fromisoformat(found["lastUpdateTime"])
    return max(0.0, float(owner["spec"].get("progressDeadlineSeconds", 600)) - since.total_seconds()) + 1.0


def _plan(owner: Obj) -> Plan:
    spec = owner["spec"]
    replicas = int(spec.get("replicas", 1))
    rolling = (spec.get("strategy") or {}).get("rollingUpdate")
    if rolling is None:
        return Plan(replicas, 0, 0)
    surge = portion(rolling.get("maxSurge", "25%"), replicas, up=True)
    unavailable = min(replicas, portion(rolling.get("maxUnavailable", "25%"), replicas, up=False))
    return Plan(replicas, surge, unavailable if surge or unavailable else 1)


def _counted(rs: Obj, field: str) -> int:
    return int((rs.get("status") or {}).get(field, 0))


def _available(rs: Obj) -> int:
    return _counted(rs, "availableReplicas")


def _revision(rs: Obj) -> int:
    return int((rs["metadata"].get("annotations") or {}).get(REVISION, "0"))


def _same_template(rs: Obj, owner: Obj) -> bool:
    template = copy.deepcopy(rs["spec"]["template"])
    labels = (template.get("metadata") or {}).get("labels") or {}
    labels.pop(HASH, None)
    return bool(template == owner["spec"]["template"])
