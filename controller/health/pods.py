"""Pod. Pure. Source: gitops-engine pkg/health/health_pod.go."""

from __future__ import annotations

from controller.health.state import condition, degraded, healthy, items, number, part, progressing, text, unknown
from model.application import HealthState
from model.meta import JSON

IGNORE_RESTART_POLICY = "argocd.argoproj.io/ignore-restart-policy"
HOOK = "argocd.argoproj.io/hook"


def pod(obj: JSON) -> HealthState:
    """Container states where the pod restarts for ever, then the phase."""
    if _restarts_for_ever(obj) and (problem := _waiting_problem(obj)):
        return degraded(problem)
    status = part(obj, "status")
    phase, message = text(status, "phase"), text(status, "message")
    if phase == "Pending":
        return progressing(message)
    if phase == "Succeeded":
        return healthy(message)
    if phase == "Failed":
        return degraded(message or _failed_container(obj))
    if phase == "Running":
        return _running(obj, message)
    return unknown(message)


def _annotations(obj: JSON) -> JSON:
    return part(obj, "metadata", "annotations")


def _restarts_for_ever(obj: JSON) -> bool:
    """Return True for pods that are meant to stay up, and for those that are said to be despite their policy."""
    if _policy(obj) == "Always":
        return True
    annotations = _annotations(obj)
    return annotations.get(IGNORE_RESTART_POLICY) == "true" and not annotations.get(HOOK)


def _policy(obj: JSON) -> str:
    return text(part(obj, "spec"), "restartPolicy") or "Always"


def _waiting_problem(obj: JSON) -> str:
    """Join the messages of containers that wait for a reason that does not pass by itself."""
    messages = []
    for container in items(obj, "status", "containerStatuses"):
        waiting = part(container, "state", "waiting")
        reason = text(waiting, "reason")
        if reason.startswith("Err") or reason.endswith(("Error", "BackOff")):
            messages.append(text(waiting, "message") or reason)
    return ", ".join(messages)


def _failed_container(obj: JSON) -> str:
    for container in (*items(obj, "status", "initContainerStatuses"), *items(obj, "status", "containerStatuses")):
        ended = part(container, "state", "terminated")
        if message := text(ended, "message"):
            return message
        if text(ended, "reason") == "OOMKilled":
            return "OOMKilled"
        if code := number(ended, "exitCode"):
            return f'container "{text(container, "name")}" failed with exit code {code}'
    return ""


def _running(obj: JSON, message: str) -> HealthState:
    if _policy(obj) in ("OnFailure", "Never"):
        return progressing(message)
    if condition(obj, "Ready").get("status") == "True":
        return healthy(message)
    for container in items(obj, "status", "containerStatuses"):
        if part(container, "lastState", "terminated"):
            return degraded(message or f'container "{text(container, "name")}" is restarting')
    return progressing(message)
