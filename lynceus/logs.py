"""Log lines: a constant message, then key=value pairs, or one JSON object a line.

Anything may come from Git or the cluster, so control characters are escaped, long values cut and credentials taken out:
one record is one line, whatever a commit message holds. Lines are written by a thread of their own, so that a reader
who stops reading stops nobody else. The format is told in docs/logging.md.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import sys
import threading
import traceback
import typing as t

from lynceus.sink import Sink, target_of
from model.redaction import HIDDEN, names_a_secret, shown

LONGEST_VALUE: t.Final = 500
"""Characters of one value; longer ones are cut, for a line must stay readable and a pipe must not fill."""
LONGEST_TRACE: t.Final = 8
"""Places that are named of the way to an unexpected failure."""

_STANDARD: t.Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_CHATTY: t.Final = ("urllib3", "kubernetes", "git", "opentelemetry", "uvicorn.access", "uvicorn.error", "werkzeug")

Value = str | int | float | bool


def fields_of(record: logging.LogRecord) -> dict[str, Value]:
    """Return what was passed as `extra`, in the order in which it was given, fit to be shown."""
    found = {key: value for key, value in vars(record).items() if key not in _STANDARD}
    if record.exc_info and record.exc_info[1] is not None:
        found.update(failure_fields(record.exc_info[1]))
    return {key: HIDDEN if names_a_secret(key) else _plain_value(value) for key, value in found.items()}


def failure_fields(failure: BaseException) -> dict[str, str]:
    """Return type and place of a failure that nobody expected; its text may hold anything, so it is not shown."""
    frames = traceback.extract_tb(failure.__traceback__)[-LONGEST_TRACE:]
    places = (f"{'/'.join(frame.filename.split('/')[-2:])}:{frame.lineno} {frame.name}" for frame in reversed(frames))
    return {"exception": type(failure).__name__, "raised_at": " < ".join(places)}


def moment(seconds: float) -> str:
    """Return a time in Unix seconds as logs show it: RFC 3339, UTC, milliseconds."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _plain_value(value: t.Any) -> Value:
    return value if isinstance(value, (int, float, bool)) else shown(str(value), LONGEST_VALUE)


class KeyValueFormatter(logging.Formatter):
    """TIME LEVEL message key=value …; values with blanks, quotes or control characters are JSON strings."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        pairs = " ".join(f"{key}={self._quote(str(value))}" for key, value in fields_of(record).items())
        return f"{moment(record.created)} {record.levelname:<7} {_message(record)}{' ' if pairs else ''}{pairs}"

    @staticmethod
    def _quote(text: str) -> str:
        safe = text.isprintable() and text and not any(mark in text for mark in ' "=\\')
        return text if safe else json.dumps(text)


class JsonFormatter(logging.Formatter):
    """One JSON object a line with time, level, message, logger and the extra fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        head = {
            "time": moment(record.created),
            "level": record.levelname.lower(),
            "message": shown(record.getMessage(), LONGEST_VALUE),
            "logger": record.name,
        }
        return json.dumps({**head, **{key: value for key, value in fields_of(record).items() if key not in head}})


def _message(record: logging.LogRecord) -> str:
    text = shown(record.getMessage(), LONGEST_VALUE)
    return text if text.isprintable() else json.dumps(text)[1:-1]


class LineHandler(logging.Handler):
    """Formats a record where it is made and leaves the writing to a sink; never waits, never raises."""

    def __init__(self, stream: t.TextIO, formatter: logging.Formatter, trace_id: t.Callable[[], str]) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self._formatter, self._trace_id = formatter, trace_id
        self.stream, self.target = stream, target_of(stream)
        self.sink = Sink(self.target, self._lost, "lynceus-log")

    def handle(self, record: logging.LogRecord) -> bool:
        """Take a record without the handler's lock: nothing here needs it, and it could keep all others waiting."""
        wanted = bool(self.filter(record))
        if wanted:
            self.emit(record)
        return wanted

    def emit(self, record: logging.LogRecord) -> None:
        """Queue one line."""
        try:
            if "trace_id" not in vars(record) and (trace_id := self._trace_id()):
                record.trace_id = trace_id
            line = self._formatter.format(record)
        except Exception:  # noqa: BLE001 - an odd value in a log line must harm nobody but the line
            self.sink.drop()
            return
        self.sink.put(line, urgent=record.levelno >= logging.WARNING)

    def flush(self) -> None:
        """Wait a little until all lines are written."""
        self.sink.flush()

    def _lost(self, number: int) -> str:
        record = logging.makeLogRecord(
            {"name": __name__, "levelno": logging.WARNING, "levelname": "WARNING", "msg": LOST, "number": number}
        )
        return self._formatter.format(record)


LOST: t.Final = "log lines were dropped here, since nobody read them"


def set_up(
    level: str = "info",
    form: str = "text",
    stream: t.TextIO | None = None,
    trace_id: t.Callable[[], str] = str,
) -> LineHandler:
    """Send all log records to one stream (stderr), and with them what Python would print there itself.

    Args:
        level: debug, info, warning or error.
        form: text or json.
        stream: where to write; stderr when None.
        trace_id: asked for each record: the id of the trace that the calling thread works for, or empty text.
    """
    handler = LineHandler(stream or sys.stderr, JsonFormatter() if form == "json" else KeyValueFormatter(), trace_id)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for chatty in _CHATTY:
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))
    logging.raiseExceptions = False
    threading.excepthook = _thread_ended
    return handler


def flush() -> None:
    """Wait a little until all lines so far are written."""
    for handler in logging.getLogger().handlers:
        handler.flush()


def _thread_ended(args: threading.ExceptHookArgs) -> None:
    if args.exc_type is not SystemExit and args.exc_value is not None:
        name = args.thread.name if args.thread else ""
        failure = (args.exc_type, args.exc_value, args.exc_traceback)
        logging.getLogger(__name__).error("a thread ended unexpectedly", extra={"thread_name": name}, exc_info=failure)
