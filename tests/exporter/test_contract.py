"""The live exposition against the table of what Argo CD exports."""

from __future__ import annotations

import pytest
from prometheus_client.core import Metric as Parsed
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter import Exporter
from exporter.catalogue import BY_NAME, CATALOGUE
from exporter.choice import Choice
from model.events import ProjectChanged, RepositoryKnown
from tests.exporter.contract import CONTRACT, NO_SERIES
from tests.exporter.script import REPO, busy_minute, changed, exporter, lines

OPENMETRICS = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.4"
both_formats = pytest.mark.parametrize("accept", ["", OPENMETRICS], ids=["text", "openmetrics"])


@pytest.fixture(scope="module")
def busy() -> Exporter:
    """An exporter that has heard some busy minutes, and to which all was said that has to be asked for."""
    return exporter(*[event for step in range(4) for event in busy_minute(step)])


def families(made: Exporter, accept: str) -> dict[str, Parsed]:
    """Return the exposition as a parser reads it, by the names of the text format."""
    body, _ = made.exposition(accept)
    found = (parse_openmetrics if accept else parse_text)(body.decode())
    return {family.name + "_total" * (family.type == "counter"): family for family in found}


@pytest.mark.parametrize("name", sorted(CONTRACT.required))
def test_the_catalogue_says_what_argo_cd_says(name: str) -> None:
    """Type, labels and bounds; labels that an option asks for are marked."""
    metric, wanted = BY_NAME[name], CONTRACT.required[name]
    assert (wanted.type, wanted.fixed, wanted.buckets) == (metric.kind, set(metric.labels), metric.buckets)
    assert wanted.open == metric.chosen_labels


@both_formats
def test_every_required_family_is_exported_as_argo_cd_does(busy: Exporter, accept: str) -> None:
    """Names, types, whole label sets, and bounds compared as numbers."""
    found = families(busy, accept)
    for name, wanted in CONTRACT.required.items():
        assert wanted.type == found[name].type, name
        assert bool(found[name].samples) == (name not in NO_SERIES), name
        for sample in found[name].samples:
            labels = set(sample.labels) - {"le"}
            extra = {label for label in labels if wanted.open and label.startswith("label_")}
            assert wanted.fixed == labels - extra, name
        bounds = {float(sample.labels["le"]) for sample in found[name].samples if "le" in sample.labels}
        assert (set(wanted.buckets) == bounds - {float("inf")}) or name in NO_SERIES, name


@both_formats
def test_optional_families_have_argo_cds_labels_where_they_are_exported(busy: Exporter, accept: str) -> None:
    """Nothing of ours stands under one of those names with another meaning."""
    found = families(busy, accept)
    for name in CONTRACT.optional.keys() & found.keys():
        assert CONTRACT.optional[name].type == found[name].type
        assert {frozenset(CONTRACT.optional[name].labels)} == {frozenset(s.labels) for s in found[name].samples}


@both_formats
def test_what_lynceus_has_not_is_not_faked(busy: Exporter, accept: str) -> None:
    """No Redis, no gRPC, no commit server; and nothing under Argo CD's names that it has not."""
    found = {name for name in families(busy, accept) if not name.startswith(("lynceus_", "process_"))}
    assert set() == found & set(CONTRACT.absent)
    assert set() == found - set(CONTRACT.required) - set(CONTRACT.optional)


@both_formats
def test_there_are_no_created_series(busy: Exporter, accept: str) -> None:
    """Argo CD has none, and they would double the counters."""
    assert b"_created" not in busy.exposition(accept)[0]


BORN = {
    "argocd_app_sync_total": 3,
    "argocd_app_sync_duration_seconds_total": 1,
    "argocd_git_request_total": 4,
    "argocd_kubectl_exec_total": 4,
    "workqueue_adds_total": 2,
    "workqueue_retries_total": 2,
    "lynceus_app_reconcile_cost_seconds_total": 1,
    "lynceus_deployments_total": 3,
    "lynceus_drift_detected_total": 2,
    "lynceus_self_heal_total": 2,
    "lynceus_freeze_overrides_total": 1,
    "lynceus_sync_blocked_total": 5,
    "lynceus_log_records_dropped_total": 2,
    "lynceus_policy_reload_failures_total": 1,
    "lynceus_trace_spans_dropped_total": 1,
    "lynceus_metrics_dropped_label_values_total": len(CATALOGUE),
}
"""Counters whose label values are known once an Application, its project and its repository are: series, all at 0."""


@both_formats
@pytest.mark.parametrize("name", sorted(BORN))
def test_counters_are_born_at_zero(name: str, accept: str) -> None:
    """The first step of each is one that increase() sees."""
    made = exporter(ProjectChanged(name="shop"), changed(), RepositoryKnown(repo=REPO))
    assert [0.0] * BORN[name] == [sample.value for sample in families(made, accept)[name].samples]


HISTOGRAMS_BORN = (
    "lynceus_deployment_lead_time_seconds",
    "lynceus_deployment_stage_seconds",
    "lynceus_deployment_unblocked_seconds",
    "lynceus_time_to_restore_seconds",
    "lynceus_drift_duration_seconds",
    "workqueue_queue_duration_seconds",
)


@pytest.mark.parametrize("name", HISTOGRAMS_BORN)
def test_histograms_of_rare_events_are_born_at_zero(name: str) -> None:
    """The one deployment of a week is a step, too."""
    counts = [line.rsplit(" ", 1)[1] for line in lines(exporter(changed()), name + "_count")]
    assert counts
    assert {"0.0"} == set(counts)


def test_what_has_to_be_asked_for_is_absent_unless_it_was() -> None:
    """Not even its HELP line is there; requests of Applications are there while there are few of them."""
    plain = exporter(*busy_minute(1), chosen=Choice())
    asked_for = {metric.name for metric in CATALOGUE if metric.opt_in}
    assert {"argocd_app_k8s_request_total"} == asked_for & families(plain, "").keys()


@both_formats
def test_beside_an_argo_cd_every_family_of_its_is_off(accept: str) -> None:
    """What would double a sum is gone, and what Lynceus itself asks of Git servers stays."""
    made = exporter(*[event for step in range(4) for event in busy_minute(step)], argocd_metrics=False)
    found = {name for name in families(made, accept) if not name.startswith(("lynceus_", "process_"))}
    assert {name for name in CONTRACT.required if name.startswith("argocd_git_")} == found
