"""Turns with their traces, queues, leadership, webhooks, what was lost."""

from __future__ import annotations

import logging

import pytest

from model.events import AdmissionReviewed, Leading, Lost, QueueMoved, WebhookMoved
from tests.exporter.script import RECONCILIATION, REPO, TRACE, exporter, git, lines, turn

OPENMETRICS = "application/openmetrics-text;version=1.0.0"
QUEUE = f'controller="{RECONCILIATION}",name="{RECONCILIATION}"'


def test_a_queue_is_told_by_what_happens_to_its_keys() -> None:
    """Added and put off are counted, waiting and working are timed."""
    moves = (("added", 0.0), ("added", 0.0), ("taken", 0.25), ("done", 0.5), ("retried", 0.0))
    made = exporter(*(QueueMoved(queue=RECONCILIATION, what=what, seconds=s) for what, s in moves))  # type: ignore[arg-type]
    found = lines(made, "workqueue_adds_total", "workqueue_retries_total")
    found += lines(made, "workqueue_queue_duration_seconds_sum", "workqueue_work_duration_seconds_sum")
    for line in (
        f"workqueue_adds_total{{{QUEUE}}} 2.0",
        f"workqueue_retries_total{{{QUEUE}}} 1.0",
        f"workqueue_queue_duration_seconds_sum{{{QUEUE}}} 0.25",
        f"workqueue_work_duration_seconds_sum{{{QUEUE}}} 0.5",
    ):
        assert line in found


def test_a_queue_is_asked_at_the_scrape() -> None:
    """Depth with an empty priority, as Argo CD has it, and ages."""
    made = exporter()
    names = ("workqueue_depth", "workqueue_unfinished_work_seconds", "workqueue_longest_running_processor_seconds")
    found = [line for line in lines(made, *names, "lynceus_reconcile_queue_oldest_seconds") if RECONCILIATION in line]
    assert [
        f'lynceus_reconcile_queue_oldest_seconds{{queue="{RECONCILIATION}"}} 3.0',
        f'workqueue_depth{{{QUEUE},priority=""}} 4.0',
        f"workqueue_longest_running_processor_seconds{{{QUEUE}}} 2.0",
        f"workqueue_unfinished_work_seconds{{{QUEUE}}} 2.5",
    ] == found


def test_a_queue_that_cannot_be_asked_is_a_gap_and_no_failed_scrape(caplog: pytest.LogCaptureFixture) -> None:
    """An old figure would look like a new one."""
    made = exporter()
    assert lines(made, "workqueue_depth")

    def fails() -> list[object]:
        raise RuntimeError("not now")

    made.sample(queues=fails)  # type: ignore[arg-type]
    with caplog.at_level(logging.CRITICAL, logger="exporter.tables"):
        assert [] == lines(made, "workqueue_depth")
    assert lines(made, "lynceus_build_info")


def test_a_push_is_timed_to_the_refresh_that_it_asked_for() -> None:
    """Turns that no push asked for are not."""
    made = exporter(turn(pushed_at=998.0), turn())
    assert ["lynceus_webhook_to_refresh_seconds_sum 2.0"] == lines(made, "lynceus_webhook_to_refresh_seconds_sum")
    assert ["lynceus_webhook_to_refresh_seconds_count 1.0"] == lines(made, "lynceus_webhook_to_refresh_seconds_count")


@pytest.mark.parametrize(
    "name",
    [
        "lynceus_reconcile_duration_seconds",
        "lynceus_reconcile_stage_seconds",
        "argocd_git_request_duration_seconds",
        "lynceus_deployment_lead_time_seconds",
    ],
)
def test_observations_of_a_trace_carry_its_id(name: str) -> None:
    """In OpenMetrics; the text format knows no exemplars."""
    from model.events import GitRequestFinished
    from tests.exporter.script import deployed

    request = GitRequestFinished(repo=REPO, request_type="fetch", result="success", seconds=0.3, trace_id=TRACE)
    made = exporter(turn(trace_id=TRACE), request, deployed())
    shown = [line for line in lines(made, name + "_bucket", accept=OPENMETRICS) if " # " in line]
    assert shown
    assert all(f'# {{trace_id="{TRACE}"}} ' in line for line in shown)
    assert [] == [line for line in lines(made, name + "_bucket") if " # " in line]


@pytest.mark.parametrize("trace_id", ["", "x" * 32, "0" * 31, 'a"b' * 60, TRACE.upper()])
def test_what_is_no_trace_id_is_no_exemplar(trace_id: str) -> None:
    """An exemplar that is too long would be refused by the client library."""
    made = exporter(turn(trace_id=trace_id), git())
    assert [] == [line for line in lines(made, accept=OPENMETRICS) if " # " in line]


def test_who_leads() -> None:
    """0 before anybody says so."""
    made = exporter()
    assert ["lynceus_leader 0.0"] == lines(made, "lynceus_leader")
    made.listen(Leading(leading=True))
    assert ["lynceus_leader 1.0"] == lines(made, "lynceus_leader")
    made.listen(Leading(leading=False))
    assert ["lynceus_leader 0.0"] == lines(made, "lynceus_leader")


def test_webhook_requests() -> None:
    """Under way and answered; what no Application uses is one empty label."""
    made = exporter(WebhookMoved(ended=False), WebhookMoved(ended=False), WebhookMoved(ended=True, repo=REPO + ".git"))
    assert ["argocd_webhook_handlers_in_flight 1.0"] == lines(made, "argocd_webhook_handlers_in_flight")
    for _ in range(3):
        made.listen(WebhookMoved(ended=True, status=400))
    assert ["argocd_webhook_handlers_in_flight 0.0"] == lines(made, "argocd_webhook_handlers_in_flight")
    assert [
        'argocd_webhook_requests_total{repo=""} 3.0',
        f'argocd_webhook_requests_total{{repo="{REPO}"}} 1.0',
    ] == lines(made, "argocd_webhook_requests_total")


def test_what_was_given_up_is_counted() -> None:
    """Spans, log records and audit records, each with its number."""
    lost = (("span", 3), ("log record", 2), ("audit record", 1), ("log record", 1))
    made = exporter(*(Lost(what=what, number=number) for what, number in lost))  # type: ignore[arg-type]
    assert [
        'lynceus_log_records_dropped_total{stream="audit"} 1.0',
        'lynceus_log_records_dropped_total{stream="log"} 3.0',
        "lynceus_trace_spans_dropped_total 3.0",
    ] == lines(made, "lynceus_log_records_dropped_total", "lynceus_trace_spans_dropped_total")


def test_admission_is_counted_and_timed() -> None:
    """By operation, answer and reason."""
    made = exporter(AdmissionReviewed(operation="UPDATE", decision="deny", reason="window", seconds=0.02))
    assert [
        'lynceus_admission_request_duration_seconds_sum{decision="deny"} 0.02',
        'lynceus_admission_requests_total{decision="deny",operation="UPDATE",reason="window"} 1.0',
    ] == lines(made, "lynceus_admission_request_duration_seconds_sum", "lynceus_admission_requests_total")


def test_the_version_and_the_mode_stand_in_a_series_each() -> None:
    """Argo CD's and our own."""
    assert [
        'argocd_info{version="0.1.0"} 1.0',
        'lynceus_build_info{version="0.1.0"} 1.0',
        'lynceus_mode_info{argocd_metrics="on",mode="reconcile"} 1.0',
    ] == lines(exporter(), "argocd_info", "lynceus_build_info", "lynceus_mode_info")
