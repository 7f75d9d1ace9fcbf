"""The fault proxy: stands between a client and an API server, writes down every request and makes things go wrong.

One thread per connection; TLS towards the client with a certificate made on the spot, because kubectl sends no token in
the clear. Watches are passed on event by event. It knows nothing of the server behind it but HTTP.
"""

import contextlib
import http.client
import http.server
import json
import secrets
import select
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any

from tests.stage import requestlog
from tests.stage.cluster import Cluster
from tests.stage.faults import Fault, Faults, Match
from tests.stage.keeper import USERS, kubeconfig, write_secret
from tests.stage.requestlog import Request, RequestLog

HOP_HEADERS = frozenset({"connection", "transfer-encoding", "content-length", "host", "keep-alive", "authorization"})
BROKEN = (OSError, http.client.HTTPException, ValueError, AttributeError)
"""What reading from a connection raises when another thread has shut it down."""
REASONS = {
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    410: "Expired",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}


@dataclass
class WriteHook:
    """Something to do right after a write that the server accepted, before its client hears of it."""

    remaining: int
    match: Match
    callback: Callable[[Request], object]
    deliver: bool
    fired: threading.Event


class FaultProxy:
    """A proxy before one cluster."""

    def __init__(self, upstream: Cluster, directory: Path, *, tls: bool = True) -> None:
        self.upstream = upstream
        self.directory = directory
        self.requests = RequestLog()
        self.faults = Faults()
        self._tokens = {token: name for name, token in upstream.tokens.items()} or {upstream.token: "admin"}
        self._made: dict[str, str] = {}
        self._hooks: list[WriteHook] = []
        self._write_gate = threading.RLock()
        self._epochs: dict[str, int] = {}
        self._tls = tls
        self._server: _Server | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """Address for clients; the same after a stop and start."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._port}"

    @property
    def kubeconfig(self) -> Path:
        """Kubeconfig of the user lynceus, through the proxy."""
        return self.user("lynceus")

    @property
    def log(self) -> list[Request]:
        """Every request up to now, in order of arrival."""
        return self.requests.all()

    @property
    def cluster(self) -> Cluster:
        """The server as seen through the proxy, by admin: for kubectl and requests that are to be logged."""
        tokens = {name: self.token(name) for name in USERS}
        path = self.user("admin")
        return Cluster(self.upstream.name, path, self.url, tokens["admin"], self._ca(), self.directory, tokens)

    def start(self) -> None:
        """Listen, on the port of before when there was one."""
        context = self._context() if self._tls else None
        self._server = _Server(("127.0.0.1", self._port), self, context)
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        threading.Thread(target=self._server.reap_watches, daemon=True).start()

    def stop(self) -> None:
        """Refuse connections and cut all that are open: to a client, the server is gone."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server.cut(lambda request: True)
            self._server = None

    def user(self, name: str) -> Path:
        """The kubeconfig of a user, through the proxy; any name does on a server that lets admin impersonate."""
        path = self.directory / f"kubeconfig-{name}"
        cluster = {"server": self.url}
        authority = self._ca()
        if authority is not None:
            cluster["certificate-authority"] = str(authority)
        write_secret(path, kubeconfig(cluster, name, self.token(name)))
        return path

    def token(self, name: str) -> str:
        """The token of a user: the server's own, or one that the proxy turns into admin's and an impersonation."""
        if name in self.upstream.tokens:
            return self.upstream.tokens[name]
        if name == "admin":
            return self.upstream.token
        if name not in self._made:
            self._made[name] = secrets.token_hex(16)
            self._tokens[self._made[name]] = name
        return self._made[name]

    def writes(self, identity: str = "", **match: Any) -> list[Request]:
        """The writes that the server accepted, in their order.

        Args:
            identity: Only of this user.
            match: More fields of Match.
        """
        wanted = Match(identity=identity, **match)
        accepted = [each for each in self.log if each.write_number and wanted.hits(each)]
        return sorted(accepted, key=lambda each: each.write_number)

    def find(self, **match: Any) -> list[Request]:
        """The requests that fit; see Match for the fields."""
        wanted = Match(**match)
        return [each for each in self.log if wanted.hits(each)]

    def wait_for(self, timeout: float = 20.0, **match: Any) -> Request:
        """The first answered request that fits, waited for."""
        return self.requests.wait_for(Match(**match).hits, timeout)

    def inject(
        self,
        *,
        verb: str | tuple[str, ...] = (),
        resource: str | tuple[str, ...] = (),
        group: str | None = None,
        namespace: str = "",
        name: str = "",
        subresource: str | None = None,
        identity: str = "",
        path: str = "",
        where: Callable[[Request], bool] | None = None,
        **what: Any,
    ) -> Fault:
        """Put a fault in force.

        Args:
            verb: These and the next seven say which requests are meant: see Match.
            resource: Plural.
            group: API group.
            namespace: Of the request.
            name: Of the object.
            subresource: "" for the object itself.
            identity: User.
            path: Regular expression.
            where: Any test of the request.
            what: What is done, and how often: see Fault.

        Returns:
            The fault, which counts its hits; `heal` takes it.
        """
        match = Match(verb, resource, group, namespace, name, subresource, identity, path, where)
        fault = Fault(match, **what)
        self.faults.add(fault)
        return fault

    def heal(self, fault: Fault | None = None) -> None:
        """Lift one fault, or all."""
        self.faults.remove(fault)

    def cut_watches(self, **match: Any) -> int:
        """Close the running watches that fit, from the server's side; how many there were."""
        assert self._server is not None
        wanted = Match(**match)
        return self._server.cut(
            lambda request: request is not None and request.verb == "watch" and wanted.hits(request)
        )

    def after_write(
        self, number: int, callback: Callable[[Request], object], *, deliver: bool = False, **match: Any
    ) -> threading.Event:
        """Call back right after the server accepted write `number`, counted from now, before the client hears of it.

        Writes pass one at a time while a hook waits. Once it has fired, what the same user had sent before and not yet
        got through is dropped, so that nothing of a killed client follows.

        Args:
            number: From 1.
            callback: Gets the request; kill the client here.
            deliver: Pass the answer on afterwards; else the connection is closed.
            match: Which writes are counted: see Match.

        Returns:
            Set when the callback has returned.
        """
        hook = WriteHook(number, Match(**match), callback, deliver, threading.Event())
        with self._write_gate:
            self._hooks.append(hook)
        return hook.fired

    def identify(self, headers: Message) -> tuple[str, dict[str, str]]:
        """Who asks, and the headers by which the server gets to know it."""
        given = headers.get("Authorization") or ""
        token = given.removeprefix("Bearer ")
        name = self._tokens.get(token, "")
        own = {"Authorization": given} if given else {}
        if name and self._made.get(name) == token:
            own = self.upstream.credentials(name)
        return headers.get("Impersonate-User") or name, own

    def epoch(self, identity: str) -> int:
        """A number that changes when what a user sent before is to be dropped."""
        return self._epochs.get(identity, 0)

    @contextlib.contextmanager
    def ordered(self, request: Request) -> Iterator[None]:
        """Let a write pass alone while hooks wait for their number."""
        if request.is_write and self._hooks:
            with self._write_gate:
                yield
        else:
            yield

    def note_write(self, request: Request) -> bool:
        """Number an accepted write and run the hooks; False: its answer is not to be delivered."""
        self.requests.count_write(request)
        deliver = True
        for hook in [each for each in self._hooks if each.match.hits(request)]:
            hook.remaining -= 1
            if hook.remaining == 0:
                self._hooks.remove(hook)
                self._epochs[request.identity] = self.epoch(request.identity) + (not hook.deliver)
                hook.callback(request)
                hook.fired.set()
                deliver = hook.deliver
        return deliver

    def _ca(self) -> Path | None:
        return self.directory / "proxy.crt" if self._tls else None

    def _context(self) -> ssl.SSLContext:
        certificate, key = self.directory / "proxy.crt", self.directory / "proxy.key"
        if not certificate.exists():
            make_certificate(certificate, key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        return context


def make_certificate(certificate: Path, key: Path) -> None:
    """Make a certificate for 127.0.0.1 that is its own authority."""
    command = ["openssl", "req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=stage"]
    command += ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    command += ["-addext", "keyUsage=critical,digitalSignature,keyCertSign"]
    command += ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL)


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], owner: FaultProxy, context: ssl.SSLContext | None) -> None:
        super().__init__(address, _Handler)
        self.owner = owner
        self.context = context
        self.handlers: set[_Handler] = set()
        self.is_closed = False

    def server_close(self) -> None:
        self.is_closed = True
        super().server_close()

    def cut(self, wanted: Callable[[Request | None], bool]) -> int:
        """Close the connections whose current request fits; how many there were."""
        chosen = [each for each in list(self.handlers) if wanted(each.current)]
        for each in chosen:
            each.hang_up()
        return len(chosen)

    def reap_watches(self) -> None:
        """End the server's side of watches whose client is gone: a client says nothing while it watches."""
        while not self.is_closed:
            watching = {each.connection.fileno(): each for each in list(self.handlers) if each.is_streaming}
            watching.pop(-1, None)
            poll = select.poll()
            for descriptor in watching:
                poll.register(descriptor, select.POLLIN)
            for descriptor, _ in poll.poll(500):
                watching[descriptor].hang_up()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Connections that break are what this proxy is for."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    server: _Server
    connection: socket.socket

    def setup(self) -> None:
        self.current: Request | None = None
        self.is_streaming = False
        self._upstream: http.client.HTTPConnection | None = None
        if self.server.context is not None:
            self.request = self.server.context.wrap_socket(self.request, server_side=True)
        super().setup()
        self.server.handlers.add(self)

    def finish(self) -> None:
        self.server.handlers.discard(self)
        self._drop_upstream()
        # The TLS socket, of which the server knows nothing, is only closed when nobody reads from it either: and a
        # writer whose client is gone fails before the reader is closed.
        for close in (super().finish, self.rfile.close, self.connection.close):
            with contextlib.suppress(*BROKEN):
                close()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on stderr."""

    def hang_up(self) -> None:
        """Close both sides now, from any thread."""
        sockets = [self.connection, self._upstream.sock if self._upstream else None]
        for each in sockets:
            with contextlib.suppress(*BROKEN):
                if each is not None:
                    each.shutdown(socket.SHUT_RDWR)

    def handle_any(self) -> None:
        body = b"".join(self._read_body())
        identity, credentials = self.server.owner.identify(self.headers)
        epoch = self.server.owner.epoch(identity)
        request = self.server.owner.requests.add(
            lambda seq: requestlog.read(seq, identity, self.command, self.path, body, self.headers)
        )
        self.current = request
        try:
            self._handle(request, credentials, epoch)
        except BROKEN:
            self.close_connection = True
            self.hang_up()
        finally:
            self.current = None

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = handle_any

    def _read_body(self) -> Iterator[bytes]:
        if (self.headers.get("Transfer-Encoding") or "").lower() != "chunked":
            yield self.rfile.read(int(self.headers.get("Content-Length") or 0))
            return
        while size := int(self.rfile.readline().split(b";")[0], 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def _handle(self, request: Request, credentials: Mapping[str, str], epoch: int) -> None:
        owner = self.server.owner
        fault = owner.faults.take(request)
        if fault is not None:
            request.fault = fault.label
            time.sleep(fault.delay)
            if fault.cut:
                self._cut()
                return
            if fault.status:
                self._answer_fault(request, fault)
                return
            if fault.events:
                self._stream(request, (json.dumps(event).encode() + b"\n" for event in fault.events), fault)
                return
        with owner.ordered(request):
            if epoch != owner.epoch(request.identity):
                self._cut()
                return
            answer = self._ask(request, credentials)
            request.upstream_status = answer.status
            is_stream = request.verb == "watch" or request.query.get("follow") == "true"
            content = b"" if is_stream and answer.status == 200 else answer.read()
            deliver = owner.note_write(request) if request.is_write and answer.status < 300 else True
        if not deliver or (fault is not None and fault.lose_response):
            self._cut()
        elif is_stream and answer.status == 200:
            self._stream(request, iter_lines(answer), fault, dict(answer.headers.items()))
        else:
            self._answer(request, answer.status, answer.headers.items(), content, fault.truncate if fault else -1)

    def _ask(self, request: Request, credentials: Mapping[str, str]) -> http.client.HTTPResponse:
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_HEADERS}
        headers |= credentials
        is_reused = self._upstream is not None
        try:
            return self._send(request, headers)
        except BROKEN:
            if not is_reused or request.verb not in {"get", "list", "watch"}:
                raise
        return self._send(request, headers)

    def _send(self, request: Request, headers: Mapping[str, str]) -> http.client.HTTPResponse:
        if self._upstream is None:
            self._upstream = self.server.owner.upstream.connect(None)
        try:
            self._upstream.request(self.command, self.path, request.body or None, dict(headers))
            return self._upstream.getresponse()
        except BROKEN:
            self._drop_upstream()
            raise

    def _drop_upstream(self) -> None:
        if self._upstream is not None:
            with contextlib.suppress(*BROKEN):
                self._upstream.close()
            self._upstream = None

    def _cut(self) -> None:
        self.close_connection = True
        self.hang_up()

    def _answer_fault(self, request: Request, fault: Fault) -> None:
        body = fault.body if fault.body is not None else status_object(fault.status)
        kind = "application/json" if isinstance(body, Mapping) else "text/html"
        content = json.dumps(body) if isinstance(body, Mapping) else body
        data = content.encode() if isinstance(content, str) else content
        self._answer(
            request, fault.status, ({"Content-Type": kind} | dict(fault.headers)).items(), data, fault.truncate
        )

    def _answer(
        self, request: Request, status: int, headers: Iterable[tuple[str, str]], content: bytes, limit: int = -1
    ) -> None:
        self.server.owner.requests.answered(request, status)
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in HOP_HEADERS:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content if limit < 0 else content[:limit])
        self.wfile.flush()
        if 0 <= limit < len(content):
            self._cut()

    def _stream(
        self,
        request: Request,
        lines: Iterable[bytes],
        fault: Fault | None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.is_streaming = True
        try:
            self.send_response_only(200)
            self.send_header("Content-Type", (headers or {}).get("Content-Type", "application/json"))
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.flush()
            self.server.owner.requests.answered(request, 200)
            sent, limit = 0, fault.end_after if fault else -1
            for line in lines:
                if 0 <= limit <= sent:
                    self._drop_upstream()
                    break
                if not self.server.owner.faults.is_silent(request):
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
                    self.wfile.flush()
                    sent += 1
            self.wfile.write(b"0\r\n\r\n")
            self.wfile.flush()
        finally:
            self.is_streaming = False


def iter_lines(answer: http.client.HTTPResponse) -> Iterator[bytes]:
    """The lines of a stream, each as soon as it is whole."""
    rest = b""
    while piece := answer.read1(1 << 20):
        *lines, rest = (rest + piece).split(b"\n")
        yield from (line + b"\n" for line in lines)
    if rest:
        yield rest


def status_object(code: int) -> dict[str, Any]:
    """A Status as the API server would write it."""
    reason = REASONS.get(code, "")
    message = f"injected by the test: {reason or code}"
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "code": code,
        "reason": reason,
        "message": message,
    }
