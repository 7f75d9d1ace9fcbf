"""A real Prometheus answers every query of every board: with and without honorLabels, in both modes, several stored.

The target is made up (tests.dashboards.exposition); what the real program exports through a day is tests.day's part.
"""

from __future__ import annotations

import http.server
import re
import threading
import time
import typing as t
from collections.abc import Iterator

import pytest

from tests.dashboards.exposition import exposition
from tests.dashboards.prometheus import Prometheus, job
from tests.dashboards.support import EMPTY_BESIDE_ARGO_CD, EMPTY_EVERYWHERE, Query, marks, queries
from tests.dashboards.upstream import ASKED, Asked

pytestmark = pytest.mark.slow

RATE = "6s"
SCRAPES = 7
"""A rate needs a few."""
CHOSEN = {"application": "late", "project": "shop", "repo": ".*", "dest_server": "https://.*", "environment": "prod"}


class Job(t.NamedTuple):
    """One way of being scraped, stored under a label cluster of its own."""

    honor_labels: bool
    observing: bool
    namespace_label: str


JOBS = {
    "honoured": Job(honor_labels=True, observing=False, namespace_label="namespace"),
    "renamed": Job(honor_labels=False, observing=False, namespace_label="exported_namespace"),
    "observing": Job(honor_labels=True, observing=True, namespace_label="namespace"),
    "twice": Job(honor_labels=True, observing=False, namespace_label="namespace"),
}
AGAIN = "again"
"""A second job over the target of twice, as when two ServiceMonitors find one Service."""


class Targets:
    """Serves the made-up expositions; a context manager."""

    def __init__(self) -> None:
        began = time.time()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                now = time.time()
                body = exposition(now, now - began, observing="observing" in self.path).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]

    def __enter__(self) -> Targets:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def jobs(port: int) -> list[dict[str, t.Any]]:
    """Return what is scraped: each job's target has a namespace of its own, as a pod's has."""
    return [
        job(
            name,
            port,
            path=f"/{cluster}",
            honor_labels=JOBS[cluster].honor_labels,
            cluster=cluster,
            namespace="scraped-from",
        )
        for name, cluster in [*zip(JOBS, JOBS, strict=True), (AGAIN, "twice")]
    ]


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus that has scraped each of the targets several times."""
    with Targets() as targets, Prometheus(tmp_path_factory.mktemp("prometheus"), jobs(targets.port)) as made:
        often = f"count_over_time(up[1m]) >= {SCRAPES}"
        made.wait("scraped", lambda: len(made.query(often)) > len(JOBS), seconds=30)
        yield made


def test_every_sample_was_taken(prometheus: Prometheus) -> None:
    """No line of the made-up scrape is a duplicate or unreadable, and without honorLabels labels are renamed."""
    assert 5 == len(prometheus.query("up == 1"))
    kept = prometheus.query("scrape_samples_post_metric_relabeling == scrape_samples_scraped")
    assert 5 == len(kept)
    (renamed,) = prometheus.query('lynceus_app_drift_since_timestamp_seconds{cluster="renamed",name="late"}')
    assert ("scraped-from", "argocd") == (renamed["metric"]["namespace"], renamed["metric"]["exported_namespace"])


def of(name: str, every: t.Callable[..., list[Query]], **chosen: str) -> list[Query]:
    """Return the queries as they are for one way of being scraped."""
    return every(RATE, cluster=name, namespace_label=JOBS[name].namespace_label, **(CHOSEN | chosen))


def empty_panels(prometheus: Prometheus, asked: list[Query]) -> dict[str, set[str]]:
    """Return board -> panels of which no query returns a number."""
    full = {(query.board, query.panel): False for query in asked}
    for query in asked:
        result = prometheus.query(query.expression)
        assert "NaN" not in {entry["value"][1] for entry in result}, query
        full[query.board, query.panel] |= bool(result)
    empty: dict[str, set[str]] = {}
    for (board, panel), found in full.items():
        if not found:
            empty.setdefault(board, set()).add(panel)
    return empty


@pytest.mark.row(194)
@pytest.mark.parametrize("name", ["honoured", "renamed"])
def test_every_panel_has_data_with_and_without_honor_labels(prometheus: Prometheus, name: str) -> None:
    """The variable Namespace label is all that differs; nothing of the other stored clusters comes in."""
    assert {board: set(panels) for board, panels in EMPTY_EVERYWHERE.items()} == empty_panels(
        prometheus, of(name, queries)
    )


@pytest.mark.parametrize("name", ["honoured", "renamed"])
def test_every_query_of_a_panel_has_data(prometheus: Prometheus, name: str) -> None:
    """No column of a table and no line of a chart is dead."""
    dead = [
        query
        for query in of(name, queries)
        if not prometheus.query(query.expression) and query.panel not in EMPTY_EVERYWHERE.get(query.board, {})
    ]
    assert [] == dead


def test_boards_beside_an_argo_cd_lack_what_they_say(prometheus: Prometheus) -> None:
    """Without the families that an Argo CD exports just the panels are empty that say so."""
    expected = {
        board: set(EMPTY_EVERYWHERE.get(board, {})) | set(EMPTY_BESIDE_ARGO_CD.get(board, {}))
        for board in {*EMPTY_EVERYWHERE, *EMPTY_BESIDE_ARGO_CD}
    }
    assert expected == empty_panels(prometheus, of("observing", queries))


@pytest.mark.row(196)
@pytest.mark.parametrize("name", JOBS)
def test_every_mark_has_data(prometheus: Prometheus, name: str) -> None:
    """Ends of syncs and deployments, freezes, windows: in both modes, and moments in milliseconds."""
    asked = [query for application in ("late", "web") for query in of(name, marks, application=application)]
    assert {} == empty_panels(prometheus, asked)
    for query in asked:
        if query.expression.endswith("* 1000"):
            moments = [float(entry["value"][1]) / 1000 for entry in prometheus.query(query.expression)]
            assert all(abs(time.time() - moment) < 86400 for moment in moments)


STANDING = [
    query
    for query in of("twice", queries)
    if not re.search(r"\b(?:rate|increase|time|topk|bottomk)\(|scrape_|process_|ALERTS", query.expression)
]
"""What stands still: no counters, whose sums two scrapes do double, and nothing that the clock moves."""


@pytest.mark.parametrize("query", STANDING, ids=lambda query: f"{query.board}: {query.panel}")
def test_a_second_scrape_of_the_same_port_doubles_no_state(prometheus: Prometheus, query: Query) -> None:
    """Numbers of Applications, windows, clusters and queues are those of one scrape."""
    once = prometheus.query(query.expression.replace('cluster=~"twice"', 'cluster=~"honoured"'))
    twice = prometheus.query(query.expression)
    assert sorted(entry["value"][1] for entry in once) == sorted(entry["value"][1] for entry in twice)


@pytest.mark.row(195)
@pytest.mark.parametrize("name", ["honoured", "renamed"])
@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: f"{asked.board}: {asked.panel}")
def test_the_well_known_boards_have_data(prometheus: Prometheus, asked: Asked, name: str) -> None:
    """What Argo CD's example and the mixin ask for is found however Lynceus is scraped."""
    narrowed = asked.query.replace("{", f'{{cluster="{name}"' + (", " if asked.matched else ""), 1)
    assert prometheus.query(narrowed)


def test_the_stored_clusters_are_kept_apart(prometheus: Prometheus) -> None:
    """All have the same Applications; the choice of one counts three, of all four twelve."""
    (one,) = [q for q in of("honoured", queries) if (q.board, q.panel) == ("fleet.json", "Applications")]
    (answer,) = prometheus.query(one.expression)
    assert "3" == answer["value"][1]
    chosen = CHOSEN | {"cluster": ".*"}
    (every,) = [q for q in queries(RATE, **chosen) if (q.board, q.panel) == ("fleet.json", "Applications")]
    (answer,) = prometheus.query(every.expression)
    assert "12" == answer["value"][1]
