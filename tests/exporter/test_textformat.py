"""Our writer of prometheus_client's families against the library's own."""

from __future__ import annotations

import prometheus_client
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from exporter.textformat import written
from tests.exporter.script import TRACE, busy_minute, exporter

both_formats = pytest.mark.parametrize("openmetrics", [False, True], ids=["text", "openmetrics"])
texts = st.text(alphabet=st.characters(codec="utf-8"), max_size=12)
numbers = st.floats(allow_nan=True, allow_infinity=True) | st.integers(-(10**12), 10**12).map(float)


def theirs(registry: CollectorRegistry, *, openmetrics: bool) -> bytes:
    """Return what the client library writes."""
    return generate_openmetrics(registry).removesuffix(b"# EOF\n") if openmetrics else generate_latest(registry)  # type: ignore[no-untyped-call]


@both_formats
@given(st.lists(st.tuples(texts, texts, numbers), max_size=6), texts)
def test_any_values_are_written_as_the_client_library_writes_them(
    openmetrics: bool, samples: list[tuple[str, str, float]], said: str
) -> None:
    """Gauges, counters and histograms with exemplars, odd help texts and labels included."""
    prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    gauge = Gauge("g", said, ["b", "a"], registry=registry)
    counter = Counter("c", said, ["x"], registry=registry)
    histogram = Histogram("h", said, ["x"], registry=registry, buckets=(1, 2.5))
    Gauge("alone", said, registry=registry).set(2)
    for one, two, number in samples:
        gauge.labels(one, two).set(number)
        counter.labels(one).inc(abs(number) if number == number else 1)
        histogram.labels(two).observe(number, {"trace_id": TRACE})
    assert theirs(registry, openmetrics=openmetrics) == written(registry.collect(), openmetrics=openmetrics)


@both_formats
def test_our_own_families_are_written_as_the_client_library_writes_them(openmetrics: bool) -> None:
    """All that stands in the exporter's registry after a busy minute."""
    registry = exporter(*busy_minute(1))._instruments.registry
    expected, found = theirs(registry, openmetrics=openmetrics), written(registry.collect(), openmetrics=openmetrics)
    steady = [[x for x in body.split(b"\n") if not x.startswith(b"process_")] for body in (expected, found)]
    assert steady[0] == steady[1]
