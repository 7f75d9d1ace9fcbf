"""Freezes, healing and break-glass: who gets through what, what the answer says, and that additions only take away."""

# ruff: noqa: E501 - tables of cases, one case to a place

import datetime as dt
import json
import typing as t

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.additions import AddedWindow, Freeze, read_additions
from model.project import ProjectRole, SyncWindow
from model.settings import RbacSettings
from policy.generation import build
from policy.guard import Guard, Subject
from policy.windows import Target, Window, judge
from policy.windows.added import compile_freeze, compile_window
from policy.windows.words import to_decision
from tests.policy.added_support import FREEZE, NOON, application, ask, at, entry, freeze, generation, project

ALICE, BOB, ONCALL = Subject("alice"), Subject("bob"), Subject("carol", ("oncall",))
GLASS = {"breakGlass": '[{"roles": ["role:sre"], "projects": ["sh*"]}]'}
NIGHT = [{"kind": "deny", "schedule": "0 12 * * *", "duration": "2h", "applications": ["*"]}]
OFFICE = [{"kind": "allow", "schedule": "0 9 * * *", "duration": "1h", "applications": ["*"]}]


# --- freezes ---


def test_a_freeze_blocks_all_syncs_and_says_who_why_and_until_when() -> None:
    """Kind freeze, its place, reason and person; the start is in, the end out; nothing is in its way."""
    found = ask(FREEZE, manual=True, subject=ALICE)
    assert (False, "freeze", "lynceus-cm freeze.f1", at("2026-06-15T14:00")) == (
        found.allowed,
        found.rule.kind,
        found.rule.origin,
        found.until,
    )
    assert "freeze 2026-06-15T12:00:00Z to 2026-06-15T14:00:00Z by 'ann': 'db move'" == found.rule.text
    assert (
        "manual sync blocked until 2026-06-15T14:00:00Z: lynceus-cm freeze.f1 (" + found.rule.text + ") is in force"
        == found.reason
    )
    assert "wait, or end the freeze" == found.remedy
    assert [True, False, False, True] == [
        ask(FREEZE, f"2026-06-15T{clock}").allowed for clock in ("11:59:59", "12:00", "13:59:59", "14:00")
    ]


@pytest.mark.parametrize(
    ("stopped", "free"),
    [("2026-06-15T13:00:00Z", "2026-06-15T13:00"), ("2026-06-15T11:00:00Z", NOON), ("2026-06-15T20:00:00Z", "2026-06-15T14:00")],
)  # fmt: skip
def test_a_stopped_freeze_ends_then(stopped: str, free: str) -> None:
    """Stopped before its start it never was; stopped behind its end it ended by itself."""
    record = freeze(stopped=stopped, stoppedBy="bob", stopReason="done")
    before = at(free) - dt.timedelta(seconds=1)
    assert [before < at(NOON), True] == [
        ask(record, moment.strftime("%Y-%m-%dT%H:%M:%S")).allowed for moment in (before, at(free))
    ]


@pytest.mark.parametrize(
    ("fields", "blocked"),
    [
        ({"projects": ["other"]}, False),
        ({"projects": ["other", "sho?"]}, True),
        ({"applications": ["web"]}, True),
        ({"applications": ["web"], "namespaces": ["other"]}, False),
        ({"applications": ["web"], "clusters": ["in-cluster"]}, True),
        ({"labelSelector": {"matchLabels": {"tier": "db"}}}, False),
        ({"manual": True}, True),
    ],
)  # fmt: skip
def test_the_scope_of_a_freeze(fields: dict[str, t.Any], blocked: bool) -> None:
    """Every list that is given must hit, and the labels."""
    assert blocked is not ask(freeze(**fields)).allowed


@pytest.mark.parametrize(
    "fields",
    [{"start": "now"}, {"end": ""}, {"end": "2026-06-15T11:00:00Z"}, {"stopped": "yes"}, {"projects": []}, {"projects": ["[a"]}, {"applications": ["[a"]}],
)  # fmt: skip
def test_a_freeze_that_cannot_be_evaluated_freezes(fields: dict[str, t.Any]) -> None:
    """Times and patterns that are none block what they may concern, without end, and are told."""
    found = ask(freeze(**fields), "2030-01-01T00:00", manual=True)
    assert (False, "correct the window") == (found.allowed, found.remedy)
    assert found.reasons[0].startswith("lynceus-cm freeze.f1.")


# --- additions only take away ---


def test_a_lenient_freeze_does_not_open_what_is_closed() -> None:
    """Manual syncs pass the freeze, and are then asked what they are asked without it."""
    lenient = freeze(manual=True)
    assert [True, False] == [ask(lenient, manual=True).allowed, ask(lenient, manual=True, windows=OFFICE).allowed]
    deny = {"windows": entry(manualSync=True)}
    assert [True, False] == [ask(deny, manual=True).allowed, ask(deny, manual=True, windows=OFFICE).allowed]
    assert ask({}, manual=True, windows=[NIGHT[0] | {"manualSync": True}, *OFFICE]).allowed


def test_healing_passes_where_deploying_does_not() -> None:
    """An automated sync to the revision synced last passes windows with heal, and nothing else does."""
    data = {"windows": entry(heal=True)}
    found = ask(data, healing=True)
    assert (
        "automated sync allowed: every window that is against it lets heal to the revision that was synced last"
        == found.reason
    )
    assert [False, False, False, True] == [
        ask(data).allowed, ask(data, healing=True, manual=True).allowed, ask(data, healing=True, windows=NIGHT).allowed,
        ask(freeze(heal=True), healing=True).allowed]  # fmt: skip
    closed = {"windows": entry(kind="allow", schedule="0 0 1 1 *", heal=True)}
    assert [True, False] == [ask(closed, healing=True).allowed, ask(closed, healing=True, windows=OFFICE).allowed]


def test_a_running_sync_passes_an_added_window_with_overrun() -> None:
    """As Argo CD's rule: it was permitted when it started; a freeze stops it before its next wave."""
    data = {"windows": entry(syncOverrun=True)}
    assert [True, False] == [ask(data, started=at(when)).allowed for when in ("2026-06-15T11:00", NOON)]
    assert not ask(FREEZE, started=at("2026-06-15T11:00")).allowed


# --- break-glass ---


@pytest.mark.parametrize(
    ("data", "windows", "subject", "manual", "reason", "allowed"),
    [
        (freeze(override=["role:sre"]), None, BOB, True, "fire", True),
        (freeze(override=["role:sre"]), None, ONCALL, True, "fire", True),
        (freeze(override=["oncall"]), None, ONCALL, True, "fire", True),
        (freeze(override=["bob"]), None, BOB, True, "fire", True),
        (freeze(override=["role:sre"]), None, ALICE, True, "fire", False),
        (freeze(override=["role:sre"]), None, BOB, True, "", False),
        (freeze(override=["role:sre"]), None, BOB, True, "  ", False),
        (freeze(override=["role:sre"]), None, BOB, False, "fire", False),
        (freeze(override=["role:sre"]), None, None, True, "fire", False),
        (freeze(override=["role:sre"]), None, Subject(""), True, "fire", False),
        (freeze(override=["role:sre"]), None, Subject("alice", ("role:sre",)), True, "fire", False),
        (freeze(override=["role:sre"]), NIGHT, BOB, True, "fire", False),
        (freeze(override=["role:sre"]), OFFICE, BOB, True, "fire", False),
        (freeze(override=["role:sre"]) | GLASS, NIGHT, BOB, True, "fire", True),
        (freeze(override=["role:sre"]) | GLASS, OFFICE, BOB, True, "fire", True),
        (GLASS, NIGHT, BOB, True, "fire", True),
        (GLASS, NIGHT, ALICE, True, "fire", False),
        (GLASS, [NIGHT[0] | {"kind": "Deny"}], BOB, True, "fire", True),
        ({"breakGlass": '[{"roles": ["role:sre"], "projects": ["other"]}]'}, NIGHT, BOB, True, "fire", False),
        ({"breakGlass": '[{"roles": ["role:sre"], "projects": ["[a"]}]'}, NIGHT, BOB, True, "fire", False),
        ({"breakGlass": "["}, NIGHT, BOB, True, "fire", False),
        ({"windows": entry(override=["role:sre"])}, None, BOB, True, "fire", True),
        ({"windows": entry(kind="allow", schedule="0 0 1 1 *", override=["role:sre"])}, None, BOB, True, "fire", True),
        ({"windows": entry(override=["role:sre"])} | freeze(), None, BOB, True, "fire", False),
        ({"windows": entry(override=["role:sre"])} | freeze(override=["bob"]), None, BOB, True, "fire", True),
    ],
)  # fmt: skip
def test_who_gets_through_by_break_glass(
    data: dict[str, str], windows: t.Any, subject: Subject | None, manual: bool, reason: str, allowed: bool
) -> None:
    """A named person, by hand, with a reason, who holds a name of every entry that blocks or of breakGlass."""
    found = ask(data, windows=windows, manual=manual, subject=subject, break_glass=reason)
    assert (allowed, allowed) == (found.allowed, found.overrode is not None)


def test_the_answer_to_broken_glass_says_all() -> None:
    """Who, as what, why, over what, and until when it would have been blocked."""
    found = ask(freeze(override=["role:sre"]), manual=True, subject=BOB, break_glass="payments down")
    assert ("freeze", "lynceus-cm freeze.f1", at("2026-06-15T14:00")) == (
        found.overrode.kind,
        found.overrode.origin,
        found.until,
    )
    assert found.reason.startswith(
        "manual sync allowed by break-glass of bob (role:sre): 'payments down'; passes over lynceus-cm freeze.f1 ("
    )
    assert found.reason.endswith("which blocks until 2026-06-15T14:00:00Z")


def test_rbac_is_asked_all_the_same() -> None:
    """Break-glass is no right to sync."""
    found = ask(freeze(override=["eve"]), manual=True, subject=Subject("eve"), break_glass="fire")
    assert (False, "default") == (found.allowed, found.rule.kind)


def test_a_refusal_names_break_glass_to_whom_it_helps() -> None:
    """The remedy says so to a person who could; after an attempt in vain the reasons say why; others hear who could."""
    data = freeze(override=["role:sre"])
    assert (
        "wait, end the freeze, or break-glass by role:sre; bob may pass by break-glass with a reason, as role:sre"
        == ask(data, manual=True, subject=BOB).remedy
    )
    assert "wait, end the freeze, or break-glass by role:sre" == ask(data, manual=True, subject=ALICE).remedy
    assert "break-glass refused: neither override" in ask(data, manual=True, subject=ALICE, break_glass="x").reasons[-1]
    assert "break-glass needs a named person" == ask(data, manual=True, break_glass="x").reasons[-1]
    assert "break-glass is for manual syncs" == ask(data, subject=BOB, break_glass="x").reasons[-1]


def test_without_need_nothing_is_overridden() -> None:
    """A reason that is given while nothing blocks changes nothing."""
    found = ask({}, manual=True, subject=BOB, break_glass="fire")
    assert (True, None) == (found.allowed, found.overrode)


def test_a_project_role_may_be_named() -> None:
    """Roles of the project count inside it."""
    shop = project()
    policies = ["p, proj:shop:release, applications, sync, shop/*, allow"]
    shop = msgspec.structs.replace(
        shop,
        spec=msgspec.structs.replace(
            shop.spec, roles=[ProjectRole(name="release", policies=policies, groups=["releasers"])]
        ),
    )
    guard = Guard(generation(freeze(override=["proj:shop:release"]), shop))
    found = guard.may_sync(
        application(), now=at(NOON), manual=True, subject=Subject("dan", ("releasers",)), break_glass="fire"
    )
    assert (True, "freeze") == (found.allowed, found.overrode.kind)


# --- properties ---

TIMES = st.sampled_from(["0 12 * * *", "*/30 * * * *", "0 0 * * 1", "30 2 * * *"])
ARGO = st.builds(
    SyncWindow, kind=st.sampled_from(["allow", "deny"]), schedule=TIMES, duration=st.sampled_from(["10m", "2h", "30h"]),
    applications=st.just(["*"]), manual_sync=st.booleans(), sync_overrun=st.booleans(),
)  # fmt: skip
DENIES = st.builds(
    AddedWindow, kind=st.just("deny"), projects=st.just(("*",)), schedule=TIMES, duration=st.sampled_from(["10m", "2h", "30h"]),
    manual_sync=st.booleans(), sync_overrun=st.booleans(), heal=st.booleans(), expires=st.sampled_from(["", "2026-06-15T12:10:00Z", "2026-06-16T00:00:00Z"]),
)  # fmt: skip
FREEZES = st.builds(
    Freeze, id=st.just("f"), start=st.sampled_from(["2026-06-15T11:00:00Z", "2026-06-15T12:20:00Z"]), end=st.sampled_from(["2026-06-15T12:15:00Z", "2026-06-15T18:00:00Z"]),
    manual=st.booleans(), heal=st.booleans(),
)  # fmt: skip
WEB = Target("web", "ns", ("c",))


def argo(specs: list[SyncWindow]) -> list[Window]:
    return [Window(spec, f"w{number}", number, "strict") for number, spec in enumerate(specs)]


def added(denies: list[AddedWindow], freezes: list[Freeze]) -> list[Window]:
    return [
        *(compile_window(item, "a", number) for number, item in enumerate(denies)),
        *(compile_freeze(item, 0) for item in freezes),
    ]


QUESTION = (
    st.lists(ARGO, max_size=3),
    st.lists(DENIES, max_size=2),
    st.lists(FREEZES, max_size=1),
    st.integers(0, 200),
    st.booleans(),
    st.booleans(),
)
"""Argo CD's windows, added ones and freezes, minutes, manual, healing."""


@settings(max_examples=60, deadline=None)
@given(*QUESTION, st.none() | st.integers(1, 100))
def test_denies_and_freezes_only_take_away(
    specs: list[SyncWindow],
    denies: list[AddedWindow],
    freezes: list[Freeze],
    minutes: int,
    manual: bool,
    healing: bool,
    ago: int | None,
) -> None:
    """What is allowed beside added denies is allowed without them; without open ones the answer is the same."""
    now = at(NOON) + dt.timedelta(minutes=minutes)
    started = now - dt.timedelta(minutes=ago) if ago else None
    alone = judge(argo(specs), WEB, now, manual=manual, started=started)
    both = judge([*argo(specs), *added(denies, freezes)], WEB, now, manual=manual, started=started, healing=healing)
    assert alone.allowed or not both.allowed
    if started is None and not both.invalid and not any(window.added for window in both.active):
        assert (alone.allowed, alone.state) == (both.allowed, both.state)


@settings(max_examples=60, deadline=None)
@given(*QUESTION)
def test_the_next_change_is_where_a_walk_finds_it(
    specs: list[SyncWindow], denies: list[AddedWindow], freezes: list[Freeze], minutes: int, manual: bool, healing: bool
) -> None:
    """Asking every five minutes for a day finds no other answer before, and another one then; the words say it."""
    now = at(NOON) + dt.timedelta(minutes=5 * minutes)
    windows = [*argo(specs), *added(denies, freezes)]
    found = judge(windows, WEB, now, manual=manual, healing=healing)
    walk = [now + dt.timedelta(minutes=5 * step) for step in range(1, 289)]
    change = next(
        (
            moment
            for moment in walk
            if judge(windows, WEB, moment, manual=manual, healing=healing).allowed != found.allowed
        ),
        None,
    )
    assert change == (found.next_change if found.next_change and found.next_change <= walk[-1] else None)
    assert found.next_change == to_decision(found, manual=manual).until


@given(st.lists(st.text(max_size=8), max_size=3), st.lists(st.text(max_size=4), max_size=2))
def test_holders_are_total(roles: list[str], projects: list[str]) -> None:
    """Any names and patterns give an answer."""
    text = json.dumps([{"roles": roles, "projects": projects}])
    policy = build(RbacSettings(), [project()], additions=read_additions({"breakGlass": text}, ""))[0]
    assert set(policy.additions.holders_of("shop")) <= set(roles)
