"""Which claims of a token are groups: the `scopes` key of argocd-rbac-cm, and the claims read by it.

Source: Argo CD util/rbac SetScopes, util/jwt GetScopeValues.
"""

from __future__ import annotations

import typing as t

import yaml

DEFAULT = ("groups",)

LONGEST = 4096
"""Characters of the scopes text; far beyond any list of claim names."""


def read_scopes(text: str) -> tuple[str, ...]:
    """Return the claim names.

    Args:
        text: a YAML list in a string, or (as the documentation has it) one plain word; empty means groups.

    Raises:
        ValueError: neither.
    """
    if not text.strip():
        return DEFAULT
    if len(text) > LONGEST:
        raise ValueError(f"{len(text)} characters, expected at most {LONGEST}")
    try:
        value = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError):
        raise ValueError("not YAML, expected a list such as [groups, email]") from None
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise ValueError("expected a list of claim names such as [groups, email]")
    return tuple(value) or DEFAULT


def groups_of(claims: t.Mapping[str, t.Any], scopes: t.Iterable[str]) -> tuple[str, ...]:
    """Return the groups in a token's claims: lists of text and single texts, empty ones and other values dropped."""
    found: list[str] = []
    for scope in scopes:
        value = claims.get(scope)
        values = value if isinstance(value, list) else [value]
        found.extend(item for item in values if isinstance(item, str) and item)
    return tuple(found)
