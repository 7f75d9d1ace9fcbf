"""Job, CronJob, Workflow. Pure. Source: gitops-engine pkg/health; CronJob as Argo CD's resource_customizations."""

from __future__ import annotations

from controller.health.state import condition, degraded, healthy, part, progressing, suspended, text, unknown
from model.application import HealthState
from model.meta import JSON


def job(obj: JSON) -> HealthState:
    """Failed, suspended, complete, or still going."""
    failed, complete, paused = (condition(obj, kind) for kind in ("Failed", "Complete", "Suspended"))
    if failed.get("status") == "True":
        return degraded(text(failed, "message"))
    if complete.get("status") == "True":
        return healthy(text(complete, "message"))
    if paused.get("status") == "True":
        return suspended(text(paused, "message"))
    return progressing("Waiting for the job to complete")


def cron_job(obj: JSON) -> HealthState:
    """Suspended, or scheduled; what its jobs do is told by the jobs."""
    if part(obj, "spec").get("suspend") is True:
        return suspended("CronJob is suspended")
    return healthy()


_WORKFLOW = {
    "Pending": progressing,
    "Running": progressing,
    "Succeeded": healthy,
    "Failed": degraded,
    "Error": degraded,
}


def workflow(obj: JSON) -> HealthState:
    """Argo Workflows: by phase; one that is not taken up yet is progressing."""
    status = part(obj, "status")
    phase = text(status, "phase")
    return _WORKFLOW.get(phase or "Pending", unknown)(text(status, "message"))
