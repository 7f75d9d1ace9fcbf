"""Application -> label values and numbers, as Argo CD reads them. Pure; called by `exporter.applications`."""

from __future__ import annotations

import collections
import functools
import typing as t

from exporter import labels
from model.application import Application, OperationState
from model.durations import parse_time
from model.states import HealthStatus, OperationPhase, SyncStatus
from model.urls import LONGEST_URL

FINISHED = (OperationPhase.SUCCEEDED, OperationPhase.FAILED, OperationPhase.ERROR)

MOST_CONDITIONS = 30
"""Types of conditions of one Application; Argo CD and Lynceus together know about twenty."""

_SYNC, _HEALTH = ({"", *words} for words in (map(str, SyncStatus), map(str, HealthStatus)))
"""The words of an object; empty for what has no verdict or no health of its own."""

NONE = "none"
"""The environment of an Application without the label."""

_repository = functools.lru_cache(maxsize=8192)(labels.repository)
"""A fleet has few repositories and many Applications."""


class Last(t.NamedTuple):
    """The last finished operation."""

    phase: str
    finished: float | None
    """Unix seconds; None when the status does not say."""


def repository(url: str) -> str:
    """Return the repo label, remembered for what can be a URL at all."""
    return _repository(url) if len(url) <= LONGEST_URL else labels.repository(url)


def project(app: Application) -> str:
    """Return the project; Argo CD's default stands for none."""
    return app.spec.project or "default"


def flag(value: bool) -> str:
    """Return a truth value as Argo CD writes it."""
    return "true" if value else "false"


def info(app: Application, dest_server: str) -> tuple[str, ...]:
    """Return what follows the project in argocd_app_info.

    Source: Argo CD controller/metrics/metrics.go, collectApps.
    """
    sources = app.spec.all_sources
    return (
        flag(app.spec.automated is not None),
        repository(sources[0].repo_url) if sources else "",
        dest_server,
        app.spec.destination.namespace,
        app.status.sync.status or SyncStatus.UNKNOWN,
        app.status.health.status or HealthStatus.UNKNOWN,
        _operation(app),
    )


def _operation(app: Application) -> str:
    if app.deleting:
        return "delete"
    return "sync" if app.operation is not None and app.operation.sync is not None else ""


def conditions(app: Application, wanted: t.Container[str] | None) -> list[tuple[tuple[str], int]]:
    """Return ((type,), number) of the wanted types of conditions; None wants all."""
    types = collections.Counter(condition.type for condition in app.status.conditions or ())
    found = [((kind,), number) for kind, number in sorted(types.items()) if wanted is None or kind in wanted]
    return found[:MOST_CONDITIONS]


def resources(app: Application) -> list[tuple[tuple[str, str], int]]:
    """Return ((sync status, health), number) of the objects; a word that nobody knows counts as Unknown."""
    pairs = collections.Counter(
        (_word(resource.status, _SYNC), _word(resource.health.status, _HEALTH) if resource.health else "")
        for resource in app.status.resources or ()
    )
    return sorted(pairs.items())


def _word(text: str, known: t.Container[str]) -> str:
    return text if text in known else "Unknown"


def repositories(app: Application) -> tuple[str, ...]:
    """Return the repositories that the Application names, each once."""
    return tuple(dict.fromkeys(repository(source.repo_url) for source in app.spec.all_sources if source.repo_url))


def environment(app: Application, label: str) -> str:
    """Return the environment that the Application belongs to."""
    return (app.metadata.labels or {}).get(label, "") or NONE


def last(state: OperationState | None, known: Last | None) -> Last | None:
    """Return the last finished operation; `known` stays while another one is under way."""
    if state is None:
        return None
    if state.phase not in FINISHED:
        return known
    return Last(str(state.phase), _seconds(state.finished_at))


def _seconds(text: str | None) -> float | None:
    try:
        return parse_time(text).timestamp() if text else None
    except ValueError:
        return None
