"""A scrape of 10,000 applications, OpenMetrics and gzip, beside prometheus_client with the same series.

Both sides serve what Prometheus asks for (gzip at the client library's own level 9 on its side, ours on ours), through
the functions behind /metrics; the socket is left out on both. Environment: LYNCEUS_BENCH_SCRAPE_APPLICATIONS.
"""

from __future__ import annotations

import gzip
import os
import statistics
import time
import typing as t

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.openmetrics.exposition import generate_latest

from exporter import Exporter
from exporter.catalogue import BY_NAME
from model.application import (
    Application,
    ApplicationSpec,
    ApplicationStatus,
    Destination,
    HealthState,
    Source,
    SyncState,
)
from model.events import ApplicationChanged
from model.meta import ObjectMeta

APPLICATIONS = int(os.environ.get("LYNCEUS_BENCH_SCRAPE_APPLICATIONS", "10000"))
ROUNDS = 9
ACCEPT = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
SERVER = "https://kubernetes.default.svc"
PHASES = ("Succeeded", "Failed", "Error")


def application(index: int, health: str) -> Application:
    """Return one of the applications."""
    return Application(
        metadata=ObjectMeta(name=f"application-{index:05}", namespace="argocd"),
        spec=ApplicationSpec(
            project=f"team-{index % 40}",
            source=Source(repo_url=f"https://git.example.com/team-{index % 40}/deployments", path=f"apps/{index}"),
            destination=Destination(server=SERVER, namespace=f"namespace-{index % 500}"),
        ),
        status=ApplicationStatus(sync=SyncState(status="Synced"), health=HealthState(status=health)),
    )


def median_ms(action: t.Callable[[], object], before: t.Callable[[int], None] = lambda round_: None) -> float:
    """Return the median of ROUNDS runs in milliseconds; `before` runs untimed ahead of each."""
    times = []
    for round_ in range(ROUNDS):
        before(round_)
        began = time.perf_counter()
        action()
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


class Yardstick:
    """The same two families as labelled instruments of prometheus_client."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        info = Gauge("argocd_app_info", "x", BY_NAME["argocd_app_info"].labels, registry=self.registry)
        total = Counter("argocd_app_sync", "x", BY_NAME["argocd_app_sync_total"].labels, registry=self.registry)
        for index in range(APPLICATIONS):
            app = application(index, "Healthy")
            head = ("argocd", app.metadata.name, app.spec.project)
            repo = app.spec.all_sources[0].repo_url
            info.labels(*head, "false", repo, SERVER, app.spec.destination.namespace, "Synced", "Healthy", "").set(1)
            for phase in PHASES:
                total.labels(*head, SERVER, phase, "false")

    def scrape(self) -> bytes:
        """Return what a scrape gets."""
        return gzip.compress(generate_latest(self.registry))


def run() -> t.Iterable[dict[str, t.Any]]:
    """Yield unchanged and 1 % changed, each as ratio to prometheus_client."""
    exporter = Exporter(argocd_metrics=True, version="0", mode="reconcile")

    def change(indices: t.Iterable[int], health: str) -> None:
        for index in indices:
            exporter.listen(ApplicationChanged(application=application(index, health), dest_server=SERVER))

    def scrape() -> bytes:
        return exporter.exposition(ACCEPT, "gzip")[0]

    began = time.perf_counter()
    change(range(APPLICATIONS), "Healthy")
    taken = (time.perf_counter() - began) * 1e6 / APPLICATIONS
    scrape()
    client = median_ms(Yardstick().scrape)
    step = max(APPLICATIONS // 100, 1)
    together = [range(round_ * step, (round_ + 1) * step) for round_ in range(ROUNDS)]
    scattered = [range(round_, APPLICATIONS, max(APPLICATIONS // step, 1)) for round_ in range(ROUNDS)]
    figures = {
        "unchanged": median_ms(scrape),
        "1 % changed, neighbours": median_ms(scrape, lambda round_: change(together[round_], "Degraded")),
        "1 % changed, scattered": median_ms(scrape, lambda round_: change(scattered[round_], "Progressing")),
    }
    for name, figure in figures.items():
        yield {
            "name": f"scrape of {APPLICATIONS} applications, {name}",
            "figure": round(figure, 2),
            "unit": "ms",
            "ratio": round(client / figure, 1),
            "yardstick": f"prometheus_client, {client:.0f} ms",
        }
    yield {
        "name": "taking one changed application",
        "figure": round(taken, 1),
        "unit": "us",
        "ratio": None,
        "yardstick": "",
    }
