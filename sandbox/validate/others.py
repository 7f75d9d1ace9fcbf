"""The rules of autoscalers, disruption budgets and RBAC objects."""

from __future__ import annotations

from typing import Any

from sandbox.validate.faults import Faults

Obj = dict[str, Any]


def autoscaler(faults: Faults, obj: Obj, old: Obj | None) -> None:
    """Rules of a HorizontalPodAutoscaler."""
    del old
    spec = obj["spec"]
    low, high = spec.get("minReplicas", 1), spec.get("maxReplicas", 0)
    if low < 1:
        faults.invalid("spec.minReplicas", low, "must be greater than or equal to 1")
    if high == 0:
        faults.required("spec.maxReplicas", "must be set and greater than 0")
    elif high < 0:
        faults.invalid("spec.maxReplicas", high, "must be greater than or equal to 1")
    if high < low:
        faults.invalid("spec.maxReplicas", high, "must be greater than or equal to `minReplicas`")
    reference = spec.get("scaleTargetRef") or {}
    for key in ("kind", "name"):
        if not reference.get(key):
            faults.required(f"spec.scaleTargetRef.{key}")


def budget(faults: Faults, obj: Obj, old: Obj | None) -> None:
    """Rules of a PodDisruptionBudget."""
    del old
    spec = obj["spec"]
    if spec.get("minAvailable") is not None and spec.get("maxUnavailable") is not None:
        faults.invalid("spec", spec, "minAvailable and maxUnavailable cannot be both set")
    faults.not_negative("spec.minAvailable", spec.get("minAvailable"))
    faults.not_negative("spec.maxUnavailable", spec.get("maxUnavailable"))


def role(faults: Faults, obj: Obj, old: Obj | None) -> None:
    """Rules of a Role or ClusterRole."""
    del old
    for index, rule in enumerate(obj.get("rules") or []):
        path = f"rules[{index}]"
        if not rule.get("verbs"):
            faults.required(f"{path}.verbs", "verbs must contain at least one value")
        if rule.get("nonResourceURLs"):
            if obj["kind"] == "Role":
                text = "namespaced rules cannot apply to non-resource URLs"
                faults.invalid(f"{path}.nonResourceURLs", rule["nonResourceURLs"], text)
            continue
        if not rule.get("apiGroups"):
            faults.required(f"{path}.apiGroups", "resource rules must supply at least one api group")
        if not rule.get("resources"):
            faults.required(f"{path}.resources", "resource rules must supply at least one resource")


def binding(faults: Faults, obj: Obj, old: Obj | None) -> None:
    """Rules of a RoleBinding or ClusterRoleBinding."""
    reference = obj.get("roleRef") or {}
    kinds = ("ClusterRole",) if obj["kind"] == "ClusterRoleBinding" else ("Role", "ClusterRole")
    if reference.get("kind") not in kinds:
        faults.unsupported("roleRef.kind", reference.get("kind"), kinds)
    if not reference.get("name"):
        faults.required("roleRef.name")
    for index, subject in enumerate(obj.get("subjects") or []):
        if not subject.get("name"):
            faults.required(f"subjects[{index}].name")
        if subject.get("kind") not in ("ServiceAccount", "User", "Group"):
            faults.unsupported(f"subjects[{index}].kind", subject.get("kind"), ("Group", "ServiceAccount", "User"))
        elif subject["kind"] == "ServiceAccount" and not subject.get("namespace"):
            faults.required(f"subjects[{index}].namespace")
    if old is not None and reference != old.get("roleRef"):
        faults.invalid("roleRef", reference, "cannot change roleRef")
