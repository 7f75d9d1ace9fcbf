"""What becomes of commits: drift, deployments, health restored. The same in both modes, made by controller.delivery."""

from __future__ import annotations

import typing as t

import msgspec

from model.events.base import Event
from model.meta import NamespacedName


class Standing(Event, frozen=True, kw_only=True):
    """Since when an Application is as it is; published when one of these changes."""

    key: NamespacedName
    project: str
    drift_since: float | None = None
    """Unix seconds at which it left Synced; None while Synced."""
    unhealthy_since: float | None = None
    """Unix seconds at which it left Healthy; None while Healthy."""
    health_status: str = ""


class DriftDetected(Event, frozen=True, kw_only=True):
    """An Application went from Synced to OutOfSync."""

    key: NamespacedName
    project: str
    origin: t.Literal["git", "live"]
    """git: the target revision moved; live: somebody changed the cluster."""


class DriftEnded(Event, frozen=True, kw_only=True):
    """An Application is Synced again."""

    key: NamespacedName
    project: str
    seconds: float


class CommitsBehind(Event, frozen=True, kw_only=True):
    """How far the deployed commit is behind the target branch."""

    key: NamespacedName
    project: str
    number: int | None
    """Commits that touch the Application's path and are not deployed; None: not known."""
    oldest: float | None = None
    """Unix seconds of the oldest of them; None when there is none."""


class DeploymentEnded(Event, frozen=True, kw_only=True):
    """A deployment came to its end: healthy, failed, or rolled back. A self-heal is none."""

    key: NamespacedName
    project: str
    environment: str
    result: t.Literal["success", "failed", "rolled_back"]
    revision: str
    """As model.traces has it: the commits of all sources. For the trace, never a label."""
    trace_id: str
    """That of the deployment: 32 hexadecimal digits, made of the Application and the revision."""
    started: float
    """Unix seconds: the commit's time where it is known, else the moment the revision was first seen."""
    ended: float
    lead_seconds: float | None = None
    """Commit to Synced and Healthy; None where the commit's time is not known, or it did not get there."""
    stages: dict[str, float] = msgspec.field(default_factory=dict)
    """commit_to_seen, seen_to_synced, synced_to_healthy, blocked: seconds; those that are known."""


class Restored(Event, frozen=True, kw_only=True):
    """An Application that had failed is Synced and Healthy again."""

    key: NamespacedName
    project: str
    environment: str
    seconds: float
    """From the first failure to now."""


class SelfHealed(Event, frozen=True, kw_only=True):
    """An automated sync to the commit that was deployed already came to its end."""

    key: NamespacedName
    project: str
    result: t.Literal["success", "failed"]
