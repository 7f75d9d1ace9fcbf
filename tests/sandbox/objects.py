"""Objects of the built-in kinds, with little said and with odd things said, for tests of defaults and stored form."""

from __future__ import annotations

from typing import Any

CLUSTER = frozenset(
    {"namespaces", "persistentvolumes", "storageclasses", "priorityclasses", "clusterroles", "clusterrolebindings",
     "ingressclasses", "csidrivers"}
)  # fmt: skip
"""The resources of CASES that live outside namespaces."""

POD: dict[str, Any] = {"containers": [{"name": "c", "image": "nginx"}]}
LABELS = {"app": "x"}
TEMPLATE: dict[str, Any] = {"metadata": {"labels": LABELS}, "spec": POD}


def _case(resource: str, version: str, kind: str, *, name: str = "x", **body: Any) -> tuple[tuple[str, str], Any]:
    group = version.rpartition("/")[0]
    return (group, resource), {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **body}


RICH_POD: dict[str, Any] = {
    "hostNetwork": False,
    "serviceAccountName": "default",
    "automountServiceAccountToken": False,
    "initContainers": [{"name": "i", "image": "busybox:1.36", "resources": {"limits": {"cpu": "0.5"}}}],
    "containers": [
        {
            "name": "c",
            "image": "reg.example:5000/a/b@sha256:" + "0" * 64,
            "env": [
                {"name": "E", "value": ""},
                {"name": "F", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                {"name": "R", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
                {"name": "S", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
            ],
            "args": [],
            "ports": [{"containerPort": 80, "hostPort": 0}, {"containerPort": 53, "protocol": "UDP", "name": "dns"}],
            "resources": {"limits": {"cpu": "1000m", "memory": "1024Mi"}, "requests": {"cpu": 0.1}},
            "livenessProbe": {"httpGet": {"port": 80}, "initialDelaySeconds": 0},
            "readinessProbe": {"tcpSocket": {"port": "dns"}, "periodSeconds": 3},
            "startupProbe": {"grpc": {"port": 9000}},
            "lifecycle": {"preStop": {"httpGet": {"port": 1, "path": "/x"}}},
            "securityContext": {"privileged": False, "capabilities": {"drop": ["ALL"]}},
            "stdin": False,
            "volumeMounts": [{"name": "e", "mountPath": "/e", "readOnly": False}],
        }
    ],
    "volumes": [
        {"name": "e"},
        {"name": "d", "emptyDir": {"sizeLimit": "2048Mi"}},
        {"name": "s", "secret": {"secretName": "s"}},
        {"name": "c", "configMap": {"name": "c", "items": [{"key": "k", "path": "p"}]}},
        {"name": "h", "hostPath": {"path": "/tmp"}},
        {"name": "p", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}},
        {"name": "w", "downwardAPI": {"items": [{"path": "l", "fieldRef": {"fieldPath": "metadata.labels"}}]}},
        {"name": "q", "persistentVolumeClaim": {"claimName": "x", "readOnly": False}},
    ],
    "tolerations": [{"key": "a", "operator": "Exists"}],
    "nodeSelector": {},
    "topologySpreadConstraints": [
        {"maxSkew": 1, "topologyKey": "z", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": {}}}
    ],
    "affinity": {
        "podAntiAffinity": {
            "preferredDuringSchedulingIgnoredDuringExecution": [
                {"weight": 1, "podAffinityTerm": {"topologyKey": "k", "labelSelector": {"matchLabels": LABELS}}}
            ]
        }
    },
}
CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1024Mi"}}}
SELECTED = {"selector": {"matchLabels": LABELS}, "template": TEMPLATE}

CASES: dict[str, tuple[tuple[str, str], dict[str, Any]]] = {
    "pod": _case("pods", "v1", "Pod", spec=POD),
    "rich pod": _case("pods", "v1", "Pod", spec=RICH_POD),
    "host network pod": _case(
        "pods", "v1", "Pod",
        spec={"hostNetwork": True, "containers": [{"name": "c", "image": "a:latest", "ports": [{"containerPort": 9}]}]},
    ),
    "deployment": _case("deployments", "apps/v1", "Deployment", spec=SELECTED),
    "rich deployment": _case(
        "deployments", "apps/v1", "Deployment",
        spec={**SELECTED, "replicas": 0, "paused": False, "minReadySeconds": 0,
              "strategy": {"rollingUpdate": {"maxSurge": 1}}, "template": {**TEMPLATE, "spec": RICH_POD}},
    ),
    "recreate deployment": _case(
        "deployments", "apps/v1", "Deployment", spec={**SELECTED, "strategy": {"type": "Recreate"}}
    ),
    "replica set": _case("replicasets", "apps/v1", "ReplicaSet", spec=SELECTED),
    "daemon set": _case("daemonsets", "apps/v1", "DaemonSet", spec=SELECTED),
    "daemon set on delete": _case(
        "daemonsets", "apps/v1", "DaemonSet", spec={**SELECTED, "updateStrategy": {"type": "OnDelete"}}
    ),
    "stateful set": _case(
        "statefulsets", "apps/v1", "StatefulSet",
        spec={**SELECTED, "serviceName": "x", "volumeClaimTemplates": [{"metadata": {"name": "d"}, "spec": CLAIM}]},
    ),
    "stateful set without service": _case(
        "statefulsets", "apps/v1", "StatefulSet", spec={**SELECTED, "updateStrategy": {"type": "RollingUpdate"}}
    ),
    "job": _case(
        "jobs", "batch/v1", "Job", spec={"template": {**TEMPLATE, "spec": {**POD, "restartPolicy": "Never"}}}
    ),
    "parallel job": _case(
        "jobs", "batch/v1", "Job",
        spec={"parallelism": 3, "backoffLimit": 0, "template": {"spec": {**POD, "restartPolicy": "OnFailure"}}},
    ),
    "cron job": _case(
        "cronjobs", "batch/v1", "CronJob",
        spec={"schedule": "* * * * *",
              "jobTemplate": {"spec": {"template": {"spec": {**POD, "restartPolicy": "Never"}}}}},
    ),
    "service": _case("services", "v1", "Service", spec={"ports": [{"port": 80}], "selector": LABELS}),
    "node port service": _case(
        "services", "v1", "Service",
        spec={"type": "NodePort", "ports": [{"port": 80, "targetPort": "http", "name": "h"}], "selector": LABELS},
    ),
    "load balancer": _case(
        "services", "v1", "Service",
        spec={"type": "LoadBalancer", "ports": [{"port": 80}], "sessionAffinity": "ClientIP"},
    ),
    "external name": _case("services", "v1", "Service", spec={"type": "ExternalName", "externalName": "a.example"}),
    "headless service": _case("services", "v1", "Service", spec={"clusterIP": "None", "ports": [{"port": 80}]}),
    "config map": _case("configmaps", "v1", "ConfigMap"),
    "full config map": _case(
        "configmaps", "v1", "ConfigMap", data={"a": "", "b": "1"}, immutable=False, binaryData={"c": "AA=="}
    ),
    "secret": _case("secrets", "v1", "Secret", stringData={"a": "b"}, data={"c": "ZA=="}),
    "service account": _case("serviceaccounts", "v1", "ServiceAccount"),
    "claim": _case("persistentvolumeclaims", "v1", "PersistentVolumeClaim", spec=CLAIM),
    "volume": _case(
        "persistentvolumes", "v1", "PersistentVolume",
        spec={"capacity": {"storage": "1000Mi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/x"}},
    ),
    "ingress": _case(
        "ingresses", "networking.k8s.io/v1", "Ingress",
        spec={"rules": [{"host": "a.example", "http": {"paths": [
            {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "x", "port": {"number": 80}}}}]}}]},
    ),
    "network policy": _case("networkpolicies", "networking.k8s.io/v1", "NetworkPolicy", spec={"podSelector": {}}),
    "network policy with ports": _case(
        "networkpolicies", "networking.k8s.io/v1", "NetworkPolicy",
        spec={"podSelector": {"matchLabels": LABELS},
              "egress": [{"ports": [{"port": 53}], "to": [{"podSelector": {}}]}]},
    ),
    "autoscaler": _case(
        "horizontalpodautoscalers", "autoscaling/v2", "HorizontalPodAutoscaler",
        spec={"maxReplicas": 3, "scaleTargetRef": {"kind": "Deployment", "name": "x", "apiVersion": "apps/v1"},
              "behavior": {"scaleDown": {"stabilizationWindowSeconds": 5}}},
    ),
    "disruption budget": _case(
        "poddisruptionbudgets", "policy/v1", "PodDisruptionBudget",
        spec={"minAvailable": 1, "selector": {"matchLabels": LABELS}},
    ),
    "role": _case(
        "roles", "rbac.authorization.k8s.io/v1", "Role",
        rules=[{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}],
    ),
    "empty cluster role": _case("clusterroles", "rbac.authorization.k8s.io/v1", "ClusterRole"),
    "role binding": _case(
        "rolebindings", "rbac.authorization.k8s.io/v1", "RoleBinding",
        roleRef={"kind": "Role", "name": "x", "apiGroup": "rbac.authorization.k8s.io"},
        subjects=[{"kind": "ServiceAccount", "name": "default", "namespace": "default"}, {"kind": "User", "name": "u"}],
    ),
    "cluster role binding": _case(
        "clusterrolebindings", "rbac.authorization.k8s.io/v1", "ClusterRoleBinding",
        roleRef={"kind": "ClusterRole", "name": "view", "apiGroup": "rbac.authorization.k8s.io"},
    ),
    "namespace": _case("namespaces", "v1", "Namespace", name="sbxsem-defaults"),
    "storage class": _case("storageclasses", "storage.k8s.io/v1", "StorageClass", provisioner="x.example/p"),
    "priority class": _case("priorityclasses", "scheduling.k8s.io/v1", "PriorityClass", value=10),
    "ingress class": _case("ingressclasses", "networking.k8s.io/v1", "IngressClass", spec={"controller": "x.io/c"}),
    "lease": _case("leases", "coordination.k8s.io/v1", "Lease", spec={"holderIdentity": "me"}),
    "resource quota": _case("resourcequotas", "v1", "ResourceQuota", spec={"hard": {"pods": "10", "cpu": "2000m"}}),
    "limit range": _case(
        "limitranges", "v1", "LimitRange", spec={"limits": [{"type": "Container", "max": {"cpu": "2"}}]}
    ),
    "endpoint slice": _case(
        "endpointslices", "discovery.k8s.io/v1", "EndpointSlice",
        addressType="IPv4", endpoints=[{"addresses": ["10.0.0.1"]}], ports=[{"port": 80}],
    ),
    "replication controller": _case(
        "replicationcontrollers", "v1", "ReplicationController", spec={"template": TEMPLATE}
    ),
}  # fmt: skip
"""Name -> (group and resource, manifest)."""
