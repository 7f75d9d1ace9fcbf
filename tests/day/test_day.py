"""The whole program through a day of deployments and trouble, as a real Prometheus saw it."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.alerts.support import key
from tests.dashboards.prometheus import Prometheus
from tests.dashboards.support import Query, marks, queries
from tests.day import script
from tests.day.exceptions import PANELS, PERHAPS, RULES
from tests.day.rules import ALERTS, Rule
from tests.day.stage import Day
from tests.scenarios.conftest import install_crds
from tests.scenarios.world import World
from tests.stage.cluster import Cluster
from tests.stage.git import GitServer

pytestmark = pytest.mark.slow
CONTROL = "CONTROL"
"""Stands in the queries for the namespace of the Applications, which is made when the day begins."""
APPLICATION = "APPLICATION"
SHOWN = ("web", "orders", "broken", "sick", "volume")
"""Applications that the board of one Application is looked at for; what befell one did not befall the others."""


class Evening(t.NamedTuple):
    """What is left of the day."""

    day: Day
    prometheus: Prometheus


@pytest.fixture(scope="module")
def evening(real_cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evening]:
    """The day was played; program and Prometheus still run."""
    install_crds(real_cluster)
    folder: Path = tmp_path_factory.mktemp("day")
    with (
        GitServer(tmp_path_factory.mktemp("git")) as git,
        real_cluster.namespace("day") as control,
        real_cluster.namespace("town") as destination,
    ):
        world = World(real_cluster, control, destination, folder, t.cast(t.Any, None))
        day = Day(world, git, folder)
        script.dawn(day)
        try:
            with day.prometheus() as prometheus:
                prometheus.wait("scraped", lambda: prometheus.query("lynceus_build_info"))
                for hour in script.HOURS:
                    hour(day)
                yield Evening(day, prometheus)
        finally:
            day.stop()


def test_scrapes_are_good(evening: Evening) -> None:
    """The target is up, and Prometheus kept every sample of each scrape: none was a duplicate or out of order."""
    (target,) = evening.prometheus.get("targets")["activeTargets"]
    assert ("up", "") == (target["health"], target["lastError"])
    lost = "max_over_time((scrape_samples_scraped - scrape_samples_post_metric_relabeling)[5m:1s])"
    assert 0.0 == evening.prometheus.value(lost)
    kept = evening.prometheus.value("scrape_samples_post_metric_relabeling")
    assert kept is not None
    assert kept > 500


EVERY = {"app_namespace": CONTROL, "application": APPLICATION}


def _ask(evening: Evening, expression: str) -> list[t.Any]:
    """Ask for each of some Applications until one has an answer."""
    expression = expression.replace(CONTROL, evening.day.world.control)
    for name in SHOWN if APPLICATION in expression else SHOWN[:1]:
        if result := evening.prometheus.query(expression.replace(APPLICATION, name)):
            return result
    return []


@pytest.mark.row(194, 195)
@pytest.mark.parametrize("query", queries("2m", **EVERY), ids=lambda query: f"{query.board}: {query.panel}")
def test_every_panel_has_data(evening: Evening, query: Query) -> None:
    """Each query returns at least one number, and none that is not one; but for a list with reasons."""
    result = _ask(evening, query.expression)
    name = f"{query.board}: {query.panel}"
    assert bool(result) == (name not in PANELS), PANELS.get(name)
    assert not result or any(entry["value"][1] != "NaN" for entry in result)


@pytest.mark.row(196)
@pytest.mark.parametrize("query", marks("2m", **EVERY), ids=lambda query: f"{query.board}: {query.panel}")
def test_every_annotation_marks_something(evening: Evening, query: Query) -> None:
    """Syncs, freezes and windows of the day are marked on the boards."""
    name = f"{query.board}: {query.panel}"
    marked = _ask(evening, f"max_over_time(({query.expression})[5m:1s])")
    assert bool(marked) == (name not in PANELS), PANELS.get(name)


@pytest.mark.parametrize("rule", ALERTS, ids=key)
def test_every_rule_spoke(evening: Evening, rule: Rule) -> None:
    """With the thresholds of a short day each rule spoke at some time; but for a list with reasons."""
    result = evening.prometheus.query(f"max_over_time(({rule['expr']})[5m:1s])")
    name = rule["alert"]
    assert name in PERHAPS or bool(result) == (name not in RULES), RULES.get(name)


def test_what_happened_is_told(evening: Evening) -> None:
    """Rules that need no time are firing at their real thresholds, those that do are pending; texts name the thing."""
    firing, pending = evening.prometheus.alerts("firing"), evening.prometheus.alerts("pending")
    assert {"ArgoCDSyncFailing", "ArgoCDGitFetchErrors", "LynceusFreezeOverridden"} <= set(firing)
    assert {"ArgoCDAppOutOfSync", "ArgoCDAppUnhealthy", "LynceusLastSyncFailed", "LynceusAppUnknown"} <= set(pending)
    assert firing["ArgoCDSyncFailing"]["labels"]["name"] in ("sick", "broken")


def test_the_numbers_are_those_of_the_day(evening: Evening) -> None:
    """What was counted is what was done."""
    ask = evening.prometheus.value
    assert 6.0 == ask('argocd_app_sync_total{name="broken",phase="Failed"}')
    assert 1.0 == ask('lynceus_app_last_sync_info{name="broken",phase="Failed"}')
    assert 1.0 == ask("sum(lynceus_freeze_overrides_total)")
    assert 3.0 == ask('sum(lynceus_rbac_denials_total{source="api"})')
    assert 2.0 == ask('sum(lynceus_self_heal_total{result="success"})')
    assert 1.0 == ask('lynceus_app_sync_blocked{name="orders",reason="window_deny"}')
    assert 1.0 == ask('lynceus_app_commits_behind{name="orders"}')
    assert 1.0 == ask('count(lynceus_app_drift_since_timestamp_seconds{name="drifty"})')


def test_a_restart_forgets_nothing_that_has_a_date(evening: Evening) -> None:
    """Since when something drifts is the same before and after; nothing is counted a second time."""
    since = 'lynceus_app_drift_since_timestamp_seconds{name="drifty"}'
    before = evening.prometheus.value(since)
    script.restart(evening.day)
    counted = "sum(lynceus_deployments_total)"
    evening.prometheus.wait("the new one is scraped", lambda: evening.prometheus.value(counted) == 0.0)
    evening.prometheus.wait("it remembers", lambda: evening.prometheus.value(since) is not None)
    assert before == evening.prometheus.value(since)
    assert 0.0 == evening.prometheus.value(counted)
