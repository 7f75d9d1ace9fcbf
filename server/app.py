"""The ASGI application: metrics and probes as small handlers, everything else through the API's default deny.

The three public paths are served without touching Flask or its threads, so that neither a busy API nor a slow scraper
keeps a probe waiting.
"""

from __future__ import annotations

import asyncio
import typing as t

from a2wsgi import WSGIMiddleware

from server.api import create_api
from server.parts import Parts
from server.scrape import Scrapes
from server.webhook.receive import PATH, Webhook

METRICS: t.Final = "/metrics"
PUBLIC: t.Final = ("/healthz", "/readyz", METRICS)
"""The paths that anybody may read; beside them only the webhook takes no token, for it has proofs of its own."""
WORKERS = 8
"""Threads of the API."""

Scope = t.MutableMapping[str, t.Any]
Message = t.MutableMapping[str, t.Any]
Receive = t.Callable[[], t.Awaitable[Message]]
Send = t.Callable[[Message], t.Awaitable[None]]
App = t.Callable[[Scope, Receive, Send], t.Awaitable[None]]


class Response(t.NamedTuple):
    """What a small handler answers."""

    status: int
    body: bytes
    headers: list[tuple[str, str]]


def create_app(parts: Parts, *, api: bool = True) -> App:
    """Return the ASGI application.

    Args:
        parts: what the rest of the house gives.
        api: False leaves out /api, for a port that is open to scrapers only.
    """
    behind: App | None = None
    if api:
        wsgi = t.cast("t.Any", create_api(parts).wsgi_app)  # the two packages spell WSGI's types differently
        behind = t.cast("App", WSGIMiddleware(wsgi, workers=WORKERS))
    scrapes = Scrapes(parts.exporter)
    webhook: App | None = None
    if api and parts.webhook_secrets is not None:
        webhook = Webhook(parts, parts.webhook_secrets)
    public: dict[str, t.Callable[[Scope], Response]] = {
        "/healthz": lambda scope: _probe(parts.healthy, "no progress"),
        "/readyz": lambda scope: _probe(parts.ready, "not ready"),
        METRICS: lambda scope: _text(405, "method not allowed"),
    }

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
        elif scope["path"] == METRICS and scope["method"] in ("GET", "HEAD"):
            await scrapes.serve(scope, send)
        elif (handler := public.get(scope["path"])) is not None:
            await _answer(scope, send, await _handled(handler, scope))
        elif webhook is not None and scope["path"] == PATH:
            await webhook(scope, receive, send)
        elif behind is not None:
            await behind(scope, receive, send)
        else:
            await _answer(scope, send, _text(404, "not found"))

    return app


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _handled(handler: t.Callable[[Scope], Response], scope: Scope) -> Response:
    """Run a handler in a thread: a question to the loop must not hold up the other connections."""
    if scope["method"] not in ("GET", "HEAD"):
        return Response(405, b"method not allowed\n", [("Allow", "GET, HEAD"), *_TEXT])
    return await asyncio.to_thread(handler, scope)


_TEXT = [("Content-Type", "text/plain; charset=utf-8")]


def _text(status: int, text: str) -> Response:
    return Response(status, f"{text}\n".encode(), _TEXT)


def _probe(good: t.Callable[[], bool], otherwise: str) -> Response:
    return _text(200, "ok") if good() else _text(503, otherwise)


async def _answer(scope: Scope, send: Send, response: Response) -> None:
    head = [(name.lower().encode("ascii"), value.encode("latin-1")) for name, value in response.headers]
    head.append((b"content-length", str(len(response.body)).encode("ascii")))
    await send({"type": "http.response.start", "status": response.status, "headers": head})
    body = b"" if scope["method"] == "HEAD" else response.body
    await send({"type": "http.response.body", "body": body})
