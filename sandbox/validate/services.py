"""The rules of Services and Ingresses. Source: kubernetes/pkg/apis/{core,networking}/validation."""

from __future__ import annotations

from typing import Any

from sandbox.validate.faults import Faults

Obj = dict[str, Any]
TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")


def service(faults: Faults, obj: Obj, old: Obj | None) -> None:
    """Rules of a Service."""
    spec = obj["spec"]
    kind, address = spec.get("type"), spec.get("clusterIP")
    if kind not in TYPES:
        faults.unsupported("spec.type", kind, TYPES)
    if not spec.get("ports") and address != "None" and kind != "ExternalName":
        faults.required("spec.ports")
    if kind == "ExternalName" and not spec.get("externalName"):
        faults.required("spec.externalName")
    if kind in ("NodePort", "LoadBalancer") and address == "None":
        faults.invalid("spec.clusterIPs[0]", address, f"may not be set to 'None' for {kind} services")
    _ports(faults, spec.get("ports") or [])
    if old is not None and kind != "ExternalName" and old["spec"].get("type") != "ExternalName":
        before = old["spec"].get("clusterIP")
        if before and address != before:
            values = spec.get("clusterIPs") or ([address] if address else [])
            faults.invalid("spec.clusterIPs[0]", values, "may not change once set")


def _ports(faults: Faults, ports: list[Obj]) -> None:
    names: set[str] = set()
    pairs: set[tuple[Any, Any]] = set()
    for index, port in enumerate(ports):
        path = f"spec.ports[{index}]"
        name = port.get("name", "")
        if len(ports) > 1 or name:
            faults.label(f"{path}.name", name)
        if name and name in names:
            faults.duplicate(f"{path}.name", name)
        faults.port(f"{path}.port", port.get("port", 0))
        if port.get("protocol") not in ("SCTP", "TCP", "UDP"):
            faults.unsupported(f"{path}.protocol", port.get("protocol"), ("SCTP", "TCP", "UDP"))
        faults.port(f"{path}.targetPort", port.get("targetPort"))
        pair = (port.get("port"), port.get("protocol"))
        if pair in pairs:
            faults.duplicate(path, {"port": pair[0], "protocol": pair[1]})
        names.add(name)
        pairs.add(pair)


def ingress(faults: Faults, obj: Obj, old: Obj | None) -> None:
    """Rules of an Ingress."""
    del old
    spec = obj.get("spec") or {}
    if not spec.get("rules") and not spec.get("defaultBackend"):
        faults.invalid("spec", [], "either `defaultBackend` or `rules` must be specified")
    for at, rule in enumerate(spec.get("rules") or []):
        http = rule.get("http")
        if http is None:
            continue
        base = f"spec.rules[{at}].http.paths"
        if not http.get("paths"):
            faults.required(base)
        for index, path in enumerate(http.get("paths") or []):
            _path(faults, path, f"{base}[{index}]")
    if spec.get("defaultBackend"):
        _backend(faults, spec["defaultBackend"], "spec.defaultBackend")


def _path(faults: Faults, path: Obj, where: str) -> None:
    kind, text = path.get("pathType"), path.get("path", "")
    kinds = ("Exact", "ImplementationSpecific", "Prefix")
    if kind is None:
        faults.required(f"{where}.pathType", "pathType must be specified")
    elif kind not in kinds:
        faults.unsupported(f"{where}.pathType", kind, kinds)
    elif (kind != "ImplementationSpecific" or text) and not text.startswith("/"):
        faults.invalid(f"{where}.path", text, "must be an absolute path")
    _backend(faults, path.get("backend") or {}, f"{where}.backend")


def _backend(faults: Faults, backend: Obj, where: str) -> None:
    service_, resource = backend.get("service"), backend.get("resource")
    if service_ is None and resource is None:
        faults.required(where, "a service or resource backend is required")
        return
    if service_ is None:
        return
    if not service_.get("name"):
        faults.required(f"{where}.service.name")
    port = service_.get("port") or {}
    if not port.get("number") and not port.get("name"):
        faults.required(f"{where}", "port name or number is required")
