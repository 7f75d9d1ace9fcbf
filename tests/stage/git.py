"""Bare Git repositories over HTTP on loopback: `git http-backend` behind a small threaded server.

A test makes repositories and commits without a checkout, reads what clients asked for, and makes the server slow,
broken or absent. Protocol 2, partial and shallow clones work as the installed git does them.
"""

import base64
import contextlib
import gzip
import http.server
import os
import re
import socket
import subprocess
import threading
import time
import urllib.parse
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

AUTHOR = "Ada Example <ada@example.com>"
CHUNK = 65_536


@dataclass(frozen=True)
class Link:
    """A symbolic link in a commit."""

    target: str


@dataclass(frozen=True)
class Program:
    """A file with the executable bit."""

    content: str


FileContent = str | bytes | Link | Program | None


@dataclass(frozen=True)
class GitRequest:
    """One HTTP request to the server."""

    repository: str
    kind: str
    """"advertise" (info/refs), "ls-remote" (protocol 2 ls-refs), "fetch", "push" or "other" (dumb files, unknown)."""
    user: str
    status: int


@dataclass
class Fault:
    """What the server does wrong from now on, for one repository or for all."""

    delay: float = 0.0
    """Seconds before each answer."""
    status: int = 0
    """Answer with this status instead of Git's; 0: none."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """More headers for that answer: Retry-After, Location."""
    body: bytes = b"the test says no\n"
    cut_after: int = -1
    """Close the connection after so many bytes of Git's answer; -1: never."""
    kinds: tuple[str, ...] = ()
    """Only these kinds of request; empty: all."""
    times: int = -1
    """How many requests it hits; -1: all."""


class Repo:
    """One bare repository."""

    def __init__(self, path: Path, url: str) -> None:
        self.path = path
        self.url = url
        """Clone address without credentials."""

    def git(self, *arguments: str, input: bytes = b"") -> str:
        """Run git in the bare repository; its output without the last line end."""
        command = ["git", "-c", "gc.auto=0", "-C", str(self.path), *arguments]
        done = subprocess.run(command, input=input, capture_output=True, check=False, env=clean_environment())
        assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr.decode(errors='replace')}"
        return done.stdout.decode(errors="replace").rstrip("\n")

    def push(
        self,
        files: Mapping[str, FileContent],
        message: str = "Change",
        *,
        branch: str = "main",
        author: str = AUTHOR,
        when: int = 0,
        replace: bool = False,
        orphan: bool = False,
    ) -> str:
        """Add a commit to a branch, as a push would.

        Args:
            files: Path -> content; None deletes the file or folder; Link and Program for links and scripts.
            message: Of the commit.
            branch: Made when missing.
            author: "Name <mail>", also the committer.
            when: Unix seconds of the commit; 0: now.
            replace: Start from an empty tree instead of the parent's.
            orphan: No parent: history is rewritten, as a forced push does.

        Returns:
            The full id of the new commit.
        """
        stamp = f"{when or int(time.time())} +0000"
        parent = "" if orphan else self.head(branch)
        stream = f"commit refs/heads/{branch}\nmark :1\ncommitter {author} {stamp}\n".encode() + _data(message.encode())
        if orphan:
            stream = f"reset refs/heads/{branch}\n\n".encode() + stream
        if parent:
            stream += f"from {parent}\n".encode()
        if replace:
            stream += b"deleteall\n"
        stream += b"".join(_change(path, content) for path, content in files.items())
        return self.git("fast-import", "--quiet", "--force", "--date-format=raw", input=stream + b"\nget-mark :1\n")

    def head(self, branch: str = "main") -> str:
        """The commit of a branch; "" when there is none."""
        return self.git("for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}")

    def tag(self, name: str, commit: str = "", *, annotated: bool = False) -> None:
        """Set a tag, moving it when it exists."""
        extra = ("-a", "-m", name) if annotated else ()
        self.git("-c", "user.name=Ada", "-c", "user.email=ada@example.com", "tag", "-f", *extra, name, commit or "main")

    def move(self, branch: str, commit: str) -> None:
        """Point a branch at any commit, as a forced push does."""
        self.git("update-ref", f"refs/heads/{branch}", commit)

    def delete_branch(self, branch: str) -> None:
        """Remove a branch."""
        self.git("update-ref", "-d", f"refs/heads/{branch}")

    def set_default(self, branch: str) -> None:
        """Point HEAD at a branch."""
        self.git("symbolic-ref", "HEAD", f"refs/heads/{branch}")

    def show(self, path: str, commit: str = "main") -> str:
        """The content of a file at a commit."""
        return self.git("show", f"{commit}:{path}")


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)


def _change(path: str, content: FileContent) -> bytes:
    name = path.encode()
    match content:
        case None:
            return b"D " + name + b"\n"
        case Link(target):
            return b"M 120000 inline " + name + b"\n" + _data(target.encode())
        case Program(text):
            return b"M 100755 inline " + name + b"\n" + _data(text.encode())
        case str():
            return b"M 100644 inline " + name + b"\n" + _data(content.encode())
        case bytes():
            return b"M 100644 inline " + name + b"\n" + _data(content)


def clean_environment() -> dict[str, str]:
    """An environment in which git reads no configuration of this machine."""
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
    return {**kept, "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "LC_ALL": "C"}


class GitServer:
    """Serves the repositories of one folder; a context manager."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        self.log: list[GitRequest] = []
        """Every answered request, in order."""
        self._faults: list[tuple[str, Fault]] = []
        self._credentials: dict[str, tuple[str, str]] = {}
        self._lock = threading.Lock()
        self._port = 0
        self._server: _Server | None = None

    def __enter__(self) -> "GitServer":
        """Start serving."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop serving; the folder stays."""
        self.stop()

    @property
    def url(self) -> str:
        """Address of the server, without a slash at the end; the same after a stop and start."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Serve, on the port of before when there was one."""
        self._server = _Server(("127.0.0.1", self._port), self)
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Refuse connections from now on and cut those that are open."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server.cut_connections()
            self._server = None

    def create(self, name: str, *, user: str = "", password: str = "", default: str = "main") -> Repo:
        """Make an empty repository.

        Args:
            name: Path under the server, for instance "team/apps.git"; ".git" is added when it is missing.
            user: When set, basic authentication is asked for.
            password: Its password.
            default: The branch that HEAD points at.
        """
        name = name if name.endswith(".git") else f"{name}.git"
        path = self.root / name
        command = ["git", "init", "--quiet", "--bare", f"--initial-branch={default}", str(path)]
        subprocess.run(command, check=True, capture_output=True, env=clean_environment())
        repo = Repo(path, f"{self.url}/{name}")
        for setting in ("uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant", "http.receivepack"):
            repo.git("config", setting, "true")
        if user:
            self._credentials[name] = (user, password)
        return repo

    def set_password(self, name: str, user: str, password: str) -> None:
        """Change what a repository asks for."""
        self._credentials[name if name.endswith(".git") else f"{name}.git"] = (user, password)

    def fail(self, repository: str = "", fault: Fault | None = None, **options: object) -> Fault:
        """Inject a fault; see Fault for the options.

        Args:
            repository: Its name with ".git"; "" for all.
            fault: A ready fault.
            options: The fields of a fault, when none is given.
        """
        fault = fault or Fault(**options)  # type: ignore[arg-type]
        with self._lock:
            self._faults.append((repository, fault))
        return fault

    def heal(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._faults.clear()

    def counts(self, repository: str = "") -> Counter[str]:
        """How many requests of each kind were answered, for one repository or for all."""
        with self._lock:
            return Counter(entry.kind for entry in self.log if repository in ("", entry.repository))

    def clear_log(self) -> None:
        """Forget the requests up to now."""
        with self._lock:
            self.log.clear()

    def take_fault(self, repository: str, kind: str) -> Fault | None:
        """The fault for this request, counted."""
        with self._lock:
            for name, fault in self._faults:
                if name in ("", repository) and fault.times != 0 and (not fault.kinds or kind in fault.kinds):
                    fault.times -= 1 if fault.times > 0 else 0
                    return fault
        return None

    def note(self, entry: GitRequest) -> None:
        """Write one request into the log."""
        with self._lock:
            self.log.append(entry)

    def is_authorised(self, repository: str, header: str) -> bool:
        """Whether this Authorization header opens the repository."""
        wanted = self._credentials.get(repository)
        return wanted is None or header == "Basic " + base64.b64encode(":".join(wanted).encode()).decode()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], owner: GitServer) -> None:
        super().__init__(address, _Handler)
        self.owner = owner
        self._open: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def cut_connections(self) -> None:
        for each in list(self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that go away are no news."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        self._serve(b"".join(self._body()))

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on stderr."""

    def _serve(self, body: bytes) -> None:
        path, _, query = self.path.partition("?")
        path = urllib.parse.unquote(path)
        repository, _, rest = path.strip("/").partition(".git")
        repository += ".git"
        kind = kind_of(rest, query, body, self.headers.get("Content-Encoding", ""))
        owner = self.server.owner
        fault = owner.take_fault(repository, kind) or Fault()
        time.sleep(fault.delay)
        header = self.headers.get("Authorization", "")
        user = base64.b64decode(header[6:]).decode().partition(":")[0] if header.startswith("Basic ") else ""
        if fault.status:
            status = self._answer(fault.status, fault.headers, fault.body)
        elif not owner.is_authorised(repository, header):
            status = self._answer(401, {"WWW-Authenticate": 'Basic realm="git"'}, b"Authentication required\n")
        elif not (owner.root / repository / "HEAD").exists():
            status = self._answer(404, {}, b"Repository not found.\n")
        else:
            status = self._run(path, query, body, user, fault)
        owner.note(GitRequest(repository, kind, user, status))

    def _body(self) -> Iterator[bytes]:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            yield self.rfile.read(int(self.headers.get("Content-Length") or 0))
            return
        while size := int(self.rfile.readline().split(b";")[0], 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def _run(self, path: str, query: str, body: bytes, user: str, fault: Fault) -> int:
        environment = {
            **clean_environment(),
            "GIT_PROJECT_ROOT": str(self.server.owner.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REMOTE_ADDR": self.client_address[0],
            "REMOTE_USER": user or "anonymous",
        }
        command = ["git", "-c", "safe.directory=*", "http-backend"]
        with subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as backend:
            assert backend.stdin is not None
            assert backend.stdout is not None
            feeder = threading.Thread(target=_feed, args=(backend.stdin, body), daemon=True)
            feeder.start()
            status = self._relay(backend.stdout, fault.cut_after)
            feeder.join()
        return status

    def _relay(self, output: IO[bytes], limit: int) -> int:
        status, headers = 200, []
        while line := output.readline().strip():
            name, _, value = line.decode("latin-1").partition(":")
            if name.lower() == "status":
                status = int(value.split()[0])
            else:
                headers.append((name, value.strip()))
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        sent = 0
        while piece := output.read1(CHUNK):  # type: ignore[attr-defined]
            if 0 <= limit < sent + len(piece):
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                output.read()
                return status
            sent += len(piece)
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")
        return status

    def _answer(self, status: int, headers: Mapping[str, str], body: bytes) -> int:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        return status


def _feed(pipe: IO[bytes], body: bytes) -> None:
    with contextlib.suppress(BrokenPipeError), pipe:
        pipe.write(body)


def kind_of(rest: str, query: str, body: bytes, encoding: str) -> str:
    """Name a request by what it does: see GitRequest.kind."""
    if rest.endswith("/info/refs") and "service=" in query:
        return "advertise"
    if rest.endswith("/git-receive-pack"):
        return "push"
    if not rest.endswith("/git-upload-pack"):
        return "other"
    plain = gzip.decompress(body) if encoding == "gzip" else body
    return "ls-remote" if re.match(rb"[0-9a-f]{4}command=ls-refs", plain) else "fetch"
