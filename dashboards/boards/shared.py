"""Panels that stand on more than one board, word for word."""

from __future__ import annotations

from dashboards.boards.panels import Look, Query, lines
from dashboards.boards.promql import increase, total

BREAK_GLASS = lines(
    Look(
        "Break-glass",
        "Syncs that a person took through a closed window or a freeze.",
        "no project is known yet",
        runbooks=("LynceusFreezeOverridden",),
    ),
    Query(total("project", increase("lynceus_freeze_overrides_total")), "{{project}}"),
    stack=True,
    bars=True,
)
