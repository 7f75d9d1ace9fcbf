"""The cage: killable worker processes for work that may hang, crash or eat memory (Helm, Kustomize, large YAML).

A worker is a fresh Python (spawned, never forked) with an empty environment, no credentials, an address-space limit and
its own process group. A call that passes its deadline costs the worker its life, with all that it started; the next
call gets a new one. Workers start when they are first needed, stay warm, and die with this process.

Callers: `controller.sources`. What runs inside is `controller.cageworker` and the function that the call names.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import os
import queue
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
import typing as t
from pathlib import Path

import msgspec

from controller.clock import SystemClock

MEMORY_BYTES = 4 * 1024**3
"""Address space of a worker; Go reserves far more than it uses, and Helm's library alone maps 85 MB."""
TIMEOUT_SECONDS = 60.0
"""Wall clock of one call. Argo CD's execTimeout is 90 s; Argo CD's own manifests take Kustomize 2 s."""
MAX_REPLY_BYTES = 128 * 1024**2

_ROOT = str(Path(__file__).resolve().parent.parent)
_BOOT = "import sys; sys.path.insert(0, sys.argv[1]); from controller.cageworker import main; main()"


class CageError(Exception):
    """A call did not come back with a result.

    Args:
        kind: ``timeout`` (killed at the deadline), ``crashed`` (the worker ended) or ``failed`` (the function raised).
        message: one line; for timeout and crashed it reads on after a subject ("took longer than 60 s …").
    """

    def __init__(self, kind: t.Literal["timeout", "crashed", "failed"], message: str) -> None:
        super().__init__(message)
        self.kind, self.message = kind, message


class Cage:
    """A pool of workers; calls beyond their number wait their turn. Thread-safe."""

    def __init__(
        self, *, workers: int = 2, memory_bytes: int = MEMORY_BYTES, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        """Prepare a pool; no process is started yet.

        Args:
            workers: how many calls run at once.
            memory_bytes: address-space limit of each worker and its children.
            timeout_seconds: wall clock of a call that names none.
        """
        self._memory_bytes, self._timeout = memory_bytes, timeout_seconds
        self._idle: queue.LifoQueue[_Worker | None] = queue.LifoQueue()
        for _ in range(workers):
            self._idle.put(None)
        self._closed = threading.Event()
        self._live: set[_Worker] = set()
        # PR_SET_PDEATHSIG fires when the *thread* that started the child ends: one thread starts all and outlives them.
        self._starter = concurrent.futures.ThreadPoolExecutor(1, "cage-starter")

    def call(self, function: str, argument: t.Any, *, timeout: float | None = None) -> t.Any:
        """Run ``module:function`` on one argument in a worker and return its result.

        Args:
            function: for example ``controller.sources.helm_worker:render``; it takes one argument.
            argument: JSON values and bytes.
            timeout: seconds for the call itself, waiting for a free worker not counted.

        Raises:
            CageError: see there.
        """
        if self._closed.is_set():
            raise CageError("crashed", "was stopped, since Lynceus is shutting down")
        worker = self._idle.get()
        try:
            worker = worker or self._start()
            return worker.call(function, argument, self._timeout if timeout is None else timeout)
        finally:
            if worker is not None and worker.broken:
                self._live.discard(worker)
                worker.kill()
                worker = None
            self._idle.put(worker)

    def close(self) -> None:
        """Kill all workers; calls under way end with a CageError."""
        self._closed.set()
        for worker in list(self._live):
            worker.kill()
        self._live.clear()
        self._starter.shutdown(wait=False)

    def _start(self) -> _Worker:
        try:
            worker = self._starter.submit(_Worker, self._memory_bytes).result()
        except (RuntimeError, OSError) as failure:
            raise CageError("crashed", "could not be started in a process of its own") from failure
        self._live.add(worker)
        return worker


class _Worker:
    """One worker process and the pipes to it."""

    def __init__(self, memory_bytes: int) -> None:
        command = [sys.executable, "-I", "-c", _BOOT, _ROOT, str(memory_bytes), str(os.getpid())]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            cwd=tempfile.gettempdir(),
            start_new_session=True,
        )
        self.broken = False
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                os.set_blocking(stream.fileno(), False)

    def call(self, function: str, argument: t.Any, timeout: float) -> t.Any:
        """Send one request and wait for its reply; anything but a reply leaves the worker `broken`."""
        self.broken = True
        deadline = SystemClock().monotonic() + timeout
        body = msgspec.msgpack.encode([function, argument])
        try:
            self._write(len(body).to_bytes(8, "big") + body, deadline)
            size = int.from_bytes(self._read(8, deadline), "big")
            if size > MAX_REPLY_BYTES:
                raise CageError("crashed", f"made more than {MAX_REPLY_BYTES} bytes")
            ok, result = msgspec.msgpack.decode(self._read(size, deadline))
        except TimeoutError:
            raise CageError("timeout", f"took longer than {timeout:g} s and was stopped") from None
        except (OSError, EOFError):
            raise CageError("crashed", "ended its process: too much memory, or a crash") from None
        self.broken = False
        if not ok:
            raise CageError("failed", str(result))
        return result

    def kill(self) -> None:
        """Kill the worker with everything that it started, and collect it."""
        self.broken = True
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def _write(self, data: bytes, deadline: float) -> None:
        assert self._process.stdin is not None
        descriptor = self._process.stdin.fileno()
        view = memoryview(data)
        while view:
            _wait(descriptor, selectors.EVENT_WRITE, deadline)
            view = view[os.write(descriptor, view[: 1 << 16]) :]

    def _read(self, size: int, deadline: float) -> bytes:
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        data = bytearray()
        while len(data) < size:
            _wait(descriptor, selectors.EVENT_READ, deadline)
            chunk = os.read(descriptor, min(size - len(data), 1 << 20))
            if not chunk:
                raise EOFError
            data += chunk
        return bytes(data)


def _wait(descriptor: int, event: int, deadline: float) -> None:
    with selectors.PollSelector() as selector:
        selector.register(descriptor, event)
        if not selector.select(max(0.0, deadline - SystemClock().monotonic())):
            raise TimeoutError
