"""Tests of the row list."""

import pytest

from tests.plugins.rows import TABLE, read_rows, verdict


def test_the_list_is_whole() -> None:
    """Every number from 1 to 236 has one row with a title and an area."""
    rows = read_rows(TABLE.read_text(encoding="utf-8"))

    assert list(range(1, 237)) == [row.number for row in rows]
    assert all(row.title and row.area for row in rows)
    assert 85 == sum(row.is_due for row in rows)


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ({}, "MISSING"),
        ({"a": "passed", "b": "failed"}, "failed"),
        ({"a": "skipped", "b": "passed"}, "passed"),
        ({"a": "skipped"}, "skipped"),
    ],
    ids=["no test", "one fails", "one skips", "all skip"],
)
def test_a_row_is_as_good_as_its_worst_test(outcomes: dict[str, str], expected: str) -> None:
    """A failure outweighs a pass, a pass outweighs a skip, and no test is said to be missing."""
    assert expected == verdict(outcomes)


def test_a_run_without_tests_for_due_rows_fails(pytester: pytest.Pytester) -> None:
    """With --rows, due rows without a test are listed as MISSING and fail an otherwise good run."""
    pytester.makeini("[pytest]\nmarkers = row(*numbers): rows")
    pytester.makepyfile("import pytest\n\n@pytest.mark.row(1, 3)\ndef test_one():\n    pass\n")

    result = pytester.runpytest_subprocess("-p", "tests.plugins.rows", "--rows", "-p", "no:cacheprovider")

    assert 1 == result.ret
    result.stdout.fnmatch_lines(
        [
            "*   1 passed   *",
            "*passed: *test_one*",
            "*   2 MISSING*",
            "*   3 passed*",
            "1 of 85 due rows passed, 84 have no test",
        ]
    )
