"""What the API server fills in for fields that a manifest of a built-in kind leaves out. Data and one question.

Used where a live value that the target does not state could be either a default or somebody's change: inside lists that
are replaced as a whole, and for fields that were taken out of the manifest. A missing entry costs one needless apply,
a wrong one would hide a difference, so only fixed defaults are listed. Source: Kubernetes pkg/apis/*/v1/defaults.go.
"""

from __future__ import annotations

import typing as t

import msgspec

from controller.compare.values import is_empty

if t.TYPE_CHECKING:
    from controller.kube.schema import Node

ANY: t.Final = object()
"""The server chooses the value."""

_PROBE = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
_WORKLOAD = {"revisionHistoryLimit": 10, "minReadySeconds": 0, "replicas": 1}
_MODE = {"defaultMode": 420}

DEFAULTS: dict[str, dict[str, t.Any]] = {
    "apps.v1.DaemonSetSpec": {
        "revisionHistoryLimit": 10,
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}},
    },
    "apps.v1.DaemonSetUpdateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}},
    "apps.v1.RollingUpdateDaemonSet": {"maxUnavailable": 1, "maxSurge": 0},
    "apps.v1.DeploymentSpec": {
        **_WORKLOAD,
        "progressDeadlineSeconds": 600,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}},
    },
    "apps.v1.DeploymentStrategy": {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"},
    },
    "apps.v1.RollingUpdateDeployment": {"maxUnavailable": "25%", "maxSurge": "25%"},
    "apps.v1.ReplicaSetSpec": {"replicas": 1},
    "apps.v1.StatefulSetSpec": {
        **_WORKLOAD,
        "podManagementPolicy": "OrderedReady",
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
    },
    "apps.v1.StatefulSetUpdateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
    "apps.v1.RollingUpdateStatefulSetStrategy": {"partition": 0},
    "apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
    "autoscaling.v2.HorizontalPodAutoscalerSpec": {"minReplicas": 1, "metrics": ANY, "behavior": ANY},
    "autoscaling.v2.HPAScalingRules": {"selectPolicy": "Max"},
    "autoscaling.v1.HorizontalPodAutoscalerSpec": {"minReplicas": 1, "targetCPUUtilizationPercentage": 80},
    "batch.v1.CronJobSpec": {
        "concurrencyPolicy": "Allow",
        "suspend": False,
        "successfulJobsHistoryLimit": 3,
        "failedJobsHistoryLimit": 1,
    },
    "batch.v1.JobSpec": {
        "backoffLimit": 6,
        "completions": 1,
        "parallelism": 1,
        "completionMode": "NonIndexed",
        "suspend": False,
        "manualSelector": False,
        "podReplacementPolicy": "TerminatingOrFailed",
        "selector": ANY,
    },
    "batch.v1.PodFailurePolicyOnPodConditionsPattern": {"status": "True"},
    "core.v1.ConfigMapVolumeSource": _MODE,
    "core.v1.SecretVolumeSource": _MODE,
    "core.v1.DownwardAPIVolumeSource": _MODE,
    "core.v1.ProjectedVolumeSource": _MODE,
    "core.v1.Container": {
        "imagePullPolicy": ANY,
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "securityContext": {},
    },
    "core.v1.ContainerPort": {"protocol": "TCP", "hostPort": ANY},
    "core.v1.Probe": {**_PROBE, "terminationGracePeriodSeconds": None},
    "core.v1.HTTPGetAction": {"path": "/", "scheme": "HTTP"},
    "core.v1.GRPCAction": {"service": ""},
    "core.v1.EndpointPort": {"protocol": "TCP"},
    "core.v1.LimitRangeItem": {"default": ANY, "defaultRequest": ANY},
    "discovery.v1.EndpointPort": {"protocol": "TCP", "name": ""},
    "core.v1.HostPathVolumeSource": {"type": ""},
    "core.v1.ISCSIVolumeSource": {"iscsiInterface": "default"},
    "core.v1.RBDVolumeSource": {"pool": "rbd", "user": "admin", "keyring": "/etc/ceph/keyring"},
    "core.v1.AzureDiskVolumeSource": {"cachingMode": "ReadWrite", "fsType": "ext4", "kind": "Shared"},
    "core.v1.ObjectFieldSelector": {"apiVersion": "v1"},
    "core.v1.ResourceFieldSelector": {"divisor": "0"},
    "core.v1.ServiceAccountTokenProjection": {"expirationSeconds": 3600},
    "core.v1.ResourceRequirements": {"requests": ANY},
    "core.v1.NamespaceSpec": {"finalizers": ANY},
    "core.v1.PersistentVolumeClaim": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "status": ANY},
    "core.v1.PersistentVolumeClaimSpec": {"volumeMode": "Filesystem", "volumeName": ANY, "storageClassName": ANY},
    "core.v1.PersistentVolumeSpec": {
        "volumeMode": "Filesystem",
        "persistentVolumeReclaimPolicy": "Retain",
        "claimRef": ANY,
    },
    "core.v1.PodSpec": {
        "restartPolicy": "Always",
        "dnsPolicy": "ClusterFirst",
        "schedulerName": "default-scheduler",
        "terminationGracePeriodSeconds": 30,
        "securityContext": {},
        "enableServiceLinks": True,
        "preemptionPolicy": "PreemptLowerPriority",
        "priority": ANY,
        "nodeName": ANY,
        "serviceAccount": ANY,
    },
    "core.v1.SecurityContext": {"procMount": "Default"},
    "core.v1.ServicePort": {"protocol": "TCP", "nodePort": ANY, "targetPort": ANY},
    "core.v1.ServiceSpec": {
        "type": "ClusterIP",
        "sessionAffinity": "None",
        "clusterIP": ANY,
        "clusterIPs": ANY,
        "ipFamilies": ANY,
        "ipFamilyPolicy": ANY,
        "internalTrafficPolicy": "Cluster",
        "externalTrafficPolicy": "Cluster",
        "allocateLoadBalancerNodePorts": True,
        "healthCheckNodePort": ANY,
        "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 10800}},
    },
    "core.v1.ClientIPConfig": {"timeoutSeconds": 10800},
    "core.v1.Secret": {"type": "Opaque"},
    "core.v1.ServiceAccount": {"secrets": ANY},
    "core.v1.TopologySpreadConstraint": {"nodeAffinityPolicy": "Honor", "nodeTaintsPolicy": "Ignore"},
    "core.v1.Volume": {"emptyDir": {}},
    "networking.v1.IngressSpec": {"ingressClassName": ANY},
    "networking.v1.NetworkPolicyPort": {"protocol": "TCP"},
    "networking.v1.NetworkPolicySpec": {"policyTypes": ANY},
    "rbac.v1.RoleRef": {"apiGroup": "rbac.authorization.k8s.io"},
    "rbac.v1.Subject": {"apiGroup": "rbac.authorization.k8s.io"},
    "rbac.v1.ClusterRole": {"rules": None},
    "storage.v1.StorageClass": {"reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"},
    "admissionregistration.v1.RuleWithOperations": {"scope": "*"},
    "admissionregistration.v1.ServiceReference": {"port": 443},
    **{
        f"admissionregistration.v1.{kind}Webhook": {
            "failurePolicy": "Fail",
            "matchPolicy": "Equivalent",
            "namespaceSelector": {},
            "objectSelector": {},
            "timeoutSeconds": 10,
            "reinvocationPolicy": "Never",
        }
        for kind in ("Mutating", "Validating")
    },
    "apiextensions.v1.CustomResourceDefinitionSpec": {"conversion": {"strategy": "None"}},
    "apiextensions.v1.CustomResourceDefinitionNames": {"listKind": ANY, "singular": ANY},
    "apiextensions.v1.ServiceReference": {"port": 443},
}

KEPT_ZEROS = frozenset(
    [
        "allowPrivilegeEscalation", "automountServiceAccountToken", "enableServiceLinks", "fsGroup", "immutable",
        "optional", "privileged", "readOnlyRootFilesystem", "runAsGroup", "runAsNonRoot", "runAsUser",
        "shareProcessNamespace", "hostUsers", "storageClassName", "ttlSecondsAfterFinished", "activeDeadlineSeconds",
        "allowVolumeExpansion", "attachRequired", "setHostnameAsFQDN", "blockOwnerDeletion", "controller",
    ]
)  # fmt: skip
"""Optional fields whose zero is a statement: the server stores it, so a live object without it differs."""


def type_name(node: Node | None) -> str:
    """Return ``core.v1.Container`` for io.k8s.api.core.v1.Container; empty when nothing is known."""
    return ".".join(node.name.split(".")[-3:]) if node is not None and node.name else ""


def is_default(parent: Node | None, name: str, value: t.Any) -> bool:
    """Return True when a live value is what the server puts there by itself.

    Args:
        parent: the type that holds the field.
        name: the field.
        value: the live value.
    """
    entry = DEFAULTS.get(type_name(parent), {}).get(name, msgspec.UNSET)
    if entry is ANY or (entry is not msgspec.UNSET and _same(entry, value)):
        return True
    child = parent.field(name) if parent is not None else None
    if child is not None and child.default is not msgspec.UNSET and _same(child.default, value):
        return True
    if isinstance(value, dict) and value:
        return child is not None and all(is_default(child, key, item) for key, item in value.items())
    return is_empty(value) and name not in KEPT_ZEROS


def default_of(parent: Node, name: str) -> t.Any:
    """Return the fixed default of a field, as published or as listed here; UNSET when there is none."""
    child = parent.field(name)
    if child is not None and child.default is not msgspec.UNSET:
        return child.default
    listed = DEFAULTS.get(type_name(parent), {}).get(name, msgspec.UNSET)
    return msgspec.UNSET if listed is ANY else listed


def _same(default: t.Any, value: t.Any) -> bool:
    return bool(default == value) and isinstance(default, bool) == isinstance(value, bool)
