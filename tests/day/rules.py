"""The shipped rules with thresholds of a day that lasts a minute; whether they hold at their own is promtool's part."""

from __future__ import annotations

import typing as t
from pathlib import Path

import msgspec
import yaml

from alerts.rules.files import texts
from alerts.rules.thresholds import DEFAULTS, Threshold, Thresholds

_KEPT = {
    "git_window": 600,
    "heal_window": 1800,
    "override_window": 900,
    "denial_window": 600,
    "lost_window": 900,
    "git_stale": 4,
    "forgotten": 2,
    "freshness_seconds": 30,
    "reconcile_seconds": 0.25,
    "webhook_seconds": 0.005,
}
"""What is looked over stays long; of a histogram's bounds the lowest that decides something."""


def _of_a_day(each: Threshold) -> Threshold:
    """Return the threshold for a day of a minute: a second, nothing, or no budget at all."""
    least = 1 if each.is_time or each.name.endswith("_target") else 0
    return msgspec.structs.replace(each, value=_KEPT.get(each.name, least))


THRESHOLDS = Thresholds(_of_a_day(each) for each in DEFAULTS)

Rule = dict[str, t.Any]


def groups() -> dict[str, list[dict[str, t.Any]]]:
    """Return the groups of each rule file, evaluated as often as the server wants."""
    written = texts(THRESHOLDS)
    read = {name: yaml.safe_load(text)["groups"] for name, text in written.items() if name.endswith(".rules.yaml")}
    return {name: [{k: v for k, v in g.items() if k != "interval"} for g in found] for name, found in read.items()}


ALERTS: t.Final[list[Rule]] = [
    rule for found in groups().values() for group in found for rule in group["rules"] if "alert" in rule
]


def write(folder: Path) -> list[str]:
    """Write the rule files for a server; return their paths."""
    for name, found in groups().items():
        (folder / name).write_text(yaml.safe_dump({"groups": found}))
    return [str(folder / name) for name in groups()]
