"""`lynceus policy`: unit tests for policies, in the manner of `promtool test rules`."""

from __future__ import annotations

import time
import typing as t
from pathlib import Path

import click
import re2

from lynceus.commands.answers import output_option, print_value
from lynceus.commands.numbers import NumberRange
from lynceus.policytest import junit, report
from lynceus.policytest.coverage import Coverage, join
from lynceus.policytest.load import load
from lynceus.policytest.run import FileResult, run
from model.errors import InvalidInput, InvalidSettings


@click.group()
def policy() -> None:
    """Test policies in CI."""


@policy.command("test")
@click.argument("files", nargs=-1, required=True)
@click.option("--run", "pattern", metavar="REGEX", help="Only cases whose 'group / name' has a match (RE2).")
@click.option("--junit", "junit_file", metavar="OUT.xml", help="Write the results as JUnit XML, too.")
@click.option("--coverage", "covered", is_flag=True, help="List policy lines and windows that no case decided on.")
@click.option(
    "--fail-under",
    type=NumberRange(0, 100),
    metavar="N",
    help="Fail when fewer than N percent of lines and windows were decided on.",
)
@output_option
def test(
    files: tuple[str, ...],
    pattern: str | None,
    junit_file: str | None,
    covered: bool,
    fail_under: float | None,
    output: str,
) -> None:
    """Run the policy unit tests in FILES (docs/policy-testing.md).

    Exit code 0 all passed, 1 a case failed or the policy has an error, 2 something cannot be read.
    """
    wanted = _chooser(pattern)
    results = [_run(file, wanted) for file in files]
    if pattern is not None and not any(result.outcomes or result.findings or result.unreadable for result in results):
        raise InvalidSettings("--run", "", f"no case that {pattern[:60]!r} matches", "an expression that chooses some")
    coverage = join(result.coverage for result in results) if covered or fail_under is not None else None
    _print(results, coverage, output)
    if junit_file is not None:
        _write(junit_file, junit.to_xml(results))
    raise SystemExit(_exit_code(results, coverage, fail_under))


def _run(file: str, wanted: t.Callable[[str], bool]) -> FileResult:
    try:
        return run(load(file), wanted, time.perf_counter)
    except InvalidInput as failure:
        return FileResult(file=file, unreadable=str(failure))


def _chooser(pattern: str | None) -> t.Callable[[str], bool]:
    if pattern is None:
        return lambda _: True
    options = re2.Options()
    options.log_errors = False
    try:
        expression = re2.compile(pattern, options)
    except re2.error:
        raise InvalidSettings("--run", "", repr(pattern[:60]), "a regular expression in RE2 syntax") from None
    return lambda name: expression.search(name) is not None


def _print(results: t.Sequence[FileResult], coverage: Coverage | None, output: str) -> None:
    for result in results:
        if result.unreadable:
            click.echo(f"lynceus: {report.clean(result.unreadable)}", err=True)
    if output != "text":
        print_value(report.record(results, coverage), output)
        return
    lines = [line for result in results for line in report.lines_of(result)]
    lines += list(report.coverage_lines(coverage)) if coverage else []
    click.echo("\n".join([*lines, report.summary(results)]))


def _write(path: str, content: bytes) -> None:
    try:
        Path(path).write_bytes(content)
    except (OSError, ValueError) as failure:
        found = getattr(failure, "strerror", None) or "no usable path"
        raise InvalidSettings(f"--junit {path}", "", found.lower(), "a file that can be written") from None


def _exit_code(results: t.Sequence[FileResult], coverage: Coverage | None, fail_under: float | None) -> int:
    if any(result.unreadable for result in results):
        return 2
    if fail_under is not None and coverage is not None and coverage.percent < fail_under:
        click.echo(f"lynceus: coverage {coverage.percent:.1f} %, expected at least {fail_under:g} %", err=True)
        return 1
    return 0 if all(result.passed for result in results) else 1
