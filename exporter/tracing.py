"""Turns, pushes and deployments -> OpenTelemetry traces at a collector, without ever keeping the loop waiting.

The loop pays for putting an event into a bounded queue. One daemon thread makes spans of the events and takes them to
the collector in batches; when the collector is slow or away, spans are dropped and counted, never waited for.
"""

from __future__ import annotations

import collections
import logging
import threading
import typing as t
import urllib.parse

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from exporter.spans import Spans, number_of_spans
from model.events import Event, TurnFinished

QUEUE = 20_000
"""Spans and their notes that may wait; a turn has about eight spans, and notes where it applies objects."""
BATCH = 256
"""Spans of one request to the collector, give or take those of one turn."""
EXPORT_SECONDS = 2.0
"""How long one request to the collector may take, retries included."""
DELAY_SECONDS = 1.0
"""How long a span may wait for company."""

_LOG = logging.getLogger(__name__)


class Tracing:
    """Listens to the loop and sends what happens there to a collector."""

    def __init__(
        self,
        endpoint: str = "",
        *,
        span_exporter: SpanExporter | None = None,
        version: str = "",
        sample: float = 1.0,
        on_drop: t.Callable[[int], None] | None = None,
    ) -> None:
        """Start the sender, unless there is nowhere to send to.

        Args:
            endpoint: OTLP over HTTP, for example ``http://collector:4318`` (``/v1/traces`` is added when there is no
                path); empty switches tracing off.
            span_exporter: used in place of `endpoint`.
            version: of Lynceus, the resource's service.version.
            sample: share of the traces that are kept, 0 to 1. The trace's id decides, so that every process keeps or
                leaves out the same deployments, and each of them whole.
            on_drop: told how many spans were given up, each time some were.
        """
        exporter = span_exporter or (_otlp(endpoint) if endpoint else None)
        self._spans = Spans(version, sample)
        self._sender = _Sender(exporter, self._spans, on_drop or (lambda number: None)) if exporter else None

    @property
    def dropped(self) -> int:
        """Spans given up so far."""
        return self._sender.dropped if self._sender else 0

    def listen(self, event: Event) -> None:
        """Queue what spans are made of; other events are ignored."""
        if self._sender is not None and self._spans.wanted(event):
            self._sender.put(event)

    def shutdown(self, timeout: float = 3.0) -> None:
        """Send what waits and stop; returns after `timeout` seconds at the latest, whatever the collector does."""
        if self._sender:
            self._sender.stop(timeout)


class _Sender:
    """A bounded queue of events and one thread that empties it in batches.

    The SDK's batch processor neither tells how many spans it dropped nor keeps a deadline when it is shut down.
    """

    def __init__(self, exporter: SpanExporter, spans: Spans, on_drop: t.Callable[[int], None]) -> None:
        self._exporter, self._spans, self._on_drop = exporter, spans, on_drop
        self._waiting: collections.deque[Event] = collections.deque()
        self._weight = self._sending = 0
        self._wake = threading.Condition()
        self._stopping = self._ended = self._failing = False
        self.dropped = 0
        self._thread = threading.Thread(target=self._run, name="lynceus-traces", daemon=True)
        self._thread.start()

    def put(self, event: Event) -> None:
        """Queue an event, or drop it."""
        weight = _weight(event)
        with self._wake:
            fits = self._weight + weight <= QUEUE and not self._stopping
            if fits:
                self._waiting.append(event)
                self._weight += weight
                self._wake.notify()
        if not fits:
            self._drop(number_of_spans(event))

    def _drop(self, number: int) -> None:
        with self._wake:
            self.dropped += number
        self._on_drop(number)

    def _run(self) -> None:
        while self._wait():
            if batch := self._batch():
                self._send(batch)

    def _wait(self) -> bool:
        """Wait for something and, a little, for company; False when all is sent and the end has come."""
        with self._wake:
            self._wake.wait_for(lambda: self._waiting or self._stopping)
            self._wake.wait_for(lambda: self._weight >= BATCH or self._stopping, DELAY_SECONDS)
            return bool(self._waiting)

    def _batch(self) -> list[ReadableSpan]:
        """Return the spans of the first events that wait."""
        spans: list[ReadableSpan] = []
        while len(spans) < BATCH and (event := self._next()) is not None:
            spans += self._made(event)
        return spans

    def _made(self, event: Event) -> list[ReadableSpan]:
        """Return the spans of an event; none, and dropped, when they cannot be made."""
        expected, made, lost = number_of_spans(event), list[ReadableSpan](), 0
        try:
            made = self._spans.of(event)
        except Exception as failure:  # noqa: BLE001 - no odd event may end the thread
            _LOG.debug("Spans could not be made", extra={"error": type(failure).__name__})
            lost = expected
        with self._wake:
            if self._ended:  # counted there
                return made
            self._sending += len(made) - expected
        if lost:
            self._drop(lost)
        return made

    def _next(self) -> Event | None:
        with self._wake:
            if not self._waiting:
                return None
            event = self._waiting.popleft()
            self._weight -= _weight(event)
            self._sending += number_of_spans(event)
            return event

    def _send(self, batch: list[ReadableSpan]) -> None:
        try:
            sent = self._exporter.export(batch) is SpanExportResult.SUCCESS
        except Exception as failure:  # noqa: BLE001 - no defect of an exporter may end the thread
            sent = False
            _LOG.debug("Span export raised", extra={"error": type(failure).__name__})
        with self._wake:
            lost, self._sending = 0 if sent else self._sending, 0
        if lost:
            self._drop(lost)
        if self._failing is sent:
            self._failing = not sent
            if sent:
                _LOG.info("The trace collector takes spans again")
            else:
                _LOG.warning("The trace collector does not take spans; they are dropped and counted")

    def stop(self, timeout: float) -> None:
        """Let the thread finish within `timeout` seconds; what is left then is dropped."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join(timeout)
        with self._wake:
            lost = self._sending + sum(map(number_of_spans, self._waiting))
            self._waiting.clear()
            self._sending, self._ended = 0, True
        if lost:
            self._drop(lost)
        threading.Thread(target=self._exporter.shutdown, name="lynceus-traces-end", daemon=True).start()


def _weight(event: Event) -> int:
    """Return how much room an event takes: its spans, and the notes of each."""
    notes = sum(len(stage.notes) for stage in event.stages) if isinstance(event, TurnFinished) else 0
    return number_of_spans(event) + notes


def _otlp(endpoint: str) -> SpanExporter:
    """Return an OTLP exporter with short timeouts whose own log lines are replaced by ours."""
    url = urllib.parse.urlsplit(endpoint)
    if url.path in ("", "/"):
        url = url._replace(path="/v1/traces")
    for name in ("opentelemetry.exporter.otlp", "opentelemetry.exporter.http"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return OTLPSpanExporter(endpoint=url.geturl(), timeout=EXPORT_SECONDS)
