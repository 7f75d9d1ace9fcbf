"""lynceus.logs: one record is one line, whatever is in it."""

import io
import json
import logging
import threading
from collections.abc import Iterator

import pytest

from lynceus import logs


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """A place for log lines; the root logger is put back afterwards."""
    root = logging.getLogger()
    handlers, level, hook = root.handlers[:], root.level, threading.excepthook
    yield io.StringIO()
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.raiseExceptions, threading.excepthook = True, hook


def text(stream: io.StringIO) -> str:
    """Return what was written, once all is."""
    logs.flush()
    return stream.getvalue()


def test_a_line_has_message_and_pairs(stream: io.StringIO) -> None:
    """The message is constant, what varies follows as key=value."""
    logs.set_up("info", "text", stream)
    logging.getLogger("x").info("turn finished", extra={"app": "argocd/guestbook", "reason": "watch event", "level": 1})
    assert 'INFO    turn finished app=argocd/guestbook reason="watch event" level=1\n' == text(stream)[25:]


@pytest.mark.parametrize("form", ["text", "json"])
def test_hostile_text_stays_on_one_line(stream: io.StringIO, form: str) -> None:
    """Newlines, escapes and a right-to-left override from Git cannot forge a line or colour a terminal."""
    logs.set_up("info", form, stream)
    hostile = 'x\n{"level":"error"}\x1b[2J\u202e'
    logging.getLogger("x").info("commit seen", extra={"subject": hostile})
    line = text(stream)
    assert 1 == line.count("\n")
    assert not {"\x1b", "\u202e"} & set(line)


def test_long_values_are_cut(stream: io.StringIO) -> None:
    """A value of a megabyte becomes a line that can be read."""
    logs.set_up("info", "json", stream)
    logging.getLogger("x").info("render failed", extra={"message_text": "y" * 1_000_000})
    assert logs.LONGEST_VALUE + 1 == len(json.loads(text(stream))["message_text"])


def test_json_lines_keep_their_head(stream: io.StringIO) -> None:
    """An extra field cannot take the place of time, level or message."""
    logs.set_up("info", "json", stream)
    logging.getLogger("x").warning("real message", extra={"level": "debug", "time": "never"})
    assert ("warning", "real message") == tuple(json.loads(text(stream))[key] for key in ("level", "message"))


@pytest.mark.parametrize("form", ["text", "json"])
def test_the_trace_goes_with_the_line(stream: io.StringIO, form: str) -> None:
    """The id is that of the thread which makes the record, not of the one that writes it."""
    own = threading.local()
    logs.set_up("info", form, stream, trace_id=lambda: getattr(own, "id", ""))
    own.id = "ab" * 16
    logging.getLogger("x").info("inside")
    own.id = ""
    logging.getLogger("x").info("outside")
    inside, outside = text(stream).splitlines()
    assert ("ab" * 16 in inside, "trace_id" in outside) == (True, False)


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_credential_reaches_a_line(stream: io.StringIO, form: str) -> None:
    """Not in a URL, not behind Bearer, not in a field that is named for it, not in the text of a surprise."""
    logs.set_up("info", form, stream)
    log = logging.getLogger("x")
    log.info("fetch failed", extra={"error": "fatal: https://user:LYN-CANARY@git.example/x"})
    log.info("fetch failed", extra={"error": "x" * 400 + " https://user:" + "LYN-CANARY" * 200 + "@git.example/x"})
    log.info("request refused", extra={"header": "Authorization: Bearer LYN-CANARY-TOKEN"})
    log.info("login", extra={"password": "LYN-CANARY", "api_token": "LYN-CANARY", "credentials": {"a": "LYN-CANARY"}})
    try:
        raise ValueError("LYN-CANARY")
    except ValueError:
        log.exception("turn failed")
    assert "CANARY" not in text(stream)
    assert 5 == text(stream).count("\n")
    assert "https://git.example/x" in text(stream)


def test_a_surprise_says_what_and_where(stream: io.StringIO) -> None:
    """Type and place of an unexpected failure, innermost first; its own words may hold anything and are left out."""
    logs.set_up("info", "json", stream)
    try:
        json.loads("{")
    except ValueError:
        logging.getLogger("x").exception("turn failed")
    line = json.loads(text(stream))
    assert "JSONDecodeError" == line["exception"]
    assert line["raised_at"].startswith("json/decoder.py:")
    assert "test_a_surprise_says_what_and_where" in line["raised_at"]


def test_an_odd_value_harms_nothing_but_its_line(stream: io.StringIO) -> None:
    """A value that cannot be shown loses one line, which is counted."""

    class Odd:
        def __str__(self) -> str:
            raise RuntimeError

    handler = logs.set_up("info", "text", stream)
    logging.getLogger("x").info("odd", extra={"value": Odd()})
    logging.getLogger("x").info("next")
    assert 1 == handler.sink.dropped
    assert [logs.LOST, "next"] == [line[33:].split(" number")[0] for line in text(stream).splitlines()]


def test_a_thread_that_ends_by_surprise_is_a_line(stream: io.StringIO) -> None:
    """Python would print it to stderr itself and wait for whoever reads that."""
    logs.set_up("info", "json", stream)
    thread = threading.Thread(target=[].pop, name="worker")
    thread.start()
    thread.join()
    line = json.loads(text(stream))
    assert ("a thread ended unexpectedly", "worker", "IndexError") == (
        line["message"],
        line["thread_name"],
        line["exception"],
    )
