"""Which objects go when an Application is deleted, and which stay. Pure.

Called by controller.deletion. Source: Argo CD controller/appcontroller.go, finalizeApplicationDeletion.
"""

from __future__ import annotations

import typing as t

import msgspec

from controller.compare.tracking import INSTALLATION_ANNOTATION
from controller.kube.store import StoredObject
from controller.sync.options import HELM_RESOURCE_POLICY, Options, annotation, annotation_list, hook_types, sync_wave
from model.application import RESOURCES_FINALIZER, Application
from model.meta import JSON, ResourceKey

FINALIZERS = {
    RESOURCES_FINALIZER: "Foreground",
    f"{RESOURCES_FINALIZER}/foreground": "Foreground",
    f"{RESOURCES_FINALIZER}/background": "Background",
}
"""Finalizers of an Application that ask for its objects to be deleted, and how."""


class Victim(msgspec.Struct, frozen=True):
    """One object to be deleted."""

    key: ResourceKey
    uid: str
    wave: int
    deleting: bool
    finalizers: tuple[str, ...]


def propagation(app: Application) -> str:
    """Return how the objects are deleted, empty when they stay."""
    found = [FINALIZERS[name] for name in app.metadata.finalizers or () if name in FINALIZERS]
    return found[0] if found else ""


def without_finalizers(app: Application) -> list[str]:
    """Return the finalizers of the Application that are not ours."""
    return [name for name in app.metadata.finalizers or () if name not in FINALIZERS]


def victims(tracked: t.Iterable[StoredObject], app: Application, installation: str = "") -> list[Victim]:
    """Return what is deleted with the Application, out of what it tracks.

    CustomResourceDefinitions, the Application itself, hooks, Delete=false and Helm's keep stay, and with an
    installationID whatever another installation marked.
    """
    options = Options(app.spec.sync_options)
    found: list[Victim] = []
    for stored in tracked:
        obj = stored.decode()
        key = stored.header.key
        foreign = bool(installation) and annotation(obj, INSTALLATION_ANNOTATION) != installation
        if foreign or _stays(obj, key, app, options):
            continue
        finalizers = tuple((obj.get("metadata") or {}).get("finalizers") or ())
        found.append(Victim(key, stored.header.uid, sync_wave(obj), stored.header.deleting, finalizers))
    return found


def next_wave(found: t.Sequence[Victim]) -> list[Victim]:
    """Return the victims of the highest wave: what was built last goes first."""
    last = max((victim.wave for victim in found), default=0)
    return [victim for victim in found if victim.wave == last]


def _stays(obj: JSON, key: ResourceKey, app: Application, options: Options) -> bool:
    """Say whether the object outlives the Application."""
    itself = (key.group, key.kind, key.namespace, key.name) == ("argoproj.io", "Application", *app.key)
    definition = key.kind == "CustomResourceDefinition"
    kept = options.has("Delete=false", obj) or "keep" in annotation_list(obj, HELM_RESOURCE_POLICY)
    return itself or definition or kept or bool(hook_types(obj)) or annotation(obj, HELM_RESOURCE_POLICY) == "keep"
