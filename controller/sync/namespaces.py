"""CreateNamespace=true: the destination namespace is there before anything else is applied.

Called by controller.syncing. Source: Argo CD controller/sync_namespace.go.
"""

from __future__ import annotations

import typing as t

import msgspec

from controller.kube.client import APPLY, KubeClient
from controller.kube.cluster import ClusterCache
from controller.kube.discovery import ApiResource
from controller.sync.apply import FIELD_MANAGER
from controller.sync.options import Options
from model.application import Application
from model.errors import AlreadyExists
from model.meta import JSON, ResourceKey

NAMESPACE = ApiResource("", "v1", "Namespace", "namespaces", False)
KNOWN_SECONDS = 10.0


def ensure_namespace(
    app: Application,
    cache: ClusterCache,
    options: Options,
    declared: t.Iterable[ResourceKey],
    client: KubeClient | None = None,
) -> None:
    """Create the destination namespace when the options ask for it and it is neither there nor declared.

    It is written with `client`, which may act as somebody else; None: with the cache's own.
    """
    name = app.spec.destination.namespace
    if not name or not options.app("CreateNamespace=true"):
        return
    key = ResourceKey("", "Namespace", "", name)
    if key in set(declared):
        return
    client = client or cache.client
    cache.ensure([key.group_kind], KNOWN_SECONDS)
    policy = app.spec.sync_policy
    managed = policy.managed_namespace_metadata if policy else None
    metadata: JSON = {"name": name}
    if managed is not None:
        metadata["labels"] = managed.labels or {}
        metadata["annotations"] = managed.annotations or {}
    body = msgspec.json.encode({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    if managed is not None:
        client.patch(NAMESPACE, "", name, body, APPLY, field_manager=FIELD_MANAGER, force=True)
    elif cache.store.get(key) is None:
        try:
            client.create(NAMESPACE, "", body, field_manager=FIELD_MANAGER)
        except AlreadyExists:
            return
