"""What a namespace has by itself, and what empties it when it goes."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.simulate.engine import Change, Gr, Key
from sandbox.simulate.replicasets import own_key
from sandbox.simulate.world import NAMESPACES, World, deleting

ACCOUNTS: Gr = ("", "serviceaccounts")
CONFIG_MAPS: Gr = ("", "configmaps")
ROOT_CA = "kube-root-ca.crt"
CA_TEXT = "# The embedded cluster has no certificate authority of its own.\n"
POLL_SECONDS = 0.1
"""Between looks at a namespace that is not empty yet."""


class Namespaces:
    """Furnishes namespaces and empties them."""

    def __init__(self, world: World) -> None:
        self.world = world

    def keys(self, change: Change) -> Iterable[Key]:
        """A namespace itself, or the one of a default object that went."""
        gr = tuple(change.gr)
        if gr == NAMESPACES:
            return (own_key(change),)
        if gr in (ACCOUNTS, CONFIG_MAPS) and change.new is None:
            return (Key(NAMESPACES, "", (change.old or {})["metadata"]["namespace"]),)
        return ()

    def reconcile(self, key: Key) -> float | None:
        """Create the default objects, or empty the namespace and let it go."""
        found = self.world.cache.get(*key)
        if found is None:
            return None
        if not deleting(found):
            self._furnish(key.name)
            return None
        if self._empty(key.name):
            if (found.get("spec") or {}).get("finalizers"):
                self.world.api.finalize_namespace(key.name)
            return None
        return POLL_SECONDS

    def _furnish(self, namespace: str) -> None:
        if self.world.cache.get(ACCOUNTS, namespace, "default") is None:
            meta = {"name": "default", "namespace": namespace}
            self.world.api.create(ACCOUNTS, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta})
        if self.world.cache.get(CONFIG_MAPS, namespace, ROOT_CA) is None:
            note = {"kubernetes.io/description": "Stands where a cluster keeps its certificate authority."}
            named = {"name": ROOT_CA, "namespace": namespace, "annotations": note}
            body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": named, "data": {"ca.crt": CA_TEXT}}
            self.world.api.create(CONFIG_MAPS, body)

    def _empty(self, namespace: str) -> bool:
        """Delete what is there; whether nothing was."""
        empty = True
        for gr in self.world.cache.kinds():
            for obj in self.world.cache.of_kind(gr, namespace):
                empty = False
                if not deleting(obj):
                    meta = obj["metadata"]
                    self.world.api.delete(gr, namespace, meta["name"], uid=meta["uid"])
        return empty
