"""Lynceus itself: version, mode, and what it had to give up."""

from __future__ import annotations

from exporter.catalogue.metric import API_SERVER, Metric

METRICS: tuple[Metric, ...] = (
    Metric(
        name="argocd_info",
        kind="gauge",
        help="Always 1; the version of Lynceus.",
        labels=("version",),
        changes="never while the process lives",
        source=API_SERVER,
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
    Metric(
        name="lynceus_metrics_series",
        kind="gauge",
        help="Label sets of each family.",
        labels=("family",),
        changes="all the time",
        stability="alpha",
    ),
    Metric(
        name="lynceus_metrics_dropped_label_values_total",
        kind="counter",
        help="Samples that were dropped because a family has too many label sets.",
        labels=("family",),
        changes="a new label set is refused; born at 0 for every family",
        stability="alpha",
    ),
    Metric(
        name="lynceus_trace_spans_dropped_total",
        kind="counter",
        help="Spans that were given up because the collector is absent or slow.",
        changes="the queue of spans is full or an export fails",
        stability="alpha",
    ),
    Metric(
        name="lynceus_log_records_dropped_total",
        kind="counter",
        help="Log records that were given up because whoever reads the log is absent or slow.",
        labels=("stream",),
        changes="a record is dropped; the stream is log or audit; born at 0",
        stability="alpha",
    ),
)
