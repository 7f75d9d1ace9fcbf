"""From what is remembered to questions for Git: digests become URLs again, which only the Application has. Pure.

Called by `shell`; `historian` asks.
"""

from __future__ import annotations

import typing as t

from controller.delivery import evidence
from controller.delivery.commits import is_commit
from controller.delivery.facts import CommitQuestion
from controller.delivery.historian import CommitTime, HowFarBehind
from controller.delivery.places import repo
from controller.delivery.state import Deployed, State
from model.application import Application
from model.states import SyncStatus


def commit_times(app: Application, asked: t.Sequence[CommitQuestion]) -> list[CommitTime] | None:
    """Return the questions with their URLs; None when the Application's sources do not name a repository any more."""
    urls = _urls(app)
    found = [
        CommitTime(urls[q.place.repo], app.spec.project, q.commit, q.before, q.place.paths)
        for q in asked
        if q.place.repo in urls
    ]
    return found if len(found) == len(asked) else None


def behind(state: State, app: Application) -> list[HowFarBehind] | None:
    """Return a question for each Git source whose commit is not the deployed one; None: it cannot be known.

    Deployed is what the Application is or was Synced with, or what its last successful sync of everything brought.
    """
    target = evidence.target(app)
    base = target if app.status.sync.status == SyncStatus.SYNCED else state.there
    if base is None or not _comparable(base, target):
        return None
    urls, found, known = _urls(app), [], False
    for place, deployed, tip in zip(target.places, base.revisions, target.revisions, strict=True):
        if not place.repo:
            continue
        known = True
        if deployed == tip:
            continue
        if not (is_commit(deployed) and is_commit(tip) and place.repo in urls):
            return None
        found.append(HowFarBehind(urls[place.repo], app.spec.project, deployed, tip, place.paths))
    return found if known else None


def _comparable(base: Deployed, target: Deployed) -> bool:
    """Say whether both have the same repositories in the same order."""
    if not target.revisions or {len(target.places), len(base.revisions)} != {len(target.revisions)}:
        return False
    return not base.places or [p.repo for p in base.places] == [p.repo for p in target.places]


def _urls(app: Application) -> dict[str, str]:
    return {repo(source): source.repo_url for source in app.spec.all_sources if repo(source)}
