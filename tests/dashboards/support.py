"""The shipped dashboards as values, with their variables filled in."""

from __future__ import annotations

import json
import re
import typing as t
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "dashboards"
BOARDS = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))}

VALUES = {
    "cluster": ".*",
    "namespace_label": "namespace",
    "project": ".*",
    "dest_server": ".*",
    "repo": ".*",
    "environment": ".*",
    "application": "web",
    "app_namespace": "argocd",
}
"""What the variables stand for in tests, unless the test says otherwise; $__rate_interval is given by the test."""

VARIABLE = re.compile(r"\$\{?([a-zA-Z_]\w*)(?::\w+)?\}?")


class Query(t.NamedTuple):
    """One query of a panel, or of an annotation."""

    board: str
    panel: str
    expression: str


def panels(board: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    """Return all panels, those inside collapsed rows included."""
    return [inner for panel in board["panels"] for inner in (panel, *panel.get("panels", ()))]


def queries(rate_interval: str = "5m", **values: str) -> list[Query]:
    """Return every query of every panel, variables filled in; `values` takes the place of VALUES."""
    return [
        Query(name, panel["title"], filled(target["expr"], rate_interval, **values))
        for name, board in BOARDS.items()
        for panel in panels(board)
        for target in panel.get("targets", ())
    ]


def marks(rate_interval: str = "5m", **values: str) -> list[Query]:
    """Return every query of every annotation, variables filled in, with the annotation's name for the panel's."""
    return [
        Query(name, mark["name"], filled(mark["target"]["expr"], rate_interval, **values))
        for name, board in BOARDS.items()
        for mark in board["annotations"]["list"]
    ]


def filled(expression: str, rate_interval: str, **values: str) -> str:
    """Return an expression with its variables replaced; an unknown one raises KeyError."""
    known = VALUES | {"__rate_interval": rate_interval} | values
    return VARIABLE.sub(lambda match: known[match[1]], expression)


EMPTY_EVERYWHERE = {
    "policy.json": {
        "Time of an answer, p99": "this version serves no admission webhook",
        "Answers": "this version serves no admission webhook",
    },
}
"""Board -> panel -> why it has no data in this version, whatever happens."""

_SYNCS = "argocd_app_sync_total is Argo CD's"
_REFRESH = "argocd_app_reconcile is Argo CD's"
_CLUSTERS = "argocd_cluster_* are Argo CD's"
_EVENTS = "argocd_cluster_events_total and argocd_resource_events_* are Argo CD's"
_KUBECTL = "argocd_kubectl_* are Argo CD's"
_QUEUES = "workqueue_* are Argo CD's"

EMPTY_BESIDE_ARGO_CD = {
    "fleet.json": {
        "Conditions": "argocd_app_condition is Argo CD's",
        "Most failed syncs, 24 h": _SYNCS,
        "Sync attempts by result": _SYNCS,
        "ApplicationSets": "argocd_appset_* are Argo CD's",
    },
    "application.json": {
        "Failed attempts, 24 h": _SYNCS,
        "Sync attempts": _SYNCS,
        "Seconds a sync took": "argocd_app_sync_duration_seconds_total is Argo CD's",
        "Its Git repository, time of a request": "only argocd_app_info tells which that is",
        "Its cluster, time of a refresh": _REFRESH,
        "Orphans and conditions": "argocd_app_orphaned_resources_count and argocd_app_condition are Argo CD's",
    },
    "engine.json": {
        "Due and waiting": _QUEUES,
        "Queue depth": _QUEUES,
        "Wait in the queue, p95": _QUEUES,
        "Put off after a failure": _QUEUES,
        "Time to refresh an application": _REFRESH,
        "Refresh by cluster, p95": _REFRESH,
        "Requests to API servers by application": "argocd_app_k8s_request_total is Argo CD's",
        "Waiting for a repository": "argocd_repo_pending_request_total is Argo CD's",
        "Wait for a repository, p95": "argocd_repo_parallelism_wait_duration_seconds is Argo CD's",
        "Pushes by webhook": "argocd_webhook_requests_total is Argo CD's",
        "Connection": _CLUSTERS,
        "Objects in the cache": _CLUSTERS,
        "Age of the cache": _CLUSTERS,
        "API request duration, p95": _KUBECTL,
        "Held back by the rate limit, p95": _KUBECTL,
        "Answers of API servers": _KUBECTL,
        "Writes under way": _KUBECTL,
        "Watch events": _EVENTS,
        "Taking watch events, p95": _EVENTS,
    },
}
"""Board -> panel -> why it has no data in observe mode where Argo CD itself is not scraped."""
