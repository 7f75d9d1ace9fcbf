"""What came of a run, as text in promtool's manner and as plain data. No line of a report holds a control character."""

from __future__ import annotations

import typing as t

from lynceus.policytest.coverage import Coverage
from lynceus.policytest.run import FileResult, Outcome
from model.decision import Decision
from model.durations import format_time

MOST_NEAR = 3
"""Near misses that a failure repeats."""


def clean(text: str) -> str:
    """Return text on one line: names and policies are written by others, and a terminal or CI obeys what it reads."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def lines_of(result: FileResult) -> t.Iterator[str]:
    """Yield the lines of one file."""
    yield clean(f"Unit Testing:  {result.file}")
    if result.unreadable:
        yield "  FAILED:"
        yield clean(f"    {result.unreadable}")
    elif not result.outcomes and not result.failed:
        yield "  SKIPPED  no case was chosen"
    elif result.passed:
        yield f"  SUCCESS  {_count(len(result.outcomes), 'case')}"
    else:
        yield f"  FAILED:  {result.failed} of {len(result.outcomes) or result.left_out}"
        for finding in result.findings:
            yield clean(f"    the policy has an error, so that no case was asked: {finding}")
        for outcome in result.outcomes:
            if not outcome.passed:
                yield from (clean(line) for line in _failure(result.file, outcome))
    yield ""


def _failure(file: str, outcome: Outcome) -> t.Iterator[str]:
    yield f"    {file}:{outcome.case.line}: {outcome.case.full_name}"
    yield from (f"      {line}" for line in explain(outcome))


def explain(outcome: Outcome) -> t.Iterator[str]:
    """Yield why a case failed: what differs, then the answer with its rule, near misses and remedy."""
    yield from outcome.differences
    decision = outcome.answer.decision
    if outcome.case.name != outcome.case.question.title:
        yield f"asked:  {outcome.case.question.title}"
    if outcome.case.at:
        yield f"at:     {format_time(outcome.case.at)}"
    if decision is not None:
        yield from _decision(decision)
    for finding in outcome.answer.findings:
        yield f"found:  {finding}"


def _decision(decision: Decision) -> t.Iterator[str]:
    yield f"answer: {decision.effect}: {decision.reason}"
    if decision.rule:
        yield f"rule:   {decision.rule.origin}: {decision.rule.text}"
        if len(decision.rule.path) > 1:
            yield f"path:   {' -> '.join(decision.rule.path)}"
    yield from (f"near:   {reason}" for reason in decision.reasons[:MOST_NEAR])
    if decision.remedy and not decision.allowed:
        yield f"remedy: {decision.remedy}"
    if decision.until:
        yield f"until:  {format_time(decision.until)}"


def summary(results: t.Sequence[FileResult]) -> str:
    """Return the last line of a run."""
    cases = sum(len(result.outcomes) for result in results)
    failed = sum(result.failed for result in results)
    unreadable = sum(bool(result.unreadable) for result in results)
    left_out = sum(result.left_out for result in results)
    parts = [_count(len(results), "file"), _count(cases, "case"), f"{failed} failed"]
    parts += [f"{unreadable} unreadable"] * bool(unreadable) + [f"{left_out} not asked"] * bool(left_out)
    return ", ".join(parts)


def coverage_lines(coverage: Coverage) -> t.Iterator[str]:
    """Yield what the runs cover together, and what they do not."""
    if not coverage.items:
        yield "Coverage: there are no policy lines and no windows"
        return
    for kind, name in (("line", "policy lines"), ("window", "windows")):
        total = sum(item.kind == kind for item in coverage.items)
        hit = sum(item.kind == kind for item in coverage.hit)
        yield f"Coverage: {hit} of {total} {name}"
    yield f"Coverage: {coverage.percent:.1f} %"
    for item in coverage.missed:
        yield clean(f"  never decided: {item.origin}: {item.text}")


def record(results: t.Sequence[FileResult], coverage: Coverage | None) -> dict[str, t.Any]:
    """Return the run as JSON values."""
    value: dict[str, t.Any] = {
        "passed": all(result.passed for result in results),
        "files": [_file(result) for result in results],
    }
    if coverage is not None:
        value["coverage"] = {
            "percent": round(coverage.percent, 1),
            "items": len(coverage.items),
            "decided": len(coverage.hit),
            "never": [{"kind": item.kind, "origin": item.origin, "text": item.text} for item in coverage.missed],
        }
    return value


def _file(result: FileResult) -> dict[str, t.Any]:
    return {
        "file": result.file,
        "passed": result.passed,
        "failed": result.failed,
        "notAsked": result.left_out,
        "unreadable": result.unreadable or None,
        "findings": [str(finding) for finding in result.findings],
        "cases": [_case(outcome) for outcome in result.outcomes],
    }


def _case(outcome: Outcome) -> dict[str, t.Any]:
    case, decision = outcome.case, outcome.answer.decision
    rule = decision.rule if decision is not None else None
    return {
        "group": case.group,
        "name": case.name,
        "line": case.line,
        "question": case.question.title,
        "at": format_time(case.at) if case.at else None,
        "passed": outcome.passed,
        "differences": list(outcome.differences),
        "answer": outcome.answer.word,
        "reason": decision.reason if decision is not None else "",
        "rule": {"origin": rule.origin, "text": rule.text, "path": list(rule.path)} if rule else None,
        "until": format_time(outcome.answer.until) if outcome.answer.until else None,
        "near": list(decision.reasons) if decision is not None else [],
        "findings": [str(finding) for finding in outcome.answer.findings],
    }


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
