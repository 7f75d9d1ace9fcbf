"""One sync window, compiled: which Applications it matches, and whether it is open at an instant.

Intervals are [start, start + duration) in elapsed time. compat keeps Argo CD's arithmetic: the opening instant is
closed, the offset of now counts for the whole window, a schedule that never fires is always open.
Source: Argo CD pkg/apis/application/v1alpha1/types.go, SyncWindow.
"""

from __future__ import annotations

import bisect
import datetime as dt
import itertools
import typing as t
import zoneinfo

import msgspec

from model.durations import parse_duration
from model.project import SyncWindow
from policy.findings import Finding, Mode, Severity, errors_of, shown
from policy.patterns import Pattern, glob, tolerant
from policy.windows.moment import MINUTE, WEEK, Calendar, from_micros, to_micros
from policy.windows.schedule import Schedule, latest_start, longest_daily_gap, next_start, parse_schedule
from policy.windows.zones import find_zone

TICK = dt.timedelta(microseconds=1)
ZERO = dt.timedelta(0)
FURTHEST = dt.timedelta(days=366 * 41)
"""How far ahead the next opening is looked for: every schedule that fires at all fires within that time."""
LONGEST_RUN = 400
"""Starts that are followed when windows of one schedule join up: a year of days; then the state is looked at anew."""


class Target(msgspec.Struct, frozen=True):
    """What windows select by."""

    application: str
    namespace: str
    """spec.destination.namespace."""
    clusters: tuple[str, ...]
    """Name and server of the destination, as far as they are known."""
    unresolved: bool = False
    """The destination is not among the known clusters: every cluster selector counts as a hit."""


class Span(t.NamedTuple):
    """The state of a window from `start` up to `end` (None = without end)."""

    open: bool
    start: dt.datetime
    end: dt.datetime | None


State = tuple[bool, int | None]
"""Whether a window is open, and up to when that holds in microseconds since 1970; None = without end."""


class Window:
    """A compiled window. Immutable for its users; it remembers the span that it last computed."""

    def __init__(self, spec: SyncWindow, where: str, index: int, mode: Mode) -> None:
        self.spec, self.where, self.index, self.mode = spec, where, index, mode
        self.findings: tuple[Finding, ...] = ()
        self.schedule: Schedule | None = None
        self.duration = ZERO
        self.zone: zoneinfo.ZoneInfo | None = None
        self.selectors = _selectors(spec)
        self._span: Span | None = None
        self._check()
        self.denies, self.allows = spec.kind == "deny", spec.kind == "allow"
        self.invalid = bool(errors_of(self.findings))
        """True when the window cannot be evaluated as written: what it matches is blocked."""
        self.starts = self._plain_starts()
        self._compile()

    def _plain_starts(self) -> tuple[str, ...]:
        """Return with what names of Applications begin that match, when nothing else decides; else nothing."""
        patterns = self.selectors.get("applications", ())
        plain = all(pattern.literal is None and pattern.text == f"{pattern.prefix}*" for pattern in patterns)
        return tuple(pattern.prefix for pattern in patterns) if plain and len(self.selectors) == 1 else ()

    def _compile(self) -> None:
        """Prepare the arithmetic of weeks, where the window has one."""
        usable = self.mode == "strict" and self.schedule is not None and self.duration > ZERO
        minutes = self.schedule.week() if usable and self.schedule else ()
        self._week = tuple(minute * MINUTE for minute in minutes)
        self._micros = self.duration // TICK
        gap = min((later - sooner for sooner, later in itertools.pairwise(self._week)), default=0)
        self._apart = self._micros < gap
        """Two openings never touch."""

    @property
    def text(self) -> str:
        """The window in one line."""
        spec = self.spec
        zone = f" {spec.time_zone}" if spec.time_zone else ""
        return f"{spec.kind or 'no kind'} {shown(spec.schedule)} for {spec.duration or 'no duration'}{zone}"

    def matches(self, target: Target) -> bool:
        """Return whether the window concerns the Application (OR over the selectors, AND with andOperator)."""
        if self.starts:
            return target.application.startswith(self.starts)
        values = {"applications": (target.application,), "namespaces": (target.namespace,), "clusters": target.clusters}
        hits = [self._hit(name, patterns, values[name], target) for name, patterns in self.selectors.items()]
        return bool(hits) and (all(hits) if self.spec.and_operator else any(hits))

    def _hit(self, name: str, patterns: tuple[Pattern, ...], values: tuple[str, ...], target: Target) -> bool:
        if self.mode == "strict" and (any(p.broken for p in patterns) or (name == "clusters" and target.unresolved)):
            return True
        return any(pattern.matches(value) for pattern in patterns for value in values)

    def is_open(self, at: dt.datetime, offset_of: dt.datetime | None = None) -> bool:
        """Return whether the window is open at an instant.

        Args:
            at: aware, UTC.
            offset_of: compat only: the instant whose zone offset counts; upstream takes that of now for the past too.
        """
        if self.schedule is None:
            return False
        if self.mode == "compat":
            return self._open_upstream(at, offset_of or at)
        if self.duration <= ZERO:
            return False
        glance = self.glance(to_micros(at), Calendar()) if self._week else None
        return glance[0] if glance else self._open_strict(at)

    def _open_strict(self, at: dt.datetime) -> bool:
        assert self.schedule is not None
        start = latest_start(self.schedule, at, self.zone, self.duration)
        return start is not None and at - start < self.duration

    def glance(self, micros: int, calendar: Calendar) -> State | None:
        """Return the state by the arithmetic of weeks; None where that cannot tell.

        The end is None when it takes more than this week to tell: openings that touch, or an end behind a change of
        the clock.
        """
        week = self._week
        if not week:
            return None
        origin, low, high = calendar[self.zone]
        position = micros - origin
        if not 0 <= position < WEEK:
            origin, low, high = calendar.turn_to(self.zone, micros)
            position = micros - origin
        behind = bisect.bisect_right(week, position)
        start = origin + week[behind - 1]
        if start <= low:
            return None
        end = start + self._micros
        if micros < end:
            return True, end if self._apart and end < high else None
        following = origin + week[behind]
        return False, following if following < high else None

    def state(self, micros: int, calendar: Calendar) -> State:
        """Return the state at an instant, and until when it lasts."""
        known = self.glance(micros, calendar)
        return known if known and known[1] is not None else _state(self.span(from_micros(micros)))

    def later_state(self, micros: int, calendar: Calendar) -> State:
        """Return the same as `state`, without forgetting what is remembered of now."""
        known = self.glance(micros, calendar)
        return known if known and known[1] is not None else _state(self.compute_span(from_micros(micros)))

    def _open_upstream(self, at: dt.datetime, offset_of: dt.datetime) -> bool:
        assert self.schedule is not None
        if self.schedule.never_fires:
            return True
        local = at + self._offset(offset_of)
        start = latest_start(self.schedule, local - TICK, None, max(self.duration, ZERO))
        return start is not None and local - start < self.duration

    def _offset(self, at: dt.datetime) -> dt.timedelta:
        return (at.astimezone(self.zone).utcoffset() or ZERO) if self.zone else ZERO

    def span(self, now: dt.datetime) -> Span:
        """Return the state at `now` and how long it lasts; remembered until then."""
        known = self._span
        if known is not None and known.start <= now and (known.end is None or now < known.end):
            return known
        known = self._span = self.compute_span(now)
        return known

    def compute_span(self, now: dt.datetime) -> Span:
        """Return the span at an instant without remembering it."""
        if self.schedule is None or self.duration <= ZERO or self.schedule.never_fires:
            return Span(self.is_open(now), now, None)
        shift, zone = (self._offset(now), None) if self.mode == "compat" else (ZERO, self.zone)
        is_open = self.is_open(now)
        if is_open:
            end = self._end_of_run(now + shift, zone)
        else:
            end = next_start(self.schedule, now + shift - (TICK if self.mode == "compat" else ZERO), zone, FURTHEST)
            if end is not None and self.mode == "compat":
                end += TICK
        return Span(is_open, now, end - shift if end else None)

    def _end_of_run(self, now: dt.datetime, zone: zoneinfo.ZoneInfo | None) -> dt.datetime | None:
        """Return when an open window closes, following starts that come before the close."""
        assert self.schedule is not None
        gap = longest_daily_gap(self.schedule, dt.timedelta(hours=2) if zone else ZERO)
        if gap is not None and self.duration >= gap:
            return None
        end = now
        for _ in range(LONGEST_RUN):
            start = latest_start(self.schedule, end, zone, self.duration)
            if start is None or start + self.duration <= end:
                return end
            end = start + self.duration
        return end

    # --- checks ---

    def _check(self) -> None:
        found: list[Finding] = []
        spec = self.spec
        if spec.kind not in ("allow", "deny"):
            found.append(self._find("window-kind", "kind", f"kind {shown(spec.kind)}", "allow or deny"))
        self._check_schedule(found)
        self._check_zone(found)
        self._check_duration(found)
        for name, patterns in self.selectors.items():
            for number, pattern in enumerate(patterns):
                if pattern.broken:
                    text = f"{shown(pattern.text)}: {pattern.broken}"
                    found.append(self._find("window-glob", f"{name}[{number}]", text, "a glob"))
        found += self._remarks()
        self.findings = tuple(found)

    def _check_schedule(self, found: list[Finding]) -> None:
        try:
            self.schedule = parse_schedule(self.spec.schedule)
        except ValueError as failure:
            found.append(
                self._find("window-schedule", "schedule", str(failure), "a schedule such as 0 9 * * 1-5", True)
            )
            return
        if self.schedule.never_fires:
            text = f"{shown(self.spec.schedule)} never fires"
            found.append(self._find("window-never", "schedule", text, "a day that exists", severity="warning"))

    def _check_zone(self, found: list[Finding]) -> None:
        prefix = self.schedule.zone if self.schedule else ""
        name = prefix or self.spec.time_zone
        if prefix and self.spec.time_zone and prefix != self.spec.time_zone:
            text = f"{shown(self.spec.time_zone)} beside TZ={prefix} in the schedule"
            found.append(self._find("window-zone", "timeZone", text, "one zone"))
        try:
            self.zone = find_zone(name)
        except ValueError as failure:
            found.append(self._find("window-zone", "timeZone", str(failure), "an IANA zone"))

    def _check_duration(self, found: list[Finding]) -> None:
        try:
            self.duration = parse_duration(self.spec.duration)
        except ValueError as failure:
            self.schedule = None if self.mode == "compat" else self.schedule
            found.append(self._find("window-duration", "duration", str(failure), "a Go duration such as 8h", True))
            return
        if self.duration <= ZERO:
            text = f"{shown(self.spec.duration)}, so it never opens"
            found.append(self._find("window-duration", "duration", text, "more than 0s"))

    def _remarks(self) -> t.Iterator[Finding]:
        spec = self.spec
        if not self.selectors:
            text = "no applications, namespaces or clusters, so it matches nothing"
            yield self._find("window-selectors", "", text, "at least one selector", severity="warning")
        wide = [name for name, patterns in self.selectors.items() if any(pattern.everything for pattern in patterns)]
        if len(self.selectors) > 1 and wide and not spec.and_operator:
            text = f"{wide[0]} has '*' and andOperator is not set, so the other selectors change nothing"
            yield self._find("window-or", "andOperator", text, "andOperator: true", severity="warning")
        if len(spec.description.encode("utf-8", "replace")) > 255:
            yield self._find("window-description", "description", "more than 255 bytes", "less", severity="warning")

    def _find(
        self, code: str, field: str, text: str, fix: str, blocks_upstream: bool = False, severity: Severity = "error"
    ) -> Finding:
        """Return a finding; in compat only what blocks Argo CD's own evaluation is an error."""
        if self.mode == "compat" and not blocks_upstream:
            severity = "warning"
        where = f"{self.where}.{field}" if field else self.where
        return Finding(code=code, severity=severity, where=where, text=text, fix=fix)


def _state(span: Span) -> State:
    return span.open, to_micros(span.end) if span.end is not None else None


def _selectors(spec: SyncWindow) -> dict[str, tuple[Pattern, ...]]:
    """Return the selectors that are set: absent and empty lists are not."""
    lists = {"applications": spec.applications, "namespaces": spec.namespaces, "clusters": spec.clusters}
    return {name: tuple(tolerant(glob, text) for text in texts) for name, texts in lists.items() if texts}
