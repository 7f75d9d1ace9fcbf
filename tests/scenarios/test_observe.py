"""Beside an Argo CD: everything is told, nothing of an Application is written, and what cannot be known is absent."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from controller.cage import Cage
from model import events
from tests.scenarios.conftest import make_world_of
from tests.scenarios.delivering import ArgoCD, Followed
from tests.scenarios.house import House
from tests.scenarios.world import APPS, config_map
from tests.stage.cluster import Cluster
from tests.stage.git import GitServer, Repo
from tests.stage.proxy import FaultProxy


@pytest.fixture
def world(cluster: Cluster, cage: Cage, tmp_path: Path) -> Iterator[Followed]:
    """A followed world on each server in turn."""
    yield from make_world_of(Followed, cluster, cage, tmp_path)


@pytest.fixture
def real_world(real_cluster: Cluster, cage: Cage, tmp_path: Path) -> Iterator[Followed]:
    """A followed world on the real control plane."""
    yield from make_world_of(Followed, real_cluster, cage, tmp_path)


def standings(world: Followed) -> dict[str, events.Standing]:
    """Return how each Application stands."""
    return {event.key.name: event for event in world.of(events.Standing)}


def test_whatever_happens_no_application_is_written(
    real_world: Followed, repo: Repo, fault_proxy: Callable[..., FaultProxy]
) -> None:
    """A refresh that is asked for, an operation, a deletion, an unreadable spec, a window: all of it is Argo CD's."""
    world = real_world
    proxy = fault_proxy(world.cluster)
    world.kubeconfig = proxy.user("lynceus")
    commit = repo.push({"app/a.yaml": config_map("a")})
    window = {"kind": "deny", "schedule": "* * * * *", "duration": "1h", "applications": ["*"]}
    world.project(syncWindows=[window])
    for name in ("still", "refreshed", "asked", "deleted"):
        world.app(name, repo, finalizer=name == "deleted")
    world.start(mode="observe")
    world.wait("all of them", lambda: len(standings(world)) == 4)
    world.refresh("refreshed")
    world.refresh("refreshed", "hard")
    world.sync("asked", revision=commit)
    world.cluster.request("DELETE", f"{APPS.format(world.control)}/deleted")
    argocd = ArgoCD(world, "still", repo, "app")
    argocd.compared("OutOfSync", commit, "Missing", after=0)
    world.wait("its drift", lambda: standings(world)["still"].drift_since)
    world.wait("the window", lambda: not world.newest(events.SyncPermission).automated.allowed)
    path = f"{APPS.format(world.control)}/still"
    world.cluster.request("DELETE", path)
    world.wait("its end", lambda: [e for e in world.of(events.ApplicationDeleted) if e.key.name == "still"])
    assert "operation" in world.get("asked")
    assert "hard" == world.get("refreshed")["metadata"]["annotations"]["argocd.argoproj.io/refresh"]
    assert world.get("deleted")["metadata"]["finalizers"]
    world.stop()
    assert {("configmaps", "lynceus-state-0")} >= {(w.resource, w.name) for w in proxy.writes(identity="lynceus")}
    world.patch("deleted", {"metadata": {"finalizers": None}})


def test_an_account_that_may_only_read(
    real_world: Followed, repo: Repo, fault_proxy: Callable[..., FaultProxy], caplog: pytest.LogCaptureFixture
) -> None:
    """Everything is told; that nothing is remembered is one line in the log, and what is asked for is asked once."""
    world = real_world
    proxy = fault_proxy(world.cluster)
    world.kubeconfig = proxy.user("lynceus")
    fault = proxy.inject(resource="configmaps", verb="create", status=403)
    commit = repo.push({"app/a.yaml": config_map("a")})
    world.app("shop", repo)
    world.start(mode="observe")
    argocd = ArgoCD(world, "shop", repo, "app")
    argocd.compared("Synced", commit, after=0)
    world.wait("its health", lambda: standings(world)["shop"].health_status == "Healthy")
    for _ in range(3):
        argocd.compared("OutOfSync", commit, after=0)
        argocd.compared("Synced", commit, after=0)
    world.wait("all drift", lambda: len(world.of(events.DriftEnded)) == 3)
    assert 1 == len([r for r in caplog.records if "nothing is remembered over restarts" in r.message])
    assert 1 == len(proxy.find(resource="configmaps", verb="create"))
    proxy.heal(fault)


def test_a_repository_that_is_away(world: Followed, repo: Repo, git_server: GitServer) -> None:
    """How far behind is not known then, and the deployment is counted without a lead time."""
    first = repo.push({"app/a.yaml": config_map("a", x="1")})
    second = repo.push({"app/a.yaml": config_map("a", x="2")})
    world.app("shop", repo)
    world.start(mode="observe")
    argocd = ArgoCD(world, "shop", repo, "app")
    argocd.compared("OutOfSync", first, after=0)
    argocd.begin(first, after=0)
    argocd.finish(after=0)
    argocd.compared("Synced", first, after=0)
    world.wait("the first deployment", lambda: world.of(events.DeploymentEnded))
    git_server.stop()
    argocd.compared("OutOfSync", "d" * 40, after=0)
    world.wait("that it is not known", lambda: world.newest(events.CommitsBehind).number is None)
    argocd.compared("OutOfSync", second, after=0)
    argocd.begin(second, after=0)
    argocd.finish(after=0)
    argocd.compared("Synced", second, after=0)
    world.wait("the second deployment", lambda: len(world.of(events.DeploymentEnded)) == 2)
    assert world.newest(events.DeploymentEnded).lead_seconds is not None, "its commit was fetched with the first one"
    world.wait("that it is known again", lambda: world.newest(events.CommitsBehind).number == 0)


def test_a_crash_counts_nothing_twice(world: Followed, repo: Repo) -> None:
    """A process that ended without its last words: what was published is remembered as counted."""
    commit = repo.push({"app/a.yaml": config_map("a")})
    world.app("shop", repo)
    world.start(mode="observe")
    argocd = ArgoCD(world, "shop", repo, "app")
    argocd.compared("OutOfSync", commit, after=0)
    argocd.begin(commit, after=0)
    argocd.finish(after=0)
    argocd.compared("Synced", commit, after=0)
    world.wait("the deployment", lambda: world.of(events.DeploymentEnded))
    world.delivery._keeper.stop = lambda timeout=0.0: None  # type: ignore[method-assign]
    world.stop()
    number = len(world.of(events.Standing))
    world.start(mode="observe")
    world.wait("how it stands", lambda: len(world.of(events.Standing)) > number)
    time.sleep(0.5)
    assert 1 == len(world.of(events.DeploymentEnded))
    assert 1 == len([e for e in world.of(events.SyncAttempted) if e.final])


def lines(house: House, *families: str) -> dict[str, float]:
    """Scrape the program, and return the series of some families by their text."""
    with urllib.request.urlopen(f"{house.lynceus.metrics_server.url}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    found = [line.rpartition(" ") for line in text.split("\n") if line.startswith(families)]
    return {name: float(value) for name, _, value in found}


STANDING = ("lynceus_app_drift_since_timestamp_seconds{", "lynceus_app_unhealthy_since_timestamp_seconds{")
COUNTS = ("lynceus_deployments_total{", "lynceus_deployment_lead_time_seconds_count{", "lynceus_self_heal_total{")


def test_the_whole_program_beside_an_argocd(world: Followed, repo: Repo, tmp_path: Path) -> None:
    """What it exports: ages that survive its restart, exact counts, and none of Argo CD's own families."""
    first = repo.push({"app/a.yaml": config_map("a", x="1")}, when=int(time.time()) - 100)
    world.app("shop", repo)
    world.patch("shop", {"metadata": {"labels": {"tier": "prod"}}})
    given = {"mode": "observe", "environment_label": "tier", "state_seconds": 0.2}
    house = House(world, tmp_path / "mirrors", **given)
    house.lynceus.start()
    try:
        argocd = ArgoCD(world, "shop", repo)
        argocd.compared("OutOfSync", first, after=0)
        argocd.begin(first, after=0)
        argocd.finish(after=0)
        argocd.compared("Synced", first, after=0)
        labels = 'environment="prod",project="default"', 'project="default",environment="prod"'
        names = {f'lynceus_deployments_total{{{text},result="success"}}' for text in labels}
        world.wait("the deployment", lambda: sum(lines(house, *names).values()) == 1)
        argocd.compared("OutOfSync", first, "Degraded", after=0)
        before = world.wait("both ages", lambda: len(lines(house, *STANDING)) == 2 and lines(house, *STANDING))
        assert all(abs(time.time() - since) < 60 for since in before.values())
        assert 1 == sum(lines(house, "lynceus_deployment_lead_time_seconds_count{").values())
        assert {} == lines(house, "argocd_app_info", "argocd_app_sync_total")
    finally:
        house.lynceus.stop()
    house = House(world, tmp_path / "mirrors", **given)
    house.lynceus.start()
    try:
        assert before == world.wait("both ages", lambda: len(lines(house, *STANDING)) == 2 and lines(house, *STANDING))
        assert 0 == sum(lines(house, *COUNTS).values()), "what was counted is not counted again"
    finally:
        house.lynceus.stop()
