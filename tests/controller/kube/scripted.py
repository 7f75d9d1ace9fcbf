"""A tiny HTTP server that answers from a script: what a server that goes wrong in exactly one way would say."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from controller.kube.client import KubeClient

Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Passes each request to the script."""

    protocol_version = "HTTP/1.1"
    server: "Scripted"

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.body = self.rfile.read(length)
        parts = urlsplit(self.path)
        self.query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        verb = "watch" if "watch" in self.query else self.command.lower()
        self.server.requests.append((verb, parts.path, self.query))
        self.server.answer(verb, parts.path, self)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def reply(self, body: bytes | Any, status: int = 200, kind: str = "application/json", **headers: str) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(data)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def begin_stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()

    def chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def events(self, *events: tuple[str, Any]) -> None:
        self.chunk(b"".join(json.dumps({"type": kind, "object": obj}).encode() + b"\n" for kind, obj in events))

    def end_stream(self) -> None:
        self.wfile.write(b"0\r\n\r\n")

    def hold(self, seconds: float = 30.0) -> None:
        """Keep the stream open in silence until the server stops."""
        self.server.stopped.wait(seconds)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class Scripted(ThreadingHTTPServer):
    """The server; `lists` and `watches` are answered in turn, the last one for ever."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.lists: list[Answer] = []
        self.watches: list[Answer] = [quiet]
        self.stopped = threading.Event()
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def answer(self, verb: str, path: str, handler: Handler) -> None:
        script = self.watches if verb == "watch" else self.lists
        with self._lock:
            answer = script.pop(0) if len(script) > 1 else script[0]
        answer(handler)

    def count(self, verb: str) -> int:
        return sum(1 for found, _, _ in self.requests if found == verb)

    def handle_error(self, *_: Any) -> None:
        """A client that leaves is part of the test."""


def quiet(handler: Handler) -> None:
    """A watch on which nothing happens."""
    handler.begin_stream()
    handler.hold()


def config_map(name: str, version: str, **data: str) -> dict[str, Any]:
    """One object as a list holds it: without kind and apiVersion."""
    return {
        "metadata": {"name": name, "namespace": "n", "uid": f"uid-{name}", "resourceVersion": version},
        "data": data,
    }


def listing(*items: dict[str, Any], version: str = "100", more: str = "") -> Answer:
    """A page of ConfigMaps."""
    body = {
        "kind": "ConfigMapList",
        "apiVersion": "v1",
        "metadata": {"resourceVersion": version, "continue": more},
        "items": list(items),
    }
    return lambda handler: handler.reply(body)


def refusal(code: int, reason: str, message: str = "no", **headers: str) -> Answer:
    """A Status of failure."""
    body = {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "reason": reason,
        "message": message,
        "code": code,
    }
    return lambda handler: handler.reply(body, code, **headers)


def stream(*events: tuple[str, Any], hold: bool = True) -> Answer:
    """A watch with these events, then silence or its end."""

    def answer(handler: Handler) -> None:
        handler.begin_stream()
        for event in events:
            handler.events(event)
        if hold:
            handler.hold()
        handler.end_stream()

    return answer


def kubeconfig(folder: Path, url: str, user: dict[str, Any] | None = None) -> Path:
    """Write a kubeconfig for this server."""
    path = folder / "kubeconfig"
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "x",
        "clusters": [{"name": "x", "cluster": {"server": url}}],
        "users": [{"name": "x", "user": user or {"token": "first"}}],
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
    }
    path.write_text(json.dumps(document))
    return path


@contextmanager
def running() -> Iterator[Scripted]:
    """Serve until the block ends."""
    server = Scripted()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stopped.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    with running() as server:
        yield server


@pytest.fixture
def client(scripted: Scripted, tmp_path: Path) -> KubeClient:
    return KubeClient.from_kubeconfig(str(kubeconfig(tmp_path, scripted.url)))


def eventually(check: Callable[[], Any], seconds: float = 5.0) -> Any:
    """Wait until `check` is true and return its value."""
    deadline = time.monotonic() + seconds
    while not (found := check()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
    return found
