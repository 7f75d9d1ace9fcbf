"""What a real Prometheus makes of single scrapes: series that end, counters that begin, exemplars that are kept."""

from __future__ import annotations

import time
import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.clock import SystemClock
from exporter import Exporter
from model.decision import Decision, deny
from model.events import ApplicationDeleted
from model.meta import NamespacedName
from server.app import create_app
from server.identity import TokenFile
from server.parts import Parts
from server.run import Server
from tests.dashboards.prometheus import Prometheus, job
from tests.exporter.script import attempted, changed, turn

pytestmark = pytest.mark.slow


class NobodyMay:
    """A guard that is never asked here."""

    def can(self, *arguments: t.Any, **more: t.Any) -> Decision:
        return deny("nobody may")

    may_sync = can


class Live(t.NamedTuple):
    """Both ends of the scrape."""

    exporter: Exporter
    prometheus: Prometheus


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """An exporter that the test moves, behind the real endpoint."""
    exporter = Exporter(argocd_metrics=True, version="0.1.0", mode="reconcile")
    parts = Parts(
        exporter=exporter,
        healthy=lambda: True,
        ready=lambda: True,
        clock=SystemClock(),
        guard=NobodyMay(),
        identity=TokenFile(None),
        applications=list,
        version="0.1.0",
    )
    server = Server(create_app(parts, api=False))
    server.start()
    folder: Path = tmp_path_factory.mktemp("prometheus")
    try:
        with Prometheus(folder, [job("lynceus", server.port, namespace="monitored")]) as prometheus:
            prometheus.wait("scraped", lambda: prometheus.query("lynceus_build_info"))
            yield Live(exporter, prometheus)
    finally:
        server.stop()


def test_a_deleted_application_is_stale_after_one_scrape(live: Live) -> None:
    """Its series end at once, and one of the same name begins at 0."""
    failed = 'argocd_app_sync_total{name="gone",phase="Failed"}'
    live.exporter.listen(changed("gone"))
    live.exporter.listen(attempted("gone"))
    live.prometheus.wait("counted", lambda: 1.0 == live.prometheus.value(failed))
    live.exporter.listen(ApplicationDeleted(key=NamespacedName("argocd", "gone")))
    live.prometheus.wait("gone", lambda: not live.prometheus.query('{name="gone"}'))
    live.exporter.listen(changed("gone"))
    live.prometheus.wait("born anew", lambda: 0.0 == live.prometheus.value(failed))


def test_exemplars_lead_from_a_slow_turn_to_its_trace(live: Live) -> None:
    """Prometheus asks for OpenMetrics and stores the trace id beside the bucket that the turn fell into."""
    trace = "0af7651916cd43dd8448eb211c80319c"
    live.exporter.listen(turn("slow", start=1000.0, end=1042.0, trace_id=trace))

    def kept() -> list[t.Any]:
        now = time.time()
        found = live.prometheus.get(
            "query_exemplars",
            query="lynceus_reconcile_duration_seconds_bucket",
            start=f"{now - 60:.0f}",
            end=f"{now + 60:.0f}",
        )
        return [one for series in found or () for one in series["exemplars"]]

    live.prometheus.wait("an exemplar", kept)
    assert {"trace_id": trace} == kept()[0]["labels"]
    assert 42.0 == float(kept()[0]["value"])
