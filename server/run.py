"""uvicorn in a thread of this process. Loopback unless told otherwise; ends within a deadline."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading

import uvicorn

from model.errors import InvalidSettings
from server.app import App
from server.connections import GuardedProtocol

BACKLOG = 128
UNSENT_BYTES = 256 << 10
"""Of each connection in the kernel; with its four megabytes nobody would see for long that a reader has stalled."""
START_SECONDS = 10.0
TICK_SECONDS = 0.5


class _QuietServer(uvicorn.Server):
    """uvicorn that ticks twice a second; its ten times are much of what an idle process costs."""

    _loop: asyncio.AbstractEventLoop | None = None
    _ending: asyncio.Event | None = None

    async def main_loop(self) -> None:
        """Tick until the end is asked for. Each tick is uvicorn's tenth, the one that renews the Date header."""
        self._loop, self._ending = asyncio.get_running_loop(), asyncio.Event()
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), TICK_SECONDS)

    def end(self) -> None:
        """Ask for the end; from any thread."""
        self.should_exit = True
        if self._loop is not None and self._ending is not None:
            with contextlib.suppress(RuntimeError):  # the event loop is closed: it has ended
                self._loop.call_soon_threadsafe(self._ending.set)


class Server:
    """One listening socket that serves one ASGI application."""

    def __init__(self, app: App, host: str = "127.0.0.1", port: int = 0) -> None:
        """Prepare; nothing listens before `start`.

        Args:
            app: from `server.app.create_app`.
            host: the address to bind; the default reaches this machine only.
            port: 0 takes a free one, see `port` after `start`.
        """
        self._host, self._wanted = host, port
        config = uvicorn.Config(
            app,
            http=GuardedProtocol,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=2,
            timeout_keep_alive=75,
            lifespan="off",
        )
        self._server = _QuietServer(config)
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port that is bound; the wanted one before `start`."""
        return int(self._socket.getsockname()[1]) if self._socket else self._wanted

    @property
    def url(self) -> str:
        """http://HOST:PORT."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self.port}"

    def start(self) -> None:
        """Bind and serve; returns once requests are taken.

        Raises:
            InvalidSettings: the address cannot be bound.
        """
        try:
            family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
            self._socket = socket.create_server((self._host, self._wanted), family=family, backlog=BACKLOG)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, UNSENT_BYTES)
        except OSError as failure:
            found = failure.strerror or type(failure).__name__
            raise InvalidSettings("listen address", f"{self._host}:{self._wanted}", found, "a free address") from None
        started = threading.Event()
        self._thread = threading.Thread(target=self._serve, args=(started,), name="lynceus-http", daemon=True)
        self._thread.start()
        started.wait(START_SECONDS)

    def _serve(self, started: threading.Event) -> None:
        original = self._server.startup

        async def startup(sockets: list[socket.socket] | None = None) -> None:
            await original(sockets=sockets)
            started.set()

        self._server.startup = startup  # type: ignore[method-assign]
        self._server.run(sockets=[self._socket] if self._socket else None)

    def stop(self, timeout: float = 5.0) -> None:
        """Stop taking requests and end; waits `timeout` seconds at most for those under way."""
        self._server.end()
        if self._thread:
            self._thread.join(timeout)
            self._server.force_exit = True
        if self._socket:
            self._socket.close()
            self._socket = None
