"""Runs the cases of a file and compares: what was expected, what came, and why. Pure."""

from __future__ import annotations

import collections
import typing as t

import msgspec

from lynceus.policytest.answers import Answer, ask
from lynceus.policytest.cases import NEVER, Case, Expected, Lint
from lynceus.policytest.coverage import Coverage, cover
from lynceus.policytest.load import Suite
from lynceus.policytest.questions import contains
from lynceus.policytest.world import unexpected
from model.durations import format_time
from policy.findings import Finding

Clock = t.Callable[[], float]
"""Seconds, for how long a file took; never an instant that an answer depends on."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one case."""

    case: Case
    answer: Answer
    differences: tuple[str, ...]
    """One line for each field that differs; empty: passed."""

    @property
    def passed(self) -> bool:
        """Everything that the case expects came."""
        return not self.differences


class FileResult(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one file."""

    file: str
    outcomes: tuple[Outcome, ...] = ()
    findings: tuple[Finding, ...] = ()
    """Errors of the policy that no case expects: then no case was asked."""
    unreadable: str = ""
    """Why the file, or something it names, could not be read."""
    left_out: int = 0
    """Cases that `--run` did not choose, or that were not asked since the policy has errors."""
    coverage: Coverage = Coverage()
    seconds: float = 0.0

    @property
    def failed(self) -> int:
        """Cases that failed; errors of the policy count as well."""
        return sum(not outcome.passed for outcome in self.outcomes) + len(self.findings)

    @property
    def passed(self) -> bool:
        """The file could be read and nothing failed."""
        return not self.unreadable and not self.failed


def run(suite: Suite, wanted: t.Callable[[str], bool], clock: Clock) -> FileResult:
    """Run one file.

    Args:
        suite: as lynceus.policytest.load read it.
        wanted: chooses cases by their full name.
        clock: how long it takes is measured with it.
    """
    began = clock()
    chosen = [case for case in suite.cases if wanted(case.full_name)]
    findings = unexpected(suite.worlds, _expected_findings(suite.cases))
    if findings:
        return FileResult(file=suite.file, findings=findings, left_out=len(suite.cases), seconds=clock() - began)
    outcomes = tuple(_outcome(case, suite) for case in chosen)
    world = suite.worlds.in_mode(suite.worlds.default)
    coverage = cover(world, (rule for outcome in outcomes for rule in outcome.answer.rules))
    return FileResult(
        file=suite.file,
        outcomes=outcomes,
        left_out=len(suite.cases) - len(chosen),
        coverage=coverage,
        seconds=clock() - began,
    )


def _expected_findings(cases: t.Sequence[Case]) -> t.Callable[[Finding], bool]:
    asked = [case.question for case in cases if isinstance(case.question, Lint)]

    def expected(finding: Finding) -> bool:
        return any(finding.code in (*(q.codes or ()), *q.includes) and q.where in finding.where for q in asked)

    return expected


def _outcome(case: Case, suite: Suite) -> Outcome:
    answer = ask(case, suite.worlds.in_mode(case.mode))
    if isinstance(case.question, Lint):
        return Outcome(case=case, answer=answer, differences=tuple(_codes(case.question, answer)))
    return Outcome(case=case, answer=answer, differences=tuple(_differences(case.expected, answer)))


def _codes(question: Lint, answer: Answer) -> t.Iterator[str]:
    found = collections.Counter(finding.code for finding in answer.findings)
    wanted = collections.Counter(question.codes or ())
    if question.codes is not None and found != wanted:
        yield f"codes: expected {_listed(wanted.elements())}, got {_listed(found.elements())}"
    missing = [code for code in question.includes if code not in found]
    if missing:
        yield f"codes: expected among them {_listed(missing)}, got {_listed(found.elements())}"


def _listed(codes: t.Iterable[str]) -> str:
    return ", ".join(sorted(codes)) or "none"


def _differences(expected: Expected, answer: Answer) -> t.Iterator[str]:
    if answer.word != expected.word:
        yield f"expected {expected.word}, got {answer.word}"
    yield from _rule(expected, answer)
    decision = answer.decision
    if expected.reason and (decision is None or expected.reason not in decision.reason):
        yield f"reason: expected to contain {expected.reason!r}"
    if expected.overrode:
        passed_over = decision.overrode if decision is not None else None
        if passed_over is None or not contains(f"{passed_over.origin}: {passed_over.text}", expected.overrode):
            shown = f"{passed_over.origin}: {passed_over.text}" if passed_over else "nothing"
            yield f"overrode: expected to contain {expected.overrode!r}, got {shown}"
    until = format_time(answer.until) if answer.until else NEVER
    wanted = expected.until if expected.until in (None, NEVER) else format_time(t.cast("t.Any", expected.until))
    if wanted is not None and wanted != until:
        yield f"until: expected {wanted}, got {until}"


def _rule(expected: Expected, answer: Answer) -> t.Iterator[str]:
    rule = answer.decision.rule if answer.decision is not None else None
    shown = f"{rule.origin}: {rule.text}" if rule else "no rule"
    if expected.rule and (rule is None or not contains(shown, expected.rule)):
        yield f"rule: expected to contain {expected.rule!r}, got {shown}"
    for name, wanted, got in (
        ("rule.origin", expected.origin, rule.origin if rule else ""),
        ("rule.text", expected.text, rule.text if rule else ""),
    ):
        if wanted is not None and wanted != got:
            yield f"{name}: expected {wanted!r}, got {got!r}"
    path = rule.path if rule else ()
    if expected.path is not None and expected.path not in (path, path[1:]):
        yield f"path: expected {' -> '.join(expected.path)}, got {' -> '.join(path) or 'none'}"
