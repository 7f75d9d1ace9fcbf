"""Windows and freezes are told when they change, at once, and never otherwise."""

from __future__ import annotations

import datetime as dt
import functools
import time
import typing as t

import pytest

from controller import calendarwatch
from controller.calendarwatch import CalendarWatch
from controller.clock import SystemClock
from model.events import CalendarChanged, Event
from policy.generation import Generation
from policy.windows.standing import Standing
from tests.controller.kube.scripted import eventually
from tests.controller.test_clockwatch import Wall
from tests.policy.added_support import generation, once, project

DAILY = {"kind": "deny", "schedule": "0 13 * * *", "duration": "1h", "applications": ["*"]}


class Told(list[CalendarChanged]):
    """What was told."""

    def take(self, event: Event) -> None:
        assert isinstance(event, CalendarChanged)
        self.append(event)

    def reached(self, number: int) -> bool:
        return len(self) >= number

    @property
    def active(self) -> list[bool]:
        return [event.windows[0].active for event in self]


def daily(**more: t.Any) -> Generation:
    return generation({}, project(windows=[DAILY | more]))


def test_a_generation_is_told_and_then_each_change() -> None:
    """The first look tells everything; later ones what opened or closed; time that passes in between says nothing."""
    clock, told = Wall(), Told()
    watch = CalendarWatch(clock, told.take)
    assert watch.look() is None
    watch.use(daily())
    assert 3600.0 == watch.look()
    clock.advance(1800)
    assert 1800.0 == watch.look()
    assert [False] == told.active
    clock.advance(1800)
    assert 3600.0 == watch.look()
    clock.advance(3600)
    watch.look()
    assert [False, True, False] == told.active


def test_a_generation_with_the_same_calendar_tells_nothing() -> None:
    """Another policy does not move the windows; another window does, and a freeze that is lifted is told once."""
    clock, told = Wall(), Told()
    watch = CalendarWatch(clock, told.take)
    for made in (daily(), generation({}, project(windows=[DAILY]), project("other")), daily(duration="2h")):
        watch.use(made)
        watch.look()
    assert ["1h", "2h"] == [event.windows[0].duration for event in told]


def test_no_windows_are_told_too() -> None:
    """So that what there was goes, and who listens knows that there is nothing."""
    clock, told = Wall(), Told()
    watch = CalendarWatch(clock, told.take)
    watch.use(generation({}))
    assert watch.look() is None
    assert [CalendarChanged()] == told


def test_a_clock_that_is_set_back_is_followed() -> None:
    """What was open is closed again, since it is earlier now; the window opens again later."""
    clock, told = Wall(), Told()
    watch = CalendarWatch(clock, told.take)
    watch.use(daily())
    watch.look()
    clock.advance(3700)
    watch.look()
    clock.ahead = dt.timedelta(hours=-1)
    watch.clock_set()
    assert 3500.0 == watch.look()
    assert [False, True, False] == told.active


def test_too_many_windows_are_logged_once(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest of the calendar is told."""
    monkeypatch.setattr("policy.windows.standing.MOST_WINDOWS", 1)
    told = Told()
    watch = CalendarWatch(Wall(), told.take)
    for schedule in ("0 1 * * *", "0 2 * * *"):
        watch.use(generation({}, project(windows=[DAILY, {**DAILY, "schedule": schedule}])))
        watch.look()
    assert [1] == [len(event.windows) for event in told]
    assert [1] == [vars(r)["left_out"] for r in caplog.records]


def test_the_thread_tells_at_the_very_moment() -> None:
    """A window that opens and closes within seconds is told at both instants, without a look in between."""
    clock, told = SystemClock(), Told()
    watch = CalendarWatch(clock, told.take)
    now = clock.now().replace(microsecond=0)
    start, end = now + dt.timedelta(seconds=2), now + dt.timedelta(seconds=3)
    watch.use(generation({"windows": once(start.isoformat(), end.isoformat())}))
    watch.start()
    seen = []
    for number in (1, 2, 3):
        eventually(functools.partial(told.reached, number))
        seen.append(clock.now())
    watch.stop()
    assert [False, True, False] == told.active
    assert 0 <= (seen[1] - start).total_seconds() < 0.4
    assert 0 <= (seen[2] - end).total_seconds() < 0.4


def test_the_thread_is_woken_by_the_clock_and_by_generations() -> None:
    """It need not wait for the next opening, and it ends when it is asked to."""
    clock, told = Wall(), Told()
    watch = CalendarWatch(clock, told.take)
    watch.start()
    watch.use(daily())
    eventually(lambda: len(told) == 1)
    clock.ahead = dt.timedelta(hours=1)
    watch.clock_set()
    eventually(lambda: len(told) == 2)
    watch.stop()
    eventually(lambda: not watch._thread.is_alive())
    assert [False, True] == told.active


def test_waiting_takes_no_work() -> None:
    """Nothing runs while nothing opens or closes."""
    clock, told = Wall(), Told()
    watch = CalendarWatch(clock, told.take)
    looks: list[int] = []
    look = watch.look
    watch.look = lambda: looks.append(1) or look()  # type: ignore[method-assign, func-returns-value]
    watch.use(daily())
    watch.start()
    eventually(lambda: told)
    time.sleep(0.8)
    watch.stop()
    assert len(looks) <= 2


def test_a_window_that_cannot_be_looked_at_is_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure at the very opening loses neither this opening nor the thread."""
    monkeypatch.setattr(calendarwatch, "RETRY", 0.3)
    clock, told = Wall(), Told()
    watch = CalendarWatch(clock, told.take)
    watch.use(daily())
    watch.start()
    eventually(lambda: told)
    failures, look = iter([OSError("no zones")]), Standing._look

    def fail(*args: t.Any) -> t.Any:
        for failure in failures:
            raise failure
        return look(*args)

    monkeypatch.setattr(Standing, "_look", fail)
    clock.advance(3600)
    watch._wake.set()
    eventually(lambda: len(told) == 2)
    watch.stop()
    assert [False, True] == told.active
