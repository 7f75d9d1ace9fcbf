"""Where Argo CD's answer about windows is another one than Lynceus': both, side by side, in one line.

For a Lynceus that runs beside Argo CD, and for people who come from it. Argo CD knows its own windows only, with its
own arithmetic; Lynceus' strict answer counts added windows and freezes as well.
"""

from __future__ import annotations

import datetime as dt
import typing as t

from policy.findings import Mode
from policy.windows.decide import WindowDecision, judge
from policy.windows.window import Target, Window
from policy.windows.words import names, until

NEAR = dt.timedelta(seconds=1)
"""The opening instant itself is closed upstream; that alone is not worth a word."""


class Sides(t.NamedTuple):
    """The two answers to one question."""

    lynceus: WindowDecision
    """strict, with everything that Lynceus adds."""
    argo_cd: WindowDecision
    """compat, with Argo CD's own windows."""

    @property
    def text(self) -> str:
        """Both answers in one line; empty when they are the same."""
        ours, theirs = self
        if ours.allowed == theirs.allowed and _same(ours.next_change, theirs.next_change):
            return ""
        return f"Argo CD {_verb(theirs)}{until(theirs)}; Lynceus {_verb(ours)}{until(ours)}{_because(ours)}"


def both_sides(
    windows: t.Sequence[Window],
    strict_target: Target,
    compat_target: Target,
    now: dt.datetime,
    *,
    manual: bool,
    started: dt.datetime | None = None,
    healing: bool = False,
) -> Sides:
    """Answer as Lynceus in strict and as Argo CD.

    Args:
        windows: all that concern the project, compiled in either mode.
        strict_target: with both names of the cluster.
        compat_target: with what stands in the Application.
        now: aware, UTC.
        manual: a person asked for the sync.
        started: when the running operation began.
        healing: an automated sync to the revisions that were synced last; Argo CD makes no difference.
    """
    ours = [window if window.added else _as(window, "strict") for window in windows]
    theirs = [_as(window, "compat") for window in windows if not window.added]
    return Sides(
        judge(ours, strict_target, now, manual=manual, started=started, healing=healing),
        judge(theirs, compat_target, now, manual=manual, started=started),
    )


def _as(window: Window, mode: Mode) -> Window:
    return window if window.mode == mode else Window(window.spec, window.where, window.index, mode)


def _same(one: dt.datetime | None, other: dt.datetime | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= NEAR


def _verb(found: WindowDecision) -> str:
    return "lets this through" if found.allowed else "blocks this"


def _because(found: WindowDecision) -> str:
    deciding = found.blocking or found.active
    return f": {names(deciding[:1])}" if deciding else ""
