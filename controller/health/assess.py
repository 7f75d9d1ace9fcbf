"""The health of one live object: which check is for which kind, and what goes before every check. Pure.

Checks written by operators (resource.customizations.health.*) are not evaluated here. Source: gitops-engine
pkg/health/health.go.
"""

from __future__ import annotations

import typing as t

from controller.health.batch import cron_job, job, workflow
from controller.health.pods import pod
from controller.health.scaling import autoscaler
from controller.health.services import api_service, claim, ingress, service
from controller.health.state import part, progressing, text, unknown
from controller.health.workloads import daemon_set, deployment, replica_set, stateful_set
from model.application import HealthState
from model.meta import JSON, split_api_version

HOOK_FINALIZER = "argocd.argoproj.io/hook-finalizer"

Check = t.Callable[[JSON], HealthState]

CHECKS: dict[tuple[str, str], tuple[frozenset[str], Check]] = {
    ("apps", "Deployment"): (frozenset({"v1"}), deployment),
    ("apps", "StatefulSet"): (frozenset({"v1"}), stateful_set),
    ("apps", "DaemonSet"): (frozenset({"v1"}), daemon_set),
    ("apps", "ReplicaSet"): (frozenset({"v1"}), replica_set),
    ("", "Pod"): (frozenset({"v1"}), pod),
    ("", "Service"): (frozenset({"v1"}), service),
    ("", "PersistentVolumeClaim"): (frozenset({"v1"}), claim),
    ("networking.k8s.io", "Ingress"): (frozenset({"v1"}), ingress),
    ("extensions", "Ingress"): (frozenset({"v1beta1"}), ingress),
    ("batch", "Job"): (frozenset({"v1"}), job),
    ("batch", "CronJob"): (frozenset({"v1"}), cron_job),
    ("autoscaling", "HorizontalPodAutoscaler"): (frozenset({"v1", "v2", "v2beta1", "v2beta2"}), autoscaler),
    ("apiregistration.k8s.io", "APIService"): (frozenset({"v1", "v1beta1"}), api_service),
    ("argoproj.io", "Workflow"): (frozenset({"v1alpha1"}), workflow),
}


def assess(obj: JSON) -> HealthState | None:
    """Return the health of a live object, None for kinds that have no check.

    Application has none, as in Argo CD: waves over child applications do not wait.
    """
    metadata = part(obj, "metadata")
    if metadata.get("deletionTimestamp") and HOOK_FINALIZER not in (metadata.get("finalizers") or ()):
        return progressing("Pending deletion")
    group, version = split_api_version(text(obj, "apiVersion"))
    kind = text(obj, "kind")
    if (group, kind) not in CHECKS:
        return None
    versions, check = CHECKS[group, kind]
    if version not in versions:
        return unknown(f"no health check for {kind} in {group}/{version}, only for {', '.join(sorted(versions))}")
    return check(obj)
