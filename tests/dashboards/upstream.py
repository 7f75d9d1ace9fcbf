"""What the two well-known boards of Argo CD ask Prometheus for: families, labels and forms, in a table of our own.

Read from examples/dashboard.json of Argo CD 3.x and from the argo-cd-mixin. The labels namespace (of the target where a
family has none of its own), job and exported_namespace come from the scrape.
"""

from __future__ import annotations

import typing as t

EXAMPLE, OPERATIONAL, APPLICATIONS = "example", "mixin: operational", "mixin: applications"

SCRAPED = {"namespace", "job", "exported_namespace"}
"""Labels that Prometheus adds to what is scraped."""


class Asked(t.NamedTuple):
    """What one panel asks for."""

    board: str
    panel: str
    sample: str
    form: t.Literal["now", "increase", "rate"]
    matched: str
    """Labels that its matchers name."""
    grouped: str
    """Labels that its result is grouped by; for the choices of a variable all of them."""

    @property
    def query(self) -> str:
        """The question in the shortest form: every matcher accepts whatever there is."""
        matchers = ", ".join(label + '=~".*"' for label in self.matched.split())
        selector = f"{self.sample}{{{matchers}}}"
        series = selector if self.form == "now" else f"{self.form}({selector}[6s])"
        return f"sum by ({', '.join(self.grouped.split())}) ({series})"


_INFO = "namespace dest_server health_status sync_status"
_GROUPING = "namespace name project"
_ONE = "namespace job dest_server project name exported_namespace"

ASKED = (
    Asked(EXAMPLE, "Clusters", "argocd_cluster_info", "now", "namespace", "server"),
    Asked(EXAMPLE, "Applications", "argocd_app_info", "now", _INFO, "namespace"),
    Asked(EXAMPLE, "Repositories", "argocd_app_info", "now", "namespace", "repo"),
    Asked(EXAMPLE, "Operations", "argocd_app_info", "now", "namespace dest_server operation", ""),
    Asked(EXAMPLE, "Health Status", "argocd_app_info", "now", _INFO, "health_status"),
    Asked(EXAMPLE, "Sync Status", "argocd_app_info", "now", _INFO, "sync_status"),
    Asked(EXAMPLE, "Sync Activity", "argocd_app_sync_total", "increase", "namespace dest_server", _GROUPING),
    Asked(EXAMPLE, "Sync Failures", "argocd_app_sync_total", "increase", "namespace dest_server phase", "phase"),
    Asked(EXAMPLE, "Reconciliation Activity", "argocd_app_reconcile_count", "increase", "dest_server", "namespace"),
    Asked(EXAMPLE, "Reconciliation Performance", "argocd_app_reconcile_bucket", "increase", "namespace", "le"),
    Asked(
        EXAMPLE,
        "K8s API Activity",
        "argocd_app_k8s_request_total",
        "increase",
        "namespace server",
        "verb resource_kind",
    ),
    Asked(EXAMPLE, "Workqueue Depth", "workqueue_depth", "now", "namespace name", "name"),
    Asked(EXAMPLE, "Pending kubectl run", "argocd_kubectl_exec_pending", "now", "namespace", "command"),
    Asked(
        EXAMPLE, "Resource Objects Count", "argocd_cluster_api_resource_objects", "now", "namespace server", "server"
    ),
    Asked(EXAMPLE, "API Resources Count", "argocd_cluster_api_resources", "now", "namespace server", "server"),
    Asked(EXAMPLE, "Cluster Events Count", "argocd_cluster_events_total", "increase", "namespace server", "server"),
    Asked(EXAMPLE, "Git Requests", "argocd_git_request_total", "increase", "request_type namespace", "namespace"),
    Asked(
        EXAMPLE,
        "Git Performance",
        "argocd_git_request_duration_seconds_bucket",
        "increase",
        "request_type namespace",
        "le",
    ),
    Asked(OPERATIONAL, "Clusters", "argocd_cluster_info", "now", "namespace job", ""),
    Asked(OPERATIONAL, "Repositories", "argocd_app_info", "now", "namespace job", "repo"),
    Asked(
        OPERATIONAL,
        "Applications",
        "argocd_app_info",
        "now",
        "namespace job dest_server project",
        "job dest_server project name health_status sync_status",
    ),
    Asked(
        OPERATIONAL,
        "Sync Failures",
        "argocd_app_sync_total",
        "increase",
        "namespace job dest_server project phase",
        "job dest_server project name phase",
    ),
    Asked(
        OPERATIONAL, "Reconciliation Activity", "argocd_app_reconcile_count", "increase", "namespace job", "namespace"
    ),
    Asked(OPERATIONAL, "Reconciliation Performance", "argocd_app_reconcile_bucket", "rate", "namespace job", "le"),
    Asked(
        OPERATIONAL,
        "K8s API Activity",
        "argocd_app_k8s_request_total",
        "increase",
        "namespace job",
        "job verb resource_kind",
    ),
    Asked(OPERATIONAL, "Pending Kubectl Runs", "argocd_kubectl_exec_pending", "now", "namespace job", "job command"),
    Asked(OPERATIONAL, "Kubectl Exec", "argocd_kubectl_exec_total", "increase", "namespace job", "command"),
    Asked(OPERATIONAL, "Resource Objects", "argocd_cluster_api_resource_objects", "now", "job server", "server"),
    Asked(OPERATIONAL, "API Resources", "argocd_cluster_api_resources", "now", "job server", "server"),
    Asked(OPERATIONAL, "Cluster Events", "argocd_cluster_events_total", "increase", "job server", "server"),
    Asked(OPERATIONAL, "Cluster Cache Age", "argocd_cluster_cache_age_seconds", "now", "job server", "server"),
    Asked(
        OPERATIONAL,
        "Cluster Connection",
        "argocd_cluster_connection_status",
        "now",
        "job server",
        "server k8s_version",
    ),
    Asked(OPERATIONAL, "Git Requests", "argocd_git_request_total", "increase", "job request_type", "repo"),
    Asked(OPERATIONAL, "Git Performance", "argocd_git_request_duration_seconds_bucket", "rate", "request_type", "le"),
    Asked(OPERATIONAL, "Git Fetch Failures", "argocd_git_fetch_fail_total", "increase", "namespace job", "repo"),
    Asked(OPERATIONAL, "Pending Repo Requests", "argocd_repo_pending_request_total", "now", "job", "namespace job"),
    Asked(OPERATIONAL, "Resource Events", "argocd_resource_events_processing_bucket", "rate", "job", "le"),
    Asked(OPERATIONAL, "Resource Events Batch", "argocd_resource_events_processed_in_batch", "now", "job", "job"),
    Asked(APPLICATIONS, "Health Status", "argocd_app_info", "now", "project", "job project health_status"),
    Asked(APPLICATIONS, "Sync Status", "argocd_app_info", "now", "project", "job project sync_status"),
    Asked(APPLICATIONS, "Auto Sync", "argocd_app_info", "now", "project", "job project autosync_enabled"),
    Asked(APPLICATIONS, "Syncs", "argocd_app_sync_total", "increase", "project", "job project phase"),
    Asked(APPLICATIONS, "Health of one", "argocd_app_info", "now", "exported_namespace name", f"{_ONE} health_status"),
    Asked(
        APPLICATIONS, "Syncs of one", "argocd_app_sync_total", "increase", "exported_namespace name", f"{_ONE} phase"
    ),
)

NOT_SHOWN = {
    "argocd_redis_request_total": "Lynceus has no Redis",
    "argocd_redis_request_duration_seconds_bucket": "Lynceus has no Redis",
    "grpc_server_handled_total": "the API of Lynceus is HTTP",
    "go_memstats_heap_alloc_bytes": "Lynceus is no Go program; process_resident_memory_bytes is there",
    "go_goroutines": "Lynceus is no Go program",
    "go_gc_duration_seconds": "Lynceus is no Go program",
    "process_start_time_seconds": "exported, but the example asks for the job argocd-server-metrics by name",
    "process_cpu_seconds_total": "exported, but the example asks for the jobs of Argo CD's components by name",
    "argocd_notifications_deliveries_total": "Lynceus sends no notifications",
    "argocd_notifications_trigger_eval_total": "Lynceus sends no notifications",
}
"""What the same boards ask for and do not get, with the reason."""
