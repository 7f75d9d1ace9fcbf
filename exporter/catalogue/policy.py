"""What policy answers: decisions, denials, overrides, rules, and whether it can be read."""

from __future__ import annotations

from exporter.catalogue.metric import Metric

METRICS: tuple[Metric, ...] = (
    Metric(
        name="lynceus_policy_decisions_total",
        kind="counter",
        help="Answers of the guard.",
        labels=("effect", "resource", "action", "source"),
        changes="the loop, the API or the webhook asks the guard",
    ),
    Metric(
        name="lynceus_policy_rule_hits_total",
        kind="counter",
        help="Decisions that this line decided; 0 for lines that never did.",
        labels=("rule",),
        changes="the guard answers by the line; born at 0 when the policy is taken, gone with the line",
    ),
    Metric(
        name="lynceus_policy_rule_info",
        kind="gauge",
        help="Always 1; what the line says.",
        labels=("rule", "subject", "resource", "action", "object", "effect"),
        changes="a policy is taken",
    ),
    Metric(
        name="lynceus_rbac_denials_total",
        kind="counter",
        help="Refusals by RBAC; who was refused stands in the audit log.",
        labels=("project", "resource", "action", "source"),
        changes="RBAC refuses",
    ),
    Metric(
        name="lynceus_sync_blocked_total",
        kind="counter",
        help="Syncs that were kept from running, by what kept them.",
        labels=("project", "reason"),
        changes="an answer keeps a sync from running; once for each Application and reason until it is let through; "
        "born at 0 when the project is first seen",
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
        name="lynceus_policy_last_reload_successful",
        kind="gauge",
        help="1 when the policy that was read last was taken, 0 when it was refused and before the first.",
        changes="a changed policy or project is read",
    ),
    Metric(
        name="lynceus_policy_findings",
        kind="gauge",
        help="What is wrong with the policy in force, as lynceus rbac validate lists it.",
        labels=("severity",),
        changes="a policy was looked through",
    ),
    Metric(
        name="lynceus_admission_requests_total",
        kind="counter",
        help="Answers of the admission webhook.",
        labels=("operation", "decision", "reason"),
        changes="the webhook answers; this version serves none, so it has no series",
        stability="alpha",
    ),
    Metric(
        name="lynceus_admission_request_duration_seconds",
        kind="histogram",
        help="Seconds that the admission webhook took to answer.",
        labels=("decision",),
        buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0),
        changes="as lynceus_admission_requests_total",
        stability="alpha",
    ),
)
