"""Turns -> traces: the tree, the words, and a collector that does not answer."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from exporter import tracing
from exporter.spans import Spans
from exporter.tracing import Tracing
from model.events import Event, PolicyLoaded, Stage
from tests.exporter.collector import Collector, collecting
from tests.exporter.script import turn


def traced(*events: object) -> list[ReadableSpan]:
    """Return the spans of the events, in the order of their ends."""
    memory = InMemorySpanExporter()
    made = Tracing(span_exporter=memory, version="0.1.0")
    for event in events:
        made.listen(event)  # type: ignore[arg-type]
    made.shutdown()
    return list(memory.get_finished_spans())


def test_a_turn_is_one_trace_with_its_stages_in_order() -> None:
    """Root lynceus.reconcile, one child per stage, with the times of the event."""
    *children, root = traced(turn())
    assert ("lynceus.reconcile", None) == (root.name, root.parent)
    assert ["git", "render", "compare", "apply"] == [span.name for span in children]
    assert {root.context.span_id} == {span.parent.span_id for span in children if span.parent}
    assert {root.context.trace_id} == {span.context.trace_id for span in children}
    assert (1_000_000_000_000, 1_001_500_000_000) == (root.start_time, root.end_time)
    assert [(1000.0, 1000.5), (1000.5, 1000.75), (1000.75, 1001.0), (1001.0, 1001.5)] == [
        ((span.start_time or 0) / 1e9, (span.end_time or 0) / 1e9) for span in children
    ]
    (note,) = children[-1].events
    assert ("applied", {"object": "Service/web"}, 1001.25) == (
        note.name,
        dict(note.attributes or {}),
        note.timestamp / 1e9,
    )


def test_the_root_says_which_application_why_and_how_it_ended() -> None:
    """Argo CD's attribute names, and Lynceus' own for the outcome."""
    outcome = {
        "sync": "OutOfSync",
        "health": "Healthy",
        "phase": "Failed",
        "decision": "deny",
        "rule": "AppProject shop: spec.syncWindows[0]",
        "revision": "abc",
        "empty": "",
    }
    root = traced(turn(outcome=outcome))[-1]
    assert {
        "argocd.app.name": "web",
        "argocd.app.namespace": "argocd",
        "argocd.app.project": "shop",
        "argocd.resolved_revision": "abc",
        "lynceus.trigger": "spec changed",
        "lynceus.queue": "refresh",
        "lynceus.refresh.level": 2,
        "lynceus.compared": False,
        "lynceus.outcome.sync": "OutOfSync",
        "lynceus.outcome.health": "Healthy",
        "lynceus.outcome.phase": "Failed",
        "lynceus.window.decision": "deny",
        "lynceus.policy.rule": "AppProject shop: spec.syncWindows[0]",
    } == dict(root.attributes or {})
    assert ("lynceus", "0.1.0") == (
        root.resource.attributes["service.name"],
        root.resource.attributes["service.version"],
    )


def test_a_failure_is_the_status_of_the_stage_and_of_the_turn() -> None:
    """A trace without an error has none."""
    failed = turn(error="cannot fetch", stages=(Stage(name="git", start=1000.0, end=1001.0, error="cannot fetch"),))
    assert [(StatusCode.ERROR, "cannot fetch")] * 2 == [
        (s.status.status_code, s.status.description) for s in traced(failed)
    ]
    assert {StatusCode.UNSET} == {span.status.status_code for span in traced(turn())}


def test_no_credential_reaches_a_span() -> None:
    """URLs lose user and password in attributes, notes and errors; broken text is mended."""
    url = "https://user:LYN-CANARY@git.example/shop"
    stage = Stage(
        name="git",
        start=1.0,
        end=2.0,
        attributes={"argocd.source.repo_url": url},
        notes=((1.5, "retry", {"url": url}),),
        error=f"fatal: {url}\ud800",
    )
    spans = traced(turn(stages=(stage,), error=f"fatal: {url}", reason=f"poll of {url}"))
    assert "CANARY" not in "".join(span.to_json() for span in spans)
    assert "https://git.example/shop" == (spans[0].attributes or {})["argocd.source.repo_url"]


def test_other_events_make_no_trace() -> None:
    """Only turns are traced, and those that were not due are not."""
    assert [] == traced(PolicyLoaded(ok=True, generation="g"), turn(reason="", stages=()))


def test_without_an_endpoint_nothing_is_made() -> None:
    """No thread, no span, no cost."""
    before = threading.active_count()
    made = Tracing()
    made.listen(turn())
    made.shutdown()
    assert (before, 0) == (threading.active_count(), made.dropped)


class Hanging(SpanExporter):
    """A collector that takes the request and never answers."""

    def __init__(self) -> None:
        self.release = threading.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.release.wait(30)
        return SpanExportResult.SUCCESS


def test_a_hanging_collector_costs_the_loop_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The queue is bounded, what does not fit is dropped and counted, and the end keeps its deadline."""
    monkeypatch.setattr(tracing, "QUEUE", 120)
    collector, told = Hanging(), list[int]()
    made = Tracing(span_exporter=collector, on_drop=told.append)
    began = time.monotonic()
    for _ in range(200):
        made.listen(turn())
    assert time.monotonic() - began < 5
    assert 1000 - 120 - tracing.BATCH <= made.dropped < 1000
    made.shutdown(timeout=0.2)
    assert 1000 == made.dropped
    assert time.monotonic() - began < 6
    assert 1000 == sum(told)
    collector.release.set()


def test_spans_in_the_making_at_the_end_are_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The end does not wait for them: neither in the queue nor on their way, they are lost all the same."""
    making, go_on, real = threading.Event(), threading.Event(), Spans.of

    def slow(spans: Spans, event: Event) -> list[ReadableSpan]:
        making.set()
        go_on.wait(10)
        return real(spans, event)

    monkeypatch.setattr(Spans, "of", slow)
    monkeypatch.setattr(tracing, "DELAY_SECONDS", 0.0)
    made = Tracing(span_exporter=Refusing())
    made.listen(turn())
    made.listen(turn())
    assert making.wait(5)
    made.shutdown(timeout=0.05)
    assert 10 == made.dropped
    go_on.set()
    made.shutdown(timeout=5)
    assert 10 == made.dropped


class Refusing(SpanExporter):
    """A collector that takes nothing."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return SpanExportResult.FAILURE


def test_a_collector_that_is_away_is_one_log_line(caplog: pytest.LogCaptureFixture) -> None:
    """Every span is counted as dropped, the log says it once, and the end keeps its deadline."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        made = Tracing(f"http://127.0.0.1:{unused.getsockname()[1]}")
        made.listen(turn())
        began = time.monotonic()
        made.shutdown(timeout=5)
        assert time.monotonic() - began < 6
    assert 5 == made.dropped
    said = [record.getMessage() for record in caplog.records if record.levelname in ("WARNING", "ERROR")]
    assert ["The trace collector does not take spans; they are dropped and counted"] == said


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector on a port of its own."""
    with collecting() as server:
        yield server


def test_spans_reach_a_collector_over_http(collector: Collector) -> None:
    """OTLP on the usual path when the endpoint has none; nothing is dropped."""
    made = Tracing(collector.endpoint, version="0.1.0")
    made.listen(turn())
    made.shutdown(timeout=10)
    assert 0 == made.dropped
    assert {"/v1/traces"} == {path for path, _ in collector.got}
    assert ["git", "render", "compare", "apply", "lynceus.reconcile"] == [span.name for span in collector.spans()]


def test_a_black_hole_costs_the_loop_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket that accepts and never answers: taking events stays as fast as without one, and the end is bounded."""
    monkeypatch.setattr(tracing, "QUEUE", 400)
    with socket.create_server(("127.0.0.1", 0)) as hole:
        made = Tracing(f"http://127.0.0.1:{hole.getsockname()[1]}")
        slowest = 0.0
        for _ in range(400):
            began = time.perf_counter()
            made.listen(turn())
            slowest = max(slowest, time.perf_counter() - began)
        assert slowest < 0.5
        began = time.monotonic()
        made.shutdown(timeout=0.3)
        assert time.monotonic() - began < 2
        assert 2000 == made.dropped


def test_what_comes_after_the_end_is_dropped_and_counted() -> None:
    """The loop may tell of a turn while the process ends."""
    made = Tracing(span_exporter=InMemorySpanExporter())
    made.shutdown()
    made.listen(turn())
    assert 5 == made.dropped
