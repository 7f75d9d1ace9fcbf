"""The selector that the server gives to a Job. Source: generateSelector in kubernetes/pkg/registry/batch/job."""

from __future__ import annotations

from typing import Any


def generate_selector(obj: dict[str, Any]) -> None:
    """Give a Job its selector by uid and its Pods the labels for it; a manual or existing selector stays.

    The object needs ``metadata.uid``: without one nothing happens.
    """
    metadata, spec = obj.get("metadata") or {}, obj.get("spec")
    if not isinstance(spec, dict) or not metadata.get("uid") or spec.get("manualSelector") or spec.get("selector"):
        return
    template = spec.get("template")
    if not isinstance(template, dict):
        return
    inner = template["metadata"] = dict(template.get("metadata") or {})
    uid, name = metadata["uid"], metadata.get("name", "")
    inner["labels"] = {
        **(inner.get("labels") or {}),
        "controller-uid": uid,
        "job-name": name,
        "batch.kubernetes.io/controller-uid": uid,
        "batch.kubernetes.io/job-name": name,
    }
    spec["selector"] = {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}
