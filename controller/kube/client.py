"""Requests to one API server: raw bytes in, raw bytes out, errors named by meaning, a time limit on everything.

Nothing here decodes an object or keeps one. Each request is told to listeners, see `controller.kube.report`.
Called by discovery, informers, schemas and the loop's writers.
"""

from __future__ import annotations

import copy
import threading
import time
import typing as t
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from controller.kube import replies
from controller.kube.credentials import Access, cluster_loader, loader_for
from controller.kube.report import Reporter, RequestReport, about
from controller.kube.streams import WatchStream
from model.errors import ApiUnavailable, Rejected, Unauthenticated
from model.events import Event
from model.secrets import Cluster

if t.TYPE_CHECKING:
    import urllib3

    from controller.kube.discovery import ApiResource

MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"

LARGEST_ANSWER = 256 * 1024 * 1024
"""Bytes of one answer: a page of 500 objects at etcd's largest size has its place, a runaway server has not."""
CONNECT_TIMEOUT = 10.0
READ_CHUNK = 1 << 20

Query = t.Mapping[str, str | int | bool]


class KubeClient:
    """Talks to one API server; thread-safe, its pool keeps connections open."""

    def __init__(
        self, access: Access, *, on_request: t.Callable[[Event], None] | None = None, known_as: str = ""
    ) -> None:
        """Take credentials; nothing is requested yet.

        Args:
            access: to the server.
            on_request: hears of each request (ApiRequestFinished); must not block and not raise.
            known_as: the server's URL as destinations name it, for events; empty: as it is reached.
        """
        self._access = access
        self._reporter = Reporter(on_request, urlsplit(access.server).netloc, known_as or access.server)
        self._renewing = threading.Lock()
        self._acting: dict[str, str] = {}
        self.server = access.server
        """URL of the API server, without a slash at its end."""

    @classmethod
    def from_kubeconfig(
        cls,
        path: str | None = None,
        context: str | None = None,
        *,
        on_request: t.Callable[[Event], None] | None = None,
        known_as: str = "",
        allow_exec: bool = False,
    ) -> KubeClient:
        """Read a kubeconfig; None: KUBECONFIG, else the pod's service account, else ~/.kube/config.

        Raises:
            InvalidSettings: the file is missing or unusable, or would start a program and `allow_exec` is False.
        """
        access = Access(loader_for(path, context, allow_exec=allow_exec))
        return cls(access, on_request=on_request, known_as=known_as)

    @classmethod
    def from_cluster(cls, cluster: Cluster, *, on_request: t.Callable[[Event], None] | None = None) -> KubeClient:
        """Use the credentials of a cluster Secret; InvalidSettings when they cannot be used."""
        return cls(Access(cluster_loader(cluster)), on_request=on_request, known_as=cluster.server)

    def acting_as(self, user: str) -> KubeClient:
        """Return a client whose requests the server judges by the rights of `user`; connections are shared.

        A name of the form ``system:serviceaccount:NAMESPACE:NAME`` has the groups of service accounts by itself.
        Source: Kubernetes docs "User impersonation". Our own account needs the right to impersonate.
        """
        acting = copy.copy(self)
        acting._acting = {"Impersonate-User": user}
        return acting

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: bytes | None = None,
        content_type: str = "application/json",
        timeout: float = 30.0,
        accept: str = "application/json",
        kind: str = "",
        waited: float = 0.0,
    ) -> bytes:
        """Send one request and return its JSON answer.

        Args:
            method: GET, POST, PUT, PATCH or DELETE.
            path: beginning with a slash, already quoted.
            query: parameters.
            body: JSON bytes.
            content_type: of the body.
            timeout: seconds for the whole of the answer.
            accept: media types wanted.
            kind: the kind the answer must have; empty: any object.
            waited: seconds that it was held back because the server had asked for that; for the event only.

        Raises:
            ApiUnavailable: no answer, or not one that an API server gives.
            LynceusError: the meaning of any other status, see `controller.kube.replies`.
        """
        what = f"{method.lower()} {path}"
        headers = {"Accept": accept, "Content-Type": content_type} if body is not None else {"Accept": accept}
        response, report = self._open(method, _url(path, query), what, headers, body, timeout, waited)
        data = _read(response, what, timeout, report)
        return replies.check(data, what, kind)

    def stream(self, path: str, query: Query, *, read_timeout: float, waited: float = 0.0) -> WatchStream:
        """Open a watch; iterate over the result for its lines.

        Args:
            path: of the collection.
            query: parameters; ``watch=true`` is added.
            read_timeout: seconds without a single byte after which the stream counts as dead.
            waited: as of `request`.
        """
        what = f"watch {path}"
        url = _url(path, {**query, "watch": "true"})
        headers = {"Accept": "application/json"}
        response, report = self._open("GET", url, what, headers, None, read_timeout, waited)
        report.end(endless=True)
        return WatchStream(response, what)

    def version(self) -> str:
        """Return the server's version, for example ``v1.36.1``."""
        found = msgspec.json.decode(self.request("GET", "/version"))
        version = found.get("gitVersion")
        if not isinstance(version, str) or not version:
            raise ApiUnavailable("get /version: the answer has no gitVersion")
        return version

    def get(self, resource: ApiResource, namespace: str, name: str) -> bytes:
        """Read one object."""
        return self.request("GET", resource.path(namespace, name), kind=resource.kind)

    def create(
        self, resource: ApiResource, namespace: str, body: bytes, *, field_manager: str, dry_run: bool = False
    ) -> bytes:
        """Create an object; AlreadyExists when it is there."""
        query = _write_query(field_manager, dry_run=dry_run)
        return self.request("POST", resource.path(namespace), query=query, body=body, kind=resource.kind)

    def replace(
        self,
        resource: ApiResource,
        namespace: str,
        name: str,
        body: bytes,
        *,
        field_manager: str,
        dry_run: bool = False,
    ) -> bytes:
        """Replace an object; Conflict when its resourceVersion is stale."""
        query = _write_query(field_manager, dry_run=dry_run)
        return self.request("PUT", resource.path(namespace, name), query=query, body=body, kind=resource.kind)

    def patch(
        self,
        resource: ApiResource,
        namespace: str,
        name: str,
        body: bytes,
        content_type: str,
        *,
        field_manager: str,
        force: bool = False,
        dry_run: bool = False,
        subresource: str = "",
    ) -> bytes:
        """Patch an object; `force` (apply only) takes fields over from other managers."""
        query = _write_query(field_manager, dry_run=dry_run)
        if content_type == APPLY:
            query["force"] = "true" if force else "false"
        path = resource.path(namespace, name) + (f"/{subresource}" if subresource else "")
        kind = "" if subresource == "scale" else resource.kind
        return self.request("PATCH", path, query=query, body=body, content_type=content_type, kind=kind)

    def delete(
        self,
        resource: ApiResource,
        namespace: str,
        name: str,
        *,
        propagation: str = "Background",
        uid: str = "",
        resource_version: str = "",
        dry_run: bool = False,
    ) -> None:
        """Delete an object; with `uid` only that very one (Conflict otherwise)."""
        options: dict[str, t.Any] = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": propagation}
        conditions = {"uid": uid, "resourceVersion": resource_version}
        if given := {key: value for key, value in conditions.items() if value}:
            options["preconditions"] = given
        if dry_run:
            options["dryRun"] = ["All"]
        self.request("DELETE", resource.path(namespace, name), body=msgspec.json.encode(options))

    def _open(
        self,
        method: str,
        url: str,
        what: str,
        headers: dict[str, str],
        body: bytes | None,
        timeout: float,
        waited: float,
    ) -> tuple[urllib3.BaseHTTPResponse, RequestReport]:
        """Send, once more with fresh credentials after a 401, and return a good answer unread with its report."""
        sent = self._access.headers()
        headers = {**headers, **self._acting}
        report = self._reporter.begin(method, url, body, waited=waited)
        response = self._send(method, url, what, {**headers, **sent}, body, timeout, report)
        if response.status == 401 and self._renew(sent):
            _read(response, what, timeout, report)
            report = self._reporter.begin(method, url, body, retry=True)
            response = self._send(method, url, what, {**headers, **self._access.headers()}, body, timeout, report)
        if 200 <= response.status < 300:
            return response, report
        data = _read(response, what, timeout, report)
        secret = about(method, url).plural == "secrets"
        error = replies.failure(response.status, response.headers, data, what, secret=secret)
        if isinstance(error, Unauthenticated):
            self._renew(sent)
        raise error

    def _renew(self, sent: dict[str, str]) -> bool:
        """Read the credentials again unless another thread just did; True when they differ from those sent."""
        with self._renewing:
            if self._access.headers() == sent:
                self._access.renew()
            return self._access.headers() != sent

    def _send(
        self,
        method: str,
        url: str,
        what: str,
        headers: dict[str, str],
        body: bytes | None,
        timeout: float,
        report: RequestReport,
    ) -> urllib3.BaseHTTPResponse:
        """Send and return the answer unread; without one the report ends here."""
        import urllib3

        limit = urllib3.Timeout(connect=min(CONNECT_TIMEOUT, timeout), read=timeout)
        try:
            response = self._exchange(method, url, headers, body, limit, report)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            report.end()
            raise replies.NoAnswer(f"{what}: {self.server} does not answer: {_short(error)}") from None
        except ValueError as error:
            report.end()
            raise Rejected(f"{what}: {error}") from None
        report.code = response.status
        return response

    def _exchange(
        self,
        method: str,
        url: str,
        headers: dict[str, str],
        body: bytes | None,
        limit: urllib3.Timeout,
        report: RequestReport,
    ) -> urllib3.BaseHTTPResponse:
        """Send; a read is sent once more when the server had closed a kept connection under our hands."""
        import urllib3

        def send() -> urllib3.BaseHTTPResponse:
            return self._access.pool.request(
                method, self.server + url, body=body, headers=headers, timeout=limit,
                retries=False, redirect=False, preload_content=False,
            )  # fmt: skip

        try:
            return send()
        except urllib3.exceptions.ProtocolError:
            if method != "GET":
                raise
            report.retry = True
            return send()


def _url(path: str, query: Query | None) -> str:
    if not query:
        return path
    words = {key: str(value).lower() if isinstance(value, bool) else value for key, value in query.items()}
    return f"{path}?{urlencode(words, quote_via=quote)}"


def _write_query(field_manager: str, *, dry_run: bool) -> dict[str, str | int | bool]:
    query: dict[str, str | int | bool] = {"fieldManager": field_manager}
    if dry_run:
        query["dryRun"] = "All"
    return query


def _read(response: urllib3.BaseHTTPResponse, what: str, timeout: float, report: RequestReport) -> bytes:
    """Read an answer whole, up to the size limit and the time limit, and end its report however that goes.

    Piece by piece as it arrives: waiting for a full buffer would let a server that trickles hold us for ever.
    """
    try:
        with response:
            return _whole(response, what, time.monotonic() + timeout, timeout, report)
    finally:
        report.end()


def _whole(
    response: urllib3.BaseHTTPResponse, what: str, deadline: float, timeout: float, report: RequestReport
) -> bytes:
    import urllib3

    parts: list[bytes] = []
    try:
        while chunk := response.read1(READ_CHUNK):
            parts.append(chunk)
            report.size += len(chunk)
            if report.size > LARGEST_ANSWER:
                raise ApiUnavailable(f"{what}: the answer is larger than {LARGEST_ANSWER} bytes")
            if time.monotonic() > deadline:
                raise ApiUnavailable(f"{what}: the answer was not complete after {timeout:g} s")
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise ApiUnavailable(f"{what}: the answer was cut: {_short(error)}") from None
    return b"".join(parts)


def _short(error: Exception) -> str:
    """Name a network error without the library's repr of connection objects."""
    text = str(error)
    return f"{type(error).__name__} {text.rpartition(': ')[2]}"[:200]
