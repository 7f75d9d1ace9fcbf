"""Writes dashboards/*.json: ``python -m dashboards.boards``."""

from __future__ import annotations

import sys
from pathlib import Path

from dashboards.boards.frame import text
from dashboards.boards.registry import BOARDS

FOLDER = Path(__file__).parents[1]

if __name__ == "__main__":
    for board in BOARDS:
        path = FOLDER / f"{board.name}.json"
        path.write_text(text(board), encoding="utf-8")
        sys.stdout.write(f"{path}\n")
