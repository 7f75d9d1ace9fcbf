"""lynceus.wiring: what ends ends whole."""

from __future__ import annotations

import types
import typing as t

import pytest

from lynceus.wiring import Lynceus
from model.errors import LynceusError

ORDER = ["manager", "delivery", "api_server", "metrics_server", "sources", "cage", "tracing", "losses"]


@pytest.mark.parametrize("failure", [LynceusError("away"), OSError("closed twice")])
def test_a_part_that_fails_to_end_keeps_no_other_running(failure: Exception, caplog: pytest.LogCaptureFixture) -> None:
    """Expected or not: it is said, and servers, workers, traces and the watch over losses end all the same."""
    ended: list[str] = []

    def part(name: str) -> types.SimpleNamespace:
        def end(*_: float) -> None:
            ended.append(name)
            if name == "delivery":
                raise failure

        return types.SimpleNamespace(stop=end, close=end, shutdown=end)

    Lynceus.stop(t.cast("Lynceus", types.SimpleNamespace(**{name: part(name) for name in ORDER})))
    assert ORDER == ended
    assert ["a part did not end as it should"] == [record.getMessage() for record in caplog.records]
