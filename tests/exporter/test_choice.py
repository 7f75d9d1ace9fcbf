"""What was asked for: names of labels, types of conditions."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.catalogue import CATALOGUE
from exporter.choice import Choice, chosen_values, label_names
from exporter.tallies import MOST_REQUESTS
from tests.exporter.script import EVERYTHING, SERVER, asked, changed, cluster, exporter, lines

APP = 'name="web",namespace="argocd",project="shop"'


@pytest.mark.row(15)
def test_chosen_labels_of_applications_are_exported_in_argo_cds_form() -> None:
    """Each odd character becomes _, the prefix is label_, a missing label is an empty value."""
    wanted = ("team", "app.kubernetes.io/part-of", "Tier")
    labels = {"team": "check\nout", "app.kubernetes.io/part-of": "shop", "secret": "LYN-CANARY"}
    made = exporter(changed(labels=labels), changed("bare"), chosen=Choice(application_labels=wanted))
    both = [
        '{label_Tier="",label_app_kubernetes_io_part_of="",label_team="",name="bare",namespace="argocd",project="shop"}',
        f'{{label_Tier="",label_app_kubernetes_io_part_of="shop",label_team="check\\nout",{APP}}}',
    ]
    for name in ("argocd_app_labels", "lynceus_app_labels"):
        assert [f"{name}{labels} 1.0" for labels in both] == lines(made, name)
    assert not [line for line in lines(made) if "CANARY" in line]
    made.listen(changed(labels={"team": "other"}))
    assert (
        f'argocd_app_labels{{label_Tier="",label_app_kubernetes_io_part_of="",label_team="other",{APP}}} 1.0'
        in lines(made, "argocd_app_labels")
    )


def test_beside_an_argo_cd_labels_are_told_by_our_own_family() -> None:
    """The compatible one would double."""
    made = exporter(changed(labels={"team": "a"}), argocd_metrics=False)
    assert [] == lines(made, "argocd_app_labels")
    assert 1 == len(lines(made, "lynceus_app_labels"))


@pytest.mark.parametrize("chosen", [Choice(), Choice(application_requests="on")], ids=["auto", "on"])
def test_beside_an_argo_cd_requests_are_not_even_counted(chosen: Choice) -> None:
    """Nothing is kept, and nothing told as dropped, for a family that nobody exports."""
    made = exporter(changed(), argocd_metrics=False, chosen=chosen)
    for number in range(MOST_REQUESTS + 1):
        made.listen(asked(namespace=f"n{number}"))
    told = lines(made, "lynceus_metrics_dropped_label_values_total")
    assert [] == [line for line in told if "argocd_app_k8s_request_total" in line]
    assert [None] == [state.requests for state in made._applications._states.values()]


def test_of_two_labels_that_become_one_name_the_first_is_exported() -> None:
    """Never the same label twice in a line, which no Prometheus would read."""
    assert {"label_a_b": "a.b", "label_a_c": "a/c"} == label_names(["a.b", "a/b", "a/c", "a_b", "", "a.b"])
    made = exporter(changed(labels={"a.b": "dot", "a/b": "slash"}), chosen=Choice(application_labels=("a/b", "a.b")))
    assert [f'argocd_app_labels{{label_a_b="slash",{APP}}} 1.0'] == lines(made, "argocd_app_labels")


@given(st.lists(st.text(min_size=1)))
def test_any_asked_name_becomes_one_that_prometheus_takes(asked: list[str]) -> None:
    """One value per name, whatever was asked for."""
    names = label_names(asked)
    assert all(re.fullmatch(r"label_[a-zA-Z0-9_]+", name) for name in names)
    assert set(names.values()) <= set(asked)
    assert len(names) == len(chosen_values(names, None))


def test_conditions_are_exported_when_their_types_were_asked_for() -> None:
    """Nobody asked: no family; * is all of them."""
    event = changed(conditions=("SyncError", "SyncError", "ComparisonError"))

    def told(*wanted: str) -> list[str]:
        found = lines(exporter(event, chosen=Choice(application_conditions=wanted)), "argocd_app_condition")
        return [line.split('condition="')[1].split('"')[0] + line[-4:] for line in found]

    assert [] == told()
    assert ["SyncError 2.0"] == told("SyncError", "Other")
    assert ["ComparisonError 1.0", "SyncError 2.0"] == told("*")


def test_chosen_labels_of_clusters_and_sets() -> None:
    """Of the cluster's Secret; of the ApplicationSet (see the reactions)."""
    made = exporter(cluster(labels={"region": "eu", "token": "LYN-CANARY"}), chosen=Choice(cluster_labels=("region",)))
    expected = f'argocd_cluster_labels{{label_region="eu",name="in-cluster",server="{SERVER}"}} 1.0'
    assert [expected] == lines(made, "argocd_cluster_labels")
    assert not [line for line in lines(made) if "CANARY" in line]


def test_the_other_tests_ask_for_everything() -> None:
    """Else they would not see all families."""
    assert all(EVERYTHING.wants(metric) for metric in CATALOGUE)
    assert {"argocd_app_k8s_request_total"} == {m.name for m in CATALOGUE if m.opt_in and Choice().wants(m)}
