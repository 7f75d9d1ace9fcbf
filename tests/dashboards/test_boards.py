"""The kept files are those that the code writes, and Grafana's own types read them."""

from __future__ import annotations

import json
import typing as t

import pytest

from dashboards.boards.frame import Board, text
from dashboards.boards.registry import BOARDS
from tests.dashboards.support import FOLDER

each_board = pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)


@each_board
def test_the_kept_file_is_what_the_code_writes(board: Board) -> None:
    """After a change: python -m dashboards.boards."""
    assert text(board) == (FOLDER / f"{board.name}.json").read_text(encoding="utf-8")


def test_there_is_no_file_that_nobody_writes() -> None:
    """A board that was given up leaves no file."""
    assert sorted(f"{board.name}.json" for board in BOARDS) == sorted(path.name for path in FOLDER.glob("*.json"))


@each_board
def test_grafanas_types_read_it_and_write_it_again(board: Board) -> None:
    """Nothing is lost on the way through the types of the foundation SDK: every field is one that Grafana has."""
    from grafana_foundation_sdk.cog.encoder import JSONEncoder  # warns unless dashboards.boards is imported before it
    from grafana_foundation_sdk.cog.plugins import register_default_plugins
    from grafana_foundation_sdk.models.dashboard import Dashboard

    register_default_plugins()
    plain = json.loads(text(board))
    again = json.loads(json.dumps(Dashboard.from_json(plain), cls=JSONEncoder))
    assert plain == _without_placement(again)


def _without_placement(value: t.Any) -> t.Any:
    """Drop the one field that the types add by themselves."""
    if isinstance(value, dict):
        items = [(key, item) for key, item in value.items() if (key, item) != ("placement", "inControlsMenu")]
        return {key: _without_placement(item) for key, item in items}
    return [_without_placement(item) for item in value] if isinstance(value, list) else value
