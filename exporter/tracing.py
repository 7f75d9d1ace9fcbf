"""Turns of the loop -> OpenTelemetry traces: one root span `lynceus.reconcile`, one child per stage, in order.

A span is made after the fact from the times in the event, so the loop pays for nothing but putting it into a bounded
queue. One daemon thread takes batches to the collector; when the collector is slow or away, spans are dropped and
counted, never waited for.
"""

from __future__ import annotations

import logging
import queue
import threading
import typing as t
import urllib.parse

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind, StatusCode, set_span_in_context

from exporter.labels import clean, without_userinfo
from model.events import Event, Stage, TurnFinished

QUEUE = 2048
"""Spans that may wait; a turn has about eight."""
BATCH = 256
"""Spans of one request to the collector."""
EXPORT_SECONDS = 2.0
"""How long one request to the collector may take, retries included."""
DELAY_SECONDS = 1.0
"""How long a span may wait for company."""

_LOG = logging.getLogger(__name__)
_LIMITS = SpanLimits(max_attributes=64, max_events=512, max_attribute_length=1024)
_OUTCOMES = {
    "sync": "lynceus.outcome.sync",
    "health": "lynceus.outcome.health",
    "phase": "lynceus.outcome.phase",
    "decision": "lynceus.window.decision",
    "rule": "lynceus.policy.rule",
    "revision": "argocd.resolved_revision",
}
"""Words of TurnFinished.outcome -> attributes; other words get the prefix lynceus.outcome."""

Value = str | int | float | bool


class Tracing:
    """Listens to the loop and sends its turns to a collector."""

    def __init__(
        self,
        endpoint: str = "",
        *,
        span_exporter: SpanExporter | None = None,
        version: str = "",
        on_drop: t.Callable[[int], None] | None = None,
    ) -> None:
        """Start the sender, unless there is nowhere to send to.

        Args:
            endpoint: OTLP over HTTP, for example ``http://collector:4318`` (``/v1/traces`` is added when there is no
                path); empty switches tracing off.
            span_exporter: used in place of `endpoint`.
            version: of Lynceus, the resource's service.version.
            on_drop: told how many spans were given up, each time some were.
        """
        exporter = span_exporter or (_otlp(endpoint) if endpoint else None)
        self._sender = _Sender(exporter, on_drop or (lambda number: None)) if exporter else None
        resource = Resource({"service.name": "lynceus", "service.version": version})
        self._provider = TracerProvider(resource=resource, span_limits=_LIMITS, shutdown_on_exit=False)
        if self._sender:
            self._provider.add_span_processor(self._sender)
        self._tracer = self._provider.get_tracer("lynceus")

    @property
    def dropped(self) -> int:
        """Spans given up so far."""
        return self._sender.dropped if self._sender else 0

    def listen(self, event: Event) -> None:
        """Turn the end of a turn into a trace; other events are ignored."""
        if self._sender and isinstance(event, TurnFinished) and not event.idle:
            self._trace(event)

    def _trace(self, event: TurnFinished) -> None:
        root = self._tracer.start_span(
            "lynceus.reconcile",
            context=Context(),
            kind=SpanKind.INTERNAL,
            attributes=_safe(_root_attributes(event)),
            start_time=_nanoseconds(event.start),
        )
        inside = set_span_in_context(root, Context())
        for stage in event.stages:
            self._stage(stage, inside)
        if event.error:
            root.set_status(StatusCode.ERROR, _text(event.error))
        root.end(_nanoseconds(max(event.end, event.start)))

    def _stage(self, stage: Stage, inside: Context) -> None:
        span = self._tracer.start_span(
            stage.name, context=inside, attributes=_safe(stage.attributes), start_time=_nanoseconds(stage.start)
        )
        for moment, name, attributes in stage.notes:
            span.add_event(_text(name), _safe(attributes), timestamp=_nanoseconds(moment))
        if stage.error:
            span.set_status(StatusCode.ERROR, _text(stage.error))
        span.end(_nanoseconds(max(stage.end, stage.start)))

    def shutdown(self, timeout: float = 3.0) -> None:
        """Send what waits and stop; returns after `timeout` seconds at the latest, whatever the collector does."""
        if self._sender:
            self._sender.stop(timeout)


class _Sender(SpanProcessor):
    """A bounded queue and one thread that empties it in batches.

    The SDK's batch processor neither tells how many spans it dropped nor keeps a deadline when it is shut down.
    """

    def __init__(self, exporter: SpanExporter, on_drop: t.Callable[[int], None]) -> None:
        self._exporter, self._on_drop = exporter, on_drop
        self._queue: queue.Queue[ReadableSpan] = queue.Queue(QUEUE)
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._failing = False
        self.dropped = 0
        self._thread = threading.Thread(target=self._run, name="lynceus-traces", daemon=True)
        self._thread.start()

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Nothing happens at the start."""

    def on_end(self, span: ReadableSpan) -> None:
        """Queue a finished span, or drop it."""
        try:
            self._queue.put_nowait(span)
        except queue.Full:
            self._drop(1)

    def _drop(self, number: int) -> None:
        with self._lock:
            self.dropped += number
        self._on_drop(number)

    def _run(self) -> None:
        while not (self._stopping.is_set() and self._queue.empty()):
            if batch := self._batch():
                self._send(batch)

    def _batch(self) -> list[ReadableSpan]:
        """Return up to BATCH spans, waiting at most DELAY_SECONDS for the first."""
        batch: list[ReadableSpan] = []
        try:
            batch.append(self._queue.get(timeout=DELAY_SECONDS if not self._stopping.is_set() else 0.0))
            if len(batch) < BATCH and self._queue.empty():
                self._stopping.wait(DELAY_SECONDS)
            while len(batch) < BATCH:
                batch.append(self._queue.get_nowait())
        except queue.Empty:
            pass
        return batch

    def _send(self, batch: list[ReadableSpan]) -> None:
        try:
            sent = self._exporter.export(batch) is SpanExportResult.SUCCESS
        except Exception as failure:  # noqa: BLE001 - no defect of an exporter may end the thread
            sent = False
            _LOG.debug("Span export raised", extra={"error": type(failure).__name__})
        if not sent:
            self._drop(len(batch))
        if self._failing is sent:
            self._failing = not sent
            _LOG.log(*_STATE_LINES[sent])

    def stop(self, timeout: float) -> None:
        """Let the thread finish within `timeout` seconds; what is left then is dropped."""
        self._stopping.set()
        self._thread.join(timeout)
        if self._thread.is_alive():
            self._drop(self._queue.qsize())
        threading.Thread(target=self._exporter.shutdown, name="lynceus-traces-end", daemon=True).start()

    def shutdown(self) -> None:
        """As the SDK asks for; `stop` is ours."""
        self.stop(EXPORT_SECONDS)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Nothing can be forced: the queue is emptied as fast as the collector takes it."""
        return self._queue.empty()


_STATE_LINES = {
    True: (logging.INFO, "The trace collector takes spans again"),
    False: (logging.WARNING, "The trace collector does not take spans; they are dropped and counted"),
}


def _otlp(endpoint: str) -> SpanExporter:
    """Return an OTLP exporter with short timeouts whose own log lines are replaced by ours."""
    url = urllib.parse.urlsplit(endpoint)
    if url.path in ("", "/"):
        url = url._replace(path="/v1/traces")
    for name in ("opentelemetry.exporter.otlp", "opentelemetry.exporter.http"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return OTLPSpanExporter(endpoint=url.geturl(), timeout=EXPORT_SECONDS)


def _root_attributes(event: TurnFinished) -> dict[str, Value]:
    """Return what the root span says: which Application, why, and how it ended."""
    attributes: dict[str, Value] = {
        "argocd.app.name": event.key.name,
        "argocd.app.namespace": event.key.namespace,
        "argocd.app.project": event.project,
        "lynceus.trigger": event.reason,
        "lynceus.queue": event.queue,
        "lynceus.refresh.level": int(event.level),
        "lynceus.compared": event.compared,
    }
    for word, value in event.outcome.items():
        if value:
            attributes[_OUTCOMES.get(word, f"lynceus.outcome.{word}")] = value
    return attributes


def _safe(attributes: t.Mapping[str, Value]) -> dict[str, Value]:
    """Return the attributes with every text cleaned and free of credentials."""
    return {_text(key): _text(value) if isinstance(value, str) else value for key, value in attributes.items()}


def _text(text: str) -> str:
    return clean(without_userinfo(text))


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1_000_000_000)
