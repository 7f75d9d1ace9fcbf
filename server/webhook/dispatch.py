"""From pushes to refreshes: merged by repository, no faster than the loop can follow, in a thread of its own.

A repository is looked at once at a time, at first without delay; what is pushed to it meanwhile is taken together.
How many pushes wait is bounded by the repositories that Applications use: an address that none of them has is dropped,
whatever stands beside it. Called by `receive`.
"""

from __future__ import annotations

import collections
import functools
import logging
import threading
import typing as t

import msgspec

from model.application import Application, revisions_of
from model.events import Event, PushReceived
from model.meta import NamespacedName
from server.parts import Clock, RefreshPushed
from server.webhook.matching import Index
from server.webhook.pushes import MOST_FILES, Push, RefChange

log = logging.getLogger(__name__)

PAUSE_SECONDS = 1.0
"""Between two looks at one repository."""
PAUSE_PER_APPLICATION = 0.002
"""More of it for each Application that is refreshed: a look at ten thousand keeps the loop busy for so long."""
REPEAT_SECONDS = 10.0
"""A push that says the same as one before it, within this time, brings nothing."""
SECOND_LOOK_SECONDS = 5.0
"""After a push: some Git servers announce it before all their replicas know it."""
INDEX_SECONDS = 1.0
"""Age at which the index of the Applications is made anew."""
IDLE_SECONDS = 10.0
"""The thread ends when nothing was pushed for so long."""
MOST_CHANGES = 10_000
"""Branches and tags of one repository that can wait."""
MOST_REMEMBERED = 10_000
"""Pushes that are remembered, to know their repetitions."""

Outcome = t.Literal["queued", "repeated", "unknown", "full"]
_Name = tuple[str, str]


class _Waiting:
    """What was pushed to one repository since it was looked at last."""

    def __init__(self) -> None:
        self.changes: dict[_Name, tuple[RefChange, float]] = {}
        """Kind and name of what moved -> how, and when the last push of it came, in Unix seconds."""
        self.files: set[str] | None = set()
        self.since = 0.0
        """Monotonic time of the last push."""

    def add(self, push: Push, at: float, since: float) -> None:
        self.changes.update({(one.kind, one.name): (one, at) for one in push.changes})
        self.since = since
        if push.files is None or self.files is None or len(self.files | push.files) > MOST_FILES:
            self.files = None
        else:
            self.files |= push.files


class Dispatcher:
    """Takes pushes and asks for refreshes; thread-safe."""

    def __init__(
        self,
        applications: t.Callable[[], t.Iterable[Application]],
        refresh: RefreshPushed | None,
        publish: t.Callable[[Event], None],
        clock: Clock,
    ) -> None:
        """Prepare; a thread runs only while there are pushes.

        Args:
            applications: all Applications as they are now.
            refresh: asks the loop; None: pushes are only noted.
            publish: told each push to what an Application follows.
            clock: the clocks.
        """
        self._applications, self._refresh, self._publish, self._clock = applications, refresh, publish, clock
        self._changed = threading.Condition()
        self._waiting: dict[str, _Waiting] = {}
        """By address, in the form of `model.urls.repository_key`, as all the others."""
        self._not_before: dict[str, float] = {}
        self._unseen: dict[str, tuple[float, dict[NamespacedName, str]]] = {}
        """When to look again, and at which commit each Application should be by then."""
        self._seen: collections.OrderedDict[tuple[t.Any, ...], float] = collections.OrderedDict()
        self._running = False
        self._index, self._indexed_at = Index(()), float("-inf")
        self._indexing = threading.Lock()

    def offer(self, push: Push) -> tuple[Outcome, str]:
        """Take a push; returns what becomes of it, and how Applications name the repository."""
        index = self._current()
        used, repo = index.used(push), index.known_as(push)
        if not used:
            return "unknown", ""
        push = msgspec.structs.replace(push, repositories=used)
        at, since = self._clock.now().timestamp(), self._clock.monotonic()
        with self._changed:
            if self._repeats(push, since):
                return "repeated", repo
            waiting = {address: self._waiting.get(address) or _Waiting() for address in used}
            if any(len(one.changes) + len(push.changes) > MOST_CHANGES for one in waiting.values()):
                return "full", repo
            for one in waiting.values():
                one.add(push, at, since)
            self._waiting.update(waiting)
            self._remember(push, since)
            self._changed.notify()
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, name="webhook-pushes", daemon=True).start()
        return "queued", repo

    def _repeats(self, push: Push, now: float) -> bool:
        keys = _identities(push)
        return bool(keys) and all(now < self._seen.get(key, float("-inf")) + REPEAT_SECONDS for key in keys)

    def _remember(self, push: Push, now: float) -> None:
        for key in _identities(push):
            self._seen[key] = now
            self._seen.move_to_end(key)
        while len(self._seen) > MOST_REMEMBERED:
            self._seen.popitem(last=False)

    def _run(self) -> None:
        while (work := self._next()) is not None:
            try:
                work()
            except Exception as failure:
                log.exception("a push could not be handled", extra={"error": type(failure).__name__})

    def _next(self) -> t.Callable[[], object] | None:
        """Wait for something to do and return it; None when nothing came for long."""
        with self._changed:
            while True:
                now = self._clock.monotonic()
                if (work := self._due(now)) is not None:
                    return work
                times = [self._not_before[key] - now for key in self._waiting]
                times += [due - now for due, _ in self._unseen.values()]
                if not self._changed.wait(min(times, default=IDLE_SECONDS)) and not times and not self._waiting:
                    self._running = False
                    return None

    def _due(self, now: float) -> t.Callable[[], object] | None:
        """Take what is due now: a repository that was pushed to, or a second look; the lock is held."""
        self._not_before = {key: time for key, time in self._not_before.items() if time > now}
        for key in self._waiting:
            if key not in self._not_before:
                self._not_before[key] = now + PAUSE_SECONDS
                return functools.partial(self._handle, key, self._waiting.pop(key))
        for key, (due, commits) in self._unseen.items():
            if due <= now:
                del self._unseen[key]
                return functools.partial(self._look_again, commits)
        return None

    def _handle(self, address: str, waiting: _Waiting) -> None:
        """Refresh what the pushes concern."""
        changes = tuple(change for change, _ in waiting.changes.values())
        files = None if waiting.files is None else frozenset(waiting.files)
        found = self._current().matches(Push(repositories=frozenset({address}), changes=changes, files=files))
        now = self._clock.monotonic()
        with self._changed:
            self._not_before[address] = now + PAUSE_SECONDS + len(found) * PAUSE_PER_APPLICATION
            if self._refresh is not None and found:
                commits = self._unseen.get(address, (0.0, {}))[1]
                commits.update({match.key: match.change.after for match in found})
                self._unseen[address] = now + SECOND_LOOK_SECONDS, commits
        for match in found:
            at = waiting.changes[(match.change.kind, match.change.name)][1]
            self._publish(
                PushReceived(key=match.key, project=match.project, repo=match.repo, revision=match.change.after, at=at)
            )
            if self._refresh is not None:
                self._refresh(match.key, since=waiting.since, pushed_at=at)
        log.info("push received", extra={"repository": address, "applications": len(found)})

    def _look_again(self, commits: t.Mapping[NamespacedName, str]) -> None:
        """Refresh those that have not come to the commit that was pushed: its server may not have known it yet."""
        now = self._clock.monotonic()
        for app in self._applications():
            wanted = commits.get(app.key)
            if wanted and self._refresh is not None and wanted not in revisions_of(app.status.sync):
                self._refresh(app.key, since=now, pushed_at=None)

    def _current(self) -> Index:
        """Return the index, made anew when it is old."""
        with self._indexing:
            now = self._clock.monotonic()
            if now >= self._indexed_at + INDEX_SECONDS:
                self._index, self._indexed_at = Index(self._applications()), now
            return self._index


def _identities(push: Push) -> list[tuple[t.Any, ...]]:
    """Return what makes a push the same as another one; nothing where it names no commits."""
    if not all(one.before or one.after for one in push.changes):
        return []
    return [(*sorted(push.repositories), one.kind, one.name, one.before, one.after) for one in push.changes]
