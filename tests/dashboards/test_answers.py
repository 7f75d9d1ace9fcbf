"""What each board must answer, whatever else it shows: the family behind the answer and by what it is told apart."""

from __future__ import annotations

import pytest
from promql_parser import parse

from tests.dashboards.expressions import result_labels, selectors
from tests.dashboards.support import queries

ANSWERS = [
    ("fleet", "lynceus_app_info", "health_status"),
    ("fleet", "lynceus_app_info", "sync_status"),
    ("fleet", "lynceus_app_drift_since_timestamp_seconds", ""),
    ("fleet", "lynceus_app_drift_since_timestamp_seconds", "namespace name project"),
    ("fleet", "lynceus_app_sync_blocked", "reason"),
    ("fleet", "lynceus_app_commits_behind", "namespace name project"),
    ("fleet", "lynceus_app_last_sync_info", "namespace name project phase"),
    ("fleet", "lynceus_app_reconcile_cost_seconds_total", "namespace name project"),
    ("fleet", "argocd_app_sync_total", "phase"),
    ("fleet", "lynceus_drift_detected_total", "project origin"),
    ("application", "lynceus_app_info", "sync_status health_status"),
    ("application", "lynceus_app_resources", "sync_status health_status"),
    ("application", "lynceus_app_sync_allowed", "trigger"),
    ("application", "lynceus_app_sync_blocked", "reason"),
    ("application", "lynceus_app_window_next_open_timestamp_seconds", ""),
    ("application", "lynceus_app_oldest_undeployed_commit_timestamp_seconds", ""),
    ("windows", "lynceus_sync_window_active", "project window kind"),
    ("windows", "lynceus_app_window_next_open_timestamp_seconds", "project"),
    ("windows", "lynceus_app_sync_allowed", "project"),
    ("windows", "lynceus_freeze_active", "scope project"),
    ("policy", "lynceus_policy_decisions_total", "effect source"),
    ("policy", "lynceus_rbac_denials_total", "project resource action"),
    ("policy", "lynceus_policy_rule_hits_total", "rule subject resource action object"),
    ("policy", "lynceus_admission_request_duration_seconds_bucket", ""),
    ("delivery", "lynceus_deployments_total", "environment"),
    ("delivery", "lynceus_deployment_lead_time_seconds_bucket", "environment"),
    ("delivery", "lynceus_time_to_restore_seconds_bucket", "environment"),
    ("delivery", "lynceus_deployment_stage_seconds_sum", "stage"),
    ("engine", "lynceus_reconcile_stage_seconds_sum", "stage"),
    ("engine", "lynceus_render_cache_requests_total", "tool"),
    ("engine", "argocd_git_request_total", "repo"),
    ("engine", "lynceus_git_last_success_timestamp_seconds", "repo"),
    ("engine", "scrape_duration_seconds", "instance"),
    ("engine", "lynceus_metrics_series", "family"),
]
LIMITS = [
    ("engine", "workqueue_depth", "name"),
    ("engine", "workqueue_queue_duration_seconds_bucket", "name"),
    ("engine", "argocd_app_reconcile_bucket", "le"),
    ("engine", "argocd_app_reconcile_bucket", "dest_server"),
    ("engine", "lynceus_app_reconcile_cost_seconds_total", "namespace name project"),
    ("engine", "lynceus_app_resources", "namespace name project"),
    ("engine", "argocd_git_request_duration_seconds_bucket", "repo"),
    ("application", "argocd_git_request_duration_seconds_bucket", "repo"),
    ("application", "argocd_app_reconcile_bucket", "dest_server"),
    ("engine", "argocd_cluster_api_resource_objects", "server"),
    ("engine", "argocd_cluster_cache_age_seconds", "server"),
    ("engine", "argocd_cluster_connection_status", "server"),
    ("engine", "argocd_app_k8s_request_total", "namespace name project"),
    ("engine", "lynceus_k8s_requests_total", "verb kind"),
]
"""Queue depth, reconcile time, Git time and size of the caches, by application and by cluster."""


def answered(board: str, family: str, labels: str) -> bool:
    """Whether a panel of the board shows the family by these labels; without any, as one number."""
    asked = [query.expression for query in queries() if query.board == f"{board}.json"]
    return any(
        family in {selector.name for selector in selectors(parse(expression))}
        and set(labels.split()) <= result_labels(expression) - {"cluster"}
        and (labels or not result_labels(expression) - {"cluster"})
        for expression in asked
    )


@pytest.mark.parametrize(("board", "family", "labels"), ANSWERS)
def test_the_board_answers(board: str, family: str, labels: str) -> None:
    """Since when, why, until when, how far behind, how long."""
    assert answered(board, family, labels)


@pytest.mark.row(194)
@pytest.mark.parametrize(("board", "family", "labels"), LIMITS)
def test_the_limits_are_shown(board: str, family: str, labels: str) -> None:
    """What to watch in production, and where the limit is."""
    assert answered(board, family, labels)
