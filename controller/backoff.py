"""How long to wait: after failures of a key, between retries of an operation, between self-heals. Pure arithmetic.

Called by controller.workqueue, controller.operation and controller.autosync.
"""

from __future__ import annotations

import datetime as dt
import random
import threading
import typing as t

import msgspec

from model.application import RetryStrategy
from model.durations import parse_duration

K = t.TypeVar("K", bound=t.Hashable)

DEFAULT_RETRY_LIMIT = 5
"""Retries of an automated operation whose Application has no `retry` of its own (Argo CD: DefaultSyncRetry…)."""
DEFAULT_RETRY_DURATION = dt.timedelta(seconds=5)
DEFAULT_RETRY_MAXIMUM = dt.timedelta(minutes=3)
DEFAULT_RETRY_FACTOR = 2
SHORTEST_RETRY = dt.timedelta(seconds=1)
"""A shorter wait, as in ``duration: 0s``, would be a hot loop against the API server."""
LONGEST_RETRY = dt.timedelta(days=1)
"""The cap where maxDuration is 0 (no cap), so that no factor overflows a date."""


class FailureBackoff(t.Generic[K]):
    """Count the failures of each key; each makes the next wait longer, one success resets it."""

    def __init__(self, first: float = 0.5, limit: float = 180.0, jitter: t.Callable[[], float] = random.random) -> None:
        self._first, self._limit, self._jitter = first, limit, jitter
        self._failures: dict[K, int] = {}
        self._lock = threading.Lock()

    def failed(self, key: K) -> float:
        """Count one failure and return the wait in seconds: first, 2, 4, 8 … times, capped, plus up to a tenth."""
        with self._lock:
            count = self._failures.get(key, 0)
            self._failures[key] = count + 1
        return float(min(self._limit, self._first * 2 ** min(count, 30)) * (1 + 0.1 * self._jitter()))

    def succeeded(self, key: K) -> None:
        """Reset the key."""
        with self._lock:
            self._failures.pop(key, None)

    def failures(self, key: K) -> int:
        """Return how often the key failed in a row."""
        with self._lock:
            return self._failures.get(key, 0)


class SelfHealBackoff(msgspec.Struct, frozen=True, kw_only=True):
    """Waits between self-heals of one Application at one revision (Argo CD: --self-heal-backoff-*)."""

    first: dt.timedelta = dt.timedelta(seconds=2)
    factor: int = 3
    limit: dt.timedelta = dt.timedelta(seconds=300)

    def wait(self, attempts: int) -> dt.timedelta:
        """Return the wait after the last finish, by earlier attempts: 0, 2, 6, 18, 54, 162, 300, 300 s."""
        if attempts <= 0:
            return dt.timedelta(0)
        return capped(self.first, self.factor, attempts - 1, self.limit)


def capped(first: dt.timedelta, factor: int, exponent: int, limit: dt.timedelta) -> dt.timedelta:
    """Return min(limit, first * factor ** exponent) without overflow."""
    wait = min(first, limit)
    for _ in range(exponent):
        if wait >= limit or factor <= 1:
            break
        wait = min(limit, wait * min(factor, 1_000_000))
    return wait


def retry_wait(retry: RetryStrategy, attempts: int) -> dt.timedelta:
    """Return the wait before the next retry when `attempts` retries were made: 5, 10, 20, 40, 80, 160, 180 s.

    Durations are Go durations; a bare number is seconds; what cannot be read is the default. Argo CD announces this
    time and then waits one step longer; we do as announced.
    """
    backoff = retry.backoff
    first = _duration(backoff.duration if backoff else "", DEFAULT_RETRY_DURATION)
    limit = _duration(backoff.max_duration if backoff else "", DEFAULT_RETRY_MAXIMUM)
    factor = backoff.factor if backoff and backoff.factor is not None and backoff.factor >= 1 else DEFAULT_RETRY_FACTOR
    limit = LONGEST_RETRY if limit <= dt.timedelta(0) else min(limit, LONGEST_RETRY)
    return capped(max(first, SHORTEST_RETRY), factor, attempts, max(limit, SHORTEST_RETRY))


def _duration(text: str, default: dt.timedelta) -> dt.timedelta:
    """Read a Go duration or a bare number of seconds."""
    text = text.strip()
    if not text:
        return default
    if text.isascii() and text.isdigit():
        text = f"{text[:9]}s"
    try:
        return parse_duration(text)
    except ValueError:
        return default
