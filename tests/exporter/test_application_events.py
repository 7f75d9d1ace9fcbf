"""What events say of an Application beside its object: syncs, standing, permission, cost, requests."""

from __future__ import annotations

import datetime as dt

import msgspec
import pytest

from exporter import Exporter
from exporter.catalogue import CATALOGUE
from exporter.choice import FEW_AGAIN, FEW_APPLICATIONS, Choice
from exporter.readings import MOST_CONDITIONS
from exporter.tallies import MOST_FORMER, MOST_REQUESTS
from model.decision import Rule
from model.events import ApplicationDeleted, Event, OrphansCounted
from model.meta import NamespacedName
from tests.exporter.script import (
    NOW,
    SERVER,
    asked,
    attempted,
    behind,
    busy_minute,
    changed,
    decision,
    ended,
    exporter,
    lines,
    permission,
    stands,
    turn,
)

WEB = NamespacedName("argocd", "web")
APP = 'name="web",namespace="argocd",project="shop"'
LATER = dt.datetime.fromtimestamp(NOW + 60, dt.UTC)
PER_APPLICATION = [metric.name for metric in CATALOGUE if metric.per_application]


def test_seconds_of_finished_operations_add_up() -> None:
    """Whole seconds, once per operation whatever its attempts; born at 0."""
    name = "argocd_app_sync_duration_seconds_total"
    labels = f'{{dest_server="{SERVER}",{APP}}}'
    made = exporter(changed())
    assert [f"{name}{labels} 0.0"] == lines(made, name)
    for final in (False, True, True):
        made.listen(attempted(final=final, seconds=20.9))
    made.listen(attempted(final=True, seconds=-5))
    assert [f"{name}{labels} 40.0"] == lines(made, name)


def test_former_destinations_are_kept_up_to_a_number() -> None:
    """An Application that is sent from place to place does not grow without end."""
    made = exporter()
    for number in range(3 * MOST_FORMER):
        made.listen(changed(dest_server=f"https://{number}"))
        made.listen(msgspec.structs.replace(attempted(final=True), dest_server=f"https://{number}"))
    assert MOST_FORMER + 1 == len(lines(made, "argocd_app_sync_duration_seconds_total"))
    failed = [line for line in lines(made, "argocd_app_sync_total") if 'phase="Failed"' in line]
    assert MOST_FORMER + 1 == len(failed)
    assert any(f"https://{3 * MOST_FORMER - 1}" in line for line in failed)


@pytest.mark.parametrize("phase", ["Running", "Terminating", "Odd"])
def test_the_last_finished_operation_stays_while_another_runs(phase: str) -> None:
    """A phase that is none of the three is no result."""
    info, finished = "lynceus_app_last_sync_info", "lynceus_app_last_sync_finished_timestamp_seconds"
    made = exporter(changed(operation_state=ended("Failed")))
    told = [
        f"{finished}{{{APP}}} 1767225600.0",
        f'{info}{{name="web",namespace="argocd",phase="Failed",project="shop"}} 1.0',
    ]
    assert told == lines(made, info, finished)
    made.listen(changed(operation_state=ended(phase, at=None)))
    assert told == lines(made, info, finished)
    made.listen(changed(operation_state=ended("Succeeded", at="never")))
    assert [told[1].replace("Failed", "Succeeded")] == lines(made, info, finished)
    made.listen(changed())
    assert [] == lines(made, info, finished)


def test_objects_are_counted_by_pairs_of_states() -> None:
    """Pairs that do not occur are absent; no health of its own is an empty label."""
    pairs = [("Synced", "Healthy"), ("Synced", "Healthy"), ("OutOfSync", "Degraded"), ("Synced", "")]
    name = "lynceus_app_resources"
    made = exporter(changed(resources=pairs))
    assert [
        f'{name}{{health_status="",{APP},sync_status="Synced"}} 1.0',
        f'{name}{{health_status="Degraded",{APP},sync_status="OutOfSync"}} 1.0',
        f'{name}{{health_status="Healthy",{APP},sync_status="Synced"}} 2.0',
    ] == lines(made, name)
    made.listen(changed())
    assert [] == lines(made, name)


def test_odd_words_in_a_status_make_no_series_of_their_own() -> None:
    """Whoever may write the status of one Application cannot fill a family."""
    odd = [(f"sync-{number}", f"health-{number}") for number in range(500)]
    made = exporter(changed(resources=odd, conditions=[f"Type{number}" for number in range(500)]))
    expected = f'lynceus_app_resources{{health_status="Unknown",{APP},sync_status="Unknown"}} 500.0'
    assert [expected] == lines(made, "lynceus_app_resources")
    assert MOST_CONDITIONS == len(lines(made, "argocd_app_condition"))


def test_drift_and_ill_health_are_told_by_their_beginning() -> None:
    """Absent while there is none; the health of now is a label of the second."""
    drift, sick = "lynceus_app_drift_since_timestamp_seconds", "lynceus_app_unhealthy_since_timestamp_seconds"
    made = exporter(changed(), stands(drift_since=NOW, unhealthy_since=NOW - 5, health_status="Degraded"))
    assert [
        f"{drift}{{{APP}}} {NOW}",
        f'{sick}{{health_status="Degraded",{APP}}} {NOW - 5}',
    ] == lines(made, drift, sick)
    made.listen(changed(sync="OutOfSync", health="Missing", automated=False))
    made.listen(stands(unhealthy_since=NOW - 5, health_status="Missing"))
    assert [f'{sick}{{health_status="Missing",{APP}}} {NOW - 5}'] == lines(made, drift, sick)
    made.listen(stands())
    assert [] == lines(made, drift, sick)


def test_commits_that_wait_are_counted_while_they_are_known() -> None:
    """0 is a number, None is none."""
    number, oldest = "lynceus_app_commits_behind", "lynceus_app_oldest_undeployed_commit_timestamp_seconds"
    made = exporter(changed(), behind(number=2, oldest=NOW))
    assert [f"{number}{{{APP}}} 2.0", f"{oldest}{{{APP}}} {NOW}"] == lines(made, number, oldest)
    made.listen(behind(number=0, oldest=None))
    assert [f"{number}{{{APP}}} 0.0"] == lines(made, number, oldest)
    made.listen(behind(number=None, oldest=None))
    assert [] == lines(made, number, oldest)


def test_orphans_are_counted() -> None:
    """The newest number."""
    name = "argocd_app_orphaned_resources_count"
    made = exporter(changed(), *(OrphansCounted(key=WEB, project="x", number=n) for n in (3, 1)))
    assert [f"{name}{{{APP}}} 1.0"] == lines(made, name)


WINDOWS = (
    "lynceus_app_sync_blocked",
    "lynceus_app_window_next_open_timestamp_seconds",
    "lynceus_app_window_next_close_timestamp_seconds",
)


def test_what_blocks_and_until_when() -> None:
    """Denied: the reason and when it opens. Allowed: when it closes. Never: neither."""
    blocked, opens, closes = WINDOWS
    made = exporter(changed(), permission(automated=False, until=LATER))
    reason = f'{blocked}{{{APP},reason="outside_allow"}} 1.0'
    assert [reason, f"{opens}{{{APP}}} {NOW + 60}"] == lines(made, *WINDOWS)
    made.listen(permission(until=LATER))
    assert [f"{closes}{{{APP}}} {NOW + 60}"] == lines(made, *WINDOWS)
    made.listen(permission(automated=False))
    assert [reason] == lines(made, *WINDOWS)
    made.listen(permission())
    assert [] == lines(made, *WINDOWS)


def test_turns_cost() -> None:
    """Seconds of turns that did something, added up."""
    name = "lynceus_app_reconcile_cost_seconds_total"
    made = exporter(changed(), turn(), turn(queue="operation"), turn(reason="", stages=()), turn(end=0.0))
    assert [f"{name}{{{APP}}} 3.0"] == lines(made, name)


def test_requests_are_told_with_argo_cds_words() -> None:
    """Verbs as Argo CD spells them; requests for nobody in particular are in no such line."""
    name = "argocd_app_k8s_request_total"
    made = exporter(
        changed(), asked(), asked(), asked(verb="deletecollection", code=0, dry_run=True), asked(None), asked("gone")
    )
    end = f'resource_kind="services",resource_namespace="web",response_code="%s",server="{SERVER}",verb="%s"}} %s'
    assert [
        f'{name}{{dry_run="false",{APP},' + end % ("200", "Patch", "2.0"),
        f'{name}{{dry_run="true",{APP},' + end % ("0", "Unknown", "1.0"),
    ] == lines(made, name)


def test_requests_of_one_application_are_bounded() -> None:
    """Odd objects are many; what is beyond is counted."""
    made = exporter(changed(), *(asked(kind=f"kind-{n}") for n in range(MOST_REQUESTS + 5)))
    assert MOST_REQUESTS == len(lines(made, "argocd_app_k8s_request_total"))
    dropped = 'lynceus_metrics_dropped_label_values_total{family="argocd_app_k8s_request_total"} 5.0'
    assert dropped in lines(made, "lynceus_metrics_dropped_label_values_total")


def test_requests_by_application_end_where_there_are_many_and_begin_again_where_there_are_few() -> None:
    """Auto follows the number of Applications, with room between the two."""
    name, made = "argocd_app_k8s_request_total", exporter(chosen=Choice())
    for number in range(FEW_APPLICATIONS):
        made.listen(changed(f"app-{number}"))
    made.listen(asked("app-0"))
    assert 1 == len(lines(made, name))
    made.listen(asked("app-0"))
    made.listen(changed("one-more"))
    made.listen(asked("app-1"))
    assert [] == lines(made, name)
    for number in range(FEW_APPLICATIONS + 1 - FEW_AGAIN):
        assert [] == lines(made, name)
        made.listen(ApplicationDeleted(key=NamespacedName("argocd", f"app-{number}")))
    made.listen(asked("one-more"))
    (line,) = lines(made, name)
    assert line.endswith(" 1.0")


@pytest.mark.parametrize(("wanted", "number"), [("on", 1), ("off", 0)])
def test_requests_by_application_can_be_wanted_or_not(wanted: str, number: int) -> None:
    """Whatever the number of Applications."""
    made = exporter(changed(), asked(), chosen=Choice(application_requests=wanted))  # type: ignore[arg-type]
    assert number == len(lines(made, "argocd_app_k8s_request_total"))


def busy() -> list[Event]:
    """Return events after which sick has a line in every family."""
    return [
        *busy_minute(1),
        changed("sick", sync="OutOfSync", conditions=("SyncError",), operation_state=ended(), resources=[("", "")]),
        permission("sick", automated=False, until=LATER),
    ]


def having(made: Exporter, text: str, accept: str = "") -> set[str]:
    """Return the names of per-Application families with a line that has the text."""
    return {line.split("{")[0] for line in lines(made, *PER_APPLICATION, accept=accept) if text in line}


@pytest.mark.parametrize("accept", ["", "application/openmetrics-text"])
def test_a_deletion_takes_all_lines_of_every_family(accept: str) -> None:
    """Also those of events that come late; and who comes again begins at 0."""
    made = exporter(*busy())
    closes = {"lynceus_app_window_next_close_timestamp_seconds"}
    assert set(PER_APPLICATION) - closes == having(made, 'name="sick"', accept)
    assert closes <= having(made, 'name="web"', accept)
    others = [line for line in lines(made, *PER_APPLICATION, accept=accept) if 'name="sick"' not in line]
    made.listen(ApplicationDeleted(key=NamespacedName("argocd", "sick")))
    for late in (attempted("sick"), stands("sick", drift_since=1.0), behind("sick"), permission("sick"), turn("sick")):
        made.listen(late)
    made.listen(asked("sick"))
    assert set() == having(made, 'name="sick"', accept)
    assert others == lines(made, *PER_APPLICATION, accept=accept)
    made.listen(changed("sick"))
    again = [line for line in lines(made, *PER_APPLICATION, accept=accept) if 'name="sick"' in line]
    assert {"0.0", "1.0"} == {line.rsplit(" ", 1)[1] for line in again}
    assert {"0.0"} == {line.rsplit(" ", 1)[1] for line in again if "_total{" in line}


def test_a_change_of_project_moves_all_lines() -> None:
    """No family keeps the old one, and numbers go along."""
    made = exporter(*busy())
    before = [line.split(" ")[1] for line in lines(made, *PER_APPLICATION) if 'name="sick"' in line]
    state = ended()
    made.listen(
        changed(
            "sick",
            project="other",
            sync="OutOfSync",
            conditions=("SyncError",),
            operation_state=state,
            resources=[("", "")],
        )
    )
    after = [line for line in lines(made, *PER_APPLICATION) if 'name="sick"' in line]
    assert all('project="other"' in line for line in after)
    assert sorted(before) == sorted(line.split(" ")[1] for line in after)


BLOCKED = "lynceus_sync_blocked_total"


def blocked(made: Exporter) -> dict[str, float]:
    """Return reason -> value of those that are not 0; each reason is there from the start."""
    found = [line.split('reason="')[1].split('"} ') for line in lines(made, BLOCKED)]
    assert {"window_deny", "outside_allow", "freeze", "rbac", "project"} == {reason for reason, _ in found}
    return {reason: float(value) for reason, value in found if float(value)}


def test_a_blocked_sync_is_counted_once_until_it_is_let_through() -> None:
    """The loop asks at every turn; each reason counts for itself."""
    shut, rbac = Rule(kind="freeze", origin="lynceus-cm freeze.x"), Rule(kind="rbac", origin="policy.csv:1")
    no, yes = decision(allowed=False, name="web", rule=shut), decision(name="web")
    made = exporter(changed(), no, no, no)
    assert {"freeze": 1.0} == blocked(made)
    made.listen(decision(allowed=False, name="web", rule=rbac))
    made.listen(no)
    assert {"freeze": 1.0, "rbac": 1.0} == blocked(made)
    made.listen(yes)
    made.listen(no)
    assert {"freeze": 2.0, "rbac": 1.0} == blocked(made)
    made.listen(permission())
    made.listen(no)
    assert {"freeze": 3.0, "rbac": 1.0} == blocked(made)


def test_people_and_the_loop_are_blocked_apart() -> None:
    """What RBAC refuses a person stays refused when a window opens."""
    rbac = Rule(kind="rbac", origin="policy.csv:1")
    no = decision(allowed=False, name="web", rule=rbac, manual=True, source="api")
    made = exporter(changed(), no, permission(), no, decision(name="web"), no)
    assert {"rbac": 1.0} == blocked(made)
    made.listen(decision(name="web", manual=True))
    made.listen(no)
    assert {"rbac": 2.0} == blocked(made)


def test_answers_that_keep_no_sync_from_running_are_not_counted() -> None:
    """Another action, nobody's sync, or one of an Application that is gone."""
    made = exporter(
        changed(),
        decision(allowed=False, name="web", action="get"),
        decision(allowed=False),
        decision(allowed=False, name="gone"),
    )
    assert {} == blocked(made)


def test_what_did_not_change_is_not_written_again() -> None:
    """Turns that find nothing cost the next scrape nothing; one that finds something costs what it touches."""
    made = exporter(*busy())
    made.exposition("", "gzip")

    def fresh() -> set[str]:
        families = made._applications.families
        return {f.metric.name for f in families for block in f._blocks.values() if block.member is None}

    made.listen(busy()[-2])
    made.listen(busy()[-1])
    assert set() == fresh()
    made.listen(turn("sick"))
    assert {"lynceus_app_reconcile_cost_seconds_total"} == fresh()
    made.listen(
        changed("sick", sync="Synced", conditions=("SyncError",), operation_state=ended(), resources=[("", "")])
    )
    assert {"argocd_app_info", "lynceus_app_info"} == fresh() - {"lynceus_app_reconcile_cost_seconds_total"}
