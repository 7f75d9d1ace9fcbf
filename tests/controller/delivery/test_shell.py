"""Tests of the listener: what is published when, and that nobody waits for Git or for the memory."""

from __future__ import annotations

import datetime as dt
import typing as t
from collections.abc import Callable, Iterator

import msgspec
import pytest

from controller.clock import SystemClock
from controller.delivery import Delivery, keeper, tracker
from controller.delivery.facts import Facts
from controller.delivery.state import State
from model.application import Application
from model.decision import allow, deny
from model.errors import ApiUnavailable, Forbidden
from model.events import (
    ApplicationChanged,
    ApplicationDeleted,
    CommitsBehind,
    DeploymentEnded,
    DriftDetected,
    PushReceived,
    Standing,
    SyncAttempted,
    SyncPermission,
    TurnFinished,
)
from tests.controller.delivery.fakes import FakeSources, FakeStore, Heard, wait
from tests.controller.delivery.story import START, A, B, C, Story, running


class StoryClock(SystemClock):
    """The story's time of day."""

    def __init__(self, story: Story) -> None:
        self.story = story

    def now(self) -> dt.datetime:
        return dt.datetime.fromtimestamp(self.story.now, dt.UTC)


class Stage:
    """A tracker before a story, which it hears as events."""

    def __init__(self, story: Story, store: FakeStore | None = None, **more: t.Any) -> None:
        self.story, self.heard, self.sources = story, Heard(), FakeSources()
        self.sources.times = {A: START - 5000, B: START - 100, C: START - 50}
        self.delivery = Delivery(
            publish=self.heard,
            clock=StoryClock(story),
            mode=more.pop("mode", "reconcile"),
            sources=self.sources,
            store=store,
            save_seconds=0.01,
            **more,
        )
        self.delivery.start()
        story.see = self.see  # type: ignore[method-assign]
        self.version = 0

    def see(self, *, after: float = 0.0) -> list[t.Any]:
        """Hear the version that is there."""
        self.story.now += after
        self.version += 1
        self.delivery.listen(ApplicationChanged(application=self.app(), dest_server="https://dest"))
        return []

    def app(self, version: int = 0) -> Application:
        """Return the version that is there, with its number."""
        app = self.story.app
        meta = msgspec.structs.replace(
            app.metadata, resource_version=str(version or self.version), labels=self.story.labels
        )
        return msgspec.structs.replace(app, metadata=meta)

    def permit(self, *, allowed: bool) -> None:
        """Hear whether automated syncs are let through."""
        answer = allow("yes") if allowed else deny("no")
        self.delivery.listen(
            SyncPermission(key=self.story.app.key, project="default", automated=answer, manual=allow("yes"))
        )


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what failed be tried again without a wait that proves nothing."""
    monkeypatch.setattr(keeper, "RETRY_SECONDS", 0.1)


@pytest.fixture
def stages() -> Iterator[Callable[..., Stage]]:
    """A maker of stages that end with the test."""
    made: list[Stage] = []

    def make(*arguments: t.Any, **more: t.Any) -> Stage:
        made.append(Stage(*arguments, **more))
        return made[-1]

    yield make
    for stage in made:
        stage.sources.open.set()
        stage.delivery.stop()


def test_the_lead_time_comes_from_the_commit(stages: Callable[..., Stage]) -> None:
    """From the commit's time to Synced and Healthy; the stages add up to it."""
    story = running()
    story.labels = {"environment": "prod"}
    stage = stages(story)
    story.see()
    story.deploy(B)
    ended = wait(lambda: stage.heard.of(DeploymentEnded))[0]
    assert ("success", "prod", START - 100, START + 5) == (ended.result, ended.environment, ended.started, ended.ended)
    assert 105.0 == ended.lead_seconds
    assert {"commit_to_seen": 101.0, "seen_to_synced": 2.0, "synced_to_healthy": 2.0, "blocked": 0.0} == ended.stages
    assert ("time", "https://git.example/shop.git", B, A, "shop") in stage.sources.asked


def test_a_first_deployment_is_no_older_than_its_application(stages: Callable[..., Stage]) -> None:
    """However old the commit is: before that there was nothing to deploy it to."""
    story = Story()
    stage = stages(story)
    story.see()
    story.deploy(A)
    ended = wait(lambda: stage.heard.of(DeploymentEnded))[0]
    assert 1005.0 == ended.lead_seconds


def test_without_git_there_is_no_lead_time_and_no_number(stages: Callable[..., Stage]) -> None:
    """The deployment is counted all the same; what is not known is absent, not wrong."""
    story = running()
    stage = stages(story)
    stage.sources.broken = True
    story.see()
    story.deploy(B)
    ended = wait(lambda: stage.heard.of(DeploymentEnded))[0]
    assert (None, START + 1) == (ended.lead_seconds, ended.started)
    assert "commit_to_seen" not in ended.stages
    assert {0} == {event.number for event in stage.heard.of(CommitsBehind) if event.number is not None}


def test_a_commit_of_the_future_is_seen_when_it_is_seen(stages: Callable[..., Stage]) -> None:
    """A committer's clock that is ahead gives no negative stage."""
    story = running()
    stage = stages(story)
    stage.sources.times[B] = START + 10_000
    story.see()
    story.deploy(B)
    ended = wait(lambda: stage.heard.of(DeploymentEnded))[0]
    assert (0.0, 4.0) == (ended.stages["commit_to_seen"], ended.lead_seconds)


def test_a_chart_has_no_lead_time(stages: Callable[..., Stage]) -> None:
    """Its version is no commit: nobody is asked."""
    story = Story(source={"repoURL": "https://charts.example", "chart": "web", "targetRevision": "1.*"})
    stage = stages(story)
    story.see()
    story.deploy("1.0.0")
    story.deploy("1.1.0")
    ended = wait(lambda: len(stage.heard.of(DeploymentEnded)) == 2 and stage.heard.of(DeploymentEnded))
    assert [None, None] == [event.lead_seconds for event in ended]
    assert [] == stage.sources.asked
    assert [] == stage.heard.of(CommitsBehind)


def test_how_far_behind(stages: Callable[..., Stage]) -> None:
    """Nothing while Synced; asked once for each pair of commits; nothing again after the deployment."""
    story = running()
    stage = stages(story)
    stage.sources.numbers = {(A, B): (3, 500.0), (A, C): (4, 500.0)}
    story.see()
    story.compared("OutOfSync", B)
    wait(lambda: len(stage.heard.of(CommitsBehind)) == 2)
    story.compared("OutOfSync", B, "Degraded")
    story.compared("Unknown", B)
    story.compared("OutOfSync", C)
    wait(lambda: len(stage.heard.of(CommitsBehind)) == 3)
    story.begin(C)
    story.finish()
    story.compared("Synced", C)
    found = [(event.number, event.oldest) for event in stage.heard.of(CommitsBehind)]
    assert [(0, None), (3, 500.0), (4, 500.0), (0, None)] == found
    assert 2 == len([question for question in stage.sources.asked if question[0] == "behind"])


def test_nobody_waits_for_git(stages: Callable[..., Stage]) -> None:
    """While Git hangs, everything else is published; the end of the deployment comes when Git answers."""
    story = running()
    stage = stages(story)
    stage.sources.open.clear()
    story.see()
    story.deploy(B)
    assert [] == stage.heard.of(DeploymentEnded)
    assert 1 == len(stage.heard.of(DriftDetected))
    stage.sources.open.set()
    assert 105.0 == wait(lambda: stage.heard.of(DeploymentEnded))[0].lead_seconds


def test_the_end_waits_for_no_answer(stages: Callable[..., Stage]) -> None:
    """A process that stops publishes what it knows."""
    story = running()
    stage = stages(story, FakeStore())
    stage.sources.broken = True
    wait(lambda: stage.delivery._early is None)
    story.see()
    story.deploy(B)
    stage.delivery.stop()
    assert ["success"] == [event.result for event in stage.heard.of(DeploymentEnded)]


def test_old_versions_are_passed_over(stages: Callable[..., Stage]) -> None:
    """Threads may bring versions in another order."""
    story = running()
    stage = stages(story)
    story.see()
    story.compared("OutOfSync", A)
    late = stage.app()
    story.compared("Synced", A)
    stage.delivery.listen(ApplicationChanged(application=late, dest_server=""))
    assert 1 == len(stage.heard.of(DriftDetected))
    assert stage.heard.of(Standing)[-1].drift_since is None


def test_permissions_make_the_stage_blocked(stages: Callable[..., Stage]) -> None:
    """From the denial to the permission, though no version of the Application comes between."""
    story = running()
    stage = stages(story)
    story.see()
    stage.permit(allowed=False)
    story.compared("OutOfSync", B)
    story.now += 100
    stage.permit(allowed=True)
    story.begin(B)
    story.finish()
    story.compared("Synced", B)
    assert 100.0 == wait(lambda: stage.heard.of(DeploymentEnded))[0].stages["blocked"]


def test_a_push_is_when_the_commit_was_seen(stages: Callable[..., Stage]) -> None:
    """The webhook comes before the comparison."""
    story = running()
    stage = stages(story)
    story.see()
    push = PushReceived(key=story.app.key, project="default", repo="r", revision=B, at=START + 0.25)
    stage.delivery.listen(push)
    story.deploy(B)
    assert 100.25 == wait(lambda: stage.heard.of(DeploymentEnded))[0].stages["commit_to_seen"]


def test_a_deleted_application_is_forgotten(stages: Callable[..., Stage]) -> None:
    """In the middle of a deployment: it is not counted, and one of the same name begins anew."""
    story, store = running(), FakeStore()
    stage = stages(story, store)
    story.see()
    wait(lambda: stage.heard.of(Standing))
    story.compared("OutOfSync", B)
    story.begin(B)
    wait(lambda: "argocd/shop" in store.states)
    stage.delivery.listen(ApplicationDeleted(key=story.app.key))
    wait(lambda: not store.states)
    story.uid = "uid-other"
    story.finish()
    story.compared("Synced", B)
    assert [] == stage.heard.of(DeploymentEnded)


def test_the_memory_survives(stages: Callable[..., Stage]) -> None:
    """Another process goes on where this one ended."""
    story, store = running(), FakeStore()
    stage = stages(story, store)
    story.see()
    story.compared("OutOfSync", B)
    story.begin(B)
    stage.delivery.stop()
    story.finish()
    other = stages(story, store)
    story.compared("Synced", B)
    assert ["success"] == [event.result for event in wait(lambda: other.heard.of(DeploymentEnded))]
    assert [] == other.heard.of(DriftDetected)
    third = stages(story, store)
    other.delivery.stop()
    third.delivery.stop()
    third = stages(story, store)
    story.see()
    wait(lambda: third.heard.of(Standing))
    assert [] == third.heard.of(DeploymentEnded)


def test_versions_wait_for_the_memory(stages: Callable[..., Stage]) -> None:
    """While the API server does not answer, the newest version of each Application waits; nothing is taken for new."""
    story, store = running(), FakeStore()
    stage = stages(story, store)
    story.see()
    story.compared("OutOfSync", A)
    since = wait(lambda: stage.heard.of(Standing)[-1:] and stage.heard.of(Standing)[-1].drift_since)
    stage.delivery.stop()
    store.load_failures = [ApiUnavailable("no") for _ in range(1000)]
    other = stages(story, store)
    story.see(after=1000)
    story.compared("OutOfSync", A, "Degraded", after=1000)
    assert [] == other.heard.events
    del store.load_failures[1:]
    standing = wait(lambda: other.heard.of(Standing), 10)
    assert [(since, "Degraded")] == [(event.drift_since, event.health_status) for event in standing]


def test_one_application_takes_no_others_memory_away(
    stages: Callable[..., Stage], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A version that cannot be judged is told in the log; the others that waited for the memory are judged with it."""
    story, store = running(), FakeStore()
    stage = stages(story, store)
    story.see()
    story.compared("OutOfSync", A)
    since = wait(lambda: stage.heard.of(Standing)[-1:] and stage.heard.of(Standing)[-1].drift_since)
    stage.delivery.stop()
    real = tracker.step

    def judge(state: State | None, app: Application, now: float, facts: Facts) -> tracker.Step:
        if app.metadata.name == "bad":
            raise ZeroDivisionError
        return real(state, app, now, facts)

    monkeypatch.setattr(tracker, "step", judge)
    store.load_failures = [ApiUnavailable("no") for _ in range(1000)]
    other = stages(story, store)
    app = other.app(1)
    bad = msgspec.structs.replace(app, metadata=msgspec.structs.replace(app.metadata, name="bad"))
    other.delivery.listen(ApplicationChanged(application=bad, dest_server=""))
    story.see(after=1000)
    del store.load_failures[1:]
    assert since == wait(lambda: other.heard.of(Standing))[0].drift_since
    assert ["a version could not be judged"] == [r.message for r in caplog.records if r.levelname == "ERROR"]
    story.compared("Synced", A)
    wait(lambda: store.states["argocd/shop"].drift_since is None)


def test_counts_wait_until_the_memory_knows_of_them(stages: Callable[..., Stage]) -> None:
    """After a crash in between it is known that this drift was counted, or that it was not."""
    story, store = running(), FakeStore()
    stage = stages(story, store)
    story.see()
    wait(lambda: stage.heard.of(Standing))
    seen: list[int] = []
    store.on_save = lambda: seen.append(len(stage.heard.of(DriftDetected)))
    story.compared("OutOfSync", A)
    wait(lambda: stage.heard.of(DriftDetected))
    assert 0 == seen[0]
    assert store.states["argocd/shop"].drift_since is not None


@pytest.mark.parametrize("where", ["failures", "load_failures"])
def test_without_the_right_to_the_memory_it_goes_on(stages: Callable[..., Stage], where: str) -> None:
    """Forbidden is no failure of anything but the memory."""
    story, store = running(), FakeStore()
    setattr(store, where, [Forbidden("configmaps is forbidden")])
    stage = stages(story, store)
    story.see()
    wait(lambda: stage.heard.of(Standing))
    story.compared("OutOfSync", A)
    wait(lambda: stage.heard.of(DriftDetected))
    story.compared("Synced", A)
    story.compared("OutOfSync", A)
    wait(lambda: len(stage.heard.of(DriftDetected)) == 2)
    assert 0 == store.saves


def test_a_memory_that_cannot_be_written_now_is_written_later(stages: Callable[..., Stage]) -> None:
    """The counts wait for it."""
    story, store = running(), FakeStore()
    stage = stages(story, store)
    store.failures = [ApiUnavailable("no")]
    story.see()
    wait(lambda: stage.heard.of(Standing))
    story.compared("OutOfSync", A)
    wait(lambda: stage.heard.of(DriftDetected), 10)
    assert store.saves >= 1


def test_what_cannot_be_remembered_at_the_end_is_left_to_the_next(stages: Callable[..., Stage]) -> None:
    """Published by a process that ends and counted again by the next would be twice."""
    story, store = running(), FakeStore()
    stage = stages(story, store)
    story.see()
    wait(lambda: "argocd/shop" in store.states)
    store.failures = [ApiUnavailable("no")] * 100
    story.compared("OutOfSync", A)
    stage.delivery.stop()
    assert [] == stage.heard.of(DriftDetected)
    store.failures = []
    other = stages(story, store)
    story.see()
    assert 1 == len(wait(lambda: other.heard.of(DriftDetected)))


def test_attempts_beside_an_argocd_have_the_server(stages: Callable[..., Stage]) -> None:
    """The destination comes from the event, not from the Application."""
    story = running()
    stage = stages(story, mode="observe")
    story.see()
    story.begin(B, by="ada")
    story.finish("Failed")
    assert ["https://dest"] == [event.dest_server for event in stage.heard.of(SyncAttempted)]


def test_a_comparison_that_changed_nothing_counts(stages: Callable[..., Stage]) -> None:
    """An older commit by hand leaves the Application OutOfSync as it was: only the loop knows that it looked again."""
    story = running(automated=False)
    stage = stages(story)
    story.see()
    story.compared("OutOfSync", C)
    story.begin(B, by="ada")
    story.finish()
    turn = TurnFinished(
        key=story.app.key, project="default", dest_server="", queue="refresh", reason="", level=1, start=story.now - 1,
        end=story.now, compared=True,
    )  # fmt: skip
    stage.delivery.listen(turn)
    assert [] == stage.heard.of(DeploymentEnded)
    stage.delivery.listen(msgspec.structs.replace(turn, start=story.now + 0.01, error="it failed"))
    assert [] == stage.heard.of(DeploymentEnded)
    stage.delivery.listen(msgspec.structs.replace(turn, start=story.now + 0.01))
    assert ["success"] == [event.result for event in wait(lambda: stage.heard.of(DeploymentEnded))]
