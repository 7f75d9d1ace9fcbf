"""The defaults of the built-in structs, one function per Go type. Source: SetDefaults_* in kubernetes/pkg/apis."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from sandbox.quantity import milli

Struct = dict[str, Any]
DEFAULTS: dict[str, Callable[[Struct], None]] = {}
"""Definition name -> the function that fills in its defaults, in place."""


def _of(*names: str) -> Callable[[Callable[[Struct], None]], Callable[[Struct], None]]:
    def register(function: Callable[[Struct], None]) -> Callable[[Struct], None]:
        DEFAULTS.update({f"io.k8s.api.{name}": function for name in names})
        return function

    return register


def fill(value: Struct, /, **defaults: Any) -> None:
    """Set what is absent or empty text; a zero or false that somebody wrote stays."""
    for key, default in defaults.items():
        if value.get(key) is None or value[key] == "":
            value[key] = copy.deepcopy(default)


def _inner(value: Struct, key: str) -> Struct:
    """A struct field that is always there."""
    if not isinstance(value.get(key), dict):
        value[key] = {}
    found: Struct = value[key]
    return found


def image_tag(image: str) -> str:
    """The tag that a pull would use: ``latest`` when neither tag nor digest is given, empty with only a digest."""
    name, _, digest = image.partition("@")
    last = name.rpartition("/")[2]
    tag = last.partition(":")[2]
    return tag or ("" if digest else "latest")


@_of("core.v1.Container", "core.v1.EphemeralContainer")
def _container(value: Struct) -> None:
    pull = "Always" if image_tag(value.get("image") or "") == "latest" else "IfNotPresent"
    fill(value, imagePullPolicy=pull, terminationMessagePath="/dev/termination-log", terminationMessagePolicy="File")


@_of("core.v1.ContainerPort", "core.v1.EndpointPort", "networking.v1.NetworkPolicyPort")
def _protocol(value: Struct) -> None:
    fill(value, protocol="TCP")


@_of("core.v1.ResourceRequirements", "core.v1.VolumeResourceRequirements")
def _resources(value: Struct) -> None:
    for name in ("limits", "requests"):
        for key, amount in (value.get(name) or {}).items():
            try:
                value[name][key] = milli(amount)
            except ValueError:
                continue


@_of("core.v1.PodSpec")
def _pod_spec(value: Struct) -> None:
    fill(value, dnsPolicy="ClusterFirst", restartPolicy="Always", schedulerName="default-scheduler")
    fill(value, securityContext={}, terminationGracePeriodSeconds=30)
    if value.get("serviceAccount") and not value.get("serviceAccountName"):
        value["serviceAccountName"] = value["serviceAccount"]
    elif value.get("serviceAccountName"):
        value["serviceAccount"] = value["serviceAccountName"]


@_of("core.v1.Pod")
def _pod(value: Struct) -> None:
    spec = _inner(value, "spec")
    fill(spec, enableServiceLinks=True)
    for container in [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]:
        resources = container.get("resources") or {}
        if resources.get("limits"):
            resources["requests"] = {**resources["limits"], **(resources.get("requests") or {})}
        if spec.get("hostNetwork"):
            for port in container.get("ports") or ():
                port["hostPort"] = port.get("hostPort") or port.get("containerPort")
    fill(_inner(value, "status"), phase="Pending", qosClass=quality(spec))


def quality(spec: Struct) -> str:
    """The quality-of-service class of a Pod. Source: kubernetes/pkg/apis/core/v1/helper/qos."""
    said = [container.get("resources") or {} for container in spec.get("containers") or ()]
    said += [container.get("resources") or {} for container in spec.get("initContainers") or ()]
    amounts = [(part.get("requests") or {}, part.get("limits") or {}) for part in said]
    named = [{key: part[key] for key in ("cpu", "memory") if key in part} for pair in amounts for part in pair]
    if not any(named):
        return "BestEffort"
    equal = all(requests.get(key) == limits.get(key) for requests, limits in amounts for key in ("cpu", "memory"))
    full = all(key in limits for _, limits in amounts for key in ("cpu", "memory"))
    return "Guaranteed" if equal and full else "Burstable"


@_of("core.v1.Probe")
def _probe(value: Struct) -> None:
    for key, default in (("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1)):
        value[key] = value.get(key) or default
    value["failureThreshold"] = value.get("failureThreshold") or 3


@_of("core.v1.GRPCAction")
def _grpc(value: Struct) -> None:
    value.setdefault("service", "")


@_of("core.v1.HTTPGetAction")
def _http_get(value: Struct) -> None:
    fill(value, path="/", scheme="HTTP")


@_of("core.v1.ObjectFieldSelector")
def _field_selector(value: Struct) -> None:
    fill(value, apiVersion="v1")


@_of("core.v1.Volume")
def _volume(value: Struct) -> None:
    if not any(key != "name" for key in value):
        value["emptyDir"] = {}


@_of(
    "core.v1.SecretVolumeSource",
    "core.v1.ConfigMapVolumeSource",
    "core.v1.DownwardAPIVolumeSource",
    "core.v1.ProjectedVolumeSource",
)
def _mode(value: Struct) -> None:
    fill(value, defaultMode=0o644)


@_of("core.v1.ServiceAccountTokenProjection")
def _token(value: Struct) -> None:
    fill(value, expirationSeconds=3600)


@_of("core.v1.HostPathVolumeSource")
def _host_path(value: Struct) -> None:
    value.setdefault("type", "")


@_of("core.v1.ISCSIVolumeSource", "core.v1.ISCSIPersistentVolumeSource")
def _iscsi(value: Struct) -> None:
    fill(value, iscsiInterface="default")


@_of("core.v1.RBDVolumeSource", "core.v1.RBDPersistentVolumeSource")
def _rbd(value: Struct) -> None:
    fill(value, pool="rbd", user="admin", keyring="/etc/ceph/keyring")


@_of("core.v1.Service")
def _service(value: Struct) -> None:
    spec = _inner(value, "spec")
    fill(spec, sessionAffinity="None", type="ClusterIP")
    if spec["sessionAffinity"] == "None":
        spec.pop("sessionAffinityConfig", None)
    elif spec["sessionAffinity"] == "ClientIP":
        client = _inner(_inner(spec, "sessionAffinityConfig"), "clientIP")
        fill(client, timeoutSeconds=10800)
    for port in spec.get("ports") or ():
        fill(port, protocol="TCP")
        port["targetPort"] = port.get("targetPort") or port.get("port")
    kind = spec["type"]
    if kind in ("LoadBalancer", "NodePort") or (kind == "ClusterIP" and spec.get("externalIPs")):
        fill(spec, externalTrafficPolicy="Cluster")
    if kind in ("LoadBalancer", "NodePort", "ClusterIP"):
        fill(spec, internalTrafficPolicy="Cluster")
    if kind == "LoadBalancer":
        fill(spec, allocateLoadBalancerNodePorts=True)


@_of("core.v1.Secret")
def _secret(value: Struct) -> None:
    fill(value, type="Opaque")


@_of("core.v1.Namespace")
def _namespace(value: Struct) -> None:
    fill(_inner(value, "status"), phase="Active")


@_of("core.v1.PersistentVolume")
def _volume_object(value: Struct) -> None:
    fill(_inner(value, "spec"), persistentVolumeReclaimPolicy="Retain", volumeMode="Filesystem")
    fill(_inner(value, "status"), phase="Pending")


@_of("core.v1.PersistentVolumeClaim")
def _claim(value: Struct) -> None:
    fill(_inner(value, "status"), phase="Pending")


@_of("core.v1.PersistentVolumeClaimSpec")
def _claim_spec(value: Struct) -> None:
    fill(value, volumeMode="Filesystem")


@_of("core.v1.ReplicationController")
def _replication_controller(value: Struct) -> None:
    spec = _inner(value, "spec")
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels")
    if labels:
        spec["selector"] = spec.get("selector") or dict(labels)
        metadata = _inner(value, "metadata")
        metadata["labels"] = metadata.get("labels") or dict(labels)
    fill(spec, replicas=1)


@_of("core.v1.LimitRangeItem")
def _limit(value: Struct) -> None:
    if value.get("type") == "Container":
        value["default"] = {**(value.get("max") or {}), **(value.get("default") or {})}
        low = {**(value.get("min") or {}), **value["default"]}
        value["defaultRequest"] = {**low, **(value.get("defaultRequest") or {})}


@_of("apps.v1.Deployment")
def _deployment(value: Struct) -> None:
    spec = _inner(value, "spec")
    fill(spec, replicas=1, revisionHistoryLimit=10, progressDeadlineSeconds=600)
    strategy = _inner(spec, "strategy")
    fill(strategy, type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        fill(_inner(strategy, "rollingUpdate"), maxUnavailable="25%", maxSurge="25%")


@_of("apps.v1.DaemonSet")
def _daemon_set(value: Struct) -> None:
    spec = _inner(value, "spec")
    _inner(_inner(value, "metadata"), "annotations").setdefault("deprecated.daemonset.template.generation", "1")
    fill(spec, revisionHistoryLimit=10)
    strategy = _inner(spec, "updateStrategy")
    fill(strategy, type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        fill(_inner(strategy, "rollingUpdate"), maxUnavailable=1, maxSurge=0)


@_of("apps.v1.StatefulSet")
def _stateful_set(value: Struct) -> None:
    spec = _inner(value, "spec")
    fill(spec, podManagementPolicy="OrderedReady", replicas=1, revisionHistoryLimit=10)
    strategy = _inner(spec, "updateStrategy")
    if not strategy.get("type"):
        strategy["type"] = "RollingUpdate"
        fill(strategy, rollingUpdate={})
    if strategy["type"] == "RollingUpdate" and isinstance(strategy.get("rollingUpdate"), dict):
        fill(strategy["rollingUpdate"], partition=0)
    fill(_inner(spec, "persistentVolumeClaimRetentionPolicy"), whenDeleted="Retain", whenScaled="Retain")
    for claim in spec.get("volumeClaimTemplates") or ():
        fill(claim, apiVersion="v1", kind="PersistentVolumeClaim")


@_of("apps.v1.ReplicaSet")
def _replica_set(value: Struct) -> None:
    fill(_inner(value, "spec"), replicas=1)


@_of("batch.v1.Job")
def _job(value: Struct) -> None:
    spec = _inner(value, "spec")
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels")
    metadata = _inner(value, "metadata")
    if labels and not metadata.get("labels"):
        metadata["labels"] = dict(labels)
    if spec.get("completions") is None and spec.get("parallelism") is None:
        spec["completions"] = 1
    backoff = 2**31 - 1 if spec.get("backoffLimitPerIndex") is not None else 6
    replacement = "Failed" if spec.get("podFailurePolicy") else "TerminatingOrFailed"
    fill(spec, parallelism=1, backoffLimit=backoff, completionMode="NonIndexed", suspend=False)
    fill(spec, podReplacementPolicy=replacement, manualSelector=False)


@_of("batch.v1.CronJob")
def _cron_job(value: Struct) -> None:
    spec = _inner(value, "spec")
    fill(spec, concurrencyPolicy="Allow", suspend=False, successfulJobsHistoryLimit=3, failedJobsHistoryLimit=1)


_UP = {
    "stabilizationWindowSeconds": 0,
    "selectPolicy": "Max",
    "policies": [
        {"type": "Pods", "value": 4, "periodSeconds": 15},
        {"type": "Percent", "value": 100, "periodSeconds": 15},
    ],
}
_DOWN = {"selectPolicy": "Max", "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}]}


@_of("autoscaling.v2.HorizontalPodAutoscaler")
def _autoscaler(value: Struct) -> None:
    spec = _inner(value, "spec")
    fill(spec, minReplicas=1)
    if not spec.get("metrics"):
        target = {"type": "Utilization", "averageUtilization": 80}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    if isinstance(spec.get("behavior"), dict):
        fill(_inner(spec["behavior"], "scaleUp"), **_UP)
        fill(_inner(spec["behavior"], "scaleDown"), **_DOWN)


@_of("networking.v1.NetworkPolicy")
def _network_policy(value: Struct) -> None:
    spec = _inner(value, "spec")
    if not spec.get("policyTypes"):
        spec["policyTypes"] = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]


@_of("networking.v1.IngressClass")
def _ingress_class(value: Struct) -> None:
    parameters = (value.get("spec") or {}).get("parameters")
    if isinstance(parameters, dict):
        fill(parameters, scope="Cluster")


@_of("storage.v1.StorageClass")
def _storage_class(value: Struct) -> None:
    fill(value, reclaimPolicy="Delete", volumeBindingMode="Immediate")


@_of("storage.v1.CSIDriver")
def _csi_driver(value: Struct) -> None:
    spec = _inner(value, "spec")
    fill(spec, attachRequired=True, podInfoOnMount=False, storageCapacity=False, requiresRepublish=False)
    fill(spec, fsGroupPolicy="ReadWriteOnceWithFSType", seLinuxMount=False)
    spec["volumeLifecycleModes"] = spec.get("volumeLifecycleModes") or ["Persistent"]


@_of("rbac.v1.RoleBinding", "rbac.v1.ClusterRoleBinding")
def _binding(value: Struct) -> None:
    fill(_inner(value, "roleRef"), apiGroup="rbac.authorization.k8s.io")


@_of("rbac.v1.Subject")
def _subject(value: Struct) -> None:
    if value.get("kind") in ("User", "Group"):
        fill(value, apiGroup="rbac.authorization.k8s.io")


@_of("scheduling.v1.PriorityClass")
def _priority_class(value: Struct) -> None:
    fill(value, preemptionPolicy="PreemptLowerPriority")


@_of("discovery.v1.EndpointPort")
def _slice_port(value: Struct) -> None:
    fill(value, protocol="TCP")
    value.setdefault("name", "")
