"""A strict linter of our own: what Grafana would only show as an empty panel fails here."""

from __future__ import annotations

import json
import re
import typing as t

import pytest
from promql_parser import parse

from exporter.catalogue import BY_SAMPLE
from tests.dashboards.support import BOARDS, FOLDER, Query, panels, queries

PANEL_TYPES = {
    "row",
    "stat",
    "gauge",
    "bargauge",
    "timeseries",
    "table",
    "piechart",
    "heatmap",
    "state-timeline",
    "barchart",
    "text",
}
"""Grafana's types of today; graph, singlestat, table-old and the plug-ins are not among them."""
SHOWN_WITHOUT_LEGEND = {"table", "heatmap"}
OWN_VARIABLES = {"__rate_interval", "__interval", "__range"}

Board = dict[str, t.Any]
each_board = pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)


def test_there_is_a_fleet_dashboard() -> None:
    """One file per screen, each with a uid of its own."""
    assert "fleet.json" in BOARDS
    assert len(BOARDS) == len({board["uid"] for board in BOARDS.values()})
    assert len(BOARDS) == len({board["title"] for board in BOARDS.values()})


@each_board
def test_the_board_introduces_itself(board: Board) -> None:
    """A stable uid and title, tags to find it by, a schema that Grafana 10 and later read, no id of an instance."""
    assert re.fullmatch(r"lynceus-[a-z-]{1,32}", board["uid"])
    assert board["title"].startswith("Lynceus / ")
    assert board["description"]
    assert "lynceus" in board["tags"]
    assert 36 <= board["schemaVersion"] <= 41
    assert "id" not in board


@each_board
def test_panels_have_ids_types_titles_and_texts(board: Board) -> None:
    """Unique numbers; every panel but a row says what it shows."""
    numbers = [panel["id"] for panel in panels(board)]
    assert sorted(set(numbers)) == sorted(numbers)
    titles = [panel["title"] for panel in panels(board)]
    assert sorted(set(titles)) == sorted(titles)
    for panel in panels(board):
        assert panel["type"] in PANEL_TYPES
        assert panel["title"]
        assert panel["type"] == "row" or panel["description"].endswith(".")
        assert panel["type"] in ("row", "text") or panel["targets"]


@each_board
def test_panels_lie_on_the_grid_without_overlap(board: Board) -> None:
    """24 columns; no panel hides another."""
    taken: dict[tuple[int, int], str] = {}
    for panel in board["panels"]:
        place = panel["gridPos"]
        assert place["x"] >= 0
        assert place["w"] >= 1
        assert place["x"] + place["w"] <= 24
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert (x, y) not in taken, f"{panel['title']} lies on {taken.get((x, y))}"
                taken[x, y] = panel["title"]


@each_board
def test_every_query_goes_to_the_chosen_data_source(board: Board) -> None:
    """Nothing is bound to somebody's installation."""
    wanted = {"type": "prometheus", "uid": "${datasource}"}
    for panel in panels(board):
        if panel["type"] not in ("row", "text"):
            assert wanted == panel["datasource"]
        references = [target["refId"] for target in panel.get("targets", ())]
        assert sorted(set(references)) == sorted(references)
        for target in panel.get("targets", ()):
            assert wanted == target["datasource"]
            assert target["instant"] != target["range"]


@each_board
def test_units_and_legends_are_set(board: Board) -> None:
    """A number without a unit and a line called by its labels help nobody."""
    for panel in panels(board):
        if panel["type"] in ("row", "text"):
            continue
        assert panel["fieldConfig"]["defaults"]["unit"]
        for target in panel["targets"]:
            assert target["legendFormat"]
            by = re.search(r"\b(?:by|without) \(([^)]*)\)", target["expr"])
            for label in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]):
                assert by is None or label in re.split(r"[,\s]+", by[1])
            assert panel["type"] in SHOWN_WITHOUT_LEGEND or "format" not in target


@each_board
def test_variables_are_all_used_and_all_there(board: Board) -> None:
    """None is left over, none is missing; their own queries name metrics of ours."""
    known = {variable["name"] for variable in board["templating"]["list"]}
    text = json.dumps(board["panels"]) + json.dumps([v.get("datasource") for v in board["templating"]["list"]])
    used = set(re.findall(r"\$\{?(\w+)\}?", text)) - OWN_VARIABLES
    assert known == used
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            ((metric, label),) = re.findall(r"label_values\((\w+), (\w+)\)", variable["query"]["query"])
            assert label in BY_SAMPLE[metric].labels


@each_board
def test_links_and_texts_cannot_carry_somebodys_html(board: Board) -> None:
    """No raw HTML panel and no data link made of a label's text."""
    for panel in panels(board):
        assert "links" not in panel["fieldConfig"]["defaults"] if "fieldConfig" in panel else True
        assert panel.get("options", {}).get("mode") != "html"


@pytest.mark.parametrize("query", queries(), ids=lambda query: f"{query.board}: {query.panel}")
def test_queries_use_only_what_is_exported(query: Query) -> None:
    """Every expression is PromQL over metrics and labels of the catalogue."""
    parse(query.expression)
    found = re.findall(r"\b((?:argocd|lynceus|workqueue)_[a-z_]+)(?:\{([^}]*)\})?", query.expression)
    assert found
    every_label = {"le"}
    for metric, selectors in found:
        assert metric in BY_SAMPLE
        every_label |= set(BY_SAMPLE[metric].labels)
        assert set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selectors)) <= {*BY_SAMPLE[metric].labels, "le"}
    for names in re.findall(r"\b(?:by|without|on) \(([^)]*)\)", query.expression):
        assert set(re.split(r"[,\s]+", names.strip())) <= every_label


@pytest.mark.parametrize("query", queries(), ids=lambda query: f"{query.board}: {query.panel}")
def test_counters_are_never_shown_raw(query: Query) -> None:
    """A counter and a bucket stand inside rate or increase."""
    for metric in re.findall(r"\b(?:argocd|lynceus)_[a-z_]+", query.expression):
        if BY_SAMPLE[metric].kind != "gauge":
            assert re.search(rf"\b(?:rate|increase)\({metric}\b", query.expression)


def test_the_files_are_written_one_way() -> None:
    """Two blanks of indentation and a final newline, so that differences show what changed."""
    for name, board in BOARDS.items():
        assert json.dumps(board, indent=2, ensure_ascii=False) + "\n" == (FOLDER / name).read_text(encoding="utf-8")
