"""Short words for making health states, and careful reading of numbers. Pure; for the checks of this package."""

from __future__ import annotations

import typing as t

from model.application import HealthState
from model.meta import JSON
from model.states import HealthStatus


def healthy(message: str = "") -> HealthState:
    """Return Healthy."""
    return HealthState(status=HealthStatus.HEALTHY, message=message)


def progressing(message: str = "") -> HealthState:
    """Return Progressing."""
    return HealthState(status=HealthStatus.PROGRESSING, message=message)


def degraded(message: str = "") -> HealthState:
    """Return Degraded."""
    return HealthState(status=HealthStatus.DEGRADED, message=message)


def suspended(message: str = "") -> HealthState:
    """Return Suspended."""
    return HealthState(status=HealthStatus.SUSPENDED, message=message)


def unknown(message: str = "") -> HealthState:
    """Return Unknown."""
    return HealthState(status=HealthStatus.UNKNOWN, message=message)


def part(obj: t.Any, *path: str) -> JSON:
    """Return the mapping at a path, empty when there is none."""
    for name in path:
        obj = obj.get(name) if isinstance(obj, dict) else None
    return obj if isinstance(obj, dict) else {}


def items(obj: t.Any, *path: str) -> list[JSON]:
    """Return the mappings in the list at a path."""
    found = part(obj, *path[:-1]).get(path[-1])
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def number(obj: JSON, name: str, default: int = 0) -> int:
    """Return a whole number, the default when it is absent or something else."""
    found = obj.get(name)
    return found if isinstance(found, int) and not isinstance(found, bool) else default


def text(obj: JSON, name: str) -> str:
    """Return a text, empty when it is absent or something else."""
    found = obj.get(name)
    return found if isinstance(found, str) else ""


def condition(obj: JSON, kind: str) -> JSON:
    """Return the condition of this type from status.conditions, empty when there is none."""
    return next((found for found in items(obj, "status", "conditions") if found.get("type") == kind), {})
