"""Lynceus' own windows and freezes, compiled to what the same judge takes as it takes Argo CD's windows.

They stand beside Argo CD's windows and never change what its fields mean. An entry that cannot be evaluated blocks
whatever it may concern. Everything here is judged alike in strict and in compat: Argo CD knows nothing of it.
"""

from __future__ import annotations

import datetime as dt
import typing as t
import zoneinfo

from model.additions import AddedWindow, Exclusion, Freeze, LabelSelector
from model.durations import format_time, parse_time
from model.project import SyncWindow
from policy.findings import Finding, shown
from policy.patterns import glob, tolerant
from policy.windows.checks import Check, Checked, selectors_of
from policy.windows.labels import problems_of, takes
from policy.windows.moment import to_micros
from policy.windows.opening import ZERO, Expiring, Once, Opening
from policy.windows.schedule import starts_of_day
from policy.windows.window import Target, Window
from policy.windows.zones import find_zone

_TIME_FIX = "an RFC 3339 time such as 2026-12-20T00:00:00Z"
_ALWAYS = Once(dt.datetime(1, 1, 2, tzinfo=dt.UTC), dt.datetime(9999, 12, 30, tzinfo=dt.UTC))


class Added(Window):
    """A window of lynceus-cm or of an AppProject's annotation, or a freeze."""

    added = True

    def __init__(self, entry: AddedWindow | Freeze, spec: SyncWindow, where: str, index: int, checked: Checked) -> None:
        """Take the entry, its fields in Argo CD's form, and what the checks made of them."""
        super().__init__(spec, where, index, "strict", checked)
        self.entry = entry
        self.heal, self.override = entry.heal, entry.override
        self.starts = ()
        self._labels = entry.label_selector
        self._labels_broken = self._labels is not None and any(problems_of(self._labels))
        exclude = entry.exclude if isinstance(entry, AddedWindow) else None
        self._excluded = selectors_of(exclude) if exclude else {}
        labels = exclude.label_selector if exclude else None
        self._excluded_labels = None if labels is None or any(problems_of(labels)) else labels
        self.projects = tuple(tolerant(glob, text) for text in entry.projects or ("*",))
        self._everything = bool(entry.broken)

    @property
    def text(self) -> str:
        """The window in one line."""
        entry = self.entry
        if entry.broken:
            return "unreadable"
        if isinstance(entry, Freeze):
            return _freeze_text(entry)
        times = f"{shown(entry.schedule)} for {entry.duration or 'no duration'}"
        if entry.start or entry.end:
            times = f"from {entry.start or 'no start'} until {entry.end or 'no end'}"
        name = f"{shown(entry.name)}: " if entry.name else ""
        return f"{name}{entry.kind or 'no kind'} {times}{entry.time_zone and ' '}{entry.time_zone}"

    def concerns(self, project: str) -> bool:
        """Return whether the entry is meant for a project; a broken glob means every one."""
        return any(pattern.broken or pattern.matches(project) for pattern in self.projects)

    def matches(self, target: Target) -> bool:
        """Return whether the window concerns the Application; without selectors it concerns every one."""
        if self._everything:
            return True
        if self._labels is not None and not takes(self._labels, dict(target.labels)):
            return self._labels_broken
        if self.selectors and not self._selected(target):
            return False
        return not self._is_excluded(target)

    def _is_excluded(self, target: Target) -> bool:
        """Return whether one of the exclusions hits; what is broken or not known excludes nothing."""
        for name, patterns in self._excluded.items():
            values = target.values(name)
            if any(pattern.matches(value) for pattern in patterns for value in values):
                return True
        return self._excluded_labels is not None and takes(self._excluded_labels, dict(target.labels))


class FreezeWindow(Added):
    """A freeze as a window."""

    rule_kind = "freeze"


def _freeze_text(freeze: Freeze) -> str:
    stopped = f", ended {freeze.stopped} by {shown(freeze.stopped_by)}" if freeze.stopped else ""
    by = f" by {shown(freeze.person)}" if freeze.person else ""
    return f"freeze {freeze.start} to {freeze.end}{by}: {shown(freeze.reason)}{stopped}"


def compile_window(entry: AddedWindow, where: str, index: int) -> Added:
    """Compile one entry; total.

    Args:
        entry: as read.
        where: object and key, for messages: ``lynceus-cm windows[0]``.
        index: in its list.
    """
    check = _AddedCheck(where)
    spec = _spec_of(entry)
    if entry.broken:
        check.error("window-unreadable", "", entry.broken, "an entry that can be read")
        return Added(entry, spec, where, index, Checked(_ALWAYS, {}, tuple(check.found)))
    check.kind(entry.kind)
    opening = check.times(entry)
    selectors = selectors_of(entry)
    check.globs(selectors)
    check.globs({"projects": tuple(tolerant(glob, text) for text in entry.projects)})
    check.breadth(selectors, and_operator=entry.and_operator)
    check.labels(entry.label_selector, "labelSelector")
    check.exclusion(entry.exclude)
    check.description(entry.description)
    if not entry.name:
        check.note("window-name", "name", "no name", "a name, so that messages can tell it apart")
    expires = check.instant(entry.expires, entry.time_zone, "expires") if entry.expires else None
    checked = Checked(Expiring(opening, expires) if expires else opening, selectors, tuple(check.found))
    found = Added(entry, spec, where, index, checked)
    found.expires = to_micros(expires) if expires else None
    return found


def _spec_of(entry: AddedWindow) -> SyncWindow:
    """Return the entry as far as it has Argo CD's fields."""
    return SyncWindow(
        kind=entry.kind,
        schedule=entry.schedule,
        duration=entry.duration,
        applications=list(entry.applications),
        namespaces=list(entry.namespaces),
        clusters=list(entry.clusters),
        and_operator=entry.and_operator,
        manual_sync=entry.manual_sync,
        sync_overrun=entry.sync_overrun,
        time_zone=entry.time_zone,
        description=entry.description,
    )


def compile_freeze(freeze: Freeze, index: int) -> FreezeWindow:
    """Compile one freeze: a deny window over [start, end), cut short where it was stopped; total."""
    check = _AddedCheck(freeze.where)
    spec = SyncWindow(
        kind="deny",
        applications=list(freeze.applications),
        namespaces=list(freeze.namespaces),
        clusters=list(freeze.clusters),
        and_operator=True,
        manual_sync=freeze.manual,
        description=freeze.reason,
    )
    if freeze.broken:
        check.error("freeze-unreadable", "", freeze.broken, "a freeze record that can be read, or none")
        return FreezeWindow(freeze, spec, freeze.where, index, Checked(_ALWAYS, {}, tuple(check.found)))
    selectors = selectors_of(freeze)
    check.globs(selectors)
    check.globs({"projects": tuple(tolerant(glob, text) for text in freeze.projects)})
    if not freeze.projects:
        check.error("freeze-projects", "projects", "no projects", "globs on project names, such as ['*']")
    check.labels(freeze.label_selector, "labelSelector")
    opening = check.freeze_times(freeze)
    return FreezeWindow(freeze, spec, freeze.where, index, Checked(opening, selectors, tuple(check.found)))


class _AddedCheck(Check):
    """Checks the fields that Argo CD's windows do not have."""

    def __init__(self, where: str) -> None:
        super().__init__(where, "strict")

    def times(self, entry: AddedWindow) -> Opening:
        """Parse the recurring or the one-off form; exactly one of them must be there."""
        recurring, once = bool(entry.schedule or entry.duration), bool(entry.start or entry.end)
        if recurring is once:
            text = "schedule and duration beside from and until" if once else "neither schedule and duration nor from"
            self.error("window-form", "", text, "schedule and duration, or from and until")
            return _ALWAYS
        if recurring:
            return self.opening(entry.schedule, entry.duration, entry.time_zone)
        start = self.instant(entry.start, entry.time_zone, "from")
        end = self.instant(entry.end, entry.time_zone, "until")
        return self.interval(start, end, "until", f"{shown(entry.end)}, which is not after from")

    def freeze_times(self, freeze: Freeze) -> Opening:
        """Parse start, end and the instant at which the freeze was stopped."""
        start, end = self.instant(freeze.start, "", "start"), self.instant(freeze.end, "", "end")
        opening = self.interval(start, end, "end", f"{shown(freeze.end)}, which is not after start")
        stopped = self.instant(freeze.stopped, "", "stopped") if freeze.stopped else None
        if start and end and stopped and start < end:
            return Once(start, min(end, max(start, stopped)))
        return opening

    def interval(self, start: dt.datetime | None, end: dt.datetime | None, field: str, text: str) -> Opening:
        """Return [start, end); an end that does not come after its start is a mistake."""
        if start is None or end is None:
            return _ALWAYS
        if end - start <= ZERO:
            self.error("window-until", field, text, "a later time")
            return _ALWAYS
        return Once(start, end)

    def instant(self, text: str, zone: str, field: str) -> dt.datetime | None:
        """Parse RFC 3339, or a local time in a zone: the first of two, and the first instant behind a gap."""
        try:
            return parse_time(text)
        except ValueError:
            pass
        try:
            naive = dt.datetime.fromisoformat(text)
            if len(text) < len("2026-12-20T00:00") or naive.tzinfo is not None:
                raise ValueError
        except ValueError:
            self.error("window-time", field, shown(text) if text else "no time", _TIME_FIX)
            return None
        try:
            return _local_time(naive, find_zone(zone))
        except ValueError as failure:
            self.error("window-zone", "timeZone", str(failure), "an IANA zone")
        except OverflowError:
            self.error("window-time", field, shown(text), _TIME_FIX)
        return None

    def labels(self, selector: LabelSelector | None, field: str) -> None:
        """Check a label selector."""
        for place, text, fix in problems_of(selector) if selector is not None else ():
            self.error("window-labels", f"{field}.{place}", text, fix)

    def exclusion(self, exclude: Exclusion | None) -> None:
        """Check what is taken out."""
        if exclude is not None:
            self.globs(selectors_of(exclude), "exclude.")
            self.labels(exclude.label_selector, "exclude.labelSelector")
            if exclude == Exclusion():
                self.note("window-exclude", "exclude", "nothing in it", "what is to be taken out")


def _local_time(naive: dt.datetime, zone: zoneinfo.ZoneInfo | None) -> dt.datetime:
    """Return the instant of a local time: the first pass of a repeated one, the end of the gap for a skipped one."""
    if zone is None:
        return naive.replace(tzinfo=dt.UTC)
    start = starts_of_day(((naive.hour, naive.minute),), naive.date(), zone)[0]
    return start + dt.timedelta(seconds=naive.second, microseconds=naive.microsecond)


def findings_at(windows: t.Iterable[Window], now: dt.datetime) -> tuple[Finding, ...]:
    """Tell which added entries are over at an instant: expired, or one-off and in the past."""
    found = []
    for window in windows:
        if not isinstance(window, Added) or window.invalid or window.rule_kind == "freeze":
            continue
        if window.gone(to_micros(now)):
            text = f"counts no more since {shown(t.cast('AddedWindow', window.entry).expires)}"
            found.append(_over("window-expired", f"{window.where}.expires", text))
            continue
        times = window.opening.inner if isinstance(window.opening, Expiring) else window.opening
        if isinstance(times, Once) and now >= times.end:
            text = f"over since {format_time(times.end)}"
            if window.allows:
                text += ", so that what it concerns waits for other allow windows"
            found.append(_over("window-over", f"{window.where}.until", text))
    return tuple(found)


def _over(code: str, where: str, text: str) -> Finding:
    return Finding(code=code, severity="warning", where=where, text=text, fix="a later time, or remove the entry")


def named_twice(windows: t.Sequence[Added]) -> tuple[Finding, ...]:
    """Find entries of one place that share a name."""
    first: dict[str, str] = {}
    found = []
    for window in windows:
        name = window.entry.name if isinstance(window.entry, AddedWindow) else ""
        earlier = first.setdefault(name, window.where) if name else window.where
        if earlier != window.where:
            text, fix = f"{shown(name)} is also the name of {earlier}", "a name of its own"
            where = f"{window.where}.name"
            found.append(Finding(code="window-duplicate", severity="warning", where=where, text=text, fix=fix))
    return tuple(found)
