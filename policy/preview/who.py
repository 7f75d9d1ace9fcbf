"""Who may do one thing: everybody, or which users, groups, roles and project tokens, and by which line each."""

from __future__ import annotations

import functools
import typing as t

import msgspec

from model.decision import Decision
from policy.generation import Generation
from policy.preview.sides import Side, Signs, word_of
from policy.preview.universe import Caller, callers
from policy.rbac.deeds import Ask, Deed, judge
from policy.rbac.vocabulary import project_of
from policy.subjects import Subject, project_of_token


class Holder(t.NamedTuple):
    """A caller, and the answer to it."""

    caller: Caller
    decision: Decision


class Who(msgspec.Struct, frozen=True, kw_only=True):
    """The answers to one request, for all callers that a policy names."""

    everybody: Decision
    """The answer to an authenticated caller that no line names."""
    allowed: tuple[Holder, ...]
    """Who may, by lines of their own; when everybody may, only who has such a line as well."""
    denied: tuple[Holder, ...]
    """Whom a deny line stops; in strict that is final, so that whoever has one of these names may not."""


def who(
    generation: Generation,
    resource: str,
    action: str,
    target: str,
    given: t.Iterable[Subject] = (),
    *,
    covering: str = "",
) -> Who:
    """Return who may do something.

    Args:
        generation: the policy.
        resource: one of Argo CD's.
        action: a plain word or a long action.
        target: the object, for example ``shop/web``.
        given: further callers, for example a user with the groups that this user has.
        covering: another action that suffices and is asked first.
    """
    side = Side(generation, Signs())
    everyone = callers([side], given)
    deed = Deed((tuple(Ask(resource, each, target) for each in (covering, action) if each),))
    everybody, *rest = [Holder(each, judge(deed, functools.partial(side.decide, each.subject))) for each in everyone]
    own = [holder for holder in rest if _counts(holder.caller.subject, resource, target)]
    base = everybody.decision
    allowed = [each for each in own if each.decision.allowed and not _same(each.decision, base)]
    denied = [each for each in own if _is_denied(each.decision, base, strict=side.strict)]
    return Who(everybody=base, allowed=_once(allowed), denied=_once(denied))


def _counts(subject: Subject, resource: str, target: str) -> bool:
    """False for a role of another project: its lines cannot concern the request."""
    own, asked = project_of_token(subject.name), project_of(resource, target)
    return own is None or not asked or own == asked


def _same(decision: Decision, everybody: Decision) -> bool:
    """True when the caller may only since everybody may."""
    return everybody.allowed and decision.rule is not None and everybody.rule is not None and (
        decision.rule.origin == everybody.rule.origin
    )  # fmt: skip


def _is_denied(decision: Decision, everybody: Decision, *, strict: bool) -> bool:
    """True when a deny line stops the caller, other than one that stops everybody."""
    if decision.allowed or decision.rule is None or decision.rule.kind != "rbac":
        return False
    return not (word_of(everybody, strict=strict) == "deny" and everybody.rule == decision.rule)


def _once(holders: list[Holder]) -> tuple[Holder, ...]:
    """Join the two forms of a name, user and group, when both have the same answer."""
    found: dict[t.Any, Holder] = {}
    for caller, decision in holders:
        name = caller.subject.groups[0] if caller.kind == "group" else caller.label
        rule = (decision.rule.origin, decision.rule.text) if decision.rule else ()
        known = found.get((name, decision.effect, rule))
        if known is not None and {known.caller.kind, caller.kind} == {"user", "group"}:
            user = known if known.caller.kind == "user" else Holder(caller, decision)
            found[name, decision.effect, rule] = user._replace(caller=user.caller._replace(kind="user or group"))
        else:
            found[name, decision.effect, rule] = Holder(caller, decision)
    return tuple(found.values())
