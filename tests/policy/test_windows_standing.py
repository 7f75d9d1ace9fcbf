"""How windows and freezes stand: names, states, edges; followed edge by edge it is what looking at each would give."""

import datetime as dt
import time
import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.additions import AddedWindow, Freeze
from model.events import FreezeState, WindowState
from model.project import SyncWindow
from model.settings import GlobalProject
from policy.generation import Generation, build
from policy.windows import Window
from policy.windows.added import compile_freeze, compile_window
from policy.windows.standing import MOST_WINDOWS, Standing
from tests.policy.added_support import FREEZE, at, entry, freeze, generation, once, project
from tests.policy.test_windows_roster import SPECS

TICK = dt.timedelta(microseconds=1)
NOON = at("2026-06-15T12:00")
NIGHT = {"kind": "deny", "schedule": "0 22 * * *", "duration": "8h", "applications": ["*"], "timeZone": "UTC"}


def standing(made: Generation, now: dt.datetime = NOON, before: Standing | None = None) -> Standing:
    found = Standing("argocd", made.windows, made.additions.freezes, before)
    assert found.move(now, everything=True)
    return found


def named(found: Standing) -> dict[tuple[str, str], WindowState]:
    return {(state.project, state.window): state for state in found.windows}


def test_windows_of_argo_cd_are_named_by_their_place() -> None:
    """Everything that the window says is told, with the instant of the next change."""
    found = standing(generation({}, project(windows=[NIGHT, {**NIGHT, "kind": "allow", "manualSync": True}])))
    states = named(found)
    assert [("shop", "spec.syncWindows[0]"), ("shop", "spec.syncWindows[1]")] == list(states)
    assert WindowState(
        namespace="argocd", project="shop", window="spec.syncWindows[0]", kind="deny", schedule="0 22 * * *",
        duration="8h", time_zone="UTC", manual_sync=False, active=False,
        next_change=at("2026-06-15T22:00").timestamp(),
    ) == states["shop", "spec.syncWindows[0]"]  # fmt: skip
    assert ("allow", True) == (
        states["shop", "spec.syncWindows[1]"].kind,
        states["shop", "spec.syncWindows[1]"].manual_sync,
    )
    assert at("2026-06-15T22:00") == found.next_edge


def test_added_windows_have_their_own_name_in_each_project() -> None:
    """One state for each matching project; without a name, or with one that is taken, the place names it."""
    many = '[{"name": "w", "kind": "deny", "projects": ["s*"], "schedule": "0 12 * * *", "duration": "1h"}, {"name": "w", "kind": "deny", "projects": ["*"], "schedule": "0 1 * * *", "duration": "1h"}, {"kind": "allow", "projects": ["other"], "from": "2026-06-15T11:00:00Z", "until": "2026-06-15T13:00:00Z"}, {"name": "spec.syncWindows[0]", "kind": "deny", "projects": ["other"], "schedule": "0 1 * * *", "duration": "1h"}]'  # noqa: E501
    annotation = '[{"name": "mine", "kind": "deny", "schedule": "0 5 * * *", "duration": "1h"}]'
    made = generation({"windows": many}, project("shop", annotation), project("other", windows=[NIGHT]))
    states = named(standing(made))
    assert {
        ("shop", "w"), ("shop", "mine"), ("shop", "lynceus-cm windows[1]"), ("other", "w"),
        ("other", "spec.syncWindows[0]"), ("other", "lynceus-cm windows[2]"), ("other", "lynceus-cm windows[3]"),
    } == set(states)  # fmt: skip
    assert states["shop", "w"].active
    assert not states["other", "w"].active
    assert "0 22 * * *" == states["other", "spec.syncWindows[0]"].schedule
    single = states["other", "lynceus-cm windows[2]"]
    assert ("from 2026-06-15T11:00:00Z until 2026-06-15T13:00:00Z", True) == (single.schedule, single.active)
    assert at("2026-06-15T13:00").timestamp() == single.next_change


def test_inherited_windows_stand_in_each_project_that_inherits() -> None:
    """With the name of the global project before the place."""
    rule = GlobalProject(project_name="base", match_expressions=({"key": "x", "operator": "DoesNotExist"},))
    made = build(
        generation({}).settings, [project("base", windows=[NIGHT]), project("shop")], global_projects=[rule]
    )[0]  # fmt: skip
    found = set(named(standing(made)))
    assert ("base", "spec.syncWindows[0]") in found
    assert ("shop", "base: spec.syncWindows[0]") in found


def test_a_window_that_cannot_be_evaluated_is_invalid_and_still() -> None:
    """It keeps back what it concerns, but it is neither active nor does it change; an unreadable list likewise."""
    made = generation({"windows": "["}, project(windows=[{**NIGHT, "schedule": "61 * * * *"}]))
    found = standing(made)
    assert {(True, False, None)} == {(s.invalid, s.active, s.next_change) for s in found.windows}
    assert 2 == len(found.windows)
    assert found.next_edge is None


def test_an_expired_entry_is_no_window_any_more() -> None:
    """It goes at that very instant, though it may be closed then."""
    made = generation({"windows": entry(expires="2026-06-15T18:00:00Z")})
    found = standing(made)
    seen = []
    while (edge := found.next_edge) is not None:
        seen.append((edge, len(found.windows)))
        found.move(edge)
    assert [(at("2026-06-15T13:00"), 1), (at("2026-06-15T18:00"), 1)] == seen
    assert () == found.windows


def test_a_one_off_window_that_is_over_stays_without_a_change() -> None:
    """It still stands there to be read."""
    found = standing(generation({"windows": once("2026-06-15T09:00:00Z", "2026-06-15T10:00:00Z")}))
    assert [(False, None)] == [(state.active, state.next_change) for state in found.windows]
    assert found.next_edge is None


# --- freezes ---


def test_a_freeze_is_told_while_it_lasts_and_once_when_it_ends() -> None:
    """Not before it begins; its scope is all, its project the glob as written."""
    made = generation(FREEZE)
    found = standing(made, at("2026-06-15T11:00"))
    assert ((), at("2026-06-15T12:00")) == (found.freezes, found.next_edge)
    found.move(at("2026-06-15T12:00"))
    began = at("2026-06-15T12:00").timestamp()
    assert [FreezeState(scope="all", project="*", active=True, since=began)] == list(found.freezes)
    found.move(at("2026-06-15T14:00"))
    assert (FreezeState(scope="all", project="*", active=False),) == found.freezes
    assert found.next_edge is None
    found.move(at("2026-06-15T15:00"))
    assert not found.freezes


def test_a_freeze_that_is_taken_away_or_stopped_is_told_as_ended() -> None:
    """The generation behind it knows what was told before."""
    first = standing(generation(FREEZE))
    gone = standing(generation({}), before=first)
    assert (FreezeState(scope="all", project="*", active=False),) == gone.freezes
    stopped = standing(generation(freeze(stopped="2026-06-15T12:00:00Z", stoppedBy="bob")), NOON, first)
    assert (FreezeState(scope="all", project="*", active=False),) == stopped.freezes
    assert () == standing(generation({}), before=gone).freezes


def test_freezes_of_one_scope_and_project_are_one() -> None:
    """Since the oldest began, in force while any is; narrow ones are part, each glob has its state."""
    older = freeze(start="2026-06-15T10:00:00Z", end="2026-06-15T12:30:00Z")["freeze.f1"]
    narrow = freeze(applications=["web"], projects=["shop", "web-*"])["freeze.f1"]
    found = standing(generation({"freeze.a": older, "freeze.b": FREEZE["freeze.f1"], "freeze.c": narrow}))
    noon, ten = NOON.timestamp(), at("2026-06-15T10:00").timestamp()
    parts = [FreezeState(scope="part", project=name, active=True, since=noon) for name in ("shop", "web-*")]
    assert (FreezeState(scope="all", project="*", active=True, since=ten), *parts) == found.freezes
    found.move(at("2026-06-15T12:30"))
    assert noon == found.freezes[0].since


def test_an_unreadable_freeze_is_in_force() -> None:
    """For all projects, without a time."""
    found = standing(generation({"freeze.f1": "["}))
    assert (FreezeState(scope="all", project="*", active=True),) == found.freezes


# --- algebra ---

FREEZES = st.builds(
    lambda start, hours, projects: Freeze(
        id="x", reason="r", person="p", projects=projects,
        start=f"2026-06-{start:02d}T00:00:00Z", end=f"2026-06-{start + 1:02d}T{hours:02d}:00:00Z",
    ),
    st.integers(1, 28), st.integers(0, 23), st.sampled_from([("*",), ("shop",), ("shop", "web")]),
)  # fmt: skip
ADDED = st.builds(
    lambda expires, schedule: AddedWindow(
        name="w", kind="deny", projects=("*",), schedule=schedule, duration="2h", expires=expires
    ),
    st.sampled_from(["", "2026-06-03T01:00:00Z"]), st.sampled_from(["0 9 * * *", "30 1 * * 1-5"]),
)  # fmt: skip


def _compiled(specs: list[SyncWindow], added: list[AddedWindow], mode: t.Any) -> list[Window]:
    own = [Window(spec, f"AppProject shop: spec.syncWindows[{n}]", n, mode) for n, spec in enumerate(specs)]
    return [*own, *(compile_window(one, f"lynceus-cm windows[{n}]", n) for n, one in enumerate(added))]


@settings(deadline=None, max_examples=60)
@given(
    st.lists(SPECS, max_size=6),
    st.lists(ADDED, max_size=2),
    st.lists(FREEZES, max_size=3),
    st.sampled_from(["strict", "compat"]),
    st.lists(st.integers(1, 3 * 86_400), min_size=1, max_size=8),
)
def test_following_the_edges_is_looking_at_everything(
    specs: list[SyncWindow], added: list[AddedWindow], freezes: list[Freeze], mode: t.Any, steps: list[int]
) -> None:
    """Whatever the steps, asking only what is due gives what a fresh look gives, and no change is missed between."""
    windows = _compiled(specs, added, mode)
    compiled = [compile_freeze(one, n) for n, one in enumerate(freezes)]
    # As Argo CD reckons, the very instant of an opening is outside, also where it joins the opening before. Spans pass
    # over that microsecond, see below: no look falls on it here.
    upstream = mode == "compat"
    now = at("2026-06-01T00:00") + dt.timedelta(seconds=0.5 if upstream else 0)
    followed = Standing("argocd", {"shop": windows}, compiled)
    followed.move(now, everything=True)
    for step in steps:
        now += dt.timedelta(seconds=step)
        followed.move(now)
        fresh = Standing("argocd", {"shop": windows}, compiled)
        fresh.move(now, everything=True)
        assert fresh.windows == followed.windows
        assert fresh.freezes == tuple(state for state in followed.freezes if state.active)
        assert fresh.next_edge == followed.next_edge
        edge = followed.next_edge
        assert edge is None or edge > now
        for window in windows:
            if not window.invalid and edge is not None:
                before = edge - (2 if upstream else 1) * TICK
                assert window.is_open(now) == window.is_open(before)


def test_openings_that_join_are_told_as_one_also_as_argo_cd_reckons() -> None:
    """There they leave out the very instant of each opening: one microsecond, which is no change to tell of."""
    joined = SyncWindow(kind="allow", schedule="0 0 * * *", duration="24h", applications=["*"])
    window = Window(joined, "AppProject shop: spec.syncWindows[0]", 0, "compat")
    midnight = at("2026-06-02T00:00")
    assert [True, False, True] == [window.is_open(midnight + number * TICK) for number in (-1, 0, 1)]
    found = Standing("argocd", {"shop": [window]}, [])
    found.move(NOON, everything=True)
    assert [(True, None)] == [(state.active, state.next_change) for state in found.windows]
    assert found.next_edge is None


def test_a_thousand_windows_are_cheap() -> None:
    """A first look within a tenth of a second, and an edge asks only what is due."""
    specs = [
        {**NIGHT, "schedule": f"{n % 60} {n % 24} * * {n % 7}", "duration": "1h", "timeZone": "Europe/Amsterdam"}
        for n in range(1000)
    ]
    made = generation({}, project(windows=specs))
    began = time.perf_counter()
    found = standing(made)
    assert time.perf_counter() - began < 0.5
    began, edges = time.perf_counter(), 0
    while (edge := found.next_edge) is not None and edge < NOON + dt.timedelta(days=1):
        found.move(edge)
        edges += 1
    assert edges > 100
    assert (time.perf_counter() - began) / edges < 0.005


@pytest.mark.parametrize("number", [MOST_WINDOWS, MOST_WINDOWS + 7])
def test_there_is_a_bound(number: int) -> None:
    """What is beyond it is counted and left out."""
    window = Window(SyncWindow(kind="deny", schedule="0 9 * * *", duration="1h", applications=["*"]), "x", 0, "strict")
    found = Standing("argocd", {f"p{n}": [window] for n in range(number)}, ())
    found.move(NOON, everything=True)
    assert (number - MOST_WINDOWS, MOST_WINDOWS) == (found.left_out, len(found.windows))
