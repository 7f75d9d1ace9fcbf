"""Log lines: a constant message, then key=value pairs, or one JSON object a line.

Anything may come from Git or the cluster, so control characters are escaped and long values cut: one record is one
line, whatever a commit message holds.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import sys
import typing as t

LONGEST_VALUE: t.Final = 500
"""Characters of one value; longer ones are cut, for a line must stay readable and a pipe must not fill."""

_STANDARD: t.Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def fields_of(record: logging.LogRecord) -> dict[str, t.Any]:
    """Return what was passed as `extra`, in the order in which it was given."""
    return {key: value for key, value in vars(record).items() if key not in _STANDARD}


def _moment(record: logging.LogRecord) -> str:
    return dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _cut(value: t.Any) -> str:
    text = str(value)
    return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + "…"


class KeyValueFormatter(logging.Formatter):
    """TIME LEVEL message key=value …; values with blanks, quotes or control characters are JSON strings."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        pairs = " ".join(f"{key}={self._quote(_cut(value))}" for key, value in fields_of(record).items())
        return f"{_moment(record)} {record.levelname:<7} {_plain(record.getMessage())}{' ' if pairs else ''}{pairs}"

    @staticmethod
    def _quote(text: str) -> str:
        safe = text.isprintable() and text and not any(mark in text for mark in ' "=\\')
        return text if safe else json.dumps(text)


class JsonFormatter(logging.Formatter):
    """One JSON object a line with time, level, message, logger and the extra fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        head = {
            "time": _moment(record),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            "logger": record.name,
        }
        body = {
            key: value if isinstance(value, (int, float, bool)) else _cut(value)
            for key, value in fields_of(record).items()
        }
        return json.dumps({**head, **{key: value for key, value in body.items() if key not in head}})


def _plain(text: str) -> str:
    return text if text.isprintable() else json.dumps(text)[1:-1]


def set_up(level: str = "info", form: str = "text", stream: t.TextIO | None = None) -> None:
    """Send all log records to one stream (stderr).

    Args:
        level: debug, info, warning or error.
        form: text or json.
        stream: where to write; stderr when None.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else KeyValueFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for chatty in ("urllib3", "kubernetes", "git", "opentelemetry", "uvicorn.access", "uvicorn.error", "werkzeug"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))
