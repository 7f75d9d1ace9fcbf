"""Rules about what Lynceus depends on: Git servers and the API servers of clusters."""

from __future__ import annotations

from alerts.rules.form import Alert, Group
from alerts.rules.phrases import grown


def _failures(kind: str) -> str:
    counted = grown(f"argocd_git_{kind}_fail_total", "<git_window:range>").replace("\n", "\n  ")
    return f"  sum by (repo, job) {counted} > <git_failures>\n"


_GIT_FAILING = Alert(
    name="LynceusGitFailing",
    expr=f"max by (repo) (\n{_failures('fetch')}  or\n{_failures('lsremote')})",
    severity="warning",
    summary="Requests to {{ $labels.repo }} keep failing",
    description="{{ $value | humanize }} requests to {{ $labels.repo }} failed within <git_window>.",
    board="engine",
    why="By the two counters that Argo CD has as well, so that it fires on its metrics, too. Each is born with the "
    "first failure of a revision, which increase() would not see. By job, since both may export one repository.",
)

_GIT_STALE = Alert(
    name="LynceusGitStale",
    expr='sum by (repo) (increase(argocd_git_request_total{result="error"}[<git_stale:range>]))\n'
    ">= <git_stale_failures>\n"
    "unless on (repo)\n"
    'sum by (repo) (increase(argocd_git_request_total{result="success"}[<git_stale:range>])) > 0',
    hold="1m",
    severity="warning",
    summary="{{ $labels.repo }} has not answered for <git_stale>",
    description="Every request to {{ $labels.repo }} failed in the last <git_stale>; its applications stay at the last "
    "commit that was read.",
    board="engine",
    why="Not by lynceus_git_last_success_timestamp_seconds: a repository that never answered has none, and one that "
    "nobody asks any more, or that only tells of pushes, grows old without anything being wrong.",
)

_GIT_SLOW = Alert(
    name="LynceusGitSlow",
    expr="histogram_quantile(0.95, sum by (le, repo) (rate(argocd_git_request_duration_seconds_bucket[15m]))) "
    "> <git_slow>",
    hold="20m",
    severity="warning",
    summary="{{ $labels.repo }} answers slowly",
    description="One request in twenty to {{ $labels.repo }} takes more than <git_slow> seconds.",
    board="engine",
    why="Fifteen minutes, since a repository that is asked every few minutes has none in some five; `for` is longer "
    "than that, so that the one slow fetch of a large repository is not told. The buckets end at 20 s: a threshold of "
    "30 could never be exceeded.",
)

_PENDING = Alert(
    name="LynceusRepoPending",
    expr="sum by (repo) (argocd_repo_pending_request_total) > <repo_pending>",
    hold="10m",
    severity="warning",
    summary="Requests for {{ $labels.repo }} pile up",
    description="{{ $value }} renders and fetches wait for {{ $labels.repo }}.",
    board="engine",
)

_CLUSTER = Alert(
    name="LynceusClusterUnreachable",
    expr="label_replace(\n"
    '  max by (server) (argocd_cluster_connection_status) == 0, "dest_server", "$1", "server", "(.*)"\n'
    ")",
    hold="5m",
    severity="critical",
    summary="The API server {{ $labels.server }} does not answer",
    description="Applications on {{ $labels.server }} are neither compared nor synced.",
    board="engine",
    why="As dest_server, too, which is what alerts of applications call it: Alertmanager compares the two. max by, "
    "because the version of a cluster that is away is not known and would start a new series.",
)

_THROTTLED = Alert(
    name="LynceusApiThrottled",
    expr='sum by (host) (rate(argocd_kubectl_requests_total{code="429"}[5m])) > <throttled_rate>\n'
    "or\n"
    "histogram_quantile(0.95, sum by (le, host) (rate(argocd_kubectl_rate_limiter_duration_seconds_bucket[5m]))) "
    "> <throttled>",
    hold="10m",
    severity="warning",
    summary="The API server {{ $labels.host }} wants fewer requests",
    description="More than <throttled_rate> requests a second to {{ $labels.host }} are answered with 429, or one in "
    "twenty waits longer than <throttled> seconds before it is sent.",
    board="engine",
    why="Lynceus has no limit of its own and is held back by answers 429 only; Argo CD's client holds requests back "
    "itself. The waits at a bound of the buckets (0.5, 2, 8): between two bounds a quantile is a guess, and requests "
    "of 0.6 s would exceed 1.",
)

_API_SLOW = Alert(
    name="LynceusApiSlow",
    expr="histogram_quantile(0.95, sum by (le) (rate(argocd_kubectl_request_duration_seconds_bucket[5m]))) "
    "> <api_slow>",
    hold="10m",
    severity="warning",
    summary="API servers answer slowly",
    description="One request in twenty takes longer than <api_slow> seconds.",
    board="engine",
    why="At a bound of the buckets (2, 8, 30): requests of 3 s would exceed 5.",
)

_BACKLOG = Alert(
    name="LynceusApplyBacklog",
    expr="sum(argocd_kubectl_exec_pending) > <apply_backlog>",
    hold="15m",
    severity="warning",
    summary="Writes to clusters pile up",
    description="{{ $value }} writes are under way at once.",
    board="engine",
)

GROUP = Group(
    name="lynceus.sources",
    rules=(_GIT_FAILING, _GIT_STALE, _GIT_SLOW, _PENDING, _CLUSTER, _THROTTLED, _API_SLOW, _BACKLOG),
)
