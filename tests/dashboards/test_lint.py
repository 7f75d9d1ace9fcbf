"""A strict linter of our own: what Grafana would only show as an empty panel fails here."""

from __future__ import annotations

import json
import re
import typing as t

import pytest
from promql_parser import parse

from exporter.catalogue import BY_SAMPLE
from tests.dashboards.expressions import OUTSIDE, kind, labels_of, result_labels, selectors
from tests.dashboards.support import (
    BOARDS,
    EMPTY_BESIDE_ARGO_CD,
    EMPTY_EVERYWHERE,
    FOLDER,
    VALUES,
    VARIABLE,
    Query,
    filled,
    marks,
    panels,
    queries,
)

UIDS = {
    "fleet.json": "lynceus-fleet",
    "application.json": "lynceus-application",
    "windows.json": "lynceus-windows",
    "policy.json": "lynceus-policy",
    "delivery.json": "lynceus-delivery",
    "engine.json": "lynceus-engine",
}
"""Bookmarks, links and provisioning name a board by its uid: it never changes."""
ONE = "application.json"
"""The board about one Application, whose tables need no bound."""
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
OWN_VARIABLES = {"__rate_interval", "__interval", "__range", "__data", "__url_time_range"}
FIXED_RANGE = re.compile(r"\[(?:\$__rate_interval|[1-9]\d*[smhd])\]")
SURE = ("or vector(0)", "lynceus_build_info", "lynceus_mode_info")
"""An expression with one of these returns something from every Lynceus."""
ENCODED = re.compile(r"\$\{(?:\w+:queryparam|__data\.fields\.\w+:percentencode|__url_time_range)\}")
"""What may stand in a URL besides our own text: placeholders that encode what they put in."""

RUNBOOKS = {path.name for path in (FOLDER.parent / "docs" / "runbooks").iterdir()}

Board = dict[str, t.Any]
each_board = pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
each_query = pytest.mark.parametrize("query", [*queries(), *marks()], ids=lambda query: f"{query.board}: {query.panel}")


def drawn(board: Board) -> list[Board]:
    """Return the panels that are no headings."""
    return [panel for panel in panels(board) if panel["type"] not in ("row", "text")]


def test_there_are_six_boards_each_with_its_uid() -> None:
    """One file per screen; none is renamed, none is without its line here."""
    assert UIDS == {name: board["uid"] for name, board in BOARDS.items()}
    assert len(BOARDS) == len({board["title"] for board in BOARDS.values()})


@each_board
def test_the_board_introduces_itself(board: Board) -> None:
    """A stable uid and title, tags to find it by, a schema that Grafana 10 and later read, no id of an instance."""
    assert re.fullmatch(r"lynceus-[a-z-]{1,32}", board["uid"])
    assert board["title"].startswith("Lynceus / ")
    assert board["description"].endswith(".")
    assert "lynceus" in board["tags"]
    assert 36 <= board["schemaVersion"] <= 41
    assert "id" not in board
    assert board["refresh"] in ("30s", "1m", "5m")


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
def test_each_panel_says_what_it_means_when_it_is_empty(board: Board) -> None:
    """At night nobody wants to guess whether no data is good news; what claims never to be empty cannot be."""
    for panel in drawn(board):
        said = re.search(r" (Never empty|Empty: [^.]{5,}|Empty: .{5,})\.$", panel["description"])
        assert said, panel["title"]
        if said[1] == "Never empty":
            assert all(any(sure in target["expr"] for sure in SURE) for target in panel["targets"]), panel["title"]


@pytest.mark.parametrize("name", BOARDS)
def test_panels_that_lack_argo_cds_families_say_so(name: str) -> None:
    """In observe mode somebody must be told to scrape Argo CD; and what this version never shows is called so."""
    told = {panel["title"]: panel["description"] for panel in drawn(BOARDS[name])}
    for title in EMPTY_BESIDE_ARGO_CD.get(name, {}):
        assert "Argo CD" in told[title] or "argocd_" in told[title], title
    for title, reason in EMPTY_EVERYWHERE.get(name, {}).items():
        assert told[title].endswith(f"Empty: {reason}.")


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
def test_the_grid_has_no_holes(board: Board) -> None:
    """Every line of the grid is filled from edge to edge, so that Grafana moves nothing up."""
    widths: dict[int, int] = {}
    for panel in board["panels"]:
        place = panel["gridPos"]
        for y in range(place["y"], place["y"] + place["h"]):
            widths[y] = widths.get(y, 0) + place["w"]
    assert {24} == set(widths.values())
    assert list(range(len(widths))) == sorted(widths)


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
    for mark in board["annotations"]["list"]:
        assert wanted == mark["datasource"]
    for variable in board["templating"]["list"]:
        assert variable["type"] != "query" or wanted == variable["datasource"]


@each_board
def test_units_and_legends_are_set(board: Board) -> None:
    """A number without a unit and a line called by its labels help nobody."""
    for panel in drawn(board):
        assert panel["fieldConfig"]["defaults"]["unit"]
        for target in panel["targets"]:
            assert target["legendFormat"]
            known = result_labels(filled(target["expr"], "5m"))
            assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= known, panel["title"]
            assert panel["type"] in SHOWN_WITHOUT_LEGEND or "format" not in target


@each_board
def test_series_of_one_panel_can_be_told_apart(board: Board) -> None:
    """Each label that a line chart groups by stands in its legend, the cluster of a store apart."""
    for panel in drawn(board):
        if panel["type"] in ("timeseries", "state-timeline", "bargauge", "piechart"):
            for target in panel["targets"]:
                grouped = result_labels(filled(target["expr"], "5m"))
                named = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
                assert grouped - OUTSIDE <= named, panel["title"]


@each_board
def test_colours_begin_at_the_bottom_and_rise(board: Board) -> None:
    """Thresholds: the first step has no bound, the others follow in order; every single number has some."""
    for panel in drawn(board):
        config = panel["fieldConfig"]
        found = [config["defaults"]["thresholds"]] if "thresholds" in config["defaults"] else []
        found += [p["value"] for o in config["overrides"] for p in o["properties"] if p["id"] == "thresholds"]
        assert found or panel["type"] not in ("stat", "gauge", "bargauge"), panel["title"]
        for thresholds in found:
            first, *others = [step["value"] for step in thresholds["steps"]]
            assert first is None
            assert sorted(set(others)) == others


@each_board
def test_columns_of_tables_are_named(board: Board) -> None:
    """No heading is a label's bare name or `Value #A`; what is not shown is left out."""
    for panel in [panel for panel in drawn(board) if panel["type"] == "table"]:
        options = panel["transformations"][-1]["options"]
        named = set(options["renameByName"]) | set(options["excludeByName"])
        letters = [target["refId"] for target in panel["targets"]]
        assert {f"Value #{letter}" for letter in letters} <= named or (len(letters) == 1 and "Value" in named)
        for target in panel["targets"]:
            assert "table" == target["format"]
            assert result_labels(filled(target["expr"], "5m")) <= named, panel["title"]


@each_board
def test_tables_of_applications_are_bounded(board: Board) -> None:
    """A fleet of thousands must not fill a browser: the first column chooses the worst, the others follow it."""
    for panel in [panel for panel in drawn(board) if panel["type"] == "table" and board["uid"] != UIDS[ONE]]:
        for target in panel["targets"]:
            if "name" in result_labels(filled(target["expr"], "5m")):
                assert re.search(r"\b(?:topk|bottomk)\(", target["expr"]), panel["title"]


@each_board
def test_lines_with_traces_show_them(board: Board) -> None:
    """Where observations carry the id of a trace, Grafana asks for it; nowhere else."""
    for panel in drawn(board):
        for target in panel["targets"]:
            names = {selector.name for selector in selectors(parse(filled(target["expr"], "5m")))}
            traced = any(BY_SAMPLE[name].exemplar and name.endswith("_bucket") for name in names & set(BY_SAMPLE))
            assert target.get("exemplar", False) == (traced and panel["type"] == "timeseries")


@each_board
def test_variables_are_all_used_and_all_there(board: Board) -> None:
    """None is left over, none is missing; each has a label and a text."""
    known = {variable["name"] for variable in board["templating"]["list"]}
    text = json.dumps([board["panels"], board["annotations"]])
    text += json.dumps([[v.get("datasource"), v.get("query")] for v in board["templating"]["list"]])
    used = set(VARIABLE.findall(re.sub(r"\$\{__data[^}]*\}|\$\{__url_time_range\}", "", text))) - OWN_VARIABLES
    assert known == used
    for variable in board["templating"]["list"]:
        assert variable["label"]
        assert variable["type"] == "datasource" or variable["description"].endswith(".")


@each_board
def test_the_values_of_variables_come_from_what_is_exported(board: Board) -> None:
    """Metrics, matchers and labels of their queries are ours; All is a regular expression that also finds nothing."""
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            query = filled(variable["query"]["query"], "5m")
            assert variable["definition"] == variable["query"]["query"]
            ((selector, label),) = re.findall(r"label_values\((.+), (\w+)\)", query)
            (found,) = selectors(parse(selector))
            assert {label, *found.labels} <= labels_of(found.name)
            assert not variable["includeAll"] or ".*" == variable["allValue"]


@each_board
def test_links_and_texts_cannot_carry_somebodys_html(board: Board) -> None:
    """No raw HTML; a URL leads to a board or page of ours and has nothing in it but placeholders that encode."""
    for panel in panels(board):
        assert panel.get("options", {}).get("mode") != "html"
        assert "links" not in panel.get("fieldConfig", {"defaults": {}})["defaults"]
        for link in panel.get("links", ()):
            page = link["url"].removeprefix("https://github.com/lynceus-gitops/lynceus/blob/main/docs/runbooks/")
            assert re.fullmatch(r"[A-Za-z]+\.md", page)
            assert page in RUNBOOKS, panel["title"]
        for override in panel.get("fieldConfig", {}).get("overrides", ()):
            for link in [p for p in override["properties"] if p["id"] == "links"]:
                for each in link["value"]:
                    assert_safe(each["url"])


def assert_safe(url: str) -> None:
    """A path of one of our boards; whatever is put in is encoded and stands in the query."""
    path, _, query = url.partition("?")
    assert path in {f"/d/{uid}" for uid in UIDS.values()}
    assert re.fullmatch(r"[\w=&-]*", ENCODED.sub("", query))


@each_board
def test_boards_lead_to_each_other(board: Board) -> None:
    """Above each board stands the list of all, which keeps the time and the variables (Grafana encodes them)."""
    (link,) = board["links"]
    assert ("dashboards", ["lynceus"], True, True) == (
        link["type"],
        link["tags"],
        link["keepTime"],
        link["includeVars"],
    )


@each_board
def test_marks_can_be_read(board: Board) -> None:
    """Every annotation has a name of its own, a title from labels that are there, and one query for old and new."""
    names = [mark["name"] for mark in board["annotations"]["list"]]
    assert sorted(set(names)) == sorted(names)
    for mark in board["annotations"]["list"]:
        assert mark["expr"] == mark["target"]["expr"]
        known = result_labels(filled(mark["expr"], "5m"))
        assert set(re.findall(r"\{\{(\w+)\}\}", mark["titleFormat"])) <= known
        assert set(mark["tagKeys"].split(",")) <= known
        assert mark["useValueForTime"] == mark["expr"].endswith("* 1000")
        assert mark["iconColor"]


@pytest.mark.row(196)
@pytest.mark.parametrize("name", ["fleet.json", "application.json", "delivery.json"])
def test_ends_of_syncs_are_marked(name: str) -> None:
    """On the boards where changes are looked for, good and bad ones apart."""
    (good, bad) = BOARDS[name]["annotations"]["list"][:2]
    assert ("green", "red") == (good["iconColor"], bad["iconColor"])
    assert re.search(r"sync_finished|deployments_total", good["expr"])
    assert re.search(r"sync_finished|deployments_total", bad["expr"])


@each_query
def test_queries_use_only_what_is_exported(query: Query) -> None:
    """Every expression is PromQL over metrics and labels of the catalogue."""
    result_labels(query.expression)
    assert selectors(parse(query.expression))


@each_query
def test_counters_are_never_shown_raw(query: Query) -> None:
    """A counter and a bucket stand inside rate or increase; a gauge never does."""
    for selector in selectors(parse(query.expression)):
        if kind(selector.name) == "gauge":
            assert selector.function not in ("rate", "increase", "irate")
        else:
            assert selector.function in ("rate", "increase"), selector.name


@each_query
def test_every_selector_is_narrowed_to_the_stored_cluster(query: Query) -> None:
    """A store for several clusters answers for the chosen one."""
    for selector in selectors(parse(query.expression)):
        assert "cluster" in selector.labels


@each_board
def test_ranges_fit_the_scrape(board: Board) -> None:
    """A range is fixed on purpose or follows the scrape interval; $__interval would be shorter than that."""
    texts = [target["expr"] for panel in drawn(board) for target in panel["targets"]]
    for text in texts + [mark["expr"] for mark in board["annotations"]["list"]]:
        assert re.findall(r"\[[^]]*\]", text) == [match[0] for match in FIXED_RANGE.finditer(text)]


def test_the_tests_know_every_variable() -> None:
    """Values stand ready for all variables of all boards, and for no other."""
    known = {variable["name"] for board in BOARDS.values() for variable in board["templating"]["list"]}
    assert known - {"datasource"} == set(VALUES)


def test_the_files_are_written_one_way() -> None:
    """Two blanks of indentation and a final newline, so that differences show what changed."""
    for name, board in BOARDS.items():
        assert json.dumps(board, indent=2, ensure_ascii=False) + "\n" == (FOLDER / name).read_text(encoding="utf-8")
