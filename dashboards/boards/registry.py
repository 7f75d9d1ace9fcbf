"""The list of all boards."""

from __future__ import annotations

from dashboards.boards.application import APPLICATION
from dashboards.boards.delivery import DELIVERY
from dashboards.boards.engine import ENGINE
from dashboards.boards.fleet import FLEET
from dashboards.boards.frame import Board
from dashboards.boards.policy import POLICY
from dashboards.boards.windows import WINDOWS

BOARDS: tuple[Board, ...] = (FLEET, APPLICATION, WINDOWS, POLICY, DELIVERY, ENGINE)
