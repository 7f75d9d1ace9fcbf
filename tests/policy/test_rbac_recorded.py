"""Answers of the Go libraries that Argo CD uses, recorded once: CSV, expressions, globs, and whole decisions in compat.

The decisions were asked of casbin with Argo CD's model, in the order in which its API server asks.
Left out of the globs are two kinds that the library answers wrongly: wildcards in braces, and letters outside ASCII.
"""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from policy.guard import Subject
from policy.patterns import PatternError, glob, loose, regex
from policy.rbac.csvline import CsvError, read_record
from tests.policy.rbac_world import guard_of, project, role

RECORDED = json.loads((Path(__file__).parent / "data/go_answers.json").read_text())


def _answer(ask: t.Callable[[], t.Any]) -> t.Any:
    try:
        return ask()
    except (PatternError, CsvError):
        return "error"


def test_records_are_read_as_go_reads_them() -> None:
    """Fields or an error, as encoding/csv with leading blanks trimmed."""
    cases = RECORDED["records"]
    assert [] == [case for case in cases if case[1] != _answer(lambda text=case[0]: read_record(text))]


def test_expressions_are_taken_as_go_takes_them() -> None:
    """Found, not found or invalid, as regexp.MatchString."""
    cases = RECORDED["expressions"]
    asks = [(case, lambda p=case[0], x=case[1]: regex(p, anchored=False).matches(x)) for case in cases]
    assert [] == [case for case, ask in asks if case[2] != _answer(ask)]


def test_globs_match_as_upstreams_library_matches() -> None:
    """Hit, miss or error, as gobwas/glob without separators, with its two mistakes that compat makes as well."""
    cases = RECORDED["globs"]
    asks = [(case, lambda p=case[0], x=case[1]: loose(glob(p)).matches(x)) for case in cases]
    assert [] == [case for case, ask in asks if case[2] != _answer(ask)]


@pytest.mark.parametrize("case", RECORDED["policies"], ids=range(len(RECORDED["policies"])))
def test_compat_decides_as_casbin(case: dict[str, t.Any]) -> None:
    """Policies with groups, projects, tokens and default roles: every answer is that of upstream's libraries."""
    projects = [
        project(name, *(role(title, *policies, groups=groups) for title, policies, groups in roles))
        for name, roles in case["projects"].items()
    ]
    data = {"policy.csv": case["policy"], "policy.default": case["default"]}
    guard = guard_of({**data, "policy.matchMode": "regex" if case["regex"] else "glob"}, *projects, mode="compat")
    asked = [(Subject(name, tuple(groups), kind), request) for name, groups, kind, *request, _ in case["asks"]]
    assert [ask[-1] for ask in case["asks"]] == [guard.can(subject, *request).allowed for subject, request in asked]
