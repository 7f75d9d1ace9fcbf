"""What a cluster tells: counts, batches of events, a server that is lost and back, another version, refused kinds."""

from __future__ import annotations

import functools
import json
import threading
import time
import typing as t
from collections.abc import Callable, Iterator

import pytest

from controller.clock import SystemClock
from controller.kube import cluster as clusters
from controller.kube import informer as informers
from controller.kube.client import KubeClient
from controller.kube.cluster import ClusterCache
from controller.kube.tally import EventTally
from model.events import ClusterEventsProcessed, ClusterObserved, Event
from model.meta import GroupKind
from model.settings import Settings
from tests.controller.kube.scripted import Handler, Scripted, eventually, kubeconfig, refusal, running
from tests.stage.cluster import Cluster
from tests.stage.faults import Fault
from tests.stage.proxy import FaultProxy

CONFIG_MAPS = GroupKind("", "ConfigMap")
Make = Callable[..., ClusterCache]


@pytest.fixture
def told() -> list[Event]:
    """Everything that was told."""
    return []


@pytest.fixture
def make(told: list[Event]) -> Iterator[Make]:
    """Start caches and stop them after the test."""
    started: list[ClusterCache] = []

    def begin(kubeconfig: t.Any, **options: t.Any) -> ClusterCache:
        client = KubeClient.from_kubeconfig(str(kubeconfig))
        cache = ClusterCache(client, settings=Settings(), clock=SystemClock(), publish=told.append, **options)
        started.append(cache)
        cache.start()
        return cache

    yield begin
    for cache in started:
        cache.stop()


def observed(told: list[Event]) -> list[ClusterObserved]:
    return [event for event in told if isinstance(event, ClusterObserved)]


def test_events_are_told_in_batches(cluster: Cluster, namespace: str, make: Make, told: list[Event]) -> None:
    """Forty changes within moments make a few events, none is lost, and lists are no events."""
    cache = make(cluster.kubeconfig, server="https://kubernetes.default.svc")
    assert frozenset() == cache.ensure([CONFIG_MAPS], 10)
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    for number in range(40):
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"m{number}"}}
        assert 201 == cluster.request("POST", path, body).status
    for number in range(20):
        assert 200 == cluster.request("DELETE", f"{path}/m{number}").status

    def batches() -> list[ClusterEventsProcessed]:
        return [event for event in told if isinstance(event, ClusterEventsProcessed)]

    eventually(lambda: sum(event.counts.get(("", "ConfigMap"), 0) for event in batches()) >= 60, 10)
    assert 60 <= sum(event.batch for event in batches()) < 80
    assert len(batches()) < 8
    assert {"https://kubernetes.default.svc"} == {event.server for event in batches()}
    assert all(0 < event.seconds < 5 for event in batches())


def test_the_tally_loses_nothing() -> None:
    """The first event of a batch is told to whoever wakes the listener; taking begins anew."""
    tally = EventTally()
    assert [True, False, False] == [tally.add(CONFIG_MAPS, number, 0.5) for number in (1, 2, 3)]
    assert tally
    batch = tally.take()
    assert batch is not None
    assert ({("", "ConfigMap"): 6}, 1.5) == batch
    assert tally.take() is None
    assert not tally


def test_a_server_that_is_lost_and_back_is_told_at_once(
    cluster: Cluster, make: Make, told: list[Event], fault_proxy: Callable[..., FaultProxy]
) -> None:
    """Within seconds, though no object changes; while it is away the rest stays as it was last seen."""
    proxy = fault_proxy(cluster)
    make(proxy.user("admin"))
    first = eventually(lambda: [event for event in observed(told) if event.connected], 10)[0]
    assert first.version.startswith("v1.")
    assert abs(first.synced_at - time.time()) < 60
    assert [] == [event for event in observed(told) if not event.connected]
    began = time.monotonic()
    proxy.stop()
    lost = eventually(lambda: [event for event in observed(told) if not event.connected], 10)[0]
    assert time.monotonic() - began < 3
    assert (first.version, first.objects, first.synced_at) == (lost.version, lost.objects, lost.synced_at)
    proxy.start()
    back = eventually(lambda: [e for e in observed(told)[observed(told).index(lost) :] if e.connected], 15)[0]
    assert back.synced_at > first.synced_at


def test_a_server_that_never_answered_is_told(make: Make, told: list[Event], tmp_path: t.Any) -> None:
    """Its version is not known and its caches were never filled."""
    make(kubeconfig(tmp_path, "http://127.0.0.1:1"))
    event = eventually(lambda: observed(told))[0]
    assert ("", False, 0.0, 0) == (event.version, event.connected, event.synced_at, event.objects)


def test_a_lost_place_is_no_lost_server(
    make: Make, told: list[Event], sandbox_cluster: Cluster, fault_proxy: Callable[..., FaultProxy],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """A watch that ends with 410, or is refused for a moment, is begun anew; nobody is told that the server is away."""
    monkeypatch.setattr(informers, "LONGEST_BACKOFF", 0.3)
    proxy = fault_proxy(sandbox_cluster)
    make(proxy.user("admin"))
    eventually(lambda: [event for event in observed(told) if event.connected], 10)
    definitions = {"resource": "customresourcedefinitions", "verb": "watch"}

    def again(fault: Fault, seen: int) -> bool:
        return fault.hits > 0 and len(proxy.find(**definitions)) > seen + 1

    for status in (410, 429, 503):
        seen = len(proxy.find(**definitions))
        fault = proxy.inject(resource="customresourcedefinitions", verb="watch", times=1, status=status)
        assert 1 == proxy.cut_watches(**definitions)
        eventually(functools.partial(again, fault, seen), 10)
    assert [] == [event for event in observed(told) if not event.connected]


def test_a_server_that_comes_back_newer_is_told(
    make: Make, told: list[Event], sandbox_cluster: Cluster, fault_proxy: Callable[..., FaultProxy],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Its version is read again when the contact was lost, however short that was."""
    monkeypatch.setattr(clusters, "TELL_INTERVAL", 0.1)
    proxy = fault_proxy(sandbox_cluster)
    cache = make(proxy.user("admin"))
    eventually(lambda: [event for event in observed(told) if event.connected], 10)
    cache.client.version = lambda: "v1.99.0"  # type: ignore[method-assign]
    proxy.stop()
    proxy.start()
    eventually(lambda: [event for event in observed(told) if event.connected and event.version == "v1.99.0"], 15)


def test_who_may_not_read_crds_is_connected(
    real_cluster: Cluster, namespace: str, make: Make, told: list[Event]
) -> None:
    """The server answers, and that is what is asked; its version is known."""
    real_cluster.kubectl("create", "clusterrole", namespace, "--verb=get,list,watch", "--resource=configmaps")
    real_cluster.kubectl("create", "clusterrolebinding", namespace, f"--clusterrole={namespace}", "--user=alice")
    try:
        cache = make(real_cluster.user("alice"))
        cache.ensure([CONFIG_MAPS], 10)
        event = eventually(lambda: [e for e in observed(told) if e.connected and e.synced_at], 10)[0]
    finally:
        real_cluster.kubectl("delete", "clusterrole,clusterrolebinding", namespace)
    assert event.version


def test_another_name_and_other_labels_are_told(sandbox_cluster: Cluster, make: Make, told: list[Event]) -> None:
    """At once; the watches go on."""
    cache = make(sandbox_cluster.kubeconfig, name="a", labels={"env": "dev"})
    first = eventually(lambda: [event for event in observed(told) if event.connected], 10)[0]
    assert ("a", {"env": "dev"}) == (first.name, first.labels)
    cache.describe("b", {"env": "prod"})
    found = eventually(lambda: [event for event in observed(told) if event.name == "b"])[0]
    assert ({"env": "prod"}, True) == (found.labels, found.connected)
    assert json.dumps(found.labels)


@pytest.fixture(name="scripted")
def _scripted() -> Iterator[Scripted]:
    with running() as server:
        yield server


def kinds(group: str, *names: tuple[str, str]) -> dict[str, t.Any]:
    """Aggregated discovery of one group in version v1."""
    resources = [
        {"resource": plural, "scope": "Cluster", "verbs": ["list", "watch"], "responseKind": {"kind": kind}}
        for plural, kind in names
    ]
    group_item = {"metadata": {"name": group}, "versions": [{"version": "v1", "resources": resources}]}
    return {"kind": "APIGroupDiscoveryList", "items": [group_item]}


DISCOVERED = {
    "/version": {"gitVersion": "v1.36.0"},
    "/api": kinds("", ("configmaps", "ConfigMap")),
    "/apis": kinds("apiextensions.k8s.io", ("customresourcedefinitions", "CustomResourceDefinition")),
}


def answer(handler: Handler) -> None:
    """Answer as a server with these two kinds and no object."""
    path = handler.path.partition("?")[0]
    handler.reply(DISCOVERED.get(path, {"kind": "XList", "metadata": {"resourceVersion": "1"}, "items": []}))


def test_waiting_for_slow_definitions_takes_no_work(
    scripted: Scripted, make: Make, told: list[Event], tmp_path: t.Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other kinds are listed sooner; nothing is told before the definitions are, and nobody asks all the time."""
    rounds: list[int] = []
    house, listed = ClusterCache._keep_house, threading.Event()
    monkeypatch.setattr(ClusterCache, "_keep_house", lambda cache: rounds.append(1) or house(cache))

    def slowly(handler: Handler) -> None:
        if "customresourcedefinitions" in handler.path:
            listed.wait(10)
        answer(handler)

    scripted.lists = [slowly]
    cache = make(kubeconfig(tmp_path, scripted.url))
    assert frozenset() == cache.ensure([CONFIG_MAPS], 5)
    time.sleep(0.3)
    assert len(rounds) < 10
    assert [] == observed(told)
    listed.set()
    assert eventually(lambda: observed(told))[0].connected


def test_kinds_that_could_not_be_read_at_first_are_read_again(
    scripted: Scripted, make: Make, told: list[Event], tmp_path: t.Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that tells its version and not its kinds is asked for them again after a while, and not all the time."""
    monkeypatch.setattr(clusters, "RETRY", 0.2)
    good = threading.Event()

    def failing(handler: Handler) -> None:
        (answer if good.is_set() or handler.path == "/version" else refusal(503, "ServiceUnavailable"))(handler)

    scripted.lists = [failing]
    make(kubeconfig(tmp_path, scripted.url))
    eventually(lambda: scripted.count("get") > 4)
    began, before = time.monotonic(), scripted.count("get")
    time.sleep(0.5)
    assert scripted.count("get") - before <= 2 + (time.monotonic() - began) / 0.2
    assert [False] == [event.connected for event in observed(told)]
    good.set()
    eventually(lambda: [event for event in observed(told) if event.connected])


def test_who_is_back_while_the_version_is_read_is_asked_again(
    scripted: Scripted, make: Make, told: list[Event], tmp_path: t.Any
) -> None:
    """The answer that is under way may be that of the server before."""
    asked, answers = threading.Event(), iter(["v1.98.0", "v1.99.0"])

    def version() -> str:
        found = next(answers, "v1.99.0")
        if found == "v1.98.0":
            cache._contact_changed(clusters.CRD)
            asked.set()
        return found

    scripted.lists = [answer]
    cache = make(kubeconfig(tmp_path, scripted.url))
    eventually(lambda: observed(told))
    cache.client.version = version  # type: ignore[method-assign]
    cache._contact_changed(clusters.CRD)
    assert asked.wait(5)
    eventually(lambda: cache.version == "v1.99.0")


def test_a_stopped_cluster_tells_nothing_more(
    scripted: Scripted, make: Make, told: list[Event], tmp_path: t.Any
) -> None:
    """Also what was counted before, and was to be told when a request ends that is under way."""
    asked, go_on = threading.Event(), threading.Event()
    scripted.lists = [answer]
    cache = make(kubeconfig(tmp_path, scripted.url))
    eventually(lambda: observed(told))

    def version() -> str:
        asked.set()
        go_on.wait(10)
        return "v1.99.0"

    cache.client.version = version  # type: ignore[method-assign]
    cache._contact_changed(clusters.CRD)
    assert asked.wait(5)
    cache._count_events(CONFIG_MAPS, 1, 0.1)
    cache._stop.set()
    before = len(told)
    go_on.set()
    cache.stop()
    assert before == len(told)
