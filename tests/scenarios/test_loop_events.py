"""What the loop tells of its own work: requests and writes on behalf of Applications, queues, leadership, orphans."""

from __future__ import annotations

import collections
import datetime as dt
import json

import pytest

from model.events import (
    ApiRequestFinished,
    CalendarChanged,
    Leading,
    OrphansCounted,
    QueueMoved,
    RenderFinished,
    SyncPermission,
    WriteMoved,
)
from tests.scenarios.world import World, conditions_of, config_map, sync_of
from tests.stage.git import GitServer, Repo

SIX = {f"app/{name}.yaml": config_map(name) for name in "abcdef"}


def test_writes_carry_their_application(world: World, repo: Repo) -> None:
    """Objects that are applied side by side too; watches serve all; every write that began has ended."""
    repo.push(SIX)
    world.app("shop", repo)
    world.start()
    world.until("shop", "Synced", "Healthy")
    requests = world.of(ApiRequestFinished)
    writes = [event for event in requests if event.kind == "configmaps" and event.verb in ("create", "patch")]
    real = [event for event in writes if not event.dry_run]
    assert 6 == len(real)
    assert {(world.control, "shop", "default", world.destination)} == {
        (*event.application, event.project, event.namespace) for event in writes
    }
    assert {None} == {event.application for event in requests if event.verb == "watch"}
    moves = collections.Counter((event.command, event.ended) for event in world.of(WriteMoved))
    assert {("create", False): len(writes), ("create", True): len(writes)} == moves


def test_queues_tell_what_moves(world: World, repo: Repo) -> None:
    """Both queues, under Argo CD's names; nothing is left at the end."""
    repo.push(SIX)
    world.app("shop", repo)
    manager = world.start()
    world.until("shop", "Synced", "Healthy")
    world.wait("quiet", lambda: all(state.unfinished_seconds == 0 for state in manager.queue_states()))
    names = {"app_reconciliation_queue", "app_operation_processing_queue"}
    assert names == {state.queue for state in manager.queue_states()}
    moves = collections.Counter((event.queue, event.what) for event in world.of(QueueMoved))
    for name in names:
        assert 0 < moves[name, "added"]
        assert moves[name, "taken"] == moves[name, "done"]


@pytest.mark.parametrize("mode", ["reconcile", "observe"])
def test_windows_and_freezes_are_told_as_they_change(world: World, repo: Repo, mode: str) -> None:
    """What opens by the clock, what comes and goes with the project, a clock that is set, in both modes alike."""
    repo.push(SIX)
    world.clock.set("2026-06-15T11:00:00+00:00")
    night = {"kind": "deny", "schedule": "0 22 * * *", "duration": "8h", "applications": ["*"]}
    world.project(syncWindows=[night])
    world.app("shop", repo, policy={})
    world.start(mode=mode, clock_watch=dt.timedelta(seconds=0.1))

    def stands() -> list[tuple[str, bool]]:
        return [(state.window, state.active) for state in world.of(CalendarChanged)[-1].windows]

    world.wait("closed", lambda: stands() == [("spec.syncWindows[0]", False)])
    world.wait("asked", lambda: permission(world) == (True, ""))
    world.clock.set("2026-06-15T21:59:59+00:00")
    world.wait("open", lambda: stands() == [("spec.syncWindows[0]", True)])
    world.wait("blocked", lambda: permission(world) == (False, "window_deny"))
    world.clock.set("2026-06-16T06:00:00+00:00")
    world.wait("closed again", lambda: stands() == [("spec.syncWindows[0]", False)])
    world.wait("let through", lambda: permission(world) == (True, ""))
    world.project(syncWindows=[night, {**night, "kind": "allow"}])
    world.wait("both", lambda: [name for name, _ in stands()] == ["spec.syncWindows[0]", "spec.syncWindows[1]"])
    world.wait("outside", lambda: permission(world) == (False, "outside_allow"))
    freeze = {"reason": "r", "person": "p", "start": "2026-06-16T05:00:00Z", "end": "2026-06-17T00:00:00Z"}
    world.settings("lynceus-cm", **{"freeze.f1": json.dumps(freeze)})
    world.wait("frozen", lambda: [state.active for state in world.of(CalendarChanged)[-1].freezes] == [True])
    world.wait("frozen app", lambda: permission(world) == (False, "freeze"))
    world.settings("lynceus-cm", **{"freeze.f1": json.dumps({**freeze, "stopped": "2026-06-16T05:30:00Z"})})
    world.wait("lifted", lambda: [state.active for state in world.of(CalendarChanged)[-1].freezes] == [False])
    world.project(destinations=[])
    world.wait("project", lambda: permission(world) == (False, "project"))


def permission(world: World) -> tuple[bool, str]:
    """Return the newest answer that was told for an automated sync."""
    told = world.of(SyncPermission)
    assert told
    found = told[-1].automated
    return found.allowed, found.block


def test_permission_is_told_where_nothing_can_be_compared(world: World) -> None:
    """A source that does not answer, a project that forbids, reconciliation that is switched off."""
    world.project("strict", sourceRepos=[])
    world.app("dead", "http://127.0.0.1:1/none.git")
    world.app("forbidden", "http://127.0.0.1:1/none.git", project="strict")
    world.app("skipped", "http://127.0.0.1:1/none.git")
    world.patch("skipped", {"metadata": {"annotations": {"argocd.argoproj.io/skip-reconcile": "true"}}})
    world.start()

    def blocks() -> dict[str, str]:
        return {event.key.name: event.automated.block for event in world.of(SyncPermission)}

    world.wait("all", lambda: blocks() == {"dead": "", "forbidden": "project", "skipped": ""})
    always = {"kind": "deny", "schedule": "* * * * *", "duration": "24h", "applications": ["*"]}
    world.project(syncWindows=[always])
    expected = {"dead": "window_deny", "forbidden": "project", "skipped": "window_deny"}
    world.wait("blocked", lambda: blocks() == expected)


def test_orphans_are_counted_where_the_project_looks_for_them(world: World, repo: Repo) -> None:
    """Without a warning too; 0 where nobody looks, and 0 again when they are gone."""
    repo.push(SIX)
    world.project(orphanedResources={"warn": False})
    world.project("blind")
    world.app("shop", repo)
    world.app("other", repo, project="blind", policy={})
    world.start()
    world.until("shop", "Synced", "Healthy")

    def counts() -> dict[str, int]:
        return {event.key.name: event.number for event in world.of(OrphansCounted)}

    world.wait("none", lambda: counts() == {"shop": 0, "other": 0})
    stray = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "stray"}}
    path = f"/api/v1/namespaces/{world.destination}/configmaps"
    assert 201 == world.cluster.request("POST", path, stray).status
    world.wait("one", lambda: counts() == {"shop": 1, "other": 0})
    assert "OrphanedResourceWarning" not in conditions_of(world.get("shop"))
    world.cluster.request("DELETE", f"{path}/stray")
    world.wait("gone", lambda: counts() == {"shop": 0, "other": 0})
    assert {"default", "blind"} == {event.project for event in world.of(OrphansCounted)}


def test_leadership_is_told_at_start_and_end(world: World) -> None:
    """In both modes the process that runs is the one that works."""
    world.start(mode="observe")
    world.stop()
    assert [True, False] == [event.leading for event in world.of(Leading)]


def test_a_render_that_stays_in_force_is_told_as_stale(world: World, repo: Repo, git_server: GitServer) -> None:
    """While the Git server is away, what was rendered last is what is compared with."""
    repo.push(SIX)
    world.settings(**{"timeout.reconciliation": "1s", "timeout.reconciliation.jitter": "0s"})
    world.app("shop", repo)
    world.start()
    world.until("shop", "Synced", "Healthy")

    def results() -> set[tuple[str, str]]:
        return {(event.tool, event.result) for event in world.of(RenderFinished)}

    assert ("directory", "miss") in results()
    assert ("directory", "stale") not in results()
    git_server.stop()
    world.wait("stale", lambda: ("directory", "stale") in results())
    assert "Synced" == sync_of(world.get("shop"))
