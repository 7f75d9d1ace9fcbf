"""Pushes are merged by repository, and no more is asked of the loop than it can follow."""

from __future__ import annotations

import threading
import time
import typing as t

import pytest

from controller.clock import SystemClock
from model.application import ApplicationStatus, SyncState
from model.events import Event, PushReceived
from server.webhook import dispatch
from server.webhook.dispatch import Dispatcher, _Waiting
from server.webhook.pushes import Push, change, repositories
from tests.server.webhook.support import app

SHOP = "https://git.example/team/shop"


def commit(number: int) -> str:
    return f"{number:040x}"


def push(number: int, branch: str = "main", url: str = SHOP, files: frozenset[str] | None = None) -> Push:
    moved = change(f"refs/heads/{branch}", commit(number), commit(number + 1), "main")
    return Push(repositories=repositories([url], "url"), changes=(moved,), files=files)


class Loop:
    """A dispatcher over some Applications, and what the loop heard."""

    def __init__(self, *apps: t.Any) -> None:
        self.refreshed: list[tuple[str, float, float | None]] = []
        self.events: list[Event] = []
        self.apps = list(apps)
        self.dispatcher = Dispatcher(lambda: self.apps, self._refresh, self.events.append, SystemClock())

    def _refresh(self, key: t.Any, *, since: float, pushed_at: float | None) -> None:
        self.refreshed.append((key.name, since, pushed_at))

    def wait(self, count: int, timeout: float = 5.0) -> list[str]:
        until = time.monotonic() + timeout
        while len(self.refreshed) < count and time.monotonic() < until:
            time.sleep(0.005)
        return [name for name, _, _ in self.refreshed]


def test_the_first_push_is_not_held_up_and_the_next_ones_are_merged() -> None:
    """At once; then a second later one refresh for all that came meanwhile, for the newest commit and its time."""
    loop = Loop(app("web"))
    began = time.monotonic()
    assert ("queued", SHOP) == loop.dispatcher.offer(push(1))
    assert ["web"] == loop.wait(1)
    assert time.monotonic() - began < 0.5
    for number in range(2, 50):
        loop.dispatcher.offer(push(number))
        last = time.monotonic()
    assert ["web", "web"] == loop.wait(2)
    assert time.monotonic() - began >= dispatch.PAUSE_SECONDS
    told = [event for event in loop.events if isinstance(event, PushReceived)]
    assert [commit(2), commit(50)] == [event.revision for event in told]
    _, since, pushed_at = loop.refreshed[1]
    assert since == pytest.approx(last, abs=0.2)
    assert pushed_at == told[1].at
    assert ["web", "web"] == loop.wait(3, timeout=1.3)


def test_merged_pushes_concern_what_any_of_them_does() -> None:
    """Files add up; one push without a list makes all of it unknown. Branches stand side by side."""
    note = {"argocd.argoproj.io/manifest-generate-paths": "."}
    loop = Loop(
        app("a", path="a", annotations=note), app("b", path="b", annotations=note), app("dev", revision="dev", path="d")
    )
    loop.dispatcher.offer(push(0, url="https://git.example/team/shop", files=frozenset({"a/x"})))
    assert ["a"] == loop.wait(1)
    loop.dispatcher.offer(push(1, files=frozenset({"b/x"})))
    loop.dispatcher.offer(push(2, files=frozenset({"c/x"})))
    loop.dispatcher.offer(push(2, "dev", files=frozenset({"d/x"})))
    assert ["a", "b", "dev"] == loop.wait(3)


def test_a_second_look_is_taken_at_what_has_not_come_to_the_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once, without a time of a push, and only for those; the thread does not end before."""
    monkeypatch.setattr(dispatch, "SECOND_LOOK_SECONDS", 0.5)
    monkeypatch.setattr(dispatch, "IDLE_SECONDS", 0.05)
    seen = ApplicationStatus(sync=SyncState(revisions=[commit(9), commit(2)]))
    loop = Loop(app("late", status=ApplicationStatus(sync=SyncState(revision=commit(1)))), app("quick", status=seen))
    loop.dispatcher.offer(push(1))
    assert ["late", "quick", "late"] == loop.wait(3)
    first, _, again = loop.refreshed
    assert (None, True) == (again[2], first[2] is not None)
    assert again[1] >= first[1] + 0.5
    assert ["late", "quick", "late"] == loop.wait(4, timeout=0.8)
    assert not loop.dispatcher._running


def test_repositories_do_not_wait_for_each_other() -> None:
    """Each has its own pause."""
    loop = Loop(*[app(f"web-{n}", f"https://git.example/team/r{n}") for n in range(20)])
    began = time.monotonic()
    for n in range(20):
        loop.dispatcher.offer(push(1, url=f"https://git.example/team/r{n}"))
    assert 20 == len(set(loop.wait(20)))
    assert time.monotonic() - began < 1.0


def test_repetitions_are_known_by_their_commits() -> None:
    """The same move again brings nothing; back and forth are two; without commits each counts."""
    loop = Loop(app("web"))
    forth = change("main", commit(1), commit(2), "main")
    back = change("main", commit(2), commit(1), "main")
    mute = change("main", "", "", "main")
    outcomes = [
        loop.dispatcher.offer(Push(repositories=frozenset({"git.example/team/shop"}), changes=(one,)))[0]
        for one in (forth, forth, back, forth, mute, mute)
    ]
    assert ["queued", "repeated", "queued", "repeated", "queued", "queued"] == outcomes


def test_strangers_take_no_room() -> None:
    """A hundred thousand pushes of unknown repositories leave nothing behind, not even a thread."""
    loop = Loop(app("web"))
    for number in range(100_000):
        moved = change("refs/heads/main", commit(1), commit(2), "main")
        stranger = Push(repositories=frozenset({f"git.example/{number}"}), changes=(moved,))
        assert ("unknown", "") == loop.dispatcher.offer(stranger)
    kept = loop.dispatcher
    assert (0, 0, 0, False) == (len(kept._waiting), len(kept._seen), len(kept._not_before), kept._running)


def test_what_waits_has_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many branches of one repository: the sender is told to come back; repetitions are forgotten in order."""
    monkeypatch.setattr(dispatch, "MOST_CHANGES", 5)
    monkeypatch.setattr(dispatch, "MOST_REMEMBERED", 3)
    loop = Loop(app("web"))
    loop.dispatcher.offer(push(0))
    loop.wait(1)
    outcomes = [loop.dispatcher.offer(push(0, f"b{n}"))[0] for n in range(7)]
    assert ["queued"] * 5 + ["full"] * 2 == outcomes
    assert 3 == len(loop.dispatcher._seen)


def test_made_up_addresses_are_no_way_around_the_pause() -> None:
    """Another stranger beside the known address each time: still one repository, that waits as one."""
    loop = Loop(app("web"))
    began = time.monotonic()
    for number in range(500):
        moved = change("refs/heads/main", commit(number), commit(number + 1), "main")
        named = repositories([SHOP, f"https://git.example/stranger/{number}"], "url")
        assert ("queued", SHOP) == loop.dispatcher.offer(Push(repositories=named, changes=(moved,)))
        assert number or ["web"] == loop.wait(1)
    assert {"git.example/team/shop"} >= loop.dispatcher._waiting.keys()
    assert ["web", "web"] == loop.wait(2)[:2]
    assert len(loop.wait(500, timeout=0.3)) <= 1 + (time.monotonic() - began) / dispatch.PAUSE_SECONDS


def test_each_address_that_is_used_is_looked_at() -> None:
    """The web page's and the clone's may differ; who uses either is refreshed, once for all that came meanwhile."""
    other = "https://mirror.example/team/shop"
    loop = Loop(app("web"), app("twin", other))
    named = repositories([SHOP, other], "url")
    for number, looked in enumerate((["twin", "web"], [], ["twin", "twin", "web", "web"])):
        moved = change("refs/heads/main", commit(number), commit(number + 1), "main")
        assert ("queued", SHOP) == loop.dispatcher.offer(Push(repositories=named, changes=(moved,)))
        assert not looked or looked == sorted(loop.wait(len(looked)))


def test_more_files_than_are_kept_mean_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many pushes wait together; what concerns an Application is never lost by that."""
    monkeypatch.setattr(dispatch, "MOST_FILES", 5)
    waiting = _Waiting()
    for number, kept in enumerate((2, 4, None, None)):
        waiting.add(push(number, files=frozenset({f"b/{number}", f"b/x{number}"})), 0.0, 0.0)
        assert kept == (None if waiting.files is None else len(waiting.files))


def test_a_failure_does_not_end_it(caplog: pytest.LogCaptureFixture) -> None:
    """The next push is handled though the one before could not be."""
    loop = Loop(app("web"))
    loop.apps, good = t.cast("t.Any", [None]), loop.apps
    with pytest.raises(AttributeError):
        loop.dispatcher.offer(push(1))
    loop.apps = good
    loop.dispatcher._refresh = lambda key, *, since, pushed_at: 1 / 0
    loop.dispatcher.offer(push(1))
    until = time.monotonic() + 5
    while "could not be handled" not in caplog.text and time.monotonic() < until:
        time.sleep(0.01)
    loop.dispatcher._refresh = loop._refresh
    loop.dispatcher.offer(push(2))
    assert ["web"] == loop.wait(1)


def test_a_storm_over_five_thousand_applications() -> None:
    """A thousand pushes from eight senders: taken at once, and refreshed twice at most."""
    loop = Loop(*[app(f"web-{n}") for n in range(5000)])
    slowest = [0.0]

    def send(first: int) -> None:
        for number in range(first, first + 125):
            began = time.monotonic()
            assert loop.dispatcher.offer(push(number))[0] == "queued"
            slowest[0] = max(slowest[0], time.monotonic() - began)

    senders = [threading.Thread(target=send, args=(n * 1000,)) for n in range(8)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join(30)
    assert slowest[0] < 1.0
    loop.wait(5000)
    time.sleep(0.3)
    assert len(loop.refreshed) in (5000, 10_000)
