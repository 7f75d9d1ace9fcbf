"""What the `windows` commands share: reading what governs, and telling a window to a person or a program."""

from __future__ import annotations

import datetime as dt
import typing as t
import zoneinfo

import click
import msgspec

from lynceus.bundle import Live
from lynceus.commands.cluster import ClusterChoice
from lynceus.commands.times import said
from lynceus.files import read_bundle
from lynceus.selectors import format_selector
from model.additions import EVERY, AddedWindow, Exclusion
from model.application import Application
from model.durations import format_time
from model.errors import InvalidSettings
from model.secrets import Cluster
from model.settings import RbacSettings
from policy.findings import Finding, Mode, errors_of
from policy.generation import Generation, build
from policy.guard import Guard
from policy.patterns import glob, tolerant
from policy.windows import Window
from policy.windows.added import Added, findings_at
from policy.windows.dialect import remarks
from policy.windows.zones import find_zone

project_option = click.option(
    "--project", "projects", metavar="NAME", multiple=True, help="Only these AppProjects: globs."
)


class Trigger(t.NamedTuple):
    """What asks for a sync."""

    name: str
    manual: bool
    healing: bool


TRIGGERS = (Trigger("automated", False, False), Trigger("manual", True, False), Trigger("healing", False, True))
"""The loop, a person, the loop for the very revisions that were synced last."""


class View(msgspec.Struct, frozen=True, kw_only=True):
    """The policy that a command looks at."""

    live: Live
    generation: Generation
    findings: tuple[Finding, ...]
    applications: tuple[Application, ...]
    """Those asked for."""
    projects: tuple[str, ...]
    """Names of those asked for, sorted."""

    @property
    def guard(self) -> Guard:
        """Return what answers questions."""
        return Guard(self.generation)


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A window, and the projects in which it counts."""

    window: Window
    projects: tuple[str, ...]


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for."""

    mode: Mode = "strict"
    namespace: str = "argocd"
    clusters: tuple[str, ...] = ()
    """NAME=SERVER."""
    apps: tuple[str, ...] = ()
    """Globs on name or namespace/name; none means all."""
    projects: tuple[str, ...] = ()
    """Globs on names; none means all."""


def read_view(files: t.Sequence[str], cluster: ClusterChoice, choice: Choice) -> View:
    """Read files or the cluster.

    Raises:
        InvalidSettings: both or neither are given, or nothing there is what was asked for.
    """
    if bool(files) == cluster.chosen:
        found = "both" if files else "neither"
        raise InvalidSettings("FILES, --live", "", found, "files, or --live or --kubeconfig for a cluster")
    live = read_bundle(files) if files else cluster.read()
    return view_of(live, choice, assume=bool(files))


def view_of(live: Live, choice: Choice, *, assume: bool, lenient: bool = False) -> View:
    """Build the policy of what was read.

    Args:
        live: what was read.
        choice: what was asked for.
        assume: take the destinations of Applications for clusters that exist, since files seldom bring the Secrets.
        lenient: what was asked for need not be there.
    """
    clusters = [*live.clusters, *(_cluster(text) for text in choice.clusters)]
    if assume:
        clusters += _assumed(live.applications, clusters)
    generation, findings = build(
        RbacSettings(),
        live.projects,
        clusters,
        mode=choice.mode,
        control_namespace=choice.namespace,
        global_projects=live.settings.global_projects,
        additions=live.additions,
    )
    apps = tuple(app for app in live.applications if _asked(app, choice))
    if choice.apps and not apps and not lenient:
        raise InvalidSettings(live.where, "", f"no Application {' or '.join(choice.apps)}", "one that is there")
    names = tuple(sorted(name for name in generation.projects if _hits(choice.projects, name)))
    if choice.projects and not names and not lenient:
        raise InvalidSettings(live.where, "", f"no AppProject {' or '.join(choice.projects)}", "one that is there")
    return View(live=live, generation=generation, findings=findings, applications=apps, projects=names)


def _asked(app: Application, choice: Choice) -> bool:
    name = app.metadata.name
    full = f"{app.metadata.namespace or choice.namespace}/{name}"
    named = not choice.apps or _hits(choice.apps, name) or _hits(choice.apps, full)
    return named and _hits(choice.projects, app.spec.project or "default")


def _hits(patterns: tuple[str, ...], value: str) -> bool:
    return not patterns or any(tolerant(glob, text).matches(value) for text in patterns)


def _assumed(apps: t.Iterable[Application], known: t.Iterable[Cluster]) -> list[Cluster]:
    """Return a cluster for each destination that is not known under either name."""
    names = {name for cluster in known for name in (cluster.name, cluster.server)} | {"in-cluster"}
    found: list[Cluster] = []
    for wanted in (app.spec.destination for app in apps):
        if not {wanted.name, wanted.server} & names:
            found.append(Cluster(name=wanted.name, server=wanted.server))
            names |= {wanted.name, wanted.server} - {""}
    return found


def _cluster(text: str) -> Cluster:
    name, equals, server = text.partition("=")
    if not (name and equals and server):
        raise InvalidSettings("--cluster", "", repr(text[:80]), "NAME=SERVER")
    return Cluster(name=name, server=server)


def windows_of(view: View) -> list[Seen]:
    """Return every window of the projects asked for, once, with the projects in which it counts."""
    found: dict[tuple[str, str], tuple[Window, list[str]]] = {}
    for name in view.projects:
        for window in view.generation.windows.get(name, ()):
            found.setdefault(identity(window), (window, []))[1].append(name)
    return [Seen(window=window, projects=tuple(names)) for window, names in found.values()]


def idle_windows(view: View) -> list[Seen]:
    """Return the windows and freezes of lynceus-cm that count in none of the projects there are."""
    additions = view.generation.additions
    counting = {identity(window) for windows in view.generation.windows.values() for window in windows}
    every = (*additions.freezes, *additions.windows)
    return [Seen(window=window, projects=()) for window in every if identity(window) not in counting]


def identity(window: Window) -> tuple[str, str]:
    """Return by what one window is told from another of the same policy."""
    return window.where, window.text


def concerning(view: View, seen: t.Sequence[Seen], now: dt.datetime) -> list[Seen]:
    """Return only those windows that concern one of the Applications asked for."""
    places = set()
    for app in view.applications:
        answer = view.guard.windows(app, now=now, manual=False)
        places |= {identity(window) for window in answer.matched} if answer else set()
    return [each for each in seen if identity(each.window) in places]


# --- telling ---


def kind_of(window: Window) -> str:
    """Return freeze, allow, deny, or whatever stands there instead."""
    return window.rule_kind if window.rule_kind == "freeze" else window.spec.kind


def origin_of(window: Window) -> str:
    """Return the object that a window stands in: ``AppProject shop``, ``lynceus-cm``."""
    return window.where.partition(":")[0] if window.where.startswith("AppProject ") else window.where.partition(" ")[0]


def meaning(window: Window) -> str:
    """Return in words what an open window does, and to whom."""
    if window.invalid:
        return "cannot be evaluated as written: it blocks every sync of what it may concern"
    if not (window.allows or window.denies):
        return "nothing: Argo CD knows no such kind, so that the window has no effect there"
    passing = ["manual syncs"] * window.spec.manual_sync + ["running syncs"] * window.spec.sync_overrun
    passing += ["healing"] * window.heal + [f"break-glass by {' or '.join(window.override)}"] * bool(window.override)
    but = f", except {', '.join(passing)}" if passing else ""
    if window.allows:
        return f"while open, syncs may run; while every allow window is closed, none may{but}"
    return f"while {'in force' if window.rule_kind == 'freeze' else 'open'}, no sync may run{but}"


def selection(window: Window) -> str:
    """Return what a window selects, in one line."""
    spec = window.spec
    found = _patterns(spec.applications, spec.namespaces, spec.clusters, " and " if spec.and_operator else " or ")
    if not isinstance(window, Added):
        return found or "nothing: it has no selector"
    entry = window.entry
    parts = [f"({found})" if " or " in found else found] if found else []
    if entry.label_selector is not None:
        parts.append(f"labels {format_selector(entry.label_selector)}")
    text = " and ".join(parts) or "every Application"
    projects = "" if entry.projects in ((), EVERY) else f" of projects {', '.join(entry.projects)}"
    exclude = entry.exclude if isinstance(entry, AddedWindow) else None
    return text + projects + (f", without {_excluded(exclude)}" if exclude else "")


def _patterns(
    applications: t.Iterable[str] | None, namespaces: t.Iterable[str] | None, clusters: t.Iterable[str] | None, by: str
) -> str:
    lists = {"applications": applications, "namespaces": namespaces, "clusters": clusters}
    return by.join(f"{name} {', '.join(texts)}" for name, texts in lists.items() if texts)


def _excluded(exclude: Exclusion) -> str:
    found = _patterns(exclude.applications, exclude.namespaces, exclude.clusters, " or ")
    labels = f"labels {format_selector(exclude.label_selector)}" if exclude.label_selector else ""
    return " or ".join(part for part in (found, labels) if part) or "anything"


def zone_of(window: Window) -> str:
    """Return the zone of the schedule; a TZ= prefix counts."""
    return str(window.zone) if window.zone else "UTC"


def findings_of(window: Window, now: dt.datetime) -> tuple[Finding, ...]:
    """Return what is wrong with a window or may be misread, also what is over by now."""
    return (*window.findings, *findings_at([window], now), *remarks(window))


def state_of(window: Window, now: dt.datetime) -> tuple[str, dt.datetime | None]:
    """Return open, closed or invalid, and until when."""
    if window.invalid:
        return "invalid", None
    span = window.span(now)
    return "open" if span.open else "closed", span.end


def window_record(window: Window, now: dt.datetime) -> dict[str, t.Any]:
    """Return a window and its state as JSON values."""
    state, until = state_of(window, now)
    return {
        "where": window.where,
        "window": window.text,
        "kind": kind_of(window),
        "state": state,
        "until": format_time(until) if until else None,
        "untilLocal": said(until, window.zone) if until else None,
        "timeZone": zone_of(window),
        "origin": origin_of(window),
        "added": window.added,
        "selects": selection(window),
        "meaning": meaning(window),
        "findings": [str(finding) for finding in findings_of(window, now)],
    }


def told_beside(view: View) -> bool:
    """Tell on stderr what is wrong in lynceus-cm beside its windows and freezes; returns whether anything is."""
    windows = (*view.generation.additions.windows, *view.generation.additions.freezes)
    places = tuple(window.where for window in windows)
    rest = [one for one in view.generation.additions.findings if not one.where.startswith(places)]
    for finding in rest:
        click.echo(f"lynceus: note: {finding}", err=True)
    return bool(errors_of(rest))


def window_lines(record: dict[str, t.Any]) -> list[str]:
    """Return a window's record as lines: its state and place first."""
    lines = [f"{record['state']}{until_words(record)}: {record['where']}: {record['window']}"]
    return lines + [f"  note:   {finding}" for finding in record["findings"]]


def until_words(record: dict[str, t.Any]) -> str:
    """Return until when a state lasts: in UTC for programs, and as the clock on the wall shows it."""
    if not record["until"]:
        return ""
    local = f" ({record['untilLocal']})" if record["timeZone"] != "UTC" else ""
    return f" until {record['until']}{local}"


def zone_named(name: str) -> zoneinfo.ZoneInfo | None:
    """Return the zone of --zone, None for UTC; InvalidSettings when there is none of that name."""
    try:
        return find_zone(name)
    except ValueError:
        raise InvalidSettings("--zone", "", repr(name[:40]), "an IANA zone such as Europe/Amsterdam") from None
