"""The lower half of the board Engine: Git, clusters, and Lynceus itself."""

from __future__ import annotations

from dashboards.boards.frame import Row
from dashboards.boards.panels import NEVER, Look, Query, lines, timeline
from dashboards.boards.promql import (
    IN_CLUSTER,
    age,
    increase,
    metric,
    quantile,
    rate,
    share,
    top,
    total,
)
from dashboards.boards.tables import Column, table

ARGO_OFF = "in observe mode it comes from Argo CD, which is not scraped"
NO_GIT = "no request to a Git server in this time"
NO_API = f"no request to an API server in this time, or {ARGO_OFF}"

PENDING = f"max by (cluster, hostname, command) ({metric('argocd_kubectl_exec_pending', scope=IN_CLUSTER)})"
GIT = "argocd_git_request_duration_seconds"
API = "argocd_kubectl_request_duration_seconds"
OURS = f"and on (cluster, job, instance) {metric('lynceus_build_info', scope=IN_CLUSTER)}"
"""Keeps what was scraped from Lynceus itself, whatever the job is called."""
PLACE = f'{IN_CLUSTER}, server=~"$dest_server"'
REPO = f'{IN_CLUSTER}, repo=~"$repo"'
RESULT, FAILED = 'result=~".+"', 'result="error"'
"""Requests of Lynceus; those of an Argo CD beside it have no result."""
LAST_FETCH = metric("lynceus_git_last_success_timestamp_seconds", scope=REPO)
CONNECTED = metric("argocd_cluster_connection_status", scope=PLACE)


def _failures(name: str, kind: str) -> str:
    """Return the failures of a day by repository and revision, under the label request_type."""
    failed = total("repo, revision", increase(name, window="24h", scope=REPO))
    return f'label_replace({failed}, "request_type", "{kind}", "", "")'


FAILURES = " or ".join(
    (_failures("argocd_git_fetch_fail_total", "fetch"), _failures("argocd_git_lsremote_fail_total", "ls-remote"))
)

GITS = Row(
    "Git",
    (
        lines(
            Look(
                "Git error ratio",
                "Share of the requests that failed, by repository.",
                NO_GIT,
                unit="percentunit",
                span=8,
                runbooks=("ArgoCDGitFetchErrors", "LynceusGitFailing", "LynceusGitBudgetBurn"),
            ),
            Query(
                share(
                    total("repo", rate("argocd_git_request_total", FAILED, scope=REPO)),
                    total("repo", rate("argocd_git_request_total", RESULT, scope=REPO)),
                ),
                "{{repo}}",
            ),
        ),
        lines(
            Look(
                "Git request duration, p95",
                "Nineteen of twenty requests took less.",
                NO_GIT,
                unit="s",
                span=8,
                steps=((None, "green"), (10.0, "red")),
                runbooks=("LynceusGitSlow",),
            ),
            Query(quantile(0.95, GIT, by="repo", scope=REPO), "{{repo}}"),
        ),
        lines(
            Look(
                "Since the last good fetch",
                "How long ago each repository last gave what was asked.",
                "no request to a Git server has succeeded since Lynceus started",
                unit="s",
                span=8,
                steps=((None, "green"), (900.0, "red")),
                runbooks=("LynceusGitStale",),
            ),
            Query(age(f"max by (repo) ({LAST_FETCH})"), "{{repo}}"),
        ),
        lines(
            Look(
                "Git requests", "Requests a second by kind and result.", "no repository is known", unit="reqps", span=8
            ),
            Query(
                total("request_type, result", rate("argocd_git_request_total", RESULT, scope=REPO)),
                "{{request_type}} {{result}}",
            ),
            stack=True,
        ),
        lines(
            Look(
                "Waiting for a repository",
                "Who waits for a repository that another request holds.",
                f"nobody ever waited, or {ARGO_OFF}",
                span=8,
                nothing="nobody waits",
                runbooks=("LynceusRepoPending",),
            ),
            Query(f"max by (repo) ({metric('argocd_repo_pending_request_total', scope=REPO)})", "{{repo}}"),
        ),
        lines(
            Look(
                "Pushes by webhook",
                "Webhook requests a second, by repository; none for repositories that no Application uses.",
                f"no push was ever announced, or {ARGO_OFF}",
                unit="reqps",
                span=8,
                nothing="no push by webhook",
            ),
            Query(total("repo", rate("argocd_webhook_requests_total", scope=IN_CLUSTER)), "{{repo}}"),
        ),
        table(
            Look(
                "What could not be fetched, 24 h",
                "Failed fetches and ls-remotes by branch or tag; commit stands for a commit id. The first of each is "
                "not counted.",
                "nothing failed since Lynceus started",
                height=7,
                nothing="nothing failed",
                runbooks=("ArgoCDGitFetchErrors", "LynceusGitFailing"),
            ),
            Column("Failures", top(20, FAILURES)),
            names={"request_type": "Request"},
        ),
        lines(
            Look(
                "Wait for a repository, p95",
                "How long work waited for a repository that another request held.",
                f"nobody waited in this time, or {ARGO_OFF}",
                unit="s",
                height=7,
                nothing="nobody waited",
                runbooks=("LynceusRepoPending",),
            ),
            Query(quantile(0.95, "argocd_repo_parallelism_wait_duration_seconds", scope=IN_CLUSTER), "p95"),
        ),
    ),
)

CLUSTERS = Row(
    "Clusters",
    (
        timeline(
            Look(
                "Connection",
                "Whether the API server of each destination answered.",
                f"argocd_cluster_connection_status has no series: {ARGO_OFF}",
                span=8,
                words=((0.0, "does not answer", "red"), (1.0, "answers", "green")),
                runbooks=("LynceusClusterUnreachable",),
            ),
            Query(f"min by (server) ({CONNECTED})", "{{server}}"),
        ),
        lines(
            Look(
                "Objects in the cache",
                "What is held in memory of each cluster; the first thing that grows with a fleet.",
                f"argocd_cluster_api_resource_objects has no series: {ARGO_OFF}",
                span=8,
            ),
            Query(f"max by (server) ({metric('argocd_cluster_api_resource_objects', scope=PLACE)})", "{{server}}"),
        ),
        lines(
            Look(
                "Age of the cache",
                "Since each cache was last filled; it is kept up by watches meanwhile. -1: never filled.",
                f"argocd_cluster_cache_age_seconds has no series: {ARGO_OFF}",
                unit="s",
                span=8,
            ),
            Query(f"max by (server) ({metric('argocd_cluster_cache_age_seconds', scope=PLACE)})", "{{server}}"),
        ),
        lines(
            Look(
                "API request duration, p95",
                "Nineteen of twenty requests to the API server took less.",
                NO_API,
                unit="s",
                span=8,
                steps=((None, "green"), (5.0, "red")),
                runbooks=("LynceusApiSlow",),
            ),
            Query(quantile(0.95, API, by="host", scope=IN_CLUSTER), "{{host}}"),
        ),
        lines(
            Look(
                "Held back by the rate limit, p95",
                "How long requests waited before they were sent.",
                NO_API,
                unit="s",
                span=8,
                steps=((None, "green"), (1.0, "red")),
                runbooks=("LynceusApiThrottled",),
            ),
            Query(
                quantile(0.95, "argocd_kubectl_rate_limiter_duration_seconds", by="host", scope=IN_CLUSTER), "{{host}}"
            ),
        ),
        lines(
            Look(
                "Answers of API servers",
                "Requests a second, by status.",
                f"no request since Lynceus started, or {ARGO_OFF}",
                unit="reqps",
                span=8,
            ),
            Query(total("code", rate("argocd_kubectl_requests_total", scope=IN_CLUSTER)), "{{code}}"),
            stack=True,
        ),
        lines(
            Look(
                "Watch events",
                "Events a second that were taken into the cache.",
                f"no event since Lynceus started, or {ARGO_OFF}",
                unit="ops",
                span=8,
            ),
            Query(total("server", rate("argocd_cluster_events_total", scope=PLACE)), "{{server}}"),
        ),
        lines(
            Look(
                "Taking watch events, p95",
                "How long a batch of watch events took.",
                f"no event in this time, or {ARGO_OFF}",
                unit="s",
                span=8,
            ),
            Query(quantile(0.95, "argocd_resource_events_processing", by="server", scope=PLACE), "{{server}}"),
        ),
        lines(
            Look(
                "Writes under way",
                "Writes to clusters that have begun and not ended.",
                f"nothing was written since Lynceus started, or {ARGO_OFF}",
                span=8,
                runbooks=("LynceusApplyBacklog",),
            ),
            Query(total("command", PENDING), "{{command}}"),
            stack=True,
        ),
    ),
)

SELF = Row(
    "Lynceus itself",
    (
        table(
            Look(
                "Processes",
                "What runs where: version, mode, whether Argo CD's families are on, memory, age.",
                "Lynceus is not scraped",
                height=6,
                runbooks=("LynceusAbsent", "LynceusMetricsDoubled"),
            ),
            Column(
                "Running for",
                f"max by (cluster, instance) ({age(metric('process_start_time_seconds', scope=IN_CLUSTER))} {OURS})",
                "s",
            ),
            Column("", f"max by (cluster, instance, version) ({metric('lynceus_build_info', scope=IN_CLUSTER)})"),
            Column(
                "",
                f"max by (cluster, instance, mode, argocd_metrics) ({metric('lynceus_mode_info', scope=IN_CLUSTER)})",
            ),
            Column(
                "Works",
                f"max by (cluster, instance) ({metric('lynceus_leader', scope=IN_CLUSTER)})",
                words=((0.0, "stands by", "text"), (1.0, "yes", "green")),
            ),
            hide="cluster",
        ),
        lines(
            Look(
                "Memory",
                "Resident memory.",
                "Lynceus is not scraped, or runs where /proc is not",
                unit="bytes",
                span=6,
                height=6,
            ),
            Query(
                f"max by (instance) ({metric('process_resident_memory_bytes', scope=IN_CLUSTER)} {OURS})",
                "{{instance}}",
            ),
        ),
        lines(
            Look(
                "Processor",
                "Cores that are busy.",
                "Lynceus is not scraped, or runs where /proc is not",
                span=6,
                height=6,
            ),
            Query(f"max by (instance) ({rate('process_cpu_seconds_total', scope=IN_CLUSTER)} {OURS})", "{{instance}}"),
        ),
        lines(
            Look("Time of a scrape", "As Prometheus saw it.", "Lynceus is not scraped", unit="s", span=8),
            Query(f"max by (instance) ({metric('scrape_duration_seconds', scope=IN_CLUSTER)} {OURS})", "{{instance}}"),
        ),
        lines(
            Look(
                "Series by family",
                "The largest families.",
                "Lynceus is not scraped",
                span=8,
                runbooks=("LynceusCardinalityLimit",),
            ),
            Query(top(10, f"max by (family) ({metric('lynceus_metrics_series', scope=IN_CLUSTER)})"), "{{family}}"),
        ),
        lines(
            Look(
                "Given up",
                "Spans, log records and label values that were dropped so that the loop need not wait.",
                NEVER,
                span=8,
                runbooks=("LynceusCardinalityLimit", "LynceusAuditLost"),
            ),
            Query(f"sum({increase('lynceus_trace_spans_dropped_total', scope=IN_CLUSTER)}) or vector(0)", "spans"),
            Query(
                f"sum({increase('lynceus_log_records_dropped_total', scope=IN_CLUSTER)}) or vector(0)", "log records"
            ),
            Query(
                f"sum({increase('lynceus_metrics_dropped_label_values_total', scope=IN_CLUSTER)}) or vector(0)",
                "label values",
            ),
        ),
    ),
)
