"""Which event moves which metric."""

from __future__ import annotations

import pytest

from exporter import Exporter
from model.decision import Rule
from model.events import (
    FreezeOverridden,
    PolicyLoaded,
    ProjectChanged,
    PushReceived,
    RenderFinished,
    RepositoryKnown,
)  # fmt: skip
from model.meta import NamespacedName
from tests.exporter.script import REPO, SERVER, cluster, decision, exporter, git, lines, turn


@pytest.mark.row(182)
def test_reconcile_has_argo_cds_buckets_and_labels() -> None:
    """Labels namespace and dest_server, bounds from a quarter of a second to sixteen; refresh turns only."""
    made = exporter(turn(), turn(queue="operation"))
    labels = f'dest_server="{SERVER}"'
    bounds = {"0.25": 0, "0.5": 0, "1.0": 0, "2.0": 1, "4.0": 1, "8.0": 1, "16.0": 1, "+Inf": 1}
    buckets = [
        f'argocd_app_reconcile_bucket{{{labels},le="{le}",namespace="argocd"}} {n}.0' for le, n in bounds.items()
    ]
    ends = [
        f'argocd_app_reconcile_count{{{labels},namespace="argocd"}} 1.0',
        f'argocd_app_reconcile_sum{{{labels},namespace="argocd"}} 1.5',
    ]
    assert sorted(buckets + ends) == lines(
        made, *["argocd_app_reconcile" + end for end in ("_bucket", "_count", "_sum")]
    )


def requests(made: Exporter) -> dict[tuple[str, str], float]:
    """Return (request_type, result) -> value."""
    values = {}
    for line in lines(made, "argocd_git_request_total"):
        labels, value = line.rsplit(" ", 1)
        request_type = labels.split('request_type="')[1].split('"')[0]
        values[request_type, labels.split('result="')[1].split('"')[0]] = float(value)
    return values


@pytest.mark.row(183, 184)
def test_git_requests_are_born_at_zero_and_told_by_kind_and_result() -> None:
    """All four counters exist before the first request, so that the first failure is a step."""
    made = exporter(RepositoryKnown(repo=REPO + ".git"))
    kinds = [(kind, result) for kind in ("fetch", "ls-remote") for result in ("error", "success")]
    assert dict.fromkeys(kinds, 0.0) == requests(made)
    for event in (git("fetch", "error"), git("fetch", "error"), git("ls-remote", "success")):
        made.listen(event)
    made.listen(RepositoryKnown(repo=REPO))
    assert {
        ("fetch", "error"): 2.0,
        ("fetch", "success"): 0.0,
        ("ls-remote", "error"): 0.0,
        ("ls-remote", "success"): 1.0,
    } == requests(made)


@pytest.mark.row(189)
def test_a_failed_listing_is_a_failed_fetch_too() -> None:
    """With the Git server down nothing gets as far as a fetch, and the well-known alert asks for fetches only."""
    made = exporter(RepositoryKnown(repo=REPO), git("ls-remote", "error"), git("ls-remote", "success"))
    kinds = {
        ("fetch", "error"): 1.0,
        ("fetch", "success"): 0.0,
        ("ls-remote", "error"): 1.0,
        ("ls-remote", "success"): 1.0,
    }
    assert kinds == requests(made)


def test_failures_are_told_by_revision_and_a_commit_id_is_no_label() -> None:
    """Branches and tags are few, commits are endless."""
    events = [git("fetch", "error", revision=rev) for rev in ("main", "a" * 40, "b" * 40, "c" * 64)]
    made = exporter(*events, git("ls-remote", "error", revision="v1"))
    fetches = {"commit": "3.0", "main": "1.0", "v1": "0.0"}
    listings = {"commit": "0.0", "main": "0.0", "v1": "1.0"}
    for name, counts in (("fetch", fetches), ("lsremote", listings)):
        expected = [f'argocd_git_{name}_fail_total{{repo="{REPO}",revision="{rev}"}} {n}' for rev, n in counts.items()]
        assert expected == lines(made, f"argocd_git_{name}_fail_total")


def test_a_password_in_a_url_reaches_no_git_metric() -> None:
    """Events should come without; if one does not, the label is clean all the same."""
    canary = "https://user:LYN-CANARY@git.example/shop.git"
    made = exporter(RepositoryKnown(repo=canary), git("fetch", "error", repo=canary))
    assert not [line for line in lines(made) if "CANARY" in line]
    assert requests(made)["fetch", "error"] == 1.0


@pytest.mark.row(185)
def test_objects_per_cluster() -> None:
    """The number of cached objects, kinds, version and connection of each cluster."""
    names = ["argocd_cluster_" + end for end in ("api_resource_objects", "api_resources", "connection_status", "info")]
    assert [
        f'argocd_cluster_api_resource_objects{{server="{SERVER}"}} 240.0',
        f'argocd_cluster_api_resources{{server="{SERVER}"}} 61.0',
        f'argocd_cluster_connection_status{{k8s_version="v1.36.1",server="{SERVER}"}} 1.0',
        f'argocd_cluster_info{{k8s_version="v1.36.1",name="in-cluster",server="{SERVER}"}} 1.0',
    ] == lines(exporter(cluster()), *names)


def test_an_upgraded_cluster_leaves_no_old_series() -> None:
    """A new version replaces the old one."""
    made = exporter(cluster(), cluster(version="v1.37.0", connected=False))
    status = [f'argocd_cluster_connection_status{{k8s_version="v1.37.0",server="{SERVER}"}} 0.0']
    assert status == lines(made, "argocd_cluster_connection_status")


def test_decisions_are_counted_by_effect_and_source() -> None:
    """Who asked, what for, and the answer."""
    made = exporter(decision(), decision(), decision(allowed=False, source="api", action="get"))
    assert [
        'lynceus_policy_decisions_total{action="get",effect="deny",resource="applications",source="api"} 1.0',
        'lynceus_policy_decisions_total{action="sync",effect="allow",resource="applications",source="loop"} 2.0',
    ] == lines(made, "lynceus_policy_decisions_total")


def test_a_refused_policy_is_a_failure_and_no_reload() -> None:
    """The time is that of the last policy that was taken."""
    names = ("lynceus_policy_reload_failures_total", "lynceus_policy_last_reload_timestamp_seconds")
    made = exporter(PolicyLoaded(ok=False, generation=""))
    assert [f"{names[1]} 0.0", f"{names[0]} 1.0"] == lines(made, *names)
    made.listen(PolicyLoaded(ok=True, generation="g"))
    assert [f"{names[1]} 1.7e+09", f"{names[0]} 1.0"] == lines(made, *names)


@pytest.mark.parametrize(
    ("reason", "trigger"),
    [
        ("spec changed", "spec changed"),
        ("Spec changed: targetRevision", "spec changed"),
        ("watch event (Deployment web/shop)", "watch event"),
        ("timeout", "timeout"),
        ("/etc/passwd", "other"),
    ],
)
def test_a_trigger_is_the_reason_without_its_detail(reason: str, trigger: str) -> None:
    """No object's name becomes a label value."""
    made = exporter(turn(reason=reason))
    assert [f'lynceus_reconcile_total{{result="success",trigger="{trigger}"}} 1.0'] == lines(
        made, "lynceus_reconcile_total"
    )


def test_triggers_cannot_grow_without_end() -> None:
    """Reasons that are all different end as one."""
    made = exporter(*(turn(reason="because " + chr(97 + n % 26) + chr(97 + n // 26)) for n in range(400)))
    assert 41 == len(lines(made, "lynceus_reconcile_total"))
    assert any('trigger="other"} 360.0' in line for line in lines(made, "lynceus_reconcile_total"))


def test_turns_and_their_stages_are_timed() -> None:
    """A failed turn is an error; each stage has its own histogram."""
    made = exporter(turn(error="refused"))
    assert ['lynceus_reconcile_total{result="error",trigger="spec changed"} 1.0'] == lines(
        made, "lynceus_reconcile_total"
    )
    assert ["lynceus_reconcile_duration_seconds_sum 1.5"] == lines(made, "lynceus_reconcile_duration_seconds_sum")
    sums = [
        f'lynceus_reconcile_stage_seconds_sum{{stage="{s}"}} {v}'
        for s, v in (("apply", 0.5), ("compare", 0.25), ("git", 0.5), ("render", 0.25))
    ]
    assert sums == lines(made, "lynceus_reconcile_stage_seconds_sum")


def test_a_clock_that_ran_backwards_breaks_nothing() -> None:
    """An end before its start counts as no time at all."""
    assert ["lynceus_reconcile_duration_seconds_sum 0.0"] == lines(
        exporter(turn(end=900.0)), "lynceus_reconcile_duration_seconds_sum"
    )


def test_renders_are_told_by_tool_and_luck() -> None:
    """Only a render that was made took time."""
    made = exporter(*(RenderFinished(tool="helm", result=r, seconds=2.0) for r in ("hit", "hit", "miss")))
    assert [
        'lynceus_render_cache_requests_total{result="hit",tool="helm"} 2.0',
        'lynceus_render_cache_requests_total{result="miss",tool="helm"} 1.0',
    ] == lines(made, "lynceus_render_cache_requests_total")
    assert ['lynceus_render_duration_seconds_sum{tool="helm"} 2.0'] == lines(
        made, "lynceus_render_duration_seconds_sum"
    )


def test_an_event_without_a_metric_is_ignored() -> None:
    """The loop may publish more than the exporter counts."""
    made = exporter()
    before = [line for line in lines(made) if not line.startswith("process_")]
    made.listen(PushReceived(key=NamespacedName("argocd", "web"), project="shop", repo=REPO, revision="", at=1.0))
    assert before == [line for line in lines(made) if not line.startswith("process_")]


def test_a_turn_that_was_not_due_is_not_counted() -> None:
    """Looking and finding nothing to do is no reconciliation, in Argo CD's histogram neither."""
    made = exporter(turn(reason="", stages=()))
    assert ["lynceus_reconcile_duration_seconds_count 0.0"] == lines(made, "lynceus_reconcile_duration_seconds_count")
    assert [] == lines(made, "argocd_app_reconcile_count", "lynceus_reconcile_total")


def test_overrides_are_born_at_zero_with_their_project_and_counted() -> None:
    """The first override of a project is a step from 0; a project that goes gives birth to nothing."""
    name = "lynceus_freeze_overrides_total"
    made = exporter(ProjectChanged(name="shop"), ProjectChanged(name="gone", deleted=True))
    assert [f'{name}{{project="shop"}} 0.0'] == lines(made, name)
    rule = Rule(kind="freeze", origin="lynceus-cm freeze.x")
    told = decision().decision
    key = NamespacedName("argocd", "web")
    made.listen(FreezeOverridden(key=key, project="shop", subject="carol", reason="fix", rule=rule, decision=told))
    assert [f'{name}{{project="shop"}} 1.0'] == lines(made, name)
