"""HorizontalPodAutoscaler v1 (conditions in an annotation) and v2. Pure. Source: gitops-engine pkg/health."""

from __future__ import annotations

import msgspec

from controller.health.state import degraded, healthy, items, part, progressing, text
from model.application import HealthState
from model.meta import JSON

CONDITIONS = "autoscaling.alpha.kubernetes.io/conditions"
_BROKEN = {
    "AbleToScale": {"FailedGetScale", "FailedUpdateScale"},
    "ScalingActive": {
        "FailedGetResourceMetric",
        "FailedGetObjectMetric",
        "FailedGetPodsMetric",
        "FailedGetExternalMetric",
        "FailedComputeMetricsReplicas",
        "InvalidSelector",
    },
}


def autoscaler(obj: JSON) -> HealthState:
    """Broken metrics degrade; able to scale, or at a limit, is healthy."""
    conditions = items(obj, "status", "conditions") or _annotated(obj)
    for found in conditions:
        if found.get("reason") in _BROKEN.get(text(found, "type"), ()) and found.get("status") != "True":
            return degraded(text(found, "message"))
    for found in conditions:
        if found.get("type") in ("AbleToScale", "ScalingLimited") and found.get("status") == "True":
            return healthy(text(found, "message"))
    return progressing("Waiting to Autoscale")


def _annotated(obj: JSON) -> list[JSON]:
    try:
        found = msgspec.json.decode(text(part(obj, "metadata", "annotations"), CONDITIONS) or "[]")
    except msgspec.MsgspecError:
        return []
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
