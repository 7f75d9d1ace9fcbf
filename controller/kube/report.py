"""What is told of requests to API servers: what each was about, how it ended, and on whose behalf it was sent.

No network. Called by `controller.kube.client`; `on_behalf` by the workers and by whoever carries work to other threads.
"""

from __future__ import annotations

import contextlib
import contextvars
import time
import typing as t
from urllib.parse import parse_qs, unquote

from model.events import ApiRequestFinished, Event
from model.meta import NamespacedName

_OF_NAMESPACES = ("status", "finalize")
"""What may stand behind a Namespace in a path; anything else there is a kind inside the namespace."""
_VERBS: t.Final = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


class Behalf(t.NamedTuple):
    """For which Application something is done."""

    application: NamespacedName
    project: str


_behalf: contextvars.ContextVar[Behalf | None] = contextvars.ContextVar("behalf", default=None)


@contextlib.contextmanager
def on_behalf(application: NamespacedName, project: str) -> t.Iterator[None]:
    """Let all requests of this thread, and of contexts copied from it, be told as the Application's."""
    token = _behalf.set(Behalf(application, project))
    try:
        yield
    finally:
        _behalf.reset(token)


class About(t.NamedTuple):
    """What a request is about, by its URL."""

    verb: str
    """As Kubernetes names it."""
    plural: str
    """Of the kind; empty when the URL names none."""
    namespace: str


def about(method: str, url: str) -> About:
    """Read what a request is about: list and watch for collections, get for one object.

    Args:
        method: of HTTP.
        url: path and query, as they are sent.
    """
    path, _, query = url.partition("?")
    namespace, segments = _place(path)
    plural = segments[0] if segments else ""
    if method != "GET":
        return About(_VERBS.get(method, method.lower()), plural, namespace)
    if "watch=true" in query:
        return About("watch", plural, namespace)
    return About("list" if len(segments) == 1 else "get", plural, namespace)


def _place(path: str) -> tuple[str, list[str]]:
    """Return the namespace and what stands behind it: plural, name, subresource."""
    parts = path.strip("/").split("/")
    rest = parts[2:] if parts[0] == "api" else parts[3:] if parts[0] == "apis" else []
    if len(rest) > 2 and rest[0] == "namespaces" and rest[2] not in _OF_NAMESPACES:
        return unquote(rest[1]), rest[2:]
    return "", rest


class Reporter:
    """Tells of the requests to one API server."""

    def __init__(self, publish: t.Callable[[Event], None] | None, host: str, server: str) -> None:
        """Take whom to tell.

        Args:
            publish: takes ApiRequestFinished; None: nobody is told.
            host: host and port of the server.
            server: its URL, as destinations name it.
        """
        self.publish, self.host, self.server = publish, host, server

    def begin(
        self, method: str, url: str, body: bytes | None, *, waited: float = 0.0, retry: bool = False
    ) -> RequestReport:
        """Return the report of a request that is about to be sent; see ApiRequestFinished for the fields."""
        return RequestReport(self, method, url, body or b"", waited, retry)


class RequestReport:
    """One request under way."""

    def __init__(self, reporter: Reporter, method: str, url: str, body: bytes, waited: float, retry: bool) -> None:
        self._reporter, self._method, self._url, self._body = reporter, method, url, body
        self._waited, self.retry = waited, retry
        self.code = 0
        """HTTP status, once there is one."""
        self.size = 0
        """Bytes of the answer that were read so far."""
        self._started = time.perf_counter()

    def end(self, *, endless: bool = False) -> None:
        """Tell that it ended.

        Args:
            endless: the answer is a watch, of which only the beginning is waited for.
        """
        reporter = self._reporter
        if reporter.publish is None:
            return
        verb, plural, namespace = about(self._method, self._url)
        whose = _behalf.get() if plural and not endless else None
        reporter.publish(
            ApiRequestFinished(
                verb=verb,
                kind=plural,
                code=self.code,
                seconds=time.perf_counter() - self._started,
                host=reporter.host,
                server=reporter.server,
                method=self._method,
                request_bytes=len(self._body),
                response_bytes=None if endless else self.size,
                waited=self._waited,
                retry=self.retry,
                namespace=namespace,
                dry_run=self._is_dry(),
                application=whose.application if whose else None,
                project=whose.project if whose else "",
            )
        )

    def _is_dry(self) -> bool:
        """Say whether the server was asked to store nothing: by the query, or for a deletion by the body."""
        if self._method == "GET":
            return False
        if self._method == "DELETE" and b'"dryRun"' in self._body:
            return True
        return "dryRun" in parse_qs(self._url.partition("?")[2])
