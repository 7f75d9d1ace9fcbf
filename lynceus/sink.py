"""Lines to a stream or a file by a thread of their own: whoever hands a line over never waits for its reader.

A full pipe, a stopped terminal or a full disk would otherwise stop every thread that has something to say. What does
not fit into the queue is dropped, newest first, counted, and said in the stream as soon as it takes lines again. No
formatting happens here. Called by lynceus.logs and lynceus.audit.
"""

from __future__ import annotations

import atexit
import collections
import contextlib
import os
import select
import threading
import time
import typing as t
import weakref

MOST_LINES: t.Final = 10_000
"""Lines that may wait: some minutes of a busy loop."""
MOST_CHARACTERS: t.Final = 8_000_000
"""Of all lines that wait."""
RESERVED: t.Final = 0.1
"""Share of the queue that ordinary lines leave to urgent ones."""
TOGETHER: t.Final = 200
"""Lines that are written in one go."""
FLUSH_SECONDS: t.Final = 2.0
"""How long the end of the process waits for what is in the queue."""
LOOK_SECONDS: t.Final = 0.5
"""How often it is looked whether lines were lost, and whether a stopped reader goes on."""


class Target(t.Protocol):
    """Where lines go."""

    def write(self, text: str) -> None:
        """Write all of the text; may block for ever; raises OSError when it cannot be written."""
        ...


class Descriptor:
    """A file descriptor of our own, written without Python's locks: one that blocks holds up nobody else.

    Two sinks may share it; neither writes into the lines of the other.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = os.dup(descriptor)
        self.forked()
        _DESCRIPTORS.add(self)

    def forked(self) -> None:
        """Begin anew in a child process: a thread that held the lock is the parent's."""
        self._lock = threading.Lock()

    def write(self, text: str) -> None:
        """Write all of it; others may have made the pipe a non-blocking one."""
        data = memoryview(text.encode("utf-8", "backslashreplace"))
        with self._lock:
            while data:
                try:
                    data = data[os.write(self._descriptor, data) :]
                except BlockingIOError:
                    self.wait(self._descriptor)

    @staticmethod
    def wait(descriptor: int) -> None:
        """Wait a little until a descriptor can be written to."""
        select.select([], [descriptor], [], LOOK_SECONDS)


class Stream:
    """A text stream without a file descriptor, for example one in memory."""

    def __init__(self, stream: t.TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def write(self, text: str) -> None:
        """Write all of it."""
        with self._lock:
            self._stream.write(text)
            self._stream.flush()


def target_of(stream: t.TextIO) -> Target:
    """Return the target for a text stream."""
    try:
        return Descriptor(stream.fileno())
    except (OSError, ValueError, AttributeError):
        return Stream(stream)


class Sink:
    """A bounded queue of lines and the thread that writes them, in order."""

    def __init__(self, target: Target, notice: t.Callable[[int], str], name: str) -> None:
        """Prepare; the thread starts with the first line.

        Args:
            target: where lines go.
            notice: makes the line that says how many were lost at its place.
            name: of the thread.
        """
        self._target, self._notice, self._name = target, notice, name
        self.dropped = 0
        """Lines given up so far, those that could not be written included."""
        self.lost = threading.Event()
        """Set when lines were given up; whoever reports them clears it."""
        self._begin()
        _SINKS.add(self)

    def _begin(self) -> None:
        self._lines: collections.deque[tuple[str, int]] = collections.deque()
        """Each with the number of lost lines that it tells of; 0 for what was handed over."""
        self._characters = self._unsaid = self._writing = 0
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None

    def put(self, line: str, *, urgent: bool = True) -> bool:
        """Queue a line, without its end; False when there was no room for it.

        Args:
            line: the text.
            urgent: False leaves the last tenth of the queue to others.
        """
        share = 1.0 if urgent else 1.0 - RESERVED
        with self._wake:
            room = len(self._lines) < MOST_LINES * share and self._characters + len(line) <= MOST_CHARACTERS * share
            if room:
                self._say_lost()
                self._append(line, 0)
                self._wake.notify_all()
                self._start()
            else:
                self._unsaid += 1
                self.dropped += 1
        if not room:
            self.lost.set()
        return room

    def drop(self) -> None:
        """Count a line that could not be made."""
        with self._wake:
            self._unsaid += 1
            self.dropped += 1
        self.lost.set()

    def flush(self, timeout: float = FLUSH_SECONDS) -> bool:
        """Wait until all lines are written, `timeout` seconds at most; says whether they are."""
        with self._wake:
            self._say_lost()
            if self._lines:
                self._start()
            self._wake.notify_all()
            timeout = 0 if _ENDING.is_set() else timeout
            return self._wake.wait_for(lambda: not self._lines and not self._writing, timeout)

    def forked(self) -> None:
        """Begin anew in a child process: the lines that waited are the parent's."""
        self._begin()

    def _append(self, line: str, tells: int) -> None:
        self._lines.append((line, tells))
        self._characters += len(line)

    def _say_lost(self) -> None:
        """Say at this place in the stream how many lines are missing."""
        if self._unsaid:
            self._append(self._notice(self._unsaid), self._unsaid)
            self._unsaid = 0

    def _start(self) -> None:
        if self._thread is None:
            thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            with contextlib.suppress(RuntimeError):  # no thread to be had now: the next line tries again
                thread.start()
                self._thread = thread

    def _run(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._lines)
                lines = [self._lines.popleft() for _ in range(min(TOGETHER, len(self._lines)))]
                self._characters -= sum(len(line) for line, _ in lines)
                self._writing = len(lines)
            written = self._write([line for line, _ in lines])
            with self._wake:
                self._writing = 0
                if not written:
                    self.dropped += sum(not tells for _, tells in lines)
                    self._unsaid += sum(tells or 1 for _, tells in lines)
                elif not self._lines:
                    self._say_lost()
                self._wake.notify_all()
            if not written:
                self.lost.set()

    def _write(self, lines: list[str]) -> bool:
        try:
            self._target.write("\n".join(lines) + "\n")
        except Exception:  # noqa: BLE001 - whatever the target does, the thread goes on and the lines are counted
            return False
        return True


class Losses:
    """Tells how many lines were given up, from a thread of its own: the one who loses a line may hold any lock."""

    def __init__(self, tell: t.Callable[[str, int], None]) -> None:
        """Prepare.

        Args:
            tell: (name, number); called in steps of half a second while lines are lost.
        """
        self._tell = tell
        self._sinks: list[tuple[str, Sink, int]] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lynceus-losses", daemon=True)

    def watch(self, name: str, sink: Sink) -> None:
        """Also report the losses of a sink, those so far included; before `start`."""
        self._sinks.append((name, sink, 0))

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """End, after one last look."""
        self._stopping.set()
        self._look()

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            self._look()

    def _look(self) -> None:
        for place, (name, sink, told) in enumerate(self._sinks):
            if sink.lost.is_set():
                sink.lost.clear()
                now = sink.dropped
                self._sinks[place] = (name, sink, now)
                if now > told:
                    self._tell(name, now - told)


_SINKS: weakref.WeakSet[Sink] = weakref.WeakSet()
_DESCRIPTORS: weakref.WeakSet[Descriptor] = weakref.WeakSet()
_ENDING: t.Final = threading.Event()
"""Set when the end of the process has waited: `logging.shutdown`, which comes later, is not to wait once more."""


def flush_all(timeout: float = FLUSH_SECONDS) -> None:
    """Write what waits in all sinks, `timeout` seconds at most for all of them."""
    deadline = time.monotonic() + timeout
    for sink in list(_SINKS):
        with contextlib.suppress(RuntimeError):
            sink.flush(max(0.0, deadline - time.monotonic()))


def _end() -> None:
    flush_all()
    _ENDING.set()


def _forked() -> None:
    for descriptor in list(_DESCRIPTORS):
        descriptor.forked()
    for sink in list(_SINKS):
        sink.forked()


atexit.register(_end)
os.register_at_fork(after_in_child=_forked)
