"""Turns of changes that waited for a window."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from controller.openings import TOGETHER, Openings
from tests.controller.builders import FakeClock


def test_half_a_second_of_starts_is_free_then_each_has_its_turn() -> None:
    """Ten a second: five at once, the others a tenth of a second apart."""
    openings = Openings(FakeClock(), 10.0)
    turns = [openings.reserve() for _ in range(8)]
    assert [0.0] * 5 == turns[:5]
    assert [0.1, 0.2, 0.3] == [round(turn, 6) for turn in turns[5:]]


def test_who_comes_when_nobody_waits_starts_now() -> None:
    """Turns that nobody took do not add up beyond the burst."""
    clock = FakeClock()
    openings = Openings(clock, 2.0)
    openings.reserve()
    clock.advance(3600)
    assert [3600.0, 3600.5] == [openings.reserve(), openings.reserve()]


def test_openings_at_the_same_time_are_one() -> None:
    """A freeze that ends lets a thousand changes through, and one list of refs serves them."""
    clock = FakeClock()
    openings = Openings(clock, 2.0)
    first = openings.seen()
    clock.advance(TOGETHER)
    second = openings.seen()
    clock.advance(0.1)
    assert (first, first, first + TOGETHER + 0.1) == (first, second, openings.seen())


def test_without_a_cap_everybody_starts_now() -> None:
    """Zero is no cap."""
    openings = Openings(FakeClock(), 0.0)
    assert [0.0] * 50 == [openings.reserve() for _ in range(50)]


@given(st.floats(0.5, 50), st.lists(st.floats(0, 2), min_size=1, max_size=60))
def test_no_second_has_more_starts_than_the_cap_and_its_burst(per_second: float, waits: list[float]) -> None:
    """Whenever they come, in any second start at most the cap and half of it more; nobody starts before asking."""
    clock = FakeClock()
    openings = Openings(clock, per_second)
    turns: list[float] = []
    for wait in waits:
        clock.advance(wait)
        turns.append(openings.reserve())
        assert clock.monotonic() <= turns[-1]
    assert sorted(turns) == turns
    for first in turns:
        inside = [turn for turn in turns if first <= turn < first + 1]
        assert len(inside) <= per_second + per_second / 2 + 2
