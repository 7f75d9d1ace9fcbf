"""Limits of connections, over real sockets."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator

import pytest

from server import connections
from tests.server.support import ALICE, Bench


@contextlib.contextmanager
def connected(bench: Bench, sent: bytes = b"") -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", bench.server.port), timeout=10) as one:
        one.sendall(sent)
        yield one


def ended(one: socket.socket) -> bool:
    """Say whether the server has cut or closed the connection within the socket's time limit."""
    try:
        while one.recv(65_536):
            pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: ",
        b"POST /api/v1/applications/web/sync HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Authorization: Bearer " + ALICE.encode() + b"\r\nContent-Length: 500\r\n\r\n{",
    ],
)
def test_a_request_has_a_deadline(bench: Bench, monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    """Nothing sent, half a head, half a body: cut when the time is up."""
    monkeypatch.setattr(connections, "REQUEST_SECONDS", 0.5)
    began = time.monotonic()
    with connected(bench, sent) as one:
        assert ended(one)
    assert time.monotonic() - began < 5


def test_an_endless_head_is_cut(bench: Bench) -> None:
    """A header without an end takes no more memory than the limit and one piece."""
    with connected(bench, b"GET /healthz HTTP/1.1\r\nX: ") as one:
        sent = 0
        with contextlib.suppress(ConnectionError):
            while sent < 64 << 20:
                one.sendall(b"a" * 65_536)
                sent += 65_536
        assert ended(one)
    assert sent < 32 << 20


def test_too_many_connections_are_refused(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that are there go on."""
    monkeypatch.setattr(connections, "MOST_CONNECTIONS", 3)
    with contextlib.ExitStack() as stack:
        good = [stack.enter_context(connected(bench)) for _ in range(3)]
        time.sleep(0.2)
        surplus = stack.enter_context(connected(bench))
        assert ended(surplus)
        good[0].sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert good[0].recv(100).startswith(b"HTTP/1.1 200 ")


def test_a_connection_is_used_again_and_its_deadline_begins_anew(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Idle between two requests for longer than a request may take, and pipelined ones are answered in order."""
    monkeypatch.setattr(connections, "REQUEST_SECONDS", 0.4)
    ask = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    with connected(bench, ask) as one:
        assert one.recv(1000).startswith(b"HTTP/1.1 200 ")
        time.sleep(0.8)
        one.sendall(ask)
        assert one.recv(1000).startswith(b"HTTP/1.1 200 ")
        one.sendall(ask * 3)
        received = b""
        while received.count(b"HTTP/1.1 200 ") < 3:
            received += one.recv(1000)
        one.sendall(b"GET /heal")
        assert ended(one)


def test_200_idle_connections_leave_others_alone(bench: Bench) -> None:
    """Connections that say nothing cost nobody anything."""
    with contextlib.ExitStack() as stack:
        for _ in range(200):
            stack.enter_context(connected(bench, b"GET /metrics HTTP/1.1\r\n"))
        began = time.monotonic()
        assert [200, 200] == [bench.request("GET", path).status for path in ("/healthz", "/metrics")]
        assert 200 == bench.request("GET", "/api/version", ALICE).status
        assert time.monotonic() - began < 5
