"""What is wrong with a policy text, a window or a project: one finding each, with its place and what would be right.

Findings are data: the loop turns them into conditions and metrics, the command line prints them.
"""

from __future__ import annotations

import typing as t

import msgspec

from model.errors import InvalidPolicy

Mode = t.Literal["strict", "compat"]
"""strict is safe where Argo CD fails open on a mistake; compat answers as Argo CD does, defects included."""

Severity = t.Literal["error", "warning"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that somebody should correct."""

    code: str
    """Stable short name, for example rbac-fields; listed in docs/policy.md."""
    severity: Severity
    """error: the unit it stands in is not taken into force; warning: it is, and may not mean what was meant."""
    where: str
    """Object and place: ``argocd-rbac-cm policy.csv:12:3`` or ``AppProject shop: spec.syncWindows[0].schedule``."""
    text: str
    """What was found."""
    fix: str = ""
    """What would be right."""

    def __str__(self) -> str:
        tail = f"; expected {self.fix}" if self.fix else ""
        return f"{self.where}: {self.text}{tail} [{self.code}]"

    def error(self) -> InvalidPolicy:
        """Return the finding as an exception."""
        return InvalidPolicy(self.where, "", self.text, self.fix or "something else")


def errors_of(findings: t.Iterable[Finding]) -> tuple[Finding, ...]:
    """Return only those that keep their unit from coming into force."""
    return tuple(finding for finding in findings if finding.severity == "error")


def shown(text: str, limit: int = 80) -> str:
    """Return user-written text as it may stand in a message: quoted, shortened, without control characters."""
    short = text if len(text) <= limit else text[: limit - 1] + "…"
    if short.isprintable():
        return f"'{short}'"
    return "'" + "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in short) + "'"
