"""Names and metadata that all Kubernetes objects share."""

from __future__ import annotations

import typing as t

import msgspec

JSON = dict[str, t.Any]
"""A decoded JSON object: mapping of str to JSON values."""


class NamespacedName(t.NamedTuple):
    """Namespace and name of a namespaced object."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


class GroupKind(t.NamedTuple):
    """API group (empty for core) and kind."""

    group: str
    kind: str

    def __str__(self) -> str:
        return f"{self.group}/{self.kind}" if self.group else self.kind


class ResourceKey(t.NamedTuple):
    """What identifies an object in a cluster; the version is not part of it (gitops-engine: kube.ResourceKey)."""

    group: str
    kind: str
    namespace: str
    name: str

    @property
    def group_kind(self) -> GroupKind:
        """The key without namespace and name."""
        return GroupKind(self.group, self.kind)

    def __str__(self) -> str:
        """GROUP/KIND/NAMESPACE/NAME, the order in which status.resources is sorted."""
        return f"{self.group}/{self.kind}/{self.namespace}/{self.name}"


def split_api_version(api_version: str) -> tuple[str, str]:
    """Return (group, version) of an apiVersion: ``apps/v1`` -> (apps, v1), ``v1`` -> ("", v1)."""
    group, _, version = api_version.rpartition("/")
    return group, version


def key_of(obj: t.Mapping[str, t.Any]) -> ResourceKey:
    """Return the key of a decoded object whose shape has been checked."""
    meta = obj.get("metadata") or {}
    group, _ = split_api_version(obj.get("apiVersion") or "")
    return ResourceKey(group, obj.get("kind") or "", meta.get("namespace") or "", meta.get("name") or "")


class Wire(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """Base of structs that mirror JSON objects: camelCase on the wire, defaults omitted, unknown keys ignored."""


class OwnerReference(Wire, frozen=True, kw_only=True):
    """metadata.ownerReferences[]."""

    api_version: str = ""
    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool = False


class ObjectMeta(Wire, frozen=True, kw_only=True):
    """metadata, as far as Lynceus reads it."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    finalizers: list[str] | None = None
    owner_references: list[OwnerReference] | None = None

    def annotation(self, key: str) -> str:
        """Return the annotation's value, or empty text when absent."""
        return (self.annotations or {}).get(key, "")
