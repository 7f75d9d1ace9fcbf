"""Which commits a deployment is asked about, and what their times make of it. Pure; `historian` asks."""

from __future__ import annotations

import re

import msgspec

from controller.delivery import evidence
from controller.delivery.facts import CommitQuestion, Ended
from controller.delivery.state import Deployed
from model.application import Application
from model.events import DeploymentEnded

_COMMIT = re.compile(r"[0-9a-f]{40}")


def questions(what: Deployed, before: Deployed | None) -> tuple[CommitQuestion, ...]:
    """Return a question for each commit that is new; none where no commit made the change (a chart, a parameter)."""
    if len(what.places) != len(what.revisions):
        return ()
    known = dict(zip(before.places, before.revisions, strict=True)) if _complete(before) and before else {}
    repos = {place.repo: revision for place, revision in known.items()}
    found = []
    for place, commit in zip(what.places, what.revisions, strict=True):
        if not place.repo or not is_commit(commit) or commit == known.get(place, repos.get(place.repo)):
            continue
        old = known.get(place, repos.get(place.repo, ""))
        found.append(CommitQuestion(place=place, commit=commit, before=old if is_commit(old) else ""))
    return tuple(found)


def completed(ended: Ended, times: tuple[float | None, ...]) -> DeploymentEnded:
    """Return the event with what the times of its commits say.

    Args:
        ended: as the tracker told it.
        times: the answers to its questions, in their order; None where there is none.
    """
    event = ended.event
    known = [when for when in times if when is not None]
    if not known or len(known) != len(times):
        return event
    newest = max(known) if ended.floor is None else max(*known, ended.floor)
    commit_at = min(newest, ended.seen_at)
    if event.result == "failed":
        return msgspec.structs.replace(event, started=commit_at)
    stages = {"commit_to_seen": ended.seen_at - commit_at, **event.stages}
    return msgspec.structs.replace(event, started=commit_at, lead_seconds=event.ended - commit_at, stages=stages)


def floor(app: Application) -> float | None:
    """Return when the Application was created: its first deployment is no older, however old the commit is."""
    return evidence.seconds(app.metadata.creation_timestamp)


def is_commit(revision: str) -> bool:
    """Say whether a revision is a full commit id, as against a chart's version."""
    return _COMMIT.fullmatch(revision) is not None


def _complete(what: Deployed | None) -> bool:
    return what is not None and len(what.places) == len(what.revisions)
