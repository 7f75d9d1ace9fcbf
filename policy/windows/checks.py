"""What is wrong with the fields of a sync window: each one looked at, with a code and what would be right.

An error keeps a window from being evaluated as written, so that it blocks what it may concern. Source: Argo CD's own
checks (types.go, SyncWindow.Validate), which only its API makes; nothing looks at what comes by kubectl.
"""

from __future__ import annotations

import datetime as dt
import typing as t
import zoneinfo

from model.durations import parse_duration
from model.project import SyncWindow
from policy.findings import Finding, Mode, Severity, shown
from policy.patterns import Pattern, glob, tolerant
from policy.windows.opening import ZERO, Opening
from policy.windows.schedule import Schedule, parse_schedule
from policy.windows.zones import find_zone

if t.TYPE_CHECKING:
    from model.additions import AddedWindow, Exclusion, Freeze

LONGEST_DESCRIPTION = 255
"""Bytes in UTF-8; Argo CD's message calls them characters."""

Selectors = dict[str, tuple[Pattern, ...]]


def selectors_of(item: SyncWindow | AddedWindow | Freeze | Exclusion) -> Selectors:
    """Return the selectors that are set: absent and empty lists are not."""
    lists = {"applications": item.applications, "namespaces": item.namespaces, "clusters": item.clusters}
    return {name: tuple(tolerant(glob, text) for text in texts) for name, texts in lists.items() if texts}


class Checked(t.NamedTuple):
    """The fields of a window, parsed as far as they can be."""

    opening: Opening
    selectors: Selectors
    findings: tuple[Finding, ...]


def check_window(spec: SyncWindow, where: str, mode: Mode) -> Checked:
    """Parse and check every field of one of Argo CD's windows."""
    check = Check(where, mode)
    check.kind(spec.kind)
    opening = check.opening(spec.schedule, spec.duration, spec.time_zone)
    selectors = selectors_of(spec)
    check.globs(selectors)
    if not selectors:
        text = "no applications, namespaces or clusters, so it matches nothing"
        check.note("window-selectors", "", text, "at least one selector")
    check.breadth(selectors, and_operator=spec.and_operator)
    check.description(spec.description)
    return Checked(opening, selectors, tuple(check.found))


def duplicates(specs: t.Sequence[tuple[str, SyncWindow]]) -> tuple[Finding, ...]:
    """Find windows of one project that are the same: Argo CD's API refuses them, kubectl does not.

    Args:
        specs: (place, window); compared are kind, schedule, duration, the three lists, timeZone and andOperator.
    """
    first: dict[t.Any, str] = {}
    found = []
    for where, spec in specs:
        lists = (tuple(spec.applications or ()), tuple(spec.namespaces or ()), tuple(spec.clusters or ()))
        identity = (spec.kind, spec.schedule, spec.duration, lists, spec.time_zone, spec.and_operator)
        earlier = first.setdefault(identity, where)
        if earlier != where:
            text, fix = f"the same window as {earlier}", "one of them"
            found.append(Finding(code="window-duplicate", severity="warning", where=where, text=text, fix=fix))
    return tuple(found)


class Check:
    """Collects what is wrong with one window."""

    def __init__(self, where: str, mode: Mode) -> None:
        self.where, self.mode = where, mode
        self.found: list[Finding] = []

    def kind(self, kind: str) -> None:
        """Only allow and deny, in lower case, mean anything."""
        if kind not in ("allow", "deny"):
            self.error("window-kind", "kind", f"kind {shown(kind)}", "allow or deny")

    def opening(self, schedule: str, duration: str, zone: str) -> Opening:
        """Parse the three fields that say when the window is open."""
        parsed = self._schedule(schedule)
        own, shift = self._zones(parsed, zone)
        length = self._duration(duration)
        usable = parsed if length is not None or self.mode == "strict" else None
        return Opening(usable, length or ZERO, own, self.mode, shift)

    def _schedule(self, text: str) -> Schedule | None:
        fix = "a schedule such as 0 9 * * 1-5"
        try:
            schedule = parse_schedule(text)
            find_zone(schedule.zone)
        except ValueError as failure:
            self.error("window-schedule", "schedule", str(failure), fix, upstream=True)
            return None
        if schedule.never_fires:
            self.note("window-never", "schedule", f"{shown(text)} never fires", "a day that exists")
        return schedule

    def _zones(self, schedule: Schedule | None, name: str) -> tuple[zoneinfo.ZoneInfo | None, zoneinfo.ZoneInfo | None]:
        """Return the zone of the schedule, and for compat the one whose offset is added."""
        prefix = schedule.zone if schedule else ""
        own = find_zone(prefix)
        if prefix and name and prefix != name:
            self.error("window-zone", "timeZone", f"{shown(name)} beside TZ={prefix} in the schedule", "one zone")
        try:
            zone = find_zone(name)
        except ValueError as failure:
            self.error("window-zone", "timeZone", str(failure), "an IANA zone")
            zone = None
        return (own, zone) if self.mode == "compat" else (own if prefix else zone, None)

    def _duration(self, text: str) -> dt.timedelta | None:
        try:
            length = parse_duration(text)
        except ValueError as failure:
            self.error("window-duration", "duration", str(failure), "a Go duration such as 8h", upstream=True)
            return None
        if length <= ZERO:
            self.error("window-duration", "duration", f"{shown(text)}, so it never opens", "more than 0s")
        return length

    def globs(self, selectors: Selectors, prefix: str = "") -> None:
        """Every pattern must compile; an empty one hits no name."""
        for name, patterns in selectors.items():
            for number, pattern in enumerate(patterns):
                place = f"{prefix}{name}[{number}]"
                if pattern.broken:
                    self.error("window-glob", place, f"{shown(pattern.text)}: {pattern.broken}", "a glob")
                elif not pattern.text and name != "namespaces":
                    self.note("window-glob", place, "an empty pattern, which hits nothing", "a glob")

    def breadth(self, selectors: Selectors, *, and_operator: bool) -> None:
        """Selectors are joined by OR unless andOperator is set, so that a star beside others makes them idle."""
        wide = [name for name, patterns in selectors.items() if any(pattern.everything for pattern in patterns)]
        if len(selectors) > 1 and wide and not and_operator:
            text = f"{wide[0]} has '*' and andOperator is not set, so the other selectors change nothing"
            self.note("window-or", "andOperator", text, "andOperator: true")

    def description(self, text: str) -> None:
        """Argo CD's API takes 255 bytes."""
        size = len(text.encode("utf-8", "replace"))
        if size > LONGEST_DESCRIPTION:
            self.note("window-description", "description", f"{size} bytes", f"at most {LONGEST_DESCRIPTION}")

    def error(self, code: str, field: str, text: str, fix: str, *, upstream: bool = False) -> None:
        """Note an error; in compat only what blocks Argo CD's own evaluation (`upstream`) is one."""
        self._add(code, "error" if upstream or self.mode == "strict" else "warning", field, text, fix)

    def note(self, code: str, field: str, text: str, fix: str) -> None:
        """Note what is evaluated as written, and may not mean what was meant."""
        self._add(code, "warning", field, text, fix)

    def _add(self, code: str, severity: Severity, field: str, text: str, fix: str) -> None:
        where = f"{self.where}.{field}" if field else self.where
        self.found.append(Finding(code=code, severity=severity, where=where, text=text, fix=fix))
