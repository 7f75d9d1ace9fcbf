"""Which kinds lie in a namespace, for commands that have no cluster to ask: Kubernetes' own, and those of given CRDs.

A kind that nobody defines is not guessed. Source: Kubernetes 1.36 API reference, resource scopes.
"""

from __future__ import annotations

import typing as t

from model.meta import JSON, GroupKind, key_of

_BUILT_IN = frozenset({"", "apps", "batch", "autoscaling", "policy", "extensions"})
_CLUSTER_SCOPED = frozenset(
    {
        "APIService", "CSIDriver", "CSINode", "CertificateSigningRequest", "ClusterRole", "ClusterRoleBinding",
        "ClusterTrustBundle", "ComponentStatus", "CustomResourceDefinition", "DeviceClass", "DeviceTaintRule",
        "FlowSchema", "IPAddress", "IngressClass", "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding",
        "MutatingWebhookConfiguration", "Namespace", "Node", "PersistentVolume", "PriorityClass",
        "PriorityLevelConfiguration", "ResourceSlice", "RuntimeClass", "SelfSubjectAccessReview",
        "SelfSubjectReview", "SelfSubjectRulesReview", "ServiceCIDR", "StorageClass", "StorageVersion",
        "StorageVersionMigration", "SubjectAccessReview", "TokenReview", "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding", "ValidatingWebhookConfiguration", "VolumeAttachment",
        "VolumeAttributesClass",
    }
)  # fmt: skip
_ARGO = frozenset({"Application", "ApplicationSet", "AppProject"})


class Scopes:
    """The scopes that are known."""

    def __init__(self, objects: t.Iterable[JSON]) -> None:
        self._defined = dict(_defined(objects))

    def namespaced(self, kind: GroupKind) -> bool | None:
        """Return whether the kind is namespaced, None when nothing says so."""
        if kind in self._defined:
            return self._defined[kind]
        if kind.group in _BUILT_IN or kind.group.endswith(".k8s.io"):
            return kind.kind not in _CLUSTER_SCOPED
        return True if kind.group == "argoproj.io" and kind.kind in _ARGO else None


def _defined(objects: t.Iterable[JSON]) -> t.Iterator[tuple[GroupKind, bool]]:
    """Yield the kinds that CustomResourceDefinitions among the objects define."""
    for obj in objects:
        spec = obj.get("spec")
        if key_of(obj).kind == "CustomResourceDefinition" and isinstance(spec, dict):
            names = spec.get("names")
            kind = str(names.get("kind")) if isinstance(names, dict) else ""
            yield GroupKind(str(spec.get("group")), kind), spec.get("scope") == "Namespaced"
