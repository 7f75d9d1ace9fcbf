"""Hundreds of windows in timelines give the answers that asking each of them gives."""

# ruff: noqa: E501 - tables of cases, one case to a place

import datetime as dt
import sys
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model.additions import AddedWindow
from model.project import SyncWindow
from policy.windows import Target, Window, judge, roster
from policy.windows.added import compile_window
from policy.windows.roster import Roster
from tests.policy.added_support import at

WEB = Target("web", "ns", ("c",))
ZONES = st.sampled_from(["", "Europe/Amsterdam", "America/New_York", "Australia/Lord_Howe"])
SCHEDULES = st.sampled_from(
    [
        "0 9 * * 1-5",
        "0 0 * * *",
        "0 22 * * 6",
        "*/30 * * * *",
        "30 2 * * *",
        "0 0 20 12 *",
        "59 23 * * 3",
        "0 0 * * 4",
        "0 0 30 2 *",
        "bad",
        "0 0 * * *,1",
    ]
)
SPECS = st.builds(
    SyncWindow, kind=st.sampled_from(["allow", "deny", "deny", "other"]), schedule=SCHEDULES, duration=st.sampled_from(["10m", "1h", "9h", "24h", "30h", "160h", "336h"]),
    applications=st.sampled_from([["*"], ["web*"], ["api"]]), manual_sync=st.booleans(), sync_overrun=st.booleans(), time_zone=ZONES,
)  # fmt: skip
GOOD = SPECS.filter(lambda spec: spec.schedule != "bad" and spec.kind != "other")
EDGES = st.sampled_from(
    [
        "2026-03-29T01:00",
        "2026-10-25T01:00",
        "2026-04-04T15:00",
        "2026-06-15T12:00",
        "2026-12-31T23:00",
        "1970-01-01T00:00",
        "1969-12-30T00:00",
    ]
)


@pytest.fixture(autouse=True)
def _few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use timelines from the first window on."""
    monkeypatch.setattr(roster, "MANY", 1)
    monkeypatch.setattr(sys.modules["policy.windows.decide"], "MANY", 1)


def _same(windows: list[Window], now: dt.datetime, manual: bool, started: dt.datetime | None) -> None:
    each, together = (judge(some, WEB, now, manual=manual, started=started) for some in (windows, Roster(windows)))
    for field in ("allowed", "state", "matched", "active", "blocking", "invalid"):
        assert getattr(each, field) == getattr(together, field), field
    if together.next_change is None and together.sure_until is not None:
        assert each.next_change is None or each.next_change >= together.sure_until
    elif each.next_change is not None or each.sure_until is None:
        assert each.next_change == together.next_change
    if together.steady_until is not None:
        assert each.steady_until is None or together.steady_until <= each.steady_until
    else:
        assert each.steady_until is None


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(GOOD, min_size=1, max_size=6),
    EDGES,
    st.integers(-20_000, 20_000),
    st.booleans(),
    st.none() | st.integers(0, 600),
)
def test_timelines_answer_as_each_window_does(
    specs: list[SyncWindow], edge: str, minutes: int, manual: bool, ago: int | None
) -> None:
    """Near changes of the clock and far from them: the same windows are open, and the answer changes at the same time."""
    now = at(edge) + dt.timedelta(minutes=minutes)
    windows = [Window(spec, f"w{number}", number, "strict") for number, spec in enumerate(specs)]
    _same(windows, now, manual, now - dt.timedelta(minutes=ago) if ago is not None else None)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(SPECS, max_size=3),
    st.lists(st.sampled_from(["", "2026-06-15T13:00:00Z"]), max_size=2),
    st.integers(0, 300),
)
def test_broken_and_added_windows_stand_beside_timelines(
    specs: list[SyncWindow], expires: list[str], minutes: int
) -> None:
    """What cannot be evaluated, does not repeat, or expires is asked one by one."""
    now = at("2026-06-15T11:00") + dt.timedelta(minutes=minutes)
    added = [
        AddedWindow(name=f"a{n}", kind="deny", projects=("*",), schedule="0 12 * * *", duration="90m", expires=end)
        for n, end in enumerate(expires)
    ]
    windows = [Window(spec, f"w{number}", number, "strict") for number, spec in enumerate(specs)]
    _same([*windows, *(compile_window(item, item.name, n) for n, item in enumerate(added))], now, False, None)


def _specs(count: int) -> list[SyncWindow]:
    zones = ("", "Europe/Amsterdam", "America/New_York")
    return [
        SyncWindow(kind="allow" if n % 3 else "deny", schedule=f"{n % 60} {n % 24} * * {n % 7}", duration=f"{1 + n % 12}h", applications=[f"app-{n}-*", "web*"], time_zone=zones[n % 3])
        for n in range(count)
    ]  # fmt: skip


@pytest.mark.parametrize(
    "when",
    [
        "2026-06-15T12:00:30",
        "2026-03-29T00:59:59",
        "2026-03-29T01:00",
        "2026-03-30T12:00",
        "2026-10-25T00:30",
        "2026-12-31T23:59:59",
    ],
)
def test_a_thousand_windows_in_three_zones(when: str) -> None:
    """The same answers as from each, whatever the clocks do."""
    windows = [Window(spec, f"w{number}", number, "strict") for number, spec in enumerate(_specs(1_000))]
    _same(windows, at(when), False, None)


def test_the_first_question_over_a_thousand_windows_is_quick() -> None:
    """Under a millisecond by the best of several first questions; three are granted on a busy machine."""
    built = Roster(Window(spec, f"w{number}", number, "strict") for number, spec in enumerate(_specs(1_000)))
    best = min(_seconds(built, at("2026-06-15T12:00") + dt.timedelta(minutes=number)) for number in range(20))
    assert best < 0.003


def _seconds(windows: Roster, now: dt.datetime) -> float:
    start = time.perf_counter()
    judge(windows, WEB, now, manual=False)
    return time.perf_counter() - start


def test_before_1970_time_goes_on_alike() -> None:
    """Instants below zero are instants."""
    hours = SyncWindow(kind="allow", schedule="0 9 * * 1-5", duration="10m", applications=["*"])
    found = judge(Roster([Window(hours, "w", 0, "strict")]), WEB, at("1969-12-30T00:00"), manual=False)
    assert at("1969-12-30T09:00") == found.next_change


def test_a_freeze_over_a_thousand_windows_says_until_when() -> None:
    """Its end lies behind many hundred openings and closings, which do not matter before."""
    windows = [
        Window(spec, f"w{number}", number, "strict") for number, spec in enumerate(_specs(900)) if spec.kind == "allow"
    ]
    freeze = AddedWindow(
        name="f", kind="deny", projects=("*",), start="2026-06-10T00:00:00Z", end="2026-06-24T00:00:00Z"
    )
    found = judge(Roster([compile_window(freeze, "f", 0), *windows]), WEB, at("2026-06-15T12:00"), manual=False)
    assert (False, at("2026-06-24T00:00")) == (found.allowed, found.next_change)
