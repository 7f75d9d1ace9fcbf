"""Tests of deployments, self-heals and rollbacks: what is one, how it ends, and that it is counted once."""

from __future__ import annotations

import typing as t

import pytest

from controller.delivery.facts import Ended
from model.events import DeploymentEnded, DriftDetected, Restored, SelfHealed, SyncAttempted
from model.traces import deployment_trace_id
from tests.controller.delivery.story import START, A, B, C, D, Story, running


def ended(story: Story) -> DeploymentEnded:
    """Return the newest end of a deployment."""
    found: DeploymentEnded = story.of(DeploymentEnded)[-1]
    return found


def questions(story: Story) -> list[tuple[str, str]]:
    """Return the newest questions about commits, as (commit, what was before)."""
    newest = [event for event in story.events if isinstance(event, Ended)][-1]
    return [(question.commit, question.before) for question in newest.questions]


def test_a_deployment_that_goes_well() -> None:
    """Seen, synced, healthy: one success with its stages, and the commit to ask for."""
    story = running()
    story.deploy(B)
    assert ["success"] == story.results
    assert {"seen_to_synced": 2.0, "synced_to_healthy": 2.0, "blocked": 0.0} == ended(story).stages
    assert (START + 1, START + 5) == (ended(story).started, ended(story).ended)
    assert (B, deployment_trace_id(story.app.key, B)) == (ended(story).revision, ended(story).trace_id)
    assert [(B, A)] == questions(story)


def test_the_first_deployment_of_a_new_application_counts() -> None:
    """A new Application's first sync is a deployment; its change is no older than the Application."""
    story = Story()
    story.see()
    story.deploy(A)
    assert ["success"] == story.results
    newest = next(event for event in story.events if isinstance(event, Ended))
    assert START - 1000 == newest.floor
    assert [(A, "")] == questions(story)


def test_a_sync_of_what_is_deployed_is_no_deployment() -> None:
    """Somebody presses the button once more: nothing new came."""
    story = running()
    story.begin(A, by="ada")
    story.finish()
    story.compared("Synced", A)
    story.begin(A, by="ada")
    story.finish("Failed")
    assert [] == story.results + story.of(SelfHealed)


def test_a_parameter_is_a_deployment_without_a_commit() -> None:
    """The same commit with other sources: a change, but no commit made it."""
    story = running()
    story.spec["source"] = {**story.spec["source"], "helm": {"parameters": [{"name": "a", "value": "1"}]}}
    story.deploy(A)
    assert ["success"] == story.results
    assert [] == questions(story)


def test_another_name_for_the_same_commit_is_no_change() -> None:
    """A branch that was renamed leads to the same commit."""
    story = running()
    story.spec["source"] = {**story.spec["source"], "targetRevision": "release"}
    story.deploy(A)
    assert [] == story.results


def test_a_self_heal_is_no_deployment() -> None:
    """Argo CD marks it; an automated sync of what is deployed is one as well."""
    story = running()
    story.compared("OutOfSync", A)
    story.begin(A, heals=1, resources=[{"kind": "ConfigMap", "name": "a"}])
    story.finish()
    story.compared("Synced", A)
    story.compared("OutOfSync", A)
    story.begin(A)
    story.finish("Failed")
    assert ["success", "failed"] == [event.result for event in story.of(SelfHealed)]
    assert [] == story.results
    assert [] == story.of(Restored)


@pytest.mark.parametrize("more", [{"dryRun": True}, {"resources": [{"kind": "ConfigMap", "name": "a"}]}])
@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_dry_run_and_a_part_are_no_deployments(more: dict[str, t.Any], phase: str) -> None:
    """Neither counts, however it ends, and what is deployed stays what it was."""
    story = running()
    story.compared("OutOfSync", B)
    story.begin(B, by="ada", **more)
    story.finish(phase)
    story.compared("OutOfSync", B)
    assert [] == story.results
    story.begin(B)
    story.finish()
    story.compared("Synced", B)
    assert ["success"] == story.results


@pytest.mark.parametrize(
    "message",
    [
        "Sync operation blocked by sync window",
        "Sync operation blocked by sync window: window nights",
        "Sync operation refused: applications, sync is denied",
        "Sync operation stopped: a freeze began",
        "one or more synchronization tasks are not valid: kind Secret is not permitted",
    ],
)
def test_what_policy_kept_back_did_not_fail(message: str) -> None:
    """A closed window is no failed deployment, and nothing is to be restored after it."""
    story = running()
    story.compared("OutOfSync", B)
    story.begin(B)
    story.finish("Failed", message=message)
    story.compared("OutOfSync", B)
    assert [] == story.results
    story.begin(B)
    story.finish()
    story.compared("Synced", B)
    assert ["success"] == story.results
    assert [] == story.of(Restored)


def test_a_project_of_argocd_that_does_not_permit_is_policy_too() -> None:
    """Argo CD says so in the results; the same message without that is a failure."""
    for words, expected in (("resource :Secret is not permitted in project shop", []), ("no such kind", ["failed"])):
        story = running()
        story.compared("OutOfSync", B)
        story.begin(B)
        story.status["operationState"]["syncResult"]["resources"] = [{"kind": "Secret", "name": "a", "message": words}]
        story.finish("Failed", message="one or more synchronization tasks are not valid (retried 2 times).")
        assert expected == story.results


def test_a_failed_sync_is_a_failed_deployment_each_time() -> None:
    """Each finished operation is one; retries inside one are not."""
    story = running()
    story.compared("OutOfSync", B)
    story.begin(B, retry=3)
    story.retried()
    story.retried()
    story.finish("Failed")
    story.compared("OutOfSync", B)
    story.begin(B, by="ada")
    story.finish("Error")
    assert ["failed", "failed"] == story.results
    assert {} == ended(story).stages
    assert [(B, A)] == questions(story)


def test_a_sync_that_somebody_terminated_failed() -> None:
    """Terminating is no end; then it counts once, for part of it may be in the cluster."""
    story = running()
    story.compared("OutOfSync", B)
    story.begin(B)
    story.status["operationState"] = {**story.status["operationState"], "phase": "Terminating"}
    story.see()
    assert [] == story.results
    story.finish("Failed", message="Operation terminated")
    story.compared("OutOfSync", B)
    assert ["failed"] == story.results


@pytest.mark.parametrize("remembers", [True, False])
def test_the_history_is_written_before_the_end(remembers: bool) -> None:
    """An Argo CD writes status.history, often a comparison too, and only then that the operation has ended.

    A process that begins there, without a memory too, does not take what is being deployed for what was.
    """
    story = running(observe=True)
    story.compared("OutOfSync", B)
    story.begin(B)
    operation, now = story.status["operationState"], story.status["reconciledAt"]
    entry = {**operation["syncResult"], "id": 1, "deployStartedAt": operation["startedAt"], "deployedAt": now}
    story.status["history"] = [*story.status["history"], entry]
    story.restart(remembers=remembers)
    story.see()
    story.compared("Synced", B)
    story.restart()
    story.see()
    ended_at = story.status["reconciledAt"]
    story.operation = None
    state = {**story.status["operationState"], "phase": "Succeeded", "finishedAt": ended_at}
    story.status = {**story.status, "operationState": state}
    story.see(after=1)
    assert ["success"] == story.results
    assert [] == story.of(SelfHealed)


def test_a_sync_that_never_had_a_revision_deployed_nothing() -> None:
    """The repository did not answer: there was nothing to deploy."""
    story = running()
    story.begin(B, by="ada")
    state = story.status["operationState"]
    story.status["operationState"] = {**state, "operation": {"sync": {}}, "syncResult": None}
    story.finish("Error")
    assert [] == story.results


def test_degraded_before_it_was_healthy_is_failed() -> None:
    """Counted once; that it gets well later is a restoring, not another deployment."""
    story = running()
    story.compared("OutOfSync", B)
    story.begin(B)
    story.finish()
    story.compared("Synced", B, "Progressing")
    story.compared("Synced", B, "Degraded", after=60)
    story.compared("Synced", B, "Progressing", after=60)
    story.compared("Synced", B, "Healthy", after=60)
    assert ["failed"] == story.results
    assert [120.0] == [event.seconds for event in story.of(Restored)]


def test_degraded_after_it_was_healthy_is_no_failed_deployment() -> None:
    """The deployment had come to its good end."""
    story = running()
    story.deploy(B)
    story.compared("Synced", B, "Degraded", after=60)
    assert ["success"] == story.results


def test_the_verdict_from_before_the_sync_does_not_count() -> None:
    """The version in which the sync ended still has the old health and the old comparison."""
    story = running()
    story.compared("Synced", A, "Degraded")
    story.compared("OutOfSync", B, "Degraded")
    story.begin(B)
    story.finish()
    assert [] == story.results
    story.compared("Synced", B, "Progressing")
    story.compared("Synced", B, "Healthy", after=10)
    assert ["success"] == story.results


def test_an_application_that_was_degraded_has_time_to_get_well() -> None:
    """Degraded before and still so right after is the old illness; after 15 minutes it was no cure."""
    story = running()
    story.compared("OutOfSync", B, "Degraded")
    story.begin(B)
    story.finish()
    story.compared("Synced", B, "Degraded")
    assert [] == story.results
    story.compared("Synced", B, "Degraded", after=901)
    assert ["failed"] == story.results
    again = running()
    again.compared("OutOfSync", B, "Degraded")
    again.begin(B)
    again.finish()
    again.compared("Synced", B, "Degraded")
    again.compared("Synced", B, "Progressing")
    again.compared("Synced", B, "Degraded", after=10)
    assert ["failed"] == again.results


def test_a_deployment_that_another_one_follows_is_not_counted() -> None:
    """Two pushes while the first one rolls out: one deployment, of the second."""
    story = running()
    story.compared("OutOfSync", B)
    story.begin(B)
    story.finish()
    story.compared("Synced", B, "Progressing")
    story.compared("OutOfSync", C, "Progressing")
    story.begin(C)
    story.finish()
    story.compared("Synced", C, "Progressing")
    story.compared("Synced", C, "Healthy")
    assert [("success", C)] == [(event.result, event.revision) for event in story.of(DeploymentEnded)]


def test_a_target_that_moves_on_does_not_keep_a_deployment_open() -> None:
    """Healthy by a comparison with the next commit: what was deployed is healthy."""
    story = running(automated=False)
    story.compared("OutOfSync", B)
    story.begin(B, by="ada")
    story.finish()
    story.compared("OutOfSync", C, "Progressing")
    assert [] == story.results
    story.compared("OutOfSync", C, "Healthy", after=30)
    assert [("success", B)] == [(event.result, event.revision) for event in story.of(DeploymentEnded)]


def test_a_parameter_that_changes_does_not_keep_a_deployment_open() -> None:
    """Other sources are another target, as another commit is: what was deployed is healthy."""
    story = running(automated=False)
    story.compared("OutOfSync", B)
    story.begin(B, by="ada")
    story.finish()
    story.compared("Synced", B, "Progressing")
    plain = story.spec["source"]
    story.spec["source"] = {**plain, "helm": {"parameters": [{"name": "a", "value": "1"}]}}
    story.compared("OutOfSync", B, "Progressing")
    assert [] == story.results
    story.compared("OutOfSync", B, "Healthy")
    assert ["success"] == story.results
    story.begin(B, by="ada")
    story.finish()
    story.compared("Synced", B)
    story.begin(B, by="ada", source=plain)
    story.finish()
    story.compared("OutOfSync", B)
    assert ["success", "success", "rolled_back"] == story.results


def test_drift_that_stays_keeps_a_deployment_open() -> None:
    """Never Synced at its own commit: it has not arrived, and is not counted when the next one comes."""
    story = running()
    story.compared("OutOfSync", B)
    story.begin(B)
    story.finish()
    story.compared("OutOfSync", B, "Healthy")
    story.deploy(C)
    assert [("success", C)] == [(event.result, event.revision) for event in story.of(DeploymentEnded)]


def test_a_rollback_is_what_was_deployed_before() -> None:
    """By hand, with automated sync off: the Application stays OutOfSync, as Argo CD has it."""
    story = running(automated=False)
    story.deploy(B, by="ada")
    story.compared("Synced", B, "Degraded")
    story.begin(A, by="ada")
    story.finish()
    story.compared("OutOfSync", B, "Progressing")
    story.compared("OutOfSync", B, "Healthy", after=30)
    assert [("success", B), ("rolled_back", A)] == [(e.result, e.revision) for e in story.of(DeploymentEnded)]
    assert ended(story).lead_seconds is None
    assert [] == questions(story)


def test_rolling_forward_again_is_no_rollback() -> None:
    """B came after A: back to A is a rollback, on to B again is none, and no commit made it."""
    story = running(automated=False)
    story.deploy(B, by="ada")
    story.deploy(A, by="ada")
    story.deploy(B, by="ada")
    assert ["success", "rolled_back", "success"] == story.results
    assert [] == questions(story)


def test_going_back_after_a_failed_sync_is_a_rollback() -> None:
    """B failed half way: an automated sync of A again is no self-heal."""
    story = running()
    story.compared("OutOfSync", B)
    story.begin(B)
    story.finish("Failed")
    story.compared("OutOfSync", A)
    story.begin(A)
    story.finish()
    story.compared("Synced", A)
    assert ["failed", "rolled_back"] == story.results
    assert [] == story.of(SelfHealed)


def test_the_history_of_the_status_knows_what_was_before() -> None:
    """Deployments before this process are known from there."""
    story = running(automated=False)
    story.deploy(B, by="ada")
    story.restart(remembers=False)
    story.see()
    story.deploy(A, by="ada")
    assert ["success", "rolled_back"] == story.results


def test_several_sources_are_one_deployment() -> None:
    """A new commit in any of them; only what is new is asked for, a chart has no commit."""
    sources = [
        {"repoURL": "https://charts.example", "chart": "web", "targetRevision": "1.0.0"},
        {"repoURL": "https://git.example/a.git", "path": "a", "targetRevision": "main"},
        {"repoURL": "https://git.example/b.git", "path": "b", "targetRevision": "main"},
    ]
    story = Story(source=None, sources=sources)
    story.see()
    for revisions in (["1.0.0", A, A], ["1.0.0", A, B], ["1.1.0", A, B], ["1.1.0", C, D]):
        story.compared("OutOfSync", revisions)
        story.begin(revisions)
        story.finish()
        story.compared("Synced", revisions)
    assert ["success"] * 4 == story.results
    asked = [[q.commit for q in event.questions] for event in story.events if isinstance(event, Ended)]
    assert [[A, A], [B], [], [C, D]] == asked
    assert deployment_trace_id(story.app.key, f"1.1.0,{C},{D}") == ended(story).trace_id


def test_a_window_is_counted_apart() -> None:
    """What policy took of the time between seen and synced."""
    story = running()
    story.blocked = True
    story.compared("OutOfSync", B)
    story.see(after=100)
    story.blocked = False
    story.see(after=50)
    story.see(after=7)
    story.blocked = True
    story.see(after=3)
    story.begin(B, after=30)
    story.finish(after=5)
    story.compared("Synced", B)
    assert {"seen_to_synced": 195.0, "synced_to_healthy": 1.0, "blocked": 180.0} == ended(story).stages


def test_nothing_keeps_an_application_back_that_is_synced_by_hand() -> None:
    """Without automated sync there is no stage `blocked`."""
    story = running(automated=False)
    story.blocked = True
    story.deploy(B, by="ada")
    assert {"seen_to_synced", "synced_to_healthy"} == set(ended(story).stages)


def test_seen_when_its_push_was_received() -> None:
    """A webhook is earlier than the comparison."""
    story = running()
    story.pushes = ((B, START + 2), (C, START))
    story.compared("OutOfSync", B, after=10)
    story.begin(B)
    story.finish()
    story.compared("Synced", B)
    assert START + 2 == ended(story).started


@pytest.mark.parametrize("automated", [True, False])
def test_a_rollback_was_not_seen_when_its_commit_was_pushed(automated: bool) -> None:
    """That push brought the first deployment of it, days ago; the way back begins when it is seen."""
    story = running(automated=automated)
    story.pushes = ((A, START - 300_000), (B, START))
    story.deploy(B)
    story.deploy(A)
    story.compared("OutOfSync", B)
    story.begin(B)
    story.finish("Failed")
    assert ["success", "rolled_back", "failed"] == story.results
    success, rolled_back, failed = story.of(DeploymentEnded)
    assert START == success.started
    assert {2.0} == {rolled_back.stages["seen_to_synced"], rolled_back.stages["synced_to_healthy"]}
    assert (4.0, 2.0) == (rolled_back.ended - rolled_back.started, failed.ended - failed.started)
    assert [] == questions(story), "a failed way back did not begin with its old commit either"


def test_what_finished_before_the_first_sight_is_not_counted() -> None:
    """Without memory nobody knows whether it was."""
    story = running()
    story.compared("OutOfSync", B, see=False)
    story.begin(B, see=False)
    story.finish("Failed", see=False)
    story.restart(remembers=False)
    story.see()
    story.see()
    assert [] == story.results
    story.compared("OutOfSync", B)
    assert [] == story.results


def test_what_finished_while_away_is_counted_once_where_the_memory_proves_it() -> None:
    """The memory has another operation as its last: this one was not counted."""
    story = running()
    story.restart()
    story.compared("OutOfSync", B, see=False)
    story.begin(B, see=False)
    story.finish(see=False)
    story.compared("Synced", B, see=False)
    story.see(after=600)
    story.restart()
    story.see()
    assert ["success"] == story.results
    assert START + 4 == ended(story).ended


def test_a_restart_in_the_middle_of_a_deployment() -> None:
    """Seen by one process, synced under another one, healthy under a third."""
    story = running()
    story.compared("OutOfSync", B, after=10)
    story.restart()
    story.begin(B, after=10)
    story.restart()
    story.finish(after=10)
    story.compared("Synced", B, "Progressing", after=10)
    story.restart()
    story.compared("Synced", B, "Healthy", after=10)
    assert ["success"] == story.results
    assert {"seen_to_synced": 20.0, "synced_to_healthy": 20.0, "blocked": 0.0} == ended(story).stages
    assert (START + 10, START + 50) == (ended(story).started, ended(story).ended)


def test_two_operations_of_the_same_second_are_two() -> None:
    """Times are whole seconds: what tells operations apart is what they are."""
    story = running()
    for revision in (B, C):
        story.compared("OutOfSync", revision, after=0)
        story.begin(revision, after=0)
        story.finish("Failed", after=0)
    assert ["failed", "failed"] == story.results


def test_attempts_are_told_beside_an_argocd() -> None:
    """Each increase of the retry count is a failed attempt, and the end is the last one."""
    story = running(observe=True)
    story.begin(B, retry=5)
    story.retried()
    story.retried()
    story.finish("Failed")
    story.see()
    found = [(event.phase, event.final) for event in story.of(SyncAttempted)]
    assert [("Failed", False), ("Failed", False), ("Failed", True)] == found
    assert {("https://dest", True, False)} == {(e.dest_server, e.automated, e.dry_run) for e in story.of(SyncAttempted)}


def test_attempts_that_nobody_saw_are_told_by_their_number() -> None:
    """Two retries between two versions, a restart, and the end: three attempts."""
    story = running(observe=True)
    story.begin(B, retry=5)
    story.status["operationState"] = {**story.status["operationState"], "retryCount": 1}
    story.retried()
    story.restart()
    story.finish()
    found = [(event.phase, event.final) for event in story.of(SyncAttempted)]
    assert [("Failed", False), ("Failed", False), ("Succeeded", True)] == found


def test_attempts_at_first_sight_are_not_told() -> None:
    """An operation that is under way then has its later attempts told, not its earlier ones."""
    story = Story(observe=True)
    story.begin(B, retry=5, see=False)
    story.status["operationState"]["retryCount"] = 3
    story.see()
    story.retried()
    story.finish("Failed")
    assert [False, True] == [event.final for event in story.of(SyncAttempted)]


def test_the_loop_tells_of_its_own_attempts() -> None:
    """In reconcile mode none are read from the status."""
    story = running()
    story.begin(B, retry=5)
    story.retried()
    story.finish("Failed")
    assert [] == story.of(SyncAttempted)


def test_a_deployment_counts_one_drift_from_git() -> None:
    """The step from Synced to OutOfSync before it."""
    story = running()
    story.deploy(B)
    assert ["git"] == [event.origin for event in story.of(DriftDetected)]


def test_a_history_without_starts_is_understood() -> None:
    """The last entry is that of the sync itself, whatever it says of its beginning."""
    story = running()
    story.compared("OutOfSync", B)
    story.begin(B)
    story.finish(see=False)
    del story.status["history"][-1]["deployStartedAt"]
    story.see()
    story.compared("Synced", B)
    assert ["success"] == story.results
    assert [(B, A)] == questions(story)


def test_a_failed_sync_at_first_sight_without_a_revision() -> None:
    """What it tried is not known: a self-heal after it is still one."""
    story = running()
    story.begin(B, by="ada", see=False)
    state = story.status["operationState"]
    story.status["operationState"] = {**state, "operation": {"sync": {}}, "syncResult": None}
    story.finish("Error", see=False)
    story.restart(remembers=False)
    story.see()
    story.compared("OutOfSync", A)
    story.begin(A)
    story.finish()
    assert ["success"] == [event.result for event in story.of(SelfHealed)]


def test_a_heal_to_a_commit_that_changed_nothing_here() -> None:
    """Somebody else's commit moved the branch while Synced; then an automated sync of it sets live drift right."""
    story = running()
    story.compared("Synced", B)
    story.compared("OutOfSync", B)
    story.begin(B)
    story.finish()
    story.compared("Synced", B)
    assert ["success"] == [event.result for event in story.of(SelfHealed)]
    assert ["live"] == [event.origin for event in story.of(DriftDetected)]
    assert [] == story.results
    story.deploy(C)
    assert ["success"] == story.results


def test_a_comparison_while_the_sync_still_runs() -> None:
    """Synced before the operation has ended, as with hooks after the sync: a deployment all the same."""
    story = running()
    story.compared("OutOfSync", B)
    story.begin(B)
    story.compared("Synced", B, "Progressing")
    story.restart()
    story.compared("Synced", B)
    story.finish()
    story.compared("Synced", B)
    assert ["success"] == story.results
    assert [] == story.of(SelfHealed)


def test_a_failure_that_git_took_back_is_over() -> None:
    """Synced again without a sync: a heal after that is a heal, and no way back."""
    story = running()
    story.compared("OutOfSync", B)
    story.begin(B)
    story.finish("Failed")
    story.compared("Synced", A)
    story.compared("OutOfSync", A)
    story.begin(A)
    story.finish()
    story.compared("Synced", A)
    assert ["failed"] == story.results
    assert ["success"] == [event.result for event in story.of(SelfHealed)]


def test_the_old_verdict_does_not_say_what_is_there() -> None:
    """Right after a rollback by hand the status still says Synced with what was there before."""
    story = running(automated=False)
    story.deploy(B, by="ada")
    story.begin(A, by="ada")
    story.finish()
    assert story.state is not None
    assert story.state.there is not None
    assert (A,) == story.state.there.revisions
    story.compared("OutOfSync", B)
    assert (A,) == story.state.there.revisions
    assert ["success", "rolled_back"] == story.results


def test_still_degraded_when_the_next_one_follows() -> None:
    """A cure that did not cure before the next one was tried has failed."""
    story = running()
    story.compared("Synced", A, "Degraded")
    for revision in (B, C):
        story.compared("OutOfSync", revision, "Degraded")
        story.begin(revision)
        story.finish()
        story.compared("Synced", revision, "Degraded")
    story.compared("Synced", C, "Healthy")
    assert [("failed", B), ("success", C)] == [(e.result, e.revision) for e in story.of(DeploymentEnded)]
    assert 1 == len(story.of(Restored))


def test_a_retry_with_the_newest_commit_is_the_same_operation() -> None:
    """`retry.refresh`: the operation names another commit then; its earlier attempts are not told again."""
    story = running(observe=True)
    story.begin(B, retry=5)
    story.operation["retry"]["refresh"] = True  # type: ignore[index]
    story.see()
    before = len(story.of(SyncAttempted))
    story.retried()
    story.retried()
    state = story.status["operationState"]
    operation = {**state["operation"], "sync": {**state["operation"]["sync"], "revision": C}}
    result = {**state["syncResult"], "revision": C}
    story.status["operationState"] = {**state, "operation": operation, "syncResult": result}
    story.see()
    story.finish()
    story.compared("Synced", C)
    assert 3 == len(story.of(SyncAttempted)) - before
    assert [("success", C)] == [(e.result, e.revision) for e in story.of(DeploymentEnded)]
