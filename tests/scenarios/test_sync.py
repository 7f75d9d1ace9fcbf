"""From a commit to the cluster: automated and manual sync, prune, self-heal, namespaces, quiet."""

from __future__ import annotations

import time
import typing as t

import pytest

from model.events import GitRequestFinished, SyncAttempted, TurnFinished
from tests.scenarios.world import AUTOMATED, World, conditions_of, config_map, deployment, health_of, sync_of
from tests.stage.git import GitServer, Repo

TWO = {"app/a.yaml": config_map("a", k="1"), "app/b.yaml": config_map("b", k="1")}


@pytest.mark.row(1, 2, 46, 31, 33)
def test_a_commit_is_applied_by_itself(world: World, repo: Repo) -> None:
    """Git is pulled: the live object equals the commit, the operation says automated, history names the commit."""
    first = repo.push(TWO)
    world.settings(**{"timeout.reconciliation": "2s", "timeout.reconciliation.jitter": "0s"})
    world.app("shop", repo)
    world.start()
    app = world.until("shop", "Synced", "Healthy")
    assert {"a": {"k": "1"}, "b": {"k": "1"}} == {n: o["data"] for n, o in world.objects("configmaps").items()}
    assert {"automated": True} == app["status"]["operationState"]["operation"]["initiatedBy"]
    assert [first] == [entry["revision"] for entry in app["status"]["history"]]
    second = repo.push({"app/a.yaml": config_map("a", k="2")})
    world.wait("the new value", lambda: world.objects("configmaps")["a"]["data"] == {"k": "2"})

    def settled() -> t.Any:
        found = world.get("shop")
        return found if (found["status"]["sync"]["revision"], sync_of(found)) == (second, "Synced") else None

    app = world.wait("Synced at the new revision", settled)
    assert [0, 1] == [entry["id"] for entry in app["status"]["history"]]
    assert "operation" not in app


@pytest.mark.row(47, 59)
def test_without_automated_nothing_is_applied_until_somebody_asks(world: World, repo: Repo) -> None:
    """Two Applications of one repository: the automated one syncs, the other stays OutOfSync until `operation`."""
    commit = repo.push({"staging/a.yaml": config_map("staging"), "production/a.yaml": config_map("production")})
    world.app("staging", repo, "staging")
    world.app("production", repo, "production", policy={})
    world.start()
    world.until("staging", "Synced")
    world.until("production", "OutOfSync", "Missing")
    assert {"staging"} == set(world.objects("configmaps"))
    world.sync("production")
    app = world.until("production", "Synced", "Healthy")
    assert {"staging", "production"} == set(world.objects("configmaps"))
    state = app["status"]["operationState"]
    assert ("Succeeded", commit) == (state["phase"], state["syncResult"]["revision"])
    assert not state["operation"].get("initiatedBy", {}).get("automated")


@pytest.mark.row(48)
def test_what_left_git_is_pruned_only_when_asked(world: World, repo: Repo) -> None:
    """Prune true deletes the object; prune false lists it as requiring pruning and keeps it."""
    repo.push({f"{name}/{n}.yaml": config_map(f"{name}-{n}") for name in ("on", "off") for n in "ab"})
    world.app("on", repo, "on")
    world.app("off", repo, "off", policy={"automated": {"prune": False}})
    world.start()
    world.until("on", "Synced")
    world.until("off", "Synced")
    repo.push({"on/b.yaml": None, "off/b.yaml": None})
    world.refresh("on")
    world.refresh("off")
    world.wait("on-b to go", lambda: "on-b" not in world.objects("configmaps"))
    world.until("on", "Synced")
    app = world.until("off", "OutOfSync")
    assert {"on-a", "off-a", "off-b"} == set(world.objects("configmaps"))
    assert [("off-b", True)] == [
        (r["name"], r["requiresPruning"]) for r in app["status"]["resources"] if r.get("requiresPruning")
    ]


@pytest.mark.row(4, 8, 10, 49, 50)
def test_drift_is_seen_at_once_and_healed_where_asked(world: World, repo: Repo) -> None:
    """With the interval at an hour a changed replica count is seen in seconds; selfHeal sets it back."""
    repo.push({"heal/d.yaml": deployment("heal"), "keep/d.yaml": deployment("keep")})
    world.settings(**{"timeout.reconciliation": "1h"})
    world.app("heal", repo, "heal")
    world.app("keep", repo, "keep", policy={"automated": {"selfHeal": False}})
    world.start()
    world.until("heal", "Synced", "Healthy")
    world.until("keep", "Synced", "Healthy")
    path = f"/apis/apps/v1/namespaces/{world.destination}/deployments/"
    before = len(world.of(SyncAttempted))
    started = time.monotonic()
    world.change(path + "keep", {"spec": {"replicas": 3}})
    world.until("keep", "OutOfSync", timeout=5)
    world.change(path + "heal", {"spec": {"replicas": 3}})
    world.wait("the heal", lambda: world.cluster.get(path + "heal")["spec"]["replicas"] == 1, 10)
    assert time.monotonic() - started < 15
    app = world.until("heal", "Synced")
    assert 3 == world.cluster.get(path + "keep")["spec"]["replicas"]
    heals = [event for event in world.of(SyncAttempted)[before:] if event.key.name == "heal" and event.final]
    assert [True] == [event.self_heal for event in heals]
    sync = app["status"]["operationState"]["operation"]["sync"]
    assert ["heal"] == [r["name"] for r in sync["resources"]]
    world.change(path + "heal", {"spec": {"replicas": 4}})
    world.wait("the second heal", lambda: world.cluster.get(path + "heal")["spec"]["replicas"] == 1, 10)
    app = world.until("heal", "Synced")
    world.wait(
        "its count",
        lambda: world.get("heal")["status"]["operationState"]["operation"]["sync"].get("autoHealAttemptsCount") == 2,
    )
    assert 1 == len(app["status"]["history"]), "a self-heal is no deployment"


@pytest.mark.row(51)
def test_a_missing_namespace_is_created_first(world: World, repo: Repo) -> None:
    """CreateNamespace=true: the namespace is there before anything else, without it the sync fails."""
    repo.push({"app/a.yaml": config_map("a")})
    missing = f"{world.destination}-new"
    destination = {"server": "https://kubernetes.default.svc", "namespace": missing}
    world.app("without", repo, destination=destination, policy={"automated": {}, "retry": {"limit": 0}})
    world.start()
    assert "not found" in world.until_condition("without", "SyncError")
    try:
        world.app("with", repo, destination=destination, policy={**AUTOMATED, "syncOptions": ["CreateNamespace=true"]})
        world.until("with", "Synced", "Healthy")
        assert 200 == world.cluster.request("GET", f"/api/v1/namespaces/{missing}/configmaps/a").status
    finally:
        world.cluster.request("DELETE", f"/api/v1/namespaces/{missing}")


@pytest.mark.row(33)
def test_cluster_scoped_objects_get_no_namespace(world: World, repo: Repo) -> None:
    """A ClusterRole of the source is applied without a namespace and pruned again."""
    name = f"{world.destination}-role"
    role = f'{{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{{"name":"{name}"}}}}'
    repo.push({"app/r.yaml": role, "app/a.yaml": config_map("a")})
    world.app("shop", repo)
    world.start()
    app = world.until("shop", "Synced")
    assert [None] == [r.get("namespace") for r in app["status"]["resources"] if r["kind"] == "ClusterRole"]
    repo.push({"app/r.yaml": None})
    world.refresh("shop")
    path = f"/apis/rbac.authorization.k8s.io/v1/clusterroles/{name}"
    world.wait("the role to go", lambda: world.cluster.request("GET", path).status == 404)


@pytest.mark.row(60)
def test_ignored_differences_do_not_count(world: World, repo: Repo) -> None:
    """Replicas changed by an autoscaler stay Synced, another field is still drift."""
    repo.push({"app/d.yaml": deployment("web")})
    ignore = [{"group": "apps", "kind": "Deployment", "jsonPointers": ["/spec/replicas"]}]
    world.app("shop", repo, policy={"automated": {}}, ignoreDifferences=ignore)
    world.start()
    world.until("shop", "Synced", "Healthy")
    path = f"/apis/apps/v1/namespaces/{world.destination}/deployments/web"
    world.change(path, {"spec": {"replicas": 2}})
    world.wait("both replicas", lambda: world.cluster.get(path)["status"].get("availableReplicas") == 2)
    world.refresh("shop")
    world.wait("the answer", lambda: not world.get("shop")["metadata"].get("annotations"))
    assert "Synced" == sync_of(world.get("shop"))
    world.change(path, {"spec": {"paused": True}})
    world.change(path, {"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "nginx:2"}]}}}})
    world.until("shop", "OutOfSync")


@pytest.mark.row(66)
def test_when_all_is_well_nothing_is_requested(world: World, repo: Repo, git_server: GitServer) -> None:
    """Synced and Healthy: no comparison, no write, no read; only watches and one question to Git per interval."""
    repo.push({f"shop-{n}/a.yaml": config_map(f"a-{n}") for n in range(4)})
    world.settings(**{"timeout.reconciliation": "2s", "timeout.reconciliation.jitter": "0s"})
    for n in range(4):
        world.app(f"shop-{n}", repo, f"shop-{n}")
    world.start()
    for n in range(4):
        world.until(f"shop-{n}", "Synced", "Healthy")
    time.sleep(1.5)
    before = {n: world.get(f"shop-{n}")["metadata"]["resourceVersion"] for n in range(4)}
    turns, git = len(world.of(TurnFinished)), len(world.of(GitRequestFinished))
    requests = sum(git_server.counts("apps.git").values())
    time.sleep(6.5)
    later = world.of(TurnFinished)[turns:]
    assert len(later) >= 8
    assert not [turn for turn in later if turn.compared]
    assert before == {n: world.get(f"shop-{n}")["metadata"]["resourceVersion"] for n in range(4)}
    assert 2 <= len(world.of(GitRequestFinished)[git:]) <= 5
    assert requests < sum(git_server.counts("apps.git").values())


@pytest.mark.row(6)
def test_one_turn_has_its_stages_in_order(world: World, repo: Repo) -> None:
    """Poll, render, compare, decide, apply, judge health, report."""
    repo.push(TWO)
    world.app("shop", repo)
    world.start()
    world.until("shop", "Synced")
    world.wait("the turns", lambda: len(world.of(SyncAttempted)) == 1)
    turns = [turn for turn in world.of(TurnFinished) if turn.compared]
    refresh = next(turn for turn in turns if turn.queue == "refresh")
    assert ["git", "render", "compare", "policy", "health", "status"] == [stage.name for stage in refresh.stages]
    operation = next(turn for turn in turns if turn.queue == "operation")
    names = [stage.name for stage in operation.stages]
    assert ["policy", "render", "compare", "apply"] == names[:4]
    assert all(stage.start <= stage.end for turn in turns for stage in turn.stages)


@pytest.mark.row(13)
def test_fields_that_lynceus_does_not_know_survive(world: World, repo: Repo) -> None:
    """An Application with fields of all kinds is read, synced, and its spec is never touched."""
    repo.push(TWO)
    world.app("shop", repo, info=[{"name": "url", "value": "https://shop.example"}], revisionHistoryLimit=3)
    before = world.get("shop")["spec"]
    world.start()
    world.until("shop", "Synced")
    assert before == world.get("shop")["spec"]


@pytest.mark.row(5)
def test_the_interval_is_a_setting_that_changes_while_running(world: World, repo: Repo, git_server: GitServer) -> None:
    """timeout.reconciliation of argocd-cm sets the pace of questions to Git, without a restart."""
    repo.push(TWO)
    world.settings(**{"timeout.reconciliation": "1h", "timeout.reconciliation.jitter": "0s"})
    world.app("shop", repo)
    world.start()
    world.until("shop", "Synced")
    time.sleep(1.0)
    git_server.clear_log()
    time.sleep(2.0)
    assert 0 == git_server.counts("apps.git")["ls-remote"]
    world.settings(**{"timeout.reconciliation": "1s", "timeout.reconciliation.jitter": "0s"})
    time.sleep(5.0)
    assert 3 <= git_server.counts("apps.git")["ls-remote"] <= 6


def test_skip_reconcile_leaves_an_application_alone(world: World, repo: Repo) -> None:
    """The annotation stops everything; without it the Application is picked up."""
    repo.push(TWO)
    world.app("shop", repo)
    world.patch("shop", {"metadata": {"annotations": {"argocd.argoproj.io/skip-reconcile": "true"}}})
    world.start()
    time.sleep(1.0)
    assert "status" not in world.get("shop")
    world.patch("shop", {"metadata": {"annotations": {"argocd.argoproj.io/skip-reconcile": None}}})
    world.until("shop", "Synced")
    assert "Healthy" == health_of(world.get("shop"))
    assert {} == conditions_of(world.get("shop"))
