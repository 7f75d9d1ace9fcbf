"""One Application's story, told version by version, as an Argo CD would write it."""

from __future__ import annotations

import copy
import datetime as dt
import typing as t

import msgspec

from controller.delivery import records, tracker
from controller.delivery.facts import Ended, Facts
from controller.delivery.state import State
from model.application import Application, read_application
from model.durations import format_time
from model.events import DeploymentEnded, Event

START = 1_772_366_400.0
"""2026-03-01T12:00:00Z"""
A, B, C, D = (letter * 40 for letter in "abcd")
URL = "https://git.example/shop.git"
SOURCE = {"repoURL": URL, "path": "shop", "targetRevision": "main"}
DESTINATION = {"server": "https://kubernetes.default.svc", "namespace": "shop"}
Json = dict[str, t.Any]


def stamp(now: float) -> str:
    """Write a time as Kubernetes does, in whole seconds."""
    return format_time(dt.datetime.fromtimestamp(now, dt.UTC))


class Story:
    """Writes versions and lets the tracker see them."""

    def __init__(self, *, observe: bool = False, automated: bool = True, **spec: t.Any) -> None:
        self.now = START
        self.state: State | None = None
        self.events: list[Event | Ended] = []
        self.status: Json = {}
        self.operation: Json | None = None
        self.uid = "uid-shop"
        self.labels: dict[str, str] = {}
        self.spec: Json = {
            "project": "default",
            "source": SOURCE,
            "destination": DESTINATION,
            "syncPolicy": {"automated": {}} if automated else {},
            **spec,
        }
        self.observe, self.blocked = observe, False
        self.pushes: tuple[tuple[str, float], ...] = ()
        self.first = True
        self.ids = 0

    @property
    def app(self) -> Application:
        """The version as it is now."""
        body: Json = {
            "metadata": {
                "name": "shop",
                "namespace": "argocd",
                "uid": self.uid,
                "creationTimestamp": stamp(START - 1000),
            },
            "spec": self.spec,
            "status": self.status,
        }
        if self.operation is not None:
            body["operation"] = self.operation
        return read_application(msgspec.json.encode(copy.deepcopy(body)))

    def see(self, *, after: float = 0.0) -> list[Event | Ended]:
        """Let the tracker see the version that is there, so many seconds later."""
        self.now += after
        facts = Facts(
            first=self.first, blocked=self.blocked, pushes=self.pushes, observe=self.observe, dest_server="https://dest"
        )
        self.first = False
        self.state, events = tracker.step(self.state, self.app, self.now, facts)
        self.events += events
        return list(events)

    def restart(self, *, remembers: bool = True) -> None:
        """Begin a new process, with what the old one wrote."""
        self.first = True
        if not remembers:
            self.state = None
        elif self.state is not None:
            stored = records.decode(records.encode({"argocd/shop": self.state}, 1, self.now))
            self.state = stored.states["argocd/shop"]

    def compared(
        self, sync: str, revision: str | list[str] = A, health: str = "Healthy", *, after: float = 1.0, see: bool = True
    ) -> list[Event | Ended]:
        """Write the outcome of a comparison."""
        self.now += after
        old = self.status.get("health", {})
        when = old.get("lastTransitionTime") if old.get("status") == health else stamp(self.now)
        several = isinstance(revision, list)
        sources = {"sources": self.spec["sources"]} if several else {"source": self.spec.get("source")}
        self.status = {
            **self.status,
            "sync": {
                "status": sync,
                ("revisions" if several else "revision"): revision,
                "comparedTo": {**sources, "destination": DESTINATION},
            },
            "health": {"status": health, "lastTransitionTime": when},
            "reconciledAt": stamp(self.now),
        }
        return self.see() if see else []

    def begin(
        self,
        revision: str | list[str] = B,
        *,
        by: str = "",
        after: float = 1.0,
        heals: int = 0,
        see: bool = True,
        retry: int = 0,
        source: Json | None = None,
        **sync: t.Any,
    ) -> list[Event | Ended]:
        """Begin an operation; without `by` it is an automated one."""
        self.now += after
        several = isinstance(revision, list)
        named = {"revisions": revision} if several else {"revision": revision}
        self.operation = {
            "sync": {**named, **sync, **({"autoHealAttemptsCount": heals} if heals else {})},
            "initiatedBy": {"username": by} if by else {"automated": True},
            **({"retry": {"limit": retry}} if retry else {}),
        }
        sources = {"sources": self.spec["sources"]} if several else {"source": source or self.spec.get("source")}
        self.status["operationState"] = {
            "operation": self.operation,
            "phase": "Running",
            "startedAt": stamp(self.now),
            "syncResult": {**named, **sources},
        }
        return self.see() if see else []

    def retried(self, *, after: float = 1.0, message: str = "it failed") -> list[Event | Ended]:
        """Let an attempt fail that is tried again."""
        self.now += after
        state = self.status["operationState"]
        count = state.get("retryCount", 0) + 1
        state = {**state, "retryCount": count, "finishedAt": stamp(self.now), "message": message}
        self.status = {**self.status, "operationState": state}
        return self.see()

    def finish(
        self, phase: str = "Succeeded", *, message: str = "done", after: float = 1.0, see: bool = True
    ) -> list[Event | Ended]:
        """End the operation, with an entry of the history where Argo CD makes one."""
        self.now += after
        state = {**self.status["operationState"], "phase": phase, "finishedAt": stamp(self.now), "message": message}
        self.operation = None
        self.status = {**self.status, "operationState": state}
        sync = state["operation"]["sync"]
        if phase == "Succeeded" and not sync.get("dryRun") and not sync.get("resources"):
            result = state["syncResult"]
            entry = {**result, "id": self.ids, "deployStartedAt": state["startedAt"], "deployedAt": stamp(self.now)}
            self.ids += 1
            self.status["history"] = [*self.status.get("history", []), entry][-10:]
        return self.see() if see else []

    def deploy(self, revision: str = B, *, by: str = "") -> list[Event | Ended]:
        """Tell a whole deployment that goes well."""
        seen = len(self.events)
        self.compared("OutOfSync", revision)
        self.begin(revision, by=by)
        self.finish()
        self.compared("Synced", revision, "Progressing")
        self.compared("Synced", revision, "Healthy")
        return self.events[seen:]

    def of(self, kind: type[t.Any]) -> list[t.Any]:
        """Return the events of one type; ends of deployments as they would be published without Git."""
        plain = [event.event if isinstance(event, Ended) else event for event in self.events]
        return [event for event in plain if isinstance(event, kind)]

    @property
    def results(self) -> list[str]:
        """How the deployments ended."""
        return [event.result for event in self.of(DeploymentEnded)]


def running(**more: t.Any) -> Story:
    """Return a story whose Application is Synced and Healthy at A, and has been for long."""
    story = Story(**more)
    story.now -= 500
    story.compared("OutOfSync", A, "Missing", see=False)
    story.begin(A, see=False)
    story.finish(see=False)
    story.compared("Synced", A, see=False)
    story.now = START
    story.see()
    return story
