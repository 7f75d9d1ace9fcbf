"""A push that reaches the whole program by its webhook: synced within seconds though the poll interval is an hour."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from model.events import PushReceived, TurnFinished, WebhookMoved
from tests.scenarios.house import SECRET, running
from tests.scenarios.world import World, config_map
from tests.stage.git import GitServer, Repo


@pytest.mark.row(7)
def test_a_signed_push_is_synced_in_seconds(world: World, repo: Repo, git_server: GitServer, tmp_path: Path) -> None:
    """One list of refs and one fetch serve all Applications of the repository; each turn knows when the push came."""
    repo.push({f"app-{n}/a.yaml": config_map(f"a-{n}", k="1") for n in range(5)})
    world.settings(**{"timeout.reconciliation": "1h"})
    for n in range(5):
        world.app(f"shop-{n}", repo, f"app-{n}")
    with running(world, tmp_path) as house:
        house.secret(**{"webhook.github.secret": SECRET})
        for n in range(5):
            world.until(f"shop-{n}", "Synced", "Healthy", timeout=40)
        git_server.clear_log()
        commit = repo.push({f"app-{n}/a.yaml": config_map(f"a-{n}", k="2") for n in range(5)})
        began = time.monotonic()
        assert 202 == house.push(repo, commit)
        assert time.monotonic() - began < 1.0
        world.wait(
            "the new values", lambda: {"2"} == {o["data"]["k"] for o in world.objects("configmaps").values()}, 5.0
        )
        took = time.monotonic() - began
        assert took < 5.0
        counts = git_server.counts("apps.git")
        assert (True, 1) == (counts["ls-remote"] <= 2, counts["fetch"]), counts
        told = house.of(PushReceived)
        assert {(f"shop-{n}", commit) for n in range(5)} == {(one.key.name, one.revision) for one in told}
        turns = [turn for turn in house.of(TurnFinished) if turn.pushed_at is not None]
        assert {f"shop-{n}" for n in range(5)} == {turn.key.name for turn in turns}
        assert {one.at for one in told} == {turn.pushed_at for turn in turns}
        assert [202] == [one.status for one in house.of(WebhookMoved) if one.ended]


def test_a_forged_push_is_nothing(world: World, repo: Repo, tmp_path: Path) -> None:
    """Without a secret the endpoint is off, with one a wrong signature is refused, and a `$name:key` is followed."""
    commit = repo.push({"app/a.yaml": config_map("a")})
    world.app("shop", repo)
    with running(world, tmp_path) as house:
        world.until("shop", "Synced", timeout=40)
        assert 404 == house.push(repo, commit)
    with running(world, tmp_path) as house:
        house.secret("hooks", {"app.kubernetes.io/part-of": "argocd"}, github=SECRET)
        house.secret(**{"webhook.github.secret": "$hooks:github", "webhook.gogs.secret": "$elsewhere:x"})
        world.wait("the Application", lambda: house.lynceus.manager.applications(), 20)
        assert 400 == house.push(repo, commit, secret="wrong")
        assert 202 == house.push(repo, commit)


def test_an_observing_house_notes_pushes_and_writes_nothing(world: World, repo: Repo, tmp_path: Path) -> None:
    """The event is there, the Application is as it was."""
    commit = repo.push({"app/a.yaml": config_map("a")})
    world.app("shop", repo)
    with running(world, tmp_path, mode="observe") as house:
        house.secret(**{"webhook.github.secret": SECRET})
        world.wait("the Application", lambda: house.lynceus.manager.applications(), 20)
        before = world.get("shop")
        assert 202 == house.push(repo, commit)
        world.wait("the event", lambda: house.of(PushReceived), 5)
        time.sleep(0.5)
        assert before == world.get("shop")


def test_only_what_the_changed_files_concern_is_refreshed(world: World, repo: Repo, tmp_path: Path) -> None:
    """manifest-generate-paths: of two Applications with it, the one whose folder changed."""
    files = {f"{name}/a.yaml": config_map(name) for name in ("web", "api")}
    old = repo.push(files)
    world.settings(**{"timeout.reconciliation": "1h"})
    for name in ("web", "api"):
        world.app(name, repo, name)
        world.patch(name, {"metadata": {"annotations": {"argocd.argoproj.io/manifest-generate-paths": "."}}})
    with running(world, tmp_path) as house:
        house.secret(**{"webhook.github.secret": SECRET})
        for name in ("web", "api"):
            world.until(name, "Synced", timeout=40)
        commit = repo.push({"web/a.yaml": config_map("web", k="2")})
        changed = [{"id": commit, "added": [], "modified": ["web/a.yaml"], "removed": []}]
        assert 202 == house.push(repo, commit, before=old, commits=changed)
        world.wait("the new value", lambda: world.objects("configmaps")["web"]["data"] == {"k": "2"}, 5)
        assert ["web"] == [one.key.name for one in house.of(PushReceived)]


def test_a_storm_of_pushes_is_a_few_looks(world: World, repo: Repo, git_server: GitServer, tmp_path: Path) -> None:
    """Two hundred pushes to one repository of twenty Applications: quick answers, few lists of refs, one fetch."""
    repo.push({f"app-{n}/a.yaml": config_map(f"a-{n}") for n in range(20)})
    world.settings(**{"timeout.reconciliation": "1h"})
    for n in range(20):
        world.app(f"shop-{n}", repo, f"app-{n}")
    with running(world, tmp_path) as house:
        house.secret(**{"webhook.github.secret": SECRET})
        for n in range(20):
            world.until(f"shop-{n}", "Synced", timeout=60)
        git_server.clear_log()
        commit = repo.push({f"app-{n}/a.yaml": config_map(f"a-{n}", k="2") for n in range(20)})
        began, slowest = time.monotonic(), 0.0
        for n in range(200):
            asked = time.monotonic()
            assert 202 == house.push(repo, commit, before=f"{n + 1:040x}")
            slowest = max(slowest, time.monotonic() - asked)
        world.wait(
            "the new values", lambda: {"2"} == {o["data"].get("k") for o in world.objects("configmaps").values()}, 30
        )
        time.sleep(1.5)
        took = time.monotonic() - began
        counts = git_server.counts("apps.git")
        assert slowest < 1.0
        assert 1 == counts["fetch"]
        assert counts["ls-remote"] <= took + 2, (counts, took)
