"""Who waits for a repository is told, in order and to the end; who need not wait is not."""

from __future__ import annotations

import threading
import time
import typing as t

import pytest

from controller.clock import SystemClock
from controller.sources.waits import Queue
from model.events import Event, GitRequestFinished, GitWait
from model.source import Source
from tests.controller.builders import FakeClock
from tests.controller.kube.scripted import eventually
from tests.controller.sources.conftest import Stage
from tests.stage.git import GitServer, Repo


@pytest.fixture
def repo(git_server: GitServer) -> Repo:
    """An empty repository."""
    return git_server.create("shop")


def waits(told: list[Event]) -> list[GitWait]:
    return [event for event in list(told) if isinstance(event, GitWait)]


def together(work: t.Callable[[], object], number: int) -> None:
    """Run the same work in so many threads at once."""
    threads = [threading.Thread(target=work) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)


def test_a_free_lock_tells_nothing() -> None:
    """Neither alone nor one after another; also not when the work under it fails."""
    told: list[Event] = []
    queue, lock = Queue("r", told.append, FakeClock()), threading.Lock()
    with queue.holding(lock), queue.holding(threading.Lock()):
        pass
    with pytest.raises(ValueError, match="x"), queue.holding(lock):
        raise ValueError("x")
    assert not lock.locked()
    assert [] == told


def test_each_who_waits_is_counted_and_timed() -> None:
    """The number goes up and down to nobody; every end has its time."""
    told: list[Event] = []
    queue, lock = Queue("r", told.append, SystemClock()), threading.Lock()

    def work() -> None:
        with queue.holding(lock):
            time.sleep(0.01)

    lock.acquire()
    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    eventually(lambda: len(waits(told)) == 3)
    assert [1, 2, 3] == [event.pending for event in waits(told)]
    time.sleep(0.05)
    lock.release()
    for thread in threads:
        thread.join(5)
    ends = waits(told)[3:]
    assert [2, 1, 0] == [event.pending for event in ends]
    assert all(0.05 <= (event.waited or 0) < 5 for event in ends)
    assert {"r"} == {event.repo for event in waits(told)}


def test_threads_that_share_one_list_of_refs_wait_for_it(repo: Repo, stage: Stage, git_server: GitServer) -> None:
    """The one who asks does not wait; the others do, about as long as the request takes."""
    repo.push({"a.yaml": "{}"})
    source = Source(repo_url=repo.url, path=".")
    git_server.fail(delay=0.5)
    together(lambda: stage.service.resolve(source, "default"), 4)
    found = waits(stage.events)
    assert [3, 0] == [max(event.pending for event in found), found[-1].pending]
    assert 3 == len([event for event in found if event.waited is not None])
    assert all(event.waited is None or event.waited > 0.2 for event in found)


def test_a_commit_that_another_fetched_is_no_request(repo: Repo, stage: Stage, git_server: GitServer) -> None:
    """Whoever waited for the fetch of a commit finds it there and asks nobody."""
    commit = repo.push({"a.yaml": "{}"})
    git_server.fail(delay=0.3)
    together(lambda: stage.service.commit_info(repo.url, commit, "default"), 4)
    fetches = [e for e in stage.events if isinstance(e, GitRequestFinished) and e.request_type == "fetch"]
    assert 1 == len(fetches)
    assert 0 == waits(stage.events)[-1].pending
