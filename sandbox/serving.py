"""The ASGI application of the embedded API server: authentication, routing, watches as streams, errors as Status.

Bare ASGI for speed; the only module that speaks HTTP. Requests are short and run on the event loop; only watches wait.
Tokens and bodies never reach a log.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
import random
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import orjson

from sandbox import discovery, errors, replies, requests
from sandbox.cluster import Cluster
from sandbox.handlers import Handlers
from sandbox.replies import Reply, View
from sandbox.requests import Request, Target
from sandbox.resources import Resource
from sandbox.watches import Event

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_log = logging.getLogger("sandbox")

BOOKMARK_EVERY = 60.0
"""Seconds between bookmarks, as a real API server sends them."""
_AGGREGATED = "g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
_HEALTH = ("/healthz", "/livez", "/readyz")


class Application:
    """The API server as an ASGI application.

    Args:
        cluster: What it serves.
        token: The bearer token that every request but a health check must carry.
        user: The name of whoever holds it.
    """

    def __init__(self, cluster: Cluster, token: str, *, user: str = "kubernetes-admin") -> None:
        self._cluster = cluster
        self._handlers = Handlers(cluster)
        self._token = token.encode()
        self._user = user
        self.address = ""
        """host:port, for /api."""
        self.impersonated: set[tuple[str, tuple[str, ...]]] = set()
        """Who was impersonated: (user, groups)."""

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http":
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        path = scope.get("raw_path", scope["path"].encode()).decode("latin-1").partition("?")[0]
        request = Request(scope["method"], path, requests.parse_query(scope["query_string"]), headers)
        try:
            self._authenticate(request, scope["headers"])
            request.body = await _body(receive)
            watched = self._watched(request)
            if watched is not None:
                await self._watch(request, *watched, receive, send)
                return
            answer = self._answer(request)
        except errors.StatusError as err:
            answer = replies.refusal(err)
        except Exception as err:  # noqa: BLE001 - one broken request must not end the server
            _log.exception("a request failed", extra={"method": request.method, "path": request.path})
            answer = replies.refusal(errors.StatusError(500, "InternalError", f"Internal error occurred: {err!r}", {}))
        await _send(send, request, answer)

    def _authenticate(self, request: Request, headers: list[tuple[bytes, bytes]]) -> None:
        given = request.headers.get("authorization", "").removeprefix("Bearer ").encode()
        if not hmac.compare_digest(given, self._token):
            if request.path in _HEALTH or request.path == "/version":
                return
            raise errors.StatusError(401, "Unauthorized", "Unauthorized")
        groups = tuple(v.decode("latin-1") for n, v in headers if n == b"impersonate-group")
        request.user = request.headers.get("impersonate-user", "")
        if request.user:
            request.groups = (*groups, "system:authenticated")
            self.impersonated.add((request.user, groups))
        else:
            request.user, request.groups = self._user, ("system:masters", "system:authenticated")

    def _watched(self, request: Request) -> tuple[Target, Resource] | None:
        target = requests.parse_path(request.path)
        if target is None or request.method != "GET" or not request.flag("watch") or target.name:
            return None
        resource = self._handlers.resource(target)
        if "watch" not in resource.verbs:
            raise errors.method_not_allowed()
        return target, resource

    def _answer(self, request: Request) -> Reply:
        target = requests.parse_path(request.path)
        if target is None:
            return self._document(request)
        if not self._cluster.catalogue.groups().get(target.group):
            return _no_page()
        resource = self._handlers.resource(target)
        if resource.custom is not None and resource.custom.deprecation:
            request.warnings.append(resource.custom.deprecation)
        verb = self._handlers.verb(request, target, resource)
        return self._handlers.handle(request, target, resource, verb)

    def _document(self, request: Request) -> Reply:
        """Answers what is no resource: discovery, OpenAPI, version, health."""
        path = request.path.rstrip("/") or "/"
        if path.startswith(_HEALTH):
            return Reply(200, b"ok", "text/plain; charset=utf-8")
        if request.method not in ("GET", "HEAD"):
            raise errors.method_not_allowed()
        if path == "/version":
            return replies.reply(request, 200, discovery.VERSION)
        if path.startswith("/openapi/"):
            return self._openapi(request, path)
        if path == "/":
            return replies.reply(request, 200, {"paths": self._paths()})
        return self._discovery(request, path.strip("/").split("/"))

    def _paths(self) -> list[str]:
        found = {"/api", "/api/v1", "/apis", "/healthz", "/livez", "/readyz", "/openapi/v2", "/openapi/v3", "/version"}
        for group, versions in self._cluster.catalogue.groups().items():
            if group:
                found |= {f"/apis/{group}", *(f"/apis/{group}/{version}" for version in versions)}
        return sorted(found)

    def _discovery(self, request: Request, parts: list[str]) -> Reply:
        catalogue = self._cluster.catalogue
        if parts in (["api"], ["apis"]):
            if _AGGREGATED in request.accept.replace(" ", ""):
                body = orjson.dumps(discovery.aggregated(catalogue, core=parts == ["api"]))
                return _tagged(request, Reply(200, body, f"application/json;{_AGGREGATED}"))
            core = discovery.api_versions(self.address)
            return replies.reply(request, 200, core if parts == ["api"] else discovery.group_list(catalogue))
        found = None
        if parts[0] == "apis" and len(parts) == 2:
            found = discovery.group(catalogue, parts[1])
        elif parts[0] == "apis" and len(parts) == 3:
            found = discovery.resource_list(catalogue, parts[1], parts[2])
        elif parts[0] == "api" and len(parts) == 2:
            found = discovery.resource_list(catalogue, "", parts[1])
        if found is None:
            return self._unknown(parts)
        return replies.reply(request, 200, found)

    def _unknown(self, parts: list[str]) -> Reply:
        known = parts[0] == "api" or (
            parts[0] == "apis" and parts[1:2] and parts[1] in self._cluster.catalogue.groups()
        )
        if known:
            raise errors.no_such_path()
        return _no_page()

    def _openapi(self, request: Request, path: str) -> Reply:
        parts = path.strip("/").split("/")[1:]
        if parts == ["v3"]:
            return replies.reply(request, 200, self._cluster.documents.index())
        if parts == ["v2"]:
            if "json" not in request.accept and "*/*" not in request.accept:
                raise errors.StatusError(406, "NotAcceptable", "only application/json is served", {})
            return _tagged(request, Reply(200, self._cluster.documents.v2()))
        group, version = (parts[2], parts[3]) if len(parts) == 4 else ("", parts[-1])
        found = self._cluster.documents.v3(group, version)
        if found is None:
            return _no_page()
        return _tagged(request, Reply(200, found))

    async def _watch(self, request: Request, target: Target, resource: Resource, receive: Receive, send: Send) -> None:
        view = View(request, resource, self._cluster.now)
        options = requests.list_options(request, resource, target.name)
        storage = self._cluster.storage_of(resource)
        start = {"type": "http.response.start", "status": 200}
        await_end = asyncio.ensure_future(_disconnected(receive))
        try:
            first, watcher = self._cluster.hub.open(storage, target.namespace or None, options)
        except errors.Expired as err:
            await send({**start, "headers": [(b"content-type", b"application/json")]})
            await send({"type": "http.response.body", "body": view.event(Event("ERROR", err.status()))})
            await_end.cancel()
            return
        except errors.StatusError:
            await_end.cancel()
            raise
        try:
            await send({**start, "headers": [(b"content-type", b"application/json")]})
            lines = b"".join(view.event(event) for event in first)
            await send({"type": "http.response.body", "body": lines, "more_body": True})
            timeout = options.timeout or random.uniform(1800, 3600)  # noqa: S311 - spreads reconnects, no secret
            await self._stream(view, watcher.queue, send, await_end, timeout, bookmarks=options.bookmarks)
        finally:
            self._cluster.hub.close(storage, watcher)
            await_end.cancel()

    async def _stream(
        self,
        view: View,
        queue: asyncio.Queue[Event | None],
        send: Send,
        gone: asyncio.Future[None],
        timeout: float,
        *,
        bookmarks: bool,
    ) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout
        while not gone.done():
            event = await _next(queue, gone, min(end - loop.time(), BOOKMARK_EVERY))
            if event is _ENDED:
                break
            if event is None:
                if bookmarks:
                    line = view.event(self._cluster.hub.bookmark())
                    await send({"type": "http.response.body", "body": line, "more_body": True})
                if loop.time() >= end:
                    break
                continue
            events: list[Event | None] = [event]
            while not queue.empty() and events[-1] is not None:
                events.append(queue.get_nowait())
            lines = b"".join(view.event(each) for each in events if each is not None)
            await send({"type": "http.response.body", "body": lines, "more_body": True})
            if events[-1] is None:
                break
        if not gone.done():
            await send({"type": "http.response.body", "body": b""})


_ENDED = Event("", {})


async def _next(queue: asyncio.Queue[Event | None], gone: asyncio.Future[None], timeout: float) -> Event | None:
    """Returns the next event, None after the timeout, and _ENDED when the watch is over."""
    if not queue.empty():
        return queue.get_nowait() or _ENDED
    getter = asyncio.ensure_future(queue.get())
    both: set[asyncio.Future[Any]] = {getter, gone}
    done, _ = await asyncio.wait(both, timeout=max(timeout, 0.0), return_when=asyncio.FIRST_COMPLETED)
    if getter in done:
        return getter.result() or _ENDED
    getter.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await getter
    return _ENDED if gone in done else None


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _body(receive: Receive) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b"".join(chunks)
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > requests.MAX_BODY:
            text = f"Request entity too large: limit is {requests.MAX_BODY}"
            raise errors.StatusError(413, "RequestEntityTooLarge", text)
        if not message.get("more_body"):
            return b"".join(chunks)


def _no_page() -> Reply:
    return Reply(404, b"404 page not found\n", "text/plain; charset=utf-8")


def _tagged(request: Request, answer: Reply) -> Reply:
    answer.headers["ETag"] = discovery.etag(answer.body)
    if request.headers.get("if-none-match") == answer.headers["ETag"]:
        return Reply(304, b"", answer.content_type, answer.headers)
    return replies.packed(request, answer)


async def _send(send: Send, request: Request, answer: Reply) -> None:
    headers = [(b"content-type", answer.content_type.encode()), (b"content-length", str(len(answer.body)).encode())]
    headers += [(name.lower().encode(), value.encode()) for name, value in answer.headers.items()]
    for line in dict.fromkeys(request.warnings):
        escaped = line.replace("\\", "\\\\").replace('"', '\\"')
        headers.append((b"warning", f'299 - "{escaped}"'.encode("latin-1", "replace")))
    await send({"type": "http.response.start", "status": answer.code, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else answer.body})
