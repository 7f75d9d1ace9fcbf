"""Somebody sets the clock."""

from __future__ import annotations

import datetime as dt

from controller.clockwatch import ClockWatch
from tests.controller.builders import FakeClock


class Wall(FakeClock):
    """A clock whose time of day can be set without the seconds since the start moving."""

    ahead = dt.timedelta(0)

    def now(self) -> dt.datetime:
        return self.time + self.ahead


def test_a_clock_that_is_set_is_told_once_in_either_direction() -> None:
    """An hour forwards, then an hour back: each is told once, time that merely passes is not."""
    clock, told = Wall(), []
    watch = ClockWatch(clock, told.append)
    clock.advance(7200)
    assert 0.0 == watch.look()
    for hours in (1, 0):
        clock.ahead = dt.timedelta(hours=hours)
        watch.look()
        clock.advance(10)
        assert 0.0 == watch.look()
    assert [3600.0, -3600.0] == [round(step) for step in told]


def test_a_slow_drift_is_no_jump() -> None:
    """A clock that is slewed by half a second between two looks is not set."""
    clock, told = Wall(), []
    watch = ClockWatch(clock, told.append)
    for _ in range(10):
        clock.ahead += dt.timedelta(seconds=0.5)
        watch.look()
    assert [] == told
