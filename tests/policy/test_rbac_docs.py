"""The tables about RBAC in the documentation name findings that exist, and no finding is left out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = re.compile(r"`((?:rbac|role)-[a-z-]+)`")


def _rows() -> list[list[str]]:
    """Return the cells of the RBAC table in docs/compatibility.md."""
    text = (ROOT / "docs/compatibility.md").read_text().partition("\n## RBAC\n")[2].partition("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[1:]]


def _codes_in_code() -> set[str]:
    """Return every code that policy.rbac writes."""
    sources = "".join(path.read_text() for path in (ROOT / "policy/rbac").glob("*.py"))
    return set(re.findall(r'"((?:rbac|role)-[a-z-]+)"', sources))


def _codes_in_tests() -> set[str]:
    """Return every code that a test of RBAC expects."""
    paths = [path for path in (ROOT / "tests/policy").glob("test_rbac_*.py") if path.name != Path(__file__).name]
    return set(re.findall(r'"((?:rbac|role)-[a-z-]+)"', "".join(path.read_text() for path in paths)))


@pytest.mark.parametrize("row", _rows(), ids=lambda row: row[0][:40])
def test_each_difference_has_a_finding_or_an_answer(row: list[str]) -> None:
    """Four cells, and the last one names codes that exist and that a test expects, or says who tells."""
    codes = set(CODE.findall(row[3]))
    assert 4 == len(row)
    assert codes or row[3] in ("the answer says so", "`PolicyLoaded` names it", "none")
    assert codes <= _codes_in_code() & _codes_in_tests()


def test_the_table_of_findings_is_complete() -> None:
    """docs/policy.md lists exactly the codes that policy.rbac has, and each is expected by a test."""
    table = (ROOT / "docs/policy.md").read_text().partition("\n## Findings\n")[2]
    listed = set(re.findall(r"\b((?:rbac|role)-[a-z-]+)", table.replace("rbac-validate", "")))
    assert _codes_in_code() == listed
    assert set() == listed - _codes_in_tests()
