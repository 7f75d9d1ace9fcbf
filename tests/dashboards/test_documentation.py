"""docs/dashboards.md tells of the boards, variables and empty panels that there are."""

from __future__ import annotations

import re

import pytest

from tests.architecture.support import ROOT
from tests.dashboards.support import BOARDS, EMPTY_BESIDE_ARGO_CD

TEXT = (ROOT / "docs" / "dashboards.md").read_text(encoding="utf-8")
FLAT = " ".join(TEXT.split())


def test_the_table_of_boards_is_complete() -> None:
    """Each board with its uid, and no other."""
    assert {board["uid"] for board in BOARDS.values()} == set(
        re.findall(r"^\| \w+ \| `(lynceus-\w+)`", TEXT, re.MULTILINE)
    )


def test_the_table_of_variables_is_complete() -> None:
    """Each variable, on just the boards that have it."""
    rows = re.findall(r"^\| (`[^|]+`) \| ([A-Z a-z,]+|all) \|", TEXT, re.MULTILINE)
    told = {name: boards for names, boards in rows for name in re.findall(r"`(\w+)`", names)}
    have: dict[str, set[str]] = {}
    for board in BOARDS.values():
        for variable in board["templating"]["list"]:
            have.setdefault(variable["name"], set()).add(board["title"].removeprefix("Lynceus / "))
    everything = {board["title"].removeprefix("Lynceus / ") for board in BOARDS.values()}
    assert have == {name: named(boards, everything) for name, boards in told.items()}


def named(words: str, everything: set[str]) -> set[str]:
    """Return the boards of `all`, `all but X` or `X, Y`."""
    if words.startswith("all"):
        return everything - set(words.removeprefix("all").removeprefix(" but ").split(", "))
    return set(words.split(", "))


@pytest.mark.parametrize("board", EMPTY_BESIDE_ARGO_CD)
def test_empty_panels_are_told_of(board: str) -> None:
    """Whoever runs Lynceus beside an Argo CD knows what to expect."""
    title = BOARDS[board]["title"].removeprefix("Lynceus / ")
    listed = FLAT.partition(f"- {title}: ")[2].partition(" - ")[0].partition(" In both")[0]
    assert set(EMPTY_BESIDE_ARGO_CD[board]) == set(re.findall(r'"([^"]+)"', listed))
