"""Clusters under both their names: an Application may say the name or the server, and means the same cluster."""

from __future__ import annotations

import typing as t

from model.application import Destination
from model.secrets import IN_CLUSTER_NAME, IN_CLUSTER_SERVER, Cluster

IN_CLUSTER = Cluster(name=IN_CLUSTER_NAME, server=IN_CLUSTER_SERVER)


class Registry:
    """The known clusters; the one that Lynceus runs in is always among them."""

    def __init__(self, clusters: t.Iterable[Cluster]) -> None:
        self.clusters = tuple(clusters)
        if not any(server_key(cluster.server) == server_key(IN_CLUSTER_SERVER) for cluster in self.clusters):
            self.clusters = (*self.clusters, IN_CLUSTER)
        self._by_server: dict[str, list[Cluster]] = {}
        self._by_name: dict[str, list[Cluster]] = {}
        for cluster in self.clusters:
            self._by_server.setdefault(server_key(cluster.server), []).append(cluster)
            self._by_name.setdefault(cluster.name, []).append(cluster)

    def resolve(self, destination: Destination) -> Cluster | None:
        """Return the cluster; None when it is unknown, ambiguous, or name and server contradict each other."""
        by_server = self._by_server.get(server_key(destination.server), []) if destination.server else None
        by_name = self._by_name.get(destination.name, []) if destination.name else None
        found = (
            by_server if by_name is None else by_name if by_server is None else [c for c in by_name if c in by_server]
        )
        return found[0] if found and len(found) == 1 else None

    def knows(self, name: str, server: str) -> bool:
        """Return whether some cluster has this name, or this server in any of its spellings; empty is neither."""
        return bool((name and name in self._by_name) or (server and server_key(server) in self._by_server))

    def is_local(self, cluster: Cluster) -> bool:
        """Return whether it is the cluster that Lynceus runs in."""
        return server_key(cluster.server) == server_key(IN_CLUSTER_SERVER)


def server_key(server: str) -> str:
    """Return the form in which two spellings of one API server are equal."""
    return server.strip().rstrip("/").lower()
