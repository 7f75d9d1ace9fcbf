"""The one table of all metrics: name, type, help, labels, stability, moment of change, source. No behaviour.

`exporter.instruments` makes the instruments from it, `exporter.docs` writes docs/metrics.md, and tests hold every panel
and every rule against it: a name or label that is not here cannot be used anywhere.
"""

from __future__ import annotations

import typing as t

import msgspec

Kind = t.Literal["gauge", "counter", "histogram"]

APP = ("namespace", "name", "project")
"""What identifies an Application in a series."""

RECONCILE_BUCKETS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
GIT_BUCKETS = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 10.0, 20.0)
LONG_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
"""Up to five minutes, so that a threshold of a minute lies inside the buckets."""


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """One family."""

    name: str
    """As it stands in a sample of the text format; counters end in _total."""
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    """Upper bounds of a histogram, +Inf left out."""
    changes: str
    """The moment at which a sample changes."""
    source: str = "Lynceus"
    """Who defined it: an Argo CD component whose metric this is, or Lynceus."""
    stability: t.Literal["stable", "alpha"] = "stable"
    """stable: name and labels change only with a major version."""
    per_application: bool = False
    """True: series live and die with an Application and are kept as ready-made lines."""

    @property
    def family(self) -> str:
        """The name in OpenMetrics' HELP and TYPE lines, where counters lose their suffix."""
        return self.name.removesuffix("_total") if self.kind == "counter" else self.name

    @property
    def samples(self) -> tuple[str, ...]:
        """The names that can be queried."""
        if self.kind == "histogram":
            return tuple(self.name + suffix for suffix in ("_bucket", "_sum", "_count"))
        return (self.name,)

    @property
    def shadows_argocd(self) -> bool:
        """True when an Argo CD in the same cluster exports the same series, so that sums would double."""
        return self.name.startswith(("argocd_app_", "argocd_cluster_"))


_CONTROLLER = "Argo CD application controller"
_REPO_SERVER = "Argo CD repo server"

CATALOGUE: tuple[Metric, ...] = (
    Metric(
        name="argocd_app_info",
        kind="gauge",
        help="Always 1; the labels carry the state of the Application.",
        labels=(
            *APP,
            "autosync_enabled",
            "repo",
            "dest_server",
            "dest_namespace",
            "sync_status",
            "health_status",
            "operation",
        ),
        changes="a watch event brings a new version of the Application; gone once the Application is deleted",
        source=_CONTROLLER,
        per_application=True,
    ),
    Metric(
        name="argocd_app_condition",
        kind="gauge",
        help="Number of conditions of one type that the Application has.",
        labels=(*APP, "condition"),
        changes="a watch event brings a new version of the Application; absent at zero",
        source=_CONTROLLER,
        per_application=True,
    ),
    Metric(
        name="argocd_app_sync_total",
        kind="counter",
        help="Sync attempts that ended: every failed attempt, and success once per operation.",
        labels=(*APP, "dest_server", "phase", "dry_run"),
        changes="an attempt ends; born at 0 when the Application is first seen",
        source=_CONTROLLER,
        per_application=True,
    ),
    Metric(
        name="argocd_app_reconcile",
        kind="histogram",
        help="Seconds that refreshing one Application took.",
        labels=("namespace", "dest_server"),
        buckets=RECONCILE_BUCKETS,
        changes="a refresh turn of the loop ends",
        source=_CONTROLLER,
    ),
    Metric(
        name="argocd_cluster_info",
        kind="gauge",
        help="Always 1; a cluster that is a destination.",
        labels=("server", "k8s_version", "name"),
        changes="the cluster is seen, or its version or name changes",
        source=_CONTROLLER,
    ),
    Metric(
        name="argocd_cluster_api_resource_objects",
        kind="gauge",
        help="Objects in the cache of the cluster.",
        labels=("server",),
        changes="the controller reports on the cluster's cache",
        source=_CONTROLLER,
    ),
    Metric(
        name="argocd_cluster_api_resources",
        kind="gauge",
        help="Kinds of objects that are watched in the cluster.",
        labels=("server",),
        changes="the controller reports on the cluster's cache",
        source=_CONTROLLER,
    ),
    Metric(
        name="argocd_cluster_connection_status",
        kind="gauge",
        help="1 when the cluster's API server answers, else 0.",
        labels=("server", "k8s_version"),
        changes="the connection is lost or back",
        source=_CONTROLLER,
    ),
    Metric(
        name="argocd_git_request_total",
        kind="counter",
        help="Requests to Git servers that ended, by kind and result.",
        labels=("repo", "request_type", "result"),
        changes="a request ends; all four are born at 0 when an Application names the repository; a failed ls-remote "
        "counts as a failed fetch too, since it keeps the fetch from being tried",
        source=_REPO_SERVER + "; the label result is an addition",
    ),
    Metric(
        name="argocd_git_request_duration_seconds",
        kind="histogram",
        help="Seconds that requests to Git servers took.",
        labels=("repo", "request_type"),
        buckets=GIT_BUCKETS,
        changes="a request ends",
        source=_REPO_SERVER,
    ),
    Metric(
        name="argocd_git_fetch_fail_total",
        kind="counter",
        help="Fetches that failed.",
        labels=("repo", "revision"),
        changes="a fetch fails; a commit id is written as commit",
        source=_REPO_SERVER,
    ),
    Metric(
        name="argocd_git_lsremote_fail_total",
        kind="counter",
        help="Listings of a remote's references that failed.",
        labels=("repo", "revision"),
        changes="an ls-remote fails; a commit id is written as commit",
        source=_REPO_SERVER,
    ),
    Metric(
        name="lynceus_app_sync_allowed",
        kind="gauge",
        help="1 if a sync of the Application would be let through now, else 0.",
        labels=(*APP, "trigger"),
        changes="a window opens or closes, a project or policy changes, or the Application does",
        per_application=True,
    ),
    Metric(
        name="lynceus_policy_decisions_total",
        kind="counter",
        help="Answers of the guard.",
        labels=("effect", "resource", "action", "source"),
        changes="the loop, the API or the webhook asks the guard",
    ),
    Metric(
        name="lynceus_freeze_overrides_total",
        kind="counter",
        help="Syncs that a person took through a closed window or a freeze by break-glass.",
        labels=("project",),
        changes="such a sync begins; born at 0 when the project is first seen",
    ),
    Metric(
        name="lynceus_policy_reload_failures_total",
        kind="counter",
        help="Policy texts that were refused, so that the last good one stayed in force.",
        changes="a changed policy or project cannot be read",
    ),
    Metric(
        name="lynceus_policy_last_reload_timestamp_seconds",
        kind="gauge",
        help="Unix time at which a policy was last taken; 0 before the first.",
        changes="a policy is taken",
    ),
    Metric(
        name="lynceus_reconcile_total",
        kind="counter",
        help="Turns of the loop that ended, by what caused them.",
        labels=("trigger", "result"),
        changes="a turn ends",
    ),
    Metric(
        name="lynceus_reconcile_duration_seconds",
        kind="histogram",
        help="Seconds that one turn of the loop took.",
        buckets=LONG_BUCKETS,
        changes="a turn ends",
    ),
    Metric(
        name="lynceus_reconcile_stage_seconds",
        kind="histogram",
        help="Seconds that one stage of a turn took.",
        labels=("stage",),
        buckets=LONG_BUCKETS,
        changes="a turn ends",
    ),
    Metric(
        name="lynceus_render_cache_requests_total",
        kind="counter",
        help="Renders that were asked for: made (miss) or found in the cache (hit).",
        labels=("tool", "result"),
        changes="the loop needs the manifests of an Application",
    ),
    Metric(
        name="lynceus_render_duration_seconds",
        kind="histogram",
        help="Seconds that making the manifests took.",
        labels=("tool",),
        buckets=LONG_BUCKETS,
        changes="a render that was not in the cache ends",
    ),
    Metric(
        name="lynceus_trace_spans_dropped_total",
        kind="counter",
        help="Spans that were given up because the collector is absent or slow.",
        changes="the queue of spans is full or an export fails",
        stability="alpha",
    ),
    Metric(
        name="lynceus_metrics_dropped_label_values_total",
        kind="counter",
        help="Samples that were dropped because a family has too many label sets.",
        labels=("family",),
        changes="a new label set is refused",
        stability="alpha",
    ),
    Metric(
        name="lynceus_build_info",
        kind="gauge",
        help="Always 1; the version that runs.",
        labels=("version",),
        changes="never while the process lives",
    ),
    Metric(
        name="lynceus_mode_info",
        kind="gauge",
        help="Always 1; the mode, and whether the Argo-compatible families are on.",
        labels=("mode", "argocd_metrics"),
        changes="never while the process lives",
    ),
)

BY_NAME: t.Mapping[str, Metric] = {metric.name: metric for metric in CATALOGUE}
BY_SAMPLE: t.Mapping[str, Metric] = {sample: metric for metric in CATALOGUE for sample in metric.samples}
