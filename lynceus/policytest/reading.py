"""Reads the `tests:` of a file into cases: strict about keys and words, and about names that do not exist.

A case that names an unknown Application, project, cluster, window or action would be denied for the wrong reason, and a
test that expects a denial would pass on a typing mistake: such a file is refused.
"""

from __future__ import annotations

import datetime as dt
import typing as t

import msgspec

from lynceus.policytest import expecting, matrix, questions
from lynceus.policytest.cases import Case, Expected, Question, title_of
from lynceus.policytest.fields import Fields
from lynceus.policytest.world import Worlds
from policy.findings import Mode

MOST_CASES = 100_000
"""Cases of one file, the cells of tables included."""
MODES = ("strict", "compat")

_GROUP = ("name", "at", "mode", "cases")
_TIMED = ("sync", "window")


class Setting(msgspec.Struct, frozen=True):
    """What a case takes from its group and file."""

    group: str
    at: dt.datetime | None
    mode: Mode


def read_cases(fields: Fields, worlds: Worlds, at: dt.datetime | None) -> list[Case]:
    """Return all cases of a file.

    Args:
        fields: the file's root.
        worlds: what the names in cases are looked up in.
        at: the file's instant.

    Raises:
        InvalidSettings: file, line and path of what is wrong; also when there is no case at all.
    """
    cases: list[Case] = []
    for value, line, path in fields.items("tests"):
        group = Fields(value, fields.file, line, path, _GROUP)
        found = list(_group(group, worlds, at))
        if not found:
            raise group.wrong("cases" if "cases" in group else "", "no cases", "at least one: a test asserts something")
        cases += found
        if len(cases) > MOST_CASES:
            raise group.wrong("cases", f"more than {MOST_CASES} cases", "several files")
    if not cases:
        raise fields.wrong("tests" if "tests" in fields else "", "no cases", "tests: with at least one case")
    return cases


def _group(fields: Fields, worlds: Worlds, at: dt.datetime | None) -> t.Iterator[Case]:
    mode = t.cast("Mode", fields.one_of("mode", MODES, worlds.default))
    setting = Setting(fields.name("name"), fields.instant("at") or at, mode)
    worlds.in_mode(mode)
    for value, line, path in fields.items("cases"):
        kinds = (*questions.KINDS, "matrix")
        case = Fields(value, fields.file, line, path, ("name", "at", *kinds, *expecting.KEYS, "timeline"))
        kind = case.exactly_one(kinds)
        yield from _matrix(case, worlds, setting) if kind == "matrix" else _case(case, kind, worlds, setting)


def _case(fields: Fields, kind: str, worlds: Worlds, setting: Setting) -> t.Iterator[Case]:
    world = worlds.in_mode(setting.mode)
    at = fields.instant("at") or setting.at
    question = questions.read(fields, kind, worlds, world)
    if "timeline" in fields:
        yield from _timeline(fields, kind, question, setting)
        return
    if kind in _TIMED and at is None:
        raise fields.wrong(kind, "no instant", "at: on the case, its group or the file; the answer depends on it")
    yield _made(fields, question, expecting.read(fields, kind), setting, at)


def _timeline(fields: Fields, kind: str, question: Question, setting: Setting) -> t.Iterator[Case]:
    """Ask the same at several instants; the other expectations hold at each of them."""
    if kind not in _TIMED or "at" in fields or "expect" in fields:
        raise fields.wrong("timeline", "a timeline", "it only with sync or window, instead of expect and at")
    table = fields.pairs("timeline")
    if not table:
        raise fields.wrong("timeline", "nothing", "instants, each with its answer")
    for text, word in table.items():
        at = fields.instant_of("timeline", text)
        expected = expecting.read(fields, kind, word)
        line = fields.table["timeline"].lines[text]
        yield msgspec.structs.replace(_made(fields, question, expected, setting, at, several=True), line=line)


def _matrix(fields: Fields, worlds: Worlds, setting: Setting) -> t.Iterator[Case]:
    for key in ("expect", "until", "timeline", "path", "at"):
        if key in fields:
            raise fields.wrong(key, f"{key} beside matrix", "expect or allow inside the matrix; it has no instant")
    for question, expected, line in matrix.read(fields, worlds):
        case = _made(fields, question, expected, setting, setting.at, several=True)
        yield msgspec.structs.replace(case, line=line)


def _made(
    fields: Fields,
    question: Question,
    expected: Expected,
    setting: Setting,
    at: dt.datetime | None,
    *,
    several: bool = False,
) -> Case:
    title = title_of(question, at)
    name = fields.text("name", "")
    return Case(
        name=f"{name}: {title}" if name and several else name or title,
        group=setting.group,
        line=fields.line,
        question=question,
        expected=expected,
        at=at,
        mode=setting.mode,
    )
