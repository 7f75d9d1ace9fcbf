"""Every log call has a constant message; what varies stands in named fields, and none of these names a secret."""

from __future__ import annotations

import ast
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from model.redaction import names_a_secret
from tests.architecture.support import modules, name_of

LEVELS = {"debug": 0, "info": 0, "warning": 0, "error": 0, "exception": 0, "critical": 0, "log": 1}
"""Method -> place of the message among its arguments."""
LOGGERS = {"log", "_log", "_LOG", "LOG", "logger", "_logger"}
STANDARD = set(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


def calls(tree: ast.AST) -> Iterator[tuple[ast.Call, int]]:
    """Yield the calls that log, each with the place of its message."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LEVELS:
            on = node.func.value
            direct = isinstance(on, ast.Name) and on.id in LOGGERS
            made = isinstance(on, ast.Call) and isinstance(on.func, ast.Attribute) and on.func.attr == "getLogger"
            if direct or made:
                yield node, LEVELS[node.func.attr]


def problems(source: str) -> list[str]:
    """Return what is wrong with the log calls of a module."""
    found = []
    for call, place in calls(ast.parse(source)):
        message = call.args[place] if len(call.args) > place else None
        if not isinstance(message, ast.Constant) or not isinstance(message.value, str):
            found.append(f"{call.lineno}: the message is not a constant text")
        elif len(call.args) > place + 1 or "%" in message.value:
            found.append(f"{call.lineno}: the message is filled in, use extra")
        for name in fields(call):
            if names_a_secret(name):
                found.append(f"{call.lineno}: the field {name} is named for a secret")
            if not name.isidentifier():
                found.append(f"{call.lineno}: the field {name!r} is not one word")
            if name in STANDARD:
                found.append(f"{call.lineno}: the field {name} is one that every record has")
    return found


def fields(call: ast.Call) -> Iterator[str]:
    """Yield the names of the fields that a call gives in place."""
    for keyword in call.keywords:
        if keyword.arg == "extra" and isinstance(keyword.value, ast.Dict):
            for key in keyword.value.keys:
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    yield key.value


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_messages_are_constant_and_fields_are_named(path: Path) -> None:
    """A message that never varies can be counted and searched for, and cannot be forged from a commit."""
    assert [] == problems(path.read_text())


@pytest.mark.parametrize(
    "code",
    [
        'log.info(f"hello {x}")',
        'log.info("hello %s", x)',
        "log.warning(text)",
        'log.log(level, "a" + b)',
        'logging.getLogger("x").error(text)',
        'log.info("login", extra={"password": x})',
        'log.info("login", extra={"name": x})',
        'log.info("login", extra={"not permitted": x})',
    ],
)
def test_the_rule_finds_what_it_is_for(code: str) -> None:
    """Each of these would be found."""
    assert 1 == len(problems(code))


def test_the_rule_sees_the_calls_there_are() -> None:
    """It would be worth nothing if it looked past them."""
    assert sum(len(list(calls(ast.parse(path.read_text())))) for path in modules()) > 25
