"""The listener on the bus that keeps a state for each Application and publishes what the tracker finds.

It never blocks or fails the loop: the tracker is pure, Git is asked by `historian` and the memory is written by
`keeper`, each in threads of their own. Made by lynceus.wiring, the same in both modes.
"""

from __future__ import annotations

import logging
import threading
import typing as t

import msgspec

from controller.applications import is_newer
from controller.clock import Clock
from controller.delivery import commits, questions, tracker
from controller.delivery.facts import Ended, Facts
from controller.delivery.historian import Answer, Historian, HowFarBehind, Sources
from controller.delivery.keeper import Keeper, Store
from controller.delivery.state import State
from model.application import Application
from model.events import (
    ApplicationChanged,
    ApplicationDeleted,
    CommitsBehind,
    Event,
    PushReceived,
    Standing,
    SyncPermission,
    TurnFinished,
)
from model.meta import NamespacedName

log = logging.getLogger(__name__)

PUSHES = 20
"""Pushes remembered for one Application, the newest."""
NO_ENVIRONMENT = "none"

_Early = ApplicationChanged | SyncPermission


class _Entry:
    """What is kept of one Application."""

    __slots__ = ("app", "behind", "blocked", "compared", "pushes", "server", "state", "wanted")

    def __init__(self) -> None:
        self.app: Application | None = None
        self.server = ""
        self.state: State | None = None
        self.blocked: bool | None = None
        self.compared: float | None = None
        self.pushes: dict[str, float] = {}
        self.wanted: list[HowFarBehind] | None = None
        self.behind: CommitsBehind | None = None


class Delivery:
    """Drift, deployments and distance from Git of all Applications."""

    def __init__(
        self,
        *,
        publish: t.Callable[[Event], None],
        clock: Clock,
        mode: t.Literal["reconcile", "observe"],
        sources: Sources,
        store: Store | None = None,
        environment_label: str = "environment",
        save_seconds: float = 15.0,
    ) -> None:
        """Join the parts; nothing is started or read yet.

        Args:
            publish: takes the events; must not block and not raise.
            clock: the time.
            mode: observe reads attempts of syncs from the Applications too.
            sources: has the repositories.
            store: the memory over restarts; None: there is none.
            environment_label: the label of an Application whose value is the environment.
            save_seconds: the memory is written at most so often.
        """
        self._publish, self._clock, self._observe = publish, clock, mode == "observe"
        self._label = environment_label
        self._lock = threading.RLock()
        self._entries: dict[NamespacedName, _Entry] = {}
        self._early: dict[tuple[type[Event], NamespacedName], _Early] | None = {} if store is not None else None
        self._remembered: dict[str, State] = {}
        self._historian = Historian(sources, clock)
        self._keeper = Keeper(
            store, clock, loaded=self._loaded, snapshot=self._snapshot, publish=publish, seconds=save_seconds
        )

    def start(self) -> None:
        """Begin to read the memory and to ask Git; versions that come before it is read wait for it."""
        self._historian.start()
        self._keeper.start()

    def stop(self) -> None:
        """Publish what is held back, write the memory once more, end the threads."""
        self._historian.stop()
        self._keeper.stop()

    def listen(self, event: Event) -> None:
        """Take an event of the bus."""
        if isinstance(event, ApplicationChanged | SyncPermission):
            with self._lock:
                if not self._is_early(event):
                    self._take(event)
        elif isinstance(event, ApplicationDeleted):
            self._deleted(event.key)
        elif isinstance(event, PushReceived):
            with self._lock:
                self._pushed(event)
        elif isinstance(event, TurnFinished) and event.compared and not event.error:
            with self._lock:
                self._compared(event)

    def _is_early(self, event: _Early) -> bool:
        """Put an event aside while the memory is not read yet; the newest of each Application is enough."""
        if self._early is None:
            return False
        name = (type(event), _key(event))
        if isinstance(event, ApplicationChanged) or (ApplicationChanged, name[1]) in self._early:
            self._early[name] = event
        return True

    def _loaded(self, remembered: dict[str, State]) -> None:
        """Take the memory, then what came before it was read."""
        with self._lock:
            self._remembered = remembered
            early, self._early = self._early or {}, None
            for event in sorted(early.values(), key=lambda e: isinstance(e, SyncPermission)):
                try:
                    self._take(event)
                except Exception:  # as at the bus: one Application takes no other's memory away
                    log.exception("a version could not be judged", extra={"application": str(_key(event))})

    def _take(self, event: _Early) -> None:
        """Take a version or a permission; the lock is held."""
        if isinstance(event, ApplicationChanged):
            self._changed(event)
            return
        entry = self._entries.get(event.key)
        blocked = not event.automated.allowed
        if entry is not None and entry.app is not None and entry.blocked != blocked:
            entry.blocked = blocked
            self._step(entry, entry.app, first=False)

    def _changed(self, event: ApplicationChanged) -> None:
        app = event.application
        entry = self._entries.setdefault(app.key, _Entry())
        if entry.app is not None and not is_newer(app.metadata.resource_version, entry.app.metadata.resource_version):
            return
        first = entry.app is None
        if first:
            entry.state = self._remembered.pop(str(app.key), None)
        entry.server = event.dest_server
        self._step(entry, app, first=first)

    def _step(self, entry: _Entry, app: Application, *, first: bool) -> None:
        """Let the tracker look at a version, and tell what it finds."""
        before = entry.state
        facts = Facts(
            first=first,
            blocked=entry.blocked,
            pushes=tuple(entry.pushes.items()),
            compared_at=entry.compared,
            observe=self._observe,
            dest_server=entry.server,
            environment=(app.metadata.labels or {}).get(self._label) or NO_ENVIRONMENT,
        )
        entry.state, events = tracker.step(before, app, self._clock.now().timestamp(), facts)
        entry.app = app
        if entry.state != before:
            self._keeper.changed()
        for event in events:
            self._tell(app, event)
        self._look_ahead(entry, app, before)
        self._ask_behind(entry, app)

    def _tell(self, app: Application, event: Event | Ended) -> None:
        """Publish what happened; what is counted waits until the memory knows that it was."""
        if isinstance(event, Standing):
            self._publish(event)
        elif isinstance(event, Ended):
            self._ask_commits(app, event)
        else:
            self._keeper.hold(event)

    def _ask_commits(self, app: Application, ended: Ended) -> None:
        """Complete the end of a deployment with the times of its commits."""

        def then(answers: list[Answer]) -> None:
            times = tuple(answer if isinstance(answer, float) else None for answer in answers)
            self._keeper.hold(commits.completed(ended, times))

        asked = questions.commit_times(app, ended.questions)
        self._historian.ask(object(), asked or (), then)

    def _look_ahead(self, entry: _Entry, app: Application, before: State | None) -> None:
        """Ask for the time of a commit when it is first seen, so that it is known when it is deployed."""
        seen = entry.state.seen if entry.state is not None else None
        if seen is None or entry.state is None or (before is not None and before.seen == seen):
            return
        asked = questions.commit_times(app, commits.questions(seen.what, entry.state.last))
        self._historian.ask(("ahead", app.key), asked or (), lambda answers: None)

    def _ask_behind(self, entry: _Entry, app: Application) -> None:
        """Ask how far behind the Application is, unless that was asked, and publish an answer that is new."""
        asked = questions.behind(entry.state, app) if entry.state is not None else None
        if asked is not None and asked == entry.wanted:
            return
        entry.wanted = asked
        if asked is None:
            self._historian.drop(("behind", app.key))
            self._behind(entry, app, None, None)
            return

        def then(answers: list[Answer]) -> None:
            with self._lock:
                if self._entries.get(app.key) is entry and entry.wanted == asked:
                    self._behind(entry, app, *_added(answers))

        self._historian.ask(("behind", app.key), asked, then, patient=True)

    def _behind(self, entry: _Entry, app: Application, number: int | None, oldest: float | None) -> None:
        event = CommitsBehind(key=app.key, project=app.spec.project, number=number, oldest=oldest)
        if event != entry.behind and (entry.behind is not None or number is not None):
            self._publish(event)
        entry.behind = event if entry.behind is not None or number is not None else None

    def _deleted(self, key: NamespacedName) -> None:
        """Forget an Application; a deployment under way ends with it and is not counted."""
        with self._lock:
            self._entries.pop(key, None)
            self._remembered.pop(str(key), None)
            if self._early is not None:
                self._early.pop((ApplicationChanged, key), None)
                self._early.pop((SyncPermission, key), None)
            self._historian.drop(("behind", key))
            self._historian.drop(("ahead", key))
            self._keeper.changed()

    def _pushed(self, event: PushReceived) -> None:
        """Remember when a commit was pushed."""
        entry = self._entries.get(event.key)
        if entry is None or not event.revision:
            return
        entry.pushes.setdefault(event.revision, event.at)
        while len(entry.pushes) > PUSHES:
            entry.pushes.pop(next(iter(entry.pushes)))

    def _compared(self, event: TurnFinished) -> None:
        """Hear that the loop compared; while a deployment is under way that may be its end."""
        entry = self._entries.get(event.key)
        if entry is not None and entry.app is not None and entry.state is not None:
            entry.compared = event.start
            if entry.state.underway is not None:
                self._step(entry, entry.app, first=False)

    def _snapshot(self, *, forget: bool) -> dict[str, State]:
        """Return all states that are worth remembering; `forget` those that no Application came for."""
        with self._lock:
            if forget:
                self._remembered.clear()
            states = {str(key): entry.state for key, entry in self._entries.items() if entry.state is not None}
            return {**self._remembered, **{name: state for name, state in states.items() if not _is_default(state)}}


def _key(event: _Early) -> NamespacedName:
    return event.application.key if isinstance(event, ApplicationChanged) else event.key


def _is_default(state: State) -> bool:
    return state == msgspec.structs.replace(State(), uid=state.uid, project=state.project)


def _added(answers: list[Answer]) -> tuple[int | None, float | None]:
    """Add the answers of several sources up; one that is not known makes the sum unknown."""
    known = [answer for answer in answers if isinstance(answer, tuple)]
    if len(known) < len(answers):
        return None, None
    return sum(number for number, _ in known), min((at for _, at in known if at is not None), default=None)
