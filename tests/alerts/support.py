"""The shipped rules as values."""

from __future__ import annotations

import typing as t
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
ALERTS = ROOT / "alerts"
RULE_FILES = sorted(ALERTS.glob("*.rules.yaml"))
TEST_FILES = sorted(Path(__file__).parent.glob("*.test.yaml"))


def load(path: Path) -> t.Any:
    """Read a YAML file of ours."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def rules(path: Path) -> list[dict[str, t.Any]]:
    """Return the alerting rules of a file."""
    return [rule for group in load(path)["groups"] for rule in group["rules"] if "alert" in rule]


ALL_RULES = {rule["alert"]: rule for path in RULE_FILES for rule in rules(path)}
