"""uvicorn in a thread of this process. Loopback unless told otherwise; ends within a deadline."""

from __future__ import annotations

import asyncio
import socket
import threading

import uvicorn

from model.errors import InvalidSettings
from server.app import App

BACKLOG = 128
START_SECONDS = 10.0
TICK_SECONDS = 0.5


class _QuietServer(uvicorn.Server):
    """uvicorn that looks twice a second whether it should end; its ten times are much of what an idle process costs."""

    async def main_loop(self) -> None:
        """Tick until the end is asked for. Each tick is uvicorn's tenth, the one that renews the Date header."""
        while not await self.on_tick(0):
            await asyncio.sleep(TICK_SECONDS)


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
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=2,
            timeout_keep_alive=75,
            h11_max_incomplete_event_size=64 * 1024,
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
        self._server.should_exit = True
        if self._thread:
            self._thread.join(timeout)
            self._server.force_exit = True
        if self._socket:
            self._socket.close()
            self._socket = None
