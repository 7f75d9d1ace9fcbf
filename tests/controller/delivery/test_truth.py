"""Any course of events that an Argo CD can bring, told version by version: what is counted is what was done."""

from __future__ import annotations

import collections
import typing as t

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.delivery.facts import Ended
from model.events import DeploymentEnded, DriftDetected, DriftEnded, Event, Restored, SelfHealed, SyncAttempted
from tests.controller.delivery.story import Story, running

COUNTED = (DeploymentEnded, DriftDetected, DriftEnded, Restored, SelfHealed, SyncAttempted)


class Troubled(Story):
    """A story in which versions come more than once, and processes end between them."""

    trouble: t.Callable[[], int] = staticmethod(lambda: 0)

    def see(self, *, after: float = 0.0) -> list[Event | Ended]:
        kind = self.trouble()
        if kind == 1:
            self.restart()
        found = super().see(after=after)
        if kind == 2:
            found += super().see()
        if kind == 3:
            self.restart()
            found += super().see()
        return found


class Truth:
    """Does things to an Application, and keeps what was done by its own simple book."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.done: collections.Counter[str] = collections.Counter()
        self.synced, self.failing, self.number = True, False, 0
        self.deployed = "a" * 40

    def fresh(self) -> str:
        """Make a commit."""
        self.number += 1
        return f"{self.number:040x}"

    def drift(self, origin: str) -> None:
        """Leave Synced."""
        if self.synced:
            self.done[f"drift {origin}"] += 1
        self.synced = False

    def good(self) -> None:
        """Be Synced and Healthy."""
        if not self.synced:
            self.done["drift ended"] += 1
        if self.failing:
            self.done["restored"] += 1
        self.synced, self.failing = True, False

    def compared_with(self, commit: str) -> None:
        """Let Git move."""
        self.drift("git")
        self.story.compared("OutOfSync", commit)

    def ship(self, *, retries: int = 0, sick: bool = False, slow: bool = False, unknown: bool = False) -> None:
        """Deploy a commit."""
        commit = self.fresh()
        self.compared_with(commit)
        if unknown:
            self.story.compared("Unknown", commit)
        self.story.begin(commit, retry=retries)
        for _ in range(retries):
            self.story.retried()
            self.done["attempt Failed"] += 1
        self.story.finish()
        self.done["attempt Succeeded"] += 1
        self.deployed = commit
        if slow or sick:
            self.synced_again(commit, "Progressing")
        if sick:
            self.story.compared("Synced", commit, "Degraded")
            self.failing = True
        self.story.compared("Synced", commit, "Healthy")
        self.good()
        self.done["deployed failed" if sick else "deployed success"] += 1

    def synced_again(self, commit: str, health: str) -> None:
        """Be Synced, but not Healthy."""
        self.story.compared("Synced", commit, health)
        self.done["drift ended"] += not self.synced
        self.synced = True

    def fail(self) -> None:
        """Let a deployment fail."""
        commit = self.fresh()
        self.compared_with(commit)
        self.story.begin(commit)
        self.story.finish("Failed")
        self.failing = True
        self.done["deployed failed"] += 1
        self.done["attempt Failed"] += 1

    def refuse(self) -> None:
        """Let a window keep a deployment back."""
        commit = self.fresh()
        self.compared_with(commit)
        self.story.begin(commit)
        self.story.finish("Failed", message="Sync operation blocked by sync window")
        self.done["attempt Failed"] += 1

    def heal(self) -> None:
        """Let somebody change the cluster, and Argo CD change it back."""
        self.revert()
        self.drift("live")
        self.story.compared("OutOfSync", self.deployed)
        self.story.begin(self.deployed, heals=1, resources=[{"kind": "ConfigMap", "name": "a"}])
        self.story.finish()
        self.done["healed success"] += 1
        self.done["attempt Succeeded"] += 1
        self.story.compared("Synced", self.deployed)
        self.good()

    def look(self) -> None:
        """Make a dry run by hand."""
        self.story.begin(self.deployed, by="ada", dryRun=True)
        self.story.finish()
        self.done["attempt Succeeded"] += 1

    def fall_ill(self) -> None:
        """Be Degraded for a while, with what is deployed."""
        self.revert()
        self.story.compared("Synced", self.deployed, "Degraded")
        self.failing = True
        self.story.compared("Synced", self.deployed, "Healthy")
        self.good()

    def revert(self) -> None:
        """Set the branch back to what is deployed, which it was compared with all the time."""
        self.story.compared("Synced", self.deployed)
        self.good()

    def move_on(self) -> None:
        """Let a commit come that changes nothing of the Application."""
        self.revert()
        self.deployed = self.fresh()
        self.story.compared("Synced", self.deployed)

    def heal_wholly(self) -> None:
        """Let somebody change the cluster, and an automated sync of everything change it back."""
        self.revert()
        self.drift("live")
        self.story.compared("OutOfSync", self.deployed)
        self.story.begin(self.deployed)
        self.story.finish()
        self.done["healed success"] += 1
        self.done["attempt Succeeded"] += 1
        self.story.compared("Synced", self.deployed)
        self.good()

    def overtake(self) -> None:
        """Deploy two commits, the second before the first is healthy."""
        first, second = self.fresh(), self.fresh()
        self.compared_with(first)
        self.story.begin(first)
        self.story.finish()
        self.synced_again(first, "Progressing")
        self.drift("git")
        self.story.compared("OutOfSync", second, "Progressing")
        self.story.begin(second)
        self.story.finish()
        self.deployed = second
        self.done["attempt Succeeded"] += 2
        self.story.compared("Synced", second, "Healthy")
        self.good()
        self.done["deployed success"] += 1


ACTIONS: dict[str, t.Callable[[Truth], None]] = {
    "ship": lambda truth: truth.ship(),
    "ship slowly": lambda truth: truth.ship(slow=True, retries=2),
    "ship while unknown": lambda truth: truth.ship(unknown=True),
    "ship a sick one": lambda truth: truth.ship(sick=True),
    "fail": Truth.fail,
    "refuse": Truth.refuse,
    "heal": Truth.heal,
    "look": Truth.look,
    "fall ill": Truth.fall_ill,
    "revert": Truth.revert,
    "overtake": Truth.overtake,
    "move on": Truth.move_on,
    "heal wholly": Truth.heal_wholly,
}


def book(events: list[Event | Ended]) -> collections.Counter[str]:
    """Write what the tracker told in the words of the truth's book."""
    found: collections.Counter[str] = collections.Counter()
    for told in events:
        event = told.event if isinstance(told, Ended) else told
        match event:
            case DeploymentEnded():
                found[f"deployed {event.result}"] += 1
            case DriftDetected():
                found[f"drift {event.origin}"] += 1
            case DriftEnded():
                found["drift ended"] += 1
            case Restored():
                found["restored"] += 1
            case SelfHealed():
                found[f"healed {event.result}"] += 1
            case SyncAttempted():
                found[f"attempt {event.phase}"] += 1
    return found


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(sorted(ACTIONS)), min_size=1, max_size=8), st.data())
def test_what_is_counted_is_what_was_done(actions: list[str], data: st.DataObject) -> None:
    """With versions that come twice and processes that end at any moment."""
    story = Troubled(observe=True)
    quiet = running(observe=True)
    story.__dict__.update(quiet.__dict__)
    story.trouble = lambda: data.draw(st.sampled_from([0, 0, 0, 1, 2, 3]))  # type: ignore[method-assign]
    truth = Truth(story)
    for action in actions:
        ACTIONS[action](truth)
    assert +truth.done == book(story.events)
