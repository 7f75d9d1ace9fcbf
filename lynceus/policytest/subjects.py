"""Reads who asks: a user with groups, a role, a project-role token, or nobody."""

from __future__ import annotations

import typing as t

from lynceus.policytest.fields import Fields
from policy.subjects import Subject

KEYS = ("user", "groups", "role", "token", "anonymous")


def read(fields: Fields) -> Subject:
    """Return the subject; groups alone are somebody of whom only the groups are known."""
    groups = fields.texts("groups")
    named = ("user", "role", "token", "anonymous")
    if groups and not any(key in fields for key in named):
        return Subject(f"a member of {' and '.join(groups)}", groups)
    key = fields.exactly_one(named, "groups, or exactly one of user, role, token, anonymous")
    if groups and key != "user":
        raise fields.wrong("groups", f"groups beside {key}", "groups only with user, or alone")
    if key == "anonymous":
        if not fields.flag("anonymous"):
            raise fields.wrong("anonymous", "false", "true, or another subject")
        return Subject()
    return Subject(_name(fields, key), groups, t.cast("t.Literal['user', 'role', 'token']", key))


def _name(fields: Fields, key: str) -> str:
    """Return the name, which has a form of its own for roles and tokens."""
    name = fields.name(key)
    if key == "role" and not name.startswith("role:"):
        raise fields.wrong(key, f"{name[:60]!r}", "role:NAME; a role of a project is asked as token: proj:PROJECT:ROLE")
    parts = name.split(":")
    if key == "token" and not (len(parts) == 3 and parts[0] == "proj" and parts[1] and parts[2]):
        raise fields.wrong(key, f"{name[:60]!r}", "proj:PROJECT:ROLE")
    if key == "user" and name.startswith(("role:", "proj:")):
        raise fields.wrong(key, f"the user {name[:60]!r}", f"{'role' if name.startswith('role:') else 'token'}: {name}")
    return name
