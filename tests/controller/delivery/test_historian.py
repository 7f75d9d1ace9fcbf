"""Tests of the threads that ask Git: bounded, patient, and never in anybody's way."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from controller.clock import SystemClock
from controller.delivery import historian
from controller.delivery.historian import Answer, CommitTime, Historian, HowFarBehind
from tests.controller.delivery.fakes import FakeSources, wait

URL = "https://git.example/shop.git"


@pytest.fixture
def sources() -> FakeSources:
    """Repositories that know three commits."""
    made = FakeSources()
    made.times = {"a": 1.0, "b": 2.0, "c": 3.0}
    return made


@pytest.fixture
def asker(sources: FakeSources) -> Iterator[Historian]:
    """A running historian."""
    made = Historian(sources, SystemClock())
    made.start()
    yield made
    sources.open.set()
    made.stop()


def when(commit: str, url: str = URL) -> CommitTime:
    """Return a question."""
    return CommitTime(url, "default", commit, "", ())


def test_answers_come_in_the_order_of_the_questions(asker: Historian) -> None:
    """Of both kinds."""
    heard: list[list[Answer]] = []
    asker.ask("x", [when("b"), HowFarBehind(URL, "default", "a", "b", ()), when("a")], heard.append)
    wait(lambda: heard)
    assert [[2.0, (1, 1.0), 1.0]] == heard


def test_a_question_is_asked_once(asker: Historian, sources: FakeSources) -> None:
    """What is known is answered at once, in the caller's thread."""
    heard: list[list[Answer]] = []
    asker.ask("x", [when("a")], heard.append)
    wait(lambda: heard)
    asker.ask("y", [when("a")], heard.append)
    asker.ask("z", [], heard.append)
    assert [[1.0], [1.0], []] == heard
    assert 1 == len(sources.asked)


def test_a_newer_job_of_the_same_name_replaces_the_older(asker: Historian, sources: FakeSources) -> None:
    """Nobody wants the answer about a commit that is not the newest any more."""
    heard: list[list[Answer]] = []
    sources.open.clear()
    for n in range(historian.THREADS):
        asker.ask(("busy", n), [when("a", f"{URL}{n}")], lambda answers: None)
    wait(lambda: len(sources.asked) == historian.THREADS)
    asker.ask("x", [when("b")], heard.append)
    asker.ask("x", [when("c")], heard.append)
    asker.ask("gone", [when("b")], heard.append)
    asker.drop("gone")
    sources.open.set()
    wait(lambda: heard)
    assert [[3.0]] == heard


def test_a_full_queue_answers_that_it_does_not_know(
    asker: Historian, sources: FakeSources, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once, whatever the repositories do."""
    monkeypatch.setattr(historian, "MOST_JOBS", 3)
    heard: list[list[Answer]] = []
    sources.open.clear()
    for n in range(20):
        asker.ask(n, [when("a", f"{URL}{n}")], heard.append)
    assert len(heard) >= 20 - 3 - historian.THREADS
    assert all(answers == [None] for answers in heard)


def test_a_question_that_failed_is_left_alone(asker: Historian, sources: FakeSources) -> None:
    """It is answered without asking; others are asked."""
    heard: list[list[Answer]] = []
    sources.broken = True
    asker.ask("x", [when("a")], heard.append)
    wait(lambda: heard)
    sources.broken = False
    asker.ask("y", [when("a")], heard.append)
    asker.ask("z", [when("b")], heard.append)
    wait(lambda: len(heard) == 3)
    assert sorted([[None], [None], [2.0]], key=str) == sorted(heard, key=str)
    assert 2 == len(sources.asked)


def test_the_log_has_each_repository_once(
    asker: Historian, sources: FakeSources, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many of its commits are asked for; what failed long ago is forgotten, and told anew."""
    caplog.set_level("INFO")
    sources.broken = True
    heard: list[list[Answer]] = []
    for n in range(6):
        asker.ask(n, [when(f"{n}", f"{URL}{n % 2}")], heard.append)
    wait(lambda: len(heard) == 6)
    lines = [record for record in caplog.records if record.message == "commits cannot be read"]
    assert 2 == len(lines)
    monkeypatch.setattr(historian, "FAILURE_SECONDS", 0.0)
    asker.ask("again", [when("0", f"{URL}0")], heard.append)
    wait(lambda: len(heard) == 7)
    assert 3 == len([record for record in caplog.records if record.message == "commits cannot be read"])
    assert (1, 1) == (len(asker._failed), len(asker._told))


def test_many_failures_cost_no_more_than_few(sources: FakeSources) -> None:
    """A server that lets nobody in is asked about every Application each minute, beside the loop."""
    sources.broken = True
    made = Historian(sources, SystemClock())
    began = time.process_time()
    for n in range(10_000):
        assert made._answer(when(str(n), f"{URL}{n}")) is None
    assert time.process_time() - began < 10


def test_a_patient_job_is_asked_again(asker: Historian, sources: FakeSources, monkeypatch: pytest.MonkeyPatch) -> None:
    """How far behind is told once the repository is back, without anybody asking."""
    monkeypatch.setattr(historian, "FAILURE_SECONDS", 0.05)
    heard: list[list[Answer]] = []
    sources.broken = True
    asker.ask("x", [when("a")], heard.append, patient=True)
    wait(lambda: len(heard) >= 2)
    sources.broken = False
    wait(lambda: heard[-1] == [1.0])
    number = len(heard)
    asker.ask("y", [when("c")], heard.append)
    wait(lambda: heard[-1] == [3.0])
    assert number + 1 == len(heard)


def test_the_memory_of_answers_is_bounded(
    asker: Historian, sources: FakeSources, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest answers go first."""
    monkeypatch.setattr(historian, "MOST_ANSWERS", 2)
    heard: list[list[Answer]] = []
    for n, commit in enumerate(("a", "b", "c", "a")):
        asker.ask(commit, [when(commit)], heard.append)
        wait(lambda n=n: len(heard) == n + 1)
    assert 4 == len(sources.asked)


def test_the_end_answers_what_waits(sources: FakeSources) -> None:
    """With what is known: nothing."""
    made = Historian(sources, SystemClock())
    heard: list[list[Answer]] = []
    made.ask("x", [when("a"), when("b")], heard.append)
    made.stop()
    made.ask("y", [when("a")], heard.append)
    assert [[None, None], [None]] == heard


def test_the_end_answers_what_hangs(asker: Historian, sources: FakeSources) -> None:
    """A deployment whose repository hangs is counted before the process ends, and not again when it answers."""
    heard: list[list[Answer]] = []
    sources.open.clear()
    asker.ask("x", [when("a")], heard.append)
    wait(lambda: sources.asked)
    asker.stop(0.02)
    assert [[None]] == heard
    sources.open.set()
    for thread in asker._threads:
        thread.join(5)
        assert not thread.is_alive()
    assert [[None]] == heard
