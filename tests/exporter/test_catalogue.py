"""The catalogue's own consistency, and the page that is written from it."""

from __future__ import annotations

from pathlib import Path

from exporter.catalogue import BY_NAME, BY_SAMPLE, CATALOGUE
from exporter.docs import page

ROOT = Path(__file__).parents[2]


def test_names_follow_the_conventions() -> None:
    """Unique; counters end in _total, our own begin with lynceus_; histograms have rising bounds."""
    assert len(CATALOGUE) == len(BY_NAME)
    for metric in CATALOGUE:
        assert metric.kind != "counter" or metric.name.endswith("_total")
        assert metric.name.startswith(("argocd_", "lynceus_", "workqueue_"))
        assert (metric.kind == "histogram") == bool(metric.buckets)
        assert sorted(metric.buckets) == list(metric.buckets)
        assert metric.help.endswith(".")
        assert metric.changes


def test_no_sample_name_is_used_twice() -> None:
    """A histogram's _count must not be another metric."""
    assert sum(len(metric.samples) for metric in CATALOGUE) == len(BY_SAMPLE)


def test_per_application_families_carry_the_application() -> None:
    """Else a deletion could not remove them; and no histogram is kept per application."""
    for metric in CATALOGUE:
        assert metric.per_application == ({"namespace", "name", "project"} <= set(metric.labels))
        assert not (metric.per_application and metric.kind == "histogram")


def test_the_page_is_the_catalogue() -> None:
    """docs/metrics.md is what `python -m exporter.docs` writes today."""
    assert page() == (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
