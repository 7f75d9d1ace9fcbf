"""What traces and log lines cost the turn that makes them, by who takes them: nobody, a collector, a black hole.

The yardstick of traces is the turn's own book-keeping without a listener; that of log lines is logging's StreamHandler
before a file. A turn has seven stages and ten notes, as a small sync has. The last figure is how long turns take that
come at fixed moments, with a collector that never answers and without one, in turn.
Environment: LYNCEUS_BENCH_TRACING_TURNS (3,000), LYNCEUS_BENCH_TRACING_SECONDS (10).
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import typing as t

from controller.clock import SystemClock
from controller.turn import Turn
from exporter.tracing import Tracing
from lynceus.logs import KeyValueFormatter, LineHandler
from model.events import Event
from model.meta import NamespacedName

TURNS = int(os.environ.get("LYNCEUS_BENCH_TRACING_TURNS", "3000"))
SECONDS = float(os.environ.get("LYNCEUS_BENCH_TRACING_SECONDS", "10"))
TURNS_A_SECOND = 50
WORK_SECONDS = 0.005
STAGES = ("git", "render", "compare", "policy", "apply", "health", "status")
KEY = NamespacedName("argocd", "shop")
COMMIT = "d7927a27b4533926b7d86b5f249cd9ebe7625e90"

COLLECTOR = """
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200); self.send_header("Content-Length", "0"); self.end_headers()
    def log_message(self, *a): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""

Listen = t.Callable[[Event], None]


def a_turn(listen: Listen) -> None:
    """Do the book-keeping of one turn and tell of it."""
    turn = Turn(KEY, "operation", SystemClock())
    turn.project, turn.reason = "shop", "operation begin"
    turn.deploy(COMMIT)
    for name in STAGES:
        with turn.stage(name, objects=10) as stage:
            if name == "apply":
                for number in range(10):
                    stage.note("created", object=f"/ConfigMap/web/settings-{number}")
    listen(turn.finished())


def microseconds(work: t.Callable[[], None], number: int) -> dict[str, float]:
    """Return median and 99th percentile of one call, with a little rest between the calls."""
    took = []
    for _ in range(number):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
        time.sleep(0.0005)
    took.sort()
    return {"median_us": round(took[number // 2] * 1e6, 1), "p99_us": round(took[int(number * 0.99)] * 1e6, 1)}


@contextlib.contextmanager
def collector() -> t.Iterator[str]:
    """A collector in a process of its own."""
    with subprocess.Popen([sys.executable, "-c", COLLECTOR], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.kill()


@contextlib.contextmanager
def black_hole() -> t.Iterator[str]:
    """A socket that accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as hole:
        yield f"http://127.0.0.1:{hole.getsockname()[1]}"


@contextlib.contextmanager
def traced(endpoint: str, sample: float = 1.0) -> t.Iterator[Tracing]:
    """Tracing to an endpoint, ended afterwards."""
    tracing = Tracing(endpoint, sample=sample)
    try:
        yield tracing
    finally:
        tracing.shutdown(0.5)


def traces() -> t.Iterator[dict[str, t.Any]]:
    """Measure a turn by who takes its trace."""
    base = microseconds(lambda: a_turn(lambda event: None), TURNS)
    yield {"figure": "turn without a listener", **base}
    with collector() as there, black_hole() as hole:
        cases = [("tracing off", "", 1.0), ("collector", there, 1.0), ("collector, sample 0", there, 0.0)]
        for name, endpoint, sample in [*cases, ("black hole", hole, 1.0)]:
            with traced(endpoint, sample) as tracing:
                figures = microseconds(lambda listen=tracing.listen: a_turn(listen), TURNS)  # type: ignore[misc]
                over = round(figures["median_us"] - base["median_us"], 1)
                yield {"figure": f"turn, {name}", **figures, "over_yardstick_us": over, "dropped": tracing.dropped}


def lines() -> t.Iterator[dict[str, t.Any]]:
    """Measure a log line by who reads it."""
    record = logging.makeLogRecord(
        {"name": "x", "levelno": 20, "levelname": "INFO", "msg": "turn finished", "application": "argocd/shop"}
        | {f"field{number}": f"value {number}" for number in range(8)}
    )
    with tempfile.TemporaryFile("w") as file:
        plain = logging.StreamHandler(file)
        plain.setFormatter(KeyValueFormatter())
        yield {"figure": "line, StreamHandler to a file", **microseconds(lambda: _handle(plain, record), TURNS)}
        queued = LineHandler(t.cast("t.TextIO", file), KeyValueFormatter(), str)
        yield {"figure": "line, queue to a file", **microseconds(lambda: _handle(queued, record), TURNS)}
        queued.flush()
    reader, writer = os.pipe()
    with os.fdopen(reader), os.fdopen(writer, "w") as pipe:
        stuck = LineHandler(pipe, KeyValueFormatter(), str)
        figures = microseconds(lambda: _handle(stuck, record), TURNS)
        yield {"figure": "line, queue to a pipe that nobody reads", **figures, "dropped": stuck.sink.dropped}
        os.set_blocking(reader, False)
        with contextlib.suppress(BlockingIOError):
            while not stuck.sink.flush(0.05):
                os.read(reader, 1 << 20)


def _handle(handler: logging.Handler, record: logging.LogRecord) -> None:
    handler.handle(record)


def durations(listen: Listen, seconds: float) -> list[float]:
    """Return how long turns took that come at fixed moments, in milliseconds."""
    took, start = [], time.perf_counter()
    for number in range(int(seconds * TURNS_A_SECOND)):
        time.sleep(max(0.0, start + number / TURNS_A_SECOND - time.perf_counter()))
        began, busy = time.perf_counter(), time.thread_time() + WORK_SECONDS
        while time.thread_time() < busy:
            io.BytesIO(b"x" * 1000).read()
        a_turn(listen)
        took.append((time.perf_counter() - began) * 1000)
    return took


def held_up() -> dict[str, t.Any]:
    """Return median and 95th percentile of turns without tracing and before a black hole, second by second in turn."""
    alone, held = list[float](), list[float]()
    with black_hole() as hole, traced(hole) as tracing:
        for _ in range(int(SECONDS)):
            alone += durations(nothing, 1)
            held += durations(tracing.listen, 1)
        found = {name: statistics.quantiles(took, n=20) for name, took in (("alone", alone), ("black hole", held))}
        p95 = {f"p95 {name}": round(parts[-1], 2) for name, parts in found.items()}
        medians = {f"median {name}": round(parts[9], 2) for name, parts in found.items()}
        return {"figure": "turn, ms", **medians, **p95, "dropped": tracing.dropped}


def nothing(event: Event) -> None:
    """Take an event and do nothing with it."""


def run() -> t.Iterator[dict[str, t.Any]]:
    """Run it all."""
    yield from traces()
    yield from lines()
    yield held_up()
