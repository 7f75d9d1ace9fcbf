"""Which claims of a token are groups: the `scopes` key of argocd-rbac-cm, and the claims read by it.

Source: Argo CD util/rbac SetScopes, util/jwt GetScopeValues.
"""

from __future__ import annotations

import typing as t

from model import yamltext
from policy.findings import Mode

DEFAULT = ("groups",)

LONGEST = 4096
"""Characters of the scopes text; far beyond any list of claim names."""


def read_scopes(text: str) -> tuple[str, ...]:
    """Return the claim names; an empty list means that no claim gives groups.

    Args:
        text: a YAML list in a string, or (as the documentation has it) one plain word; empty or null means groups.

    Raises:
        ValueError: neither.
    """
    if len(text) > LONGEST:
        raise ValueError(f"{len(text)} characters, expected at most {LONGEST}")
    try:
        value = yamltext.load(text)
    except ValueError:
        raise ValueError("not YAML, expected a list such as [groups, email]") from None
    if value is None:
        return DEFAULT
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise ValueError("expected a list of claim names such as [groups, email]")
    return tuple(value)


def groups_of(claims: t.Mapping[str, t.Any], scopes: t.Iterable[str], *, mode: Mode = "strict") -> tuple[str, ...]:
    """Return the groups in a token's claims, in the order of the scopes.

    A list gives its texts and drops what is no text; a single text is one group, never split and never its letters;
    names of claims are plain, a dot in them leads nowhere. strict also drops empty and repeated names.
    """
    found: list[str] = []
    for scope in scopes:
        value = claims.get(scope)
        values = value if isinstance(value, (list, tuple)) else [value]
        found.extend(item for item in values if isinstance(item, str) and (item or mode == "compat"))
    return tuple(found if mode == "compat" else dict.fromkeys(found))
