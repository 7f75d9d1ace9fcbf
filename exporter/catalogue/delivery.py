"""What becomes of commits: deployments, lead time, drift, healing. docs/delivery.md defines the words."""

from __future__ import annotations

from exporter.catalogue.metric import DELIVERY_BUCKETS, Metric

METRICS: tuple[Metric, ...] = (
    Metric(
        name="lynceus_deployments_total",
        kind="counter",
        help="Deployments that came to their end; a self-heal is none.",
        labels=("project", "environment", "result"),
        changes="a deployment ends; born at 0 when the first Application of project and environment is seen",
    ),
    Metric(
        name="lynceus_deployment_lead_time_seconds",
        kind="histogram",
        help="Seconds from the commit to Synced and Healthy.",
        labels=("project", "environment"),
        buckets=DELIVERY_BUCKETS,
        changes="a deployment is healthy and the time of its commit is known; born at 0 as lynceus_deployments_total",
        exemplar=True,
    ),
    Metric(
        name="lynceus_deployment_stage_seconds",
        kind="histogram",
        help="Seconds of one stage of a deployment; blocked is what windows and freezes took of the others.",
        labels=("stage",),
        buckets=DELIVERY_BUCKETS,
        changes="a deployment is healthy",
    ),
    Metric(
        name="lynceus_deployment_unblocked_seconds",
        kind="histogram",
        help="Seconds from the commit to Synced and Healthy without what windows and freezes took of them.",
        buckets=DELIVERY_BUCKETS,
        changes="as lynceus_deployment_lead_time_seconds",
    ),
    Metric(
        name="lynceus_time_to_restore_seconds",
        kind="histogram",
        help="Seconds from the first failure to Synced and Healthy again.",
        labels=("project", "environment"),
        buckets=DELIVERY_BUCKETS,
        changes="an Application that had failed is Synced and Healthy again; born at 0 as lynceus_deployments_total",
    ),
    Metric(
        name="lynceus_drift_detected_total",
        kind="counter",
        help="How often Applications left Synced, because Git moved or because the cluster was changed.",
        labels=("project", "origin"),
        changes="an Application leaves Synced; born at 0 when the project is first seen",
    ),
    Metric(
        name="lynceus_drift_duration_seconds",
        kind="histogram",
        help="Seconds that drift lasted.",
        labels=("project",),
        buckets=DELIVERY_BUCKETS,
        changes="an Application is Synced again; born at 0 when the project is first seen",
    ),
    Metric(
        name="lynceus_self_heal_total",
        kind="counter",
        help="Automated syncs back to the commit that was deployed already.",
        labels=("project", "result"),
        changes="a self-heal ends; born at 0 when the project is first seen",
    ),
)
