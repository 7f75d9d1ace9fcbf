"""lynceus.logs: one record is one line, whatever is in it."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from lynceus import logs


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """A place for log lines; the root logger is put back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_line_has_message_and_pairs(stream: io.StringIO) -> None:
    """The message is constant, what varies follows as key=value."""
    logs.set_up("info", "text", stream)
    logging.getLogger("x").info("turn finished", extra={"app": "argocd/guestbook", "reason": "watch event", "level": 1})
    assert 'INFO    turn finished app=argocd/guestbook reason="watch event" level=1\n' == stream.getvalue()[25:]


@pytest.mark.parametrize("form", ["text", "json"])
def test_hostile_text_stays_on_one_line(stream: io.StringIO, form: str) -> None:
    """Newlines, escapes and a right-to-left override from Git cannot forge a line or colour a terminal."""
    logs.set_up("info", form, stream)
    hostile = 'x\n{"level":"error"}\x1b[2J\u202e'
    logging.getLogger("x").info("commit seen", extra={"subject": hostile})
    line = stream.getvalue()
    assert 1 == line.count("\n")
    assert not {"\x1b", "\u202e"} & set(line)


def test_long_values_are_cut(stream: io.StringIO) -> None:
    """A value of a megabyte becomes a line that can be read."""
    logs.set_up("info", "json", stream)
    logging.getLogger("x").info("render failed", extra={"message_text": "y" * 1_000_000})
    assert logs.LONGEST_VALUE + 1 == len(json.loads(stream.getvalue())["message_text"])


def test_json_lines_keep_their_head(stream: io.StringIO) -> None:
    """An extra field cannot take the place of time, level or message."""
    logs.set_up("info", "json", stream)
    logging.getLogger("x").warning("real message", extra={"level": "debug", "time": "never"})
    assert ("warning", "real message") == tuple(json.loads(stream.getvalue())[key] for key in ("level", "message"))
