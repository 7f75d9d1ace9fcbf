"""Scrapes of a fleet beside prometheus_client with the same series: 1,000, 10,000 and 50,000 Applications.

Both sides have every per-Application family of an installation with default options, with the same lines (a check
compares their numbers). Ours also serves all its other families, which the yardstick has not. Both give what a scraper
gets: text without compression, and OpenMetrics with gzip, which is what Prometheus asks for (at the client library's
own level 9 on its side); the socket is left out on both. A change is what a turn brings that finds an Application out
of sync, scattered over the fleet. Memory is that of a process of its own, after three scrapes, beyond what the same
process held before. Environment: LYNCEUS_BENCH_SCRAPE_SIZES (1000,10000,50000), LYNCEUS_BENCH_SCRAPE_ROUNDS (5).
"""

from __future__ import annotations

import datetime as dt
import gc
import gzip
import itertools
import json
import os
import re
import statistics
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from exporter import Exporter
from exporter.catalogue import CATALOGUE
from model import events
from model.application import (
    Application,
    ApplicationSpec,
    ApplicationStatus,
    Automated,
    Destination,
    HealthState,
    OperationState,
    ResourceState,
    Source,
    SyncPolicy,
    SyncState,
)
from model.decision import allow
from model.meta import NamespacedName, ObjectMeta

SIZES = tuple(int(size) for size in os.environ.get("LYNCEUS_BENCH_SCRAPE_SIZES", "1000,10000,50000").split(","))
ROUNDS = int(os.environ.get("LYNCEUS_BENCH_SCRAPE_ROUNDS", "5"))
OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
SERVER = "https://kubernetes.default.svc"
NOW = 1_750_000_000.0
UNTIL = dt.datetime.fromtimestamp(NOW + 3600, dt.UTC)
CHUNK = 1_000
PER_APPLICATION = {metric.name: metric for metric in CATALOGUE if metric.per_application}
_LABEL = re.compile(r'(\w+)="([^"]*)"')


def application(index: int, health: str, sync: str = "Synced") -> Application:
    """Return one of the applications: ten objects, synced before."""
    sick = 1 if sync != "Synced" else 0
    resources = [ResourceState(status="Synced", health=HealthState(status="Healthy"))] * (10 - sick)
    resources += [ResourceState(status=sync, health=HealthState(status=health))] * sick
    return Application(
        metadata=ObjectMeta(name=f"application-{index:05}", namespace="argocd"),
        spec=ApplicationSpec(
            project=f"team-{index % 40}",
            source=Source(repo_url=f"https://git.example.com/team-{index % 40}/deployments", path=f"apps/{index}"),
            destination=Destination(server=SERVER, namespace=f"namespace-{index % 500}"),
            sync_policy=SyncPolicy(automated=Automated()),
        ),
        status=ApplicationStatus(
            sync=SyncState(status=sync),
            health=HealthState(status=health),
            resources=resources,
            operation_state=OperationState(
                phase="Succeeded", started_at="2025-06-15T15:00:00Z", finished_at="2025-06-15T15:00:09Z"
            ),
        ),
    )


def born(index: int) -> t.Iterator[events.Event]:
    """Yield what is heard of an Application that runs in peace under a window."""
    app = application(index, "Healthy")
    key, project = app.key, app.spec.project
    decision = allow("a window is open", until=UNTIL)
    yield events.ApplicationChanged(application=app, dest_server=SERVER)
    yield events.SyncPermission(key=key, project=project, automated=decision, manual=decision)
    yield events.CommitsBehind(key=key, project=project, number=0)
    yield turn(key, project, 0.25)


def turn(key: NamespacedName, project: str, seconds: float) -> events.TurnFinished:
    """Return the end of a turn."""
    return events.TurnFinished(
        key=key,
        project=project,
        dest_server=SERVER,
        queue="refresh",
        reason="object changed",
        level=1,
        start=NOW,
        end=NOW + seconds,
    )


def drifted(index: int, round_: int) -> t.Iterator[events.Event]:
    """Yield what is heard of an Application that leaves Synced, or is back."""
    out = round_ % 2 == 0
    app = application(index, "Healthy", "OutOfSync" if out else "Synced")
    yield events.ApplicationChanged(application=app, dest_server=SERVER)
    yield events.Standing(key=app.key, project=app.spec.project, drift_since=NOW if out else None)
    yield turn(app.key, app.spec.project, 0.5)


def exporter(indices: t.Iterable[int]) -> Exporter:
    """Return an exporter that knows these Applications."""
    made = Exporter(argocd_metrics=True, version="0", mode="reconcile", now=lambda: NOW)
    for index in indices:
        for event in born(index):
            made.listen(event)
    return made


class Yardstick:
    """The same series as labelled instruments of prometheus_client."""

    def __init__(self, lines: t.Iterable[str]) -> None:
        """Take the sample lines of an exposition."""
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry, self.series = CollectorRegistry(), 0
        parents: dict[str, Counter | Gauge] = {}
        for line in lines:
            name, _, rest = line.partition("{")
            if name not in parents:
                metric = PER_APPLICATION[name]
                kind = Counter if metric.kind == "counter" else Gauge
                parents[name] = kind(metric.family, metric.help, metric.labels, registry=self.registry)
            self._add(parents[name], rest)

    def _add(self, parent: Counter | Gauge, rest: str) -> None:
        labels, _, value = rest.rpartition("} ")
        child = parent.labels(**{name: sys.intern(text) for name, text in _LABEL.findall(labels)})
        child.inc(float(value))
        self.series += 1

    def text(self) -> bytes:
        """Return what a scraper of the text format gets."""
        return generate_latest(self.registry)

    def packed(self) -> bytes:
        """Return what Prometheus gets."""
        return gzip.compress(t.cast("bytes", generate_openmetrics(self.registry)))  # type: ignore[no-untyped-call]


def sample_lines(made: Exporter) -> list[str]:
    """Return the lines of the per-Application families."""
    body = made.exposition("", "", PER_APPLICATION)[0].decode()
    return [line for line in body.splitlines() if not line.startswith("#")]


def lines_of(size: int) -> t.Iterator[str]:
    """Yield the lines of a fleet, a thousand Applications at a time, so that no whole exporter stays in memory."""
    for start in range(0, size, CHUNK):
        fleet = exporter(range(start, min(start + CHUNK, size)))
        # Beyond a thousand Applications nobody's requests are told; none was made here, so the lines are the same.
        yield from sample_lines(fleet)


def median_ms(action: t.Callable[[], object], before: t.Callable[[], None] = lambda: None) -> float:
    """Return the median of ROUNDS runs in milliseconds of processor time; `before` runs untimed ahead of each."""
    times = []
    for _ in range(ROUNDS):
        before()
        gc.collect()
        began = time.process_time()
        action()
        times.append((time.process_time() - began) * 1000)
    return statistics.median(times)


def figures(size: int) -> t.Iterator[dict[str, t.Any]]:
    """Yield the figures of one fleet."""
    turns, began = itertools.count(), time.process_time()
    made = exporter(range(size))
    taken = (time.process_time() - began) * 1e6 / size
    yardstick = Yardstick(sample_lines(made))
    if yardstick.series != sum(not line.startswith(b"#") for line in yardstick.text().splitlines()):
        raise ValueError("the two sides have not the same series")

    def packed() -> bytes:
        return made.exposition(OPENMETRICS, "gzip")[0]

    def text() -> bytes:
        return made.exposition("")[0]

    for form, ours, theirs in (("text", text, yardstick.text), ("OpenMetrics and gzip", packed, yardstick.packed)):
        client = median_ms(theirs)
        ours()
        for name, share in (("unchanged", 0.0), ("0.1 % changed", 0.001), ("1 % changed", 0.01)):
            chosen = range(0, size, round(1 / share)) if share else range(0)
            figure = median_ms(ours, lambda chosen=chosen: change(made, chosen, next(turns)))  # type: ignore[misc]
            yield {
                "name": f"scrape of {size} applications, {yardstick.series} series, {form}, {name}",
                "figure": round(figure, 2),
                "unit": "ms",
                "ratio": round(client / figure, 1),
                "yardstick": f"prometheus_client, {client:.0f} ms",
            }
    yield {
        "name": f"taking one new application of {size}, all events of its first turn",
        "figure": round(taken, 1),
        "unit": "us",
        "ratio": None,
        "yardstick": "",
    }
    yield {
        "name": f"taking one changed application of {size}",
        "figure": round(changing_us(made, size), 1),
        "unit": "us",
        "ratio": None,
        "yardstick": "",
    }


def change(made: Exporter, chosen: t.Iterable[int], round_: int) -> None:
    """Let the chosen Applications leave Synced, or come back."""
    for index in chosen:
        for event in drifted(index, round_):
            made.listen(event)


def changing_us(made: Exporter, size: int) -> float:
    """Return the microseconds that one ApplicationChanged takes, the making of the event left out."""
    heard = [next(drifted(index, 0)) for index in range(min(size, 5_000))]
    began = time.process_time()
    for event in heard:
        made.listen(event)
    return (time.process_time() - began) * 1e6 / len(heard)


def resident_mib() -> float:
    """Return the resident memory of this process in MiB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def keep(side: str, size: int) -> float:
    """Return the MiB that one side keeps of a fleet, in this process."""
    sample_lines(exporter(range(10)))
    gc.collect()
    before = resident_mib()
    if side == "ours":
        made = exporter(range(size))
        scrape: t.Callable[[], object] = lambda: made.exposition(OPENMETRICS, "gzip")  # noqa: E731
    else:
        scrape = Yardstick(lines_of(size)).packed
    for _ in range(3):
        scrape()
    gc.collect()
    return resident_mib() - before


def memory(size: int) -> t.Iterator[dict[str, t.Any]]:
    """Yield the memory of one fleet, each side in a process of its own."""
    held = {}
    for side in ("ours", "theirs"):
        code = f"from benchmarks.scrape import keep; import json; print(json.dumps(keep({side!r}, {size})))"
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
        held[side] = json.loads(run.stdout)
    yield {
        "name": f"memory kept of {size} applications after scrapes",
        "figure": round(held["ours"], 1),
        "unit": "MiB",
        "ratio": round(held["theirs"] / held["ours"], 1),
        "yardstick": f"prometheus_client, {held['theirs']:.0f} MiB",
    }


def run() -> t.Iterable[dict[str, t.Any]]:
    """Yield all figures of all sizes."""
    for size in SIZES:
        yield from figures(size)
        gc.collect()
        yield from memory(size)
