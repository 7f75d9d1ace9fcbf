"""The tables of docs/alerts.md, and how they are put between its marks."""

from __future__ import annotations

import re
import typing as t

from alerts.rules.files import FILES
from alerts.rules.form import Alert
from alerts.rules.objectives import BURNS, OBJECTIVES
from alerts.rules.thresholds import DEFAULTS, Thresholds


def filled(page: str, at: Thresholds) -> str:
    """Return the page with every table between its marks made anew; the rest stays."""
    tables = {"alerts": _alerts(at), "objectives": _objectives(at), "thresholds": _thresholds()}
    for name, rows in tables.items():
        before, mark, rest = re.split(rf"(<!-- {name}: [^>]*-->\n)", page)
        _, end, after = rest.partition(f"<!-- end of {name} -->")
        page = "".join((before, mark, "\n", "\n".join(rows), "\n\n", end, after))
    return page


def _table(head: tuple[str, ...], rows: t.Iterable[tuple[str, ...]]) -> list[str]:
    return [_row(head), _row(("---",) * len(head)), *map(_row, rows)]


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _alerts(at: Thresholds) -> list[str]:
    groups = [group for file in FILES for group in file.groups]
    rows = [_alert(rule, at) for group in groups for rule in group.rules if isinstance(rule, Alert)]
    return _table(("Alert", "Severity", "For", "Says", "Board"), dict.fromkeys(rows))


def _alert(rule: Alert, at: Thresholds) -> tuple[str, ...]:
    says = re.sub(r"\{\{ (?:\$labels\.)?\$?(\w+)(?: \| \w+)? \}\}", r"*\1*", rule.said(rule.summary, at))
    by_window = "long" in rule.labels
    severity = "critical, warning" if by_window else rule.severity
    hold = "by window" if by_window else rule.hold or "-"
    return f"[{rule.name}](runbooks/{rule.name}.md)", severity, hold, says, rule.board


def _objectives(at: Thresholds) -> list[str]:
    windows = [(f"{burn.long} / {burn.short}", f"{burn.factor:g}", burn.severity, burn.hold) for burn in BURNS]
    goals = []
    for each in OBJECTIVES:
        target, least = at.by_name[f"{each.name}_target"].value, at.by_name[f"{each.name}_least"].number
        goals.append((each.name, f"{target * 100:g} %", f"{each.noun} that do not {_not(each.fails, at)}", least))
    head = ("Objective", "Target", "Good", "Fewest events")
    return [*_table(head, goals), "", *_table(("Long / short window", "Burn rate", "Severity", "For"), windows)]


def _not(fails: str, at: Thresholds) -> str:
    return at.sentence(fails).rstrip(",")


def _thresholds() -> list[str]:
    rows = [(f"`{each.name}`", each.range if each.is_time else each.number, each.says) for each in DEFAULTS]
    return _table(("Name", "Value", "What it bounds"), rows)
