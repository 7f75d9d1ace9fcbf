"""Events -> instruments: which event moves which metric. Keeps no state of its own; never raises for odd input."""

from __future__ import annotations

import re
import typing as t

from exporter.applications import Applications
from exporter.instruments import Instruments
from exporter.labels import repository
from model import events

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")

_WORD = re.compile(r"[a-z][a-z0-9-]*(?: [a-z][a-z0-9-]*){0,3}")
"""What a trigger may look like as a label value; anything else may hold names and is written `other`."""

_MOST_TRIGGERS = 40
_REQUEST_TYPES = ("ls-remote", "fetch")
_RESULTS = ("success", "error")


class Listener:
    """Moves metrics when something happens in the loop."""

    def __init__(
        self, applications: Applications, instruments: Instruments, now: t.Callable[[], float] | None = None
    ) -> None:
        """Join the two stores of series.

        Args:
            applications: the per-application families.
            instruments: everything else.
            now: the clock, in Unix seconds; None takes the machine's.
        """
        self._applications, self._instruments, self._now = applications, instruments, now
        self._triggers: set[str] = set()
        self._on: dict[type[events.Event], t.Callable[[t.Any], None]] = {
            events.ApplicationChanged: applications.changed,
            events.ApplicationDeleted: applications.deleted,
            events.SyncAttempted: applications.attempted,
            events.SyncPermission: applications.permitted,
            events.ClusterObserved: instruments.clusters.observed,
            events.TurnFinished: self._turn,
            events.RepositoryKnown: self._repository,
            events.GitRequestFinished: self._git_request,
            events.DecisionMade: self._decision,
            events.PolicyLoaded: self._policy,
            events.ProjectChanged: self._project,
            events.FreezeOverridden: self._override,
            events.RenderFinished: self._render,
        }

    def listen(self, event: events.Event) -> None:
        """Move what this event moves; events without a metric are ignored."""
        if (reaction := self._on.get(type(event))) is not None:
            reaction(event)

    def _count(self, name: str, *values: str, by: float = 1) -> None:
        if (counter := self._instruments.counter(name, *values)) is not None:
            counter.inc(by)

    def _observe(self, name: str, seconds: float, *values: str) -> None:
        if (histogram := self._instruments.histogram(name, *values)) is not None:
            histogram.observe(max(seconds, 0.0))

    def _turn(self, event: events.TurnFinished) -> None:
        if not event.idle:
            self._busy_turn(event)

    def _busy_turn(self, event: events.TurnFinished) -> None:
        seconds = event.end - event.start
        if event.queue == "refresh":
            self._observe("argocd_app_reconcile", seconds, event.key.namespace, event.dest_server)
        self._count("lynceus_reconcile_total", self._trigger(event.reason), "error" if event.error else "success")
        self._observe("lynceus_reconcile_duration_seconds", seconds)
        for stage in event.stages:
            self._observe("lynceus_reconcile_stage_seconds", stage.end - stage.start, stage.name)

    def _trigger(self, reason: str) -> str:
        """Return the reason's words up to the first detail, from a set that cannot grow without end."""
        found = _WORD.match(reason.lower())
        word = found[0] if found else "other"
        if word not in self._triggers and len(self._triggers) >= _MOST_TRIGGERS:
            return "other"
        self._triggers.add(word)
        return word

    def _repository(self, event: events.RepositoryKnown) -> None:
        """Bear the four counters at 0, so that the first failure is a step that increase() can see."""
        for request_type in _REQUEST_TYPES:
            for result in _RESULTS:
                self._count("argocd_git_request_total", repository(event.repo), request_type, result, by=0)

    def _git_request(self, event: events.GitRequestFinished) -> None:
        repo = repository(event.repo)
        self._count("argocd_git_request_total", repo, event.request_type, event.result)
        if (event.request_type, event.result) == ("ls-remote", "error"):
            # With the server down no fetch gets as far as being tried; the well-known alert asks for fetches only.
            self._count("argocd_git_request_total", repo, "fetch", "error")
        self._observe("argocd_git_request_duration_seconds", event.seconds, repo, event.request_type)
        if event.result == "error":
            name = "fetch" if event.request_type == "fetch" else "lsremote"
            revision = "commit" if _COMMIT.fullmatch(event.revision) else event.revision
            self._count(f"argocd_git_{name}_fail_total", repo, revision)

    def _decision(self, event: events.DecisionMade) -> None:
        effect = event.decision.effect.value
        self._count("lynceus_policy_decisions_total", effect, event.resource, event.action, event.source)

    def _project(self, event: events.ProjectChanged) -> None:
        """Bear the project's counter at 0, so that the first override is a step that increase() can see."""
        if not event.deleted:
            self._count("lynceus_freeze_overrides_total", event.name, by=0)

    def _override(self, event: events.FreezeOverridden) -> None:
        self._count("lynceus_freeze_overrides_total", event.project)

    def _policy(self, event: events.PolicyLoaded) -> None:
        if not event.ok:
            self._count("lynceus_policy_reload_failures_total")
            return
        gauge = self._instruments.gauge("lynceus_policy_last_reload_timestamp_seconds")
        if gauge is not None and self._now is None:
            gauge.set_to_current_time()
        elif gauge is not None and self._now is not None:
            gauge.set(self._now())

    def _render(self, event: events.RenderFinished) -> None:
        self._count("lynceus_render_cache_requests_total", event.tool, event.result)
        if event.result == "miss":
            self._observe("lynceus_render_duration_seconds", event.seconds, event.tool)
