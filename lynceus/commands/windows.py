"""`lynceus windows`: list sync windows and explain what they mean for an Application at an instant, on files."""

from __future__ import annotations

import datetime as dt
import typing as t

import click

from lynceus.commands.answers import (
    at_option,
    decision_lines,
    decision_record,
    instant,
    mode_option,
    output_option,
    print_value,
)
from lynceus.commands.project import generation_of
from lynceus.files import read_applications, read_projects
from model.application import Application
from model.durations import format_time
from model.errors import InvalidSettings
from policy.findings import Mode
from policy.guard import Guard
from policy.projects.compiled import Project
from policy.windows import Window


@click.group()
def windows() -> None:
    """List and explain sync windows."""


@windows.command("list")
@click.argument("files", nargs=-1, required=True)
@at_option
@mode_option
@output_option
def list_windows(files: tuple[str, ...], at: str | None, mode: Mode, output: str) -> None:
    """List the windows of the AppProjects in FILES and whether each is open. Exit code 1 when one is malformed."""
    now = instant(at)
    projects = read_projects(files)
    if not projects:
        raise InvalidSettings(files[0], "", "no AppProject", "at least one")
    found = [window for project in projects for window in Project(project, mode).windows]
    records = [_record(window, now) for window in found]
    if output == "text":
        for record in records:
            click.echo(_line(record))
    else:
        print_value(records, output)
    raise SystemExit(1 if any(window.invalid for window in found) else 0)


def _record(window: Window, now: dt.datetime) -> dict[str, t.Any]:
    span = window.span(now)
    state = "invalid" if window.invalid else "open" if span.open else "closed"
    return {
        "where": window.where,
        "window": window.text,
        "kind": window.spec.kind,
        "state": state,
        "until": format_time(span.end) if span.end and not window.invalid else None,
        "timeZone": window.spec.time_zone or "UTC",
        "findings": [str(finding) for finding in window.findings],
    }


def _line(record: dict[str, t.Any]) -> str:
    until = f" until {record['until']}" if record["until"] else ""
    lines = [f"{record['state']}{until}: {record['where']}: {record['window']}"]
    return "\n".join(lines + [f"  note:   {finding}" for finding in record["findings"]])


@windows.command()
@click.argument("app_file")
@click.option("--project-file", metavar="F", multiple=True, help="AppProjects; those in APP_FILE count as well.")
@click.option("--cluster", "clusters", metavar="NAME=SERVER", multiple=True, help="A cluster under both its names.")
@click.option("--manual", is_flag=True, help="Ask for a sync that a person starts.")
@click.option("--started", metavar="T", help="When the running sync began, for syncOverrun.")
@click.option("--control-namespace", default="argocd", show_default=True, help="Where the AppProjects live.")
@at_option
@mode_option
@output_option
def explain(
    app_file: str,
    project_file: tuple[str, ...],
    clusters: tuple[str, ...],
    manual: bool,
    started: str | None,
    control_namespace: str,
    at: str | None,
    mode: Mode,
    output: str,
) -> None:
    """May the Applications in APP_FILE sync, which window says so, and until when? Exit code 0 all may, 1 not."""
    now, began = instant(at), instant(started) if started else None
    apps = read_applications([app_file])
    if not apps:
        raise InvalidSettings(app_file, "", "no Application", "at least one")
    guard = Guard(generation_of(app_file, project_file, clusters, apps, mode, control_namespace))
    records = [_explained(guard, app, now, manual, began) for app in apps]
    if output == "text":
        for record, app in zip(records, apps, strict=True):
            first, *rest = decision_lines(guard.may_sync(app, now=now, manual=manual, started=began))
            click.echo("\n".join([f"{app.metadata.name}: {first}", *rest, *_window_lines(record)]))
    else:
        print_value(records, output)
    raise SystemExit(0 if all(record["allowed"] for record in records) else 1)


def _explained(
    guard: Guard, app: Application, now: dt.datetime, manual: bool, began: dt.datetime | None
) -> dict[str, t.Any]:
    decision = guard.may_sync(app, now=now, manual=manual, started=began)
    detail = guard.windows(app, now=now, manual=manual, started=began)
    return {
        "application": app.metadata.name,
        "at": format_time(now),
        "manual": manual,
        **decision_record(decision),
        "state": detail.state if detail else "no project",
        "windows": [_record(window, now) for window in detail.matched] if detail else [],
    }


def _window_lines(record: dict[str, t.Any]) -> list[str]:
    return [f"  window: {_line(window)}" for window in record["windows"]]
