"""When automated sync starts, waits, heals or gives up."""

from __future__ import annotations

import datetime as dt
import typing as t

import pytest

from controller import autosync
from controller.backoff import SelfHealBackoff
from controller.operation import BLOCKED, NOT_VALID, REFUSED, STOPPED
from model.application import ResourceState
from model.states import SyncStatus
from tests.controller.builders import NOW, OTHER_REVISION, REVISION, SOURCE, application, finished

ALL = {"prune": True, "selfHeal": True}


def resource(name: str, status: str = "OutOfSync", *, pruning: bool = False) -> ResourceState:
    return ResourceState(kind="ConfigMap", namespace="shop", name=name, status=status, requires_pruning=pruning)


def wish(
    automated: dict[str, t.Any] | None = ALL,
    *,
    status: SyncStatus = SyncStatus.OUT_OF_SYNC,
    revision: str = REVISION,
    resources: tuple[ResourceState, ...] = (resource("a"), resource("b", "Synced")),
    state: dict[str, t.Any] | None = None,
    same_content: bool = False,
    after: float = 0,
    **app: t.Any,
) -> autosync.Wish:
    found = application(automated=automated, status={"operationState": state} if state else {}, **app)
    verdict = autosync.Verdict(status=status, revisions=(revision,), resources=resources)
    now = NOW + dt.timedelta(seconds=after)
    return autosync.decide(found, verdict, backoff=SelfHealBackoff(), same_content=same_content, now=now)


@pytest.mark.row(46)
def test_an_automated_application_out_of_sync_is_synced_to_the_compared_commit() -> None:
    """The operation is automated, pinned, prunes as the policy says and retries five times by default."""
    found = wish()
    assert "sync" == found.verb
    assert found.operation is not None
    assert found.operation.sync is not None
    assert (True, REVISION, True) == (
        found.operation.initiated_by.automated, found.operation.sync.revision, found.operation.sync.prune
    )  # fmt: skip
    assert found.operation.retry is not None
    assert 5 == found.operation.retry.limit


@pytest.mark.parametrize(
    "case",
    [
        {"automated": None},
        {"automated": {"enabled": False}},
        {"operation": {"sync": {}}},
        {"status": SyncStatus.SYNCED},
        {"status": SyncStatus.UNKNOWN},
        {"automated": {}, "resources": (resource("gone", pruning=True),)},
        {"automated": {"prune": True}, "state": finished()},
    ],
    ids=["off", "disabled", "busy", "synced", "unknown", "only pruning", "tried, no self-heal"],
)
def test_nothing_is_done_without_a_reason(case: dict[str, t.Any]) -> None:
    """Each of these alone keeps automated sync quiet."""
    assert "nothing" == wish(**case).verb


def test_everything_gone_from_the_source_is_refused() -> None:
    """Pruning all objects needs allowEmpty."""
    gone = (resource("a", pruning=True), resource("b", pruning=True))
    assert "refuse" == wish(resources=gone).verb
    assert "sync" == wish({**ALL, "allowEmpty": True}, resources=gone).verb


def test_a_failed_commit_is_not_tried_again_until_revision_or_source_change() -> None:
    """The condition names the commit and what happened."""
    failed = finished(phase="Failed")
    found = wish(state=failed)
    assert "refuse" == found.verb
    assert "what happened" in found.why
    assert "sync" == wish(state=failed, revision=OTHER_REVISION).verb
    assert "sync" == wish(state=failed, source={**SOURCE, "path": "other"}).verb


def test_another_commit_of_the_same_content_is_no_new_try() -> None:
    """What renders to the same manifests failed already."""
    assert "refuse" == wish(state=finished(phase="Failed"), revision=OTHER_REVISION, same_content=True).verb


@pytest.mark.parametrize("words", [STOPPED, NOT_VALID])
def test_what_policy_ended_was_no_try(words: str) -> None:
    """When the window opens or the project is widened, the change goes on without a push."""
    assert "sync" == wish(state={**finished(phase="Failed"), "message": f"{words}: rule"}).verb


@pytest.mark.row(49, 50)
@pytest.mark.parametrize(("heals", "wait"), [(0, 0), (1, 2), (2, 6), (3, 18), (4, 54), (5, 162), (6, 300), (9, 300)])
def test_drift_after_a_success_is_healed_after_its_back_off(heals: int, wait: int) -> None:
    """Only the objects that differ are synced; each repeated heal waits longer."""
    state = finished(at="2026-03-01T12:00:00Z", heals=heals)
    if wait:
        early = wish(state=state, after=wait - 1)
        assert ("wait", NOW + dt.timedelta(seconds=wait)) == (early.verb, early.at)
    found = wish(state=state, after=wait)
    assert "heal" == found.verb
    assert found.operation is not None
    assert found.operation.sync is not None
    assert ["a"] == [r.name for r in found.operation.sync.resources or ()]
    assert heals + 1 == found.operation.sync.auto_heal_attempts_count


def test_a_new_commit_starts_counting_anew() -> None:
    """The count of heals belongs to one commit."""
    found = wish(state=finished(heals=6), revision=OTHER_REVISION)
    assert "sync" == found.verb
    assert found.operation is not None
    assert found.operation.sync is not None
    assert found.operation.sync.auto_heal_attempts_count is None


HISTORY = [{"id": 0, "revision": REVISION, "source": SOURCE, "deployedAt": "2026-03-01T11:00:00Z"}]


@pytest.mark.parametrize("words", [BLOCKED, REFUSED, STOPPED])
@pytest.mark.parametrize(("revision", "self_heal", "verb"), [
    (REVISION, False, "nothing"), (REVISION, True, "heal"), (OTHER_REVISION, False, "sync"),
])  # fmt: skip
def test_what_policy_kept_from_beginning_left_everything_as_it_was(
    words: str, revision: str, self_heal: bool, verb: str
) -> None:
    """A refused request before any write: the history says what was synced, and whether this is drift or a change."""
    state = {**finished(phase="Failed"), "message": f"{words}: rule", "syncResult": None}
    app = application(automated={"selfHeal": self_heal}, status={"operationState": state, "history": HISTORY})
    verdict = autosync.Verdict(status=SyncStatus.OUT_OF_SYNC, revisions=(revision,), resources=(resource("a"),))
    assert verb == autosync.decide(app, verdict, backoff=SelfHealBackoff(), same_content=False, now=NOW).verb


@pytest.mark.parametrize("sync", [{"dryRun": True}, {"resources": [{"kind": "ConfigMap", "name": "b"}]}])
@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
@pytest.mark.parametrize(("deployed", "self_heal", "verb"), [
    (REVISION, False, "nothing"), (REVISION, True, "heal"), (OTHER_REVISION, False, "sync"),
])  # fmt: skip
def test_a_look_or_a_few_objects_by_hand_are_no_try_of_the_commit(
    sync: dict[str, t.Any], phase: str, deployed: str, self_heal: bool, verb: str
) -> None:
    """A person tries the commit that waits for its window: it still goes on when the window opens."""
    state = finished(phase=phase)
    state = {**state, "operation": {"sync": sync, "initiatedBy": {"username": "ann"}}}
    history = [{**HISTORY[0], "revision": deployed}]
    app = application(automated={"selfHeal": self_heal}, status={"operationState": state, "history": history})
    verdict = autosync.Verdict(status=SyncStatus.OUT_OF_SYNC, revisions=(REVISION,), resources=(resource("a"),))
    assert verb == autosync.decide(app, verdict, backoff=SelfHealBackoff(), same_content=False, now=NOW).verb


def test_a_clock_that_was_set_back_does_not_freeze_self_heal() -> None:
    """A last end in the future is long ago."""
    assert "heal" == wish(state=finished(at="2026-03-01T13:00:00Z", heals=3)).verb


def heal(
    state: dict[str, t.Any] | None = None, *, policy: dict[str, t.Any] = ALL, after: float = 0, **more: t.Any
) -> autosync.Wish:
    app = application(automated=policy, status={"operationState": state} if state else {})
    sources = more.get("sources", app.spec.all_sources)
    found = more.get("resources", (resource("a"), resource("b", "Synced")))
    now = NOW + dt.timedelta(seconds=after)
    return autosync.heal(app, (REVISION,), sources, found, backoff=SelfHealBackoff(), now=now)


def test_healing_to_what_was_deployed_names_commit_source_and_objects() -> None:
    """The operation is pinned to the deployed commit and brings its source along where the spec has another one."""
    found = heal(sources=(application(source={**SOURCE, "path": "old"}).spec.all_sources))
    assert found.operation is not None
    assert found.operation.sync is not None
    assert found.operation.sync.source is not None
    assert (REVISION, "old", ["a"], 1) == (
        found.operation.sync.revision, found.operation.sync.source.path,
        [r.name for r in found.operation.sync.resources or ()], found.operation.sync.auto_heal_attempts_count,
    )  # fmt: skip
    plain = heal()
    assert plain.operation is not None
    assert plain.operation.sync is not None
    assert plain.operation.sync.source is None


def test_healing_to_what_was_deployed_waits_gives_up_and_never_wipes() -> None:
    """The same back-off as any self-heal; a failed one is not repeated; pruning everything is no healing."""
    assert "wait" == heal(finished(at="2026-03-01T12:00:00Z", heals=1), after=1).verb
    assert "heal" == heal(finished(at="2026-03-01T12:00:00Z", heals=1), after=2).verb
    assert "refuse" == heal(finished(phase="Failed", heals=1)).verb
    assert "nothing" == heal(policy={"prune": True}).verb
    assert "nothing" == heal(resources=(resource("a", pruning=True),)).verb
    assert "nothing" == heal(resources=(resource("b", "Synced"),)).verb
