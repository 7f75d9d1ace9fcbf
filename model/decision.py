"""The answer of policy: effect, the rule that decided, what would change it, and when it changes by itself."""

from __future__ import annotations

import datetime as dt
import typing as t

import msgspec

from model.states import Effect

Block = t.Literal["", "window_deny", "outside_allow", "freeze", "rbac", "project"]
"""What kind of thing keeps a sync from running; empty: nothing."""

_BLOCKS: t.Final[dict[str, Block]] = {
    "window": "window_deny",
    "freeze": "freeze",
    "rbac": "rbac",
    "default": "rbac",
    "settings": "rbac",
    "project": "project",
}


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
    outside: bool = False
    """Denied since no allow window is open, not since something that is in force forbids it."""

    @property
    def block(self) -> Block:
        """What kept it from being done, in one word; empty when it is allowed.

        A window that cannot be evaluated counts as what it would have been: a deny that is open, an allow that is
        closed. What no line of RBAC allows, what argocd-cm switches off, and everything while there is no policy that
        can be used is ``rbac``. A missing or malformed AppProject, and a kind that nothing permits because the
        destination does not serve it (no rule is named then), is ``project``.
        """
        if self.allowed:
            return ""
        if self.outside:
            return "outside_allow"
        return _BLOCKS[self.rule.kind] if self.rule is not None else "project"

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
