"""The status of a Deployment: its counts and its Available and Progressing conditions.

Source: kubernetes/pkg/controller/deployment/progress.go and util.
"""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from sandbox.simulate.engine import Obj
from sandbox.simulate.world import with_condition


class Counts(NamedTuple):
    """What the ReplicaSets of a Deployment add up to."""

    generation: int
    wanted: int
    """spec.replicas of the Deployment."""
    asked: int
    """The sum of spec.replicas of its ReplicaSets."""
    replicas: int
    updated: int
    ready: int
    available: int
    leaving: int
    """Pods that are being deleted."""

    def status(self) -> Obj:
        """As fields of a Deployment's status."""
        return {
            "observedGeneration": self.generation,
            "replicas": self.replicas,
            "updatedReplicas": self.updated,
            "readyReplicas": self.ready,
            "availableReplicas": self.available,
            "unavailableReplicas": max(0, self.asked - self.available),
            "terminatingReplicas": self.leaving,
        }

    @property
    def complete(self) -> bool:
        """Whether the rollout is through."""
        return self.updated == self.replicas == self.available == self.wanted


def conditions(owner: Obj, counts: Counts, unavailable: int, name: str, now: str, *, made: bool) -> list[Obj]:
    """The conditions after this turn.

    Args:
        owner: the Deployment with its old status.
        counts: the new counts.
        unavailable: how many Pods may be missing.
        name: of the current ReplicaSet; empty when there is none yet.
        now: RFC 3339 time.
        made: the ReplicaSet was created in this turn.
    """
    listed = list((owner.get("status") or {}).get("conditions") or ())
    if counts.available >= counts.wanted - unavailable:
        text = ("MinimumReplicasAvailable", "Deployment has minimum availability.")
        listed = with_condition(listed, _said("Available", "True", *text), now)
    else:
        text = ("MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
        listed = with_condition(listed, _said("Available", "False", *text), now)
    if owner["spec"].get("paused"):
        return _paused(listed, now)
    return _progressing(owner, listed, counts, name, now, made=made) if name else listed


def _said(kind: str, status: str, reason: str, message: str) -> Obj:
    return {"type": kind, "status": status, "reason": reason, "message": message}


def _paused(listed: list[Obj], now: str) -> list[Obj]:
    return with_condition(listed, _said("Progressing", "Unknown", "DeploymentPaused", "Deployment is paused"), now)


def _progressing(owner: Obj, listed: list[Obj], counts: Counts, name: str, now: str, *, made: bool) -> list[Obj]:
    before = next((item for item in listed if item["type"] == "Progressing"), None)
    old = owner.get("status") or {}
    moved = _moved(old, counts) or (before is not None and before["reason"] == "DeploymentPaused")
    known_done = before is not None and before["reason"] == "NewReplicaSetAvailable"
    if made:
        new = _said("Progressing", "True", "NewReplicaSetCreated", f'Created new replica set "{name}"')
        return with_condition(listed, new, now, touch=True)
    if counts.complete:
        text = f'ReplicaSet "{name}" has successfully progressed.'
        return with_condition(listed, _said("Progressing", "True", "NewReplicaSetAvailable", text), now)
    if before is None or moved or (known_done and counts.updated < counts.wanted):
        new = _said("Progressing", "True", "ReplicaSetUpdated", f'ReplicaSet "{name}" is progressing.')
        return with_condition(listed, new, now, touch=moved)
    if not known_done and _overdue(owner, before, now):
        text = f'ReplicaSet "{name}" has timed out progressing.'
        return with_condition(listed, _said("Progressing", "False", "ProgressDeadlineExceeded", text), now)
    return listed


def _moved(old: Obj, counts: Counts) -> bool:
    """Whether the rollout went a step further since the last status."""
    before = {key: old.get(key, 0) for key in ("updatedReplicas", "readyReplicas", "availableReplicas", "replicas")}
    fewer_old = counts.replicas - counts.updated < before["replicas"] - before["updatedReplicas"]
    more = counts.updated > before["updatedReplicas"] or counts.ready > before["readyReplicas"]
    return bool(more or counts.available > before["availableReplicas"] or fewer_old)


def _overdue(owner: Obj, before: Obj, now: str) -> bool:
    since = dt.datetime.fromisoformat(now) - dt.datetime.fromisoformat(before["lastUpdateTime"])
    return bool(since.total_seconds() > owner["spec"].get("progressDeadlineSeconds", 600))
