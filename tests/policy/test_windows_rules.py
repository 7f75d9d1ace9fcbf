"""The rules of sync windows sentence by sentence: which count, who passes, what is told; and mistakes an attacker would like."""

# ruff: noqa: E501 - tables of cases, one case to a place

import datetime as dt
import json
import typing as t

import msgspec
import pytest

from model.application import Destination
from model.durations import parse_duration
from model.errors import InvalidSpec
from model.project import SyncWindow, read_project
from model.secrets import Cluster
from model.settings import GlobalProject, RbacSettings
from policy.generation import build
from policy.guard import Guard
from policy.windows import Target, Window, judge
from policy.windows.run import FURTHEST
from policy.windows.zones import find_zone
from tests.policy.added_support import NOON, application, at, generation, project

LOCAL = "https://kubernetes.default.svc"
DENY: dict[str, t.Any] = {"kind": "deny", "schedule": "* * * * *", "duration": "1h", "applications": ["*"]}
CLOSED: dict[str, t.Any] = {"kind": "allow", "schedule": "0 0 1 1 *", "duration": "1h", "applications": ["*"]}
WEB = Target("web", "ns", ("c",))


def window(**fields: t.Any) -> Window:
    return Window(SyncWindow(**({"applications": ["*"]} | fields)), "w", 0, "strict")


def findings(*windows: dict[str, t.Any], mode: t.Any = "strict") -> list[tuple[str, str, str]]:
    found = build(RbacSettings(), [project(windows=list(windows))], mode=mode)[1]
    return [(finding.code, finding.severity, finding.where) for finding in found]


# --- which windows count ---


def test_a_broken_window_that_does_not_match_blocks_nobody() -> None:
    """Only windows that concern the Application are evaluated."""
    guard = Guard(generation(None, project(windows=[DENY | {"kind": "Deny", "applications": ["api"]}])))
    assert [True, False] == [
        guard.may_sync(application(name), now=at(NOON), manual=False).allowed for name in ("web", "api")
    ]


@pytest.mark.row(103)
def test_windows_of_global_projects_count_and_say_where_they_stand() -> None:
    """The origin is the global project, not the one that inherits."""
    shared = project("freeze-all", windows=[DENY])
    rule = GlobalProject(project_name="freeze-all")
    guard = Guard(build(RbacSettings(), [project(), shared], global_projects=[rule])[0])
    found = guard.may_sync(application(), now=at(NOON), manual=False)
    assert (False, "AppProject freeze-all: spec.syncWindows[0]") == (found.allowed, found.rule.origin)


@pytest.mark.parametrize("pattern", ["in-cluster", LOCAL, "https://*", "in-*"])
@pytest.mark.parametrize("wanted", [Destination(name="in-cluster"), Destination(server=LOCAL)])
def test_the_own_cluster_under_any_of_its_names(pattern: str, wanted: Destination) -> None:
    """Name and server are one identity: one verdict for both spellings."""
    guard = Guard(generation(None, project(windows=[DENY | {"applications": None, "clusters": [pattern]}])))
    assert not guard.may_sync(_at(wanted), now=at(NOON), manual=True).allowed


def _at(wanted: Destination) -> t.Any:
    app = application()
    return msgspec.structs.replace(app, spec=msgspec.structs.replace(app.spec, destination=wanted))


@pytest.mark.parametrize(
    ("name", "server", "allowed"), [("prod", "", False), ("", "https://p", False), ("", "https://other", True)]
)
def test_registered_clusters_under_both_names(name: str, server: str, allowed: bool) -> None:
    """A window for the name hits an Application that has the server, and the other way round."""
    clusters = [Cluster(name="prod", server="https://p"), Cluster(name="other", server="https://other")]
    for pattern in ("prod", "https://p"):
        windows = [DENY | {"applications": None, "clusters": [pattern]}]
        guard = Guard(build(RbacSettings(), [project(windows=windows)], clusters)[0])
        assert allowed is guard.may_sync(_at(Destination(name=name, server=server)), now=at(NOON), manual=True).allowed


def test_an_application_that_moves_gets_the_windows_of_where_it_is() -> None:
    """Each question is answered from the Application as it is now: another project or name is another answer at once."""
    guard = Guard(generation(None, project(windows=[DENY | {"applications": ["web"]}]), project("open")))
    apps = [application(), application(project="open"), application("web-2"), application()]
    assert [False, True, True, False] == [guard.may_sync(app, now=at(NOON), manual=True).allowed for app in apps]


# --- who passes ---


@pytest.mark.row(104)
def test_a_deny_that_lets_by_hand_through_is_not_asked_about_allow_windows() -> None:
    """As Argo CD: an open deny with manualSync lets a manual sync pass although the only allow is closed."""
    windows = [window(**DENY, manual_sync=True), window(**CLOSED)]
    assert [True, False] == [judge(windows, WEB, at(NOON), manual=manual).allowed for manual in (True, False)]
    assert not judge(windows[1:], WEB, at(NOON), manual=True).allowed


def test_overrun_must_stand_on_every_allow_window() -> None:
    """Also on those that were closed when the sync began; and a sync carried over a deny stops when the deny ends."""
    office = {"kind": "allow", "schedule": "0 9 * * *", "duration": "3h", "sync_overrun": True}
    night = {"kind": "allow", "schedule": "0 2 * * *", "duration": "1h"}
    begun, later = at("2026-06-15T11:00"), at("2026-06-15T12:30")
    with_both = judge([window(**office), window(**night)], WEB, later, manual=False, started=begun)
    assert ("closed", "overrun") == (
        with_both.state,
        judge([window(**office)], WEB, later, manual=False, started=begun).state,
    )
    carried = [
        window(**office),
        window(**night),
        window(kind="deny", schedule="30 11 * * *", duration="2h", sync_overrun=True),
    ]
    states = [
        judge(carried, WEB, at(when), manual=False, started=begun).state
        for when in ("2026-06-15T12:30", "2026-06-15T13:30")
    ]
    assert ["overrun", "closed"] == states


def test_a_mixture_of_excuses_is_none() -> None:
    """One window with manualSync and one with syncOverrun block a running manual sync: each must stand on all."""
    windows = [
        window(**DENY, manual_sync=True),
        window(kind="deny", schedule="0 12 * * *", duration="1h", sync_overrun=True),
    ]
    assert not judge(windows, WEB, at("2026-06-15T12:30"), manual=True, started=at("2026-06-15T11:00")).allowed


@pytest.mark.parametrize("started", ["2026-06-15T12:30", "2026-06-15T15:00", "2030-01-01T00:00"])
def test_a_start_inside_the_window_or_in_the_future_grants_nothing(started: str) -> None:
    """Whoever writes a start time into the status cannot buy overrun with it."""
    freeze = window(kind="deny", schedule="0 12 * * *", duration="2h", sync_overrun=True)
    assert not judge([freeze], WEB, at("2026-06-15T12:30"), manual=False, started=at(started)).allowed


# --- mistakes ---


@pytest.mark.parametrize("kind", ["Deny", "deny ", "block", "", "DENY", "allow,deny"])
def test_an_unknown_kind_blocks(kind: str) -> None:
    """Upstream looks at allow and deny only and passes by the rest."""
    assert [("window-kind", "error", "AppProject shop: spec.syncWindows[0].kind")] == findings(DENY | {"kind": kind})
    assert [("window-kind", "warning", "AppProject shop: spec.syncWindows[0].kind")] == findings(
        DENY | {"kind": kind}, mode="compat"
    )


@pytest.mark.parametrize(
    "duration", ["-1h", "0", "0s", "", "1d", "1h ", "1e3h", "999999999999h", "3600", "1H", "h", "1h-1m"]
)
def test_a_duration_that_never_opens_blocks(duration: str) -> None:
    """Go's grammar, positive, and no days read out of goodwill."""
    found = judge([window(kind="deny", schedule="* * * * *", duration=duration)], WEB, at(NOON), manual=True)
    assert (False, "window-duration") == (found.allowed, found.invalid[0].findings[0].code)


@pytest.mark.parametrize("duration", ["336h", ".5h", "1.h", "+1h", "1h1h", "90m0.5s", "2562047h47m16s"])
def test_durations_of_go_are_taken(duration: str) -> None:
    """Fractions, repeated units, a plus, the longest one."""
    assert not window(kind="deny", schedule="* * * * *", duration=duration).findings
    assert parse_duration(duration) > dt.timedelta(0)


def test_a_number_as_duration_is_no_project() -> None:
    """The AppProject is refused with the place, so that its last good form stays."""
    spec = {"syncWindows": [DENY | {"duration": 3600}]}
    with pytest.raises(InvalidSpec, match="duration"):
        read_project(json.dumps({"metadata": {"name": "shop"}, "spec": spec}).encode(), "AppProject shop")


@pytest.mark.parametrize(
    "schedule",
    ["@daily", "@every 1h", "0 0 * * 7", "0 0 L * *", "0 0 * * mon#2", "0 0 0 * * *", "R * * * *", "0 22-2 * * *", "0 0 * * fri-mon",
     "0 0 * * * # nightly", "0 0 * * monday", "0 0 15W * *", "*/0 * * * *", "60 * * * *", "TZ=UTC", "TZ=Mars/Base 0 0 * * *", "0 0 * *", "", "0 0 32 * *", "H 0 * * *"],
)  # fmt: skip
@pytest.mark.parametrize("mode", ["strict", "compat"])
def test_a_schedule_that_upstream_refuses_blocks(schedule: str, mode: t.Any) -> None:
    """Also what other cron libraries take: words, seconds, 7, L, names with #, wrapped ranges, random minutes."""
    wrong = Window(SyncWindow(kind="deny", schedule=schedule, duration="1h", applications=["*"]), "w", 0, mode)
    found = judge([wrong], WEB, at(NOON), manual=True)
    assert (False, "invalid", "window-schedule") == (found.allowed, found.state, wrong.findings[0].code)


@pytest.mark.parametrize(
    "schedule",
    [
        "0\t0 * * *",
        "0\u00a00 * * *",
        " 0  0 * * * ",
        "TZ=Europe/Paris 0 0 * * *",
        "CRON_TZ=UTC 0 0 * * *",
        "0 0 ? * SUN",
        "00 00 * * *",
        "0 0 ,1 * *",
    ],
)
def test_odd_schedules_that_upstream_takes_are_taken(schedule: str) -> None:
    """Any blanks, zone prefixes, question marks, names in any case, leading zeros, stray commas."""
    assert not window(kind="deny", schedule=schedule, duration="1h").invalid


@pytest.mark.parametrize(
    "zone",
    ["Mars/Base", "../../etc/localtime", "/etc/localtime", "Local", "local", "localtime", "utc", "europe/amsterdam", "America", "America/", "posix/Europe/Paris",
     "right/Europe/Paris", "posixrules", "Factory", "Europe/Amsterdam\n", " Europe/Amsterdam", "UTC+1", "é", "tzdata.zi", "Europe/Amsterdam\x00", "x" * 300],
)  # fmt: skip
def test_a_zone_that_is_none_blocks(zone: str) -> None:
    """Unknown, a path, a directory, the machine's own, another case, files of the database that are no zones."""
    found = judge(
        [window(kind="deny", schedule="* * * * *", duration="1h", time_zone=zone)], WEB, at(NOON), manual=True
    )
    assert (False, "window-zone") == (found.allowed, found.invalid[0].findings[0].code)


@pytest.mark.parametrize(
    "zone",
    [
        "",
        "UTC",
        "Etc/UTC",
        "GMT",
        "EST5EDT",
        "Etc/GMT+5",
        "America/Argentina/Buenos_Aires",
        "America/Port-au-Prince",
        "Asia/Kathmandu",
    ],
)
def test_zones_that_are_zones_are_taken(zone: str) -> None:
    """Also old names, signs and three parts."""
    assert not window(kind="deny", schedule="* * * * *", duration="1h", time_zone=zone).findings


@pytest.mark.parametrize(
    ("zone", "meant"),
    [
        ("europe/amsterdam", "Europe/Amsterdam"),
        ("america/new_york", "America/New_York"),
        ("est5edt", "EST5EDT"),
        ("Mars/Base", "Europe/Amsterdam"),
    ],
)
def test_a_zone_in_another_case_is_told_with_the_right_one(zone: str, meant: str) -> None:
    """The message names what was probably meant."""
    with pytest.raises(ValueError, match=f"expected for example {meant}$"):
        find_zone(zone)


@pytest.mark.parametrize(
    ("change", "duplicate"),
    [
        ({}, True), ({"manualSync": True}, True), ({"syncOverrun": True}, True), ({"description": "x"}, True), ({"kind": "allow"}, False),
        ({"schedule": "*  * * * *"}, False), ({"duration": "60m"}, False), ({"applications": ["*", "a"]}, False), ({"namespaces": ["a"]}, False),
        ({"clusters": []}, True), ({"timeZone": "UTC"}, False), ({"andOperator": True}, False),
    ],
)  # fmt: skip
def test_windows_that_are_the_same_twice_are_told(change: dict[str, t.Any], duplicate: bool) -> None:
    """The identity of Argo CD's API, as text; a warning, never a refusal."""
    expected = [("window-duplicate", "warning", "AppProject shop: spec.syncWindows[1]")] if duplicate else []
    assert expected == [one for one in findings(DENY, DENY | change) if one[0] != "window-or"]


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"applications": None}, "window-selectors", ""),
        ({"applications": []}, "window-selectors", ""),
        ({"schedule": "0 0 31 4 *"}, "window-never", ".schedule"),
        ({"schedule": ", * * * *"}, "window-never", ".schedule"),
        ({"clusters": ["prod"]}, "window-or", ".andOperator"),
        ({"description": "x" * 256}, "window-description", ".description"),
        ({"description": "é" * 128}, "window-description", ".description"),
        ({"applications": ["web", ""]}, "window-glob", ".applications[1]"),
    ],
)  # fmt: skip
def test_pointless_windows_are_told(fields: dict[str, t.Any], code: str, field: str) -> None:
    """A warning with the place; the window is evaluated as written."""
    assert [(code, "warning", f"AppProject shop: spec.syncWindows[0]{field}")] == findings(DENY | fields)


def test_descriptions_of_255_bytes_are_fine() -> None:
    """The limit counts bytes, and includes its own value."""
    assert [] == findings(DENY | {"description": "x" * 255}, DENY | {"description": "é" * 127, "duration": "2h"})


# --- upstream's arithmetic in compat ---


@pytest.mark.parametrize(
    ("when", "is_open"),
    [
        ("2096-02-28T12:00", False),
        ("2096-02-29T12:00", True),
        ("2096-03-02T12:00", True),
        ("2098-12-30T12:00", True),
        ("2099-01-02T12:00", False),
    ],
)
def test_five_years_without_a_start_are_open_upstream(when: str, is_open: bool) -> None:
    """29 February stays away from 2096 to 2104, which upstream's parser gives up on; strict is closed."""
    spec = SyncWindow(kind="deny", schedule="0 0 29 2 *", duration="24h", applications=["*"])
    upstream, strict = (Window(spec, "w", 0, mode) for mode in ("compat", "strict"))
    assert is_open == upstream.is_open(at(when))
    assert (when == "2096-02-29T12:00") == strict.is_open(at(when))


def test_upstream_reads_a_zone_prefix_in_the_zone_itself() -> None:
    """The prefix is real zone arithmetic, and timeZone is added on top of it."""
    spec = SyncWindow(kind="deny", schedule="TZ=Europe/Amsterdam 0 9 * * *", duration="1h", applications=["*"])
    both = SyncWindow(
        kind="deny", schedule="TZ=Europe/Amsterdam 0 9 * * *", duration="1h", applications=["*"], time_zone="Asia/Tokyo"
    )
    prefixed, added = (Window(one, "w", 0, "compat") for one in (spec, both))
    assert [True, False] == [prefixed.is_open(at(when)) for when in ("2026-06-15T07:30", "2026-06-15T09:30")]
    assert [False, True] == [added.is_open(at(when)) for when in ("2026-06-15T07:30", "2026-06-14T22:30")]


def test_upstream_shifts_the_whole_window_at_a_change_of_the_clock() -> None:
    """Compat foresees it: the end is where the other offset ends the window."""
    night = Window(
        SyncWindow(kind="deny", schedule="0 22 * * *", duration="8h", time_zone="Europe/Amsterdam", applications=["*"]),
        "w",
        0,
        "compat",
    )
    assert at("2026-03-29T04:00") == judge([night], WEB, at("2026-03-28T23:00"), manual=False).next_change


def test_upstream_opens_in_the_very_second_in_which_the_clock_changes() -> None:
    """The midnight that Cairo skips: what is ahead is found, second by second around it."""
    spec = SyncWindow(kind="deny", schedule="0 0 24 4 *", duration="1h", time_zone="Africa/Cairo", applications=["*"])
    cairo, change = Window(spec, "w", 0, "compat"), at("2026-04-23T22:00")
    seconds = [change + dt.timedelta(seconds=number) for number in (-2, -1, 0, 1)]
    assert {change} == {cairo.span(now).end for now in seconds if now < change}
    assert all(now < (cairo.span(now).end or now) for now in seconds)


# --- when the answer changes ---


@pytest.mark.parametrize(
    ("others", "start", "change"),
    [
        ([{"kind": "allow", "schedule": "*/5 * * * *", "duration": "2m"}], "2026-12-20T12:00", "2027-01-03T00:00"),
        ([{"kind": "deny", "schedule": "*/5 * * * *", "duration": "2m"}], "2026-12-20T12:00", "2027-01-03T00:02"),
        ([{"kind": "allow", "schedule": "0 9 * * 1-5", "duration": "8h"}], "2026-12-20T12:00", "2027-01-04T09:00"),
        ([{"kind": "deny", "schedule": "0 0 3 1 *", "duration": "48h"}], "2026-12-20T12:00", "2027-01-05T00:00"),
    ],
)  # fmt: skip
def test_the_next_change_lies_behind_thousands_of_openings(
    others: list[dict[str, t.Any]], start: str, change: str
) -> None:
    """A fortnight's freeze with windows that open every five minutes: the answer changes when it may, not when they do."""
    windows = [window(kind="deny", schedule="0 0 20 12 *", duration="336h"), *(window(**fields) for fields in others)]
    found = judge(windows, WEB, at(start), manual=False)
    assert (at(change), at(change)) == (found.next_change, found.sure_until)


def test_an_answer_that_never_changes_is_sure_for_ever() -> None:
    """An allow window that is always open, beside one that opens and closes, and manualSync on all."""
    always, often = (
        {"kind": "allow", "schedule": "* * * * *", "duration": "1h"},
        {"kind": "allow", "schedule": "*/5 * * * *", "duration": "2m"},
    )
    found = judge([window(**always), window(**often)], WEB, at(NOON), manual=False)
    assert (True, None, None) == (found.allowed, found.next_change, found.sure_until)
    found = judge([window(**often, manual_sync=True), window(**DENY, manual_sync=True)], WEB, at(NOON), manual=True)
    assert (True, None, None) == (found.allowed, found.next_change, found.sure_until)


def test_looking_ahead_ends_and_says_where() -> None:
    """Manual syncs under windows that take turns without another answer: sure up to where was looked."""
    turns = [
        window(kind="deny", schedule="*/2 * * * *", duration="1m", manual_sync=True),
        window(kind="allow", schedule="1-59/2 * * * *", duration="1m"),
    ]
    found = judge(turns, WEB, at(NOON), manual=True)
    assert found.allowed
    assert found.next_change is None
    assert found.sure_until > at(NOON) + dt.timedelta(hours=12)


def test_a_window_of_centuries_is_followed_no_further_than_anybody_asks() -> None:
    """Every leap day for 292 years: open, for longer than any schedule waits, and told at once."""
    span = window(kind="deny", schedule="0 0 29 2 *", duration="2562047h").span(at(NOON))
    assert span.open
    assert span.end > at(NOON) + FURTHEST
