"""How policy commands print a Decision and findings, and which exit code they end with."""

from __future__ import annotations

import datetime as dt
import json
import re
import typing as t

import click
import yaml

from controller.clock import SystemClock
from model.decision import Decision, Rule
from model.durations import format_time, parse_time
from model.errors import InvalidSettings
from policy.findings import Finding

_PLACE = re.compile(r":([1-9][0-9]*)(?::([1-9][0-9]*))?$")

output_option = click.option(
    "-o", "--output", type=click.Choice(["text", "json", "yaml"]), default="text", show_default=True, help="Format."
)
mode_option = click.option(
    "--mode",
    type=click.Choice(["strict", "compat"]),
    default="strict",
    show_default=True,
    help="strict is safe on mistakes; compat answers as Argo CD does.",
)
clusters_option = click.option(
    "--cluster", "clusters", metavar="NAME=SERVER", multiple=True, help="A cluster under both its names."
)
at_option = click.option("--at", metavar="T", help="Instant, RFC 3339: 2026-12-24T12:00:00Z. Default: now.")


def instant(text: str | None) -> dt.datetime:
    """Return the instant of --at, or now; raises InvalidSettings when it is none."""
    if not text:
        return SystemClock().now()
    try:
        return parse_time(text)
    except ValueError:
        raise InvalidSettings("--at", "", repr(text[:40]), "an RFC 3339 time such as 2026-12-24T12:00:00Z") from None


def decision_record(decision: Decision) -> dict[str, t.Any]:
    """Return a Decision as JSON values."""
    rule = decision.rule
    return {
        "allowed": decision.allowed,
        "effect": str(decision.effect),
        "reason": decision.reason,
        "rule": _rule_record(rule) if rule else None,
        "remedy": decision.remedy,
        "until": format_time(decision.until) if decision.until else None,
        "reasons": list(decision.reasons),
        "generation": decision.generation,
    }


def _rule_record(rule: Rule) -> dict[str, t.Any]:
    line, _ = _line_and_column(rule.origin)
    return {
        "kind": rule.kind,
        "origin": rule.origin,
        "line": line,
        "text": rule.text,
        "path": list(rule.path),
    }


def _line_and_column(place: str) -> tuple[int | None, int | None]:
    """Return the line and column at the end of a place such as ``policy.csv:12:7``, None for what it does not have."""
    match = _PLACE.search(place)
    line, column = match.groups() if match else (None, None)
    return int(line) if line else None, int(column) if column else None


def print_decision(decision: Decision, output: str) -> t.NoReturn:
    """Print and leave: exit code 0 when allowed, 1 when denied."""
    if output == "text":
        click.echo("\n".join(decision_lines(decision)))
    else:
        print_value(decision_record(decision), output)
    raise SystemExit(0 if decision.allowed else 1)


def decision_lines(decision: Decision) -> list[str]:
    """Return a Decision as lines for a person: the answer first."""
    lines = [f"{decision.effect}: {decision.reason}"]
    if decision.rule:
        lines.append(f"  rule:   {decision.rule.origin}" + (f": {decision.rule.text}" if decision.rule.text else ""))
        if len(decision.rule.path) > 1:
            lines.append(f"  path:   {' -> '.join(decision.rule.path)}")
    lines += [f"  note:   {reason}" for reason in decision.reasons]
    if decision.remedy and not decision.allowed:
        lines.append(f"  remedy: {decision.remedy}")
    if decision.until:
        lines.append(f"  until:  {format_time(decision.until)}")
    return lines


def print_value(value: t.Any, output: str) -> None:
    """Print JSON or YAML."""
    if output == "json":
        click.echo(json.dumps(value, indent=2, ensure_ascii=False))
    else:
        click.echo(yaml.safe_dump(value, sort_keys=False, allow_unicode=True), nl=False)


def print_findings(findings: t.Sequence[Finding], output: str, subject: str, *, code: int | None = None) -> t.NoReturn:
    """Print findings and leave with the code: by default 1 when one of them is an error, else 0."""
    errors = sum(finding.severity == "error" for finding in findings)
    if output == "text":
        for finding in findings:
            click.echo(f"{finding.severity}: {finding}")
        click.echo(f"{subject}: {errors} errors, {len(findings) - errors} warnings")
    else:
        record = {"valid": not errors, "findings": [finding_record(finding) for finding in findings]}
        print_value(record, output)
    raise SystemExit((1 if errors else 0) if code is None else code)


def finding_record(finding: Finding) -> dict[str, t.Any]:
    """Return a finding as JSON values."""
    line, column = _line_and_column(finding.where)
    return {
        "code": finding.code,
        "severity": finding.severity,
        "where": finding.where,
        "line": line,
        "column": column,
        "text": finding.text,
        "fix": finding.fix,
    }
