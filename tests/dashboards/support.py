"""The shipped dashboards as values, with their variables filled in."""

from __future__ import annotations

import json
import re
import typing as t
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "dashboards"
BOARDS = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))}

VALUES = {
    "cluster": ".*",
    "namespace_label": "namespace",
    "project": ".*",
    "dest_server": ".*",
    "repo": ".*",
    "environment": ".*",
    "application": "web",
    "app_namespace": "argocd",
}
"""What the variables stand for in tests, unless the test says otherwise; $__rate_interval is given by the test."""

VARIABLE = re.compile(r"\$\{?([a-zA-Z_]\w*)(?::\w+)?\}?")


class Query(t.NamedTuple):
    """One query of a panel, or of an annotation."""

    board: str
    panel: str
    expression: str


def panels(board: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    """Return all panels, those inside collapsed rows included."""
    return [inner for panel in board["panels"] for inner in (panel, *panel.get("panels", ()))]


def queries(rate_interval: str = "5m", **values: str) -> list[Query]:
    """Return every query of every panel, variables filled in; `values` takes the place of VALUES."""
    return [
        Query(name, panel["title"], filled(target["expr"], rate_interval, **values))
        for name, board in BOARDS.items()
        for panel in panels(board)
        for target in panel.get("targets", ())
    ]


def marks(rate_interval: str = "5m", **values: str) -> list[Query]:
    """Return every query of every annotation, variables filled in, with the annotation's name for the panel's."""
    return [
        Query(name, mark["name"], filled(mark["target"]["expr"], rate_interval, **values))
        for name, board in BOARDS.items()
        for mark in board["annotations"]["list"]
    ]


def filled(expression: str, rate_interval: str, **values: str) -> str:
    """Return an expression with its variables replaced; an unknown one raises KeyError."""
    known = VALUES | {"__rate_interval": rate_interval} | values
    return VARIABLE.sub(lambda match: known[match[1]], expression)
