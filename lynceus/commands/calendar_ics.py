"""A calendar of windows as iCalendar (RFC 5545), by the icalendar library: one event for each interval, in UTC."""

from __future__ import annotations

import datetime as dt
import hashlib
import typing as t

from lynceus import __version__
from lynceus.commands.windowview import kind_of, meaning, selection, zone_of

if t.TYPE_CHECKING:
    import icalendar

    from lynceus.commands.windows_calendar import Sheet

Event = tuple[str, "dt.datetime | None", "dt.datetime | None", str, str, str]
"""What tells it apart, start, end, summary, description, category."""


def to_ics(sheet: Sheet, now: dt.datetime, *, salt: str, applications: bool) -> str:
    """Write a calendar.

    Args:
        sheet: what to write.
        now: when it is written.
        salt: tells clusters apart whose objects have the same names, since an event's UID must be its own.
        applications: write also when automated syncs of the Applications may run.
    """
    import icalendar

    found = icalendar.Calendar()
    found.add("prodid", f"-//Lynceus//Sync windows {__version__}//EN")
    found.add("version", "2.0")
    found.add("calscale", "GREGORIAN")
    found.add("x-wr-calname", "Sync windows")
    events = [*_of_windows(sheet), *(_of_applications(sheet) if applications else ())]
    for event in events:
        found.add_component(_event(event, sheet, now, salt))
    return str(found.to_ical(), "utf-8")


def _of_windows(sheet: Sheet) -> t.Iterator[Event]:
    for row in sheet.rows:
        window, kind = row.window, kind_of(row.window)
        told = [window.text, window.where, f"Concerns {selection(window)}.", f"Meaning: {meaning(window)}."]
        told += [f"Zone: {zone_of(window)}."] + [window.spec.description] * bool(window.spec.description)
        for interval in row.intervals:
            notes = ["Began more than two years ago."] * (interval.start is None)
            notes += ["No end in sight."] * (interval.end is None)
            summary = f"{kind}: {selection(window)}"
            yield window.where, interval.start, interval.end, summary, "\n".join(told + notes), f"sync window {kind}"


def _of_applications(sheet: Sheet) -> t.Iterator[Event]:
    for times in sheet.times:
        for start, end in times.answers["automated"].spans(allowed=True) if times.answers else ():
            told = f"Automated syncs of {times.application} (project {times.project}) may run."
            yield times.application, start, end, f"{times.application}: syncs may run", told, "sync allowed"


def _event(event: Event, sheet: Sheet, now: dt.datetime, salt: str) -> icalendar.Event:
    import icalendar

    place, start, end, summary, description, category = event
    found = icalendar.Event()
    found.add("uid", _uid(salt, category, place, start))
    found.add("dtstamp", now.astimezone(dt.UTC))
    found.add("dtstart", _utc(start or sheet.start))
    found.add("dtend", _utc(end or sheet.end))
    found.add("summary", summary)
    found.add("description", description)
    found.add("categories", [category])
    found.add("transp", "TRANSPARENT")
    return found


def _utc(moment: dt.datetime) -> dt.datetime:
    """Return whole seconds, as iCalendar has them."""
    return moment.astimezone(dt.UTC).replace(microsecond=0)


def _uid(salt: str, category: str, place: str, start: dt.datetime | None) -> str:
    """Return an id that is the same whenever the same opening is written again, so that calendars update it."""
    said = "\n".join((salt, category, place, start.isoformat() if start else "always"))
    return f"{hashlib.sha256(said.encode()).hexdigest()[:32]}@lynceus"
