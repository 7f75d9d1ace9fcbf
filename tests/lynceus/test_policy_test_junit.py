"""JUnit XML as CI systems read it: well formed whatever the names say, and saying the same as the text."""

import xml.etree.ElementTree as ET
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from lynceus.policytest import junit, report
from lynceus.policytest.answers import Answer
from lynceus.policytest.cases import Can, Case, Expected
from lynceus.policytest.run import FileResult, Outcome
from model.decision import deny
from policy.findings import Finding
from policy.subjects import Subject
from tests.lynceus.policy_files import judge

CASES = """  - name: wrong
    can: {groups: [acme:dev], action: sync, object: shop/secret}
    expect: allow
  - name: right
    can: {groups: [acme:dev], action: sync, object: shop/web}
    expect: allow
"""


def outcome(name: str, group: str, reason: str) -> Outcome:
    case = Case(
        name=name,
        group=group,
        line=3,
        question=Can(Subject(name), "applications", "get", group),
        expected=Expected(word="allow"),
        at=None,
        mode="strict",
    )
    answer = Answer(word="deny", decision=deny(reason, reasons=(reason,), remedy=name))
    return Outcome(case=case, answer=answer, differences=(reason or "differs",))


def test_one_suite_for_a_file_and_one_case_for_a_case(tmp_path: Path) -> None:
    """Counts, names, places and the failure with its deciding rule."""
    result = judge(tmp_path, CASES)

    root = ET.fromstring(junit.to_xml([result]))
    (suite,) = root
    wrong, right = suite

    assert ("testsuites", "2", "1", "0") == (root.tag, *(root.get(name) for name in ("tests", "failures", "errors")))
    assert ("testsuite", result.file, "2", "1", "0", "0") == (
        suite.tag,
        *(suite.get(name) for name in ("name", "tests", "failures", "errors", "skipped")),
    )
    assert ("wrong", f"{result.file}: group", "9", result.file) == tuple(
        wrong.get(name) for name in ("name", "classname", "line", "file")
    )
    assert [("failure", "expected allow, got deny")] == [(each.tag, each.get("message")) for each in wrong]
    assert "rule:   policy.csv:2: p, role:dev, applications, sync, shop/secret, deny" in (wrong[0].text or "")
    assert ("right", []) == (right.get("name"), list(right))


def test_cases_of_one_name_are_told_apart(tmp_path: Path) -> None:
    """GitLab, for one, shows a single test of each name."""
    case = "  - can: {groups: [acme:dev], action: sync, object: shop/web}\n    expect: allow\n"

    root = ET.fromstring(junit.to_xml([judge(tmp_path, case * 3)]))

    names = [each.get("name") or "" for each in root.iterfind("testsuite/testcase")]
    assert (3, [False, True, True]) == (len(set(names)), ["(line" in name for name in names])


def test_what_could_not_be_read_or_asked_is_there_too() -> None:
    """An unreadable file is an error, an error of the policy a failure: neither is an empty, green suite."""
    finding = Finding(code="rbac-csv", severity="error", where="policy.csv:1", text="a quote")
    results = [FileResult(file="a", unreadable="a:1: no"), FileResult(file="b", findings=(finding,))]

    root = ET.fromstring(junit.to_xml(results))

    assert ("2", "1", "1") == tuple(root.get(name) for name in ("tests", "failures", "errors"))
    assert ["error", "failure"] == [each.tag for each in root.iterfind("testsuite/testcase/*")]


def test_the_declaration_names_the_encoding() -> None:
    """Readers that do not know UTF-8 by themselves are told."""
    assert junit.to_xml([]).startswith(b"<?xml version='1.0' encoding='utf-8'?>")


@given(st.text(st.characters(codec=None)), st.text(), st.text())
def test_any_text_makes_well_formed_xml(name: str, group: str, reason: str) -> None:
    """Markup, quotes, control characters and lone surrogates in names and policies do not break the document."""
    result = FileResult(file=group, outcomes=(outcome(name, group, reason),), unreadable=reason)

    case = ET.fromstring(junit.to_xml([result])).find("testsuite/testcase")

    assert case is not None
    assert junit.legal(name) == case.get("name")


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Cn"]), max_size=200))
def test_text_that_xml_has_is_kept(name: str) -> None:
    """What XML can say is said as it is."""
    assert name == junit.legal(name)


@given(st.text(st.characters(codec=None)), st.text(), st.text())
def test_no_report_holds_control_characters(name: str, group: str, reason: str) -> None:
    """A name in a pull request cannot steer a terminal, nor write a line that a CI system obeys."""
    result = FileResult(file="a", outcomes=(outcome(name, group, reason),))

    assert all(line.isprintable() for line in report.lines_of(result))
