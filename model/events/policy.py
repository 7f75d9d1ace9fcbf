"""What policy answered, what governs now, and what the sync windows say."""

from __future__ import annotations

import typing as t

import msgspec

from model.decision import Decision, Rule
from model.events.base import Event
from model.meta import NamespacedName


class ProjectChanged(Event, frozen=True, kw_only=True):
    """An AppProject is new, changed or (`deleted`) gone."""

    name: str
    deleted: bool = False


class DecisionMade(Event, frozen=True, kw_only=True):
    """policy.guard was asked."""

    decision: Decision
    resource: str
    action: str
    source: t.Literal["loop", "api", "webhook"]
    project: str = ""
    key: NamespacedName | None = None
    subject: str = ""
    manual: bool = False


class FreezeOverridden(Event, frozen=True, kw_only=True):
    """A person's sync went through a closed window or a freeze by break-glass; once per operation, when it begins."""

    key: NamespacedName
    project: str
    subject: str
    """Who, as the operation names them."""
    reason: str
    """Why, in the person's own words."""
    rule: Rule
    """What was passed over."""
    decision: Decision


class SyncPermission(Event, frozen=True, kw_only=True):
    """Whether a sync of this Application would be let through now; published when it may have changed."""

    key: NamespacedName
    project: str
    automated: Decision
    manual: Decision


class PolicyLoaded(Event, frozen=True, kw_only=True):
    """A new policy text was read: taken (`ok`) or refused, in which case the last good one stays."""

    ok: bool
    generation: str
    problems: tuple[str, ...] = ()


class PolicyFindings(Event, frozen=True, kw_only=True):
    """A generation was looked through: how much is wrong with it."""

    generation: str
    errors: int
    warnings: int


class RuleInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One p line of the policy in force."""

    rule: str
    """Where it stands, as Decision.rule.origin says it."""
    subject: str
    resource: str
    action: str
    object: str
    effect: str


class PolicyRules(Event, frozen=True, kw_only=True):
    """The p lines of the generation that was put in force, as many as `policy.rbac.listed` gives."""

    generation: str
    rules: tuple[RuleInfo, ...]


class WindowState(msgspec.Struct, frozen=True, kw_only=True):
    """One sync window now."""

    namespace: str
    """Of the AppProject, or of the ConfigMap it stands in."""
    project: str
    """That it concerns: a window that several projects inherit or share has a state for each."""
    window: str
    """What names it within its project: its name, else its place, for example spec.syncWindows[0]."""
    kind: str
    """allow or deny."""
    schedule: str
    """Five fields; of a one-off window its times: from 2026-12-20T00:00 until 2026-12-27T00:00."""
    duration: str
    time_zone: str
    manual_sync: bool
    active: bool
    next_change: float | None = None
    """Unix seconds at which it opens or closes next; None = never."""
    invalid: bool = False
    """It cannot be evaluated: it keeps back what it may concern, is never active and never changes."""


class FreezeState(msgspec.Struct, frozen=True, kw_only=True):
    """One freeze in force, or (`active` False) a scope that had one."""

    scope: str
    """all, when it names no application, namespace, cluster or label; else part."""
    project: str
    """The glob of projects as written; * for all."""
    active: bool
    """False once, when the last of its scope and project has ended; later it is not there at all."""
    since: float | None = None
    """Unix seconds; None when it is not active, or its record does not say."""


class CalendarChanged(Event, frozen=True, kw_only=True):
    """A window or freeze opened, closed, came or went: how all of them stand now."""

    windows: tuple[WindowState, ...] = ()
    freezes: tuple[FreezeState, ...] = ()


class AdmissionReviewed(Event, frozen=True, kw_only=True):
    """The admission webhook answered."""

    operation: str
    decision: t.Literal["allow", "deny", "error"]
    reason: str
    """One of a fixed set of words."""
    seconds: float
