"""A made-up scrape that holds every family of the catalogue at once, so that every panel has something to find.

Three Applications: web is fine; late is out of sync, unhealthy, held back and behind; stuck is so without an opening in
sight. Counters go up with time.
"""

from __future__ import annotations

import itertools
import typing as t

from exporter.catalogue import CATALOGUE, Metric

SERVER, REPO = "https://kubernetes.default.svc", "https://git.example/shop"

VALUES: dict[str, tuple[str, ...]] = {
    "namespace": ("argocd",),
    "name": ("web", "late", "stuck"),
    "project": ("shop",),
    "dest_server": (SERVER,),
    "server": (SERVER,),
    "repo": (REPO,),
    "phase": ("Succeeded", "Failed"),
    "dry_run": ("false",),
    "trigger": ("auto", "manual"),
    "reason": ("window_deny",),
    "window": ("nights",),
    "kind": ("deny",),
    "environment": ("prod",),
    "effect": ("allow", "deny"),
    "request_type": ("fetch", "ls-remote"),
    "rule": ("policy.csv:1", "policy.csv:2"),
    "severity": ("error", "warning"),
}
"""Label -> the values that it takes, where one of its own name will not do."""
RESULTS = {
    "argocd_git_request_total": ("success", "error"),
    "lynceus_deployments_total": ("success", "failed", "rolled_back"),
    "lynceus_self_heal_total": ("success", "failed"),
    "lynceus_render_cache_requests_total": ("hit", "miss", "stale"),
}
OUT = {"sync_status": "OutOfSync", "health_status": "Degraded"}
CLUSTERS = ("argocd_cluster_info", "argocd_cluster_labels")
QUEUE = "app_reconciliation_queue"
TROUBLED = (
    "drift_since",
    "unhealthy_since",
    "commits_behind",
    "oldest_undeployed",
    "sync_blocked",
    "next_open",
    "argocd_app_condition",
    "orphaned",
)
"""What the Application web does not have."""
UNUSED = ("argocd_appset_reconcile", "lynceus_admission_")
"""Families that this version gives no series."""


def exposition(now: float, age: float, *, observing: bool) -> str:
    """Return the body of a scrape.

    Args:
        now: Unix seconds.
        age: seconds since the first scrape; counters have gone up by as much.
        observing: leave out what an Argo CD exports itself.
    """
    made = [
        line
        for metric in CATALOGUE
        if not metric.name.startswith(UNUSED) and not (observing and metric.shadows_argocd)
        for line in _family(metric, now, age)
    ]
    process = [
        'ALERTS{alertname="LynceusAppDrifted",alertstate="firing",severity="warning",name="late",project="shop"} 1',
        f"process_start_time_seconds {now - 3600:.3f}",
        f"process_cpu_seconds_total {age / 10:.3f}",
        "process_resident_memory_bytes 1e8",
    ]
    return "\n".join([*made, *process]) + "\n"


def _family(metric: Metric, now: float, age: float) -> t.Iterator[str]:
    for labels in _label_sets(metric):
        text = ",".join(f'{name}="{value}"' for name, value in labels.items())
        if metric.kind == "histogram":
            yield from _histogram(metric, text, age)
        else:
            yield f"{metric.name}{{{text}}} {_value(metric, labels, now, age):.3f}"


def _label_sets(metric: Metric) -> t.Iterator[dict[str, str]]:
    choices = [_choices(metric, label) for label in metric.labels]
    for values in itertools.product(*choices):
        labels = dict(zip(metric.labels, values, strict=True))
        if any(word in metric.name for word in TROUBLED) and labels.get("name") == "web":
            continue
        if "next_close" in metric.name and labels["name"] != "web":
            continue
        if "next_open" in metric.name and labels["name"] != "late":
            continue
        if metric.name == "lynceus_app_last_sync_info" and (labels["name"] == "web") == (labels["phase"] == "Failed"):
            continue
        if metric.name.endswith("_app_info") or metric.name == "lynceus_app_resources":
            fine = labels["name"] == "web"
            labels |= {"sync_status": "Synced", "health_status": "Healthy"} if fine else OUT
        yield labels


def _choices(metric: Metric, label: str) -> tuple[str, ...]:
    if label == "result":
        return RESULTS.get(metric.name, ("success",))
    if label in ("name", "controller") and metric.name.startswith("workqueue_"):
        return (QUEUE,)
    if label == "name" and metric.name in CLUSTERS:
        return ("in-cluster",)
    if label == "reason" and metric.name == "lynceus_admission_requests_total":
        return ("rbac",)
    if metric.name == "lynceus_policy_rule_info" and label == "effect":
        return ("allow",)
    return VALUES.get(label, (label.replace("_", " "),))


def _value(metric: Metric, labels: dict[str, str], now: float, age: float) -> float:
    if metric.kind == "counter":
        return 0.0 if labels.get("rule") == "policy.csv:2" else 1 + 3 * age
    if metric.name.endswith("_timestamp_seconds"):
        return now + 3600 if "next_" in metric.name else now - 7200
    if metric.name == "lynceus_app_sync_allowed":
        return 1.0 if labels["name"] == "web" else 0.0
    return 1.0


def _histogram(metric: Metric, text: str, age: float) -> t.Iterator[str]:
    separator = "," if text else ""
    for number, bound in enumerate((*(f"{bound:g}" for bound in metric.buckets), "+Inf"), 1):
        yield f'{metric.name}_bucket{{{text}{separator}le="{bound}"}} {number * (1 + age):.3f}'
    total = (len(metric.buckets) + 1) * (1 + age)
    yield f"{metric.name}_sum{{{text}}} {total * 2:.3f}"
    yield f"{metric.name}_count{{{text}}} {total:.3f}"
