"""The clusters that Applications are deployed to: from a destination to its client and caches.

Clients are made when the first Application needs them. Called by the turns. Source: Argo CD util/argo/argo.go,
GetDestinationCluster.
"""

from __future__ import annotations

import threading
import typing as t

import msgspec

from controller.clock import Clock
from controller.kube.client import KubeClient
from controller.kube.cluster import ClusterCache
from controller.kube.store import Change
from controller.secretbook import SecretBook
from model.application import Destination
from model.errors import InvalidSpec
from model.events import ClusterObserved, Event
from model.secrets import IN_CLUSTER_NAME, IN_CLUSTER_SERVER, Cluster
from model.settings import Settings

Watcher = t.Callable[[str, Change], None]
"""Hears of changed objects: server of the cluster, change."""


class Clusters:
    """All clusters in use; thread-safe."""

    def __init__(
        self,
        client: KubeClient,
        book: SecretBook,
        *,
        clock: Clock,
        publish: t.Callable[[Event], None],
        watcher: Watcher,
    ) -> None:
        self._client, self._book = client, book
        self._clock, self._publish, self._watcher = clock, publish, watcher
        self._settings = Settings()
        self._lock = threading.Lock()
        self._caches: dict[str, tuple[Cluster, ClusterCache]] = {}

    def use(self, settings: Settings) -> None:
        """Take changed settings."""
        with self._lock:
            self._settings = settings
            caches = [cache for _, cache in self._caches.values()]
        for cache in caches:
            cache.use(settings)

    def find(self, destination: Destination, where: str) -> Cluster:
        """Return the cluster that a destination names, by name or by server; both spellings find the same one.

        Raises:
            InvalidSpec: none or both are given, or there is no such cluster.
        """
        server, name = destination.server.rstrip("/"), destination.name
        if server and name:
            raise InvalidSpec(where, "spec.destination", "both name and server", "one of them")
        if not server and not name:
            raise InvalidSpec(where, "spec.destination", "neither name nor server", "one of them")
        known = self._known()
        found = [c for c in known if (server and c.server == server) or (name and c.name == name)]
        if len(found) > 1 and name:
            raise InvalidSpec(where, "spec.destination.name", f"{name}, which {len(found)} clusters bear", "a server")
        if not found:
            names = ", ".join(sorted(c.name for c in known))[:200]
            path = "spec.destination.server" if server else "spec.destination.name"
            raise InvalidSpec(where, path, f"{server or name}, which no cluster Secret has", f"one of: {names}")
        return found[0]

    def cache(self, cluster: Cluster) -> ClusterCache:
        """Return the running cache of a cluster; new credentials in its Secret give a new client."""
        with self._lock:
            known = self._caches.get(cluster.server)
            if known is not None and known[0] == cluster:
                return known[1]
            cache = self._started(cluster)
            self._caches[cluster.server] = (cluster, cache)
        if known is not None:
            known[1].stop()
        return cache

    def running(self) -> list[ClusterCache]:
        """Return the caches of all clusters in use."""
        with self._lock:
            return [cache for _, cache in self._caches.values()]

    def stop(self) -> None:
        """Stop all caches."""
        for cache in self.running():
            cache.stop()

    def _known(self) -> list[Cluster]:
        """Return the clusters of the Secrets, and the one we run in unless a Secret describes it or it is off."""
        clusters = list(self._book.clusters())
        if self._settings.in_cluster_enabled and all(c.server != IN_CLUSTER_SERVER for c in clusters):
            clusters.append(Cluster(name=IN_CLUSTER_NAME, server=IN_CLUSTER_SERVER))
        return clusters

    def _started(self, cluster: Cluster) -> ClusterCache:
        """Start a cache; the cluster we run in is reached by the client that we run with."""
        own = cluster.server == IN_CLUSTER_SERVER
        borrowed = own and not cluster.config
        client = self._client if borrowed else KubeClient.from_cluster(cluster, on_request=self._publish)

        def publish(event: Event) -> None:
            known_by_name = isinstance(event, ClusterObserved)
            self._publish(msgspec.structs.replace(event, server=cluster.server) if known_by_name else event)

        cache = ClusterCache(
            client,
            settings=self._settings,
            clock=self._clock,
            publish=publish,
            name=cluster.name,
            namespaces=cluster.namespaces,
        )
        cache.store.subscribe(lambda change: self._watcher(cluster.server, change))
        cache.start()
        return cache
