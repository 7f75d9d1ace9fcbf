"""The clusters that Applications are deployed to: from a destination to its client and caches.

Clients are made when the first Application needs them, and end with the cluster's Secret. Called by the turns. Source:
Argo CD util/argo/argo.go, GetDestinationCluster.
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
from model.events import ClusterGone, Event
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
        """Take changed settings and Secrets: clusters that are gone end, others may have another name or labels."""
        with self._lock:
            self._settings = settings
            known = {cluster.server: cluster for cluster in reversed(self._known())}
            gone = [self._caches.pop(server) for server in self._caches.keys() - known.keys()]
            for server, (cluster, cache) in self._caches.items():
                self._caches[server] = (_renamed(cluster, known[server], cache), cache)
            caches = [cache for _, cache in self._caches.values()]
        for cache in caches:
            cache.use(settings)
        for _, cache in gone:
            self._end(cache, gone=True)

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
        """Return the running cache of a cluster; new credentials in its Secret give a new client.

        Raises:
            InvalidSpec: the cluster went while somebody was about to use it.
        """
        with self._lock:
            known = self._caches.get(cluster.server)
            if known is not None and _connection(known[0]) == _connection(cluster):
                return known[1]
            if all(other.server != cluster.server for other in self._known()):
                raise InvalidSpec(
                    f"cluster {cluster.name}", "server", f"{cluster.server}, which is gone", "a cluster with a Secret"
                )
            cache = self._started(cluster)
            self._caches[cluster.server] = (cluster, cache)
        if known is not None:
            self._end(known[1], gone=False)
        return cache

    def running(self) -> list[ClusterCache]:
        """Return the caches of all clusters in use."""
        with self._lock:
            return [cache for _, cache in self._caches.values()]

    def stop(self) -> None:
        """Stop all caches."""
        for cache in self.running():
            cache.stop()

    def _end(self, cache: ClusterCache, *, gone: bool) -> None:
        """Stop a cache in the background, for a dead server keeps its watches a while; tell when its cluster is gone.

        One that is registered again meanwhile is not gone.
        """

        def end() -> None:
            cache.stop()
            # Told under the lock, before anybody can begin anew: or the new cache would be taken for the one that went.
            with self._lock:
                if gone and cache.server not in self._caches:
                    self._publish(ClusterGone(server=cache.server))

        threading.Thread(target=end, name=f"end-{cache.name}", daemon=True).start()

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
        cache = ClusterCache(
            client,
            settings=self._settings,
            clock=self._clock,
            publish=self._publish,
            name=cluster.name,
            server=cluster.server,
            labels=cluster.labels,
            namespaces=cluster.namespaces,
        )
        cache.store.subscribe(lambda change: self._watcher(cluster.server, change))
        cache.start()
        return cache


def _connection(cluster: Cluster) -> Cluster:
    """Return the cluster without what does not matter for how it is reached and watched."""
    return msgspec.structs.replace(cluster, name="", project="", labels={}, cluster_resources=False)


def _renamed(known: Cluster, now: Cluster, cache: ClusterCache) -> Cluster:
    """Take name and labels of the Secret as it is now; with other credentials the next who needs it begins anew."""
    if (known.name, known.labels) != (now.name, now.labels):
        cache.describe(now.name, now.labels)
    return msgspec.structs.replace(known, name=now.name, labels=now.labels)
