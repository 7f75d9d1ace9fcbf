"""The shipped rules, their cases and their pages as values, read from the files."""

from __future__ import annotations

import subprocess
import typing as t
from pathlib import Path

import yaml

from tests.alerts.labels import labels
from tests.dashboards.tools import need

ROOT = Path(__file__).parents[2]
ALERTS = ROOT / "alerts"
RUNBOOKS = ROOT / "docs" / "runbooks"
RULE_FILES = sorted(ALERTS.glob("*.rules.yaml"))
TEST_FILES = sorted(Path(__file__).parent.glob("*.test.yaml"))

Rule = dict[str, t.Any]


def load(path: Path) -> t.Any:
    """Read a YAML file of ours."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def rules(path: Path) -> list[Rule]:
    """Return the rules of a file, recording ones too."""
    return [rule for group in load(path)["groups"] for rule in group["rules"]]


EVERY_RULE: list[Rule] = [rule for path in RULE_FILES for rule in rules(path)]
ALERTING: list[Rule] = [rule for rule in EVERY_RULE if "alert" in rule]
BY_NAME: dict[str, list[Rule]] = {}
for _rule in ALERTING:
    BY_NAME.setdefault(_rule["alert"], []).append(_rule)


def key(rule: Rule) -> str:
    """What tells a rule from every other: its name, and the long window of an objective's."""
    name, window = rule.get("alert") or rule["record"], rule.get("labels", {}).get("long", "")
    return f"{name}-{window}".rstrip("-")


def recorded() -> dict[str, set[str]]:
    """Return the labels of each recorded series; a rule may use those that are recorded before it."""
    found: dict[str, set[str]] = {}
    for rule in EVERY_RULE:
        if "record" in rule:
            found[rule["record"]] = labels(rule["expr"], found) | set(rule.get("labels", ()))
    return found


def promtool(*arguments: str | Path) -> str:
    """Run promtool and return what it says; the exit code must be 0."""
    run = subprocess.run([need("promtool"), *map(str, arguments)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout
