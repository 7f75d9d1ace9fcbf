"""Policy: decisions, denials, what keeps syncs from running, rules, windows, freezes, admission."""

from __future__ import annotations

import threading
import typing as t

from exporter.applications import Applications
from exporter.choice import MOST_RULES
from exporter.instruments import Instruments
from exporter.reactions import On
from model import events


class Policy:
    """Moves what policy answers."""

    def __init__(self, instruments: Instruments, applications: Applications, now: t.Callable[[], float]) -> None:
        """Start before the first policy.

        Args:
            instruments: what is moved.
            applications: knows what has kept an Application's syncs from running before.
            now: the clock, in Unix seconds.
        """
        self._instruments, self._applications, self._now = instruments, applications, now
        self._rules = _Rules()
        self.on: On = {
            events.DecisionMade: self._decision,
            events.FreezeOverridden: self._override,
            events.PolicyLoaded: self._loaded,
            events.PolicyFindings: self._findings,
            events.PolicyRules: self._put_in_force,
            events.CalendarChanged: self._calendar,
            events.AdmissionReviewed: self._admission,
        }
        instruments.tables.add_source(("lynceus_policy_rule_hits_total",), self._hits)

    def _decision(self, event: events.DecisionMade) -> None:
        decision, count = event.decision, self._instruments.count
        count("lynceus_policy_decisions_total", decision.effect.value, event.resource, event.action, event.source)
        if decision.rule is not None and decision.rule.kind == "rbac":
            self._rules.hit(decision.rule.origin)
        if not decision.allowed and decision.block == "rbac":
            count("lynceus_rbac_denials_total", event.project, event.resource, event.action, event.source)
        if project := self._applications.blocks(event):
            count("lynceus_sync_blocked_total", project, decision.block)

    def _hits(self) -> dict[str, list[tuple[tuple[str], float]]]:
        return {"lynceus_policy_rule_hits_total": [((rule,), hits) for rule, hits in self._rules.counts()]}

    def _put_in_force(self, event: events.PolicyRules) -> None:
        """Take the lines of the policy in force; those of the one before are gone."""
        self._rules.replace(event.rules[:MOST_RULES])
        if cut := len(event.rules) - MOST_RULES:
            for name in ("lynceus_policy_rule_info", "lynceus_policy_rule_hits_total"):
                if cut > 0:
                    self._instruments.dropped(name, cut)
        self._instruments.tables.replace("lynceus_policy_rule_info", [(labels, 1) for labels in self._rules.labels()])

    def _override(self, event: events.FreezeOverridden) -> None:
        self._instruments.count("lynceus_freeze_overrides_total", event.project)

    def _loaded(self, event: events.PolicyLoaded) -> None:
        self._instruments.set("lynceus_policy_last_reload_successful", int(event.ok))
        if event.ok:
            self._instruments.set("lynceus_policy_last_reload_timestamp_seconds", self._now())
        else:
            self._instruments.count("lynceus_policy_reload_failures_total")

    def _findings(self, event: events.PolicyFindings) -> None:
        self._instruments.set("lynceus_policy_findings", event.errors, "error")
        self._instruments.set("lynceus_policy_findings", event.warnings, "warning")

    def _calendar(self, event: events.CalendarChanged) -> None:
        replace = self._instruments.tables.replace
        places = [((w.namespace, w.project, w.window), w) for w in event.windows]
        replace("lynceus_sync_window_active", [((*p, w.kind), int(w.active)) for p, w in places])
        replace("lynceus_sync_window_info", [((*p, *_said(w)), 1) for p, w in places])
        replace("lynceus_sync_window_invalid", [(p, int(w.invalid)) for p, w in places])
        changes = [(p, w.next_change) for p, w in places if w.next_change is not None]
        replace("lynceus_sync_window_next_change_timestamp_seconds", changes)
        replace("lynceus_freeze_active", _freezes(event.freezes).items())
        since = _since(event.freezes)
        replace("lynceus_freeze_since_timestamp_seconds", since.items())

    def _admission(self, event: events.AdmissionReviewed) -> None:
        self._instruments.count("lynceus_admission_requests_total", event.operation, event.decision, event.reason)
        self._instruments.observe("lynceus_admission_request_duration_seconds", event.seconds, event.decision)


def _said(window: events.WindowState) -> tuple[str, ...]:
    """Return what follows the window's name in lynceus_sync_window_info."""
    manual = "true" if window.manual_sync else "false"
    return (window.kind, window.schedule, window.duration, window.time_zone, manual)


def _freezes(freezes: t.Iterable[events.FreezeState]) -> dict[tuple[str, str], int]:
    """Return 1 for each scope and project in which any freeze is in force, 0 for those where none is any more."""
    found: dict[tuple[str, str], int] = {}
    for freeze in freezes:
        place = (freeze.scope, freeze.project)
        found[place] = max(found.get(place, 0), int(freeze.active))
    return found


def _since(freezes: t.Iterable[events.FreezeState]) -> dict[tuple[str, str], float]:
    """Return when the oldest freeze in force of each scope and project began."""
    found: dict[tuple[str, str], float] = {}
    for freeze in freezes:
        if freeze.active and freeze.since is not None:
            place = (freeze.scope, freeze.project)
            found[place] = min(found.get(place, freeze.since), freeze.since)
    return found


class _Rules:
    """How often each line of the policy in force decided. A line that says something else now begins at 0."""

    def __init__(self) -> None:
        self._lines: dict[str, events.RuleInfo] = {}
        self._hits: dict[str, int] = {}
        self._lock = threading.Lock()

    def replace(self, rules: t.Iterable[events.RuleInfo]) -> None:
        """Take the lines in force; what stands where it stood and says what it said keeps its count."""
        with self._lock:
            lines: dict[str, events.RuleInfo] = {}
            for rule in rules:
                lines.setdefault(rule.rule, rule)
            kept = {origin for origin, rule in lines.items() if self._lines.get(origin) == rule}
            self._hits = {origin: self._hits[origin] if origin in kept else 0 for origin in lines}
            self._lines = lines

    def hit(self, origin: str) -> None:
        """Count a decision; lines that are not in force, or were cut off, are not counted."""
        with self._lock:
            if origin in self._hits:
                self._hits[origin] += 1

    def counts(self) -> list[tuple[str, int]]:
        """Return (line, hits)."""
        with self._lock:
            return list(self._hits.items())

    def labels(self) -> list[tuple[str, ...]]:
        """Return the label values of lynceus_policy_rule_info."""
        with self._lock:
            lines = list(self._lines.values())
        return [(r.rule, r.subject, r.resource, r.action, r.object, r.effect) for r in lines]
