"""Slow and parallel scrapers of the real server get whole bodies of one moment while the fleet changes under them."""

from __future__ import annotations

import collections
import contextlib
import datetime as dt
import gzip
import http.client
import itertools
import socket
import threading
import typing as t
from collections.abc import Iterator

import pytest

from exporter import Exporter
from model.decision import deny
from model.events import ApplicationDeleted
from model.meta import NamespacedName
from server.app import create_app
from server.identity import TokenFile
from server.parts import Parts
from server.run import Server
from tests.exporter.script import NOW, attempted, behind, busy_minute, changed, exporter, permission, stands

ACCEPT = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
FLEET = 600
"""More than a block."""

EACH = {
    "argocd_app_info": 1,
    "argocd_app_sync_total": 3,
    "lynceus_app_info": 1,
    "lynceus_app_labels": 1,
    "lynceus_app_reconcile_cost_seconds_total": 1,
}
"""Lines that every Application has from its first moment to its last."""


class NobodyMay:
    """A guard and a clock that nobody asks here."""

    def can(self, *arguments: t.Any, **more: t.Any) -> t.Any:
        return deny("nobody may")

    may_sync = windows = can

    def monotonic(self) -> float:
        return NOW

    def now(self) -> dt.datetime:
        return dt.datetime.fromtimestamp(NOW, dt.UTC)


class Served(t.NamedTuple):
    """An exporter behind a socket."""

    exporter: Exporter
    server: Server


@pytest.fixture
def served() -> Iterator[Served]:
    """A fleet on the real server."""
    made, nobody = exporter(*busy_minute(1)), NobodyMay()
    parts = Parts(
        exporter=made,
        healthy=lambda: True,
        ready=lambda: True,
        clock=nobody,
        guard=nobody,
        identity=TokenFile(None),
        applications=list,
        version="0",
    )
    server = Server(create_app(parts, api=False))
    for number in range(FLEET):
        made.listen(changed(f"app-{number}"))
    server.start()
    try:
        yield Served(made, server)
    finally:
        server.stop()


def whole(head: bytes, body: bytes) -> str:
    """Return the text of an answer; nothing is missing of it."""
    headers = dict(line.split(": ", 1) for line in head.decode("latin-1").lower().split("\r\n")[1:])
    assert b" 200 " in head.split(b"\r\n")[0]
    assert len(body) == int(headers["content-length"])
    text = (gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body).decode()
    assert text.endswith("# EOF\n")
    return text


def of_one_moment(text: str) -> set[str]:
    """Return the names of the Applications; each is in all families that every Application is in, or in none."""
    found: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for line in text.splitlines():
        family = line.split("{")[0]
        if family in EACH:
            found[line.split('name="')[1].split('"')[0]][family] += 1
    assert {tuple(sorted(EACH.items()))} == {tuple(sorted(count.items())) for count in found.values()}
    return set(found)


def scrape(served: Served, encoding: str) -> str:
    """Scrape once over a connection of its own."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", served.server.port, timeout=20)) as connection:
        connection.request("GET", "/metrics", headers={"Accept": ACCEPT, "Accept-Encoding": encoding})
        reply = connection.getresponse()
        lines = "".join(f"\r\n{name}: {value}" for name, value in reply.getheaders())
        return whole(f"HTTP/1.1 {reply.status} x{lines}".encode(), reply.read())


@contextlib.contextmanager
def changing(made: Exporter) -> Iterator[None]:
    """Change, delete and make Applications for as long as the block lasts; those with an even number stay."""
    done = threading.Event()

    def change() -> None:
        for number in itertools.cycle(range(FLEET)):
            if done.is_set():
                return
            name = f"app-{number}"
            if number % 2:
                made.listen(ApplicationDeleted(key=NamespacedName("argocd", name)))
            made.listen(
                changed(
                    name, project=("shop", "other")[number % 3 == 0], health=("Healthy", "Missing")[number % 5 == 0]
                )
            )
            for event in (stands(name, drift_since=1.0), behind(name), permission(name), attempted(name)):
                made.listen(event)
            done.wait(0.0005)

    worker = threading.Thread(target=change)
    worker.start()
    try:
        yield
    finally:
        done.set()
        worker.join(10)


def test_parallel_scrapers_get_whole_bodies_of_one_moment(served: Served) -> None:
    """Six of them at once, packed and not: no body is cut, none shows half an Application."""
    steady = {f"app-{number}" for number in range(0, FLEET, 2)}
    texts: list[str] = []

    def work(encoding: str) -> None:
        for _ in range(4):
            texts.append(scrape(served, encoding))

    with changing(served.exporter):
        threads = [threading.Thread(target=work, args=(encoding,)) for encoding in ("gzip", "identity") * 3]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert 24 == len(texts)
    for text in texts:
        assert steady <= of_one_moment(text)


def test_a_scraper_that_reads_one_byte_at_a_time_gets_the_body_of_its_moment(served: Served) -> None:
    """What changes while it reads is not in it, and the others do not wait for it."""
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        one.settimeout(20)
        one.connect(("127.0.0.1", served.server.port))
        one.sendall(f"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAccept: {ACCEPT}\r\n\r\n".encode())
        received = bytearray(one.recv(1))
        while len(received) < 3000:
            received += one.recv(1)
        for number in range(FLEET):
            served.exporter.listen(ApplicationDeleted(key=NamespacedName("argocd", f"app-{number}")))
        others = scrape(served, "gzip")
        while len(received) < 30_000:
            received += one.recv(1)
        while piece := one.recv(4096):
            received += piece
    head, _, body = bytes(received).partition(b"\r\n\r\n")
    assert {f"app-{number}" for number in range(FLEET)} <= of_one_moment(whole(head, body))
    assert not {name for name in of_one_moment(others) if name.startswith("app-")}


def test_what_was_deleted_before_a_scrape_is_not_in_it(served: Served) -> None:
    """However much is going on beside."""
    with changing(served.exporter):
        for number in range(0, 60, 2):
            served.exporter.listen(changed(f"short-{number}"))
            assert f"short-{number}" in of_one_moment(scrape(served, "gzip"))
            served.exporter.listen(ApplicationDeleted(key=NamespacedName("argocd", f"short-{number}")))
            assert f'name="short-{number}"' not in scrape(served, "identity")


def test_odd_text_in_the_fleet_is_no_failed_scrape(served: Served) -> None:
    """A lone surrogate, as JSON may hold it, reaches the scraper mended and with status 200."""
    served.exporter.listen(changed("odd\ud800\n", project='"\ud800', labels={"team": "\udfff"}))
    for encoding in ("gzip", "identity"):
        assert "odd\N{REPLACEMENT CHARACTER}\\n" in of_one_moment(scrape(served, encoding))
