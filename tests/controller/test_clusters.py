"""Clusters of Secrets: found, relabelled without a new watch, and gone with their Secret."""

from __future__ import annotations

import base64
import threading
import typing as t
from collections.abc import Callable, Iterator

import msgspec
import pytest

from controller.clock import SystemClock
from controller.clusters import Clusters
from controller.kube.client import KubeClient
from controller.secretbook import SecretBook
from model.application import Destination
from model.errors import InvalidSpec
from model.events import ApiRequestFinished, ClusterGone, ClusterObserved, Event
from model.meta import GroupKind
from model.secrets import Cluster
from model.settings import Settings
from tests.controller.kube.scripted import eventually
from tests.stage.cluster import Cluster as StageCluster

Give = Callable[..., Cluster]


class Parts(t.NamedTuple):
    """What a test works with."""

    clusters: Clusters
    book: SecretBook
    told: list[Event]

    def of(self, kind: type[Event]) -> list[t.Any]:
        return [event for event in list(self.told) if isinstance(event, kind)]


@pytest.fixture
def parts(real_cluster: StageCluster) -> Iterator[Parts]:
    """Clusters before the real control plane, which is also the one that we run in."""
    told: list[Event] = []
    book, client = SecretBook(), KubeClient.from_kubeconfig(str(real_cluster.kubeconfig))
    made = Clusters(client, book, clock=SystemClock(), publish=told.append, watcher=lambda *_: None)
    made.use(Settings())
    yield Parts(made, book, told)
    made.stop()


@pytest.fixture
def give(real_cluster: StageCluster) -> Give:
    """Make the content of a cluster Secret."""
    assert real_cluster.ca is not None
    config: dict[str, t.Any] = {
        "bearerToken": real_cluster.token,
        "tlsClientConfig": {"caData": base64.b64encode(real_cluster.ca.read_bytes()).decode()},
    }
    return lambda **more: Cluster(name="prod", server=real_cluster.url, config=config, **more)


def test_labels_and_name_change_without_a_new_watch(parts: Parts, give: Give) -> None:
    """What does not matter for the connection keeps the caches; it is told."""
    parts.book.put("s", give(labels={"env": "dev"}))
    cache = parts.clusters.cache(parts.clusters.find(Destination(name="prod"), "x"))
    eventually(lambda: [e for e in parts.of(ClusterObserved) if e.connected and e.labels == {"env": "dev"}], 10)
    parts.book.put("s", msgspec.structs.replace(give(labels={"env": "prod"}), name="main"))
    parts.clusters.use(Settings())
    found = parts.clusters.find(Destination(name="main"), "x")
    assert cache is parts.clusters.cache(found)
    eventually(lambda: [e for e in parts.of(ClusterObserved) if (e.name, e.labels) == ("main", {"env": "prod"})])
    assert [] == parts.of(ClusterGone)


def test_a_cluster_whose_secret_goes_is_gone(parts: Parts, give: Give, real_cluster: StageCluster) -> None:
    """Its watches end, nothing more is told of it, and nobody can begin anew with what was known of it."""
    parts.book.put("s", give())
    known = parts.clusters.find(Destination(name="prod"), "x")
    cache = parts.clusters.cache(known)
    cache.ensure([GroupKind("", "ConfigMap")], 10)
    eventually(lambda: [e for e in parts.of(ClusterObserved) if e.connected], 10)
    parts.book.put("s", None)
    parts.clusters.use(Settings())
    assert [real_cluster.url] == [event.server for event in eventually(lambda: parts.of(ClusterGone), 10)]
    last = parts.told[-1]
    assert isinstance(last, ClusterGone)
    assert not cache.kind_synced("", "ConfigMap")
    assert [] == parts.clusters.running()
    with pytest.raises(InvalidSpec, match="which is gone"):
        parts.clusters.cache(known)


def test_a_cluster_with_another_server_is_another(parts: Parts, give: Give, real_cluster: StageCluster) -> None:
    """The old address is gone; the same address with other credentials is not."""
    parts.book.put("s", give())
    first = parts.clusters.cache(parts.clusters.find(Destination(name="prod"), "x"))
    parts.book.put("s", msgspec.structs.replace(give(), config={**give().config, "username": "x"}))
    parts.clusters.use(Settings())
    second = parts.clusters.cache(parts.clusters.find(Destination(name="prod"), "x"))
    assert first is not second
    parts.book.put("s", msgspec.structs.replace(give(), server="https://127.0.0.1:1"))
    parts.clusters.use(Settings())
    assert [real_cluster.url] == [event.server for event in eventually(lambda: parts.of(ClusterGone), 10)]


def test_requests_to_clusters_of_secrets_are_told(parts: Parts, give: Give, real_cluster: StageCluster) -> None:
    """As those to the cluster that we run in are, under the server that destinations name."""
    parts.book.put("s", give())
    parts.clusters.cache(parts.clusters.find(Destination(name="prod"), "x"))
    requests = eventually(lambda: parts.of(ApiRequestFinished))
    assert {real_cluster.url} == {event.server for event in requests}


def test_the_own_cluster_goes_when_it_is_switched_off(parts: Parts) -> None:
    """cluster.inClusterEnabled false takes it from the destinations."""
    server = "https://kubernetes.default.svc"
    parts.clusters.cache(parts.clusters.find(Destination(server=server), "x"))
    eventually(lambda: [e for e in parts.of(ClusterObserved) if e.connected and e.server == server], 10)
    parts.clusters.use(Settings(in_cluster_enabled=False))
    assert [server] == [event.server for event in eventually(lambda: parts.of(ClusterGone), 10)]


def test_who_is_registered_again_is_not_told_as_gone_behind(
    parts: Parts, give: Give, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever begins anew at the very moment at which the end is told does so behind it."""
    parts.book.put("s", give())
    known = parts.clusters.find(Destination(name="prod"), "x")
    parts.clusters.cache(known)
    eventually(lambda: [e for e in parts.of(ClusterObserved) if e.connected], 10)

    begun: list[bool] = []

    def again() -> None:
        parts.book.put("s", give())
        parts.clusters.cache(known)

    def publish(event: Event) -> None:
        if isinstance(event, ClusterGone):
            thread = threading.Thread(target=again)
            thread.start()
            thread.join(0.5)
            begun.append(not thread.is_alive())
        parts.told.append(event)

    monkeypatch.setattr(parts.clusters, "_publish", publish)
    parts.book.put("s", None)
    parts.clusters.use(Settings())
    eventually(lambda: parts.of(ClusterGone), 10)
    assert [False] == begun
    gone = [isinstance(event, ClusterGone) for event in parts.told].index(True)
    eventually(lambda: [e for e in parts.told[gone:] if isinstance(e, ClusterObserved) and e.connected], 10)
