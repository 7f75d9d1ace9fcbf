"""One version of an Application being looked at: state, facts and what has happened so far. Pure.

Made by `tracker.step`; the modules of this package change its state and tell its events.
"""

from __future__ import annotations

import functools

from controller.delivery import evidence
from controller.delivery.facts import Ended, Facts
from controller.delivery.state import Deployed, State
from model.application import Application
from model.events import Event
from model.meta import NamespacedName
from model.states import HealthStatus, SyncStatus


class Moment:
    """A version, taken now."""

    def __init__(self, state: State, app: Application, now: float, facts: Facts) -> None:
        """Begin; `state` is a copy that may be changed."""
        self.state, self.app, self.now, self.facts = state, app, now, facts
        self.events: list[Event | Ended] = []

    def tell(self, event: Event | Ended) -> None:
        """Add an event."""
        self.events.append(event)

    @property
    def key(self) -> NamespacedName:
        """Namespace and name."""
        return self.app.key

    @functools.cached_property
    def target(self) -> Deployed:
        """What the version was compared with."""
        return evidence.target(self.app)

    @functools.cached_property
    def finished(self) -> str:
        """What stands for the end of the recorded operation; empty while it has not ended."""
        operation = self.app.status.operation_state
        done = operation is not None and evidence.completed(operation)
        return evidence.finished_identity(operation) if operation is not None and done else ""

    def was_deployed(self, what: Deployed) -> bool:
        """Say whether it was deployed before: then no commit and no push made the change."""
        return what.mark in self.state.past or what.same(self.state.last)

    def pushed(self, what: Deployed, until: float) -> list[float]:
        """Return when commits of it were pushed; not of what was deployed before, for those pushes brought that."""
        if self.was_deployed(what):
            return []
        return [at for revision, at in self.facts.pushes if revision in what.revisions and at <= until]

    @property
    def good(self) -> bool:
        """True when the version is Synced and Healthy."""
        status = self.app.status
        return status.sync.status == SyncStatus.SYNCED and status.health.status == HealthStatus.HEALTHY

    @property
    def working(self) -> bool:
        """True while an operation is asked for or runs."""
        operation = self.app.status.operation_state
        return self.app.operation is not None or (operation is not None and not evidence.completed(operation))

    @property
    def changed_at(self) -> float:
        """When the health became what it is: as the status says, unless that is not of this change."""
        health = self.app.status.health
        when = evidence.before(health.last_transition_time, self.now)
        stale = not self.facts.first and health.last_transition_time == self.state.health_time
        return self.now if when is None or stale else when
