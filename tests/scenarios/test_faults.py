"""The API server or the process misbehaves: nothing is lost, nothing is done twice, nobody else notices."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable

import pytest

from model.application import Application
from model.events import SyncAttempted, TurnFinished
from model.meta import NamespacedName
from tests.scenarios.world import World, conditions_of, config_map, deployment, phase_of, sync_of
from tests.stage.git import Repo
from tests.stage.proxy import FaultProxy

Proxies = Callable[..., FaultProxy]
GOOD = {"app/a.yaml": config_map("a", k="1"), "app/b.yaml": config_map("b", k="1")}


@pytest.mark.parametrize("status", [429, 503, 500])
def test_refused_writes_are_repeated_without_failing_the_sync(
    world: World, repo: Repo, fault_proxy: Proxies, status: int
) -> None:
    """A busy API server delays a sync; it is not reported as failed and everything is applied once."""
    proxy = fault_proxy(world.cluster)
    world.kubeconfig = proxy.user("lynceus")
    repo.push(GOOD)
    world.app("shop", repo)
    proxy.inject(verb="write", resource="configmaps", status=status, headers={"Retry-After": "1"}, times=3)
    world.start()
    world.until("shop", "Synced", timeout=30)
    world.wait("the end", lambda: [True] == [event.final for event in world.of(SyncAttempted)])
    assert ["Succeeded"] == [event.phase for event in world.of(SyncAttempted)]
    assert 1 == len(world.get("shop")["status"]["history"])


def test_a_lost_answer_is_no_second_write(world: World, repo: Repo, fault_proxy: Proxies) -> None:
    """The create went through, its answer did not: the object is found, not made again."""
    proxy = fault_proxy(world.cluster)
    world.kubeconfig = proxy.user("lynceus")
    repo.push(GOOD)
    world.app("shop", repo)
    proxy.inject(
        verb="create", resource="configmaps", lose_response=True, times=1, where=lambda request: not request.dry_run
    )
    world.start()
    world.until("shop", "Synced", timeout=30)
    made = [w.name for w in proxy.writes(identity="lynceus", resource="configmaps") if not w.dry_run]
    assert sorted(set(made)) == sorted(made)


def test_a_conflict_never_erases_what_a_person_wrote(world: World, repo: Repo) -> None:
    """Somebody writes the Application all the time: the sync ends, and the person's fields are as they wrote them."""
    repo.push(GOOD)
    world.app("shop", repo)
    stop = threading.Event()

    def busy() -> None:
        for number in range(1000):
            if stop.wait(0.02):
                return
            world.patch(
                "shop",
                {
                    "metadata": {"annotations": {"count": str(number)}},
                    "spec": {"info": [{"name": "count", "value": str(number)}]},
                },
            )

    writer = threading.Thread(target=busy)
    writer.start()
    try:
        world.start()
        world.until("shop", "Synced", timeout=30)
        world.wait("the end", lambda: phase_of(world.get("shop")) == "Succeeded")
    finally:
        stop.set()
        writer.join()
    app = world.get("shop")
    assert app["metadata"]["annotations"]["count"] == app["spec"]["info"][0]["value"]
    assert 1 == len(app["status"]["history"])


def test_a_refresh_asked_for_during_a_refresh_is_answered(world: World, repo: Repo) -> None:
    """Ten requests in a row: the last one is answered too, and the annotation is gone in the end."""
    repo.push(GOOD)
    world.app("shop", repo)
    world.start()
    world.until("shop", "Synced")
    for number in range(10):
        world.refresh("shop", "hard" if number % 2 else "normal")
    asked = repo.push({"app/a.yaml": config_map("a", k="2")})
    world.refresh("shop", "normal")
    world.wait(
        "the answer",
        lambda: "argocd.argoproj.io/refresh" not in (world.get("shop")["metadata"].get("annotations") or {}),
    )
    world.wait("the newest commit", lambda: world.get("shop")["status"]["sync"]["revision"] == asked)


def test_a_cut_watch_loses_nothing(world: World, repo: Repo, fault_proxy: Proxies) -> None:
    """Watches are cut while drift happens: it is healed all the same."""
    proxy = fault_proxy(world.cluster)
    world.kubeconfig = proxy.user("lynceus")
    repo.push({"app/d.yaml": deployment("web")})
    world.app("shop", repo)
    world.start()
    world.until("shop", "Synced", "Healthy")
    assert proxy.cut_watches() > 3
    path = f"/apis/apps/v1/namespaces/{world.destination}/deployments/web"
    world.change(path, {"spec": {"replicas": 3}})
    world.wait("the heal", lambda: world.cluster.get(path)["spec"]["replicas"] == 1)


def test_a_project_deleted_during_a_sync_stops_it_before_the_next_write(world: World, repo: Repo) -> None:
    """Wave 0 waits for its Deployment; then the project goes, and wave 1 never begins."""
    annotations = '"annotations": {"argocd.argoproj.io/sync-wave": "1"}'
    late = config_map("late").replace('"name": "late"', f'"name": "late", {annotations}')
    repo.push({"app/d.yaml": deployment("web", image="example:broken"), "app/late.yaml": late})
    world.project("passing")
    path = f"/apis/apps/v1/namespaces/{world.destination}/deployments/web"
    world.app("shop", repo, project="passing", policy={"automated": {}})
    quota = {"kind": "ResourceQuota", "apiVersion": "v1", "metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}}
    assert 201 == world.cluster.request("POST", f"/api/v1/namespaces/{world.destination}/resourcequotas", quota).status
    world.start()
    world.wait(
        "the wait",
        lambda: (
            "waiting for healthy state"
            in ((world.get("shop").get("status") or {}).get("operationState") or {}).get("message", "")
        ),
    )
    assert "apps/Deployment/web" in world.get("shop")["status"]["operationState"]["message"]
    root = f"/apis/argoproj.io/v1alpha1/namespaces/{world.control}/appprojects/passing"
    assert 200 == world.cluster.request("DELETE", root).status
    world.wait("the end", lambda: phase_of(world.get("shop")) in ("Failed", "Error"))
    world.until_condition("shop", "InvalidSpecError")
    world.cluster.request("DELETE", f"/api/v1/namespaces/{world.destination}/resourcequotas/none")
    world.cluster.request("DELETE", path)
    time.sleep(0.5)
    assert {} == world.objects("configmaps")


def test_a_graceful_stop_begins_no_new_wave(world: World, repo: Repo) -> None:
    """Stopped while a wave waits: the state is written, no later wave begins, the next start finishes it."""
    annotations = '"annotations": {"argocd.argoproj.io/sync-wave": "1"}'
    late = config_map("late").replace('"name": "late"', f'"name": "late", {annotations}')
    repo.push({"app/d.yaml": deployment("web"), "app/late.yaml": late})
    quota = {"kind": "ResourceQuota", "apiVersion": "v1", "metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}}
    quotas = f"/api/v1/namespaces/{world.destination}/resourcequotas"
    assert 201 == world.cluster.request("POST", quotas, quota).status
    world.app("shop", repo, policy={"automated": {}})
    world.start()
    world.wait(
        "the wait",
        lambda: (
            "waiting for healthy state"
            in ((world.get("shop").get("status") or {}).get("operationState") or {}).get("message", "")
        ),
    )
    started = time.monotonic()
    world.stop()
    assert time.monotonic() - started < 15
    assert "Running" == phase_of(world.get("shop"))
    assert {} == world.objects("configmaps")
    world.cluster.request("DELETE", f"{quotas}/none")
    world.start()
    world.until("shop", "Synced", timeout=60)
    assert {"late"} == set(world.objects("configmaps"))


def test_a_turn_that_raises_harms_only_its_own_application(
    world: World, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unexpected error becomes a condition and a growing wait; the other Application syncs; healed, so does this."""
    repo.push(GOOD)
    world.app("poison", repo)
    world.app("good", repo, ignoreDifferences=[{"kind": "X", "jsonPointers": ["/x"]}], policy={})
    from controller.reconciler import Refresher

    turn = Refresher.turn

    def broken(self: Refresher, app: Application, *rest: object) -> None:
        if app.metadata.name == "poison":
            raise ZeroDivisionError
        turn(self, app, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Refresher, "turn", broken)
    manager = world.start()
    world.wait("the other", lambda: sync_of(world.get("good")))
    assert "ZeroDivisionError" in world.until_condition("poison", "UnknownError")
    assert manager.healthy()
    failed = [event for event in world.of(TurnFinished) if event.key.name == "poison" and event.error]
    assert 1 <= len(failed) < 10
    monkeypatch.setattr(Refresher, "turn", turn)
    world.until("poison", "Synced")
    assert {} == conditions_of(world.get("poison"))


def test_a_worker_that_hangs_is_noticed(world: World, repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    """healthy() depends on the oldest due Application, not on the process being there."""
    repo.push(GOOD)
    world.app("shop", repo)
    release = threading.Event()
    from controller.reconciler import Refresher

    monkeypatch.setattr(Refresher, "turn", lambda *_: release.wait(20))
    manager = world.start(progress_limit=dt.timedelta(seconds=1))
    try:
        world.wait("the alarm", lambda: not manager.healthy(), 5)
    finally:
        release.set()
    world.wait("all well again", manager.healthy, 5)
    assert manager.application(NamespacedName(world.control, "shop")) is not None
