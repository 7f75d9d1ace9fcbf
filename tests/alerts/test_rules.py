"""The shipped alerts: word for word where they must be, tested in pairs, each with a page."""

from __future__ import annotations

import re
import subprocess
import typing as t
from pathlib import Path

import pytest
from promql_parser import parse

from exporter.catalogue import BY_SAMPLE
from tests.alerts.support import ALERTS, ALL_RULES, ROOT, RULE_FILES, TEST_FILES, load, rules
from tests.dashboards.tools import need

WELL_KNOWN = {
    "ArgoCDAppOutOfSync": ('argocd_app_info{sync_status="OutOfSync"} == 1', "30m", "warning"),
    "ArgoCDAppUnhealthy": ('argocd_app_info{health_status!~"Healthy|Progressing"} == 1', "15m", "critical"),
    "ArgoCDSyncFailing": ('increase(argocd_app_sync_total{phase!="Succeeded"}[1h]) > 3', None, "critical"),
    "ArgoCDGitFetchErrors": (
        'increase(argocd_git_request_total{request_type="fetch", result="error"}[10m]) > 5',
        None,
        "warning",
    ),
}
"""As every guide has them: expression, for, severity."""


def promtool(*arguments: str | Path) -> str:
    """Run promtool and return what it says; the exit code must be 0."""
    run = subprocess.run([need("promtool"), *map(str, arguments)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


@pytest.mark.row(186, 187, 188, 189)
@pytest.mark.parametrize("name", WELL_KNOWN)
def test_the_well_known_rules_are_word_for_word(name: str) -> None:
    """Expression, duration and severity, to the character."""
    rule = {rule["alert"]: rule for rule in rules(ALERTS / "argocd.rules.yaml")}[name]
    assert WELL_KNOWN[name] == (rule["expr"], rule.get("for"), rule["labels"]["severity"])


def test_the_well_known_file_holds_nothing_else() -> None:
    """One group called argocd.rules with the four."""
    (group,) = load(ALERTS / "argocd.rules.yaml")["groups"]
    assert ("argocd.rules", list(WELL_KNOWN)) == (group["name"], [rule["alert"] for rule in group["rules"]])


@pytest.mark.row(190)
def test_annotations_name_the_application_and_its_health() -> None:
    """Summaries use $labels.name and $labels.health_status; the cases of promtool check the rendered text."""
    summaries = {name: ALL_RULES[name]["annotations"]["summary"] for name in WELL_KNOWN}
    for name in ("ArgoCDAppOutOfSync", "ArgoCDAppUnhealthy", "ArgoCDSyncFailing"):
        assert "{{ $labels.name }}" in summaries[name]
    assert "{{ $labels.health_status }}" in summaries["ArgoCDAppUnhealthy"]
    rendered = (Path(__file__).parent / "argocd.test.yaml").read_text()
    assert "summary: Application shop is Degraded" in rendered


@pytest.mark.row(192)
@pytest.mark.parametrize("path", RULE_FILES, ids=lambda path: path.name)
def test_promtool_accepts_the_rules(path: Path) -> None:
    """The command `promtool check rules` is clean."""
    assert f"{len(rules(path))} rules found" in promtool("check", "rules", path)


@pytest.mark.row(184, 186, 187, 188, 189, 190)
@pytest.mark.parametrize("path", TEST_FILES, ids=lambda path: path.name)
def test_promtool_sees_the_rules_fire_and_stay_silent(path: Path) -> None:
    """Every case of the file holds."""
    assert "SUCCESS" in promtool("test", "rules", path)


@pytest.mark.parametrize("name", ALL_RULES)
def test_every_alert_has_a_case_that_fires_and_one_that_does_not(name: str) -> None:
    """A rule that was never seen to fire is a guess, one that was never seen silent is noise."""
    cases = [
        case["exp_alerts"]
        for path in TEST_FILES
        for test in load(path)["tests"]
        for case in test.get("alert_rule_test", ())
        if case["alertname"] == name
    ]
    silent_beside = any(_has_silent_series(test, name) for path in TEST_FILES for test in load(path)["tests"])
    assert any(cases)
    assert not all(cases) or silent_beside


def _has_silent_series(test: dict[str, t.Any], name: str) -> bool:
    """Say whether a case that fires has more series, told apart by name or repo, than alerts."""
    fired = [len(case["exp_alerts"]) for case in test.get("alert_rule_test", ()) if case["alertname"] == name]
    told_apart = {re.search(r'(?:name|repo|server)="[^"]*"', entry["series"]) for entry in test["input_series"]}
    return bool(fired) and max(fired) < len({match[0] for match in told_apart if match})


def selectors(expression: str) -> list[tuple[str, set[str]]]:
    """Return (metric, label names) for each selector in a PromQL expression."""
    parse(expression)  # refuses what is no PromQL
    found = re.findall(r"\b((?:argocd|lynceus)_[a-z_]+)(?:\{([^}]*)\})?", expression)
    return [(name, set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", labels))) for name, labels in found]


@pytest.mark.parametrize("name", ALL_RULES)
def test_rules_use_only_what_is_exported(name: str) -> None:
    """Every metric and label of an expression is in the catalogue, so that no rule is dead."""
    used = selectors(ALL_RULES[name]["expr"])
    assert used
    for metric, labels in used:
        assert metric in BY_SAMPLE
        assert labels <= {*BY_SAMPLE[metric].labels, "le"}


@pytest.mark.parametrize("name", ALL_RULES)
def test_every_alert_has_severity_text_and_a_page(name: str) -> None:
    """The page exists and says what the reader needs."""
    rule = ALL_RULES[name]
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    assert {"summary", "description", "runbook_url"} == set(rule["annotations"])
    page = ROOT / "docs" / "runbooks" / f"{name}.md"
    assert rule["annotations"]["runbook_url"].endswith(f"/docs/runbooks/{name}.md")
    text = page.read_text(encoding="utf-8")
    headings = ["Meaning", "Impact", "Look here first", "Fix", "When to silence"]
    assert headings == re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert f"Severity: {rule['labels']['severity']}\n" in text
    (query,) = re.findall(r"```promql\n(.+?)\n```", text, re.DOTALL)
    for metric, labels in selectors(query):
        assert labels <= {*BY_SAMPLE[metric].labels, "le"}


def test_every_page_has_an_alert() -> None:
    """No page describes what no longer exists."""
    assert set(ALL_RULES) == {path.stem for path in (ROOT / "docs" / "runbooks").glob("*.md")}
