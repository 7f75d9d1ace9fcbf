"""From the claims of a verified token to the Subject that policies know, whatever stands in the claims.

Verifying signature, issuer and expiry is the identity layer's work and comes first. Nothing here raises.
Source: Argo CD util/jwt (GetUserIdentifier, GetScopeValues); strict refuses what names nobody.
"""

from __future__ import annotations

import typing as t

import msgspec

from policy.findings import Mode, shown
from policy.rbac.scopes import groups_of
from policy.subjects import Subject, project_of_token

LONGEST_NAME = 1024
"""Characters of a user or group name."""

MOST_GROUPS = 2048
"""Groups of one caller; a token with more does not fit into the header that carries it."""


class Caller(msgspec.Struct, frozen=True):
    """The Subject of a token, or why there is none."""

    subject: Subject | None
    problem: str = ""
    """One line for the log and the answer; it contains no claim but the name of the one that is wrong."""


def read_caller(
    claims: t.Mapping[str, t.Any], scopes: t.Iterable[str], *, mode: Mode = "strict", project_token: bool = False
) -> Caller:
    """Return who a verified token speaks for.

    Args:
        claims: the payload, decoded from JSON.
        scopes: the claims whose values are groups, from `read_scopes`.
        mode: strict refuses a token that names nobody, and one whose groups cannot be the caller's; compat takes it.
        project_token: the token was issued here for the role of a project; only then is proj:PROJECT:ROLE a role.
    """
    name = identifier(claims)
    if project_token and (mode == "strict" or project_token_name(name)):
        return Caller(Subject(name, (), "token")) if project_token_name(name) else _refused("sub", "a project role")
    groups = groups_of(claims, scopes, mode=mode)
    if mode == "compat":
        return Caller(Subject(name, groups))
    if not name.strip():
        return _refused("sub", "a user")
    if len(name) > LONGEST_NAME or not name.isprintable():
        return _refused("sub", f"a printable name of at most {LONGEST_NAME} characters")
    if len(groups) > MOST_GROUPS:
        return Caller(None, f"the token has {len(groups)} groups, expected at most {MOST_GROUPS}")
    return Caller(Subject(name, groups))


def identifier(claims: t.Mapping[str, t.Any]) -> str:
    """Return federated_claims.user_id when it is a text with something in it, else sub, else empty text."""
    federated = claims.get("federated_claims")
    if isinstance(federated, dict):
        inner = federated.get("user_id")
        if isinstance(inner, str) and inner:
            return inner
    sub = claims.get("sub")
    return sub if isinstance(sub, str) else ""


def project_token_name(name: str) -> bool:
    """True for proj:PROJECT:ROLE with both parts."""
    return bool(project_of_token(name)) and not name.endswith(":")


def _refused(claim: str, wanted: str) -> Caller:
    return Caller(None, f"the token's claim {shown(claim)} does not name {wanted}")
