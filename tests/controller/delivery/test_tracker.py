"""Tests of drift, health and restoring: what begins and ends them, and what does not."""

from __future__ import annotations

import pytest

from controller.delivery.facts import Facts
from controller.delivery.state import State
from controller.delivery.tracker import step
from model.application import read_application
from model.events import DeploymentEnded, DriftDetected, DriftEnded, Restored, Standing
from tests.controller.delivery.story import START, A, B, C, Story, running, stamp


def standing(story: Story) -> Standing:
    """Return the newest Standing."""
    found: Standing = story.of(Standing)[-1]
    return found


def test_first_sight_tells_how_it_stands() -> None:
    """A version without memory counts nothing, and says how the Application stands."""
    story = running()
    assert [Standing] == [type(event) for event in story.events]
    assert (None, None, "Healthy") == (
        standing(story).drift_since, standing(story).unhealthy_since, standing(story).health_status
    )  # fmt: skip


def test_drift_begins_and_ends() -> None:
    """Synced to OutOfSync begins drift, Synced ends it; how long it was is told."""
    story = running()
    story.compared("OutOfSync", A, after=10.5)
    assert START + 10.5 == standing(story).drift_since
    assert ["live"] == [event.origin for event in story.of(DriftDetected)]
    story.compared("Synced", A, after=60)
    assert standing(story).drift_since is None
    assert [60.0] == [event.seconds for event in story.of(DriftEnded)]


def test_drift_comes_from_git_when_the_target_moved() -> None:
    """Another commit or other sources are Git's doing; the same target is somebody else's."""
    story = running()
    story.compared("OutOfSync", B)
    story.compared("Synced", B)
    story.compared("OutOfSync", B)
    story.compared("Synced", B)
    story.spec["source"] = {**story.spec["source"], "helm": {"parameters": [{"name": "a", "value": "1"}]}}
    story.compared("OutOfSync", B)
    assert ["git", "live", "git"] == [event.origin for event in story.of(DriftDetected)]


@pytest.mark.parametrize("status", ["Unknown", "", "SomethingNew"])
def test_an_unknown_status_neither_begins_nor_ends_drift(status: str) -> None:
    """A comparison that failed says nothing about drift."""
    story = running()
    story.compared(status, A)
    story.compared("Synced", A)
    assert [] == story.of(DriftDetected)
    story.compared("OutOfSync", A)
    since = standing(story).drift_since
    story.compared(status, A, after=100)
    story.compared("OutOfSync", A, after=100)
    assert since == standing(story).drift_since
    assert 1 == len(story.of(DriftDetected))
    assert [] == story.of(DriftEnded)


def test_nothing_but_synced_resets_drift() -> None:
    """Flapping health, a new commit, a moved project and a failed sync leave the time alone."""
    story = running()
    story.compared("OutOfSync", A)
    since = standing(story).drift_since
    for n in range(6):
        story.compared("OutOfSync", B if n > 3 else A, ["Degraded", "Progressing", "Healthy"][n % 3], after=600)
    story.spec["project"] = "other"
    story.begin(B)
    story.finish("Failed")
    assert since == standing(story).drift_since
    assert 1 == len(story.of(DriftDetected))
    assert "other" == standing(story).project


def test_a_restart_leaves_drift_alone() -> None:
    """What was remembered is the truth, also when the status has later times."""
    story = running()
    story.compared("OutOfSync", A, "Degraded")
    before = standing(story)
    story.restart()
    story.compared("OutOfSync", A, "Degraded", after=5000)
    assert before == standing(story)
    assert 1 == len(story.of(DriftDetected))
    story.compared("Synced", A)
    assert [5001.0] == [event.seconds for event in story.of(DriftEnded)]


def test_drift_that_began_while_nobody_looked_is_counted_once() -> None:
    """Remembered as Synced, found OutOfSync: one detection, since the comparison that found it."""
    story = running()
    story.restart()
    story.compared("OutOfSync", B, after=100, see=False)
    story.see(after=50)
    assert START + 100 == standing(story).drift_since
    assert ["git"] == [event.origin for event in story.of(DriftDetected)]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"reconciledAt": stamp(START - 100)}, START - 100),
        ({"reconciledAt": stamp(START + 100)}, START),
        ({"reconciledAt": "yesterday"}, START),
        ({}, START),
        ({"conditions": [{"type": "LynceusSyncBlocked", "lastTransitionTime": stamp(START - 300)}]}, START - 300),
        ({"conditions": [{"type": "OrphanedResourceWarning", "lastTransitionTime": stamp(START - 300)}]}, START),
        (
            {
                "reconciledAt": stamp(START - 900),
                "history": [{"id": 0, "revision": A, "deployedAt": stamp(START - 60)}],
            },
            START - 60,
        ),
        (
            {"reconciledAt": stamp(START - 10), "history": [{"id": 0, "revision": A, "deployedAt": stamp(START - 60)}]},
            START - 10,
        ),
    ],
)
def test_drift_at_first_sight_is_as_old_as_can_be_proved(status: dict[str, object], expected: float) -> None:
    """The earliest proof after the last successful sync; never the future; nothing is counted."""
    story = Story()
    story.status = {"sync": {"status": "OutOfSync", "revision": B}, **status}
    story.see()
    assert expected == standing(story).drift_since
    story.compared("Synced", B)
    assert [] == story.of(DriftDetected) + story.of(DriftEnded)


def test_an_application_that_was_never_synced_drifts_without_being_counted() -> None:
    """Nothing left Synced, but the alert on old drift shall see it."""
    story = Story()
    story.see()
    story.compared("OutOfSync", A, "Missing")
    assert START + 1 == standing(story).drift_since
    assert [] == story.of(DriftDetected)


def test_unhealthy_since_the_application_left_healthy() -> None:
    """A change between two unhealthy words keeps the time; Healthy ends it."""
    story = running()
    story.compared("Synced", A, "Progressing")
    since = standing(story).unhealthy_since
    assert START + 1 == since
    for health in ("Degraded", "Progressing", "Unknown", "Missing", "Degraded"):
        story.compared("Synced", A, health, after=300)
        assert (since, health) == (standing(story).unhealthy_since, standing(story).health_status)
    story.compared("Synced", A, "Healthy")
    assert (None, "Healthy") == (standing(story).unhealthy_since, standing(story).health_status)


def test_a_pause_is_no_illness() -> None:
    """Leaving Suspended begins anew: a rollout that somebody paused for a day is not stuck for a day."""
    story = running()
    story.compared("Synced", A, "Suspended")
    assert START + 1 == standing(story).unhealthy_since
    story.compared("Synced", A, "Progressing", after=86_400)
    assert START + 86_401 == standing(story).unhealthy_since


def test_progress_is_as_old_as_the_sync_that_it_is_of() -> None:
    """An Application that was Missing for a week and is synced now has not been Progressing for a week."""
    story = Story()
    story.compared("OutOfSync", A, "Missing")
    story.begin(A, after=600_000)
    story.finish(after=10)
    story.compared("Synced", A, "Progressing")
    assert START + 600_011 == standing(story).unhealthy_since
    story.compared("Synced", A, "Degraded", after=60)
    assert START + 1 == standing(story).unhealthy_since


@pytest.mark.parametrize("heals", [0, 1])
def test_progress_is_as_old_as_the_heal_that_it_is_of(heals: int) -> None:
    """A sync of everything is a new attempt, whether it brings something new or brings it back."""
    story = running()
    story.compared("OutOfSync", A, "Missing")
    story.begin(A, heals=heals, after=600_000)
    story.finish(after=10)
    story.compared("Synced", A, "Progressing")
    assert START + 600_011 == standing(story).unhealthy_since


def test_the_status_says_when_the_health_changed() -> None:
    """Its lastTransitionTime counts when it is of this change and not in the future."""
    story = running()
    story.compared("Synced", A, "Degraded", see=False)
    story.see(after=30)
    assert START + 1 == standing(story).unhealthy_since
    story.compared("Synced", A, "Healthy")
    story.status["health"] = {"status": "Degraded", "lastTransitionTime": story.status["health"]["lastTransitionTime"]}
    story.see(after=5)
    assert START + 37 == standing(story).unhealthy_since
    late = Story()
    late.status = {"health": {"status": "Degraded", "lastTransitionTime": stamp(START + 3600)}}
    late.see()
    assert START == standing(late).unhealthy_since


def test_a_health_that_nobody_has_judged_yet_is_none() -> None:
    """A new Application without status is not unhealthy."""
    story = Story()
    story.see()
    assert (None, "") == (standing(story).unhealthy_since, standing(story).health_status)


def test_restored_from_degraded() -> None:
    """From the first Degraded to Synced and Healthy, whatever lies between."""
    story = running()
    story.compared("Synced", A, "Degraded", after=10)
    story.compared("Synced", A, "Progressing", after=10)
    story.compared("OutOfSync", A, "Healthy", after=10)
    story.compared("OutOfSync", A, "Degraded", after=10)
    assert [] == story.of(Restored)
    story.compared("Synced", A, "Healthy", after=10)
    assert [40.0] == [event.seconds for event in story.of(Restored)]
    story.compared("Synced", A, "Healthy", after=10)
    assert 1 == len(story.of(Restored))


def test_restored_from_a_failed_deployment() -> None:
    """From the end of the failed sync, though health never suffered."""
    story = running()
    story.compared("OutOfSync", B)
    story.begin(B)
    story.finish("Failed")
    story.compared("OutOfSync", B, after=30)
    story.deploy(C)
    assert ["failed", "success"] == story.results
    assert [35.0] == [event.seconds for event in story.of(Restored)]


def test_a_failed_sync_that_left_all_well_needs_no_restoring() -> None:
    """A sync by hand that failed before its first write leaves the Application Synced and Healthy."""
    story = running()
    story.begin(B, by="ada")
    story.finish("Failed")
    story.compared("Synced", A)
    story.compared("Synced", A, after=1000)
    story.deploy(C)
    assert ["failed", "success"] == story.results
    assert [] == story.of(Restored)


def test_a_failed_sync_that_did_no_harm_explains_nothing_later() -> None:
    """Under its own loop no version comes while nothing changes: what goes wrong hours later has not lasted hours."""
    story = running()
    story.begin(B, by="ada")
    story.finish("Failed")
    story.compared("Synced", A)
    story.compared("OutOfSync", A, after=7200)
    story.compared("Synced", A)
    story.compared("Synced", A, "Degraded", after=7200)
    story.compared("Synced", A, after=10)
    assert [10.0] == [event.seconds for event in story.of(Restored)]


def test_failing_since_the_failed_sync_though_it_is_degraded_later() -> None:
    """The first of the two counts, though the status right after the sync was still good."""
    story = running()
    story.begin(B, by="ada")
    story.finish("Failed")
    story.compared("Synced", A, "Degraded", after=30)
    story.compared("Synced", A, after=10)
    assert [40.0] == [event.seconds for event in story.of(Restored)]


def test_a_failed_sync_that_ended_while_nobody_looked() -> None:
    """However long ago: its version is the first that tells of it."""
    story = running()
    story.restart()
    story.compared("OutOfSync", B, see=False)
    story.begin(B, see=False)
    story.finish("Failed", see=False)
    story.see(after=3000)
    story.compared("Synced", A)
    assert [3001.0] == [event.seconds for event in story.of(Restored)]


def test_a_failed_sync_by_hand_whose_harm_is_seen_later() -> None:
    """The status right after the sync is the one from before it; the next comparison tells."""
    story = running()
    story.begin(B, by="ada")
    story.finish("Failed")
    story.compared("OutOfSync", A, after=2)
    story.compared("Synced", A, after=10)
    assert [12.0] == [event.seconds for event in story.of(Restored)]


def test_a_clock_that_is_set_back_gives_no_negative_durations() -> None:
    """Times stay where they were, durations are 0."""
    story = running()
    story.compared("OutOfSync", A, "Degraded", after=100)
    story.now -= 5000
    story.compared("Synced", A, "Healthy")
    assert [0.0] == [event.seconds for event in story.of(DriftEnded)]
    assert [0.0] == [event.seconds for event in story.of(Restored)]
    story.deploy(B)
    ended = story.of(DeploymentEnded)[-1]
    assert ended.ended >= ended.started
    assert all(seconds >= 0 for seconds in ended.stages.values())


def test_another_application_of_the_same_name_begins_anew() -> None:
    """Deleted and created again: nothing of the old one is left."""
    story = running()
    story.compared("OutOfSync", A, "Degraded")
    story.uid = "uid-other"
    story.status = {}
    story.see()
    assert (None, None) == (standing(story).drift_since, standing(story).unhealthy_since)
    assert State(uid="uid-other", project="default") == story.state


def test_an_application_that_is_being_deleted_is_left_alone() -> None:
    """Its objects go away one by one; that is neither drift nor failure."""
    story = running()
    app = story.app
    raw = app.raw.replace(b'"name":"shop",', b'"name":"shop","deletionTimestamp":"2026-03-01T12:00:00Z",', 1)
    gone = read_application(raw.replace(b'"status":"Synced"', b'"status":"OutOfSync"'))
    assert gone.deleting
    assert (story.state, ()) == step(story.state, gone, START + 1, Facts())
