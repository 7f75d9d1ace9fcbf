"""Scrapes under load: parallel, slow and dead scrapers hold up neither each other nor probes nor the loop."""

from __future__ import annotations

import contextlib
import gzip
import socket
import threading
import time
import typing as t
from pathlib import Path

import pytest

from exporter import Exporter
from model.application import AppCondition, ApplicationStatus
from model.events import ApplicationChanged, ApplicationDeleted
from server import connections, scrape
from tests.server.support import ALICE, Bench, application

OPEN = {"Accept": "application/openmetrics-text; version=1.0.0"}


def filled(bench: Bench, count: int) -> Exporter:
    """Let the exporter know so many Applications."""
    for number in range(count):
        bench.exporter.listen(ApplicationChanged(application=application(f"web-{number}"), dest_server="https://c"))
    return bench.exporter


def slow_reader(bench: Bench, stack: contextlib.ExitStack, path: str = "/metrics", buffer: int = 4096) -> socket.socket:
    """Ask for something and take nothing of the answer yet."""
    one = stack.enter_context(socket.socket())
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    one.settimeout(20)
    one.connect(("127.0.0.1", bench.server.port))
    one.sendall(
        f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {ALICE}\r\n\r\n".encode()
    )
    return one


def cut(one: socket.socket, patience: float, received: bytes = b"") -> bool:
    """Wait without reading, then say whether less came than was announced."""
    time.sleep(patience)
    with contextlib.suppress(ConnectionError):
        while piece := one.recv(1 << 20):
            received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    return len(body) < length


def test_eight_scrapers_and_one_that_reads_a_byte_a_second(tmp_path: Path) -> None:
    """All bodies are whole and agree with what is known, probes answer, and events are taken without delay."""
    with Bench(tmp_path) as bench, contextlib.ExitStack() as stack:
        exporter = filled(bench, 1500)
        slow = [slow_reader(bench, stack) for _ in range(3)]
        bodies: list[bytes] = []
        waits: dict[str, list[float]] = {"scrape": [], "probe": [], "event": []}
        done = threading.Event()

        def timed(name: str, do: t.Callable[[], t.Any]) -> t.Any:
            began = time.monotonic()
            found = do()
            waits[name].append(time.monotonic() - began)
            return found

        def scrapes(headers: dict[str, str]) -> None:
            for _ in range(4):
                bodies.append(timed("scrape", lambda: bench.request("GET", "/metrics", headers=headers)).body)

        def loop() -> None:
            number = 0
            while not done.wait(0.01):
                number += 1
                event = ApplicationChanged(application=application(f"web-{number % 1500}"), dest_server="https://c")
                timed("event", lambda event=event: exporter.listen(event))

        def probes() -> None:
            while not done.wait(0.05):
                assert 200 == timed("probe", lambda: bench.request("GET", "/healthz")).status

        others = [threading.Thread(target=loop), threading.Thread(target=probes)]
        packed = {**OPEN, "Accept-Encoding": "gzip"}
        scrapers = [threading.Thread(target=scrapes, args=(packed if n % 2 else OPEN,)) for n in range(8)]
        for thread in others + scrapers:
            thread.start()
        for thread in scrapers:
            thread.join(60)
        done.set()
        for thread in others:
            thread.join(10)
        assert 32 == len(bodies)
        for body in bodies:
            text = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
            assert text.endswith(b"# EOF\n")
            assert 1500 == text.count(b"\nargocd_app_info{")
        assert max(waits["scrape"]) < 10
        assert sorted(waits["probe"])[len(waits["probe"]) // 2] < 1
        assert sorted(waits["event"])[int(len(waits["event"]) * 0.99)] < 0.5
        assert all(one.fileno() >= 0 for one in slow)


def test_two_hundred_slow_readers_leave_everything_else_alive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Most of them are turned away; probes and the API answer, and a scraper that reads is served again soon."""
    with Bench(tmp_path) as bench, contextlib.ExitStack() as stack:
        filled(bench, 1500)
        for _ in range(200):
            slow_reader(bench, stack)
        assert [200, 200] == [bench.request("GET", path).status for path in ("/healthz", "/readyz")]
        assert 200 == bench.request("GET", "/api/v1/applications", ALICE).status
        monkeypatch.setattr(scrape, "SETTLED_SECONDS", 0.0)
        assert bench.request("GET", "/metrics", headers=OPEN).body.endswith(b"# EOF\n")


def test_scrapes_at_one_time_share_one_exposition(tmp_path: Path) -> None:
    """Twelve at once cost two expositions: the one under way, and one for all that came meanwhile."""
    gate, made = threading.Event(), []

    class Slow:
        def exposition(self, *asked: t.Any) -> tuple[bytes, list[tuple[str, str]]]:
            made.append(asked)
            gate.wait(10)
            return b"x" * len(made), []

    with Bench(tmp_path, exporter=Slow()) as bench:
        replies: list[bytes] = []
        scrapers = [
            threading.Thread(target=lambda: replies.append(bench.request("GET", "/metrics").body)) for _ in range(12)
        ]
        scrapers[0].start()
        until = time.monotonic() + 5
        while not made and time.monotonic() < until:
            time.sleep(0.01)
        for scraper in scrapers[1:]:
            scraper.start()
        time.sleep(0.3)
        assert 200 == bench.request("GET", "/readyz").status
        gate.set()
        for scraper in scrapers:
            scraper.join(10)
    assert [b"x"] + [b"xx"] * 11 == sorted(replies, key=len)


def test_expositions_that_wait_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for other families each time and goes away leaves no more work than so many scrapes."""
    monkeypatch.setattr(scrape, "MOST_SCRAPES", 4)
    monkeypatch.setattr(scrape, "SETTLED_SECONDS", 0.0)
    gate, made = threading.Event(), []

    class Slow:
        def exposition(self, *asked: t.Any) -> tuple[bytes, list[tuple[str, str]]]:
            made.append(asked)
            gate.wait(10)
            return b"x", []

    with Bench(tmp_path, exporter=Slow()) as bench, contextlib.ExitStack() as stack:
        for number in range(30):
            slow_reader(bench, stack, f"/metrics?name[]=family_{number}")
        assert 503 == bench.request("GET", "/metrics").status
        gate.set()
        until = time.monotonic() + 5
        while 200 != bench.request("GET", "/metrics").status and time.monotonic() < until:
            time.sleep(0.01)
    assert len(made) <= 6


def test_a_failing_exposition_is_an_answer(tmp_path: Path) -> None:
    """500 for that scrape, and the next one is made anew."""

    class Failing:
        def exposition(self, *asked: t.Any) -> t.Any:
            raise UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed")

    with Bench(tmp_path, exporter=Failing()) as bench:
        assert [500, 500] == [bench.request("GET", "/metrics").status for _ in range(2)]
        assert 200 == bench.request("GET", "/healthz").status


def test_a_scraper_that_does_not_read_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the time that a scrape may take, without waiting for what is still unsent."""
    monkeypatch.setattr(scrape, "SEND_SECONDS", 1.0)
    with Bench(tmp_path) as bench, contextlib.ExitStack() as stack:
        filled(bench, 3000)
        slow = [slow_reader(bench, stack) for _ in range(5)]
        assert all(cut(one, patience) for one, patience in zip(slow, (2.0, 0, 0, 0, 0), strict=True))
        monkeypatch.setattr(scrape, "SEND_SECONDS", 60.0)
        assert 200 == bench.request("GET", "/metrics").status


def test_the_oldest_slow_scrape_gives_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as may be answered at one time read nothing: who comes next is served all the same."""
    monkeypatch.setattr(scrape, "MOST_SCRAPES", 4)
    with Bench(tmp_path) as bench, contextlib.ExitStack() as stack:
        filled(bench, 3000)
        slow = [slow_reader(bench, stack) for _ in range(4)]
        time.sleep(1.0)
        assert 503 == bench.request("GET", "/metrics").status
        monkeypatch.setattr(scrape, "SETTLED_SECONDS", 0.0)
        assert 200 == bench.request("GET", "/metrics").status
        assert [True, False] == [cut(one, 0.2) for one in slow[:2]]


def test_a_reader_of_the_api_that_stalls_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that nobody takes does not stay in memory; one that is taken slowly is finished."""
    monkeypatch.setattr(connections, "STALL_SECONDS", 1.0)
    with Bench(tmp_path) as bench, contextlib.ExitStack() as stack:
        status = ApplicationStatus(conditions=[AppCondition(type="Long", message="x" * 4000)])
        bench.apps = [application(f"web-{n}", status=status) for n in range(2500)]
        path = "/api/v1/applications"
        slow = slow_reader(bench, stack, path)
        reader = slow_reader(bench, stack, path, buffer=1 << 16)
        taken = b""
        for _ in range(40):
            taken += reader.recv(1 << 16)
            time.sleep(0.05)
        assert len(taken) > 1 << 16
        assert cut(slow, 0.0)
        assert not cut(reader, 0.0, taken)


def test_deleted_applications_vanish_from_the_next_scrape(bench: Bench) -> None:
    """A shared exposition is never older than the question."""
    exporter = filled(bench, 3)
    assert b'name="web-1"' in bench.request("GET", "/metrics").body
    exporter.listen(ApplicationDeleted(key=application("web-1").key))
    assert b'name="web-1"' not in bench.request("GET", "/metrics").body
