"""The rules of Pod specifications. Source: kubernetes/pkg/apis/core/validation."""

from __future__ import annotations

from typing import Any

from sandbox.quantity import canonical, parse
from sandbox.validate.faults import NOT_NEGATIVE, Faults

Obj = dict[str, Any]


def pod_spec(faults: Faults, spec: Obj, path: str, claimed: frozenset[str] = frozenset()) -> None:
    """Check a Pod's specification, or a template's; `claimed` are the volumes that a StatefulSet's claims will add."""
    volumes = _volumes(faults, spec.get("volumes") or [], f"{path}.volumes") | claimed
    names: set[str] = set()
    for kind in ("initContainers", "containers"):
        for index, item in enumerate(spec.get(kind) or []):
            where = f"{path}.{kind}[{index}]"
            _container(faults, item, where, volumes)
            if item.get("name") in names:
                faults.duplicate(f"{where}.name", item["name"])
            names.add(item.get("name", ""))
    if not spec.get("containers"):
        faults.required(f"{path}.containers")
    if spec.get("restartPolicy") not in ("Always", "OnFailure", "Never"):
        faults.unsupported(f"{path}.restartPolicy", spec.get("restartPolicy"), ("Always", "OnFailure", "Never"))
    policies = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
    if spec.get("dnsPolicy") not in policies:
        faults.unsupported(f"{path}.dnsPolicy", spec.get("dnsPolicy"), policies)
    faults.not_negative(f"{path}.terminationGracePeriodSeconds", spec.get("terminationGracePeriodSeconds"))


def _volumes(faults: Faults, volumes: list[Obj], path: str) -> set[str]:
    seen: set[str] = set()
    for index, volume in enumerate(volumes):
        name = volume.get("name", "")
        faults.label(f"{path}[{index}].name", name)
        if name in seen:
            faults.duplicate(f"{path}[{index}].name", name)
        seen.add(name)
        sources = sorted(key for key in volume if key != "name")
        for extra in sources[1:]:
            faults.forbidden(f"{path}[{index}].{extra}", "may not specify more than 1 volume type")
    return seen


def _container(faults: Faults, item: Obj, path: str, volumes: set[str]) -> None:
    faults.label(f"{path}.name", item.get("name", ""))
    if not item.get("image"):
        faults.required(f"{path}.image")
    elif item["image"] != item["image"].strip():
        faults.invalid(f"{path}.image", item["image"], "must not have leading or trailing whitespace")
    if item.get("imagePullPolicy") not in ("Always", "IfNotPresent", "Never"):
        faults.unsupported(f"{path}.imagePullPolicy", item.get("imagePullPolicy"), ("Always", "IfNotPresent", "Never"))
    _ports(faults, item.get("ports") or [], f"{path}.ports")
    for index, variable in enumerate(item.get("env") or []):
        if not variable.get("name"):
            faults.required(f"{path}.env[{index}].name")
        if variable.get("value") and variable.get("valueFrom"):
            text = "may not be specified when `value` is not empty"
            faults.invalid(f"{path}.env[{index}].valueFrom", "", text)
    _mounts(faults, item.get("volumeMounts") or [], f"{path}.volumeMounts", volumes)
    resources(faults, item.get("resources") or {}, f"{path}.resources")


def _ports(faults: Faults, ports: list[Obj], path: str) -> None:
    names: set[str] = set()
    for index, port in enumerate(ports):
        name = port.get("name")
        if name and name in names:
            faults.duplicate(f"{path}[{index}].name", name)
        names.add(name or "")
        if not port.get("containerPort"):
            faults.required(f"{path}[{index}].containerPort")
        faults.port(f"{path}[{index}].containerPort", port.get("containerPort") or 1)
        if port.get("protocol") not in ("SCTP", "TCP", "UDP"):
            faults.unsupported(f"{path}[{index}].protocol", port.get("protocol"), ("SCTP", "TCP", "UDP"))


def _mounts(faults: Faults, mounts: list[Obj], path: str, volumes: set[str]) -> None:
    places: set[str] = set()
    for index, mount in enumerate(mounts):
        name, place = mount.get("name", ""), mount.get("mountPath", "")
        if not name:
            faults.required(f"{path}[{index}].name")
        elif name not in volumes:
            faults.not_found(f"{path}[{index}].name", name)
        if not place:
            faults.required(f"{path}[{index}].mountPath")
        elif place in places:
            faults.invalid(f"{path}[{index}].mountPath", place, "must be unique")
        places.add(place)


def resources(faults: Faults, found: Obj, path: str) -> None:
    """Check requests against limits."""
    limits = found.get("limits") or {}
    for kind in ("limits", "requests"):
        for name, amount in (found.get(kind) or {}).items():
            if parse(amount) < 0:
                faults.invalid(f"{path}.{kind}[{name}]", canonical(amount), NOT_NEGATIVE)
    for name, amount in (found.get("requests") or {}).items():
        if name in limits and parse(amount) > parse(limits[name]):
            text = f"must be less than or equal to {name} limit of {canonical(limits[name])}"
            faults.invalid(f"{path}.requests", canonical(amount), text)
