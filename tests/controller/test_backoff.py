"""Waits: retries of operations, self-heals, failing keys."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.backoff import LONGEST_RETRY, SelfHealBackoff, retry_wait
from model.application import Backoff, RetryStrategy


@pytest.mark.row(58)
def test_the_usual_back_off_waits_5_10_20_40_80_and_never_above_180_seconds() -> None:
    """Duration 5s, factor 2, maxDuration 3m."""
    retry = RetryStrategy(limit=5, backoff=Backoff(duration="5s", factor=2, max_duration="3m"))
    waits = [retry_wait(retry, n).total_seconds() for n in range(9)]
    assert [5, 10, 20, 40, 80, 160, 180, 180, 180] == waits


def test_without_a_back_off_the_defaults_are_those_of_argo_cd() -> None:
    """An absent backoff is 5s, 2, 3m."""
    assert [5, 10, 20] == [retry_wait(RetryStrategy(limit=1), n).total_seconds() for n in range(3)]


@pytest.mark.row(50)
def test_self_heals_wait_0_2_6_18_54_162_300_seconds() -> None:
    """Repeated reverts back off to five minutes."""
    waits = [SelfHealBackoff().wait(n).total_seconds() for n in range(9)]
    assert [0, 2, 6, 18, 54, 162, 300, 300, 300] == waits


@pytest.mark.parametrize(
    ("duration", "factor", "maximum"),
    [("-5s", 0, ""), ("1e308s", 10**9, "0"), ("abc", -1, "-1s"), ("0s", 1, "1ns"), ("9" * 400, 2, "9999999h")],
)
def test_bad_numbers_neither_spin_nor_overflow(duration: str, factor: int, maximum: str) -> None:
    """Whatever an owner writes, a wait is between a second and a day."""
    retry = RetryStrategy(limit=-1, backoff=Backoff(duration=duration, factor=factor, max_duration=maximum))
    for attempts in (0, 1, 7, 10_000):
        assert dt.timedelta(seconds=1) <= retry_wait(retry, attempts) <= LONGEST_RETRY


@given(st.text(max_size=12), st.integers(), st.text(max_size=12), st.integers(0, 100))
def test_waits_never_shrink(duration: str, factor: int, maximum: str, attempts: int) -> None:
    """The wait after one more attempt is at least as long."""
    retry = RetryStrategy(limit=1, backoff=Backoff(duration=duration, factor=factor, max_duration=maximum))
    assert retry_wait(retry, attempts) <= retry_wait(retry, attempts + 1)
