"""Metrics, probes and the server itself, over a real socket."""

from __future__ import annotations

import contextlib
import gzip
import socket
import threading
import time
from pathlib import Path

import pytest

from model.errors import InvalidSettings
from server.run import Server
from tests.server.support import ALICE, Bench


def test_metrics_follow_accept_and_accept_encoding(bench: Bench) -> None:
    """Prometheus asks for OpenMetrics and gzip, a person with curl for neither."""
    plain = bench.request("GET", "/metrics")
    assert "text/plain; version=0.0.4; charset=utf-8" == plain.headers["Content-Type"]
    assert b'lynceus_build_info{version="9.9.9"} 1.0\n' in plain.body
    packed = bench.request(
        "GET", "/metrics", headers={"Accept": "application/openmetrics-text", "Accept-Encoding": "gzip"}
    )
    assert "gzip" == packed.headers["Content-Encoding"]
    assert gzip.decompress(packed.body).endswith(b"# EOF\n")


def test_metrics_can_be_chosen_by_name(bench: Bench) -> None:
    """name[] leaves only what was named."""
    body = bench.request("GET", "/metrics?name[]=lynceus_build_info&name%5B%5D=argocd_app_info").body.decode()
    names = {line.split()[2] for line in body.splitlines() if line.startswith("# TYPE")}
    assert {"lynceus_build_info", "argocd_app_info"} == names


def test_head_has_no_body_and_other_methods_are_refused(bench: Bench) -> None:
    """A scrape is a GET."""
    head = bench.request("HEAD", "/metrics")
    assert (200, b"") == (head.status, head.body)
    assert int(head.headers["Content-Length"]) > 0
    assert 405 == bench.request("POST", "/metrics").status


def test_probes_say_what_they_are_told(bench: Bench) -> None:
    """Liveness follows progress, readiness the caches."""
    assert [200, 200] == [bench.request("GET", path).status for path in ("/healthz", "/readyz")]
    bench.alive = bench.is_ready = False
    replies = [bench.request("GET", path) for path in ("/healthz", "/readyz")]
    assert [(503, b"no progress\n"), (503, b"not ready\n")] == [(reply.status, reply.body) for reply in replies]


def test_a_port_for_scrapers_has_no_api(tmp_path: Path) -> None:
    """With api=False nothing but the public paths exists, for anybody."""
    with Bench(tmp_path, api=False) as bench:
        assert 404 == bench.request("GET", "/api/version", ALICE).status
        assert 200 == bench.request("GET", "/metrics").status


def test_slow_readers_keep_nobody_waiting(bench: Bench) -> None:
    """Fifty scrapers that never read leave probes and other scrapes as quick as before."""
    with contextlib.ExitStack() as stack:
        for _ in range(50):
            slow = stack.enter_context(socket.create_connection(("127.0.0.1", bench.server.port)))
            slow.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        assert [200, 200] == [bench.request("GET", path).status for path in ("/healthz", "/metrics")]


def test_a_busy_api_keeps_no_probe_waiting(tmp_path: Path) -> None:
    """Probes and metrics do not stand in the API's queue."""
    gate = threading.Event()

    def stuck() -> list[object]:
        gate.wait(20)
        return []

    with Bench(tmp_path, applications=stuck) as bench:
        callers = [
            threading.Thread(target=bench.request, args=("GET", "/api/v1/applications", ALICE)) for _ in range(12)
        ]
        for caller in callers:
            caller.start()
        try:
            assert [200, 200] == [bench.request("GET", path).status for path in ("/healthz", "/metrics")]
        finally:
            gate.set()
        for caller in callers:
            caller.join(10)


def test_stop_keeps_its_deadline_and_frees_the_port(bench: Bench) -> None:
    """An open connection does not hold up the end."""
    port = bench.server.port
    with socket.create_connection(("127.0.0.1", port)) as idle:
        idle.sendall(b"GET /met")
        began = time.monotonic()
        bench.server.stop(timeout=5)
        assert time.monotonic() - began < 6
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)


def test_a_taken_port_is_one_clear_line(bench: Bench) -> None:
    """The error names the address and what would be right."""
    with pytest.raises(InvalidSettings) as caught:
        Server(bench.server._server.config.app, port=bench.server.port).start()
    assert f"127.0.0.1:{bench.server.port}: found Address already in use" in str(caught.value)
