"""The per-application families: an Application is a line, a deletion removes it."""

from __future__ import annotations

import msgspec
import pytest

from model.events import ApplicationDeleted
from model.meta import NamespacedName
from model.states import HealthStatus, SyncStatus
from tests.exporter.script import SERVER, attempted, changed, exporter, lines, permission

WEB = NamespacedName("argocd", "web")


def info(**labels: str) -> str:
    known = {
        "autosync_enabled": "true",
        "dest_namespace": "web",
        "dest_server": SERVER,
        "health_status": "Healthy",
        "name": "web",
        "namespace": "argocd",
        "operation": "",
        "project": "shop",
        "repo": "https://git.example/shop",
        "sync_status": "Synced",
    } | labels
    return "argocd_app_info{" + ",".join(f'{name}="{known[name]}"' for name in sorted(known)) + "} 1.0"


def count(phase: str, value: int, dry_run: str = "false", dest: str = SERVER, name: str = "web") -> str:
    labels = f'dest_server="{dest}",dry_run="{dry_run}",name="{name}",namespace="argocd",phase="{phase}",project="shop"'
    return f"argocd_app_sync_total{{{labels}}} {value:.1f}"


@pytest.mark.row(180)
def test_one_series_per_application_with_the_labels_of_argo_cd() -> None:
    """Value 1, ten labels; a new state replaces the series."""
    made = exporter(changed())
    assert [info()] == lines(made, "argocd_app_info")
    made.listen(changed(sync="OutOfSync", health="Degraded"))
    made.listen(changed("other"))
    expected = [info(sync_status="OutOfSync", health_status="Degraded"), info(name="other")]
    assert sorted(expected) == lines(made, "argocd_app_info")


@pytest.mark.row(64)
@pytest.mark.parametrize("status", ["Synced", "OutOfSync", "Unknown", ""])
def test_every_sync_status_is_a_label(status: str) -> None:
    """The three words of status.sync.status, and Unknown for none."""
    assert [info(sync_status=status or "Unknown")] == lines(exporter(changed(sync=status)), "argocd_app_info")
    assert (status or "Unknown") in {word.value for word in SyncStatus}


@pytest.mark.row(65)
@pytest.mark.parametrize("status", ["Healthy", "Progressing", "Degraded", "Suspended", "Missing", "Unknown", ""])
def test_every_health_status_is_a_label(status: str) -> None:
    """The six words of status.health.status, and Unknown for none."""
    assert [info(health_status=status or "Unknown")] == lines(exporter(changed(health=status)), "argocd_app_info")
    assert (status or "Unknown") in {word.value for word in HealthStatus}


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ({"automated": False}, {"autosync_enabled": "false"}),
        ({"syncing": True}, {"operation": "sync"}),
        ({"syncing": True, "deletion_timestamp": "2026-01-01T00:00:00Z"}, {"operation": "delete"}),
        ({"project": ""}, {"project": "default"}),
        ({"dest_server": ""}, {"dest_server": ""}),
        ({"repo_url": "https://u:LYN-CANARY@git.example/Shop.git"}, {}),
    ],
)
def test_labels_follow_the_object(values: dict[str, str], labels: dict[str, str]) -> None:
    """Operation, project, destination and repository as Argo CD writes them, credentials left out."""
    assert [info(**labels)] == lines(exporter(changed(**values)), "argocd_app_info")


@pytest.mark.row(181, 188)
def test_counters_are_born_at_zero_and_count_every_failed_attempt() -> None:
    """The first failure is a step that increase() sees; success counts once per operation."""
    made = exporter(changed())
    assert [count("Error", 0), count("Failed", 0), count("Succeeded", 0)] == lines(made, "argocd_app_sync_total")
    for final in (False, False, False, False, False, True):
        made.listen(attempted(phase="Failed", final=final))
    made.listen(attempted(phase="Succeeded", final=False))
    made.listen(attempted(phase="Succeeded", final=True))
    assert [count("Error", 0), count("Failed", 6), count("Succeeded", 1)] == lines(made, "argocd_app_sync_total")


def test_argo_cds_counting_can_be_had() -> None:
    """Once per finished operation, whatever its retries."""
    made = exporter(changed(), count_attempts=False)
    for final in (False, False, True):
        made.listen(attempted(phase="Failed", final=final))
    assert count("Failed", 1) in lines(made, "argocd_app_sync_total")


def test_dry_runs_are_counted_apart() -> None:
    """A dry run is no deployment."""
    made = exporter(changed(), attempted(phase="Succeeded", final=True, dry_run=True))
    assert {count("Succeeded", 0), count("Succeeded", 1, "true")} < set(lines(made, "argocd_app_sync_total"))


def test_a_destination_found_later_leaves_no_counters_at_zero_behind() -> None:
    """Counters that moved stay, those that never did follow the labels."""
    made = exporter(changed(dest_server=""), changed())
    assert [count("Error", 0), count("Failed", 0), count("Succeeded", 0)] == lines(made, "argocd_app_sync_total")
    made.listen(attempted(phase="Failed"))
    made.listen(changed(dest_server="https://new"))
    assert count("Failed", 1) in lines(made, "argocd_app_sync_total")
    assert count("Failed", 0, dest="https://new") in lines(made, "argocd_app_sync_total")


def test_a_deleted_application_is_gone_and_comes_back_at_zero() -> None:
    """No line has its name at the next scrape, late events included."""
    made = exporter(changed(), changed("other"), attempted(), permission(), changed(conditions=("SyncError",)))
    assert 12 == len([line for line in lines(made) if 'name="web"' in line])
    made.listen(ApplicationDeleted(key=WEB))
    made.listen(attempted())
    made.listen(permission())
    made.listen(ApplicationDeleted(key=WEB))
    assert [] == [line for line in lines(made) if 'name="web"' in line]
    assert [] == [line for line in lines(made, accept="application/openmetrics-text") if 'name="web"' in line]
    made.listen(changed())
    assert count("Failed", 0) in lines(made, "argocd_app_sync_total")
    assert [] == [line for line in lines(made, "lynceus_app_sync_allowed") if 'name="web"' in line]


def test_churn_leaves_nothing_behind() -> None:
    """Hundreds of applications a day, made and deleted: the number of series and of blocks stays flat."""
    made = exporter(changed("stays"))
    before = len(lines(made))
    for day in range(30):
        for number in range(50):
            made.listen(changed(f"preview-{day}-{number}"))
            made.listen(attempted(f"preview-{day}-{number}"))
        for number in range(50):
            made.listen(ApplicationDeleted(key=NamespacedName("argocd", f"preview-{day}-{number}")))
    assert before == len(lines(made))


def test_conditions_are_counted_by_type() -> None:
    """Absent at zero."""
    made = exporter(changed(conditions=("SyncError", "SyncError", "ComparisonError")))
    base = 'name="web",namespace="argocd",project="shop"} '
    assert [
        f'argocd_app_condition{{condition="ComparisonError",{base}1.0',
        f'argocd_app_condition{{condition="SyncError",{base}2.0',
    ] == lines(made, "argocd_app_condition")
    made.listen(changed())
    assert [] == lines(made, "argocd_app_condition")


def test_permission_is_told_for_the_loop_and_for_people() -> None:
    """1 when a sync would be let through now, 0 when not."""
    base = 'lynceus_app_sync_allowed{name="web",namespace="argocd",project="shop",trigger='
    made = exporter(changed(), permission(automated=False, manual=True))
    assert [f'{base}"auto"}} 0.0', f'{base}"manual"}} 1.0'] == lines(made, "lynceus_app_sync_allowed")
    made.listen(permission())
    assert [f'{base}"auto"}} 1.0', f'{base}"manual"}} 1.0'] == lines(made, "lynceus_app_sync_allowed")


def test_beside_an_argo_cd_its_families_are_off() -> None:
    """A second argocd_app_info would double every sum; our own families and Git counters stay."""
    made = exporter(changed(), permission(), attempted(), argocd_metrics=False)
    names = {line.split("{")[0].split(" ")[0] for line in lines(made)}
    assert not {name for name in names if name.startswith(("argocd_app", "argocd_cluster"))}
    assert "lynceus_app_sync_allowed" in names
    body, _ = made.exposition("")
    assert b"argocd_app_info" not in body
    assert b"argocd_git_request_total" in body


def test_an_attempt_without_a_destination_counts_where_it_was_born() -> None:
    """It failed before its destination was resolved; a series of its own would be born at 1."""
    early = msgspec.structs.replace(attempted(), project="", dest_server="")
    assert [count("Error", 0), count("Failed", 1), count("Succeeded", 0)] == lines(
        exporter(changed(), early), "argocd_app_sync_total"
    )
