"""What an API server adds to built-in kinds on their way in, using other objects: addresses, priorities, protection.

The part of admission and of the REST strategies that needs the rest of the cluster; what a kind fills in by itself is
in `sandbox.defaults`. The ServiceAccount plug-in is left out: pods of this cluster run nothing that could use a token.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any

from sandbox import errors
from sandbox.resources import GroupResource, Resource
from sandbox.store import Store

NAMESPACES = GroupResource("", "namespaces")
SERVICES = GroupResource("", "services")
PRIORITY_CLASSES = GroupResource("scheduling.k8s.io", "priorityclasses")
STORAGE_CLASSES = GroupResource("storage.k8s.io", "storageclasses")
_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
_SERVICE_NETWORK = ipaddress.ip_network("10.96.0.0/16")
_NODE_PORTS = range(30000, 32768)
_EVICTING_TAINTS = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")


def require_namespace(store: Store, resource: Resource, obj: dict[str, Any]) -> None:
    """Refuses a create in a namespace that is not there (404) or is being deleted (403)."""
    if not resource.namespaced:
        return
    namespace = obj["metadata"].get("namespace", "")
    found = store.get(NAMESPACES, "", namespace)
    if found is None:
        raise errors.not_found("", "namespaces", namespace)
    if found["metadata"].get("deletionTimestamp"):
        why = f"unable to create new content in namespace {namespace} because it is being terminated"
        text = f"namespace {namespace} is being terminated"
        cause = {"reason": "NamespaceTerminating", "message": text, "field": "metadata.namespace"}
        raise errors.forbidden(resource.group, resource.plural, obj["metadata"].get("name", ""), why, [cause])


def on_create(store: Store, resource: Resource, obj: dict[str, Any]) -> None:
    """Completes an object that is to be created; `obj` is changed.

    Raises:
        StatusError: The object refers to something that is not there, or asks for an address that is taken.
    """
    if resource.custom is None and (complete := _ON_CREATE.get((resource.group, resource.plural))):
        complete(store, obj)


def on_update(store: Store, resource: Resource, obj: dict[str, Any], live: dict[str, Any]) -> None:
    """Completes the new state of an object; `obj` is changed."""
    if (resource.group, resource.plural) == ("", "services"):
        _keep_addresses(obj, live)
        _allocate(store, obj)


def _namespace(store: Store, obj: dict[str, Any]) -> None:
    obj.setdefault("spec", {})["finalizers"] = ["kubernetes"]
    obj["status"] = {"phase": "Active"}


def _pod(store: Store, obj: dict[str, Any]) -> None:
    spec = obj["spec"]
    _priority(store, obj, spec)
    tolerations = spec.setdefault("tolerations", [])
    for taint in _EVICTING_TAINTS:
        if not any(_tolerates(each, taint) for each in tolerations):
            tolerations.append({"key": taint, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300})
    obj["status"] = {"phase": "Pending", "qosClass": quality_of_service(spec)}


def _tolerates(toleration: dict[str, Any], taint: str) -> bool:
    return toleration.get("key") in (taint, None, "") and toleration.get("effect") in ("NoExecute", None, "")


def _priority(store: Store, obj: dict[str, Any], spec: dict[str, Any]) -> None:
    name = spec.get("priorityClassName")
    found = store.get(PRIORITY_CLASSES, "", name) if name else _global_default(store)
    if name and found is None:
        why = f"no PriorityClass with name {name} was found"
        raise errors.forbidden("", "pods", obj["metadata"].get("name", ""), why)
    if found is not None:
        spec["priorityClassName"] = found["metadata"]["name"]
    spec["priority"] = (found or {}).get("value", 0)
    spec.setdefault("preemptionPolicy", (found or {}).get("preemptionPolicy", "PreemptLowerPriority"))


def _global_default(store: Store) -> dict[str, Any] | None:
    return next((each for each in store.list(PRIORITY_CLASSES)[0] if each.get("globalDefault")), None)


def quality_of_service(spec: dict[str, Any]) -> str:
    """Returns the QoS class that the requests and limits of a pod's containers give it."""
    containers = [*spec.get("containers", []), *(spec.get("initContainers") or [])]
    resources = [each.get("resources") or {} for each in containers]
    if not any(each.get("requests") or each.get("limits") for each in resources):
        return "BestEffort"
    guaranteed = all(
        {"cpu", "memory"} <= (each.get("limits") or {}).keys()
        and (each.get("requests") or each["limits"]) == each["limits"]
        for each in resources
    )
    return "Guaranteed" if guaranteed else "Burstable"


def _claim(store: Store, obj: dict[str, Any]) -> None:
    _add_finalizer(obj, "kubernetes.io/pvc-protection")
    if "storageClassName" not in obj["spec"]:
        classes = store.list(STORAGE_CLASSES)[0]
        default = [c for c in classes if (c["metadata"].get("annotations") or {}).get(_DEFAULT_CLASS) == "true"]
        if default:
            obj["spec"]["storageClassName"] = default[-1]["metadata"]["name"]
    obj["status"] = {"phase": "Pending"}


def _volume(store: Store, obj: dict[str, Any]) -> None:
    _add_finalizer(obj, "kubernetes.io/pv-protection")
    obj["status"] = {"phase": "Pending"}


def _add_finalizer(obj: dict[str, Any], name: str) -> None:
    finalizers = obj["metadata"].setdefault("finalizers", [])
    if name not in finalizers:
        finalizers.append(name)


def _service(store: Store, obj: dict[str, Any]) -> None:
    _allocate(store, obj)


def _keep_addresses(obj: dict[str, Any], live: dict[str, Any]) -> None:
    spec, old = obj["spec"], live["spec"]
    if spec.get("type") == "ExternalName" or old.get("type") == "ExternalName":
        return
    for name in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
        if not spec.get(name) and old.get(name):
            spec[name] = old[name]
    if spec.get("type") in ("NodePort", "LoadBalancer"):
        ports = {(p.get("protocol"), p.get("port")): p.get("nodePort") for p in old.get("ports") or []}
        for port in spec.get("ports") or []:
            kept = ports.get((port.get("protocol"), port.get("port")))
            if kept and not port.get("nodePort"):
                port["nodePort"] = kept


def _allocate(store: Store, obj: dict[str, Any]) -> None:
    spec = obj["spec"]
    if spec.get("type") == "ExternalName":
        return
    _cluster_ip(store, obj, spec)
    headless = spec["clusterIP"] == "None" and not spec.get("selector")
    spec.setdefault("ipFamilies", ["IPv4", "IPv6"] if headless else ["IPv4"])
    spec.setdefault("ipFamilyPolicy", "RequireDualStack" if headless else "SingleStack")
    if spec.get("type") in ("NodePort", "LoadBalancer"):
        _node_ports(store, obj, spec)


def _others(store: Store, obj: dict[str, Any]) -> list[dict[str, Any]]:
    mine = (obj["metadata"].get("namespace"), obj["metadata"].get("name"))
    services = store.list(SERVICES)[0]
    return [s for s in services if (s["metadata"].get("namespace"), s["metadata"]["name"]) != mine]


def _cluster_ip(store: Store, obj: dict[str, Any], spec: dict[str, Any]) -> None:
    wanted = spec.get("clusterIP") or next(iter(spec.get("clusterIPs") or []), "")
    if wanted != "None":
        taken = {each["spec"].get("clusterIP") for each in _others(store, obj)}
        if wanted:
            _check_address(obj, wanted, taken)
        else:
            first = int(_SERVICE_NETWORK.network_address) + 256
            wanted = next(ip for n in range(65000) if (ip := str(ipaddress.ip_address(first + n))) not in taken)
    spec["clusterIP"], spec["clusterIPs"] = wanted, [wanted]


def _check_address(obj: dict[str, Any], wanted: str, taken: set[str | None]) -> None:
    why = ""
    try:
        if ipaddress.ip_address(wanted) not in _SERVICE_NETWORK:
            why = "the provided network does not match the current range"
    except ValueError:
        return
    if wanted in taken:
        why = "provided IP is already allocated"
    if why:
        text = f'Invalid value: ["{wanted}"]: failed to allocate IP {wanted}: {why}'
        raise errors.invalid("", "Service", obj["metadata"]["name"], [("spec.clusterIPs", "FieldValueInvalid", text)])


def _node_ports(store: Store, obj: dict[str, Any], spec: dict[str, Any]) -> None:
    others = _others(store, obj)
    taken = {port.get("nodePort") for each in others for port in each["spec"].get("ports") or []}
    for index, port in enumerate(spec.get("ports") or []):
        wanted = port.get("nodePort")
        if wanted and wanted in taken:
            text = f"Invalid value: {wanted}: provided port is already allocated"
            field = f"spec.ports[{index}].nodePort"
            raise errors.invalid("", "Service", obj["metadata"]["name"], [(field, "FieldValueInvalid", text)])
        port["nodePort"] = wanted or next(number for number in _NODE_PORTS if number not in taken)
        taken.add(port["nodePort"])


def _definition(store: Store, obj: dict[str, Any]) -> None:
    stored = [each["name"] for each in obj["spec"].get("versions") or [] if each.get("storage")]
    obj["status"] = {**(obj.get("status") or {}), "storedVersions": stored}


_ON_CREATE: dict[tuple[str, str], Callable[[Store, dict[str, Any]], None]] = {
    ("", "namespaces"): _namespace,
    ("", "pods"): _pod,
    ("", "persistentvolumeclaims"): _claim,
    ("", "persistentvolumes"): _volume,
    ("", "services"): _service,
    ("apiextensions.k8s.io", "customresourcedefinitions"): _definition,
}
