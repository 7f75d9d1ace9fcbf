"""Families that are replaced whole by what was last heard, or asked for at the scrape: no old series can stay behind.

One collector of prometheus_client for all of them. `exporter.reactions` puts rows into it; no I/O.
"""

from __future__ import annotations

import logging
import threading
import typing as t

from prometheus_client import metrics_core
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from exporter.catalogue import Metric
from exporter.labels import clean

log = logging.getLogger(__name__)

TABLES = frozenset(
    {
        "argocd_cluster_info",
        "argocd_cluster_labels",
        "argocd_cluster_api_resource_objects",
        "argocd_cluster_api_resources",
        "argocd_cluster_cache_age_seconds",
        "argocd_cluster_connection_status",
        "argocd_appset_info",
        "argocd_appset_owned_applications",
        "argocd_appset_labels",
        "workqueue_depth",
        "workqueue_unfinished_work_seconds",
        "workqueue_longest_running_processor_seconds",
        "lynceus_reconcile_queue_oldest_seconds",
        "lynceus_policy_rule_hits_total",
        "lynceus_policy_rule_info",
        "lynceus_sync_window_active",
        "lynceus_sync_window_info",
        "lynceus_sync_window_next_change_timestamp_seconds",
        "lynceus_sync_window_invalid",
        "lynceus_freeze_active",
        "lynceus_freeze_since_timestamp_seconds",
        "lynceus_metrics_series",
    }
)
"""The families that are kept here."""

Rows = t.Iterable[tuple[t.Sequence[str], float]]
"""Label values, in the catalogue's order, and numbers."""

Source = t.Callable[[], t.Mapping[str, Rows]]
"""Gives family -> rows; called at each scrape, by the thread that answers it."""

_Held = dict[tuple[str, ...], float]


class Tables:
    """A collector of families that have all of their rows from one place."""

    def __init__(
        self,
        metrics: t.Iterable[Metric],
        *,
        most_rows: int,
        on_drop: t.Callable[[str, int], None],
    ) -> None:
        """Start without rows.

        Args:
            metrics: the families.
            most_rows: of one family; what is beyond is cut off.
            on_drop: is told (family, number) of rows that were cut off, at each scrape or replacement.
        """
        self._metrics = {metric.name: metric for metric in metrics}
        self._more: dict[str, tuple[str, ...]] = {}
        self._most, self._on_drop = most_rows, on_drop
        self._held: dict[str, _Held] = {}
        self._sources: list[tuple[tuple[str, ...], Source, bool]] = []
        self._lock = threading.Lock()

    def add_labels(self, name: str, labels: t.Iterable[str]) -> None:
        """Give a family further labels, after those of the catalogue; called before anything is exported."""
        self._more[name] = tuple(labels)

    def add_source(self, names: t.Iterable[str], source: Source, *, last: bool = False) -> None:
        """Ask `source` for the rows of these families at each scrape; `last`: after those that are not."""
        self._sources.append((tuple(names), source, last))
        self._sources.sort(key=lambda entry: entry[2])

    def replace(self, name: str, rows: Rows) -> None:
        """Replace all rows of a family; of two with the same labels the first stays."""
        if name in self._metrics:
            held = self._bounded(name, rows)
            with self._lock:
                self._held[name] = held

    def sizes(self) -> dict[str, int]:
        """Return the rows of each family at the last replacement or scrape."""
        with self._lock:
            return {name: len(self._held.get(name, ())) for name in self._metrics}

    def describe(self) -> t.Iterable[metrics_core.Metric]:
        """Return the families without samples, so that name[] can choose among them."""
        return [self._family(name) for name in self._metrics]

    def collect(self) -> t.Iterable[metrics_core.Metric]:
        """Return the families as they are now."""
        for names, source, _ in self._sources:
            found = _asked(source)
            for name in names:
                self.replace(name, found.get(name, ()))
        with self._lock:
            held = {name: list(self._held.get(name, {}).items()) for name in self._metrics}
        for name, rows in held.items():
            family = self._family(name)
            for labels, number in rows:
                family.add_metric(labels, number)
            yield family

    def _family(self, name: str) -> GaugeMetricFamily | CounterMetricFamily:
        metric, labels = self._metrics[name], (*self._metrics[name].labels, *self._more.get(name, ()))
        if metric.kind == "counter":
            return CounterMetricFamily(metric.family, metric.help, labels=labels)
        return GaugeMetricFamily(metric.name, metric.help, labels=labels)

    def _bounded(self, name: str, rows: Rows) -> _Held:
        held, dropped = _Held(), 0
        for labels, number in rows:
            cleaned = tuple(clean(text) for text in labels)
            if cleaned in held:
                continue
            if len(held) < self._most:
                held[cleaned] = number
            else:
                dropped += 1
        if dropped:
            self._on_drop(name, dropped)
        return held


def _asked(source: Source) -> t.Mapping[str, Rows]:
    """Return what the source gives; nothing when it fails, so that the scrape shows a gap and no old figure."""
    try:
        return source()
    except Exception:  # whoever is asked is another part of the program, and a scrape must not fail for it
        log.exception("no rows for a scrape")
        return {}
