"""The columns that a Kubernetes 1.36 API server prints for each built-in kind, and what stands in them.

Names, types, formats and priorities as its Table answers give them; the cells as its printers compute them.
`sandbox.tables` puts them together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from sandbox import printing
from sandbox.printing import Obj, age, joined, number, text

Cell = Callable[[Obj, str], Any]


class Column(NamedTuple):
    """One column of a table."""

    name: str
    cell: Cell
    """Takes the object in the served version and the present time as RFC 3339 text."""
    type: str = "string"
    priority: int = 0
    """0 is always shown, 1 only by `kubectl get -o wide`."""
    format: str = ""


def _at(path: str, missing: str = "") -> Cell:
    return lambda obj, now: text(obj, path, missing)


def _count(path: str) -> Cell:
    return lambda obj, now: number(obj, path)


def _size(path: str) -> Cell:
    return lambda obj, now: len(printing.value(obj, path) or ())


def _do(function: Callable[[Obj], Any]) -> Cell:
    return lambda obj, now: function(obj)


NAME = Column("Name", _at("metadata.name"), format="name")
AGE = Column("Age", lambda obj, now: age(obj["metadata"].get("creationTimestamp"), now))
CREATED = Column("Created At", _at("metadata.creationTimestamp"), "date")


def _template(prefix: str, selector: str | None) -> list[Column]:
    columns = [
        Column("Containers", _do(lambda obj: joined(obj, f"{prefix}.containers", "name")), priority=1),
        Column("Images", _do(lambda obj: joined(obj, f"{prefix}.containers", "image")), priority=1),
    ]
    if selector is not None:
        columns.append(
            Column("Selector", _do(lambda obj: printing.selector(printing.value(obj, selector))), priority=1)
        )
    return columns


def _replicas(selector: str) -> list[Column]:
    return [
        Column("Desired", _count("spec.replicas"), "integer"),
        Column("Current", _count("status.replicas"), "integer"),
        Column("Ready", _count("status.readyReplicas"), "integer"),
        AGE,
        *_template("spec.template.spec", selector),
    ]


_EVENT: list[Column] = [
    Column("Last Seen", lambda obj, now: age(printing.event_time(obj, last=True), now)),
    Column("Type", _at("type")),
    Column("Reason", _at("reason")),
    Column("Object", _do(printing.event_object)),
    Column(
        "Subobject",
        _do(lambda obj: text(obj, "involvedObject.fieldPath") or text(obj, "regarding.fieldPath")),
        priority=1,
    ),
    Column("Source", _do(printing.event_source), priority=1),
    Column("Message", _do(lambda obj: (text(obj, "message") or text(obj, "note")).strip())),
    Column("First Seen", lambda obj, now: age(printing.event_time(obj, last=False), now), priority=1),
    Column("Count", _do(printing.event_count), priority=1),
    Column("Name", _at("metadata.name"), priority=1, format="name"),
]
_BINDING = [
    Column("Role", _do(lambda obj: f"{text(obj, 'roleRef.kind')}/{text(obj, 'roleRef.name')}")),
    AGE,
    Column("Users", _do(lambda obj: printing.subjects(obj, "User")), priority=1),
    Column("Groups", _do(lambda obj: printing.subjects(obj, "Group")), priority=1),
    Column("ServiceAccounts", _do(lambda obj: printing.subjects(obj, "ServiceAccount")), priority=1),
]

COLUMNS: dict[str, Sequence[Column]] = {
    "configmaps": [
        Column("Data", _do(lambda obj: str(len(obj.get("data") or ()) + len(obj.get("binaryData") or ())))),
        AGE,
    ],
    "secrets": [Column("Type", _at("type")), Column("Data", _do(lambda obj: str(len(obj.get("data") or ())))), AGE],
    "namespaces": [Column("Status", _at("status.phase")), AGE],
    "serviceaccounts": [AGE],
    "endpoints": [Column("Endpoints", _do(printing.endpoints)), AGE],
    "limitranges": [CREATED],
    "nodes": [
        Column("Status", _do(printing.node_status)),
        Column("Roles", _do(printing.node_roles)),
        AGE,
        Column("Version", _at("status.nodeInfo.kubeletVersion")),
        Column("Internal-IP", _do(lambda obj: printing.node_address(obj, "InternalIP")), priority=1),
        Column("External-IP", _do(lambda obj: printing.node_address(obj, "ExternalIP")), priority=1),
        Column("OS-Image", _at("status.nodeInfo.osImage", "<unknown>"), priority=1),
        Column("Kernel-Version", _at("status.nodeInfo.kernelVersion", "<unknown>"), priority=1),
        Column("Container-Runtime", _at("status.nodeInfo.containerRuntimeVersion", "<unknown>"), priority=1),
    ],
    "persistentvolumeclaims": [
        Column("Status", _do(printing.phase)),
        Column("Volume", _at("spec.volumeName")),
        Column("Capacity", _at("status.capacity.storage")),
        Column("Access Modes", _do(lambda obj: printing.access_modes(obj, "status.accessModes"))),
        Column("StorageClass", _at("spec.storageClassName")),
        Column("VolumeAttributesClass", _at("spec.volumeAttributesClassName", "<unset>")),
        AGE,
        Column("VolumeMode", _at("spec.volumeMode"), priority=1),
    ],
    "persistentvolumes": [
        Column("Capacity", _at("spec.capacity.storage")),
        Column("Access Modes", _do(lambda obj: printing.access_modes(obj, "spec.accessModes"))),
        Column("Reclaim Policy", _at("spec.persistentVolumeReclaimPolicy")),
        Column("Status", _do(printing.phase)),
        Column("Claim", _do(printing.claim)),
        Column("StorageClass", _at("spec.storageClassName")),
        Column("VolumeAttributesClass", _at("spec.volumeAttributesClassName", "<unset>")),
        Column("Reason", _at("status.reason")),
        AGE,
        Column("VolumeMode", _at("spec.volumeMode"), priority=1),
    ],
    "pods": [
        Column("Ready", _do(printing.pod_ready)),
        Column("Status", _do(printing.pod_status)),
        Column("Restarts", printing.pod_restarts),
        AGE,
        Column("IP", _at("status.podIP", "<none>"), priority=1),
        Column("Node", _at("spec.nodeName", "<none>"), priority=1),
        Column("Nominated Node", _at("status.nominatedNodeName", "<none>"), priority=1),
        Column("Readiness Gates", _do(printing.readiness_gates), priority=1),
    ],
    "podtemplates": [
        Column("Containers", _do(lambda obj: joined(obj, "template.spec.containers", "name"))),
        Column("Images", _do(lambda obj: joined(obj, "template.spec.containers", "image"))),
        Column("Pod Labels", _do(lambda obj: printing.selector(printing.value(obj, "template.metadata.labels")))),
    ],
    "replicationcontrollers": _replicas("spec.selector"),
    "resourcequotas": [
        Column("Request", _do(lambda obj: printing.quota(obj, limits=False))),
        Column("Limit", _do(lambda obj: printing.quota(obj, limits=True))),
        AGE,
    ],
    "services": [
        Column("Type", _at("spec.type")),
        Column("Cluster-IP", _at("spec.clusterIP", "<none>")),
        Column("External-IP", _do(printing.external_ip)),
        Column("Port(s)", _do(printing.service_ports)),
        AGE,
        Column("Selector", _do(lambda obj: printing.selector(printing.value(obj, "spec.selector"))), priority=1),
    ],
    "events": _EVENT,
    "events.events.k8s.io": _EVENT,
    "controllerrevisions.apps": [
        Column("Controller", _do(printing.controller)),
        Column("Revision", _do(lambda obj: str(number(obj, "revision")))),
        AGE,
    ],
    "daemonsets.apps": [
        Column("Desired", _count("status.desiredNumberScheduled"), "integer"),
        Column("Current", _count("status.currentNumberScheduled"), "integer"),
        Column("Ready", _count("status.numberReady"), "integer"),
        Column("Up-to-date", _count("status.updatedNumberScheduled"), "integer"),
        Column("Available", _count("status.numberAvailable"), "integer"),
        Column(
            "Node Selector", _do(lambda obj: printing.selector(printing.value(obj, "spec.template.spec.nodeSelector")))
        ),
        AGE,
        *_template("spec.template.spec", "spec.selector"),
    ],
    "deployments.apps": [
        Column("Ready", _do(lambda obj: f"{number(obj, 'status.readyReplicas')}/{number(obj, 'spec.replicas')}")),
        Column("Up-to-date", _do(lambda obj: str(number(obj, "status.updatedReplicas")))),
        Column("Available", _do(lambda obj: str(number(obj, "status.availableReplicas")))),
        AGE,
        *_template("spec.template.spec", "spec.selector"),
    ],
    "replicasets.apps": _replicas("spec.selector"),
    "statefulsets.apps": [
        Column("Ready", _do(lambda obj: f"{number(obj, 'status.readyReplicas')}/{number(obj, 'spec.replicas')}")),
        AGE,
        *_template("spec.template.spec", None),
    ],
    "horizontalpodautoscalers.autoscaling": [
        Column(
            "Reference",
            _do(lambda obj: f"{text(obj, 'spec.scaleTargetRef.kind')}/{text(obj, 'spec.scaleTargetRef.name')}"),
        ),
        Column("Targets", _do(printing.autoscaler_targets)),
        Column("MinPods", _do(lambda obj: text(obj, "spec.minReplicas", "<unset>"))),
        Column("MaxPods", _do(lambda obj: str(number(obj, "spec.maxReplicas")))),
        Column("Replicas", _do(lambda obj: str(number(obj, "status.currentReplicas")))),
        AGE,
    ],
    "cronjobs.batch": [
        Column("Schedule", _at("spec.schedule")),
        Column("Timezone", _at("spec.timeZone", "<none>")),
        Column("Suspend", _do(lambda obj: str(bool(printing.value(obj, "spec.suspend"))).lower()), "boolean"),
        Column("Active", _size("status.active"), "integer"),
        Column("Last Schedule", lambda obj, now: age(printing.value(obj, "status.lastScheduleTime"), now, "<none>")),
        AGE,
        *_template("spec.jobTemplate.spec.template.spec", "spec.jobTemplate.spec.selector"),
    ],
    "jobs.batch": [
        Column("Status", _do(printing.job_status)),
        Column("Completions", _do(printing.completions)),
        Column("Duration", printing.job_duration),
        AGE,
        *_template("spec.template.spec", "spec.selector"),
    ],
    "ingressclasses.networking.k8s.io": [
        Column("Controller", _at("spec.controller")),
        Column("Parameters", _do(printing.ingress_parameters)),
        AGE,
    ],
    "ingresses.networking.k8s.io": [
        Column("Class", _do(printing.ingress_class)),
        Column("Hosts", _do(printing.ingress_hosts)),
        Column("Address", _do(printing.ingress_addresses)),
        Column("Ports", _do(lambda obj: "80, 443" if printing.value(obj, "spec.tls") else "80")),
        AGE,
    ],
    "networkpolicies.networking.k8s.io": [
        Column("Pod-Selector", _do(lambda obj: printing.selector(printing.value(obj, "spec.podSelector")))),
        AGE,
    ],
    "poddisruptionbudgets.policy": [
        Column("Min Available", _at("spec.minAvailable", "N/A")),
        Column("Max Unavailable", _at("spec.maxUnavailable", "N/A")),
        Column("Allowed Disruptions", _count("status.disruptionsAllowed"), "integer"),
        AGE,
    ],
    "clusterroles.rbac.authorization.k8s.io": [CREATED],
    "roles.rbac.authorization.k8s.io": [CREATED],
    "clusterrolebindings.rbac.authorization.k8s.io": _BINDING,
    "rolebindings.rbac.authorization.k8s.io": _BINDING,
    "csidrivers.storage.k8s.io": [AGE],
    "csinodes.storage.k8s.io": [Column("Drivers", _size("spec.drivers"), "integer"), AGE],
    "storageclasses.storage.k8s.io": [
        Column("Provisioner", _at("provisioner")),
        Column("ReclaimPolicy", _at("reclaimPolicy", "Delete")),
        Column("VolumeBindingMode", _at("volumeBindingMode", "Immediate")),
        Column("AllowVolumeExpansion", _do(lambda obj: str(bool(obj.get("allowVolumeExpansion"))).lower())),
        AGE,
    ],
    "mutatingwebhookconfigurations.admissionregistration.k8s.io": [
        Column("Webhooks", _size("webhooks"), "integer"),
        AGE,
    ],
    "validatingwebhookconfigurations.admissionregistration.k8s.io": [
        Column("Webhooks", _size("webhooks"), "integer"),
        AGE,
    ],
    "validatingadmissionpolicies.admissionregistration.k8s.io": [
        Column("Validations", _size("spec.validations"), "integer"),
        Column("ParamKind", _do(printing.parameter_kind)),
        AGE,
    ],
    "validatingadmissionpolicybindings.admissionregistration.k8s.io": [
        Column("PolicyName", _at("spec.policyName")),
        Column("ParamRef", _at("spec.paramRef.name", "<unset>")),
        AGE,
    ],
    "customresourcedefinitions.apiextensions.k8s.io": [CREATED],
    "priorityclasses.scheduling.k8s.io": [
        Column("Value", _count("value"), "integer"),
        Column("Global-Default", _do(lambda obj: bool(obj.get("globalDefault"))), "boolean"),
        AGE,
        Column("PreemptionPolicy", _at("preemptionPolicy")),
    ],
    "leases.coordination.k8s.io": [Column("Holder", _at("spec.holderIdentity")), AGE],
    "runtimeclasses.node.k8s.io": [Column("Handler", _at("handler")), AGE],
    "endpointslices.discovery.k8s.io": [
        Column("AddressType", _at("addressType")),
        Column("Ports", _do(printing.slice_ports)),
        Column("Endpoints", _do(printing.slice_endpoints)),
        AGE,
    ],
}
