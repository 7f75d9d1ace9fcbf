"""Starting and stopping an embedded cluster: one thread with the API server, others with the simulated controllers.

`lynceus sandbox`, `lynceus demo` and the tests use `Sandbox`; nothing else in this package is meant for them.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import logging
import secrets
import socket
import threading
from pathlib import Path
from types import TracebackType

import uvicorn

from sandbox import bootstrap, identity
from sandbox.cluster import Cluster
from sandbox.inprocess import Api
from sandbox.serving import Application
from sandbox.simulate import Simulation

STOP_WITHIN = 10.0
"""Seconds that a stop may take."""


class Sandbox:
    """An embedded cluster.

    Args:
        host: A loopback address.
        port: 0 for any free one.
        directory: Where the kubeconfig and the certificate are written; made when it is missing.
        simulate: Whether the usual controllers run, so that Deployments get pods and namespaces get cleared.
    """

    def __init__(
        self, host: str = "127.0.0.1", port: int = 0, directory: Path = Path(), *, simulate: bool = True
    ) -> None:
        if not ipaddress.ip_address(host).is_loopback:
            raise ValueError(f"the embedded cluster listens on loopback only, not on {host}: use 127.0.0.1 or ::1")
        self._host = host
        self._port = port
        self._directory = directory
        self._simulate = simulate
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self._simulation: Simulation | None = None
        self.token = secrets.token_urlsafe(32)
        self.url = ""
        self.kubeconfig = directory / "kubeconfig"
        self.ca = directory / "apiserver.crt"
        self.cluster = Cluster()

    def start(self) -> None:
        """Starts serving; when it returns, requests are answered.

        Raises:
            OSError: The port is taken.
        """
        self._directory.mkdir(parents=True, exist_ok=True)
        listener = self._listen()
        port = listener.getsockname()[1]
        shown = f"[{self._host}]" if ":" in self._host else self._host
        self.url = f"https://{shown}:{port}"
        certificate, key = identity.certificate(self._directory, self._host, dt.datetime.now(dt.UTC))  # noqa: TID251
        identity.write_kubeconfig(self.kubeconfig, url=self.url, ca=certificate, token=self.token)
        application = Application(self.cluster, self.token)
        application.address = f"{shown}:{port}"
        bootstrap.fill(Api(self.cluster), port=port)
        if self._simulate:
            self._simulation = Simulation(Api(self.cluster))
            self._simulation.start()
        self._serve(application, listener, certificate, key)

    def _listen(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((self._host, self._port))
        except OSError:
            listener.close()
            raise
        listener.listen(512)
        return listener

    def _serve(self, application: Application, listener: socket.socket, certificate: Path, key: Path) -> None:
        config = uvicorn.Config(
            application,
            ssl_certfile=str(certificate),
            ssl_keyfile=str(key),
            lifespan="off",
            log_config=None,
            log_level=logging.CRITICAL,
            access_log=False,
            server_header=False,
            timeout_keep_alive=90,
            timeout_graceful_shutdown=2,
        )
        self._server = uvicorn.Server(config)
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(listener, ready), name="sandbox-apiserver", daemon=True)
        self._thread.start()
        ready.wait(STOP_WITHIN)

    def _run(self, listener: socket.socket, ready: threading.Event) -> None:
        assert self._server is not None
        server = self._server
        with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
            ready.set()
            runner.run(_serve_and_abort(server, listener))
        listener.close()

    def stop(self) -> None:
        """Stops the controllers, ends the watches and closes the port; a second call does nothing."""
        if self._simulation is not None:
            self._simulation.stop()
            self._simulation = None
        if self._server is not None and self._thread is not None:
            self.cluster.hub.shut()
            self._server.should_exit = True
            self._thread.join(STOP_WITHIN)
            self._server = None

    def __enter__(self) -> Sandbox:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


async def _serve_and_abort(server: uvicorn.Server, listener: socket.socket) -> None:
    """Serve until the end is asked for, then cut what is still open: a peer that says no goodbye holds up nobody."""
    await server.serve(sockets=[listener])
    for connection in list(server.server_state.connections):
        transport = getattr(connection, "transport", None)
        if transport is not None:
            transport.abort()
    await asyncio.sleep(0)
    await asyncio.sleep(0.01)
