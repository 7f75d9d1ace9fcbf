"""Sync windows and freezes as they stand."""

from __future__ import annotations

from exporter.catalogue.metric import Metric

METRICS: tuple[Metric, ...] = (
    Metric(
        name="lynceus_sync_window_active",
        kind="gauge",
        help="1 while the window is active, else 0; a window that several projects share or inherit counts for each.",
        labels=("namespace", "project", "window", "kind"),
        changes="the window opens or closes, or the project changes",
    ),
    Metric(
        name="lynceus_sync_window_info",
        kind="gauge",
        help="Always 1; what the window says.",
        labels=("namespace", "project", "window", "kind", "schedule", "duration", "time_zone", "manual_sync"),
        changes="the project changes",
    ),
    Metric(
        name="lynceus_sync_window_next_change_timestamp_seconds",
        kind="gauge",
        help="Unix time at which the window opens or closes next; absent when that is never.",
        labels=("namespace", "project", "window"),
        changes="the window opens or closes, or the project changes",
    ),
    Metric(
        name="lynceus_sync_window_invalid",
        kind="gauge",
        help="1 when the window cannot be evaluated, else 0.",
        labels=("namespace", "project", "window"),
        changes="the project changes",
    ),
    Metric(
        name="lynceus_freeze_active",
        kind="gauge",
        help="1 while a freeze is in force; 0 when the last of its scope and project has ended, until windows or "
        "freezes change again.",
        labels=("scope", "project"),
        changes="a freeze begins or ends",
    ),
    Metric(
        name="lynceus_freeze_since_timestamp_seconds",
        kind="gauge",
        help="Unix time at which the oldest freeze in force began; absent while there is none.",
        labels=("scope", "project"),
        changes="a freeze begins or ends",
    ),
)
