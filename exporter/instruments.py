"""The catalogue's other families as instruments of prometheus_client, in a registry of our own.

Every label value goes through `labels.clean`, and no family grows beyond its limit of label sets. Families that are
replaced whole by what was last heard are `exporter.tables`. Which event moves which instrument is the business of
`exporter.reactions`.
"""

from __future__ import annotations

import operator
import re
import threading
import typing as t

import prometheus_client

from exporter.catalogue import BY_NAME, CATALOGUE, Metric
from exporter.choice import MOST_LABEL_SETS
from exporter.labels import clean
from exporter.tables import TABLES, Tables

DROPPED = "lynceus_metrics_dropped_label_values_total"

_TRACE_ID = re.compile(r"[0-9a-f]{32}")

_Child = prometheus_client.Counter | prometheus_client.Gauge | prometheus_client.Histogram
_T = t.TypeVar("_T", bound=_Child)
_Values = tuple[str, ...]


class Instruments:
    """All instruments of one registry; an instrument is moved by name and label values, in the catalogue's order."""

    def __init__(
        self,
        *,
        argocd_metrics: bool,
        most_label_sets: int = MOST_LABEL_SETS,
        wants: t.Callable[[Metric], bool] = lambda metric: True,
    ) -> None:
        """Make every instrument of the catalogue that is not kept per Application.

        Args:
            argocd_metrics: False leaves out the families that an Argo CD in the same cluster exports too.
            most_label_sets: how many label sets one family may have.
            wants: whether a family was asked for.
        """
        # Argo CD has no _created series, and they would double the number of counters.
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = prometheus_client.CollectorRegistry(auto_describe=True)
        prometheus_client.ProcessCollector(registry=self.registry)
        self._most = most_label_sets
        self._lock = threading.Lock()
        self._parents: dict[str, _Child] = {}
        self._children: dict[str, dict[_Values, _Child]] = {}
        self._metrics = [m for m in CATALOGUE if wants(m) and (argocd_metrics or not m.shadows_argocd)]
        mine = [metric for metric in self._metrics if not metric.per_application]
        for metric in mine:
            if metric.name not in TABLES:
                self._parents[metric.name] = _make(metric, self.registry)
                self._children[metric.name] = {} if metric.labels else {(): self._parents[metric.name]}
        self.tables = Tables([m for m in mine if m.name in TABLES], most_rows=most_label_sets, on_drop=self.dropped)
        self.registry.register(self.tables)
        for metric in self._metrics:
            self.count(DROPPED, metric.name, by=0)

    def count(self, name: str, *values: str, by: float = 1) -> None:
        """Raise a counter; `by` 0 gives birth to it."""
        if (counter := self._child(prometheus_client.Counter, name, values)) is not None:
            counter.inc(by)

    def set(self, name: str, number: float, *values: str) -> None:
        """Set a gauge."""
        if (gauge := self._child(prometheus_client.Gauge, name, values)) is not None:
            gauge.set(number)

    def observe(self, name: str, number: float, *values: str, trace_id: str = "") -> None:
        """Take an observation into a histogram, with the trace that it belongs to as an exemplar."""
        if (histogram := self._child(prometheus_client.Histogram, name, values)) is not None:
            exemplar = {"trace_id": trace_id} if _TRACE_ID.fullmatch(trace_id) else None
            histogram.observe(max(number, 0.0), exemplar)

    def bear(self, name: str, *values: str) -> None:
        """Give birth to a series at 0, so that its first step is one."""
        if name in self._parents:
            self._child(type(self._parents[name]), name, values)

    def forget(self, **labels: str) -> None:
        """Remove all series that have all of these labels with these values."""
        wanted = {label: clean(value) for label, value in labels.items()}
        target = tuple(wanted.values()) if len(wanted) > 1 else next(iter(wanted.values()))
        for name, parent in self._parents.items():
            names = BY_NAME[name].labels
            if not wanted.keys() <= set(names):
                continue
            pick = operator.itemgetter(*(names.index(label) for label in wanted))
            with self._lock:
                known = self._children[name]
                for values in [each for each in known if pick(each) == target]:
                    del known[values]
                    parent.remove(*values)

    def dropped(self, family: str, number: int) -> None:
        """Count samples that there was no room for."""
        self.count(DROPPED, family, by=number)

    def sizes(self) -> dict[str, int]:
        """Return the label sets of each family that no Application owns."""
        with self._lock:
            found = {name: len(known) for name, known in self._children.items()}
        return found | self.tables.sizes()

    def _child(self, kind: type[_T], name: str, values: _Values) -> _T | None:
        """Return the instrument with these label values; None when it is off or full."""
        known = self._children.get(name)
        if known is None:
            return None
        child = known.get(values)
        if child is None and (child := self._new(name, tuple(clean(value) for value in values))) is None:
            self.dropped(name, 1)
            return None
        if not isinstance(child, kind):
            raise TypeError(f"{name} is no {kind.__name__}")
        return child

    def _new(self, name: str, values: _Values) -> _Child | None:
        with self._lock:
            known = self._children[name]
            if (child := known.get(values)) is not None:
                return child
            if len(known) >= self._most and name != DROPPED:
                return None
            parent = self._parents[name]
            child = known[values] = parent.labels(*values) if values else parent
            return child


def _make(metric: Metric, registry: prometheus_client.CollectorRegistry) -> _Child:
    """Return the instrument of one catalogue entry."""
    if metric.kind == "counter":
        return prometheus_client.Counter(metric.family, metric.help, metric.labels, registry=registry)
    if metric.kind == "histogram":
        return prometheus_client.Histogram(
            metric.name, metric.help, metric.labels, registry=registry, buckets=metric.buckets
        )
    return prometheus_client.Gauge(metric.name, metric.help, metric.labels, registry=registry)
