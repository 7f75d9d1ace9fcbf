"""The health of an application from that of its objects: the worst wins, and the message says whose it is. Pure.

Source: Argo CD controller/health.go (setApplicationHealth).
"""

from __future__ import annotations

import typing as t

import msgspec

from model.application import HealthState
from model.meta import ResourceKey
from model.states import HealthStatus

ORDER = (
    HealthStatus.HEALTHY,
    HealthStatus.SUSPENDED,
    HealthStatus.PROGRESSING,
    HealthStatus.MISSING,
    HealthStatus.DEGRADED,
    HealthStatus.UNKNOWN,
)
"""Best to worst."""
IGNORE_ANNOTATION = "argocd.argoproj.io/ignore-healthcheck"
MOST_NAMED = 3
"""Objects that the message names before it only counts."""


class ResourceHealth(msgspec.Struct, frozen=True):
    """What one object contributes. Leave hooks, skipped and ignored objects out."""

    key: ResourceKey
    health: HealthState | None
    """None: the kind has no check, or the object is missing."""
    live: bool = True
    """False: declared, but not in the cluster."""


def worst(first: str, second: str) -> str:
    """Return the worse of two states; a word that is not known counts as Unknown."""
    return max(first, second, key=_rank)


def _rank(status: str) -> int:
    return next((rank for rank, known in enumerate(ORDER) if known == status), len(ORDER))


def aggregate(resources: t.Iterable[ResourceHealth]) -> HealthState:
    """Return the application's health.

    Missing objects do not lower it, unless not a single one is there; Missing and Unknown child applications do not
    either, because they speak of another application's state.
    """
    found = list(resources)
    if found and not any(resource.live for resource in found):
        return HealthState(status=HealthStatus.MISSING, message="none of the declared objects is in the cluster")
    counted = [resource for resource in found if resource.live and resource.health and not _excused(resource)]
    status: str = HealthStatus.HEALTHY
    for resource in counted:
        status = worst(status, t.cast("HealthState", resource.health).status)
    if status == HealthStatus.HEALTHY:
        return HealthState(status=status)
    causes = [resource for resource in counted if resource.health and resource.health.status == status]
    return HealthState(status=status, message=_caused_by(causes))


def _excused(resource: ResourceHealth) -> bool:
    is_child = (resource.key.group, resource.key.kind) == ("argoproj.io", "Application")
    silent = (HealthStatus.MISSING, HealthStatus.UNKNOWN)
    return is_child and resource.health is not None and resource.health.status in silent


def _caused_by(causes: list[ResourceHealth]) -> str:
    named = [_name(resource) for resource in causes[:MOST_NAMED]]
    more = len(causes) - len(named)
    return f"Caused by {', '.join(named)}" + (f", and {more} more" if more > 0 else "")


def _name(resource: ResourceHealth) -> str:
    """Name an object and, in brackets, what it waits for: ``Ingress:shop/front (Waiting for …)``."""
    key = resource.key
    place = f"{key.namespace}/{key.name}" if key.namespace else key.name
    message = resource.health.message if resource.health else ""
    return f"{key.kind}:{place} ({message})" if message else f"{key.kind}:{place}"
