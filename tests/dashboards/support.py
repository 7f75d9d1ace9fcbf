"""The shipped dashboards as values, with their variables filled in."""

from __future__ import annotations

import json
import re
import typing as t
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "dashboards"
BOARDS = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))}

VALUES = {"namespace_label": "namespace", "project": ".*", "dest_server": ".*"}
"""What the variables stand for in tests; $__rate_interval is given by the test."""


class Query(t.NamedTuple):
    """One query of a panel."""

    board: str
    panel: str
    expression: str


def panels(board: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    """Return all panels, those inside collapsed rows included."""
    return [inner for panel in board["panels"] for inner in (panel, *panel.get("panels", ()))]


def queries(rate_interval: str = "5m") -> list[Query]:
    """Return every query of every dashboard, variables filled in."""
    return [
        Query(name, panel["title"], filled(target["expr"], rate_interval))
        for name, board in BOARDS.items()
        for panel in panels(board)
        for target in panel.get("targets", ())
    ]


def filled(expression: str, rate_interval: str) -> str:
    """Return an expression with its variables replaced; an unknown one raises KeyError."""
    values = VALUES | {"__rate_interval": rate_interval}
    return re.sub(r"\$\{?(\w+)\}?", lambda match: values[match[1]], expression)
