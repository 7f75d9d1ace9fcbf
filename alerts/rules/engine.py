"""Rules about Lynceus itself: is it there, does it work, can it be believed."""

from __future__ import annotations

from alerts.rules.form import Alert, Group
from alerts.rules.phrases import APP

_ABSENT = Alert(
    name="LynceusAbsent",
    expr="absent(lynceus_build_info)",
    hold="10m",
    severity="critical",
    summary="No metrics of Lynceus arrive",
    description="Lynceus is down, or no ServiceMonitor or scrape job finds its Service; until then none of the other "
    "alerts can fire.",
    board="engine",
    why="With several replicas it fires when the last is gone; LynceusNoLeader sees the rest.",
)

_ARGO_ABSENT = Alert(
    name="LynceusArgoMetricsAbsent",
    expr="count(lynceus_app_info) > 0 unless on () count(argocd_app_info) > 0",
    hold="30m",
    severity="warning",
    summary="Nobody exports argocd_app_info, so the well-known alerts cannot fire",
    description="Lynceus knows {{ $value }} applications and leaves argocd_* to Argo CD, whose own metrics are not "
    "scraped.",
    board="engine",
    why="Beside an Argo CD the Argo-compatible families are off; when Argo CD is not scraped either, four alerts are "
    "dead and nothing says so.",
)

_DOUBLED = Alert(
    name="LynceusMetricsDoubled",
    expr=f"quantile(0.5, count by ({APP}) (argocd_app_info)) > 1",
    hold="30m",
    severity="warning",
    summary="Applications are exported twice, so sums and alerts are double",
    description="Half of all applications have {{ $value }} series argocd_app_info: Argo CD and Lynceus export both, "
    "or two scrape jobs find the same Service.",
    board="engine",
    why="The middle of all applications, since single ones have two series for a moment whenever a label changes.",
)

_NO_LEADER = Alert(
    name="LynceusNoLeader",
    expr="sum by (namespace, job) (max by (namespace, job, instance) (lynceus_leader)) != 1",
    hold="5m",
    severity="critical",
    summary="Not one but {{ $value }} replicas of Lynceus work",
    description="In {{ $labels.namespace }} (job {{ $labels.job }}) {{ $value }} replicas say they lead; with none "
    "nothing is synced, with two both write.",
    board="engine",
    why="One installation at a time, and each process once however many monitors find it. A rollout has its moment "
    "without a leader, and the old pod's series lives for five minutes at most: that is the `for`.",
)

_QUEUE = Alert(
    name="LynceusQueueStuck",
    expr="max by (namespace, job, queue) (lynceus_reconcile_queue_oldest_seconds) > <queue_oldest>",
    hold="10m",
    severity="critical",
    summary="The queue {{ $labels.queue }} does not move",
    description="An application has been due for {{ $value | humanizeDuration }} and nobody takes it.",
    board="engine",
    why="One installation at a time, so that Alertmanager can keep quiet the queues of one without a leader and no "
    "other's.",
)

_SLOW = Alert(
    name="LynceusReconcileSlow",
    expr="histogram_quantile(0.95, sum by (le) (rate(lynceus_reconcile_duration_seconds_bucket[5m]))) "
    "> <reconcile_slow>",
    hold="10m",
    severity="warning",
    summary="Turns of the loop take more than <reconcile_slow> seconds",
    description="One turn in twenty takes longer than that, so changes arrive late.",
    board="engine",
    why="lynceus_reconcile_duration_seconds, whose buckets reach five minutes; argocd_app_reconcile ends at 16 s and "
    "no quantile of it can exceed that. `for` is longer than the range: one slow turn alone is not told.",
)

_DROPPED = Alert(
    name="LynceusCardinalityLimit",
    expr="sum by (family) (increase(lynceus_metrics_dropped_label_values_total[<lost_window:range>])) > 0",
    severity="warning",
    summary="The family {{ $labels.family }} has too many label sets",
    description="Samples of {{ $labels.family }} are dropped; what it says is incomplete.",
    board="engine",
)

_AUDIT = Alert(
    name="LynceusAuditLost",
    expr='sum(increase(lynceus_log_records_dropped_total{stream="audit"}[<lost_window:range>])) > 0',
    severity="critical",
    summary="Records of the audit log were lost",
    description="{{ $value | humanize }} records were dropped within <lost_window> because whoever reads the log is "
    "absent or slow.",
    board="policy",
)

GROUP = Group(
    name="lynceus.engine",
    rules=(_ABSENT, _ARGO_ABSENT, _DOUBLED, _NO_LEADER, _QUEUE, _SLOW, _DROPPED, _AUDIT),
)
