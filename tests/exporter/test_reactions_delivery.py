"""Deployments, drift, healing, and the projects and repositories that come and go."""

from __future__ import annotations

import pytest

from exporter import Exporter
from exporter.reactions.git import MOST_REVISIONS
from model.events import (
    ApplicationDeleted,
    DriftDetected,
    DriftEnded,
    GitWait,
    ProjectChanged,
    RepositoryKnown,
    Restored,
    SelfHealed,
)
from model.meta import NamespacedName
from tests.exporter.script import NOW, REPO, changed, deployed, exporter, git, lines, turn

WEB = NamespacedName("argocd", "web")
PLACE = 'environment="%s",project="shop"'


def value(made: Exporter, line: str) -> float:
    """Return the value of one series."""
    (found,) = [text for text in lines(made, line.split("{")[0]) if text.startswith(line + " ")]
    return float(found.rsplit(" ", 1)[1])


def test_deployments_are_born_with_project_and_environment() -> None:
    """The label names the environment; an Application without it is in none."""
    made = exporter(changed(labels={"environment": "prod"}), changed("other"))
    total = "lynceus_deployments_total{" + PLACE
    assert [
        f'{total % environment},result="{result}"}} 0.0'
        for environment in ("none", "prod")
        for result in ("failed", "rolled_back", "success")
    ] == lines(made, "lynceus_deployments_total")
    for result in ("success", "success", "failed", "rolled_back"):
        made.listen(deployed(result=result))
    counted = [value(made, f'{total % "prod"},result="{result}"}}') for result in ("success", "failed", "rolled_back")]
    assert [2, 1, 1] == counted


def test_lead_time_is_that_of_deployments_that_got_there() -> None:
    """With its stages, and once without what windows took; an unknown time is no observation."""
    made = exporter(
        deployed(), deployed(lead_seconds=None, stages={"blocked": 5.0}), deployed(result="failed", lead_seconds=None)
    )
    prod = PLACE % "prod"
    assert 120 == value(made, f"lynceus_deployment_lead_time_seconds_sum{{{prod}}}")
    assert 1 == value(made, f"lynceus_deployment_lead_time_seconds_count{{{prod}}}")
    assert 110 == value(made, "lynceus_deployment_unblocked_seconds_sum")
    stages = {"blocked": 15, "commit_to_seen": 20, "seen_to_synced": 40, "synced_to_healthy": 60}
    assert stages == {s: value(made, f'lynceus_deployment_stage_seconds_sum{{stage="{s}"}}') for s in stages}


def test_drift_healing_and_restoring() -> None:
    """By project; by environment where the four keys ask for it."""
    made = exporter(
        changed(),
        DriftDetected(key=WEB, project="shop", origin="live"),
        DriftEnded(key=WEB, project="shop", seconds=45.0),
        SelfHealed(key=WEB, project="shop", result="failed"),
        Restored(key=WEB, project="shop", environment="prod", seconds=600.0),
    )
    assert 1 == value(made, 'lynceus_drift_detected_total{origin="live",project="shop"}')
    assert 0 == value(made, 'lynceus_drift_detected_total{origin="git",project="shop"}')
    assert 45 == value(made, 'lynceus_drift_duration_seconds_sum{project="shop"}')
    assert 1 == value(made, 'lynceus_self_heal_total{project="shop",result="failed"}')
    assert 600 == value(made, f"lynceus_time_to_restore_seconds_sum{{{PLACE % 'prod'}}}")


@pytest.mark.parametrize("last", ["project", "application"])
def test_a_project_goes_with_the_last_that_names_it(last: str) -> None:
    """AppProject or Application, whichever goes last; a project of that name made later begins at 0."""
    gone = [ProjectChanged(name="shop", deleted=True), ApplicationDeleted(key=WEB)]
    first, second = gone if last == "application" else reversed(gone)
    made = exporter(ProjectChanged(name="shop"), changed(), deployed(), ProjectChanged(name="shop"))
    made.listen(first)
    assert [line for line in lines(made) if 'project="shop"' in line]
    made.listen(second)
    assert [] == [line for line in lines(made) if 'project="shop"' in line]
    made.listen(second)
    made.listen(changed(labels={"environment": "prod"}))
    assert 0 == value(made, f'lynceus_deployments_total{{{PLACE % "prod"},result="success"}}')


def test_an_environment_goes_with_the_last_application_that_is_in_it() -> None:
    """Previews have environments of their own; the project's others stay."""
    made = exporter(changed(labels={"environment": "pr-1"}), changed("two"), deployed(environment="pr-1"))
    assert 3 == len([line for line in lines(made, "lynceus_deployments_total") if "pr-1" in line])
    made.listen(changed(labels={"environment": "prod"}))
    assert [] == [line for line in lines(made) if "pr-1" in line]
    environments = {line.split('environment="')[1].split('"')[0] for line in lines(made, "lynceus_deployments_total")}
    assert {"none", "prod"} == environments


def test_a_namespace_goes_with_its_last_application() -> None:
    """Applications in any namespace come and go with it."""
    made = exporter(
        changed(), changed("there", namespace="preview"), turn(), turn(key=NamespacedName("preview", "there"))
    )
    assert 2 == len(lines(made, "argocd_app_reconcile_count"))
    made.listen(ApplicationDeleted(key=NamespacedName("preview", "there")))
    assert [] == [line for line in lines(made) if "preview" in line]
    assert 1 == len(lines(made, "argocd_app_reconcile_count"))


def test_revisions_of_a_repository_are_bounded() -> None:
    """Branches come and go; the one that was not asked for the longest goes first."""
    made = exporter(*(git("fetch", "error", revision=f"pr-{n}") for n in range(MOST_REVISIONS)))
    made.listen(git("fetch", "error", revision="pr-0"))
    made.listen(git("fetch", revision="new"))
    found = {line.split('revision="')[1].replace('"}', ""): 0 for line in lines(made, "argocd_git_fetch_fail_total")}
    assert MOST_REVISIONS == len(found)
    assert {"pr-0 2.0", "new 0.0"} <= found.keys()
    assert "pr-1 1.0" not in found


def test_a_repository_goes_with_the_last_application_that_names_it() -> None:
    """Nothing waits for it for ever; requests that were under way do not bring it back; who comes back begins at 0."""
    made = exporter(changed(), changed("two"), RepositoryKnown(repo=REPO), git("fetch"), git("ls-remote", "error"))
    made.listen(ApplicationDeleted(key=WEB))
    assert f'lynceus_git_last_success_timestamp_seconds{{repo="{REPO}"}} {NOW}'.replace(
        "1700000000.0", "1.7e+09"
    ) in lines(made, "lynceus_git_last_success_timestamp_seconds")
    made.listen(changed("two", repo_url="https://git.example/other"))
    made.listen(git("fetch"))
    made.listen(GitWait(repo=REPO, pending=1))
    made.listen(RepositoryKnown(repo=REPO))
    assert [] == [line for line in lines(made) if REPO in line]
    made.listen(changed())
    assert 4 == len(lines(made, "argocd_git_request_total"))
    assert 0 == value(made, f'argocd_git_request_total{{repo="{REPO}",request_type="fetch",result="success"}}')
    assert [] == lines(made, "lynceus_git_last_success_timestamp_seconds")


def test_waiting_for_a_repository() -> None:
    """Who waits now, and how long those who do no more have waited."""
    made = exporter(
        GitWait(repo=REPO, pending=1), GitWait(repo=REPO, pending=2), GitWait(repo=REPO, pending=1, waited=3.0)
    )
    assert 1 == value(made, f'argocd_repo_pending_request_total{{repo="{REPO}"}}')
    assert 3 == value(made, "argocd_repo_parallelism_wait_duration_seconds_sum")
