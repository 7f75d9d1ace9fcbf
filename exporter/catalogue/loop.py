"""The loop: queues, turns, stages, renders."""

from __future__ import annotations

from exporter.catalogue.metric import LONG_BUCKETS, WORKQUEUE, WORKQUEUE_BUCKETS, Metric

METRICS: tuple[Metric, ...] = (
    Metric(
        name="workqueue_depth",
        kind="gauge",
        help="Keys that are due and wait.",
        labels=("name", "controller", "priority"),
        changes="all the time",
        source=WORKQUEUE,
    ),
    Metric(
        name="workqueue_adds_total",
        kind="counter",
        help="Keys that were added.",
        labels=("name", "controller"),
        changes="a key is added",
        source=WORKQUEUE,
    ),
    Metric(
        name="workqueue_queue_duration_seconds",
        kind="histogram",
        help="Seconds that keys waited.",
        labels=("name", "controller"),
        buckets=WORKQUEUE_BUCKETS,
        changes="a key is taken",
        source=WORKQUEUE,
    ),
    Metric(
        name="workqueue_work_duration_seconds",
        kind="histogram",
        help="Seconds that keys were worked on.",
        labels=("name", "controller"),
        buckets=WORKQUEUE_BUCKETS,
        changes="work on a key ends",
        source=WORKQUEUE,
    ),
    Metric(
        name="workqueue_unfinished_work_seconds",
        kind="gauge",
        help="Ages of all keys that are being worked on, added up.",
        labels=("name", "controller"),
        changes="all the time",
        source=WORKQUEUE,
    ),
    Metric(
        name="workqueue_longest_running_processor_seconds",
        kind="gauge",
        help="Age of the oldest key that is being worked on.",
        labels=("name", "controller"),
        changes="all the time",
        source=WORKQUEUE,
    ),
    Metric(
        name="workqueue_retries_total",
        kind="counter",
        help="Keys that were put off after a failure.",
        labels=("name", "controller"),
        changes="work on a key fails",
        source=WORKQUEUE,
    ),
    Metric(
        name="lynceus_reconcile_queue_oldest_seconds",
        kind="gauge",
        help="Age of the oldest Application that is due.",
        labels=("queue",),
        changes="all the time",
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
        exemplar=True,
    ),
    Metric(
        name="lynceus_reconcile_stage_seconds",
        kind="histogram",
        help="Seconds that one stage of a turn took.",
        labels=("stage",),
        buckets=LONG_BUCKETS,
        changes="a turn ends",
        exemplar=True,
    ),
    Metric(
        name="lynceus_render_cache_requests_total",
        kind="counter",
        help="Renders that were asked for: made (miss), found in the cache (hit), or an older one stays in force since "
        "the source cannot be reached (stale).",
        labels=("tool", "result"),
        changes="the loop needs the manifests of an Application; where no input has changed it does not",
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
        name="lynceus_leader",
        kind="gauge",
        help="1 while this process is the one that works, else 0.",
        changes="leadership is won or lost",
    ),
)
