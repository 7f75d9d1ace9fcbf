"""Stand-ins for what the shell of the tracker talks to."""

from __future__ import annotations

import threading
import time
import typing as t
from collections.abc import Callable, Sequence

from controller.delivery.state import State
from model.errors import SourceUnavailable
from model.events import Event


class FakeSources:
    """Repositories with made-up commits; can be slow or broken."""

    def __init__(self) -> None:
        self.times: dict[str, float] = {}
        self.numbers: dict[tuple[str, str], tuple[int, float | None]] = {}
        self.asked: list[tuple[str, ...]] = []
        self.broken = False
        self.open = threading.Event()
        self.open.set()

    def commit_time(self, repo_url: str, project: str, commit: str, before: str, paths: Sequence[str]) -> float:
        """Return what `times` says."""
        self._ask("time", repo_url, commit, before, *paths)
        if commit not in self.times:
            raise SourceUnavailable("no such commit")
        return self.times[commit]

    def behind(
        self, repo_url: str, project: str, deployed: str, tip: str, paths: Sequence[str]
    ) -> tuple[int, float | None]:
        """Return what `numbers` says."""
        self._ask("behind", repo_url, deployed, tip, *paths)
        return self.numbers.get((deployed, tip), (1, 1.0))

    def _ask(self, *question: str) -> None:
        self.asked.append(question)
        assert self.open.wait(10)
        if self.broken:
            raise SourceUnavailable("it does not answer")


class FakeStore:
    """A memory in memory."""

    def __init__(self, states: dict[str, State] | None = None) -> None:
        self.states = states or {}
        self.saves = 0
        self.failures: list[Exception] = []
        self.load_failures: list[Exception] = []
        self.on_save: Callable[[], None] = lambda: None

    def load(self) -> dict[str, State]:
        """Return what was saved last."""
        if self.load_failures:
            raise self.load_failures.pop(0)
        return dict(self.states)

    def save(self, states: dict[str, State]) -> None:
        """Keep the states."""
        self.on_save()
        if self.failures:
            raise self.failures.pop(0)
        self.states = dict(states)
        self.saves += 1


class Heard:
    """Keeps events."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    def of(self, kind: type[t.Any]) -> list[t.Any]:
        """Return the events of one type."""
        return [event for event in list(self.events) if isinstance(event, kind)]


def wait(check: Callable[[], t.Any], seconds: float = 5.0) -> t.Any:
    """Wait until it is true."""
    deadline = time.monotonic() + seconds
    while not (found := check()):
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.005)
    return found
