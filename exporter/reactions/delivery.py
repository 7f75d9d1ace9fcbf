"""What becomes of commits: deployments, lead time, drift, healing; and the projects that all of it is told by."""

from __future__ import annotations

import typing as t

from exporter.instruments import Instruments
from exporter.reactions import On
from exporter.usage import Usage
from model import events
from model.decision import Block

_RESULTS = ("success", "failed", "rolled_back")
_ORIGINS = ("git", "live")
_HEALS = ("success", "failed")
_REASONS = tuple(reason for reason in t.get_args(Block) if reason)
_STAGES = ("commit_to_seen", "seen_to_synced", "synced_to_healthy", "blocked")


class Delivery:
    """Moves what belongs to projects and environments."""

    def __init__(self, instruments: Instruments) -> None:
        """Start without a project."""
        self._instruments = instruments
        self.on: On = {
            events.DeploymentEnded: self._deployment,
            events.Restored: self._restored,
            events.DriftDetected: self._drift,
            events.DriftEnded: self._drift_ended,
            events.SelfHealed: self._healed,
        }

    def defines(self, usage: Usage) -> On:
        """Return the reaction to AppProjects, which tells `usage`."""

        def project(event: events.ProjectChanged) -> None:
            usage.defined(event.name, gone=event.deleted)

        return {events.ProjectChanged: project}

    def project_came(self, project: str) -> None:
        """Give birth to the counters of a project, so that the first step of each can be seen."""
        self._instruments.bear("lynceus_freeze_overrides_total", project)
        self._instruments.bear("lynceus_drift_duration_seconds", project)
        for origin in _ORIGINS:
            self._instruments.bear("lynceus_drift_detected_total", project, origin)
        for reason in _REASONS:
            self._instruments.bear("lynceus_sync_blocked_total", project, reason)
        for result in _HEALS:
            self._instruments.bear("lynceus_self_heal_total", project, result)

    def project_went(self, project: str) -> None:
        """Forget a project that is gone and that no Application names any more."""
        self._instruments.forget(project=project)

    def environment_came(self, project: str, environment: str) -> None:
        """Give birth to what is told by project and environment."""
        for result in _RESULTS:
            self._instruments.bear("lynceus_deployments_total", project, environment, result)
        self._instruments.bear("lynceus_deployment_lead_time_seconds", project, environment)
        self._instruments.bear("lynceus_time_to_restore_seconds", project, environment)
        for stage in _STAGES:
            self._instruments.bear("lynceus_deployment_stage_seconds", stage)

    def environment_went(self, project: str, environment: str) -> None:
        """Forget an environment that no Application of the project is in any more."""
        self._instruments.forget(project=project, environment=environment)

    def namespace_went(self, namespace: str) -> None:
        """Forget a namespace that has no Application any more."""
        self._instruments.forget(namespace=namespace)

    def _deployment(self, event: events.DeploymentEnded) -> None:
        place = (event.project or "default", event.environment)
        self._instruments.count("lynceus_deployments_total", *place, event.result)
        if event.result != "success":
            return
        if event.lead_seconds is not None:
            name = "lynceus_deployment_lead_time_seconds"
            self._instruments.observe(name, event.lead_seconds, *place, trace_id=event.trace_id)
            unblocked = event.lead_seconds - event.stages.get("blocked", 0.0)
            self._instruments.observe("lynceus_deployment_unblocked_seconds", unblocked)
        for stage, seconds in event.stages.items():
            self._instruments.observe("lynceus_deployment_stage_seconds", seconds, stage)

    def _restored(self, event: events.Restored) -> None:
        place = (event.project or "default", event.environment)
        self._instruments.observe("lynceus_time_to_restore_seconds", event.seconds, *place)

    def _drift(self, event: events.DriftDetected) -> None:
        self._instruments.count("lynceus_drift_detected_total", event.project or "default", event.origin)

    def _drift_ended(self, event: events.DriftEnded) -> None:
        self._instruments.observe("lynceus_drift_duration_seconds", event.seconds, event.project or "default")

    def _healed(self, event: events.SelfHealed) -> None:
        self._instruments.count("lynceus_self_heal_total", event.project or "default", event.result)
