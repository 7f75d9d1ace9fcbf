"""The catalogue's other families as instruments of prometheus_client, in a registry of our own.

Every label value goes through `labels.clean`, and no family grows beyond its limit of label sets. Which event moves
which instrument is `exporter.listener`'s business.
"""

from __future__ import annotations

import threading
import typing as t

import prometheus_client
from prometheus_client import metrics_core
from prometheus_client.core import GaugeMetricFamily

from exporter.catalogue import CATALOGUE, Metric
from exporter.labels import clean
from model.events import ClusterObserved

MOST_LABEL_SETS = 20_000
"""Label sets of one family; beyond it samples are dropped and counted. No fleet in sight has as many repositories."""

_CLUSTER_FAMILIES = (
    "argocd_cluster_info",
    "argocd_cluster_api_resource_objects",
    "argocd_cluster_api_resources",
    "argocd_cluster_connection_status",
)

_Child = prometheus_client.Counter | prometheus_client.Gauge | prometheus_client.Histogram
_T = t.TypeVar("_T", bound=_Child)


class Instruments:
    """All instruments of one registry; an instrument is asked for by name and label values."""

    def __init__(self, *, argocd_metrics: bool, most_label_sets: int = MOST_LABEL_SETS) -> None:
        """Make every instrument of the catalogue that is not kept per Application.

        Args:
            argocd_metrics: False leaves out the families that an Argo CD in the same cluster exports too.
            most_label_sets: how many label sets one family may have.
        """
        # Argo CD has no _created series, and they would double the number of counters.
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = prometheus_client.CollectorRegistry()
        prometheus_client.ProcessCollector(registry=self.registry)
        self._most = most_label_sets
        self._sets: dict[str, set[tuple[str, ...]]] = {}
        self._lock = threading.Lock()
        self._parents: dict[str, _Child] = {}
        for metric in CATALOGUE:
            kept_elsewhere = metric.per_application or metric.name in _CLUSTER_FAMILIES
            if not kept_elsewhere and (argocd_metrics or not metric.shadows_argocd):
                self._parents[metric.name] = _make(metric, self.registry)
        self.clusters = Clusters()
        if argocd_metrics:
            self.registry.register(self.clusters)

    def counter(self, name: str, *values: str) -> prometheus_client.Counter | None:
        """Return the counter with these label values, in the catalogue's order; None when it is off or full."""
        return self._child(prometheus_client.Counter, name, values)

    def gauge(self, name: str, *values: str) -> prometheus_client.Gauge | None:
        """As `counter`, for a gauge."""
        return self._child(prometheus_client.Gauge, name, values)

    def histogram(self, name: str, *values: str) -> prometheus_client.Histogram | None:
        """As `counter`, for a histogram."""
        return self._child(prometheus_client.Histogram, name, values)

    def _child(self, kind: type[_T], name: str, values: tuple[str, ...]) -> _T | None:
        parent = self._parents.get(name)
        if parent is None:
            return None
        cleaned = tuple(clean(value) for value in values)
        if not self._room(name, cleaned):
            return None
        child = parent.labels(*cleaned) if values else parent
        if not isinstance(child, kind):
            raise TypeError(f"{name} is no {kind.__name__}")
        return child

    def _room(self, name: str, values: tuple[str, ...]) -> bool:
        """Say whether the label set is known or may be added; a refusal is counted."""
        with self._lock:
            known = self._sets.setdefault(name, set())
            if values in known or len(known) < self._most:
                known.add(values)
                return True
        if dropped := self.counter("lynceus_metrics_dropped_label_values_total", name):
            dropped.inc()
        return False


def _make(metric: Metric, registry: prometheus_client.CollectorRegistry) -> _Child:
    """Return the instrument of one catalogue entry."""
    if metric.kind == "counter":
        return prometheus_client.Counter(metric.family, metric.help, metric.labels, registry=registry)
    if metric.kind == "histogram":
        return prometheus_client.Histogram(
            metric.name, metric.help, metric.labels, registry=registry, buckets=metric.buckets
        )
    return prometheus_client.Gauge(metric.name, metric.help, metric.labels, registry=registry)


class Clusters:
    """The cluster families, collected from the last report on each cluster: a new version leaves no old series."""

    def __init__(self) -> None:
        self._seen: dict[str, ClusterObserved] = {}
        self._lock = threading.Lock()
        self._metrics = [metric for metric in CATALOGUE if metric.name in _CLUSTER_FAMILIES]

    def observed(self, event: ClusterObserved) -> None:
        """Keep the newest report on a cluster."""
        with self._lock:
            self._seen[event.server] = event

    def describe(self) -> t.Iterable[metrics_core.Metric]:
        """Return the families without samples, so that name[] can choose among them."""
        return [GaugeMetricFamily(metric.name, metric.help, labels=metric.labels) for metric in self._metrics]

    def collect(self) -> t.Iterable[metrics_core.Metric]:
        """Return the families with one sample per cluster."""
        with self._lock:
            seen = list(self._seen.values())
        for metric in self._metrics:
            family = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
            for event in seen:
                labels, value = _cluster_sample(metric.name, event)
                family.add_metric([clean(text) for text in labels], value)
            yield family


def _cluster_sample(name: str, event: ClusterObserved) -> tuple[tuple[str, ...], float]:
    """Return label values, in the catalogue's order, and value."""
    samples: dict[str, tuple[tuple[str, ...], float]] = {
        "argocd_cluster_info": ((event.server, event.version, event.name), 1),
        "argocd_cluster_api_resource_objects": ((event.server,), event.objects),
        "argocd_cluster_api_resources": ((event.server,), event.api_resources),
        "argocd_cluster_connection_status": ((event.server, event.version), int(event.connected)),
    }
    return samples[name]
