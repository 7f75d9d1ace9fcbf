"""A calendar of windows as lines for a person who was woken up, and as values for a program."""

from __future__ import annotations

import datetime as dt
import typing as t
import zoneinfo

from lynceus.commands.times import clock, day, lasting, said
from lynceus.commands.windowview import findings_of, identity, kind_of, meaning, origin_of, selection, zone_of
from model.durations import format_time
from policy.windows import Window
from policy.windows.calendar import Answers, Interval, Row

if t.TYPE_CHECKING:
    from lynceus.commands.windows_calendar import Change, Sheet, Times
    from policy.windows.changes import RowChange, Span, TimeChange

MOST_LINES = 31
"""Intervals of one window that are printed; -o json has all."""

Zone = zoneinfo.ZoneInfo | None


def sheet_lines(sheet: Sheet, now: dt.datetime, zone: Zone, *, zoned: bool) -> list[str]:
    """Return the calendar as text: windows, then Applications.

    Args:
        sheet: the calendar.
        now: to say what is open.
        zone: of all local times, when `zoned`; else each window has its own.
        zoned: whether a zone was asked for.
    """
    lines = [f"From {said(sheet.start)} to {said(sheet.end)}, {lasting(sheet.end - sheet.start)}"]
    for row in sheet.rows:
        local = zone if zoned else row.window.zone
        lines += ["", *_row_lines(row, local, now, sheet.projects.get(identity(row.window), ()))]
    if not sheet.rows:
        lines += ["", "no windows"]
    zones = {row.window.where: row.window.zone for row in sheet.rows}
    for times in sheet.times:
        lines += ["", *_times_lines(times, sheet, zone if zoned else _common(times, zones))]
    return lines


def _common(times: Times, zones: dict[str, Zone]) -> Zone:
    """Return the zone that all windows of an Application share, else UTC."""
    found = {zones.get(where) for where in times.windows}
    return found.pop() if len(found) == 1 else None


def _row_lines(row: Row, zone: Zone, now: dt.datetime, projects: tuple[str, ...]) -> list[str]:
    window = row.window
    lines = [f"{window.text}", f"  {window.where}{_counting(window, projects)}"]
    lines += [f"  concerns {selection(window)}; {meaning(window)}"]
    lines += [f"  note: {finding}" for finding in findings_of(window, now)]
    shown = [f"  {_interval(interval, zone)}{_open(interval, now)}" for interval in row.intervals[:MOST_LINES]]
    if len(row.intervals) > MOST_LINES:
        shown.append(f"  … and {len(row.intervals) - MOST_LINES} more; -o json has all")
    if row.known_until is not None:
        shown.append(f"  … so many that they were followed only until {said(row.known_until)}")
    return lines + (shown or ([] if window.invalid else ["  not open in this time"]))


def _counting(window: Window, projects: tuple[str, ...]) -> str:
    own = [origin_of(window)] == [f"AppProject {name}" for name in projects]
    return "" if own else f", counts in {', '.join(projects) or 'no project'}"


def _interval(interval: Interval, zone: Zone) -> str:
    """Return ``Mon 2026-12-21 09:00 CET - 17:00 CET (08:00 - 16:00 UTC), 8h``."""
    start, end = interval.start, interval.end
    local = _range(start, end, zone)
    utc = f" ({_beside(start, end, zone)})" if zone is not None else ""
    length = f", {lasting(end - start)}" if start is not None and end is not None else ""
    return f"{local}{utc}{length}"


def _range(start: dt.datetime | None, end: dt.datetime | None, zone: Zone) -> str:
    """Return start and end; the day of the end only when it is another."""
    first = said(start, zone) if start is not None else "for more than two years"
    if end is None:
        return f"{first} - without end in sight"
    same = start is not None and _local(start, zone).date() == _local(end, zone).date()
    return f"{first} - {clock(_local(end, zone)) if same else said(end, zone)}"


def _beside(start: dt.datetime | None, end: dt.datetime | None, zone: Zone) -> str:
    """Return the same in UTC, without the days where they are those of the local times."""
    if start is None or end is None:
        return _range(start, end, None)
    days = {moment.astimezone(each or dt.UTC).date() for moment in (start, end) for each in (zone, None)}
    if len(days) > 1:
        return _range(start, end, None)
    return f"{clock(_local(start, None)).removesuffix(' UTC')} - {clock(_local(end, None))}"


def _local(moment: dt.datetime, zone: Zone) -> dt.datetime:
    return moment.astimezone(zone or dt.UTC)


def _open(interval: Interval, now: dt.datetime) -> str:
    begun = interval.start is None or interval.start <= now
    if not begun or (interval.end is not None and interval.end <= now):
        return ""
    return f"  <- open now, {lasting(interval.end - now)} left" if interval.end is not None else "  <- open now"


def _times_lines(times: Times, sheet: Sheet, zone: Zone) -> list[str]:
    lines = [f"{times.application}, project {times.project}"]
    if times.answers is None:
        return [*lines, "  no sync may run: there is no such AppProject, or it is malformed"]
    for names, found in _alike(times.answers):
        lines += [f"  {' and '.join(names)} syncs may run{said_when}" for said_when in _when(found, sheet)]
        if not _whole(found, sheet):
            lines += [f"    {_interval(Interval(*span), zone)}" for span in found.spans(allowed=True)[:MOST_LINES]]
        lines += [f"    … followed only until {said(found.known_until)}"] if found.known_until else []
    return lines


def _alike(answers: dict[str, Answers]) -> list[tuple[list[str], Answers]]:
    """Put triggers with the same times together; healing only where it differs from other automated syncs."""
    groups: list[tuple[list[str], Answers]] = []
    for name, found in answers.items():
        same = next((each for each in groups if each[1].spans(allowed=True) == found.spans(allowed=True)), None)
        if same is None:
            groups.append(([name], found))
        elif name != "healing":
            same[0].append(name)
    return groups


def _whole(found: Answers, sheet: Sheet) -> bool:
    """Return whether there is one answer for the whole period."""
    spans = found.spans(allowed=True)
    return not spans or (len(spans) == 1 and spans[0] == (sheet.start, sheet.end))


def _when(found: Answers, sheet: Sheet) -> list[str]:
    spans = found.spans(allowed=True)
    if not spans:
        blocking = found.stretches[0].answer.blocking if found.stretches else ()
        return [": never in this time" + (f"; first because of {blocking[0].where}" if blocking else "")]
    return [": at any time" if _whole(found, sheet) else ":"]


# --- differences ---


def change_lines(change: Change) -> list[str]:
    """Return what is different as text: windows, then Applications."""
    lines = [f"From {said(change.start)} to {said(change.end)}, {lasting(change.end - change.start)}"]
    if not change.any:
        return [*lines, "", "no difference"]
    for row in change.rows:
        lines += ["", *_row_change_lines(row)]
    for name, trigger, time in _told(change):
        lines += ["", f"{name}: {trigger} syncs{_sums(time.gained, time.lost)}"]
        lines += _span_lines("+", time.gained) + _span_lines("-", time.lost)
    if not change.times:
        lines += ["", "no Application gains or loses time"]
    return lines


def _told(change: Change) -> t.Iterator[tuple[str, str, TimeChange]]:
    """Yield the changes of time; healing only where it changes otherwise than all automated syncs."""
    automated = {name: time for name, trigger, time in change.times if trigger == "automated"}
    for name, trigger, time in change.times:
        if trigger != "healing" or automated.get(name) != time:
            yield name, trigger, time


def _row_change_lines(row: RowChange) -> list[str]:
    window = row.after or row.before
    assert window is not None
    word = "new" if row.before is None else "gone" if row.after is None else "changed"
    lines = [f"{word}: {window.text}", f"  {window.where}"]
    lines += [f"  {field}" for field in row.fields]
    lines += _cut([f"  - {_interval(each, window.zone)}" for each in row.removed])
    lines += _cut([f"  + {_interval(each, window.zone)}" for each in row.added])
    moved = [f"  ~ {_interval(each.before, window.zone)} -> {_interval(each.after, window.zone)}" for each in row.moved]
    return lines + _cut(moved)


def _cut(lines: list[str]) -> list[str]:
    more = len(lines) - MOST_LINES
    return lines if more <= 0 else [*lines[:MOST_LINES], f"  … and {more} more; -o json has all"]


def _span_lines(sign: str, spans: tuple[Span, ...]) -> list[str]:
    return _cut([f"  {sign} {_interval(Interval(*span), None)}" for span in spans])


def _sums(gained: tuple[Span, ...], lost: tuple[Span, ...]) -> str:
    parts = [f" {word} {lasting(_total(spans))}" for word, spans in (("gain", gained), ("lose", lost)) if spans]
    return " and".join(parts)


def _total(spans: tuple[Span, ...]) -> dt.timedelta:
    return sum((end - start for start, end in spans), dt.timedelta(0))


# --- values ---


def sheet_record(sheet: Sheet) -> dict[str, t.Any]:
    """Return the calendar as JSON values."""
    return {
        "from": format_time(sheet.start),
        "until": format_time(sheet.end),
        "windows": [_row_record(row, sheet) for row in sheet.rows],
        "applications": [_times_record(times) for times in sheet.times],
    }


def _row_record(row: Row, sheet: Sheet) -> dict[str, t.Any]:
    window = row.window
    return {
        "where": window.where,
        "window": window.text,
        "kind": kind_of(window),
        "timeZone": zone_of(window),
        "projects": list(sheet.projects.get(identity(window), ())),
        "selects": selection(window),
        "meaning": meaning(window),
        "invalid": window.invalid,
        "findings": [str(finding) for finding in findings_of(window, sheet.start)],
        "intervals": [_interval_record(interval, window.zone) for interval in row.intervals],
        "knownUntil": _time(row.known_until),
    }


def _interval_record(interval: Interval, zone: Zone) -> dict[str, t.Any]:
    start, end = interval.start, interval.end
    return {
        "start": _time(start),
        "end": _time(end),
        "startLocal": _local(start, zone).isoformat() if start else None,
        "endLocal": _local(end, zone).isoformat() if end else None,
        "day": day(_local(start, zone)) if start else None,
        "seconds": int((end - start).total_seconds()) if start and end else None,
    }


def _time(moment: dt.datetime | None) -> str | None:
    return format_time(moment) if moment is not None else None


def _times_record(times: Times) -> dict[str, t.Any]:
    found = {name: _answers_record(each) for name, each in (times.answers or {}).items()}
    return {"application": times.application, "project": times.project, "known": times.answers is not None, **found}


def _answers_record(found: Answers) -> dict[str, t.Any]:
    return {
        "stretches": [
            {
                "start": format_time(each.start),
                "end": format_time(each.end),
                "allowed": each.allowed,
                "state": each.answer.state,
                "because": [window.where for window in each.answer.blocking or each.answer.active],
            }
            for each in found.stretches
        ],
        "knownUntil": _time(found.known_until),
    }


def change_record(change: Change) -> dict[str, t.Any]:
    """Return what is different as JSON values."""
    return {
        "from": format_time(change.start),
        "until": format_time(change.end),
        "different": change.any,
        "windows": [_row_change_record(row) for row in change.rows],
        "applications": [
            {
                "application": name,
                "trigger": trigger,
                "gained": [_span_record(span) for span in time.gained],
                "lost": [_span_record(span) for span in time.lost],
                "gainedSeconds": int(_total(time.gained).total_seconds()),
                "lostSeconds": int(_total(time.lost).total_seconds()),
            }
            for name, trigger, time in change.times
        ],
        "notes": list(change.notes),
    }


def _row_change_record(row: RowChange) -> dict[str, t.Any]:
    window = row.after or row.before
    assert window is not None
    pairs = [(_interval_record(m.before, window.zone), _interval_record(m.after, window.zone)) for m in row.moved]
    return {
        "where": window.where,
        "before": row.before.text if row.before else None,
        "after": row.after.text if row.after else None,
        "fields": list(row.fields),
        "removed": [_interval_record(each, window.zone) for each in row.removed],
        "added": [_interval_record(each, window.zone) for each in row.added],
        "moved": [{"before": before, "after": after} for before, after in pairs],
    }


def _span_record(span: Span) -> dict[str, str]:
    return {"start": format_time(span[0]), "end": format_time(span[1])}
