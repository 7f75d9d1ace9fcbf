"""The whole exposition: formats, the contract with Argo CD, Prometheus' own checker."""

from __future__ import annotations

import gzip
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import Metric as ParsedMetric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter import Exporter
from exporter.catalogue import BY_NAME, CATALOGUE
from exporter.instruments import Instruments
from exporter.listener import Listener
from model.events import ApplicationDeleted, GitRequestFinished, RepositoryKnown
from model.meta import NamespacedName
from tests.dashboards.tools import need
from tests.exporter.contract import CONTRACT, NO_SERIES
from tests.exporter.script import SERVER, attempted, busy_minute, changed, exporter, git, lines, permission, turn

OPENMETRICS = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.4"


def busy() -> Exporter:
    made = exporter(*[event for step in range(4) for event in busy_minute(step)])
    made.listen(git("ls-remote", "error"))
    return made


def families(made: Exporter, accept: str) -> dict[str, ParsedMetric]:
    body, _ = made.exposition(accept)
    parser = parse_openmetrics if accept else parse_text
    return {family.name: family for family in parser(body.decode())}


def test_no_compatible_family_is_left_out_of_the_contract() -> None:
    """The catalogue has what is required of it, adds nothing under those names, and fakes nothing."""
    compatible = {metric.name for metric in CATALOGUE if not metric.name.startswith("lynceus_")}
    assert set(CONTRACT.required) == compatible - set(CONTRACT.optional)
    assert not compatible & set(CONTRACT.absent)


@pytest.mark.parametrize("accept", ["", OPENMETRICS], ids=["text", "openmetrics"])
def test_every_metric_of_the_catalogue_is_exported_and_nothing_else(accept: str) -> None:
    """Name, type, help and labels are those of the catalogue; process_* comes from the client library."""
    found = families(busy(), accept)
    expected = {metric.family: metric for metric in CATALOGUE}
    assert set(expected) == {name for name in found if not name.startswith("process_")}
    for name, metric in expected.items():
        assert (metric.kind, metric.help) == (found[name].type, found[name].documentation)
        for sample in found[name].samples:
            more = {label for label in sample.labels if label == "le" or label.startswith("label_")}
            assert set(metric.labels) == set(sample.labels) - more
            assert sample.name in metric.samples
            assert metric.chosen_labels == any(label.startswith("label_") for label in sample.labels)
        assert bool(found[name].samples) == (name not in NO_SERIES)


def test_promtool_frowns_on_names_of_argo_cd_only() -> None:
    """Prometheus' own checker of names, types and help texts; what it may say stands in the table."""
    body, _ = busy().exposition("")
    run = subprocess.run([need("promtool"), "check", "metrics"], input=body, capture_output=True, check=False)
    said = set((run.stdout + run.stderr).decode().splitlines())
    assert said
    assert set() == said - set(CONTRACT.promtool_allows)


@pytest.mark.parametrize("accept", ["", OPENMETRICS], ids=["text", "openmetrics"])
def test_gzip_says_the_same(accept: str) -> None:
    """One stream of several members; the coding is named."""
    made = busy()
    packed, headers = made.exposition(accept, "gzip")
    plain, plain_headers = made.exposition(accept, "identity")
    steady = [[x for x in body.split(b"\n") if b"process_" not in x] for body in (gzip.decompress(packed), plain)]
    assert steady[0] == steady[1]
    assert ("gzip", None) == (dict(headers).get("Content-Encoding"), dict(plain_headers).get("Content-Encoding"))


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (OPENMETRICS, "application/openmetrics-text; version=1.0.0; charset=utf-8"),
        ("application/openmetrics-text; version=1.0.0", "application/openmetrics-text; version=1.0.0; charset=utf-8"),
        ("application/openmetrics-text;q=0, */*", "text/plain; version=0.0.4; charset=utf-8"),
        ("text/html, */*;q=0.1", "text/plain; version=0.0.4; charset=utf-8"),
        ("", "text/plain; version=0.0.4; charset=utf-8"),
        (";;,=;q=x", "text/plain; version=0.0.4; charset=utf-8"),
    ],
)
def test_the_format_follows_accept(accept: str, content_type: str) -> None:
    """OpenMetrics for whoever asks, the text format for everybody else."""
    assert content_type == dict(exporter().exposition(accept)[1])["Content-Type"]


@pytest.mark.parametrize(
    ("header", "packed"),
    [
        ("gzip", True),
        ("deflate, gzip;q=1.0", True),
        ("GZIP", True),
        ("gzip;q=0", False),
        ("gzip; q=0.0", False),
        ("br", False),
        ("", False),
    ],
)
def test_gzip_only_for_whoever_takes_it(header: str, packed: bool) -> None:
    """Weight 0 means no."""
    assert packed == ("Content-Encoding" in dict(exporter().exposition("", header)[1]))


def test_names_choose_families_of_both_kinds() -> None:
    """Families and samples can be named; unknown names give nothing."""
    found = {line.split("{")[0] for line in lines(busy(), "argocd_app_info", "lynceus_build_info", "nothing")}
    assert {"argocd_app_info", "lynceus_build_info"} == found


@pytest.mark.parametrize("accept", ["", OPENMETRICS], ids=["text", "openmetrics"])
def test_every_family_can_be_chosen_alone(accept: str) -> None:
    """By the name in either format's TYPE line, whatever its kind: what comes is what stands in a whole scrape."""
    made = busy()
    whole = {family.name: len(family.samples) for family in families(made, accept).values()}
    for metric in CATALOGUE:
        for name in {metric.name, metric.family}:
            found = lines(made, name, accept=accept)
            assert whole[metric.family] == len(found), name
            assert {line.split("{")[0].split(" ")[0] for line in found} <= set(metric.samples)


def test_a_sample_of_a_histogram_or_of_the_process_can_be_chosen() -> None:
    """As with the client library, which describes the process too."""
    made = busy()
    assert ["lynceus_reconcile_duration_seconds_count 6.0"] == lines(made, "lynceus_reconcile_duration_seconds_count")
    assert 1 == len(lines(made, "process_cpu_seconds_total"))


def test_odd_text_in_an_object_never_breaks_a_scrape() -> None:
    """A lone surrogate, quotes and newlines in labels: both formats can be read."""
    odd = 'a"b\\c\nd\ud800\x00é'
    made = exporter(
        changed(project=odd), permission(), attempted(), RepositoryKnown(repo=odd), turn(reason=odd, error=odd)
    )
    made.listen(GitRequestFinished(repo=odd, request_type="fetch", result="error", seconds=0.1, revision=odd))
    for accept in ("", OPENMETRICS):
        projects = {sample.labels["project"] for sample in families(made, accept)["argocd_app_info"].samples}
        assert {'a"b\\c\nd\ufffd\ufffdé'} == projects


def test_a_family_stops_growing_at_its_limit() -> None:
    """Beyond the limit samples are dropped and counted, and what is known goes on."""
    instruments = Instruments(argocd_metrics=True, most_label_sets=10)
    listener = Listener(instruments, argocd_metrics=True, now=lambda: 0.0)
    for number in (*range(50), 3):
        listener.listen(git(repo=f"https://git.example/{number}"))
    values = {
        (sample.name, *sample.labels.values()): sample.value
        for family in instruments.registry.collect()
        for sample in family.samples
        if not sample.name.endswith("_bucket")
    }
    requests = [labels for labels in values if labels[0] == "argocd_git_request_total"]
    assert 10 == len(requests)
    assert 2.0 == values["argocd_git_request_total", "https://git.example/3", "fetch", "success"]
    assert 40.0 == values["lynceus_metrics_dropped_label_values_total", "argocd_git_request_total"]


HISTORY = st.lists(
    st.tuples(
        st.sampled_from(["changed", "failed", "deleted"]),
        st.sampled_from(["a", "b", 'c"\n']),
        st.sampled_from(["Synced", "OutOfSync"]),
    ),
    max_size=40,
)


@settings(max_examples=50)
@given(HISTORY)
def test_the_lines_are_those_that_the_client_library_writes(history: list[tuple[str, str, str]]) -> None:
    """After any history the two formats agree line by line with prometheus_client fed with the last state."""
    made, states, failures = exporter(), dict[str, str](), dict[str, int]()
    for what, name, sync in history:
        if what == "changed":
            made.listen(changed(name, sync=sync))
            states[name], failures[name] = sync, failures.get(name, 0)
        elif what == "deleted":
            made.listen(ApplicationDeleted(key=NamespacedName("argocd", name)))
            states.pop(name, None)
            failures.pop(name, None)
        else:
            made.listen(attempted(name))
            failures = {known: n + (known == name) for known, n in failures.items()}
    registry = CollectorRegistry()
    info = Gauge("argocd_app_info", "x", BY_NAME["argocd_app_info"].labels, registry=registry)
    total = Counter("argocd_app_sync", "x", BY_NAME["argocd_app_sync_total"].labels, registry=registry)
    for name, sync in states.items():
        info.labels("argocd", name, "shop", "true", "https://git.example/shop", SERVER, "web", sync, "Healthy", "").set(
            1
        )
        for phase in ("Succeeded", "Failed", "Error"):
            total.labels("argocd", name, "shop", SERVER, phase, "false").inc(failures[name] * (phase == "Failed"))
    expected = sorted(line for line in generate_latest(registry).decode().splitlines() if not line.startswith("#"))
    assert expected == lines(made, "argocd_app_info", "argocd_app_sync_total")
    assert expected == lines(made, "argocd_app_info", "argocd_app_sync_total", accept=OPENMETRICS)
