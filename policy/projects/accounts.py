"""spec.destinationServiceAccounts: as whom the objects of an Application are written when impersonation is on.

The first entry that matches decides; nothing here falls back to anybody.
Source: Argo CD util/settings, DeriveServiceAccountToImpersonate; Kubernetes "User impersonation".
"""

from __future__ import annotations

import re
import typing as t

import msgspec

from model.decision import Rule
from model.project import DestinationServiceAccount
from policy.findings import Mode, shown
from policy.patterns import Pattern, glob, tolerant

USER_PREFIX = "system:serviceaccount:"
FORBIDDEN = frozenset("!*[]{}\\/")
"""Characters that no service account has (Argo CD: serviceAccountDisallowedCharSet)."""
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_NAMESPACE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


class Account(t.NamedTuple):
    """One entry."""

    server: Pattern
    namespace: Pattern
    account: str
    where: str
    text: str

    @classmethod
    def of(cls, item: DestinationServiceAccount, where: str, build: t.Callable[[str], Pattern] = glob) -> Account:
        """Compile an entry; a broken pattern is told when the entry is reached, as upstream does."""
        text = f"{item.server or repr('')} {item.namespace or repr('')} {item.default_service_account}"
        return cls(
            tolerant(build, item.server), tolerant(build, item.namespace), item.default_service_account, where, text
        )


class Impersonation(msgspec.Struct, frozen=True):
    """The answer: a user, or why there is none."""

    user: str = ""
    """``system:serviceaccount:NAMESPACE:NAME``; empty when no entry matches or the one that does is unusable."""
    rule: Rule | None = None
    """The entry that decided."""
    problem: str = ""
    """Why no user can be named although an entry was reached; empty when simply no entry matches."""


def resolve(
    accounts: t.Iterable[Account], servers: t.Collection[str], namespace: str, application_namespace: str, mode: Mode
) -> Impersonation:
    """Return as whom to write.

    Args:
        accounts: entries in their order.
        servers: spellings of the cluster's API server.
        namespace: spec.destination.namespace of the Application, maybe empty.
        application_namespace: where the Application lives; stands in for an empty destination namespace.
        mode: strict also refuses what is no name of a service account.
    """
    for entry in accounts:
        rule = Rule(kind="project", origin=entry.where, text=entry.text)
        for part, pattern in (("server", entry.server), ("namespace", entry.namespace)):
            if pattern.broken:
                text = f"invalid glob pattern for destination {part} in {entry.where}: {shown(pattern.text)}"
                return Impersonation(rule=rule, problem=text)
        if any(map(entry.server.matches, servers)) and entry.namespace.matches(namespace):
            user, problem = _user(entry, namespace or application_namespace, mode)
            return Impersonation(user, rule, problem)
    return Impersonation()


def _user(entry: Account, namespace: str, mode: Mode) -> tuple[str, str]:
    """Return (user, problem) of an entry that matches."""
    account = entry.account
    if not account.strip(" ") or FORBIDDEN & set(account):
        return "", f"default service account contains invalid chars {shown(account)} in {entry.where}"
    whole = account if ":" in account else f"{namespace}:{account}"
    if mode == "strict":
        place, _, name = whole.partition(":")
        if not (_NAMESPACE.fullmatch(place) and _NAME.fullmatch(name)):
            return "", f"default service account {shown(account)} in {entry.where} is neither NAME nor NAMESPACE:NAME"
    return USER_PREFIX + whole, ""
