"""What a freeze concerns, and how freezes are told: lines for a person, records for a program."""

from __future__ import annotations

import datetime as dt
import typing as t

import msgspec

from lynceus.commands.times import lasting, said
from lynceus.freezes import fault, period, phase
from lynceus.selectors import format_selector
from model.additions import EVERY, Additions, Freeze
from model.application import Application
from model.durations import format_time, parse_time
from model.errors import LynceusError
from model.states import OperationPhase

if t.TYPE_CHECKING:
    from lynceus.bundle import Live
    from policy.windows import WindowDecision

MOST_NAMES = 10
"""Names listed; the rest is counted."""


class Concerned(msgspec.Struct, frozen=True, kw_only=True):
    """Which Applications a freeze concerns at the moment it was made."""

    applications: tuple[str, ...]
    """namespace/name, sorted."""
    running: tuple[str, ...]
    """Those with a sync under way that the freeze stops at its next wave."""
    known: int
    """How many Applications there are that could be read."""

    def record(self) -> dict[str, t.Any]:
        """Return it as JSON values."""
        return {"applications": list(self.applications), "running": list(self.running)}


def concerned(
    freeze: Freeze, now: dt.datetime, kubeconfig: str | None, context: str | None, allow_exec: bool, namespace: str
) -> tuple[Concerned | None, tuple[str, ...]]:
    """Find the Applications that a freeze concerns, without ever failing: the freeze itself needs none of this.

    Returns:
        What it concerns, None when it cannot be told, and notes on what could not be read.
    """
    from lynceus.live import read_live

    try:
        live = read_live(kubeconfig, namespace, context=context, allow_exec=allow_exec)
    except LynceusError as failure:
        return None, (f"which Applications it concerns cannot be told: {failure}",)
    return find_concerned(freeze, live, now, namespace), live.notes


def find_concerned(freeze: Freeze, live: Live, now: dt.datetime, namespace: str) -> Concerned:
    """Ask the policy which Applications the freeze matches, at its start when that is still to come."""
    from model.settings import RbacSettings
    from policy.guard import Guard, build

    additions = Additions(freezes=(freeze,), generation="freeze")
    rules = live.settings.global_projects
    generation, _ = build(
        RbacSettings(), live.projects, live.clusters, control_namespace=namespace, global_projects=rules,
        additions=additions,
    )  # fmt: skip
    guard, at = Guard(generation), max(now, parse_time(freeze.start))
    hit = [app for app in live.applications if _hits(guard.windows(app, now=at, manual=False), freeze)]
    names = tuple(sorted(str(app.key) for app in hit))
    begun = parse_time(freeze.start) <= now
    running = tuple(sorted(str(app.key) for app in hit if begun and _stopped_by(freeze, app)))
    return Concerned(applications=names, running=running, known=len(live.applications))


def _hits(answer: WindowDecision | None, freeze: Freeze) -> bool:
    return answer is not None and any(window.where == freeze.where for window in answer.matched)


def _stopped_by(freeze: Freeze, app: Application) -> bool:
    """Return whether a sync is under way that the freeze does not let through."""
    state = app.status.operation_state
    if state is None or state.phase != OperationPhase.RUNNING:
        return False
    return not (freeze.manual and not state.operation.initiated_by.automated)


def scope(freeze: Freeze) -> str:
    """Return what a freeze is about in one line."""
    parts = ["every project" if freeze.projects == EVERY else f"projects {' or '.join(freeze.projects)}"]
    for word, patterns in {
        "Applications": freeze.applications, "clusters": freeze.clusters, "namespaces": freeze.namespaces,
    }.items():  # fmt: skip
        if patterns:
            parts.append(f"{word} {' or '.join(patterns)}")
    if freeze.label_selector is not None:
        parts.append(f"labels {format_selector(freeze.label_selector)}")
    return ", ".join(parts)


def exceptions(freeze: Freeze) -> str:
    """Return what is let through."""
    passing = ["manual syncs"] * freeze.manual + ["healing to the revision synced last"] * freeze.heal
    if freeze.override:
        passing.append(f"break-glass by {', '.join(freeze.override)}")
    return "; ".join(passing) or "nothing"


def started_lines(freeze: Freeze, now: dt.datetime, known: Concerned | None, *, dry_run: bool) -> list[str]:
    """Return what was done, for a person in a hurry: the id and the end first."""
    start, end = parse_time(freeze.start), parse_time(freeze.end)
    verb = "would be" if dry_run else "is" if start <= now else "will be"
    since = f" from {said(start)}" if start > now else ""
    lines = [
        f"freeze {freeze.id} {verb} in force{since} until {said(end)}, for {lasting(end - max(start, now))}",
        f"  scope:    {scope(freeze)}",
        f"  passes:   {exceptions(freeze)}",
        f"  reason:   {freeze.reason}",
        f"  by:       {freeze.person}",
    ]
    if known is not None:
        lines += _concerned_lines(known)
    return lines if dry_run else [*lines, f"  end it:   lynceus freeze stop {freeze.id} --reason …"]


def _concerned_lines(known: Concerned) -> list[str]:
    count = len(known.applications)
    if not count:
        return [f"  concerns: none of {known.known} Applications now; check the scope if that is not meant"]
    lines = [f"  concerns: {count} of {known.known} Applications now: {_names(known.applications)}"]
    if known.running:
        lines.append(f"  running:  {len(known.running)} syncs stop at their next wave: {_names(known.running)}")
    return lines


def _names(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more


def line_of(freeze: Freeze, now: dt.datetime) -> list[str]:
    """Return a freeze as lines of `freeze status`."""
    found = period(freeze)
    if found is None:
        why = fault(freeze)
        return [f"in force: {freeze.id}: the record cannot be evaluated, so it blocks what it may concern: {why}"]
    start, end = found
    when = {
        "active": f"in force: {freeze.id}: until {said(end)} ({lasting(end - now)} left), since {said(start)}",
        "coming": f"coming:   {freeze.id}: from {said(start)} (in {lasting(start - now)}) until {said(end)}",
        "past": f"over:     {freeze.id}: {said(start)} to {said(end)}",
    }[phase(freeze, now)]
    lines = [when, f"  {freeze.person}: {freeze.reason}", f"  scope: {scope(freeze)}; passes: {exceptions(freeze)}"]
    return [*lines, f"  stopped by {freeze.stopped_by}: {freeze.stop_reason}"] if freeze.stopped else lines


def record_of(freeze: Freeze, now: dt.datetime) -> dict[str, t.Any]:
    """Return a freeze as JSON values: its record, and what it means now."""
    found = period(freeze)
    fields = t.cast("dict[str, t.Any]", msgspec.to_builtins(freeze))
    return {
        "id": freeze.id, "state": phase(freeze, now), "ends": format_time(found[1]) if found else None, **fields,
        "projects": list(freeze.projects),
    }  # fmt: skip
