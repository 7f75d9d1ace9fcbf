"""What being scraped costs the loop: how late turns end, with nobody looking and with a scrape each second.

One thread ends turns at fixed moments, each a few milliseconds of work and the events of a real turn; a scraper in a
process of its own asks for OpenMetrics and gzip over HTTP. The yardstick is the same run without the scraper. The work
of a turn is Python's own, as comparing is, so it needs the interpreter that the exposition needs too.
Environment: LYNCEUS_BENCH_SCRAPED_APPLICATIONS (10,000), LYNCEUS_BENCH_SCRAPED_SECONDS (20).
"""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import sys
import time
import typing as t

from benchmarks.scrape import SERVER, application
from controller.clock import SystemClock
from exporter import Exporter
from model.decision import Decision, deny
from model.events import ApplicationChanged, TurnFinished
from model.meta import NamespacedName
from server.app import create_app
from server.identity import TokenFile
from server.parts import Parts
from server.run import Server

APPLICATIONS = int(os.environ.get("LYNCEUS_BENCH_SCRAPED_APPLICATIONS", "10000"))
SECONDS = float(os.environ.get("LYNCEUS_BENCH_SCRAPED_SECONDS", "20"))
TURNS_A_SECOND = 50
WORK_SECONDS = 0.005
"""A turn of an Application of some ten objects whose inputs changed."""

SCRAPER = """
import http.client, sys, time
port, seconds = int(sys.argv[1]), float(sys.argv[2])
end, took = time.monotonic() + seconds, []
while time.monotonic() < end:
    began = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/metrics", headers={"Accept": "application/openmetrics-text;version=1.0.0",
                                                   "Accept-Encoding": "gzip"})
    reply = connection.getresponse()
    assert reply.status == 200
    reply.read()
    connection.close()
    took.append(time.monotonic() - began)
    time.sleep(max(0.0, 1 - took[-1]))
took.sort()
print(took[len(took) // 2], took[min(len(took) - 1, int(len(took) * 0.99))])
"""


class _NobodyMay:
    """A guard that is never asked here."""

    def can(self, *arguments: t.Any, **more: t.Any) -> Decision:
        return deny("nobody may")

    may_sync = can


def turn(index: int, at: float) -> TurnFinished:
    """Return the event of a turn that ended just now."""
    return TurnFinished(
        key=NamespacedName("argocd", f"app-{index}"),
        project="shop",
        dest_server=SERVER,
        queue="refresh",
        reason="object changed",
        level=1,
        start=at - WORK_SECONDS,
        end=at,
        compared=True,
    )


def lateness(exporter: Exporter) -> list[float]:
    """End turns at their moments; return how late each ended, in seconds."""
    late: list[float] = []
    began = time.perf_counter()
    for number in range(int(SECONDS * TURNS_A_SECOND)):
        due = began + number / TURNS_A_SECOND
        if (left := due - time.perf_counter()) > 0:
            time.sleep(left)
        _work()
        health = "Degraded" if number % 2 else "Healthy"
        index = number * 7919 % APPLICATIONS
        exporter.listen(ApplicationChanged(application=application(index, health), dest_server=SERVER))
        exporter.listen(turn(index, 1_700_000_000.0 + number))
        late.append(time.perf_counter() - due)
    return late


def _work() -> None:
    """Use the processor for WORK_SECONDS of this thread's own time."""
    end = time.thread_time() + WORK_SECONDS
    while time.thread_time() < end:
        sum(range(200))


@contextlib.contextmanager
def scraper(port: int, found: list[float]) -> t.Iterator[None]:
    """Scrape each second while the block runs; leaves median and 99th percentile in `found`."""
    command = [sys.executable, "-c", SCRAPER, str(port), str(SECONDS)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    yield
    out, _ = process.communicate(timeout=SECONDS + 30)
    found += [float(word) for word in out.split()]


def run() -> t.Iterable[dict[str, t.Any]]:
    """Yield the lateness of turns without and with a scraper, and how long the scrapes took."""
    exporter = Exporter(argocd_metrics=True, version="0", mode="reconcile")
    for index in range(APPLICATIONS):
        exporter.listen(ApplicationChanged(application=application(index, "Healthy"), dest_server=SERVER))
    parts = Parts(
        exporter=exporter,
        healthy=lambda: True,
        ready=lambda: True,
        clock=SystemClock(),
        guard=_NobodyMay(),
        identity=TokenFile(None),
        applications=list,
        version="0",
    )
    server = Server(create_app(parts, api=False))
    server.start()
    try:
        quiet, scrapes = lateness(exporter), list[float]()
        with scraper(server.port, scrapes):
            scraped = lateness(exporter)
    finally:
        server.stop()
    yield from _figures(quiet, scraped, scrapes)


def _figures(quiet: list[float], scraped: list[float], scrapes: list[float]) -> t.Iterable[dict[str, t.Any]]:
    for word, part in (("median", 0.5), ("p95", 0.95), ("p99", 0.99)):
        alone, seen = (_quantile(late, part) * 1000 for late in (quiet, scraped))
        yield {
            "name": f"a turn of {WORK_SECONDS * 1000:g} ms ends after, {APPLICATIONS} applications, {word}",
            "figure": round(seen, 2),
            "unit": "ms",
            "ratio": round(seen / alone, 3),
            "yardstick": f"the same without a scraper, {alone:.2f} ms",
        }
    for word, seconds in zip(("median", "p99"), scrapes, strict=True):
        figure = round(seconds * 1000, 1)
        yield {"name": f"scrape meanwhile, {word}", "figure": figure, "unit": "ms", "ratio": None, "yardstick": ""}


def _quantile(values: list[float], part: float) -> float:
    return statistics.quantiles(values, n=100)[round(part * 100) - 1]
