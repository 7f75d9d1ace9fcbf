"""Connections that cannot be held for nothing: limits for slow senders, slow readers, endless heads and their number.

uvicorn has limits for idle connections only. What is cut here is cut at once and without an answer, for whoever is
that slow does not read one. Called by `server.run`.
"""

from __future__ import annotations

import asyncio
import typing as t

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

REQUEST_SECONDS = 30.0
"""From the connection, or the first byte of a further request, to the last byte of that request."""
LONGEST_HEAD = 64 << 10
"""Bytes of request line and headers; what comes in one piece may be longer."""
STALL_SECONDS = 15.0
"""A reader is looked at so often while an answer waits for it."""
SLOWEST_BYTES = 16 << 10
"""Bytes of the answer that must have gone in that time."""
MOST_CONNECTIONS = 1000
ABORT: t.Final = "lynceus.abort"
"""Extension of the ASGI scope: a function that cuts the connection without sending what still waits."""


class GuardedProtocol(HttpToolsProtocol):
    """uvicorn's protocol for one connection, with deadlines."""

    _reading: asyncio.TimerHandle | None = None
    _writing: asyncio.TimerHandle | None = None
    _in_head = False
    _head = 0
    _unsent = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, unless there are too many."""
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS:
            transport.abort()
        else:
            self._reading = self.loop.call_later(REQUEST_SECONDS, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """End all timers."""
        self._stop_reading()
        self._stop_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Cut a connection whose head has no end."""
        super().data_received(data)
        if self._in_head:
            self._head += len(data)
            if self._head > LONGEST_HEAD:
                self.transport.abort()

    def on_message_begin(self) -> None:
        """Start the deadline of a request."""
        super().on_message_begin()
        self._in_head, self._head = True, 0
        t.cast("dict[str, t.Any]", self.scope)["extensions"] = {ABORT: self.transport.abort}
        if self._reading is None:
            self._reading = self.loop.call_later(REQUEST_SECONDS, self.transport.abort)

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is whole: its deadline is met."""
        self._stop_reading()
        super().on_message_complete()

    def pause_writing(self) -> None:
        """An answer waits for its reader."""
        super().pause_writing()
        self._stop_writing()
        self._unsent = self.transport.get_write_buffer_size()
        self._writing = self.loop.call_later(STALL_SECONDS, self._look)

    def resume_writing(self) -> None:
        """The reader has caught up."""
        self._stop_writing()
        super().resume_writing()

    def _look(self) -> None:
        """Cut the connection unless its reader took something of the answer."""
        left = self.transport.get_write_buffer_size()
        if left > self._unsent - SLOWEST_BYTES:
            self.transport.abort()
            return
        self._unsent = left
        self._writing = self.loop.call_later(STALL_SECONDS, self._look)

    def _stop_reading(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def _stop_writing(self) -> None:
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None
