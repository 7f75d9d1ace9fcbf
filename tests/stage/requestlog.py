"""What the fault proxy remembers of each request, and how a path of the Kubernetes API is read.

A second reading of the API's conventions, independent of Lynceus' own client, because tests judge that client by it.
"""

import hashlib
import json
import threading
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Any

WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})
NAMESPACE_SUBRESOURCES = frozenset({"status", "finalize"})
_METHOD_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch"}


@dataclass
class Request:
    """One request, as it came to the proxy."""

    seq: int
    """Position in the log, from 1; given when the request has arrived whole."""
    identity: str
    """User of the token, or the user whom it impersonates."""
    verb: str
    """As in RBAC: get list watch create update patch delete deletecollection; else the HTTP method in small letters."""
    method: str
    path: str
    """Without the query."""
    query: Mapping[str, str]
    group: str = ""
    version: str = ""
    resource: str = ""
    """Plural, small letters; "" for discovery, version and the like."""
    namespace: str = ""
    name: str = ""
    """From the path; from the body when a create has it there only."""
    subresource: str = ""
    dry_run: bool = False
    content_type: str = ""
    user_agent: str = ""
    body: bytes = b""
    status: int = 0
    """What the client got; 0 while it waits, and for ever when it got nothing."""
    upstream_status: int = 0
    """What the server said; 0 when it was never asked."""
    fault: str = ""
    """What was done to it, "" for nothing."""
    write_number: int = 0
    """Position among the writes that the server accepted, from 1; 0 for anything else."""

    @property
    def body_hash(self) -> str:
        """SHA-256 of the body; "" without one."""
        return hashlib.sha256(self.body).hexdigest() if self.body else ""

    @property
    def is_write(self) -> bool:
        """Whether it asks for a change that is not a dry run; reviews of rights create nothing and are none."""
        return self.verb in WRITES and not self.dry_run and not self.resource.endswith("reviews")

    @property
    def field_manager(self) -> str:
        """The field manager named in the query."""
        return self.query.get("fieldManager", "")

    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)

    def __str__(self) -> str:
        """One line, as a log prints it."""
        target = "/".join(filter(None, (self.namespace, self.name, self.subresource)))
        extra = " (dry run)" if self.dry_run else ""
        fault = f" [{self.fault}]" if self.fault else ""
        what = f"{self.resource}.{self.group}".rstrip(".") or self.path
        return f"{self.seq} {self.identity} {self.verb} {what} {target}{extra} -> {self.status}{fault}"


def read(seq: int, identity: str, method: str, target: str, body: bytes, headers: Message) -> Request:
    """Read one request line with its body.

    Args:
        seq: Its number.
        identity: Who asks.
        method: HTTP method.
        target: Path and query as sent.
        body: The whole body.
        headers: Of the request, looked up by their usual spelling.
    """
    address = urllib.parse.urlsplit(target)
    pairs = dict(urllib.parse.parse_qsl(address.query, keep_blank_values=True))
    request = Request(seq, identity, method.lower(), method, address.path, pairs, body=body)
    request.content_type = headers.get("Content-Type") or ""
    request.user_agent = headers.get("User-Agent") or ""
    _read_path(request)
    if request.resource:
        request.verb = _verb(method, request)
    request.dry_run = bool(pairs.get("dryRun")) or _has_dry_run(request)
    if request.verb == "create" and not request.name and not request.subresource:
        request.name = _name_in(body)
    return request


def _read_path(request: Request) -> None:
    parts = [urllib.parse.unquote(part) for part in request.path.strip("/").split("/")]
    if parts[0] == "api" and len(parts) > 2:
        request.version, rest = parts[1], parts[2:]
    elif parts[0] == "apis" and len(parts) > 3:
        request.group, request.version, rest = parts[1], parts[2], parts[3:]
    else:
        return
    in_namespace = rest[0] == "namespaces" and len(rest) > 2 and not _is_namespace_subresource(rest)
    if in_namespace:
        request.namespace, rest = rest[1], rest[2:]
    request.resource = rest[0]
    request.name = rest[1] if len(rest) > 1 else ""
    request.subresource = "/".join(rest[2:])
    if request.resource == "namespaces":
        request.namespace = request.name


def _is_namespace_subresource(rest: list[str]) -> bool:
    return len(rest) == 3 and rest[2] in NAMESPACE_SUBRESOURCES


def _verb(method: str, request: Request) -> str:
    if method == "GET":
        if request.query.get("watch") in {"1", "true"}:
            return "watch"
        return "get" if request.name else "list"
    if method == "DELETE":
        return "delete" if request.name else "deletecollection"
    return _METHOD_VERBS.get(method, method.lower())


def _has_dry_run(request: Request) -> bool:
    return request.method == "DELETE" and b"dryRun" in request.body and bool(_decoded(request.body).get("dryRun"))


def _name_in(body: bytes) -> str:
    metadata = _decoded(body).get("metadata")
    return str(metadata.get("name", "")) if isinstance(metadata, dict) else ""


def _decoded(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


class RequestLog:
    """The requests of one proxy in the order of their arrival; safe to use from many threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._requests: list[Request] = []
        self._seq = 0
        self._writes = 0

    def add(self, make: Callable[[int], Request]) -> Request:
        """Number a request and keep it."""
        with self._changed:
            self._seq += 1
            request = make(self._seq)
            self._requests.append(request)
            return request

    def count_write(self, request: Request) -> int:
        """Number a write that the server accepted."""
        with self._changed:
            self._writes += 1
            request.write_number = self._writes
            return self._writes

    def answered(self, request: Request, status: int) -> None:
        """Note what the client got."""
        with self._changed:
            request.status = status
            self._changed.notify_all()

    def all(self) -> list[Request]:
        """Every request up to now."""
        with self._changed:
            return list(self._requests)

    def clear(self) -> None:
        """Forget the requests; numbers go on."""
        with self._changed:
            self._requests.clear()

    def wait_for(self, wanted: Callable[[Request], bool], timeout: float) -> Request:
        """The first answered request of that description, waiting for it if need be.

        Raises:
            AssertionError: None came in time; the text lists the last requests.
        """
        found: list[Request] = []

        def is_there() -> bool:
            found[:] = [each for each in self._requests if each.status and wanted(each)][:1]
            return bool(found)

        with self._changed:
            if self._changed.wait_for(is_there, timeout):
                return found[0]
            last = "\n".join(str(each) for each in self._requests[-20:])
        raise AssertionError(f"no such request within {timeout} s; the last were:\n{last}")
