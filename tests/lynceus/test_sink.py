"""lynceus.sink: a reader who stops reading stops nobody, and what is lost is counted and said."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import typing as t
from collections.abc import Iterator

import pytest

from lynceus import sink as module
from lynceus.sink import Descriptor, Losses, Sink


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe; nobody reads it unless the test does."""
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


class Gate:
    """A target that blocks until it is opened, and can be made to fail."""

    def __init__(self) -> None:
        self.text, self.open, self.entered, self.broken = "", threading.Event(), threading.Event(), False

    def write(self, text: str) -> None:
        self.entered.set()
        self.open.wait(10)
        if self.broken:
            raise BrokenPipeError
        self.text += text

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()


def made(target: module.Target) -> Sink:
    return Sink(target, lambda number: f"lost {number}", "test-sink")


def test_lines_come_out_in_order(pipe: tuple[int, int]) -> None:
    """As they were put in, each on a line of its own."""
    sink = made(Descriptor(pipe[1]))
    for number in range(500):
        sink.put(f"line {number}")
    assert sink.flush()
    assert [f"line {number}" for number in range(500)] == os.read(pipe[0], 65536).decode().splitlines()


def test_a_full_pipe_keeps_nobody_waiting(pipe: tuple[int, int]) -> None:
    """A megabyte goes to a pipe of 64 kB that nobody reads; it comes whole once somebody does."""
    sink = made(Descriptor(pipe[1]))
    began = time.monotonic()
    for number in range(1000):
        assert sink.put(f"{number:01024}")
    assert not sink.flush(0.05)
    assert time.monotonic() - began < 2
    read = bytearray()
    while len(read) < 1000 * 1025:
        read += os.read(pipe[0], 65536)
    assert [f"{number:01024}" for number in range(1000)] == read.decode().splitlines()
    assert (0, True) == (sink.dropped, sink.flush())


def test_a_pipe_that_others_made_non_blocking_is_waited_for(pipe: tuple[int, int]) -> None:
    """The flag is the pipe's, so any child may set it; a full pipe then answers with an error."""
    os.set_blocking(pipe[1], False)
    sink = made(Descriptor(pipe[1]))
    sink.put("x" * 100_000)
    assert not sink.flush(0.05)
    read = b""
    while len(read) < 100_001:
        read += os.read(pipe[0], 65536)
    assert (0, True) == (sink.dropped, sink.flush())


def test_what_does_not_fit_is_counted_and_said_at_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest lines stay, the gap is named where it is, and what comes after it follows."""
    monkeypatch.setattr(module, "MOST_LINES", 10)
    gate = Gate()
    sink = made(gate)
    sink.put("first")
    assert gate.entered.wait(5)
    assert [True] * 10 + [False] * 5 == [sink.put(str(number)) for number in range(15)]
    assert (5, True) == (sink.dropped, sink.lost.is_set())
    gate.open.set()
    assert sink.flush()
    sink.put("after")
    assert sink.flush()
    assert ["first", *map(str, range(10)), "lost 5", "after"] == gate.lines


def test_the_last_tenth_is_for_urgent_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Warnings still find room when the queue is full of ordinary lines."""
    monkeypatch.setattr(module, "MOST_LINES", 10)
    gate = Gate()
    sink = made(gate)
    sink.put("first")
    assert gate.entered.wait(5)
    assert 9 == sum(sink.put("ordinary", urgent=False) for _ in range(20))
    assert sink.put("urgent")
    gate.open.set()


def test_long_lines_are_bounded_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few lines of great length take no more room than many short ones."""
    monkeypatch.setattr(module, "MOST_CHARACTERS", 1000)
    gate = Gate()
    sink = made(gate)
    sink.put("first")
    assert gate.entered.wait(5)
    assert [True, True, False] == [sink.put("x" * 400) for _ in range(3)]
    gate.open.set()


def test_a_reader_who_is_gone_costs_the_lines_and_nothing_else() -> None:
    """Lines that cannot be written are counted; when writing works again the gap is said."""
    gate = Gate()
    gate.open.set()
    gate.broken = True
    sink = made(gate)
    sink.put("lost")
    assert sink.flush()
    assert 1 == sink.dropped
    gate.broken = False
    sink.put("after")
    assert sink.flush()
    assert ["lost 1", "after"] == gate.lines


def test_a_process_without_stderr_counts_its_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Started with 2>&- there is nothing to write to; the thread goes on all the same."""
    monkeypatch.setattr(sys, "stderr", None)
    sink = made(module.target_of(sys.stderr))
    for number in (1, 2):
        sink.put("lost")
        assert sink.flush(5)
        assert number == sink.dropped


def test_a_machine_without_a_thread_to_spare_harms_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line waits, and is written when a later one finds a thread."""
    gate = Gate()
    gate.open.set()
    sink = made(gate)
    with monkeypatch.context() as lean:
        lean.setattr(threading.Thread, "start", _no_thread)
        assert sink.put("first")
    assert sink.put("second")
    assert sink.flush()
    assert ["first", "second"] == gate.lines


def _no_thread(thread: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_losses_are_told_from_a_thread_of_their_own() -> None:
    """Whoever loses a line may hold the lock that the listener needs, so he does not tell himself."""
    told: list[tuple[str, int, str]] = []
    losses = Losses(lambda name, number: told.append((name, number, threading.current_thread().name)))
    sink = made(Gate())
    losses.watch("log record", sink)
    losses.start()
    sink.drop()
    sink.drop()
    deadline = time.monotonic() + 5
    while not told and time.monotonic() < deadline:
        time.sleep(0.02)
    assert [("log record", 2, "lynceus-losses")] == told
    sink.drop()
    losses.stop()
    assert [2, 1] == [number for _, number, _ in told]


def _run(code: str, **more: t.Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20, **more)


def test_what_waits_is_written_when_the_process_ends() -> None:
    """A normal end loses no line."""
    done = _run(
        "import logging\nfrom lynceus import logs\nlogs.set_up()\n"
        "for n in range(3000): logging.getLogger('x').info('line', extra={'n': n})\n"
    )
    assert [f"n={n}" for n in range(3000)] == [line.split()[-1] for line in done.stderr.splitlines()]


def test_a_process_with_a_full_pipe_ends_all_the_same() -> None:
    """The end waits a little for the reader, once, and then goes without him."""
    code = (
        "import logging, time\nfrom lynceus import logs\nlogs.set_up()\n"
        "for n in range(3000): logging.getLogger('x').info('line', extra={'n': 'y' * 400})\n"
        "print(time.monotonic(), flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        began = float(process.stdout.readline())
        assert 0 == process.wait(15)
        ended = time.monotonic()
    assert 1.5 < ended - began < 3.5


def test_a_child_forked_during_a_write_writes_all_the_same() -> None:
    """The parent waits for a full pipe at that moment, and the lock for it does not exist twice."""
    code = (
        "import os, sys, time\nfrom lynceus.sink import Descriptor, Sink\n"
        "sink = Sink(Descriptor(1), str, 'sink')\nsink.put('x' * 200_000)\nsink.flush(0.2)\n"
        "pid = os.fork()\n"
        "if pid == 0: sink.put('child'); os._exit(0 if sink.flush(10) else 1)\n"
        "sys.stderr.write('forked\\n')\nassert 0 == os.waitpid(pid, 0)[1]\nsink.flush(10)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stderr
        assert b"forked\n" == process.stderr.readline()
        assert b"child" in process.communicate(timeout=20)[0]
        assert 0 == process.returncode


def test_a_forked_child_writes_lines_of_its_own_only() -> None:
    """The parent's lines are written once, by the parent; the child's thread is its own."""
    done = _run(
        "import logging, os\nfrom lynceus import logs\nlogs.set_up()\nlog = logging.getLogger('x')\n"
        "log.info('before')\npid = os.fork()\n"
        "log.info('child' if pid == 0 else 'parent')\nlogs.flush()\n"
        "os.waitpid(pid, 0) if pid else None\n"
    )
    assert ["before", "child", "parent"] == sorted(line.split()[-1] for line in done.stderr.splitlines())
