"""When an Application is refreshed, how deep and why."""

from __future__ import annotations

import datetime as dt
import typing as t

import pytest

from controller import refresh
from model.settings import Settings
from model.states import RefreshLevel
from tests.controller.builders import DESTINATION, NOW, SOURCE, application, compared, finished

CLOCKS = Settings(reconciliation_timeout=dt.timedelta(seconds=180), reconciliation_jitter=dt.timedelta(0))


def due(
    app: t.Any, *, requested: refresh.Request | None = None, settings: Settings = CLOCKS, after: float = 0
) -> tuple[int, str, bool] | None:
    found = refresh.decide(
        app, requested=requested, checked_at=None, settings=settings, now=NOW + dt.timedelta(seconds=after)
    )
    return None if found is None else (int(found.level), found.reason, found.hard)


def test_nothing_is_due_when_nothing_happened() -> None:
    """A compared Application inside its interval is left alone."""
    assert due(application(status=compared())) is None


@pytest.mark.parametrize(("value", "hard"), [("normal", False), ("hard", True), ("", False), ("anything", False)])
def test_the_refresh_annotation_forces_a_refresh(value: str, hard: bool) -> None:
    """Hard is hard, everything else is normal; both resolve anew."""
    app = application(status=compared(), annotations={"argocd.argoproj.io/refresh": value})
    assert (3, "refresh annotation", hard) == due(app)


def test_another_source_is_compared_at_once() -> None:
    """A source that differs from comparedTo does not wait for the interval."""
    app = application(status=compared(), source={**SOURCE, "path": "other"})
    assert (3, "source changed", False) == due(app)


@pytest.mark.row(5)
def test_the_soft_clock_is_timeout_reconciliation() -> None:
    """Due when the interval has passed since the last comparison, with the setting of argocd-cm."""
    app = application(status=compared())
    assert due(app, after=179) is None
    assert (2, "timeout", False) == due(app, after=180)
    faster = Settings(reconciliation_timeout=dt.timedelta(seconds=20), reconciliation_jitter=dt.timedelta(0))
    assert (2, "timeout", False) == due(app, after=20, settings=faster)


def test_a_clock_of_zero_is_off() -> None:
    """timeout.reconciliation 0 switches the clock off."""
    off = Settings(reconciliation_timeout=dt.timedelta(0))
    assert due(application(status=compared()), after=1e6, settings=off) is None
    assert refresh.next_due(application(status=compared()), None, off) is None


def test_the_hard_clock_renders_again() -> None:
    """timeout.hard.reconciliation gives a hard refresh."""
    hard = Settings(reconciliation_timeout=dt.timedelta(0), hard_reconciliation_timeout=dt.timedelta(seconds=60))
    assert (2, "hard timeout", True) == due(application(status=compared()), after=60, settings=hard)


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ({"destination": {**DESTINATION, "namespace": "elsewhere"}}, "destination changed"),
        ({"ignoreDifferences": [{"kind": "Deployment", "jsonPointers": ["/spec"]}]}, "ignored differences changed"),
    ],
)
def test_a_changed_spec_is_compared_at_once(spec: dict[str, t.Any], reason: str) -> None:
    """Destination and ignoreDifferences belong to the verdict."""
    assert (2, reason, False) == due(application(status=compared(), **spec))


def test_changed_namespace_metadata_is_compared_at_once() -> None:
    """ManagedNamespaceMetadata is compared with what the last sync recorded."""
    app = application(
        status=compared(operationState=finished()),
        syncPolicy={"managedNamespaceMetadata": {"labels": {"team": "shop"}}},
    )
    assert (2, "namespace metadata changed", False) == due(app)


def test_requests_merge_to_the_deepest() -> None:
    """Two requests become one that serves both."""
    shallow = refresh.Request(level=RefreshLevel.RECENT, reason="object changed", hard=True)
    deep = refresh.Request(level=RefreshLevel.LATEST, reason="asked")
    assert refresh.Request(level=RefreshLevel.LATEST, reason="asked", hard=True) == shallow.merged(deep)
    assert (2, "asked", True) == due(application(status=compared()), requested=deep.merged(shallow))


def test_the_jitter_spreads_applications_over_its_range() -> None:
    """Two hundred Applications compared in one second come back over the whole range, each at its fixed time."""
    settings = Settings()
    times = [refresh.next_due(application(name=f"app-{i}", status=compared()), None, settings) for i in range(200)]
    waits = sorted((when - NOW).total_seconds() for when in times if when is not None)
    assert 120 <= waits[0] < 125
    assert 175 < waits[-1] < 180
    assert times[0] == refresh.next_due(application(name="app-0", status=compared()), None, settings)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, None),
        ({"annotations": {"note": "x"}}, None),
        ({"automated": {"prune": True}}, (2, "sync policy changed")),
        ({"syncPolicy": {"syncOptions": ["Prune=false"]}}, (2, "sync policy changed")),
        ({"project": "other"}, (1, "project or labels changed")),
    ],
    ids=["nothing", "annotation", "automated", "options", "project"],
)
def test_a_change_that_decides_about_a_sync_is_looked_at(
    changed: dict[str, t.Any], expected: tuple[int, str] | None
) -> None:
    """Switching automated sync on waits for no timeout, nor does a move to another project's windows."""
    found = refresh.of_change(application(), application(**changed))
    assert expected == (found and (int(found.level), found.reason))
    assert refresh.of_change(None, application(**changed)) is None
