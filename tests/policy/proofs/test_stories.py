"""How sync windows go wrong in practice, each with Argo CD's answer (compat) and ours (strict).

First the freeze over Christmas that everybody copies, then what is weak in Argo CD's own reckoning.
"""

import datetime as dt
import typing as t

import pytest

from model.additions import AddedWindow, Additions
from model.application import Application, ApplicationSpec, Destination, Source
from model.meta import ObjectMeta
from model.project import AppProject, ProjectSpec, SyncWindow
from model.secrets import Cluster
from model.settings import GlobalProject, RbacSettings
from policy.findings import Finding, Mode
from policy.generation import Generation, build
from policy.guard import Guard
from tests.policy.proofs.strategies import at

MODES: tuple[Mode, ...] = ("compat", "strict")
PRODUCTION = Cluster(name="production", server="https://prod.example")
OFFICE = {"kind": "allow", "schedule": "0 9 * * 1-5", "duration": "8h", "applications": ["*"]}
FREEZE = {
    "kind": "deny",
    "schedule": "0 0 20 12 *",
    "duration": "336h",
    "applications": ["*"],
    "clusters": ["production"],
}
NOON = "2026-06-15T12:00:30"


def _deny(**fields: t.Any) -> dict[str, t.Any]:
    return {"kind": "deny", "schedule": "* * * * *", "duration": "1h", "applications": ["*"]} | fields


def _built(
    mode: Mode, *windows: dict[str, t.Any], projects: t.Iterable[AppProject] = (), **more: t.Any
) -> tuple[Generation, tuple[Finding, ...]]:
    body = ProjectSpec(sync_windows=[SyncWindow(**window) for window in windows])
    project = AppProject(metadata=ObjectMeta(name="p", labels={"team": "shop"}), spec=body)
    return build(RbacSettings(), [project, *projects], [PRODUCTION], mode=mode, **more)


def _app(cluster: str = "", server: str = "", name: str = "web") -> Application:
    target = Destination(name=cluster, server=server, namespace="shop")
    spec = ApplicationSpec(project="p", source=Source(repo_url="https://git.example/x"), destination=target)
    return Application(metadata=ObjectMeta(name=name, namespace="argocd"), spec=spec)


PROD = _app(cluster="production")
STAGING = _app(cluster="in-cluster")


def _may(
    windows: t.Sequence[dict[str, t.Any]],
    instant: str,
    *,
    app: Application = PROD,
    manual: bool = False,
    started: str = "",
    mode: Mode = "strict",
) -> bool:
    guard = Guard(_built(mode, *windows)[0])
    begun = at(started) if started else None
    return guard.may_sync(app, now=at(instant), manual=manual, started=begun).allowed


def _both(windows: t.Sequence[dict[str, t.Any]], instant: str, **more: t.Any) -> tuple[bool, bool]:
    """Return what Argo CD and what we answer."""
    upstream, ours = (_may(windows, instant, mode=mode, **more) for mode in MODES)
    return upstream, ours


def _codes(mode: Mode, *windows: dict[str, t.Any]) -> set[str]:
    return {finding.code for finding in _built(mode, *windows)[1]}


# --- the freeze that everybody copies ---


@pytest.mark.row(103)
@pytest.mark.parametrize("app", [PROD, STAGING])
def test_without_and_operator_the_freeze_covers_every_cluster(app: Application) -> None:
    """Applications `*` or the cluster: staging is frozen too, in both; we say what was probably meant."""
    assert (False, False) == _both([FREEZE], "2026-12-21T10:00", app=app)
    assert "window-or" in _codes("strict", FREEZE)


@pytest.mark.row(103)
def test_with_and_operator_only_production_is_frozen() -> None:
    """What was meant."""
    meant = FREEZE | {"and_operator": True}
    assert (False, False) == _both([meant], "2026-12-21T10:00", app=PROD)
    assert (True, True) == _both([meant], "2026-12-21T10:00", app=STAGING)
    assert "window-or" not in _codes("strict", meant)


@pytest.mark.row(103)
@pytest.mark.parametrize(
    ("instant", "allowed"),
    [
        ("2026-12-19T23:59:59", True),
        ("2026-12-20T00:00:01", False),
        ("2026-12-31T23:59:59", False),
        ("2027-01-01T00:00:00.5", False),
        ("2027-01-02T23:59:59", False),
        ("2027-01-03T00:00:00", True),
    ],
)
def test_the_freeze_goes_over_the_end_of_the_year(instant: str, allowed: bool) -> None:
    """336 hours from 20 December end on 3 January of the next year."""
    assert (allowed, allowed) == _both([FREEZE], instant)


@pytest.mark.row(103)
@pytest.mark.parametrize(("zone", "hour"), [("", 0), ("Europe/Amsterdam", -1), ("America/New_York", 5)])
def test_without_a_zone_the_freeze_begins_at_midnight_utc(zone: str, hour: int) -> None:
    """An hour late in Amsterdam, five hours early in New York; with timeZone it begins at midnight there."""
    begin = at("2026-12-20T00:00") + dt.timedelta(hours=hour)
    for step, allowed in ((-1, True), (1, False)):
        instant = (begin + dt.timedelta(seconds=step)).replace(tzinfo=None).isoformat()
        assert (allowed, allowed) == _both([FREEZE | {"time_zone": zone}], instant)


@pytest.mark.row(102, 104)
@pytest.mark.parametrize(
    ("instant", "allowed"),
    [
        ("2026-12-18T16:59:59", True),
        ("2026-12-18T17:00", False),
        ("2026-12-19T12:00", False),
        ("2026-12-21T12:00", False),
        ("2027-01-03T12:00", False),
        ("2027-01-04T08:59:59", False),
        ("2027-01-04T09:00:01", True),
    ],
)
def test_after_the_freeze_the_office_hours_still_rule(instant: str, allowed: bool) -> None:
    """From Friday 18 December 17:00 nothing syncs until Monday 4 January 09:00."""
    assert (allowed, allowed) == _both([OFFICE, FREEZE], instant)


@pytest.mark.row(102, 104)
@pytest.mark.parametrize("instant", ["2026-06-15T20:00", "2026-12-21T12:00"])
def test_without_manual_sync_nobody_gets_in(instant: str) -> None:
    """Neither by night nor in the freeze may a person sync, in an emergency either."""
    assert (False, False) == _both([OFFICE, FREEZE], instant, manual=True)
    lenient = [window | {"manual_sync": True} for window in (OFFICE, FREEZE)]
    assert (True, True) == _both(lenient, instant, manual=True)


@pytest.mark.row(103)
def test_the_cluster_must_be_written_as_the_application_does() -> None:
    """`production` misses an Application that names the server, with Argo CD; we know that it is the same cluster."""
    named = FREEZE | {"applications": []}
    assert (True, False) == _both([named], "2026-12-21T12:00", app=_app(server="https://prod.example"))
    assert (False, False) == _both([named], "2026-12-21T12:00", app=PROD)
    server = FREEZE | {"applications": [], "clusters": ["https://prod.example"]}
    assert (True, False) == _both([server], "2026-12-21T12:00", app=PROD)


@pytest.mark.row(102)
def test_an_allow_window_on_everything_closes_the_project_outside_it() -> None:
    """Staging is shut at night as well."""
    assert (False, False) == _both([OFFICE], "2026-06-15T20:00", app=STAGING)


@pytest.mark.row(103)
@pytest.mark.parametrize("year", [2026, 2027, 2031])
def test_a_forgotten_freeze_comes_back_each_year(year: int) -> None:
    """A schedule has no year; a one-off window of ours has."""
    assert (False, False) == _both([FREEZE], f"{year}-12-25T12:00")
    once = AddedWindow(name="x", kind="deny", projects=("*",), start="2026-12-20T00:00:00Z", end="2027-01-03T00:00:00Z")
    guard = Guard(_built("strict", additions=Additions(windows=(once,)))[0])
    assert (year != 2026) == guard.may_sync(PROD, now=at(f"{year}-12-25T12:00"), manual=False).allowed


@pytest.mark.row(104)
def test_an_outage_over_an_edge_loses_nothing() -> None:
    """The answer comes from the clock: a guard that was asked before the edge, or never, answers alike after it."""
    generation, _ = _built("strict", OFFICE, FREEZE)
    for before, after in (("2026-12-18T16:45", "2026-12-18T17:15"), ("2027-01-04T08:45", "2027-01-04T09:15")):
        watching, fresh = Guard(generation), Guard(_built("strict", OFFICE, FREEZE)[0])
        watching.may_sync(PROD, now=at(before), manual=False)
        answers = {guard.may_sync(PROD, now=at(after), manual=False) for guard in (watching, fresh)}
        assert 1 == len(answers)


# --- what is weak in Argo CD's reckoning ---


@pytest.mark.row(104)
def test_the_opening_instant() -> None:
    """Argo CD leaves it out: days back to back have a hole at midnight, and overrun goes wrong there."""
    always = _deny(schedule="0 0 * * *", duration="24h")
    assert (True, False) == _both([always], "2026-06-15T00:00")
    office = OFFICE | {"sync_overrun": True}
    assert (False, True) == _both([office], "2026-06-15T18:00", started="2026-06-15T09:00:00")
    permanent = _deny(schedule="0 0 * * *", duration="48h", sync_overrun=True)
    assert (False, False) == _both([permanent], "2026-06-15T12:00", started="2026-06-15T00:00:00")
    daily = always | {"sync_overrun": True}
    assert (True, False) == _both([daily], "2026-06-15T12:00", started="2026-06-15T00:00:00")


@pytest.mark.parametrize("schedule", ["0 0 30 2 *", "0 0 31 4 *", "0 0 , * *"])
def test_schedules_that_never_fire(schedule: str) -> None:
    """Argo CD takes them for always open: a deny denies for ever, an allow allows for ever. Ours are never open."""
    assert (False, True) == _both([_deny(schedule=schedule)], NOON)
    assert (True, False) == _both([OFFICE | {"schedule": schedule}], NOON)
    assert "window-never" in _codes("strict", _deny(schedule=schedule))


def test_leap_days_beyond_five_years() -> None:
    """From March 2096 no 29 February comes within five years, so that Argo CD takes the window for open."""
    assert (False, True) == _both([_deny(schedule="0 0 29 2 *")], "2097-06-15T12:00")
    assert (True, True) == _both([_deny(schedule="0 0 29 2 *")], "2099-06-15T12:00")


def test_overrun_over_a_clock_change() -> None:
    """The start of a running sync is judged with the offset of now: an hour off after the clock has changed."""
    night = _deny(schedule="0 1 * * *", duration="4h", time_zone="Europe/Amsterdam", sync_overrun=True)
    begun = "2026-03-28T23:30:00"  # 00:30 in Amsterdam, before the window; with tomorrow's offset 01:30
    assert (False, True) == _both([night], "2026-03-29T02:00:30", started=begun)


@pytest.mark.parametrize(
    ("instant", "answers"), [("2026-03-29T04:30", (True, False)), ("2026-03-29T05:30", (True, True))]
)
def test_a_window_over_the_spring_night(instant: str, answers: tuple[bool, bool]) -> None:
    """22:00 for 8 hours ends at 07:00 in Amsterdam by the elapsed time; Argo CD ends it at 06:00."""
    night = _deny(schedule="0 22 * * *", duration="8h", time_zone="Europe/Amsterdam")
    assert answers == _both([night], instant)


def test_a_freeze_of_two_weeks_over_the_spring_night() -> None:
    """336 hours from 20 March end an hour early with Argo CD."""
    freeze = _deny(schedule="0 0 20 3 *", duration="336h", time_zone="Europe/Amsterdam")
    assert (True, False) == _both([freeze], "2026-04-02T22:30")
    assert (True, True) == _both([freeze], "2026-04-02T23:00")


@pytest.mark.parametrize("fields", [{"kind": "Deny"}, {"kind": ""}, {"applications": ["[good"]}])
def test_a_mistake_that_makes_the_window_vanish(fields: dict[str, t.Any]) -> None:
    """An unknown kind and a broken glob: the freeze does not exist with Argo CD; ours blocks and is reported."""
    assert (True, False) == _both([_deny(**fields)], NOON)
    assert {"window-kind", "window-glob"} & _codes("strict", _deny(**fields))


@pytest.mark.parametrize("zone", ["Mars/Phobos", "europe/amsterdam", "Local"])
def test_an_unknown_zone(zone: str) -> None:
    """UTC without a word with Argo CD; ours blocks, also while the window would be closed, and is reported."""
    closed = _deny(schedule="0 3 * * *", time_zone=zone)
    assert (True, False) == _both([closed], NOON)
    assert "window-zone" in _codes("strict", closed)


@pytest.mark.parametrize("fields", [{"schedule": "* * *"}, {"duration": "1d"}, {"schedule": "TZ=UTC"}])
def test_a_mistake_that_blocks_in_silence(fields: dict[str, t.Any]) -> None:
    """A bad schedule or duration blocks in both; ours names the window, the field and what would be right."""
    assert (False, False) == _both([OFFICE | fields], NOON)
    answer = Guard(_built("strict", OFFICE | fields)[0]).may_sync(PROD, now=at(NOON), manual=False)
    assert f"AppProject p: spec.syncWindows[0].{next(iter(fields))}" in answer.reasons[0]


@pytest.mark.row(102)
def test_the_opening_is_told_beforehand() -> None:
    """Argo CD wakes nobody when a window opens; every answer of ours says to the second when it changes."""
    guard = Guard(_built("strict", OFFICE, FREEZE)[0])
    assert at("2027-01-04T09:00") == guard.may_sync(PROD, now=at("2026-12-25T12:00"), manual=False).until


def test_windows_of_global_projects_count_and_are_named() -> None:
    """They block in both; the answer says from which project the window comes."""
    parent = AppProject(metadata=ObjectMeta(name="all"), spec=ProjectSpec(sync_windows=[SyncWindow(**_deny())]))
    rules = (GlobalProject(project_name="all", match_labels={"team": "shop"}),)
    for mode in MODES:
        guard = Guard(_built(mode, projects=[parent], global_projects=rules)[0])
        answer = guard.may_sync(PROD, now=at(NOON), manual=False)
        assert (False, "AppProject all: spec.syncWindows[0]") == (answer.allowed, answer.rule and answer.rule.origin)


@pytest.mark.row(104)
def test_a_deny_can_loosen() -> None:
    """An open deny with manualSync lets a manual sync through although the only allow is closed without it."""
    assert (False, False) == _both([OFFICE], "2026-06-15T20:00:30", manual=True)
    assert (True, True) == _both([OFFICE, _deny(manual_sync=True)], "2026-06-15T20:00:30", manual=True)


@pytest.mark.row(104)
def test_overrun_needs_every_closed_allow() -> None:
    """Also allow windows that were not open when the sync began must have syncOverrun."""
    office = OFFICE | {"sync_overrun": True}
    sunday = {"kind": "allow", "schedule": "0 3 * * 0", "duration": "1h", "applications": ["*"]}
    late = {"started": "2026-06-15T16:30:00"}
    assert (True, True) == _both([office], "2026-06-15T17:30:30", **late)
    assert (False, False) == _both([office, sunday], "2026-06-15T17:30:30", **late)


def test_manual_sync_lets_people_through_and_not_the_controller() -> None:
    """It is often taken for its opposite."""
    assert (True, True) == _both([_deny(manual_sync=True)], NOON, manual=True)
    assert (False, False) == _both([_deny(manual_sync=True)], NOON, manual=False)


def test_a_start_in_the_future_gives_nothing() -> None:
    """A start that lies ahead, when the window will be shut, is taken for now: users may write that field."""
    hourly = _deny(schedule="0 12 * * *", sync_overrun=True)
    assert (False, False) == _both([hourly], "2026-06-15T12:30", started="2026-06-15T14:00:00")


def test_descriptions_are_counted_in_bytes() -> None:
    """128 umlauts are more than 255 bytes: reported, and evaluated all the same."""
    long = _deny(description="ü" * 128)
    assert "window-description" in _codes("strict", long)
    assert "window-description" not in _codes("strict", _deny(description="u" * 255))
    assert (False, False) == _both([long], NOON)


def test_zero_and_negative_durations() -> None:
    """Never open with Argo CD, without a word; ours cannot be meant and blocks."""
    for duration in ("0s", "-1h"):
        assert (True, False) == _both([_deny(duration=duration)], NOON)
        assert "window-duration" in _codes("strict", _deny(duration=duration))
