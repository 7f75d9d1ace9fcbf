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
    """Give every heading and panel its number and its place."""
    number, y = 0, 0
    for each in rows:
        number, heading = number + 1, row(each.title)
        heading.id_val, heading.grid_pos = number, dashboard.GridPos(x=0, y=y, w=WIDTH, h=1)
        yield heading
        x, y, tallest = 0, y + 1, 0
        for panel in each.panels:
            assert panel.grid_pos is not None
            if x + panel.grid_pos.w > WIDTH:
                x, y, tallest = 0, y + tallest, 0
            number += 1
            panel.id_val, panel.grid_pos.x, panel.grid_pos.y = number, x, y
            x, tallest = x + panel.grid_pos.w, max(tallest, panel.grid_pos.h)
            yield panel
        y += tallest
