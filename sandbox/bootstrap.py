"""What a fresh cluster holds: namespaces, the kubernetes Service, priority classes, the role of its owner.

The node comes from `sandbox.simulate`, which also plays its kubelet.
"""

from __future__ import annotations

from typing import Any

from sandbox.admission import NAMESPACES, PRIORITY_CLASSES, SERVICES
from sandbox.inprocess import Api
from sandbox.resources import GroupResource

ROLES = GroupResource("rbac.authorization.k8s.io", "clusterroles")
_CRITICAL = {
    "system-cluster-critical": (
        2000000000,
        "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
    ),
    "system-node-critical": (
        2000001000,
        "Used for system critical pods that must not be moved from their current node.",
    ),
}


def fill(api: Api, *, port: int) -> None:
    """Creates the first objects.

    Args:
        api: The cluster.
        port: Where the API server listens, for the kubernetes Service.
    """
    manager = "kube-apiserver"
    for name in ("default", "kube-system", "kube-public", "kube-node-lease"):
        api.create(NAMESPACES, {"metadata": {"name": name}}, manager=manager)
    for name, (value, description) in _CRITICAL.items():
        api.create(
            PRIORITY_CLASSES, {"metadata": {"name": name}, "value": value, "description": description}, manager=manager
        )
    api.create(SERVICES, _service(port), manager=manager)
    rule = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
    paths = {"nonResourceURLs": ["*"], "verbs": ["*"]}
    labels = {"kubernetes.io/bootstrapping": "rbac-defaults"}
    api.create(
        ROLES, {"metadata": {"name": "cluster-admin", "labels": labels}, "rules": [rule, paths]}, manager=manager
    )


def _service(port: int) -> dict[str, Any]:
    return {
        "metadata": {
            "name": "kubernetes",
            "namespace": "default",
            "labels": {"component": "apiserver", "provider": "kubernetes"},
        },
        "spec": {
            "clusterIP": "10.96.0.1",
            "ports": [{"name": "https", "port": 443, "targetPort": port, "protocol": "TCP"}],
            "type": "ClusterIP",
        },
    }
