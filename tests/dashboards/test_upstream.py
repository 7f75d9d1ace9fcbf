"""The well-known boards of Argo CD ask for nothing that Lynceus does not export, but for a list with reasons."""

from __future__ import annotations

import pytest
from promql_parser import parse

from exporter.catalogue import BY_SAMPLE
from tests.dashboards.upstream import ASKED, NOT_SHOWN, SCRAPED, Asked

each = pytest.mark.parametrize("asked", ASKED, ids=lambda asked: f"{asked.board}: {asked.panel}")


@pytest.mark.row(195)
@each
def test_the_family_has_these_labels(asked: Asked) -> None:
    """Name, labels and kind are those that the panel needs; counters are counted, gauges read."""
    metric = BY_SAMPLE[asked.sample]
    known = {*metric.labels, "le"} if asked.sample.endswith("_bucket") else set(metric.labels)
    assert {*asked.matched.split(), *asked.grouped.split()} - SCRAPED <= known
    assert (asked.form == "now") == (metric.kind == "gauge")
    assert metric.shadows_argocd or asked.sample.startswith("argocd_git_")
    parse(asked.query)


@pytest.mark.row(195)
def test_the_four_measures_of_an_application_keep_its_own_namespace() -> None:
    """Grouping by namespace means the Application's, not the scraper's, where honorLabels is set."""
    for sample in ("argocd_app_info", "argocd_app_sync_total", "argocd_app_reconcile_count"):
        assert "namespace" in BY_SAMPLE[sample].labels


@pytest.mark.row(195)
def test_the_exceptions_are_none_of_ours() -> None:
    """What is not shown is not exported, but for the process' own families, whose job is what does not fit."""
    assert set() == {name for name in NOT_SHOWN if name in BY_SAMPLE}
    assert all(NOT_SHOWN.values())
