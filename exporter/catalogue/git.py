"""Repositories: requests to Git servers, who waits for them, and what they push."""

from __future__ import annotations

from exporter.catalogue.metric import API_SERVER, GIT_BUCKETS, LONG_BUCKETS, REPO_SERVER, Metric

METRICS: tuple[Metric, ...] = (
    Metric(
        name="argocd_git_request_total",
        kind="counter",
        help="Requests to Git servers that ended, by kind and result.",
        labels=("repo", "request_type", "result"),
        changes="a request ends; all four are born at 0 when an Application names the repository; a failed ls-remote "
        "counts as a failed fetch too, since it keeps the fetch from being tried",
        source=REPO_SERVER + "; the label result is an addition",
    ),
    Metric(
        name="argocd_git_request_duration_seconds",
        kind="histogram",
        help="Seconds that requests to Git servers took.",
        labels=("repo", "request_type"),
        buckets=GIT_BUCKETS,
        changes="a request ends",
        source=REPO_SERVER,
        exemplar=True,
    ),
    Metric(
        name="argocd_git_fetch_fail_total",
        kind="counter",
        help="Fetches that failed.",
        labels=("repo", "revision"),
        changes="a fetch fails; born at 0 with the first request for the revision; a commit id is written as commit",
        source=REPO_SERVER,
    ),
    Metric(
        name="argocd_git_lsremote_fail_total",
        kind="counter",
        help="Listings of a remote's references that failed.",
        labels=("repo", "revision"),
        changes="an ls-remote fails; born at 0 as argocd_git_fetch_fail_total; a commit id is written as commit",
        source=REPO_SERVER,
    ),
    Metric(
        name="argocd_repo_pending_request_total",
        kind="gauge",
        help="Who waits now until another has listed the repository's references or fetched its commits; a gauge in "
        "spite of its name.",
        labels=("repo",),
        changes="somebody begins or ends to wait; 0 from when an Application names the repository",
        source=REPO_SERVER,
    ),
    Metric(
        name="argocd_repo_parallelism_wait_duration_seconds",
        kind="histogram",
        help="Seconds that work waited for a repository that another request held.",
        buckets=(0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 10.0, 20.0, 60.0, 120.0),
        changes="somebody ends to wait; work that did not have to wait is not counted",
        source=REPO_SERVER,
    ),
    Metric(
        name="argocd_webhook_requests_total",
        kind="counter",
        help="Pushes that Git servers announced; repo is empty for repositories that no Application uses.",
        labels=("repo",),
        changes="a webhook request was answered",
        source=API_SERVER,
    ),
    Metric(
        name="argocd_webhook_handlers_in_flight",
        kind="gauge",
        help="Webhook requests that are being answered.",
        changes="a webhook request begins or ends",
        source=API_SERVER,
    ),
    Metric(
        name="lynceus_git_last_success_timestamp_seconds",
        kind="gauge",
        help="Unix time at which the Git server last gave what was asked.",
        labels=("repo",),
        changes="a request succeeds",
    ),
    Metric(
        name="lynceus_webhook_to_refresh_seconds",
        kind="histogram",
        help="Seconds from a push received to the refresh it asked for.",
        buckets=LONG_BUCKETS,
        changes="the first refresh after a push begins",
    ),
)
