"""The rules of claims, volumes, ConfigMaps and Secrets. Source: kubernetes/pkg/apis/core/validation."""

from __future__ import annotations

import copy
from typing import Any

from sandbox.validate.faults import Faults, FieldError

Obj = dict[str, Any]
MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
_CLAIM_UPDATE = (
    "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"
)
_NO_SOURCE = frozenset(
    {
        "accessModes",
        "capacity",
        "claimRef",
        "mountOptions",
        "nodeAffinity",
        "persistentVolumeReclaimPolicy",
        "storageClassName",
        "volumeAttributesClassName",
        "volumeMode",
    }
)
_FROZEN = "field is immutable when `immutable` is set"
_LARGEST = 1024 * 1024
_NEEDED = {
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
}


def _modes(faults: Faults, spec: Obj) -> None:
    modes = spec.get("accessModes") or []
    if not modes:
        faults.required("spec.accessModes", "at least 1 access mode is required")
    for mode in modes:
        if mode not in MODES:
            faults.unsupported("spec.accessModes", mode, MODES)


def claim(faults: Faults, obj: Obj, old: Obj | None) -> None:
    """Rules of a PersistentVolumeClaim."""
    spec = obj["spec"]
    _modes(faults, spec)
    if not ((spec.get("resources") or {}).get("requests") or {}).get("storage"):
        faults.required("spec.resources[storage]")
    if old is not None and _fixed(spec, old) != _fixed(old["spec"], old):
        faults.forbidden("spec", _CLAIM_UPDATE)


def _fixed(spec: Obj, old: Obj) -> Obj:
    """The part of a claim that may not change: the volume may be set once, a bound claim may grow."""
    out = copy.deepcopy(spec)
    if not old["spec"].get("volumeName"):
        out.pop("volumeName", None)
    if (old.get("status") or {}).get("phase") == "Bound":
        (out.get("resources") or {}).pop("requests", None)
        out.pop("volumeAttributesClassName", None)
    if old["spec"].get("storageClassName") is None:
        out.pop("storageClassName", None)
    return out


def volume(faults: Faults, obj: Obj, old: Obj | None) -> None:
    """Rules of a PersistentVolume."""
    del old
    spec = obj["spec"]
    _modes(faults, spec)
    if not spec.get("capacity"):
        faults.required("spec.capacity")
    if not set(spec) - _NO_SOURCE:
        faults.required("spec", "must specify a volume type")


def config_map(faults: Faults, obj: Obj, old: Obj | None) -> None:
    """Rules of a ConfigMap."""
    _keyed(faults, obj, ("data", "binaryData"))
    for key in sorted(set(obj.get("data") or {}) & set(obj.get("binaryData") or {})):
        faults.invalid(f"binaryData[{key}]", key, "duplicate of key present in data")
    if old is not None and old.get("immutable"):
        _frozen(faults, obj, old, ("data", "binaryData"))


def secret(faults: Faults, obj: Obj, old: Obj | None) -> None:
    """Rules of a Secret."""
    _keyed(faults, obj, ("data",))
    for key in _NEEDED.get(obj.get("type", ""), ()):
        if key not in (obj.get("data") or {}):
            faults.required(f"data[{key}]")
    if obj.get("type") == "kubernetes.io/service-account-token":
        account = "kubernetes.io/service-account.name"
        if not (obj["metadata"].get("annotations") or {}).get(account):
            faults.required(f"metadata.annotations[{account}]")
    if old is not None:
        faults.unchanged("type", obj.get("type"), old.get("type"))
        if old.get("immutable"):
            _frozen(faults, obj, old, ("data",))


def _keyed(faults: Faults, obj: Obj, fields: tuple[str, ...]) -> None:
    size = 0
    for field in fields:
        for key, value in (obj.get(field) or {}).items():
            faults.config_key(f"{field}[{key}]", key)
            size += len(str(value).encode()) * (3 if field == "binaryData" or obj.get("kind") == "Secret" else 4) // 4
    if size > _LARGEST:
        text = f"Too long: may not be more than {_LARGEST} bytes"
        faults.append(FieldError("", "FieldValueTooLong", text))


def _frozen(faults: Faults, obj: Obj, old: Obj, fields: tuple[str, ...]) -> None:
    if not obj.get("immutable"):
        faults.forbidden("immutable", _FROZEN)
    for field in fields:
        if (obj.get(field) or {}) != (old.get(field) or {}):
            faults.forbidden(field, _FROZEN)
