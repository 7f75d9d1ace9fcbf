"""The endpoint itself: reads a bounded body within a deadline, asks the provider, answers at once.

Whoever may not send here learns it before the body is read, where that is possible. Called by `server.app`.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import json
import logging
import typing as t

from model.errors import InvalidInput, LynceusError
from model.events import WebhookMoved
from model.secrets import WebhookSecrets
from server.parts import Parts
from server.webhook.dispatch import Dispatcher
from server.webhook.providers import ForgeryError, Headers, Provider, recognise

log = logging.getLogger(__name__)

PATH: t.Final = "/api/webhook"
LARGEST_BODY = 1 << 20
"""Bytes, unless argocd-cm has webhook.maxPayloadSizeMB; a push of a hundred commits has a tenth."""
READ_SECONDS = 10.0
"""For the whole body."""
MOST_REQUESTS = 256
"""Webhooks that are being received at one time."""
MOST_BYTES = 64 << 20
"""Bytes of all bodies at one time."""
WORKERS = 2
"""Threads that check signatures and read JSON."""
LINGER_SECONDS, LINGER_BYTES = 5.0, 32 << 20
"""A sender that is refused is heard out for so long, unless it ends before: only then it reads the answer."""
RETRY_SECONDS = 5
TELL_SECONDS = 10.0
"""Refused proofs are logged so seldom at most, with their number."""

Message = t.MutableMapping[str, t.Any]
Receive = t.Callable[[], t.Awaitable[Message]]
Send = t.Callable[[Message], t.Awaitable[None]]

_OUTCOMES: t.Final = {
    "queued": (202, "push received"),
    "repeated": (200, "this push was received already"),
    "unknown": (200, "ignored: no Application uses this repository"),
    "full": (503, "too many pushes wait, come back later"),
}


class Refusal(Exception):  # noqa: N818 - an answer, not a defect
    """An answer that is not 2xx."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class _Incoming:
    """The body as it comes in."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.open = True
        """There may be more of it."""

    async def next(self) -> bytes:
        """Return the next piece; raises Refusal when the sender went away."""
        message = await self._receive()
        self.open = message["type"] == "http.request" and bool(message.get("more_body", False))
        if message["type"] != "http.request":
            raise Refusal(400, "the request was not finished")
        return bytes(message.get("body", b""))


class Answer(t.NamedTuple):
    """What is answered."""

    status: int
    text: str
    repo: str = ""
    """The repository, where an Application uses it."""


class Webhook:
    """The ASGI handler of POST /api/webhook."""

    def __init__(self, parts: Parts, secrets: t.Callable[[], WebhookSecrets]) -> None:
        self._parts, self._secrets = parts, secrets
        self._dispatcher = Dispatcher(parts.applications, parts.refresh_pushed, parts.publish, parts.clock)
        self._threads = concurrent.futures.ThreadPoolExecutor(WORKERS, "webhook")
        self._requests = self._bytes = self._refused = 0
        self._told_at = float("-inf")

    async def __call__(self, scope: t.Mapping[str, t.Any], receive: Receive, send: Send) -> None:
        """Serve one request."""
        self._parts.publish(WebhookMoved(ended=False))
        self._requests += 1
        answer, incoming = Answer(400, "the request was not finished"), _Incoming(receive)
        try:
            answer = await self._answer(scope, incoming)
            await _send(send, answer, incoming)
        finally:
            self._requests -= 1
            self._parts.publish(WebhookMoved(ended=True, repo=answer.repo, status=answer.status))

    async def _answer(self, scope: t.Mapping[str, t.Any], incoming: _Incoming) -> Answer:
        try:
            return await self._take(scope, incoming)
        except Refusal as refusal:
            return Answer(refusal.status, str(refusal))
        except InvalidInput as failure:
            return Answer(400, str(failure))
        except LynceusError:
            return Answer(503, "the webhook secrets cannot be read now")
        except Exception as failure:  # noqa: BLE001 - whatever a payload brings about, the receiver goes on
            log.error("a webhook failed", extra={"error": type(failure).__name__})
            return Answer(400, "the payload could not be understood")

    async def _take(self, scope: t.Mapping[str, t.Any], incoming: _Incoming) -> Answer:
        if self._requests > MOST_REQUESTS:
            raise Refusal(503, "too many webhooks at one time")
        headers = Headers(scope["headers"])
        provider = _admitted(scope["method"], headers)
        limit = (self._parts.webhook_megabytes() << 20) or LARGEST_BODY
        _check_length(headers, limit)
        loop = asyncio.get_running_loop()
        secrets = await loop.run_in_executor(self._threads, self._secrets)
        if not provider.on(secrets):
            raise Refusal(404, f"webhooks of {provider.name} are off: the Secret argocd-secret has no {provider.keys}")
        body = bytearray()
        try:
            await self._read(incoming, body, limit)
            return await loop.run_in_executor(self._threads, self._judge, provider, headers, bytes(body), secrets)
        finally:
            self._bytes -= len(body)

    async def _read(self, incoming: _Incoming, body: bytearray, limit: int) -> None:
        """Fill `body`; raises Refusal when it is too large, too slow or cut off."""
        try:
            async with asyncio.timeout(READ_SECONDS):
                while incoming.open:
                    piece = await incoming.next()
                    if len(body) + len(piece) > limit:
                        raise _too_large(limit)
                    if self._bytes + len(piece) > MOST_BYTES:
                        raise Refusal(503, "too many webhooks at one time")
                    body += piece
                    self._bytes += len(piece)
        except TimeoutError:
            incoming.open = False
            raise Refusal(408, f"the body did not arrive within {READ_SECONDS:g} seconds") from None

    def _judge(self, provider: Provider, headers: Headers, body: bytes, secrets: WebhookSecrets) -> Answer:
        """Check and read a whole request; runs in a thread."""
        try:
            push = provider.take(headers, body, secrets)
        except ForgeryError:
            self._tell_refused(provider)
            raise Refusal(400, f"signature, token or password of {provider.name} are missing or wrong") from None
        if push is None:
            return Answer(200, "ignored: not a push")
        outcome, repo = self._dispatcher.offer(push)
        status, text = _OUTCOMES[outcome]
        return Answer(status, text, repo)

    def _tell_refused(self, provider: Provider) -> None:
        """Log that proofs were wrong, but not each of a flood."""
        self._refused += 1
        now = self._parts.clock.monotonic()
        if now >= self._told_at + TELL_SECONDS:
            log.warning("webhook refused: not proven", extra={"provider": provider.name, "count": self._refused})
            self._told_at, self._refused = now, 0


def _admitted(method: str, headers: Headers) -> Provider:
    """Return who sends; raises Refusal for what no Git server sends."""
    if method != "POST":
        raise Refusal(405, "a webhook is a POST")
    if headers.one("content-type").partition(";")[0].strip().lower() != "application/json":
        raise Refusal(415, "a webhook needs Content-Type: application/json; choose JSON in the Git server's settings")
    if headers.one("content-encoding").lower() not in ("", "identity"):
        raise Refusal(415, "a packed body is not taken")
    provider = recognise(headers)
    if provider is None:
        raise Refusal(400, "no header of a known Git server: this endpoint takes pushes of Git repositories only")
    return provider


def _check_length(headers: Headers, limit: int) -> None:
    """Refuse a body that says of itself that it is too large."""
    length = headers.one("content-length")
    if length.isascii() and length.isdigit() and (len(length) > 18 or int(length) > limit):
        raise _too_large(limit)


def _too_large(limit: int) -> Refusal:
    return Refusal(413, f"the body is larger than {limit >> 20} MiB; see webhook.maxPayloadSizeMB in argocd-cm")


async def _send(send: Send, answer: Answer, incoming: _Incoming) -> None:
    """Answer with one line of JSON; after a refusal the connection is closed, for the body may not have been read."""
    good = answer.status < 300
    body = json.dumps({"message" if good else "error": answer.text, "code": answer.status}).encode() + b"\n"
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode("ascii")),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    headers += [] if good else [(b"connection", b"close")]
    headers += [(b"allow", b"POST")] if answer.status == 405 else []
    headers += [(b"retry-after", str(RETRY_SECONDS).encode("ascii"))] if answer.status == 503 else []
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": incoming.open})
    if incoming.open:
        await _hear_out(incoming)
        await send({"type": "http.response.body", "body": b""})


async def _hear_out(incoming: _Incoming) -> None:
    """Read and drop what is still sent: a connection that is closed before takes the answer with it."""
    left = LINGER_BYTES
    with contextlib.suppress(Refusal, TimeoutError):
        async with asyncio.timeout(LINGER_SECONDS):
            while incoming.open and left > 0:
                left -= len(await incoming.next())
