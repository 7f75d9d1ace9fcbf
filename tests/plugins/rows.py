"""The option `--rows`: lists every row of docs/features.md with the tests that carry it and their verdict.

A test names its rows with `@pytest.mark.row(N, …)`. With the option, the run fails when a row that is due has no test.
"""

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import pytest

TABLE = Path(__file__).resolve().parents[2] / "docs" / "features.md"
LINE = re.compile(r"^\|\s*(\d+)\s*\|\s*(.+?)\s*\|\s*(.+?)\s*\|\s*(yes|)\s*\|$")
RANK = ("failed", "passed", "skipped")
"""A row is as good as its worst test; a skipped one says nothing."""


@dataclass(frozen=True)
class Row:
    """One line of the feature list."""

    number: int
    title: str
    area: str
    is_due: bool


def read_rows(text: str) -> list[Row]:
    """The rows of the table, in their order."""
    found = (LINE.match(line) for line in text.splitlines())
    return [Row(int(each[1]), each[2], each[3], each[4] == "yes") for each in found if each]


def verdict(outcomes: dict[str, str]) -> str:
    """The verdict of a row from those of its tests; MISSING without any."""
    return next((word for word in RANK if word in outcomes.values()), "MISSING")


class RowReport:
    """Collects the outcomes of one run, in the process that reports."""

    def __init__(self) -> None:
        self.rows = read_rows(TABLE.read_text(encoding="utf-8"))
        self.outcomes: dict[int, dict[str, str]] = defaultdict(dict)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note the outcome of a test for each of its rows; what went wrong in set-up or clean-up counts."""
        if report.when != "call" and report.outcome == "passed":
            return
        for name, value in report.user_properties:
            if name == "row":
                assert isinstance(value, int)
                known = self.outcomes[value].get(report.nodeid, "passed")
                self.outcomes[value][report.nodeid] = report.outcome if known == "passed" else known

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail the run when a due row has no test, or a test names a row that does not exist."""
        if not session.exitstatus and (self.missing() or self.unknown()):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def missing(self) -> list[Row]:
        """The rows that are due and have no test."""
        return [row for row in self.rows if row.is_due and row.number not in self.outcomes]

    def unknown(self) -> list[int]:
        """The numbers that tests name and the list does not have."""
        return sorted(set(self.outcomes) - {row.number for row in self.rows})

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the list."""
        terminalreporter.section("rows of docs/features.md")
        for row in self.rows:
            for line in self._lines(row):
                terminalreporter.line(line)
        due = [row for row in self.rows if row.is_due]
        passed = [row for row in due if verdict(self.outcomes.get(row.number, {})) == "passed"]
        terminalreporter.line(f"{len(passed)} of {len(due)} due rows passed, {len(self.missing())} have no test")
        for number in self.unknown():
            terminalreporter.line(f"row {number} is named by a test and is not in the list")

    def _lines(self, row: Row) -> list[str]:
        outcomes = self.outcomes.get(row.number, {})
        if not outcomes and not row.is_due:
            return [f"{row.number:4} {'later':8} {row.title}"]
        tests = [f"     {'':8}   {outcome}: {test}" for test, outcome in sorted(outcomes.items())]
        return [f"{row.number:4} {verdict(outcomes):8} {row.title}", *tests]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.addoption("--rows", action="store_true", help="list the rows of docs/features.md with their tests")


def pytest_configure(config: pytest.Config) -> None:
    """Collect in the process that reports, which under xdist is not the one that tests."""
    if config.getoption("--rows") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(RowReport(), "row-report")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Hand the row numbers of each test to its reports."""
    for item in items:
        for marker in item.iter_markers("row"):
            item.user_properties.extend(("row", number) for number in marker.args)
