"""`lynceus windows`: list sync windows, and explain what they mean for Applications at an instant."""

from __future__ import annotations

import datetime as dt
import typing as t

import click
import msgspec

from lynceus.commands.answers import (
    at_option,
    clusters_option,
    decision_lines,
    decision_record,
    instant,
    mode_option,
    output_option,
    print_value,
)
from lynceus.commands.cluster import ClusterChoice, cluster_options
from lynceus.commands.times import parse_moment
from lynceus.commands.windows_calendar import calendar
from lynceus.commands.windowview import (
    TRIGGERS,
    Choice,
    Seen,
    Trigger,
    View,
    identity,
    idle_windows,
    project_option,
    read_view,
    state_of,
    told_beside,
    until_words,
    view_of,
    window_lines,
    window_record,
    windows_of,
)
from model.application import Application
from model.decision import Decision
from model.durations import format_time
from model.errors import InvalidSettings
from policy.findings import Mode
from policy.windows import Window

OTHER: t.Final[dict[Mode, Mode]] = {"strict": "compat", "compat": "strict"}

app_option = click.option(
    "--app", "apps", metavar="NAME", multiple=True, help="Only these Applications: globs on name or namespace/name."
)


@click.group()
def windows() -> None:
    """List and explain sync windows."""


windows.add_command(calendar)


@windows.command("list")
@click.argument("files", nargs=-1)
@project_option
@at_option
@mode_option
@cluster_options
@output_option
def list_windows(
    files: tuple[str, ...],
    projects: tuple[str, ...],
    at: str | None,
    mode: Mode,
    cluster: ClusterChoice,
    output: str,
) -> None:
    """List the windows of AppProjects, inherited and added ones too, and whether each is open.

    FILES are files and folders with AppProjects, argocd-cm, lynceus-cm. Exit code 1 when a window, or
    something else in lynceus-cm, is malformed.
    """
    now = instant(at)
    choice = Choice(mode=mode, namespace=cluster.namespace, projects=projects)
    view = read_view(files, cluster, choice)
    if not view.projects:
        raise InvalidSettings(view.live.where, "", "no AppProject", "at least one")
    other = view_of(view.live, _in(choice, OTHER[mode]), assume=bool(files))
    twins = {identity(each.window): each.window for each in windows_of(other)}
    found = windows_of(view) + ([] if projects else idle_windows(view))
    records = [_listed(each, twins.get(identity(each.window)), now, OTHER[mode]) for each in found]
    if output == "text":
        click.echo("\n".join(line for record in records for line in _list_lines(record)) or "no windows")
    else:
        print_value(records, output)
    wrong = told_beside(view)
    raise SystemExit(1 if wrong or any(each.window.invalid for each in found) else 0)


def _in(choice: Choice, mode: Mode) -> Choice:
    return msgspec.structs.replace(choice, mode=mode)


def _listed(seen: Seen, twin: Window | None, now: dt.datetime, other: Mode) -> dict[str, t.Any]:
    """Return a window's record, with the projects in which it counts, and its state in the other mode if it differs."""
    record = window_record(seen.window, now) | {"projects": list(seen.projects)}
    if twin is not None:
        state, end = state_of(twin, now)
        until = format_time(end) if end else None
        if (state, until) != (record["state"], record["until"]):
            record["otherMode"] = {"mode": other, "state": state, "until": until}
    return record


def _list_lines(record: dict[str, t.Any]) -> list[str]:
    first, *rest = window_lines(record)
    lines = [first, f"  selects: {record['selects']}", f"  means:  {record['meaning']}"]
    if [record["origin"]] != [f"AppProject {name}" for name in record["projects"]]:
        lines.append(f"  counts: in {', '.join(record['projects']) or 'no project that there is'}")
    if other := record.get("otherMode"):
        until = f" until {other['until']}" if other["until"] else ""
        lines.append(f"  {other['mode']}: {other['state']}{until}{_whose(other['mode'])}")
    return lines + rest


def _whose(mode: str) -> str:
    return ", as Argo CD reckons" if mode == "compat" else ", as Lynceus reckons"


@windows.command()
@click.argument("app_files", metavar="[APP_FILE]...", nargs=-1)
@click.option("--project-file", metavar="F", multiple=True, help="AppProjects and ConfigMaps, beside those above.")
@clusters_option
@app_option
@click.option("--manual", is_flag=True, help="Ask for a sync that a person starts.")
@click.option("--healing", is_flag=True, help="Ask for an automated sync to the revision that was synced last.")
@click.option("--started", metavar="T", help="When the running sync began, for syncOverrun.")
@at_option
@mode_option
@cluster_options
@output_option
def explain(
    app_files: tuple[str, ...],
    project_file: tuple[str, ...],
    clusters: tuple[str, ...],
    apps: tuple[str, ...],
    manual: bool,
    healing: bool,
    started: str | None,
    at: str | None,
    mode: Mode,
    cluster: ClusterChoice,
    output: str,
) -> None:
    """May Applications sync, which window says so, until when, and what would change it? Exit code 0 all may, 1 not."""
    now, began = instant(at), parse_moment(started, "--started") if started else None
    if manual and healing:
        raise InvalidSettings("--manual, --healing", "", "both", "one of them: healing is never manual")
    files = tuple(dict.fromkeys((*app_files, *project_file)))
    choice = Choice(mode=mode, namespace=cluster.namespace, clusters=clusters, apps=apps)
    view = read_view(files, cluster, choice)
    if not view.applications:
        raise InvalidSettings(view.live.where, "", "no Application", "at least one")
    other = view_of(view.live, _in(choice, OTHER[mode]), assume=bool(files))
    trigger = next(each for each in TRIGGERS if (each.manual, each.healing) == (manual, healing))
    asked = _Asked(view, other, OTHER[mode], now, began, trigger)
    explained = [_explained(asked, app) for app in view.applications]
    told_beside(view)
    if output == "text":
        click.echo("\n".join(line for answer, record in explained for line in _explained_lines(answer, record)))
    else:
        print_value([record for _, record in explained], output)
    raise SystemExit(0 if all(answer.allowed for answer, _ in explained) else 1)


class _Asked(t.NamedTuple):
    """What `explain` was asked."""

    view: View
    other: View
    other_mode: Mode
    now: dt.datetime
    began: dt.datetime | None
    trigger: Trigger


def _explained(asked: _Asked, app: Application) -> tuple[Decision, dict[str, t.Any]]:
    """Return the answer, and a record: all triggers, where the other mode differs, the windows."""
    answers = {each.name: _decided(asked.view, app, asked, each) for each in TRIGGERS}
    others = {each.name: _decided(asked.other, app, asked, each) for each in TRIGGERS}
    records = {name: decision_record(decision) for name, decision in answers.items()}
    theirs = {name: decision_record(decision) for name, decision in others.items()}
    differing = {name: record for name, record in theirs.items() if not _same(record, records[name])}
    trigger = asked.trigger
    detail = asked.view.guard.windows(
        app, now=asked.now, manual=trigger.manual, started=asked.began, healing=trigger.healing
    )
    answer = answers[trigger.name]
    return answer, {
        "application": app.metadata.name,
        "at": format_time(asked.now),
        "manual": trigger.manual,
        "trigger": trigger.name,
        **decision_record(answer),
        "state": detail.state if detail else "no project",
        "answers": records,
        "otherMode": {"mode": asked.other_mode, "answers": differing} if differing else None,
        "windows": [window_record(window, asked.now) for window in detail.matched] if detail else [],
    }


def _decided(view: View, app: Application, asked: _Asked, trigger: Trigger) -> Decision:
    return view.guard.may_sync(app, now=asked.now, started=asked.began, manual=trigger.manual, healing=trigger.healing)


def _explained_lines(decision: Decision, record: dict[str, t.Any]) -> list[str]:
    first, *rest = decision_lines(decision)
    lines = [f"{record['application']}: {first}", *rest]
    for name, answer in record["answers"].items():
        if name != record["trigger"] and not (name == "healing" and _same(answer, record["answers"]["automated"])):
            lines.append(f"  {name + ':':<10} {_short(answer)}")
    other = record["otherMode"]
    for name, answer in (other["answers"] if other else {}).items():
        lines.append(f"  {other['mode']}: {name} {_short(answer)}{_whose(other['mode'])}")
    return lines + [f"  window: {line}" for window in record["windows"] for line in window_lines(window)]


def _same(one: dict[str, t.Any], other: dict[str, t.Any]) -> bool:
    return (one["allowed"], one["until"]) == (other["allowed"], other["until"])


def _short(answer: dict[str, t.Any]) -> str:
    until = until_words({**answer, "timeZone": "UTC"})
    return f"{answer['effect']}{until}"
