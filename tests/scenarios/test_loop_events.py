"""What the loop tells of its own work: requests and writes on behalf of Applications, queues, leadership, orphans."""

from __future__ import annotations

import collections

from model.events import ApiRequestFinished, QueueMoved, WriteMoved
from tests.scenarios.world import World, config_map
from tests.stage.git import Repo

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
