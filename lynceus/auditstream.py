"""Where audit records go: a file of their own, stderr, stdout, or among the log lines. Nothing is said here about them.

Called by lynceus.audit.
"""

from __future__ import annotations

import json
import logging
import os
import stat
import sys
import typing as t
from pathlib import Path

from lynceus.logs import LineHandler
from lynceus.sink import Descriptor, Sink, Target
from model.errors import InvalidSettings

LOGGER: t.Final = "lynceus.audit"

Record = dict[str, t.Any]
"""Field -> value."""
Write = t.Callable[[Record], object]
"""Takes a record; never blocks and never raises."""


class LogFile:
    """A file that is only ever appended to, found again when it was rotated away."""

    def __init__(self, path: Path) -> None:
        """Open the file, made readable by nobody else if it is not there.

        Raises:
            InvalidSettings: it cannot be opened.
        """
        self._path = path
        try:
            self._descriptor = self._open()
        except OSError as failure:
            found = failure.strerror or type(failure).__name__
            raise InvalidSettings("audit log", str(path), found, "a file that can be appended to") from None
        self._torn = False

    def write(self, text: str) -> None:
        """Append all of it; raises OSError when that cannot be done."""
        self._follow()
        data = memoryview((("\n" if self._torn else "") + text).encode("utf-8", "backslashreplace"))
        while data:
            try:
                written = os.write(self._descriptor, data)
            except BlockingIOError:
                Descriptor.wait(self._descriptor)
                continue
            data = data[written:]
            self._torn = bool(data)

    def _open(self) -> int:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
        return os.open(self._path, flags, stat.S_IRUSR | stat.S_IWUSR)

    def _follow(self) -> None:
        """Open the path anew when another file, or none, has its name now.

        Without success the old file is used on while it has any name; in one without a name nobody would find a record.
        """
        try:
            now = os.stat(self._path)
        except OSError:
            now = None
        old = os.fstat(self._descriptor)
        if now is not None and (now.st_dev, now.st_ino) == (old.st_dev, old.st_ino):
            return
        try:
            fresh = self._open()
        except OSError:
            if old.st_nlink == 0:
                raise
            return
        os.close(self._descriptor)
        self._descriptor, self._torn = fresh, False


def log_handler() -> LineHandler | None:
    """Return the handler of the log, None when the log is another's."""
    return next((handler for handler in logging.getLogger().handlers if isinstance(handler, LineHandler)), None)


def audit_sink(where: str) -> tuple[Sink, Write]:
    """Return the queue of the audit log, and what puts records into it.

    Args:
        where: a path; ``stderr``; ``-`` for stdout; empty: among the lines of the log, in their format.

    Raises:
        InvalidSettings: the file cannot be opened.
    """
    handler = log_handler()
    if where == "" and handler is not None:
        return _among_log_lines(handler)
    sink = Sink(_target(where, handler), lambda number: _line({"audit": "lost", "number": number}), "lynceus-audit")
    return sink, lambda record: sink.put(_line(record))


def _target(where: str, handler: LineHandler | None) -> Target:
    if where in ("", "stderr"):
        return handler.target if handler is not None and handler.stream is sys.stderr else Descriptor(2)
    return Descriptor(1) if where == "-" else LogFile(Path(where))


def _among_log_lines(handler: LineHandler) -> tuple[Sink, Write]:
    """Write in the log's format, through a queue of our own."""

    def line(record: Record) -> str:
        fields = {
            key: ",".join(map(str, value)) if isinstance(value, list) else value
            for key, value in record.items()
            if key not in ("time", "audit")
        }
        message = f"audit {record['audit']}"
        made = logging.makeLogRecord({"name": LOGGER, "levelno": logging.INFO, "levelname": "INFO", "msg": message})
        vars(made).update({key if key not in vars(made) else f"audit_{key}": value for key, value in fields.items()})
        return handler.format(made)

    sink = Sink(handler.target, lambda number: line({"audit": "lost", "number": number}), "lynceus-audit")
    return sink, lambda record: sink.put(line(record))


def _line(record: Record) -> str:
    return json.dumps(record, ensure_ascii=True)
