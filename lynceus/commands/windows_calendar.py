"""`lynceus windows calendar`: when windows open and close, when syncs may run, and what a change makes of it."""

from __future__ import annotations

import datetime as dt
import typing as t

import click
import msgspec

from controller.clock import SystemClock
from lynceus.commands.answers import clusters_option, mode_option, print_value
from lynceus.commands.calendar_text import change_lines, change_record, sheet_lines, sheet_record
from lynceus.commands.cluster import ClusterChoice, cluster_options
from lynceus.commands.times import parse_moment
from lynceus.commands.windowview import (
    TRIGGERS,
    Choice,
    Trigger,
    View,
    concerning,
    identity,
    project_option,
    read_view,
    told_beside,
    view_of,
    windows_of,
    zone_named,
)
from lynceus.files import read_bundle
from model.application import Application
from model.errors import InvalidSettings
from policy.findings import Mode
from policy.windows import WindowDecision
from policy.windows.calendar import LONGEST_PERIOD, Answers, Row, answers, row
from policy.windows.changes import RowChange, TimeChange, compare_answers, compare_rows

DAYS = 14
"""The period, when nothing else is said."""


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """When syncs of one Application may run."""

    application: str
    project: str
    answers: dict[str, Answers] | None
    """For each trigger; None: its project is not there, so that nothing may run."""
    windows: tuple[str, ...] = ()
    """Places of the windows that concern it."""


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """A calendar over a period."""

    start: dt.datetime
    end: dt.datetime
    rows: tuple[Row, ...]
    projects: dict[tuple[str, str], tuple[str, ...]]
    """The projects in which a window counts, by what identifies it."""
    times: tuple[Times, ...]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What is different between two calendars."""

    start: dt.datetime
    end: dt.datetime
    rows: tuple[RowChange, ...]
    times: tuple[tuple[str, str, TimeChange], ...]
    """(Application, trigger, time gained and lost), only where there is any."""
    notes: tuple[str, ...] = ()

    @property
    def any(self) -> bool:
        """Whether there is a difference at all."""
        return bool(self.rows or self.times)


@click.command()
@click.argument("files", nargs=-1)
@click.option("--app", "apps", metavar="NAME", multiple=True, help="Only these Applications, and what concerns them.")
@project_option
@clusters_option
@click.option("--days", type=click.IntRange(1, LONGEST_PERIOD.days), help=f"How long.  [default: {DAYS}]")
@click.option("--from", "begin", metavar="T", help="First instant, RFC 3339. Default: now.")
@click.option("--to", "until", metavar="T", help="Where the period ends, RFC 3339; in place of --days.")
@click.option("--before", metavar="FILE", multiple=True, help="What was in force before: tell what is different.")
@click.option("--zone", metavar="ZONE", help="Zone of local times. Default: that of each window.")
@mode_option
@cluster_options
@click.option(
    "-o", "--output", type=click.Choice(["text", "json", "yaml", "ics"]), default="text", show_default=True,
    help="Format; ics is iCalendar.",
)  # fmt: skip
def calendar(
    files: tuple[str, ...], apps: tuple[str, ...], projects: tuple[str, ...], clusters: tuple[str, ...],
    days: int | None, begin: str | None, until: str | None, before: tuple[str, ...], zone: str | None, mode: Mode,
    cluster: ClusterChoice, output: str,
) -> None:  # fmt: skip
    """When windows open and close, and when syncs of Applications may run.

    With --before: what is different. Exit code 1 when anything is, 0 when nothing is.
    """
    now = SystemClock().now().replace(second=0, microsecond=0)
    start = parse_moment(begin, "--from") if begin else now
    local = zone_named(zone or "")
    choice = Choice(mode=mode, namespace=cluster.namespace, clusters=clusters, apps=apps, projects=projects)
    if before and output == "ics":
        raise InvalidSettings("-o", "", "ics with --before", "text, json or yaml: a difference is no calendar")
    view = read_view(files, cluster, choice)
    end = _end(start, days, until)
    sheet = sheet_of(view, choice, start, end)
    told_beside(view)
    if before:
        _print_change(compare(_earlier(before, view, choice, start, end), sheet), output)
    if output == "text":
        click.echo("\n".join(sheet_lines(sheet, now, local, zoned=bool(zone))))
    elif output == "ics":
        from lynceus.commands.calendar_ics import to_ics

        salt = view.live.where if cluster.chosen else ""
        click.echo(to_ics(sheet, now, salt=salt, applications=bool(apps)), nl=False)
    else:
        print_value(sheet_record(sheet), output)


def _end(start: dt.datetime, days: int | None, until: str | None) -> dt.datetime:
    if until and days is not None:
        raise InvalidSettings("--days, --to", "", "both", "one of them")
    try:
        if not until:
            return start + dt.timedelta(days=days or DAYS)
        end = parse_moment(until, "--to")
        if not dt.timedelta(0) < end - start <= LONGEST_PERIOD:
            wanted = f"a time behind --from, by at most {LONGEST_PERIOD.days} days"
            raise InvalidSettings("--to", "", repr(until[:40]), wanted)
    except OverflowError:
        raise InvalidSettings("--from", "", f"the year {start.year}", "an earlier one") from None
    return end


def sheet_of(view: View, choice: Choice, start: dt.datetime, end: dt.datetime) -> Sheet:
    """Compute the calendar of a policy."""
    seen = windows_of(view)
    if choice.apps:
        seen = concerning(view, seen, start)
    return Sheet(
        start=start,
        end=end,
        rows=tuple(row(each.window, start, end) for each in seen),
        projects={identity(each.window): each.projects for each in seen},
        times=_times(view, view.applications, start, end),
    )


def _times(view: View, apps: t.Iterable[Application], start: dt.datetime, end: dt.datetime) -> tuple[Times, ...]:
    """Compute when syncs may run; Applications that the same windows concern share one computation."""
    known: dict[tuple[int, ...], dict[str, Answers]] = {}
    found = []
    for app in sorted(apps, key=lambda app: str(app.key)):
        name, project = str(app.key), app.spec.project or "default"
        first = view.guard.windows(app, now=start, manual=False)
        if first is None:
            found.append(Times(application=name, project=project, answers=None))
            continue
        key = tuple(id(window) for window in first.matched)
        if key not in known:
            known[key] = {each.name: answers(_asker(view, app, each), start, end) for each in TRIGGERS}
        windows = tuple(window.where for window in first.matched)
        found.append(Times(application=name, project=project, answers=known[key], windows=windows))
    return tuple(found)


def _asker(view: View, app: Application, trigger: Trigger) -> t.Callable[[dt.datetime], WindowDecision]:
    def ask(at: dt.datetime) -> WindowDecision:
        found = view.guard.windows(app, now=at, manual=trigger.manual, healing=trigger.healing)
        assert found is not None, "the project was there at the first instant, and a generation does not change"
        return found

    return ask


def _earlier(before: tuple[str, ...], view: View, choice: Choice, start: dt.datetime, end: dt.datetime) -> Sheet:
    """Compute the calendar of what was in force before, for the Applications of today."""
    live = read_bundle(before)
    old = {str(app.key): app for app in live.applications}
    apps = [old.get(str(app.key), app) for app in view.live.applications]
    live = msgspec.structs.replace(live, applications=apps, clusters=live.clusters or view.live.clusters)
    return sheet_of(view_of(live, choice, assume=True, lenient=True), choice, start, end)


def compare(before: Sheet, after: Sheet) -> Change:
    """Return what is different between two calendars of the same period."""
    olds = {times.application: times for times in before.times}
    found: list[tuple[str, str, TimeChange]] = []
    notes: list[str] = []
    for times in after.times:
        old = olds.get(times.application)
        if old is None or old.answers is None or times.answers is None:
            side = "before" if old is None or old.answers is None else "now"
            notes.append(f"{times.application}: there is no AppProject {times.project} {side}, so nothing is compared")
            continue
        for trigger in TRIGGERS:
            change = compare_answers(old.answers[trigger.name], times.answers[trigger.name])
            if change.any:
                found.append((times.application, trigger.name, change))
    rows = compare_rows(before.rows, after.rows)
    return Change(start=after.start, end=after.end, rows=rows, times=tuple(found), notes=tuple(notes))


def _print_change(change: Change, output: str) -> t.NoReturn:
    """Print and leave: exit code 1 when there is a difference."""
    for note in change.notes:
        click.echo(f"lynceus: note: {note}", err=True)
    if output == "text":
        click.echo("\n".join(change_lines(change)))
    else:
        print_value(change_record(change), output)
    raise SystemExit(1 if change.any else 0)
