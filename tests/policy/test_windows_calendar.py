"""Calendars of windows: intervals that are true to a walk over the minutes, their whole length, and what changes."""
# ruff: noqa: E501 - tables of cases, one case to a place

import datetime as dt
import itertools
import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.windows import Window, judge
from policy.windows.calendar import Answers, Interval, Row, Stretch, answers, row
from policy.windows.changes import compare_answers, compare_rows
from tests.policy.test_windows import APP, FREEZE, OFFICE, at, window

MINUTE = dt.timedelta(minutes=1)
DAY = dt.timedelta(days=1)


def spans(found: Row) -> list[tuple[str, str]]:
    return [
        (f"{i.start:%m-%d %H:%M}" if i.start else "", f"{i.end:%m-%d %H:%M}" if i.end else "") for i in found.intervals
    ]


def over(windows: list[Window], start: str, days: int, manual: bool = False) -> Answers:
    return answers(lambda now: judge(windows, APP, now, manual=manual), at(start), at(start) + days * DAY)


@pytest.mark.parametrize(
    ("fields", "start", "days", "expected"),
    [
        (OFFICE, "2026-12-18T12:00", 3, [("12-18 09:00", "12-18 17:00"), ("12-21 09:00", "12-21 17:00")]),
        (FREEZE, "2026-12-25T00:00", 3, [("12-20 00:00", "01-03 00:00")]),
        ({"schedule": "0 0 * * 1-5", "duration": "24h"}, "2026-12-09T00:00", 7, [("12-07 00:00", "12-12 00:00"), ("12-14 00:00", "12-19 00:00")]),
        ({"schedule": "* 10 * * *", "duration": "2h"}, "2026-12-09T11:00", 1, [("12-09 10:00", "12-09 12:59"), ("12-10 10:00", "12-10 12:59")]),
        ({"schedule": "0 0 * * *", "duration": "24h"}, "2026-12-09T11:00", 1, [("", "")]),
        ({"schedule": "0 0 1 * *", "duration": "800h"}, "2026-12-09T11:00", 1, [("", "")]),
        ({"schedule": "0 0 30 2 *"}, "2026-12-09T11:00", 400, []),
        ({"kind": "Deny"}, "2026-12-09T11:00", 1, []),
    ],
)  # fmt: skip
def test_overlapping_starts_are_one_interval(
    fields: dict[str, str], start: str, days: int, expected: list[t.Any]
) -> None:
    """Intervals touching the period are given whole, overlapping starts joined; invalid windows have none."""
    assert expected == spans(row(window(**fields), at(start), at(start) + days * DAY))


@pytest.mark.parametrize(
    ("day", "hours", "opened", "closed"),
    [
        ("2026-03-28", 8, "2026-03-28T21:00", "2026-03-29T05:00"),
        ("2026-10-24", 8, "2026-10-24T20:00", "2026-10-25T04:00"),
    ],
)
def test_intervals_over_clock_changes_last_their_duration(day: str, hours: int, opened: str, closed: str) -> None:
    """22:00 in Amsterdam for 8h is eight real hours, though the clock says 07:00 in spring and 05:00 in autumn."""
    night = window(schedule="0 22 * * *", duration=f"{hours}h", time_zone="Europe/Amsterdam")
    found = row(night, at(f"{day}T12:00"), at(f"{day}T12:00") + DAY)
    assert (Interval(at(opened), at(closed)),) == found.intervals


@pytest.mark.parametrize("zone", ["", "Europe/Amsterdam", "America/St_Johns", "Australia/Lord_Howe"])
@settings(max_examples=25)
@given(data=st.data())
def test_intervals_equal_a_walk_over_the_minutes(zone: str, data: st.DataObject) -> None:
    """Every minute of the period lies in an interval exactly when the window is open then."""
    schedule = data.draw(
        st.sampled_from(["*/20 * * * *", "30 1 * * *", "0 22 * * 6", "15 2,3 * * 0", "0 0 */2 * *", "* 2 * * *"])
    )
    duration = data.draw(st.sampled_from(["10m", "1h", "90m", "25h", "49h"]))
    start = data.draw(
        st.sampled_from(
            [at("2026-03-07T20:00"), at("2026-03-28T20:00"), at("2026-10-24T20:00"), at("2026-10-31T20:00")]
        )
    )
    found = window(schedule=schedule, duration=duration, time_zone=zone)
    end = start + 30 * dt.timedelta(hours=1)
    intervals = row(found, start, end).intervals
    for number in range(0, 30 * 60, 3):
        now = start + number * MINUTE
        inside = any((i.start is None or i.start <= now) and (i.end is None or now < i.end) for i in intervals)
        assert found.is_open(now) == inside, now


def test_a_window_with_very_many_openings_says_how_far_it_was_followed() -> None:
    """Beyond the bound nothing is claimed."""
    found = row(window(schedule="* * * * *", duration="30s"), at("2026-06-01T00:00"), at("2026-06-08T00:00"))
    assert found.known_until is not None
    assert at("2026-06-02T00:00") < found.known_until < at("2026-06-08T00:00")
    assert found.intervals[-1].end <= found.known_until


@pytest.mark.row(102, 103, 104)
def test_the_answer_over_the_christmas_freeze() -> None:
    """The freeze ends on 3 January, yet syncs may run only from Monday the 4th at 9."""
    found = over([window(**OFFICE), window(**FREEZE)], "2026-12-17T00:00", 20)
    expected = [
        (at("2026-12-17T09:00"), at("2026-12-17T17:00")),
        (at("2026-12-18T09:00"), at("2026-12-18T17:00")),
        (at("2027-01-04T09:00"), at("2027-01-04T17:00")),
        (at("2027-01-05T09:00"), at("2027-01-05T17:00")),
    ]
    assert expected == list(found.spans(allowed=True))


def test_the_answer_has_no_hole() -> None:
    """Stretches follow each other from the first to the last instant, answers alternating."""
    found = over([window(**OFFICE), window(**FREEZE)], "2026-12-17T00:00", 20).stretches
    assert (at("2026-12-17T00:00"), at("2027-01-06T00:00")) == (found[0].start, found[-1].end)
    assert all(a.end == b.start and a.allowed != b.allowed for a, b in itertools.pairwise(found))


def test_the_answer_beyond_its_own_search_is_still_found() -> None:
    """A deny each minute under a steady freeze hides more changes than the next change is searched over."""
    busy = window(schedule="* * * * *", duration="30s")
    month = window(schedule="0 0 2 6 *", duration="6h")
    found = over([busy, month], "2026-06-02T00:00", 1)
    assert found.stretches[0].end == at("2026-06-02T06:00:30")


def test_moved_added_and_removed_openings() -> None:
    """A window moved by an hour is told from one that is gone and one that is new."""
    period = at("2026-12-07T00:00"), at("2026-12-09T00:00")
    before = [row(window(**OFFICE), *period), row(window(schedule="0 20 * * *"), *period)]
    later = Window(window(**OFFICE).spec, "AppProject p: spec.syncWindows[7]", 7, "strict")
    assert () == compare_rows(before[:1], [row(later, *period)])
    moved = window(**{**OFFICE, "schedule": "0 10 * * 1-5"})
    (change,) = compare_rows(before[:1], [row(moved, *period)])
    assert ('schedule: "0 9 * * 1-5" -> "0 10 * * 1-5"',) == change.fields
    assert [(at("2026-12-07T09:00"), at("2026-12-07T10:00")), (at("2026-12-08T09:00"), at("2026-12-08T10:00"))] == [
        (m.before.start, m.after.start) for m in change.moved
    ]
    gone = compare_rows(before[1:], [])
    assert (None, 2, ()) == (gone[0].after, len(gone[0].removed), gone[0].added)


def test_a_window_that_opens_at_the_same_times_but_says_otherwise_has_changed() -> None:
    """ManualSync changes no opening, and is told as a field."""
    period = at("2026-12-07T00:00"), at("2026-12-09T00:00")
    (change,) = compare_rows([row(window(**OFFICE), *period)], [row(window(**OFFICE, manual_sync=True), *period)])
    assert (("manualSync: not set -> true",), (), (), ()) == (change.fields, change.moved, change.added, change.removed)


def made(allowed: list[bool], known: int | None = None) -> Answers:
    start = at("2026-06-01T00:00")
    answer = {flag: judge([] if flag else [window()], APP, start, manual=False) for flag in (True, False)}
    stretches = [
        Stretch(start=start + n * MINUTE, end=start + (n + 1) * MINUTE, answer=answer[flag])
        for n, flag in enumerate(allowed)
    ]
    return Answers(stretches=tuple(stretches), known_until=start + known * MINUTE if known is not None else None)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40))
def test_gained_and_lost_time_equals_the_minutes(minutes: list[tuple[bool, bool]]) -> None:
    """A minute is gained when it was refused and is permitted now, and lost the other way round."""
    before, after = (made([pair[side] for pair in minutes]) for side in (0, 1))
    change = compare_answers(before, after)
    start = at("2026-06-01T00:00")
    for number, (old, new) in enumerate(minutes):
        now = start + number * MINUTE
        assert (new and not old) == any(a <= now < b for a, b in change.gained)
        assert (old and not new) == any(a <= now < b for a, b in change.lost)


def test_nothing_is_claimed_beyond_what_both_know() -> None:
    """Time behind the shorter knowledge is neither gained nor lost."""
    change = compare_answers(made([True] * 5), made([False] * 5, known=2))
    assert ((at("2026-06-01T00:00"), at("2026-06-01T00:02")),) == change.lost
