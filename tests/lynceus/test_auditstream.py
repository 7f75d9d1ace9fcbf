"""lynceus.auditstream: records arrive at their file, whoever rotates it and however full the pipe is."""

from __future__ import annotations

import io
import json
import logging
import os
import shutil
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.clock import SystemClock
from lynceus import audit, auditstream, logs
from lynceus.auditstream import LogFile, audit_sink
from model.errors import InvalidSettings
from model.events import Event, Listener, Lost, PolicyLoaded


@pytest.fixture(autouse=True)
def _own_logging() -> Iterator[None]:
    """The root logger is put back afterwards."""
    root = logging.getLogger()
    handlers, level, hook = root.handlers[:], root.level, threading.excepthook
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.raiseExceptions, threading.excepthook = True, hook


def records(path: Path) -> list[int]:
    return [json.loads(line)["n"] for line in path.read_text().splitlines()]


def test_a_file_is_appended_to_and_nobody_elses(tmp_path: Path) -> None:
    """Made with 0600, and what stands in it stays."""
    path = tmp_path / "audit.log"
    for number in range(2):
        sink, write = audit_sink(str(path))
        write({"n": number})
        assert sink.flush()
    assert [0, 1] == records(path)
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)


def test_a_rotated_file_is_found_again(tmp_path: Path) -> None:
    """Renamed or removed: the next record goes to a new file of that name, none is lost."""
    path = tmp_path / "audit.log"
    sink, write = audit_sink(str(path))
    write({"n": 0})
    assert sink.flush()
    path.rename(tmp_path / "audit.log.1")
    write({"n": 1})
    assert sink.flush()
    path.unlink()
    write({"n": 2})
    assert sink.flush()
    assert ([0], [2], 0) == (records(tmp_path / "audit.log.1"), records(path), sink.dropped)


def test_a_folder_that_is_elsewhere_keeps_the_old_file(tmp_path: Path) -> None:
    """What cannot be opened anew is written on, where somebody can find it."""
    folder = tmp_path / "logs"
    folder.mkdir()
    file = LogFile(folder / "audit.log")
    folder.rename(tmp_path / "moved")
    file.write('{"n": 1}\n')
    assert [1] == records(tmp_path / "moved" / "audit.log")


def test_a_folder_that_is_removed_costs_records_but_not_unsaid(tmp_path: Path) -> None:
    """A record in a file without a name is lost: it is counted, and said once the folder is there again."""
    folder = tmp_path / "logs"
    folder.mkdir()
    sink, write = audit_sink(str(folder / "audit.log"))
    shutil.rmtree(folder)
    write({"n": 0})
    assert sink.flush()
    assert (1, True) == (sink.dropped, sink.lost.is_set())
    folder.mkdir()
    write({"n": 1})
    assert sink.flush()
    lines = (folder / "audit.log").read_text().splitlines()
    assert [{"audit": "lost", "number": 1}, {"n": 1}] == [json.loads(line) for line in lines]


def test_a_place_that_cannot_be_written_to_is_said_at_once(tmp_path: Path) -> None:
    """At the start, in one line that names the path."""
    with pytest.raises(InvalidSettings, match=r"audit log.*missing"):
        audit_sink(str(tmp_path / "missing" / "audit.log"))


def test_a_torn_line_does_not_spoil_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fills in the middle of a line: the record is lost and counted, the next one is whole."""
    path = tmp_path / "audit.log"
    sink, write = audit_sink(str(path))
    real, calls = os.write, list[int]()

    def full(descriptor: int, data: memoryview) -> int:
        calls.append(1)
        if len(calls) == 1:
            return real(descriptor, data[:3])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lynceus.auditstream.os.write", full)
    write({"n": 0})
    assert sink.flush()
    monkeypatch.undo()
    write({"n": 1})
    assert sink.flush()
    torn, *whole = path.read_text().splitlines()
    assert (3, 1) == (len(torn), sink.dropped)
    assert [{"audit": "lost", "number": 1}, {"n": 1}] == [json.loads(line) for line in whole]


def test_a_full_pipe_drops_counts_and_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody reads: nothing waits, and what is lost is counted apart from log lines and said in the log."""
    monkeypatch.setattr("lynceus.sink.MOST_LINES", 50)
    path, stream, told = tmp_path / "audit.pipe", io.StringIO(), list[Event]()
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    logs.set_up("info", "text", stream)
    listeners: list[Listener] = []
    losses = audit.attach(str(path), clock=SystemClock(), freezes=list, subscribe=listeners.append, publish=told.append)
    for number in range(2000):
        listeners[0](PolicyLoaded(ok=False, generation=f"{number}", problems=("x" * 900,)))
    losses.start()
    losses.stop()
    (lost,) = [event for event in told if isinstance(event, Lost)]
    assert ("audit record", True) == (lost.what, lost.number > 1000)
    logs.flush()
    assert f"audit records were dropped number={lost.number}" in stream.getvalue()
    os.close(reader)


@pytest.mark.parametrize("form", ["text", "json"])
def test_without_a_place_records_stand_among_the_log_lines(form: str) -> None:
    """In the log's format, under a logger of their own, with fields that keep their names."""
    stream = io.StringIO()
    logs.set_up("info", form, stream)
    sink, write = audit_sink("")
    write({"time": "2026-03-01T12:00:00.000Z", "audit": "decision", "subject": "alice", "decision": "deny"})
    assert sink.flush()
    line = stream.getvalue()
    if form == "json":
        found = json.loads(line)
        assert ("audit decision", auditstream.LOGGER, "alice") == (found["message"], found["logger"], found["subject"])
    else:
        assert line.endswith("INFO    audit decision subject=alice decision=deny\n")


def test_loss_of_log_lines_is_told_too() -> None:
    """The Bus hears of both logs, each under its name."""
    told: list[Event] = []
    handler = logs.set_up("info", "text", io.StringIO())
    losses = audit.attach("", clock=SystemClock(), freezes=list, subscribe=lambda listen: None, publish=told.append)
    handler.sink.drop()
    losses.start()
    losses.stop()
    assert [Lost(what="log record", number=1)] == told
