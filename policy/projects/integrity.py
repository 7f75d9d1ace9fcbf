"""spec.signatureKeys and spec.sourceIntegrity: which sources have to be signed.

Signatures are read and reported here and verified nowhere yet: whoever asks must not go on as if they were.
Source: Argo CD docs "Source integrity"; pkg/apis/application/v1alpha1, SourceIntegrity.
"""

from __future__ import annotations

import typing as t

from model.project import ProjectSpec
from policy.findings import Mode
from policy.patterns import Pattern, glob, tolerant

UNCHECKED_MODE = "none"
"""gpg.mode that asks for nothing."""


class Demand(t.NamedTuple):
    """Sources that must carry a signature."""

    repositories: tuple[Pattern, ...] | None
    """None: every source."""
    where: str
    text: str

    def concerns(self, spellings: t.Iterable[str]) -> bool:
        """Return whether a source under one of its spellings is meant; a pattern that is broken means any."""
        patterns = self.repositories
        if patterns is None or any(pattern.broken for pattern in patterns):
            return True
        return any(pattern.matches(url) for url in spellings for pattern in patterns)


def demands_of(spec: ProjectSpec, where: str, mode: Mode) -> tuple[Demand, ...]:
    """Return what a project demands; total: what cannot be read is demanded of every source.

    compat: signatureKeys count only without sourceIntegrity.git, as upstream; strict: each of them counts.
    """
    found: list[Demand] = []
    replaced = mode == "compat" and (spec.source_integrity or {}).get("git") is not None
    if spec.signature_keys and not replaced:
        keys = ", ".join(str(item.get("keyID", "?")) for item in spec.signature_keys)
        found.append(Demand(None, f"{where}: spec.signatureKeys", keys[:120]))
    integrity = spec.source_integrity or {}
    place = f"{where}: spec.sourceIntegrity"
    found += [
        Demand(None, f"{place}.{kind}", "a kind of check that is not known") for kind in integrity if kind != "git"
    ]
    git = integrity.get("git")
    if git is None:
        return tuple(found)
    policies = (git.get("policies") if isinstance(git, dict) else git) or []
    if not isinstance(policies, list):
        return (*found, Demand(None, f"{place}.git", "cannot be read"))
    for number, policy in enumerate(policies):
        demand = _policy(policy, f"{place}.git.policies[{number}]")
        if demand is not None:
            found.append(demand)
    return tuple(found)


def _policy(policy: t.Any, where: str) -> Demand | None:
    """Return what one entry demands; only the mode none demands nothing."""
    if not isinstance(policy, dict):
        return Demand(None, where, "cannot be read")
    gpg = policy.get("gpg")
    mode = gpg.get("mode", "") if isinstance(gpg, dict) else "without a mode"
    if mode == UNCHECKED_MODE:
        return None
    repos = policy.get("repos") or []
    found = [item.get("url") if isinstance(item, dict) else item for item in repos] if isinstance(repos, list) else [0]
    names = [name for name in found if isinstance(name, str) and not name.startswith("!")]
    if len(names) != len(found):
        return Demand(None, where, f"gpg {mode}")
    return Demand(tuple(tolerant(glob, name) for name in names), where, f"gpg {mode} {', '.join(names)}"[:120])
