"""A real Prometheus scrapes a live Lynceus: every panel and every rule returns data."""

from __future__ import annotations

import contextlib
import datetime as dt
import http.client
import json
import socket
import subprocess
import time
import typing as t
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter import Exporter
from model.decision import Decision, deny
from model.events import ApplicationDeleted, ClusterObserved, Event, GitRequestFinished
from model.meta import NamespacedName
from server.app import create_app
from server.identity import TokenFile
from server.parts import Parts
from server.run import Server
from tests.alerts.support import ALL_RULES, RULE_FILES
from tests.dashboards.support import queries
from tests.dashboards.tools import need
from tests.exporter.script import attempted, busy_minute, changed, permission, turn

SILENT_ON_PURPOSE = {"LynceusAbsent": "it fires only while nothing is scraped"}
"""Rules that may return nothing from a Lynceus that lives."""

SCRAPES = 8
"""Seconds of scripted events; a rate needs a few scrapes."""

pytestmark = pytest.mark.slow


class NobodyMay:
    """A guard that is never asked here."""

    def can(self, *arguments: t.Any, **more: t.Any) -> Decision:
        return deny("nobody may")

    may_sync = can


class FixedClock:
    """A clock that nobody reads here."""

    def now(self) -> dt.datetime:
        return dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def one_bad_second(step: int) -> list[Event]:
    """Return a second in which everything that has an alert goes wrong."""
    slow = GitRequestFinished(repo="https://slow.example/x", request_type="fetch", result="success", seconds=15)
    failed = GitRequestFinished(repo="https://git.example/shop", request_type="fetch", result="error", seconds=1)
    down = ClusterObserved(
        server="https://down", name="down", version="v1.35.0", objects=0, api_resources=0, connected=False
    )
    drifted = [changed("drifted", sync="OutOfSync"), permission("drifted")]
    return [
        *busy_minute(step),
        *drifted,
        down,
        slow,
        failed,
        failed,
        failed,
        attempted("sick"),
        turn("sick", end=1200.0),
    ]


class Prometheus:
    """A server that scrapes one target each second and evaluates our rules."""

    def __init__(self, folder: Path, target: int) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        config = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(path) for path in RULE_FILES],
            "scrape_configs": [
                {"job_name": "lynceus", "honor_labels": True, "static_configs": [{"targets": [f"127.0.0.1:{target}"]}]}
            ],
        }
        (folder / "prometheus.yml").write_text(json.dumps(config))
        self._arguments = [
            need("prometheus"),
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--log.level=error",
        ]

    def __enter__(self) -> Prometheus:
        self._process = subprocess.Popen(self._arguments)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(10)

    def get(self, path: str, **query: str) -> t.Any:
        """Return the data of an API answer; None while the server is not there."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            try:
                connection.request("GET", f"/api/v1/{path}?{urllib.parse.urlencode(query)}")
                reply = connection.getresponse()
            except ConnectionError:
                return None
            answer = json.loads(reply.read()) if reply.status != 503 else {}
            assert reply.status in (200, 503), answer
            return answer.get("data")

    def query(self, expression: str) -> list[t.Any]:
        """Return the result of an instant query."""
        answer = self.get("query", query=expression)
        return list(answer["result"]) if answer else []

    def wait(self, condition: t.Callable[[], object], seconds: float = 20) -> None:
        """Wait until something holds."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "Prometheus did not get there"
            time.sleep(0.1)


class Live(t.NamedTuple):
    """Both ends of the scrape."""

    exporter: Exporter
    prometheus: Prometheus


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A Prometheus that has scraped some seconds of a fleet in trouble through the real endpoint."""
    exporter = Exporter(argocd_metrics=True, version="0.1.0", mode="reconcile")
    parts = Parts(
        exporter=exporter,
        healthy=lambda: True,
        ready=lambda: True,
        clock=FixedClock(),
        guard=NobodyMay(),
        identity=TokenFile(None),
        applications=list,
        version="0.1.0",
    )
    server = Server(create_app(parts))
    for event in busy_minute():
        exporter.listen(event)
    server.start()
    try:
        with Prometheus(tmp_path_factory.mktemp("prometheus"), server.port) as prometheus:
            prometheus.wait(lambda: prometheus.query("lynceus_build_info"))
            for step in range(1, SCRAPES + 1):
                for event in one_bad_second(step):
                    exporter.listen(event)
                time.sleep(1)
            yield Live(exporter, prometheus)
    finally:
        server.stop()


def test_the_target_is_up_and_every_sample_was_taken(live: Live) -> None:
    """No scrape failed, and Prometheus kept every line: none was a duplicate or out of order."""
    (target,) = live.prometheus.get("targets")["activeTargets"]
    assert ("up", "") == (target["health"], target["lastError"])
    assert [1.0] == [float(entry["value"][1]) for entry in live.prometheus.query("min_over_time(up[10s])")]
    scraped, kept = (
        live.prometheus.query(f"scrape_samples_{word}")[0] for word in ("scraped", "post_metric_relabeling")
    )
    assert int(kept["value"][1]) == int(scraped["value"][1]) > 150


@pytest.mark.row(180, 181, 182, 183, 185)
@pytest.mark.parametrize("query", queries("6s"), ids=lambda query: f"{query.board}: {query.panel}")
def test_every_panel_has_data(live: Live, query: t.Any) -> None:
    """Each query, variables filled in, returns at least one sample, and none of them NaN."""
    result = live.prometheus.query(query.expression)
    assert result, query.expression
    assert "NaN" not in {entry["value"][1] for entry in result}


@pytest.mark.row(184, 188, 189)
@pytest.mark.parametrize("name", ALL_RULES)
def test_every_rule_sees_the_trouble(live: Live, name: str) -> None:
    """Each expression returns data from a fleet in which just that goes wrong."""
    result = live.prometheus.query(ALL_RULES[name]["expr"])
    assert bool(result) == (name not in SILENT_ON_PURPOSE)


def test_rules_without_a_duration_are_firing(live: Live) -> None:
    """Loaded as shipped, evaluated by Prometheus itself, rendered with the application's name."""

    def firing() -> dict[str, str]:
        alerts = live.prometheus.get("alerts")["alerts"]
        return {a["labels"]["alertname"]: a["annotations"]["summary"] for a in alerts if a["state"] == "firing"}

    live.prometheus.wait(
        lambda: {"ArgoCDSyncFailing", "ArgoCDGitFetchErrors", "LynceusPolicyReloadFailing"} <= set(firing())
    )
    assert "Syncs of application sick keep failing" == firing()["ArgoCDSyncFailing"]


def test_a_deleted_application_is_stale_after_one_scrape(live: Live) -> None:
    """Its series end at once, and one of the same name begins at 0."""
    live.exporter.listen(changed("gone"))
    live.exporter.listen(attempted("gone"))
    live.prometheus.wait(lambda: live.prometheus.query('argocd_app_sync_total{name="gone",phase="Failed"} == 1'))
    live.exporter.listen(ApplicationDeleted(key=NamespacedName("argocd", "gone")))
    live.prometheus.wait(lambda: not live.prometheus.query('{name="gone"}'))
    live.exporter.listen(changed("gone"))
    live.prometheus.wait(lambda: live.prometheus.query('argocd_app_sync_total{name="gone",phase="Failed"} == 0'))
