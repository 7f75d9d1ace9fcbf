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


KUBERNETES = "k8s:"
"""Put before names that a Kubernetes API server gives, so that none is that of an account, group or role of ours."""


def project_of_token(name: str) -> str | None:
    """Return the project of a project-role name proj:PROJECT:ROLE; None for any other name.

    Source: Argo CD server/rbacpolicy GetProjectRoleFromSubject, which wants exactly three parts.
    """
    parts = name.split(":")
    return parts[1] if len(parts) == 3 and parts[0] == "proj" else None


def from_kubernetes(username: str, groups: t.Iterable[str] = ()) -> Subject:
    """Return the Subject of a request to the Kubernetes API (its userInfo).

    Each name gets the prefix k8s: before any policy line is looked at. A client certificate may name itself admin,
    role:admin or proj:shop:deployer; a policy that means Kubernetes users says so, as in `g, k8s:alice, role:dev`.
    """
    if not username:
        return Subject()
    return Subject(KUBERNETES + username, tuple(KUBERNETES + group for group in groups if group))


def named(name: str, groups: t.Iterable[str] = ()) -> Subject:
    """Return the Subject that a person at a command line means: role:… is a role, proj:… a project-role token."""
    kind: t.Literal["user", "role", "token"] = "user"
    if name.startswith("role:"):
        kind = "role"
    elif name.startswith("proj:"):
        kind = "token"
    return Subject(name, tuple(groups), kind)
