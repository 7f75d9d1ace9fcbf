"""The list of all boards."""

from __future__ import annotations

from dashboards.boards.application import APPLICATION
from dashboards.boards.fleet import FLEET
from dashboards.boards.frame import Board

BOARDS: tuple[Board, ...] = (FLEET, APPLICATION)
