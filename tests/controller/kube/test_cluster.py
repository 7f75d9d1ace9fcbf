"""A cluster as the loop sees it, on real servers: kinds, objects, CRDs that come and go, rights that are missing."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from controller.clock import SystemClock
from controller.kube.client import KubeClient
from controller.kube.cluster import ClusterCache
from controller.kube.discovery import Discovery
from model.errors import ApiUnavailable
from model.events import ClusterObserved, Event
from model.meta import GroupKind, ResourceKey
from model.settings import Settings
from tests.controller.kube.scripted import Handler, Scripted, eventually
from tests.stage.cluster import Cluster

CONFIG_MAPS, SECRETS = GroupKind("", "ConfigMap"), GroupKind("", "Secret")
DEPLOYMENTS = GroupKind("apps", "Deployment")
Make = Callable[..., ClusterCache]


@pytest.fixture
def make() -> Iterator[Make]:
    """Start caches and stop them after the test."""
    started: list[ClusterCache] = []

    def begin(kubeconfig: Any, events: list[Event] | None = None, **options: Any) -> ClusterCache:
        client = KubeClient.from_kubeconfig(str(kubeconfig))
        publish = events.append if events is not None else lambda _: None
        cache = ClusterCache(client, settings=Settings(), clock=SystemClock(), publish=publish, **options)
        started.append(cache)
        cache.start()
        return cache

    yield begin
    for cache in started:
        cache.stop()


def test_declared_kinds_are_watched_and_counted(cluster: Cluster, namespace: str, make: Make) -> None:
    """Objects of the kinds asked for are there, changes arrive, and the count is told."""
    events: list[Event] = []
    cache = make(cluster.kubeconfig, events)
    assert frozenset() == cache.ensure([CONFIG_MAPS, DEPLOYMENTS], 10)
    key = ResourceKey("", "ConfigMap", namespace, "a")
    cluster.kubectl("create", "configmap", "a", "-n", namespace, "--from-literal=k=v")
    found = eventually(lambda: cache.store.get(key))
    cluster.kubectl("delete", "configmap", "a", "-n", namespace)
    eventually(lambda: cache.store.get(key) is None)
    eventually(lambda: [e for e in events if isinstance(e, ClusterObserved) and e.connected and e.version])

    assert {"k": "v"} == found.decode()["data"]
    assert not cache.kind_synced("", "Secret")


def test_a_crd_that_appears_is_watched_without_a_restart(cluster: Cluster, make: Make) -> None:
    """A kind that is asked for before it exists is watched soon after its CRD is there, and dropped with it."""
    kind = GroupKind("cache.example.com", "Widget")
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.cache.example.com"},
        "spec": {
            "group": kind.group,
            "scope": "Cluster",
            "names": {"kind": kind.kind, "plural": "widgets"},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
                }
            ],
        },
    }
    cache = make(cluster.kubeconfig)
    assert cache.wait_synced(10)
    assert frozenset({kind}) == cache.ensure([kind], 0.1)
    try:
        cluster.kubectl("apply", "-f", "-", input=json.dumps(crd))
        eventually(lambda: cache.kind_synced(*kind), 15)
    finally:
        cluster.kubectl("delete", "crd", "widgets.cache.example.com", "--ignore-not-found")
    eventually(lambda: not cache.kind_synced(*kind), 15)


def test_a_kind_without_rights_is_unknown(real_cluster: Cluster, namespace: str, make: Make) -> None:
    """Who may read ConfigMaps only has them synced; Secrets are not, with the reason."""
    real_cluster.kubectl("create", "clusterrole", namespace, "--verb=get,list,watch", "--resource=configmaps")
    real_cluster.kubectl("create", "clusterrolebinding", namespace, f"--clusterrole={namespace}", "--user=alice")
    try:
        cache = make(real_cluster.user("alice"))
        deadline = time.monotonic() + 10
        while (missing := cache.ensure([CONFIG_MAPS, SECRETS], 5)) != {SECRETS}:
            assert time.monotonic() < deadline, missing
    finally:
        real_cluster.kubectl("delete", "clusterrole,clusterrolebinding", namespace)

    assert "Forbidden" in cache.problems()[SECRETS]


def test_an_object_is_read_in_the_version_of_its_target(real_cluster: Cluster, namespace: str, make: Make) -> None:
    """A target of autoscaling/v1 is compared with the live object in v1, although v2 is watched."""
    real_cluster.kubectl("create", "deployment", "web", "--image=x", "-n", namespace)
    real_cluster.kubectl("autoscale", "deployment", "web", "--max=3", "--cpu-percent=50", "-n", namespace)
    cache = make(real_cluster.kubeconfig)
    cache.ensure([GroupKind("autoscaling", "HorizontalPodAutoscaler")], 10)
    key = ResourceKey("autoscaling", "HorizontalPodAutoscaler", namespace, "web")
    stored = eventually(lambda: cache.store.get(key))

    assert "metrics" in cache.decode_as(stored, "autoscaling/v2")["spec"]
    assert 50 == cache.decode_as(stored, "autoscaling/v1")["spec"]["targetCPUUtilizationPercentage"]


GROUPS = {"kind": "APIGroupList", "groups": [{"name": "x.io", "versions": [{"version": "v1"}]}]}
THINGS = {
    "kind": "APIResourceList",
    "groupVersion": "x.io/v1",
    "resources": [
        {"name": "things", "kind": "Thing", "namespaced": True, "verbs": ["list", "watch"]},
        {"name": "things/status", "kind": "Thing", "namespaced": True, "verbs": ["get"]},
    ],
}


def test_discovery_falls_back_and_a_silent_group_is_unknown(scripted: Scripted, client: KubeClient) -> None:
    """Without aggregated discovery each group is read; one that fails keeps its kinds and is never "gone"."""
    silent = False

    def answer(handler: Handler) -> None:
        path = handler.path.partition("?")[0]
        if path == "/api":
            handler.reply({"kind": "APIVersions", "versions": []})
        elif path == "/apis":
            handler.reply(GROUPS)
        elif silent:
            handler.reply(b"<html>", 503, "text/html")
        else:
            handler.reply(THINGS)

    scripted.lists = [answer]
    discovery = Discovery(client, SystemClock())
    discovery.refresh()
    found = discovery.find("x.io", "Thing")
    assert found is not None
    assert ("things", True) == (found.plural, found.watchable)
    silent = True
    discovery.refresh()

    assert found == discovery.find("x.io", "Thing")
    assert discovery.group_unknown("x.io")
    with pytest.raises(ApiUnavailable):
        discovery.find("x.io", "Other")


def test_a_server_that_is_away_leaves_discovery_unknown(scripted: Scripted, client: KubeClient) -> None:
    """An error is never "there is no such kind"."""
    scripted.lists = [lambda handler: handler.reply(b"{}")]
    discovery = Discovery(client, SystemClock())
    with pytest.raises(ApiUnavailable):
        discovery.find("apps", "Deployment")


def test_api_versions_are_what_helm_asks_for(cluster: Cluster) -> None:
    """Group-versions and kinds in them are listed."""
    discovery = Discovery(KubeClient.from_kubeconfig(str(cluster.kubeconfig)), SystemClock())
    discovery.refresh()

    assert {"v1", "v1/ConfigMap", "apps/v1", "apps/v1/Deployment"} <= set(discovery.api_versions())
