"""Who asks: a user with groups, a role (in a question such as "what may role:dev do"), or a project-role token.

The identity layer builds Subjects from verified tokens and requests; nothing here verifies anything.
"""

from __future__ import annotations

import typing as t

import msgspec

RESERVED = ("role:", "proj:")
"""Beginnings of names that only policies give; a user or group that is called so gets nothing by it."""


class Subject(msgspec.Struct, frozen=True, cache_hash=True):
    """The one who asks."""

    name: str = ""
    """User name (the token's `sub`); empty for an anonymous caller."""
    groups: tuple[str, ...] = ()
    """Groups, in the order of the claims named by `scopes`."""
    kind: t.Literal["user", "role", "token"] = "user"
    """role: a question about a role itself; token: a project-role token, whose name is proj:PROJECT:ROLE."""

    @property
    def label(self) -> str:
        """The name for messages."""
        return self.name or "anonymous"


def named(name: str, groups: t.Iterable[str] = ()) -> Subject:
    """Return the Subject that a person at a command line means: role:… is a role, proj:… a project-role token."""
    kind: t.Literal["user", "role", "token"] = "user"
    if name.startswith("role:"):
        kind = "role"
    elif name.startswith("proj:"):
        kind = "token"
    return Subject(name, tuple(groups), kind)
