"""GET /metrics: one exposition is made at a time, shared by all who came before it began, and sent in pieces.

However many scrape at once, and however slowly they read, the loop, the probes and the other scrapers go on. Called by
`server.app`.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import typing as t
import urllib.parse

from exporter import Exporter
from server.connections import ABORT

log = logging.getLogger(__name__)

PIECE = 64 << 10
"""Bytes that are handed to a connection at a time; the rest waits in the one copy that all share."""
SEND_SECONDS = 60.0
"""For a whole answer; Prometheus waits 10 seconds by default."""
MOST_SCRAPES = 16
"""At one time, an older one gives way; also expositions that wait, which are made even when nobody does any more."""
SETTLED_SECONDS = 5.0
"""A scrape that is younger does not give way: it may be one that reads well."""

NOTICE_SECONDS = 0.1
"""Until uvicorn knows that a connection is gone; without it, it would log that the answer has no end."""

Answer = tuple[bytes, list[tuple[str, str]]]
Key = tuple[str, str, tuple[str, ...]]
Send = t.Callable[[t.MutableMapping[str, t.Any]], t.Awaitable[None]]


class Scrapes:
    """All scrapes of one port."""

    def __init__(self, exporter: Exporter) -> None:
        self._exporter = exporter
        self._thread = concurrent.futures.ThreadPoolExecutor(1, "scrape")
        self._busy: asyncio.Lock | None = None
        self._waiting: dict[Key, asyncio.Task[Answer]] = {}
        self._open: dict[int, tuple[float, t.Callable[[], object]]] = {}
        """Scrapes that are being answered, oldest first: since when, and how to end each."""
        self._count = 0

    async def serve(self, scope: t.Mapping[str, t.Any], send: Send) -> None:
        """Answer one scrape; name[] chooses families, as with other exporters."""
        loop = asyncio.get_running_loop()
        if not self._has_room(loop.time()):
            await _send(scope, send, 503, b"too many scrapes at one time\n", _TEXT)
            return
        self._count += 1
        mine = self._count
        abort = scope.get("extensions", {}).get(ABORT, _nothing)
        self._open[mine] = loop.time(), abort
        try:
            async with asyncio.timeout(SEND_SECONDS):
                status, body, headers = await self._answer(scope)
                await _send(scope, send, status, body, headers)
        except TimeoutError:
            abort()
            await asyncio.sleep(NOTICE_SECONDS)
        finally:
            self._open.pop(mine, None)

    async def _answer(self, scope: t.Mapping[str, t.Any]) -> tuple[int, bytes, list[tuple[str, str]]]:
        try:
            return 200, *await self._fresh(_key(scope))
        except Exception as failure:  # noqa: BLE001 - a defect of the exporter is no reason for a traceback to anybody
            log.error("a scrape failed", extra={"error": type(failure).__name__})
            return 500, b"internal error\n", _TEXT

    def _has_room(self, now: float) -> bool:
        """Say whether one more may be answered, ending the oldest for it if need be."""
        if len(self._waiting) >= MOST_SCRAPES:
            return False
        if len(self._open) < MOST_SCRAPES:
            return True
        oldest, (since, abort) = next(iter(self._open.items()))
        if now < since + SETTLED_SECONDS:
            return False
        del self._open[oldest]
        abort()
        return True

    async def _fresh(self, key: Key) -> Answer:
        """Return an exposition that was begun after now."""
        task = self._waiting.get(key)
        if task is None:
            task = self._waiting[key] = asyncio.create_task(self._make(key))
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(task)

    async def _make(self, key: Key) -> Answer:
        """Make the exposition for all who wait for it; who comes from now on waits for the next one."""
        self._busy = self._busy or asyncio.Lock()
        async with self._busy:
            del self._waiting[key]
            accept, encoding, names = key
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._thread, self._exporter.exposition, accept, encoding, list(names))


_TEXT = [("Content-Type", "text/plain; charset=utf-8")]


def _key(scope: t.Mapping[str, t.Any]) -> Key:
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    query = urllib.parse.parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=200)
    return headers.get(b"accept", ""), headers.get(b"accept-encoding", ""), tuple(query.get("name[]", ()))


async def _send(
    scope: t.Mapping[str, t.Any], send: Send, status: int, body: bytes, headers: t.Iterable[tuple[str, str]]
) -> None:
    """Send an answer piece by piece; each waits until the reader has taken most of the one before."""
    head = [(name.lower().encode("ascii"), value.encode("latin-1")) for name, value in headers]
    head.append((b"content-length", str(len(body)).encode("ascii")))
    await send({"type": "http.response.start", "status": status, "headers": head})
    view = memoryview(b"" if scope["method"] == "HEAD" else body)
    for start in range(0, len(view), PIECE):
        piece = bytes(view[start : start + PIECE])
        await send({"type": "http.response.body", "body": piece, "more_body": start + PIECE < len(view)})
    if not view:
        await send({"type": "http.response.body", "body": b""})


def _nothing() -> None:
    """Stand in where the server cannot cut connections."""
