"""Clusters, their API servers, and ApplicationSets."""

from __future__ import annotations

import socket

import pytest

from exporter.reactions import clusters
from model.events import ApplicationSetChanged, ClusterEventsProcessed, ClusterGone, Event, WriteMoved
from model.meta import NamespacedName
from tests.exporter.script import NOW, SERVER, asked, changed, cluster, exporter, lines, turn

HOST = "kubernetes.default.svc:443"
AGE = "argocd_cluster_cache_age_seconds"


def test_the_age_of_a_cache_grows_with_the_clock() -> None:
    """-1 while it was never filled."""
    made = exporter(cluster(), cluster(server="https://new", synced_at=NOW - 12.5))
    assert [f'{AGE}{{server="{SERVER}"}} -1.0', f'{AGE}{{server="https://new"}} 12.5'] == sorted(
        lines(made, AGE), key=len, reverse=True
    )


def test_a_cluster_that_is_gone_leaves_nothing() -> None:
    """Its reports, its requests, its events and its turns; those of the others stay."""
    other = "https://other.example:6443"
    made = exporter(
        *(cluster(server=server) for server in (SERVER, other)),
        *(ClusterEventsProcessed(server=s, counts={("", "Pod"): 1}, seconds=0.1) for s in (SERVER, other)),
        asked(None, server=other, host="other.example:6443", retry=True),
        asked(None),
        turn(dest_server=other),
    )
    assert [line for line in lines(made) if "other.example" in line]
    made.listen(ClusterGone(server=other))
    assert [] == [line for line in lines(made) if "other.example" in line]
    assert [line for line in lines(made) if SERVER in line]


def test_what_ends_after_its_cluster_went_brings_nothing_back() -> None:
    """Requests, batches and turns that were under way; all is counted again when the cluster is back."""
    other = "https://other.example:6443"
    late: list[Event] = [
        asked(None, server=other, host="other.example:6443", code=0),
        ClusterEventsProcessed(server=other, counts={("", "Pod"): 1}, seconds=0.1),
        turn(dest_server=other),
    ]
    made = exporter(cluster(server=other), *late, ClusterGone(server=other), *late)
    assert [] == [line for line in lines(made) if "other.example" in line]
    for event in (cluster(server=other), *late):
        made.listen(event)
    for name in ("argocd_kubectl_requests_total", "argocd_cluster_events_total", "argocd_app_reconcile_count"):
        (line,) = [line for line in lines(made, name) if "other.example" in line]
        assert line.endswith(" 1.0")


def test_clusters_that_are_gone_are_remembered_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that went first is forgotten first."""
    monkeypatch.setattr(clusters, "MOST_FORMER", 2)
    made = exporter(*(ClusterGone(server=f"https://{number}") for number in range(3)))
    for number in range(3):
        made.listen(asked(None, server=f"https://{number}"))
    assert ["https://0"] == [line.split('"')[3] for line in lines(made, "lynceus_k8s_requests_total")]


def test_a_host_that_another_cluster_has_too_stays() -> None:
    """Two names of one API server: what one of them leaves is not taken from the other."""
    made = exporter(asked(None), asked(None, server="https://alias"), ClusterGone(server="https://alias"))
    assert [] == [line for line in lines(made) if "https://alias" in line]
    assert lines(made, "argocd_kubectl_requests_total")
    made.listen(ClusterGone(server=SERVER))
    assert [] == lines(made, "argocd_kubectl_requests_total")


def test_watch_events_are_counted_by_kind() -> None:
    """One batch is timed once; the last one's size is shown."""
    batches = ({("apps", "Deployment"): 2, ("", "Pod"): 5}, {("", "Pod"): 1})
    made = exporter(*(ClusterEventsProcessed(server=SERVER, counts=counts, seconds=0.3) for counts in batches))
    assert [
        f'argocd_cluster_events_total{{group="",kind="Pod",server="{SERVER}"}} 6.0',
        f'argocd_cluster_events_total{{group="apps",kind="Deployment",server="{SERVER}"}} 2.0',
        f'argocd_resource_events_processed_in_batch{{server="{SERVER}"}} 1.0',
        f'argocd_resource_events_processing_count{{server="{SERVER}"}} 2.0',
    ] == lines(
        made,
        "argocd_cluster_events_total",
        "argocd_resource_events_processed_in_batch",
        "argocd_resource_events_processing_count",
    )


def test_requests_to_api_servers() -> None:
    """By host and method; a request without an answer has the client's word for it; a watch has no size."""
    made = exporter(
        asked(),
        asked(code=0, retry=True),
        asked(None, verb="watch", method="GET", response_bytes=None, kind="pods"),
    )
    labels = f'host="{HOST}",method='
    assert [
        f'argocd_kubectl_request_retries_total{{code="<error>",{labels}"PATCH"}} 1.0',
        f'argocd_kubectl_requests_total{{code="200",{labels}"GET"}} 1.0',
        f'argocd_kubectl_requests_total{{code="200",{labels}"PATCH"}} 1.0',
        f'argocd_kubectl_requests_total{{code="<error>",{labels}"PATCH"}} 1.0',
        f'argocd_kubectl_response_size_bytes_count{{{labels}"PATCH"}} 2.0',
        f'lynceus_k8s_requests_total{{code="200",dest_server="{SERVER}",kind="pods",verb="watch"}} 1.0',
        f'lynceus_k8s_requests_total{{code="200",dest_server="{SERVER}",kind="services",verb="patch"}} 1.0',
        f'lynceus_k8s_requests_total{{code="<error>",dest_server="{SERVER}",kind="services",verb="patch"}} 1.0',
    ] == lines(
        made,
        "argocd_kubectl_request_retries_total",
        "argocd_kubectl_requests_total",
        "argocd_kubectl_response_size_bytes_count",
        "lynceus_k8s_requests_total",
    )
    for name, unit in (("request_duration_seconds", "verb"), ("request_size_bytes", "method")):
        assert f'argocd_kubectl_{name}_count{{host="{HOST}",{unit}="PATCH"}} 2.0' in lines(
            made, f"argocd_kubectl_{name}_count"
        )
    assert f'argocd_kubectl_rate_limiter_duration_seconds_sum{{host="{HOST}",verb="GET"}} 0.001' in lines(
        made, "argocd_kubectl_rate_limiter_duration_seconds_sum"
    )


def test_writes_under_way_never_fall_below_none() -> None:
    """Ends that have no beginning are counted as writes all the same."""
    made, name = exporter(), "argocd_kubectl_exec_pending"

    def pending() -> dict[str, str]:
        return {line.split('"')[1]: line.rsplit(" ", 1)[1] for line in lines(made, name)}

    idle = dict.fromkeys(("apply", "auth", "create", "replace"), "0.0")
    assert idle == pending()
    made.listen(WriteMoved(command="apply", ended=False))
    made.listen(WriteMoved(command="apply", ended=False))
    made.listen(WriteMoved(command="apply", ended=True))
    assert idle | {"apply": "1.0"} == pending()
    for _ in range(3):
        made.listen(WriteMoved(command="apply", ended=True))
    assert idle == pending()
    total = f'argocd_kubectl_exec_total{{command="apply",hostname="{socket.gethostname()}"}} 4.0'
    assert total in lines(made, "argocd_kubectl_exec_total")


def test_sets_are_told_by_their_newest_version() -> None:
    """A deleted set leaves nothing."""
    key, names = NamespacedName("argocd", "fleet"), ("argocd_appset_info", "argocd_appset_owned_applications")
    made = exporter(ApplicationSetChanged(key=key, owned=3))
    made.listen(ApplicationSetChanged(key=key, owned=4, update_status="ResourcesUpToDate", labels={"team": "a"}))
    assert [
        'argocd_appset_info{name="fleet",namespace="argocd",resource_update_status="ResourcesUpToDate"} 1.0',
        'argocd_appset_labels{label_team="a",name="fleet",namespace="argocd"} 1.0',
        'argocd_appset_owned_applications{name="fleet",namespace="argocd"} 4.0',
    ] == lines(made, *names, "argocd_appset_labels")
    made.listen(ApplicationSetChanged(key=key, deleted=True))
    assert [] == lines(made, *names, "argocd_appset_labels")


def test_an_application_goes_on_without_its_cluster() -> None:
    """Its own lines name the destination that it still asks for."""
    made = exporter(changed(), cluster(), ClusterGone(server=SERVER))
    assert 1 == len(lines(made, "argocd_app_info"))
