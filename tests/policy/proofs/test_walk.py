"""A window's state, its ends, its latest start and the next change, against a walk over every minute."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.project import SyncWindow
from policy.windows import Target, Window, judge
from policy.windows.moment import Calendar, from_micros, to_micros
from policy.windows.schedule import latest_start, parse_schedule
from tests.policy.proofs import walk
from tests.policy.proofs.strategies import PLACES, at, durations, examples, schedules, zone

DAY = 86_400
SECOND = 1_000_000
AHEAD = 9 * DAY
"""Seconds walked behind an edge of the clock."""
MOST_EDGES = 150
"""Openings and closings that are walked to find the next change."""
SHIFT = 2 * DAY
"""Seconds around an edge in which questions are asked."""

TARGET = Target("web", "shop", ())
EACH_PLACE = pytest.mark.parametrize("place", PLACES, ids=lambda place: " ".join(filter(None, place)))


def window(kind: str, schedule: str, duration: str, zone_name: str, mode: str = "strict", **more: bool) -> Window:
    spec = SyncWindow(kind=kind, schedule=schedule, duration=duration, time_zone=zone_name, applications=["*"], **more)
    return Window(spec, "AppProject p: spec.syncWindows[0]", 0, mode)


def _spans(meaning: walk.Meaning, zone_name: str, middle: int, micros: int) -> list[tuple[int, int]]:
    begun = walk.starts(meaning, zone(zone_name), middle - _back(micros), middle + AHEAD)
    return walk.open_spans(begun, micros)


def _back(micros: int) -> int:
    """Return the seconds to walk before an edge: the duration and what the questions are asked around it."""
    return (5 if micros < 2 * DAY * SECOND else 40) * DAY


def _moments(spans: list[tuple[int, int]], middle: int, asked: int) -> list[int]:
    """Return microseconds at which to ask: the one drawn, and around the first and the last edge near by."""
    low, high = (middle - SHIFT) * SECOND, (middle + SHIFT) * SECOND
    edges = [edge for span in spans for edge in span if low < edge < high]
    return [asked, *(edge + step for edge in edges[:2] + edges[-2:] for step in (-1, 0, 1))]


CASES = (schedules(), durations(), st.integers(-SHIFT * SECOND, SHIFT * SECOND))


@EACH_PLACE
@examples(6)
@given(drawn=CASES[0], duration=CASES[1], shift=CASES[2])
def test_state_equals_a_walk_over_every_minute(
    drawn: tuple[str, walk.Meaning], place: tuple[str, str], duration: tuple[str, int], shift: int
) -> None:
    """Open in [start, start + duration), starts by the zone's clock; until when is said truly, or said too early."""
    (text, meaning), (zone_name, edge), (length, micros) = drawn, place, duration
    middle = to_micros(at(edge)) // SECOND
    spans = _spans(meaning, zone_name, middle, micros)
    found = window("deny", text, length, zone_name)
    for moment in _moments(spans, middle, middle * SECOND + shift):
        inside = next((end for start, end in spans if start <= moment < end), None)
        following = next((start for start, _ in spans if start > moment), None)
        expected_end = following if inside is None else inside
        horizon = (middle + AHEAD) * SECOND
        now = from_micros(moment)
        for is_open, end in (found.state(moment, Calendar()), _span(found, now)):
            assert (inside is not None, inside is not None) == (is_open, found.is_open(now))
            if end is None or end >= horizon:
                assert expected_end is None or expected_end >= horizon
            elif end != expected_end:
                assert is_open, "the end of a closed time is said exactly"
                assert end < expected_end, "an end is never said too late"
                assert found.is_open(from_micros(end)), "an end that is said too early is one at which to ask again"


def _span(found: Window, now: dt.datetime) -> tuple[bool, int | None]:
    span = found.compute_span(now)
    return span.open, None if span.end is None else to_micros(span.end)


@EACH_PLACE
@examples(3)
@given(drawn=CASES[0], duration=CASES[1], shift=CASES[2])
def test_the_latest_start_equals_a_walk_backwards(
    drawn: tuple[str, walk.Meaning], place: tuple[str, str], duration: tuple[str, int], shift: int
) -> None:
    """The latest start at or before an instant, as long as it is no further back than the duration."""
    (text, meaning), (zone_name, edge), (_, micros) = drawn, place, duration
    middle = to_micros(at(edge)) // SECOND
    moment = middle * SECOND + shift
    begun = walk.starts(meaning, zone(zone_name), middle - _back(micros), middle + AHEAD)
    expected = max((start for start in begun if start * SECOND <= moment), default=None)
    found = latest_start(parse_schedule(text), from_micros(moment), zone(zone_name), dt.timedelta(microseconds=micros))
    near = found is not None and moment - to_micros(found) < micros
    assert (expected if expected is not None and moment - expected * SECOND < micros else None) == (
        to_micros(found) // SECOND if near else None
    )


KINDS = st.tuples(st.sampled_from(["allow", "deny"]), st.booleans(), st.booleans())


@EACH_PLACE
@examples(5)
@given(
    drawn=st.lists(st.tuples(KINDS, schedules(), durations()), min_size=1, max_size=4),
    shift=st.integers(-SHIFT, SHIFT),
    manual=st.booleans(),
    running=st.one_of(st.none(), st.integers(0, DAY)),
)
def test_decisions_equal_the_rules_over_walked_states(
    drawn: list[tuple[tuple[str, bool, bool], tuple[str, walk.Meaning], tuple[str, int]]],
    place: tuple[str, str],
    shift: int,
    manual: bool,
    running: int | None,
) -> None:
    """Deny before allow, manual, overrun and the next change, for several windows, as the rules read."""
    zone_name, edge = place
    middle = to_micros(at(edge)) // SECOND
    moment = (middle + shift) * SECOND
    spans = [_spans(meaning, zone_name, middle, micros) for _, (_, meaning), (_, micros) in drawn]
    windows = [
        window(kind, text, length, zone_name, manual_sync=by_hand, sync_overrun=overrun)
        for (kind, by_hand, overrun), (text, _), (length, _) in drawn
    ]
    started = moment - running * SECOND if running is not None else None

    def seen(micros: int) -> list[walk.Seen]:
        opened = [any(start <= micros < end for start, end in each) for each in spans]
        flags = [flags for flags, _, _ in drawn]
        return [walk.Seen(kind, is_open, *more) for (kind, *more), is_open in zip(flags, opened, strict=True)]

    then = seen(started) if started is not None else None
    expected = walk.may_sync(seen(moment), manual, then)
    begun = from_micros(started) if started is not None else None
    found = judge(windows, TARGET, from_micros(moment), manual=manual, started=begun)
    assert expected == found.allowed
    edges = sorted({edge for each in spans for span in each for edge in span if moment < edge})[:MOST_EDGES]
    horizon = min((middle + AHEAD) * SECOND, edges[-1] if len(edges) == MOST_EDGES else moment + 2 * 366 * DAY * SECOND)
    others = (edge for edge in edges if edge < horizon and walk.may_sync(seen(edge), manual, then) != expected)
    change = next(others, None)
    said = to_micros(found.next_change) if found.next_change else None
    assert change == (said if said is not None and said < horizon else None)
