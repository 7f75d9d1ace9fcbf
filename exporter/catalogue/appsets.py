"""ApplicationSets, read from their status."""

from __future__ import annotations

from exporter.catalogue.metric import APPSET_CONTROLLER, Metric

METRICS: tuple[Metric, ...] = (
    Metric(
        name="argocd_appset_info",
        kind="gauge",
        help="Always 1; the label says whether the Applications of the set are up to date.",
        labels=("namespace", "name", "resource_update_status"),
        changes="a watch event brings a new version of the ApplicationSet",
        source=APPSET_CONTROLLER,
    ),
    Metric(
        name="argocd_appset_owned_applications",
        kind="gauge",
        help="Applications that the set owns.",
        labels=("namespace", "name"),
        changes="a watch event brings a new version of the ApplicationSet",
        source=APPSET_CONTROLLER,
    ),
    Metric(
        name="argocd_appset_reconcile",
        kind="histogram",
        help="Seconds that reconciling one set took; this version reconciles none, so it has no series.",
        labels=("namespace", "name"),
        buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
        changes="never in this version",
        source=APPSET_CONTROLLER,
        stability="alpha",
    ),
    Metric(
        name="argocd_appset_labels",
        kind="gauge",
        help="Always 1; the labels of the set that were asked for.",
        labels=("namespace", "name"),
        changes="a watch event brings a new version of the ApplicationSet",
        source=APPSET_CONTROLLER,
        chosen_labels=True,
        opt_in="--metrics-applicationset-labels",
    ),
)
