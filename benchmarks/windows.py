"""Sync windows: is it open now, and may this sync run among many windows; beside croniter."""

from __future__ import annotations

import datetime as dt
import statistics
import time
import typing as t

from croniter import croniter

from model.application import Application, ApplicationSpec, Destination, Source
from model.meta import ObjectMeta
from model.project import AppProject, ProjectSpec, SyncWindow
from model.settings import RbacSettings
from policy.generation import build
from policy.guard import Guard
from policy.windows import Target, Window, judge
from policy.windows.roster import Roster

NOW = dt.datetime(2026, 6, 15, 12, 0, 30, tzinfo=dt.UTC)
ZONES = ("", "Europe/Amsterdam", "America/New_York")


def _specs(count: int) -> list[SyncWindow]:
    return [
        SyncWindow(
            kind="allow" if number % 3 else "deny",
            schedule=f"{number % 60} {number % 24} * * {number % 7}",
            duration=f"{1 + number % 12}h",
            applications=[f"app-{number}-*", "web*"],
            time_zone=ZONES[number % 3],
        )
        for number in range(count)
    ]


def _croniter_open(spec: SyncWindow) -> bool:
    last: dt.datetime = croniter(spec.schedule, NOW).get_prev(dt.datetime)
    return NOW - last < dt.timedelta(hours=int(spec.duration[:-1]))


def run() -> t.Iterable[dict[str, t.Any]]:
    """Measure 100, 1,000 and 10,000 windows."""
    for count in (100, 1_000, 10_000):
        specs = _specs(count)
        windows = _compiled(specs)
        target = Target("web", "shop", ("prod",))
        croniters, _ = _timed(lambda: [_croniter_open(spec) for spec in specs])  # noqa: B023 - called at once
        first, _ = _timed(lambda: [window.is_open(NOW) for window in windows])  # noqa: B023
        answer = statistics.median(_first(_compiled(specs), target) for _ in range(5))
        again = _remembered(specs)
        for name, seconds in (
            ("open now?", first),
            ("may this sync run, first", answer),
            ("may this sync run, again", again),
        ):
            yield {
                "name": f"{count} windows: {name}",
                "figure": round(seconds * 1e3, 3),
                "unit": "milliseconds",
                "ratio": round(croniters / seconds, 1),
                "yardstick": "croniter",
            }


def _compiled(specs: list[SyncWindow]) -> Roster:
    """Compile windows as a generation of the policy does, ordered by time where they are many."""
    return Roster(Window(spec, f"w{number}", number, "strict") for number, spec in enumerate(specs))


def _first(windows: Roster, target: Target) -> float:
    """Return the seconds of the first question to windows that were never asked."""
    return _timed(lambda: judge(windows, target, NOW, manual=False))[0]


def _remembered(specs: list[SyncWindow]) -> float:
    """Return the seconds of an answer of the guard that was asked before."""
    project = AppProject(metadata=ObjectMeta(name="p"), spec=ProjectSpec(sync_windows=specs))
    source, target = Source(repo_url="https://git.example/x"), Destination(name="in-cluster", namespace="shop")
    spec = ApplicationSpec(project="p", source=source, destination=target)
    app = Application(metadata=ObjectMeta(name="web", namespace="argocd"), spec=spec)
    guard = Guard(build(RbacSettings(), [project])[0])
    guard.may_sync(app, now=NOW, manual=False)
    return _timed(lambda: guard.may_sync(app, now=NOW, manual=False))[0]


def _timed(call: t.Callable[[], t.Any]) -> tuple[float, t.Any]:
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result
