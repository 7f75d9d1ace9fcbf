"""Turns -> traces: the tree, the words, and a collector that does not answer."""

from __future__ import annotations

import http.server
import socket
import threading
import time
from collections.abc import Iterator, Sequence

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from exporter import tracing
from exporter.tracing import Tracing
from model.events import PolicyLoaded, Stage
from tests.exporter.script import exporter, lines, turn


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
    monkeypatch.setattr(tracing, "QUEUE", 100)
    collector, metrics = Hanging(), exporter()
    made = Tracing(span_exporter=collector, on_drop=metrics.spans_dropped)
    began = time.monotonic()
    for _ in range(200):
        made.listen(turn())
    assert time.monotonic() - began < 5
    assert 1000 - 100 - tracing.BATCH <= made.dropped <= 1000
    made.shutdown(timeout=0.2)
    assert time.monotonic() - began < 6
    assert [f"lynceus_trace_spans_dropped_total {float(made.dropped)}"] == lines(
        metrics, "lynceus_trace_spans_dropped_total"
    )
    collector.release.set()


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


class Collector(http.server.ThreadingHTTPServer):
    """Takes OTLP over HTTP."""

    def __init__(self) -> None:
        self.got: list[tuple[str, ExportTraceServiceRequest]] = []
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        request = ExportTraceServiceRequest()
        request.ParseFromString(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.got.append((self.path, request))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector on a port of its own."""
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_spans_reach_a_collector_over_http(collector: Collector) -> None:
    """OTLP on the usual path when the endpoint has none; nothing is dropped."""
    made = Tracing(f"http://127.0.0.1:{collector.server_port}", version="0.1.0")
    made.listen(turn())
    made.shutdown(timeout=10)
    assert 0 == made.dropped
    spans = [s.name for _, r in collector.got for x in r.resource_spans for y in x.scope_spans for s in y.spans]
    assert ({"/v1/traces"}, 5) == ({path for path, _ in collector.got}, len(spans))
    assert {"lynceus.reconcile", "git", "render", "compare", "apply"} == set(spans)
