"""What makes panels a board: places, numbers, variables, marks, links; and the text that is kept. No panel."""

from __future__ import annotations

import json
import typing as t

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard

from dashboards.boards.links import all_boards
from dashboards.boards.panels import Panel, row
from dashboards.boards.variables import Variable

WIDTH = 24
SCHEMA = 39
"""Grafana 10 and everything later reads it and migrates it by itself."""


class Row(t.NamedTuple):
    """A heading and the panels below it, placed from left to right and wrapped at the right edge."""

    title: str
    panels: tuple[Panel, ...]
    closed: bool = False
    """Opened by whoever wants to look; only for the last row."""


class Board(t.NamedTuple):
    """One screen."""

    name: str
    """The file's name without suffix, and the end of the uid."""
    title: str
    description: str
    variables: tuple[Variable, ...]
    rows: tuple[Row, ...]
    marks: tuple[dashboard.AnnotationQuery, ...] = ()
    since: str = "now-6h"
    refresh: str = "30s"
    tags: tuple[str, ...] = ()


def text(board: Board) -> str:
    """Return the board as Grafana's JSON, the way it is kept."""
    made = (
        build.Dashboard(f"Lynceus / {board.title}")
        .uid(f"lynceus-{board.name}")
        .description(board.description)
        .tags(["lynceus", "gitops", *board.tags])
        .timezone("browser")
        .time(board.since, "now")
        .refresh(board.refresh)
        .tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
        .version(1)
        .build()
    )
    made.schema_version, made.links = SCHEMA, [all_boards()]
    made.templating.list_val = list(board.variables)
    made.annotations.list_val = list(board.marks)
    made.panels = [*_placed(board.rows)]
    plain = json.loads(json.dumps(made, cls=JSONEncoder), object_hook=_shown)
    return json.dumps(plain, indent=2, ensure_ascii=False) + "\n"


def _shown(value: dict[str, t.Any]) -> dict[str, t.Any]:
    """Leave links and marks above the board, where Grafana 12 and later would move them into a menu."""
    return {key: item for key, item in value.items() if (key, item) != ("placement", "inControlsMenu")}


def _placed(rows: t.Iterable[Row]) -> t.Iterator[dashboard.RowPanel | Panel]:
    """Give every heading and panel its number and its place; those of a closed row stand inside its heading."""
    number, y = 0, 0
    for each in rows:
        number, heading = number + 1, row(each.title)
        heading.id_val, heading.grid_pos = number, dashboard.GridPos(x=0, y=y, w=WIDTH, h=1)
        bottom = _flow(each.panels, number, y + 1)
        if each.closed:
            heading.collapsed, heading.panels = True, list(each.panels)
        yield heading
        if not each.closed:
            yield from each.panels
        number, y = number + len(each.panels), bottom


def _flow(panels: t.Iterable[Panel], number: int, y: int) -> int:
    """Place panels from left to right, wrapped at the right edge; returns the line below them."""
    x = tallest = 0
    for offset, panel in enumerate(panels, 1):
        assert panel.grid_pos is not None
        if x + panel.grid_pos.w > WIDTH:
            x, y, tallest = 0, y + tallest, 0
        panel.id_val, panel.grid_pos.x, panel.grid_pos.y = number + offset, x, y
        x, tallest = x + panel.grid_pos.w, max(tallest, panel.grid_pos.h)
    return y + tallest
