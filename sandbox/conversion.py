"""Conversion of built-in objects between a served version and the one they are stored in.

Only two built-in resources are served in more than one shape: HorizontalPodAutoscaler (autoscaling v1 and v2) and
Event (core and events.k8s.io). A custom resource changes nothing but its apiVersion (conversion strategy None).
"""

from __future__ import annotations

from typing import Any

from sandbox.resources import Resource

_EVENT_FIELDS = {
    "involvedObject": "regarding",
    "message": "note",
    "reportingComponent": "reportingController",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
    "source": "deprecatedSource",
}
_EVENT_FIELDS_BACK = {new: old for old, new in _EVENT_FIELDS.items()}


def to_storage(resource: Resource, obj: dict[str, Any]) -> dict[str, Any]:
    """Returns the object in its storage version; the argument is left alone."""
    return _convert(resource, {**obj, "apiVersion": resource.storage_version}, stored=True)


def from_storage(resource: Resource, obj: dict[str, Any]) -> dict[str, Any]:
    """Returns a stored object in the version of a request; the argument is left alone."""
    return _convert(resource, {**obj, "apiVersion": resource.api_version}, stored=False)


def _convert(resource: Resource, obj: dict[str, Any], *, stored: bool) -> dict[str, Any]:
    if resource.api_version == resource.storage_version or resource.custom is not None:
        return obj
    if resource.kind == "Event":
        names = _EVENT_FIELDS_BACK if stored else _EVENT_FIELDS
        return {names.get(name, name): value for name, value in obj.items()}
    if resource.kind == "HorizontalPodAutoscaler":
        return _autoscaler_to_v2(obj) if stored else _autoscaler_to_v1(obj)
    return obj


def _autoscaler_to_v2(obj: dict[str, Any]) -> dict[str, Any]:
    spec = dict(obj.get("spec") or {})
    target = spec.pop("targetCPUUtilizationPercentage", None)
    if target is not None:
        spec["metrics"] = [_cpu({"target": {"type": "Utilization", "averageUtilization": target}})]
    status = dict(obj.get("status") or {})
    current = status.pop("currentCPUUtilizationPercentage", None)
    if current is not None:
        status["currentMetrics"] = [_cpu({"current": {"averageUtilization": current}})]
    return {**obj, "spec": spec, "status": status}


def _cpu(value: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Resource", "resource": {"name": "cpu", **value}}


def _autoscaler_to_v1(obj: dict[str, Any]) -> dict[str, Any]:
    spec = {name: value for name, value in (obj.get("spec") or {}).items() if name not in ("metrics", "behavior")}
    for metric in (obj.get("spec") or {}).get("metrics") or []:
        resource = metric.get("resource") or {}
        if resource.get("name") == "cpu":
            spec["targetCPUUtilizationPercentage"] = (resource.get("target") or {}).get("averageUtilization")
    status = dict(obj.get("status") or {})
    for metric in status.pop("currentMetrics", None) or []:
        resource = metric.get("resource") or {}
        if resource.get("name") == "cpu":
            status["currentCPUUtilizationPercentage"] = (resource.get("current") or {}).get("averageUtilization")
    status.pop("conditions", None)
    return {**obj, "spec": spec, "status": {"currentReplicas": 0, "desiredReplicas": 0, **status}}
