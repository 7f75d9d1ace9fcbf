"""Sync windows by the table: schedules, durations, zones, matching, decisions, and what Lynceus adds to them."""

from __future__ import annotations

import datetime as dt
import json
import typing as t
from pathlib import Path

import pytest
import yaml

from model.application import Application, read_application
from model.decision import Decision
from policy.findings import Mode
from policy.guard import Guard
from policy.subjects import named
from tests.acceptance.support import application, cluster, config_map, generation, per_mode, project, run, table, write

Case = dict[str, t.Any]
Row = list[t.Any]
ANNOTATION = "lynceus.io/sync-windows"


def instant(text: str) -> dt.datetime:
    """Read an instant."""
    return dt.datetime.fromisoformat(text.replace("Z", "+00:00"))


def _additions(case: Case) -> dict[str, str]:
    keys = {"windows": case.get("added"), "breakGlass": case.get("breakGlass")}
    keys |= {key: value for key, value in case.items() if key.startswith("freeze.")}
    return {key: each if isinstance(each, str) else json.dumps(each) for key, each in keys.items() if each is not None}


def _objects(case: Case) -> list[dict[str, t.Any]]:
    annotation = {ANNOTATION: json.dumps(case["annotation"])} if "annotation" in case else {}
    spec = {"syncWindows": case.get("windows", []), "sourceNamespaces": ["*"]}
    shop = project("shop", spec, labels=case.get("labels", {}))
    shop["metadata"]["annotations"] = annotation
    policy = case.get("policy", "")
    found = [shop, config_map("argocd-rbac-cm", policy if isinstance(policy, dict) else {"policy.csv": policy})]
    if "company" in case:
        found.append(project("company", {"syncWindows": case["company"]}))
        found.append(config_map("argocd-cm", {"globalProjects": yaml.safe_dump(case["globals"])}))
    if additions := _additions(case):
        found.append(config_map("lynceus-cm", additions))
    return found + [cluster(*pair) for pair in case.get("clusters", ())]


def guard(folder: Path, case: Case, mode: Mode) -> Guard:
    """Put the objects of a case in force."""
    return Guard(generation(write(folder / "objects.yaml", *_objects(case)), mode)[0])


def _app(given: dict[str, t.Any]) -> Application:
    return read_application(json.dumps(application(**given)).encode())


def _sync(asked: Guard, at: str, trigger: str, more: Case, app: Application) -> Decision:
    who = more.get("by")
    name, *groups = who if isinstance(who, list) else [who]
    started = instant(more["started"]) if "started" in more else None
    return asked.may_sync(
        app,
        now=instant(at),
        manual=trigger == "manual",
        started=started,
        subject=None if who is None else named(name, groups),
        healing=trigger == "healing",
        break_glass=more.get("glass", ""),
    )


def _check(decision: Decision, answer: str, more: Case, mode: Mode, told: str) -> None:
    assert answer == decision.effect, f"{told}: {decision.reason}"
    assert decision.reason, told
    place = f"{decision.rule.origin} {decision.rule.text}" if decision.rule else ""
    assert more.get("rule", "") in place, f"{told}: {place}"
    assert more.get("reason", "") in decision.reason, f"{told}: {decision.reason}"
    if "until" in more and mode == "strict":
        until = instant(more["until"]) if more["until"] else None
        assert until == decision.until, f"{told}: {decision.reason}"


@pytest.mark.parametrize("case", table("windows_decision") + table("windows_added"))
def test_syncs_run_when_the_rule_says(case: Case, tmp_path: Path) -> None:
    """The guard's answer, its rule and the instant at which it changes are those of the table."""
    for at, trigger, expected, *rest in case["asks"]:
        more: Case = rest[0] if rest else {}
        for mode, answer in per_mode(expected).items():
            decision = _sync(guard(tmp_path, case, mode), at, trigger, more, _app(dict(more.get("app", {}))))
            _check(decision, answer, more if answer == per_mode(expected)["strict"] else {}, mode, f"{mode}: {at}")


def _rows(name: str) -> list[t.Any]:
    return [
        pytest.param(row, param.values[0], id=f"{param.id}: {json.dumps(row)}")
        for param in table(name)
        for row in param.values[0]["rows"]
    ]


def _open(folder: Path, window: Case, at: str, case: Case, app: Case | None = None) -> dict[Mode, str]:
    """Ask about one deny window in both modes: true (it blocks), false, or invalid (it blocks, and is a finding)."""
    answers: dict[Mode, str] = {}
    path = write(folder / "objects.yaml", *_objects(case | {"windows": [{"kind": "deny"} | window]}))
    for mode in ("strict", "compat"):
        current, findings = generation(path, mode)
        blocked = not Guard(current).may_sync(_app(dict(app or {})), now=instant(at), manual=False).allowed
        broken = any(found.severity == "error" and found.code.startswith("window-") for found in findings)
        answers[mode] = "invalid" if blocked and broken else str(blocked).lower()
    return answers


def _expected(answer: t.Any, got: dict[Mode, str]) -> dict[Mode, str]:
    told = {mode: text.lower() for mode, text in per_mode(answer).items()}
    # compat has no findings of its own for what Argo CD does not report: that it blocks is enough
    if told["compat"] == "invalid" and got["compat"] == "true":
        told["compat"] = "true"
    return told


@pytest.mark.parametrize(("row", "case"), _rows("windows_schedule"))
def test_schedules_open_when_the_dialect_says(row: Row, case: Case, tmp_path: Path) -> None:
    """A schedule of one-minute openings is open at the instants of the table, or refused."""
    schedule, at, answer = row
    got = _open(tmp_path, {"schedule": schedule, "duration": "1m", "applications": ["*"]}, at, {})
    assert _expected(answer, got) == got


@pytest.mark.parametrize(("row", "case"), _rows("windows_duration"))
def test_durations_last_as_long_as_they_say(row: Row, case: Case, tmp_path: Path) -> None:
    """A daily opening at noon lasts as long as Go reads the duration, or is refused."""
    duration, at, answer = row
    got = _open(tmp_path, {"schedule": "0 12 * * *", "duration": duration, "applications": ["*"]}, at, {})
    assert _expected(answer, got) == got


@pytest.mark.parametrize(("row", "case"), _rows("windows_zone"))
def test_zones_and_clock_changes(row: Row, case: Case, tmp_path: Path) -> None:
    """A window follows the clock of its zone over both changes and over the New Year."""
    zone, schedule, duration, at, answer = row
    window = {"timeZone": zone, "schedule": schedule, "duration": duration, "applications": ["*"]}
    got = _open(tmp_path, window, at, {})
    assert _expected(answer, got) == got


@pytest.mark.parametrize(("row", "case"), _rows("windows_matching"))
def test_windows_concern_what_their_selectors_hit(row: Row, case: Case, tmp_path: Path) -> None:
    """A window concerns the Applications of the table and no others."""
    selectors, app, answer = row
    window = {"schedule": "0 10 * * *", "duration": "4h"} | selectors
    got = _open(tmp_path, window, "2026-06-15T12:00:00Z", {"clusters": case.get("clusters", ())}, app)
    told = {mode: "true" if each == "invalid" else each for mode, each in got.items()}
    assert _expected(answer, told) == told


@pytest.mark.parametrize("case", [param for param in table("windows_decision") if param.values[0]["asks"]])
def test_the_command_line_says_the_same(case: Case, tmp_path: Path, capsys: t.Any) -> None:
    """`windows explain` answers the first question of each case as the guard does, with the same exit code."""
    at, trigger, expected, *rest = case["asks"][0]
    more: Case = rest[0] if rest else {}
    path = write(tmp_path / "all.yaml", *_objects(case), application(**more.get("app", {})))
    words = ["--manual"] if trigger == "manual" else []
    words += ["--started", more["started"]] if "started" in more else []
    for mode, answer in per_mode(expected).items():
        result = run(capsys, "windows", "explain", path, "--at", at, "--mode", mode, "-o", "json", *words)
        assert (answer == "deny", [answer]) == (result.code == 1, [each["effect"] for each in result.data]), result
