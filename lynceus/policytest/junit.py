"""A run as JUnit XML, in the form that GitLab, Jenkins, GitHub's reporters and Azure read.

One testsuite for each file and one testcase for each case; a file that cannot be read is an error, and an error of the
policy a failure. Characters that XML does not have are replaced.
"""

from __future__ import annotations

import typing as t
import xml.etree.ElementTree as ET

from lynceus.policytest.report import clean, explain
from lynceus.policytest.run import FileResult, Outcome

LONGEST = 65_536
"""Characters of one attribute or text; some readers refuse more."""


def to_xml(results: t.Sequence[FileResult]) -> bytes:
    """Return the document, UTF-8 with its declaration."""
    root = ET.Element("testsuites", {"name": "lynceus policy test"})
    for result in results:
        root.append(_suite(result))
    for name in ("tests", "failures", "errors"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    root.set("time", f"{sum(result.seconds for result in results):.3f}")
    ET.indent(root)
    return t.cast("bytes", ET.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _suite(result: FileResult) -> ET.Element:
    tests = len(result.outcomes) + len(result.findings) + bool(result.unreadable)
    suite = ET.Element("testsuite", {"name": legal(result.file), "tests": str(tests)})
    suite.set("failures", str(result.failed))
    suite.set("errors", str(int(bool(result.unreadable))))
    suite.set("skipped", "0")
    suite.set("time", f"{result.seconds:.3f}")
    seen: set[str] = set()
    for outcome in result.outcomes:
        suite.append(_case(result.file, outcome, seen))
    for finding in result.findings:
        case = _testcase(suite, result.file, "policy", f"{finding.code} {finding.where}")
        _told(case, "failure", "the policy has an error", str(finding))
    if result.unreadable:
        _told(_testcase(suite, result.file, "file", "read"), "error", result.unreadable, result.unreadable)
    return suite


def _testcase(suite: ET.Element, file: str, group: str, name: str) -> ET.Element:
    attributes = {"classname": legal(f"{file}: {group}"), "name": legal(name), "file": legal(file)}
    return ET.SubElement(suite, "testcase", attributes)


def _case(file: str, outcome: Outcome, seen: set[str]) -> ET.Element:
    """Return a case; a name that a group has twice gets its line, for readers keep one of each name only."""
    name = outcome.case.name
    if outcome.case.full_name in seen:
        name = f"{name} (line {outcome.case.line})"
    seen.add(outcome.case.full_name)
    case = _testcase(ET.Element("testsuite"), file, outcome.case.group, name)
    case.set("line", str(outcome.case.line))
    if not outcome.passed:
        _told(case, "failure", outcome.differences[0], "\n".join(clean(line) for line in explain(outcome)))
    return case


def _told(case: ET.Element, tag: str, message: str, text: str) -> None:
    told = ET.SubElement(case, tag, {"message": legal(clean(message)), "type": tag})
    told.text = legal(text)


def legal(text: str) -> str:
    """Return the text with what XML 1.0 has no form for replaced, and of bounded length."""
    short = text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
    return "".join(char if _is_legal(ord(char)) else "\N{REPLACEMENT CHARACTER}" for char in short)


def _is_legal(code: int) -> bool:
    """Say whether XML 1.0 has the character and a reader returns it unchanged, which a carriage return is not."""
    return code in (0x9, 0xA) or 0x20 <= code <= 0x7E or 0xA0 <= code <= 0xD7FF or _is_high(code)


def _is_high(code: int) -> bool:
    return 0xE000 <= code <= 0xFFFD or 0x10000 <= code <= 0x10FFFF
