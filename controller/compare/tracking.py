"""Which application an object belongs to, as it is written on the object: tracking-id annotation and instance label.

Source: Argo CD util/argo/resource_tracking.go. Pure; called by normalise and pairs.
"""

from __future__ import annotations

import msgspec

from model.application import TRACKING_ANNOTATION
from model.meta import JSON, ResourceKey, key_of
from model.settings import Settings

INSTALLATION_ANNOTATION = "argocd.argoproj.io/installation-id"
LONGEST_LABEL = 63
"""Characters of a label value in Kubernetes."""


class TrackingId(msgspec.Struct, frozen=True):
    """A tracking-id, parsed: ``APP:GROUP/KIND:NAMESPACE/NAME``."""

    instance: str
    key: ResourceKey


def tracking_id(instance: str, key: ResourceKey) -> str:
    """Return the tracking-id of an object; the namespace in `key` is the one to be written."""
    return f"{instance}:{key.group}/{key.kind}:{key.namespace}/{key.name}"


def parse(text: str) -> TrackingId | None:
    """Read a tracking-id; None for anything that is not one."""
    parts = text.split(":", 2)
    if len(parts) != 3:
        return None
    kind, name = parts[1].split("/"), parts[2].split("/")
    if len(kind) != 2 or len(name) != 2 or not parts[0]:
        return None
    return TrackingId(parts[0], ResourceKey(kind[0], kind[1], name[0], name[1]))


def is_self_reference(text: str, key: ResourceKey, target: ResourceKey | None = None) -> bool:
    """Return True when the tracking-id on an object names that very object.

    A copied annotation (by a controller that clones objects) does not, and must never lead to a prune.

    Args:
        text: the annotation.
        key: of the live object; the namespace is empty for cluster-scoped kinds, whose tracking may name any.
        target: key of the declared object, whose group counts when an API has moved between groups.
    """
    found = parse(text)
    if found is None:
        return False
    named = found.key
    same_kind = any((named.group, named.kind) == (known.group, known.kind) for known in (key, target) if known)
    return same_kind and named.name == key.name and key.namespace in ("", named.namespace)


def mark(obj: JSON, instance: str, destination_namespace: str, settings: Settings) -> None:
    """Write the tracking of `instance` on an object in place, as the settings ask; CRDs carry none."""
    key = key_of(obj)
    if (key.group, key.kind) == ("apiextensions.k8s.io", "CustomResourceDefinition"):
        return
    method = settings.tracking_method
    if method != "annotation":
        value = instance if method == "label" else _short_label(instance)
        _entry(obj, "labels")[settings.instance_label_key] = value
    if method != "label":
        named = key._replace(namespace=key.namespace or destination_namespace)
        annotations = _entry(obj, "annotations")
        annotations[TRACKING_ANNOTATION] = tracking_id(instance, named)
        annotations.pop(INSTALLATION_ANNOTATION, None)
        if settings.installation_id:
            annotations[INSTALLATION_ANNOTATION] = settings.installation_id


def _entry(obj: JSON, name: str) -> dict[str, str]:
    """Return metadata.labels or metadata.annotations, made when absent."""
    metadata: JSON = obj.setdefault("metadata", {})
    if not isinstance(metadata.get(name), dict):
        metadata[name] = {}
    found: dict[str, str] = metadata[name]
    return found


def _short_label(instance: str) -> str:
    """Cut to what a label may hold: 63 characters, ending alphanumeric."""
    cut = instance[:LONGEST_LABEL]
    while cut and not cut[-1].isalnum():
        cut = cut[:-1]
    return cut
