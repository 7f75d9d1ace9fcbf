"""Each target beside its live object, and what is live only. Pure; reads the store, requests nothing.

Source: Argo CD controller/state.go and gitops-engine pkg/sync/reconcile.go.
"""

from __future__ import annotations

import typing as t

import msgspec

from controller.compare import tracking
from model.meta import JSON, ResourceKey, key_of

if t.TYPE_CHECKING:
    from controller.kube.store import ObjectStore, StoredObject
    from model.settings import Settings

HOOK_ANNOTATION = "argocd.argoproj.io/hook"
HELM_HOOK_ANNOTATION = "helm.sh/hook"


class Pair(msgspec.Struct, frozen=True):
    """One declared or tracked object."""

    key: ResourceKey
    target: JSON | None
    """None: live only, a candidate for pruning."""
    live: StoredObject | None
    """None: missing in the cluster."""
    shared_with: str = ""
    """Instance name of another application that the live object is tracked by; empty: none."""


def pair(targets: t.Iterable[JSON], store: ObjectStore, *, instance: str, settings: Settings) -> list[Pair]:
    """Match targets and live objects by group, kind, namespace and name.

    Live-only objects are those that the instance tracks, without owner, whose tracking names themselves, and that are
    no hooks. Targets come in their order, live-only objects after them, sorted by key.
    """
    pairs: list[Pair] = []
    declared: set[ResourceKey] = set()
    uids: set[str] = set()
    for target in targets:
        key = key_of(target)
        live = store.get(key) if key.name else None
        declared.add(key)
        if live is not None:
            uids.add(live.header.uid)
        pairs.append(Pair(key, target, live, _other_owner(live, instance, settings)))
    tracked = sorted(store.tracked_by(instance), key=lambda stored: stored.header.key)
    for stored in tracked:
        header = stored.header
        known = header.key in declared or (header.uid != "" and header.uid in uids)
        if not known and not header.owners and _is_ours(stored, settings):
            uids.add(header.uid)
            pairs.append(Pair(header.key, None, stored))
    return pairs


def is_hook(obj: JSON) -> bool:
    """Return True when annotations make the object a hook of Argo CD or Helm (crd-install is none)."""
    annotations = (obj.get("metadata") or {}).get("annotations") or {}
    helm = str(annotations.get(HELM_HOOK_ANNOTATION) or "")
    return bool(annotations.get(HOOK_ANNOTATION)) or bool(helm and helm != "crd-install")


def _is_ours(stored: StoredObject, settings: Settings) -> bool:
    """Return True when a live-only object may be pruned by us as far as its own words go."""
    header = stored.header
    if settings.tracking_method != "label" and not tracking.is_self_reference(header.tracking, header.key):
        return False
    obj = stored.decode()
    if is_hook(obj):
        return False
    annotations = (obj.get("metadata") or {}).get("annotations") or {}
    installation = annotations.get(tracking.INSTALLATION_ANNOTATION) or ""
    return not settings.installation_id or installation == settings.installation_id


def _other_owner(live: StoredObject | None, instance: str, settings: Settings) -> str:
    if live is None:
        return ""
    if settings.tracking_method == "label":
        found = live.header.labels.get(settings.instance_label_key, "")
    else:
        parsed = tracking.parse(live.header.tracking)
        found = parsed.instance if parsed and tracking.is_self_reference(live.header.tracking, live.header.key) else ""
    return found if found != instance else ""
