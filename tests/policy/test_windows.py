"""Sync windows: a freeze and office hours at their instants, matching, manual, overrun, and mistakes."""
# ruff: noqa: E501 - tables of cases, one case to a place

import datetime as dt
import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.project import SyncWindow
from policy.windows import Target, Window, decide, judge
from policy.windows.moment import Calendar, from_micros, to_micros
from policy.windows.schedule import latest_start

UTC = dt.UTC


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=UTC)


def window(mode: str = "strict", **fields: t.Any) -> Window:
    fields = {"kind": "deny", "schedule": "* * * * *", "duration": "1h", "applications": ["*"]} | fields
    return Window(SyncWindow(**fields), "AppProject p: spec.syncWindows[0]", 0, mode)


OFFICE = {"kind": "allow", "schedule": "0 9 * * 1-5", "duration": "8h", "applications": ["*"]}
FREEZE = {
    "kind": "deny",
    "schedule": "0 0 20 12 *",
    "duration": "336h",
    "applications": ["*"],
    "clusters": ["production"],
}
APP = Target("web", "shop", ("production", "https://prod"))


@pytest.mark.row(102, 103, 104)
@pytest.mark.parametrize(
    ("instant", "allowed", "until"),
    [
        ("2026-12-18T08:59:59.999999", False, "2026-12-18T09:00"),
        ("2026-12-18T09:00", True, "2026-12-18T17:00"),
        ("2026-12-18T16:59:59.999999", True, "2026-12-18T17:00"),
        ("2026-12-18T17:00", False, "2027-01-04T09:00"),
        ("2026-12-19T12:00", False, "2027-01-04T09:00"),
        ("2026-12-20T00:00", False, "2027-01-04T09:00"),
        ("2026-12-21T10:00", False, "2027-01-04T09:00"),
        ("2026-12-31T23:59", False, "2027-01-04T09:00"),
        ("2027-01-01T10:00", False, "2027-01-04T09:00"),
        ("2027-01-02T23:59:59", False, "2027-01-04T09:00"),
        ("2027-01-03T00:00", False, "2027-01-04T09:00"),
        ("2027-01-04T08:59:59", False, "2027-01-04T09:00"),
        ("2027-01-04T09:00", True, "2027-01-04T17:00"),
    ],
)
@pytest.mark.parametrize("manual", [True, False])
def test_office_hours_and_the_christmas_freeze(instant: str, allowed: bool, until: str, manual: bool) -> None:
    """Opening instants are in, closing ones out; the freeze spans the year's end; neither lets manual syncs through."""
    decision = decide([window(**OFFICE), window(**FREEZE)], APP, at(instant), manual=manual)
    assert (allowed, at(until)) == (decision.allowed, decision.until)


@pytest.mark.row(104)
def test_deny_wins_and_is_named() -> None:
    """With both open the deny decides, and the Decision names its place, text and end."""
    decision = decide([window(**OFFICE), window(**FREEZE)], APP, at("2026-12-21T10:00"), manual=False)
    assert ("window", "deny '0 0 20 12 *' for 336h") == (decision.rule.kind, decision.rule.text)
    assert "blocked until 2027-01-04T09:00:00Z" in decision.reason


@pytest.mark.row(102)
def test_the_zone_moves_the_hours() -> None:
    """09:00 in Amsterdam is 07:00 UTC in summer and 08:00 in winter."""
    windows = [window(**OFFICE, time_zone="Europe/Amsterdam")]
    found = [
        decide(windows, APP, at(i), manual=False).allowed
        for i in ("2026-07-01T06:59", "2026-07-01T07:00", "2026-12-01T07:59", "2026-12-01T08:00")
    ]
    assert [False, True, False, True] == found


@pytest.mark.parametrize(("mode", "until"), [("strict", "2026-03-29T05:00"), ("compat", "2026-03-29T04:00")])
def test_a_window_over_a_clock_change_lasts_its_duration(mode: str, until: str) -> None:
    """22:00 and 8h in Amsterdam over the spring night ends 07:00 there; upstream's wall-clock sum says 06:00."""
    night = window(mode, schedule="0 22 * * *", duration="8h", time_zone="Europe/Amsterdam")
    states = [night.is_open(at(until) + delta) for delta in (-dt.timedelta(seconds=1), dt.timedelta(0))]
    assert [True, False] == states


@pytest.mark.parametrize(
    ("fields", "target", "expected"),
    [
        ({"applications": ["*"]}, APP, True),
        ({"applications": ["web-*", "w?b"]}, APP, True),
        ({"applications": ["argocd/web"]}, APP, False),
        ({"applications": ["!web"]}, APP, False),
        ({"applications": [], "namespaces": ["shop"]}, APP, True),
        ({"applications": [], "clusters": ["production"]}, APP, True),
        ({"applications": [], "clusters": ["https://prod"]}, APP, True),
        ({"applications": [], "clusters": ["staging"]}, APP, False),
        ({"applications": ["*"], "clusters": ["staging"]}, APP, True),
        ({"applications": ["*"], "clusters": ["staging"], "and_operator": True}, APP, False),
        ({"applications": ["*"], "clusters": ["prod*"], "and_operator": True}, APP, True),
        ({"applications": [], "namespaces": [""]}, Target("a", "", ()), True),
        ({"applications": [], "namespaces": ["*"]}, Target("a", "", ()), True),
        ({"applications": [], "clusters": [""]}, Target("a", "", ()), False),
        ({"applications": None}, APP, False),
        ({"applications": [], "clusters": ["x"]}, Target("a", "", ("y",), unresolved=True), True),
    ],
)
def test_matching(fields: dict[str, t.Any], target: Target, expected: bool) -> None:
    """Any selector, or all with andOperator; names and servers of the cluster; unknown clusters count as meant."""
    assert expected == window(**fields).matches(target)


@pytest.mark.parametrize(
    ("specs", "manual", "state"),
    [
        ([], False, "none"),
        ([{"kind": "deny", "manual_sync": True}], True, "manual"),
        ([{"kind": "deny", "manual_sync": True}], False, "denied"),
        ([{"kind": "deny", "manual_sync": True}, {"kind": "deny"}], True, "denied"),
        ([{"kind": "deny", "manual_sync": True}, {"kind": "allow", "schedule": "0 0 1 1 *"}], True, "manual"),
        ([{"kind": "allow", "schedule": "0 0 1 1 *", "manual_sync": True}], True, "manual"),
        (
            [
                {"kind": "allow", "schedule": "0 0 1 1 *", "manual_sync": True},
                {"kind": "allow", "schedule": "0 0 1 1 *"},
            ],
            True,
            "closed",
        ),
        ([{"kind": "allow", "schedule": "0 0 1 1 *"}, {"kind": "allow"}], False, "open"),
        ([{"kind": "deny", "schedule": "0 0 1 1 *"}], False, "none"),
    ],
)
def test_manual_and_several_windows(specs: list[dict[str, t.Any]], manual: bool, state: str) -> None:
    """ManualSync must stand on every window that is against the sync; one open allow is enough."""
    assert state == judge([window(**spec) for spec in specs], APP, at("2026-06-15T12:00"), manual=manual).state


@pytest.mark.parametrize(
    ("started", "state"),
    [
        ("2026-06-15T11:59:59", "overrun"),
        ("2026-06-15T12:00", "denied"),
        ("2026-06-15T13:00", "denied"),
        ("2026-06-14T12:30", "denied"),
    ],
)
def test_overrun_needs_a_permitted_start(started: str, state: str) -> None:
    """A sync that began before the window goes on; one that began inside, at its opening or in the future does not."""
    freeze = window(schedule="0 12 * * *", duration="1h", sync_overrun=True)
    assert state == judge([freeze], APP, at("2026-06-15T12:30"), manual=False, started=at(started)).state


def test_overrun_at_the_end_of_an_allow_window() -> None:
    """A sync begun in the opening second of an allow window may finish after its end."""
    office = window(**OFFICE, sync_overrun=True)
    found = judge([office], APP, at("2026-06-15T18:00"), manual=False, started=at("2026-06-15T09:00"))
    assert (True, "overrun") == (found.allowed, found.state)


@pytest.mark.parametrize(
    "fields",
    [{"kind": "Deny"}, {"kind": "deny "}, {"kind": ""}, {"schedule": "@daily"}, {"schedule": "0 0 * * 7"}, {"schedule": "TZ=UTC"},
     {"duration": "1d"}, {"duration": ""}, {"duration": "-1h"}, {"duration": "0s"}, {"duration": "1h "}, {"duration": "999999999999h"},
     {"time_zone": "Mars/Base"}, {"time_zone": "../../etc/localtime"}, {"time_zone": "Local"}, {"applications": ["[good"]},
     {"schedule": "TZ=UTC 0 0 * * *", "time_zone": "Europe/Paris"}],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["allow", "deny"])
def test_a_window_that_cannot_be_evaluated_blocks(fields: dict[str, str], kind: str) -> None:
    """strict: a mistake blocks every sync it may concern, manual too, and says which field is wrong."""
    broken = window(**({"kind": kind, "manual_sync": True} | fields))
    decision = decide([broken, window(kind="allow")], APP, at("2026-06-15T12:00"), manual=True)
    assert (False, 1) == (decision.allowed, len(decision.reasons))
    assert decision.reasons[0].startswith("AppProject p: spec.syncWindows[0].")


@pytest.mark.parametrize(
    ("fields", "allowed"),
    [
        ({"kind": "Deny"}, True),
        ({"time_zone": "Mars/Base"}, False),
        ({"applications": ["[good"]}, True),
        ({"duration": "-1h"}, True),
        ({"schedule": "0 0 30 2 *"}, False),
        ({"schedule": "* * *"}, False),
    ],
)
def test_upstream_answers_to_mistakes(fields: dict[str, str], allowed: bool) -> None:
    """compat: unknown kinds and broken globs vanish, unknown zones are UTC, a schedule that never fires is open."""
    assert allowed == decide([window("compat", **fields)], APP, at("2026-06-15T12:30:30"), manual=False).allowed


def test_a_schedule_that_never_fires_is_closed_in_strict() -> None:
    """A deny on 30 February denies nothing, an allow allows nothing; both are reported."""
    deny, allow = (window(schedule="0 0 30 2 *", kind=kind) for kind in ("deny", "allow"))
    states = [judge([w], APP, at("2026-06-15T12:00"), manual=False).state for w in (deny, allow)]
    assert (["none", "closed"], "window-never") == (states, deny.findings[0].code)


@pytest.mark.parametrize(("mode", "expected"), [("strict", True), ("compat", False)])
def test_the_opening_instant(mode: str, expected: bool) -> None:
    """A window is open at its start; upstream's is closed in that very instant."""
    assert expected == window(mode, schedule="0 0 * * *", duration="24h").is_open(at("2026-06-15T00:00"))


def test_joined_windows_are_one() -> None:
    """48h every day is open for ever, and so is 24h every day; the answer never changes."""
    for duration in ("24h", "48h"):
        decision = decide([window(schedule="0 0 * * *", duration=duration)], APP, at("2026-06-15T12:00"), manual=False)
        assert (False, None) == (decision.allowed, decision.until)


SPECS = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["allow", "deny"]),
        "schedule": st.sampled_from(
            ["0 9 * * *", "*/30 * * * *", "0 */6 * * *", "30 2 * * *", "0 0 * * 0", "0 1,2,3 * * *"]
        ),
        "duration": st.sampled_from(["10m", "1h", "90m", "6h", "24h", "30h"]),
        "time_zone": st.sampled_from(["", "Europe/Amsterdam", "Australia/Lord_Howe"]),
        "manual_sync": st.booleans(),
    }
)


def _naive(windows: list[Window], now: dt.datetime, manual: bool) -> bool:
    """Decide from the states alone, as the rules read."""
    denies = [w for w in windows if w.denies and w.is_open(now)]
    allows = [w for w in windows if not w.denies]
    if denies:
        return manual and all(w.spec.manual_sync for w in denies)
    if not allows or any(w.is_open(now) for w in allows):
        return True
    return manual and all(w.spec.manual_sync for w in allows)


@settings(max_examples=50, deadline=None)
@given(st.lists(SPECS, min_size=1, max_size=3), st.integers(0, 300), st.booleans())
def test_the_next_change_is_the_first_other_answer(specs: list[dict[str, t.Any]], tens: int, manual: bool) -> None:
    """Walking over a clock change in steps in which anything can happen finds the same instant."""
    now, step = at("2026-03-28T00:00") + dt.timedelta(minutes=10 * tens), dt.timedelta(minutes=10)
    windows = [window(**spec) for spec in specs]
    found = judge(windows, APP, now, manual=manual)
    assert _naive(windows, now, manual) == found.allowed
    walk = (now + step * n for n in range(1, 145))
    change = next((moment for moment in walk if _naive(windows, moment, manual) != found.allowed), None)
    assert change == (found.next_change if found.next_change and found.next_change <= now + step * 144 else None)


CLOCK_CHANGES = st.sampled_from(
    [
        "2026-03-29T01:00",
        "2026-10-25T01:00",
        "2026-04-04T15:00",
        "2011-12-30T10:00",
        "1970-01-01T00:00",
        "2026-06-15T12:00",
    ]
)


@settings(max_examples=150, deadline=None)
@given(
    SPECS, st.sampled_from(["0 4 * * 3", "59 23 * * 4", "0 0 * * 4", None]), CLOCK_CHANGES, st.integers(-20_000, 20_000)
)
def test_the_arithmetic_of_weeks_is_that_of_zones(
    spec: dict[str, t.Any], schedule: str | None, edge: str, minutes: int
) -> None:
    """Near clock changes and far from them, states and their ends are those that looking at every day finds."""
    found = window(**(spec | ({"schedule": schedule} if schedule else {})))
    now = at(edge) + dt.timedelta(minutes=minutes)
    latest = latest_start(found.schedule, now, found.zone, found.duration)
    is_open = latest is not None and now - latest < found.duration
    expected = (is_open, found.compute_span(now).end)
    is_open, end = found.state(to_micros(now), Calendar())
    assert expected == (is_open, from_micros(end) if end is not None else None)


@settings(deadline=None)
@given(
    st.builds(
        SyncWindow,
        kind=st.text(max_size=5),
        schedule=st.text(max_size=20),
        duration=st.text(max_size=6),
        time_zone=st.text(max_size=8),
        applications=st.lists(st.text(max_size=5)),
    )
)
def test_no_window_raises(spec: SyncWindow) -> None:
    """Any text in any field gives an answer."""
    for mode in ("strict", "compat"):
        assert decide([Window(spec, "w", 0, mode)], APP, at("2026-06-15T12:00"), manual=False).reason
