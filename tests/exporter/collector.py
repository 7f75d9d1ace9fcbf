"""A trace collector for tests: takes OTLP over HTTP on a real socket and decodes it."""

from __future__ import annotations

import contextlib
import http.server
import threading
import typing as t
from collections.abc import Iterator

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Collector(http.server.ThreadingHTTPServer):
    """Keeps what it is sent."""

    def __init__(self) -> None:
        self.got: list[tuple[str, ExportTraceServiceRequest]] = []
        """(path, request) in the order of arrival."""
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def endpoint(self) -> str:
        """Where to send to."""
        return f"http://127.0.0.1:{self.server_port}"

    def spans(self, trace_id: str = "") -> list[Span]:
        """Return the spans so far, of one trace or of all."""
        found = [s for _, r in list(self.got) for x in r.resource_spans for y in x.scope_spans for s in y.spans]
        return [span for span in found if trace_id in ("", span.trace_id.hex())]

    def text(self) -> str:
        """Return all that arrived as text, to search it."""
        return "\n".join(str(request) for _, request in list(self.got))


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


@contextlib.contextmanager
def collecting() -> Iterator[Collector]:
    """Run a collector on a port of its own."""
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def attributes_of(span: Span) -> dict[str, t.Any]:
    """Return a span's attributes as Python values."""
    return {pair.key: getattr(pair.value, str(pair.value.WhichOneof("value"))) for pair in span.attributes}
