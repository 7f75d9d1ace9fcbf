"""The answer of policy: effect, the rule that decided, what would change it, and when it changes by itself."""

from __future__ import annotations

import datetime as dt
import typing as t

import msgspec

from model.states import Effect


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """Where a decision comes from."""

    kind: t.Literal["rbac", "project", "window", "freeze", "settings", "default"]
    origin: str
    """File or object and place: ``policy.csv:12``, ``AppProject shop: spec.syncWindows[0]``."""
    text: str = ""
    """The rule as written, one line."""
    path: tuple[str, ...] = ()
    """For RBAC: how the subject reached the rule, ``("alice", "role:dev")``."""


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """May it be done? Read `allowed`: truth-testing a Decision raises, since it would always say yes."""

    effect: Effect
    reason: str
    """One sentence for a person, naming the rule."""
    rule: Rule | None = None
    remedy: str = ""
    """What would change the answer; empty when nothing short of another policy would."""
    until: dt.datetime | None = None
    """When the answer changes by itself (UTC); None = never."""
    generation: str = ""
    """Which policy generation answered; one generation answers one question."""
    reasons: tuple[str, ...] = ()
    """Further findings, for example near misses or invalid windows that were treated as closed."""
    overrode: Rule | None = None
    """The first window or freeze that was passed over by break-glass; None for every other answer."""

    @property
    def allowed(self) -> bool:
        """True when the effect is allow."""
        return self.effect is Effect.ALLOW

    def __bool__(self) -> bool:
        raise TypeError("a Decision has no truth value: ask decision.allowed")


def allow(reason: str, rule: Rule | None = None, **more: t.Any) -> Decision:
    """Return an allowing Decision."""
    return Decision(effect=Effect.ALLOW, reason=reason, rule=rule, **more)


def deny(reason: str, rule: Rule | None = None, **more: t.Any) -> Decision:
    """Return a denying Decision."""
    return Decision(effect=Effect.DENY, reason=reason, rule=rule, **more)
