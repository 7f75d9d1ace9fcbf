"""Why a refusal is not what somebody expected: names that count less than they seem to, and what would change it.

Nothing here depends on the object that was asked for, so that it is worked out once for each caller and action.
"""

from __future__ import annotations

import typing as t

from policy.findings import shown
from policy.rbac import builtin
from policy.rbac.engine import Engine
from policy.rbac.vocabulary import ACTIONS, LONG_ACTIONS, known_action
from policy.subjects import RESERVED, Subject

Question = tuple[Subject, str, str, str]
"""Subject, resource, action, project whose layer counts."""


def remedy(engine: Engine, key: Question) -> tuple[str, str]:
    """Return what would allow it: the text before the object, and the text behind it."""
    subject, resource, action, project = key
    if _unknown(resource, action):
        return f"ask for {' or '.join(sorted(ACTIONS[resource]))} on ", ""
    if not subject.name and not subject.groups:
        return (
            "log in, or let policy.default be a role with such a line: p, role:NAME, " + f"{resource}, {action}, ",
            "",
        )
    unbound = _unbound_holder(engine, key)
    if unbound:
        return f"a g line that starts with the group: g, {unbound}, role:NAME (asked was ", ")"
    role = _own_role(engine, subject, project)
    holder = role or (subject.name if subject.kind != "user" else "role:NAME")
    bind = "" if role or subject.kind != "user" else f", and: g, {_bound_name(subject)}, role:NAME"
    return f"a line such as: p, {holder}, {resource}, {action}, ", f", allow{bind}"


def remarks(engine: Engine, key: Question) -> t.Iterator[str]:
    """Yield why names of the caller count less than they seem to, and what a plain right does not cover."""
    subject, resource, action, project = key
    if _unknown(resource, action):
        yield f"{resource} have no action {shown(action)}"
    yield from _names(engine, subject, project)
    short = action.partition("/")[0]
    if resource == "applications" and action.startswith(LONG_ACTIONS) and short != "action":
        yield f"{short} alone covers the Application, not its objects; {short}/* covers those"


def _unknown(resource: str, action: str) -> bool:
    return resource in ACTIONS and not known_action(resource, action)


def _names(engine: Engine, subject: Subject, project: str) -> t.Iterator[str]:
    own = (subject.name,) if subject.name else ()
    for name in (*own, *subject.groups):
        if engine.mode == "strict" and subject.kind == "user" and name.startswith(RESERVED):
            yield f"{shown(name)} is the name of a role; as a user or group it gives nothing"
        elif name not in own and not engine.bound(name, project) and engine.has_lines(name, project):
            yield (
                f"group {shown(name)} has p lines but no g line, and allow lines of a group count only "
                "when a g line starts with it (a rule of Argo CD)"
            )
        elif not engine.bound(name, project) and not engine.has_lines(name, project):
            other = engine.spelled(name)
            if other:
                yield f"the policy knows {shown(other)}, which differs from {shown(name)} in case or blanks"


def _unbound_holder(engine: Engine, key: Question) -> str:
    """Return a group whose own allow lines would fit if only a g line started with it."""
    subject, resource, action, project = key
    if subject.kind != "user":
        return ""
    for group in subject.groups:
        if engine.bound(group, project) or (group.startswith(RESERVED) and engine.mode == "strict"):
            continue
        for rules in engine.layers_of(project):
            for line in rules.by_subject.get(group, ()):
                if line.effect == "allow" and line.resource.matches(resource) and line.action.matches(action):
                    return group
    return ""


def _own_role(engine: Engine, subject: Subject, project: str) -> str:
    """Return a role of the policy (no built-in one) that the caller has, by name or by group."""
    groups = () if subject.kind == "token" else subject.groups
    for name in (subject.name, *groups):
        for role, _ in engine.reach(name, project)[1:]:
            if role.startswith("role:") and role not in builtin.ROLES:
                return role
    return ""


def _bound_name(subject: Subject) -> str:
    good = (group for group in subject.groups if not group.startswith(RESERVED))
    return next(good, subject.name)
