"""Hundreds of Applications made and deleted a day, for a month: neither series nor memory grow."""

from __future__ import annotations

import gc
import sys
import types
import typing as t

import pytest

from exporter import Exporter, applications, reactions
from model.application import Application
from model.events import ApplicationChanged, ApplicationDeleted, GitRequestFinished, ProjectChanged, RepositoryKnown
from model.meta import NamespacedName
from tests.exporter.script import (
    asked,
    attempted,
    behind,
    busy_minute,
    changed,
    decision,
    deployed,
    exporter,
    lines,
    permission,
    stands,
    turn,
)

DAYS, A_DAY = 30, 500
REMEMBERED = 20
"""Former repositories that are remembered here, so that the first day reaches the bound."""


def life(made: Exporter, day: int, number: int) -> NamespacedName:
    """Let a preview environment live: its own Application, every twentieth with its own project and repository."""
    name = f"preview-{day}-{number}"
    project, repo = (name, f"https://git.example/{name}") if number % 20 == 0 else ("previews", "https://git.example/p")
    if number % 20 == 0:
        made.listen(ProjectChanged(name=project))
    made.listen(
        changed(name, project=project, repo_url=repo, labels={"environment": name if number % 20 == 0 else "pr"})
    )
    made.listen(RepositoryKnown(repo=repo))
    made.listen(
        GitRequestFinished(
            repo=repo, request_type="fetch", result="success", seconds=0.1, revision=name if number % 4 == 0 else "main"
        )
    )
    for event in (
        stands(name, drift_since=1.0),
        behind(name),
        permission(name, automated=False),
        decision(name=name, allowed=False),
        turn(name),
        asked(name),
        attempted(name, "Succeeded", final=True),
        deployed(name, project=project),
    ):
        made.listen(event)
    return NamespacedName("argocd", name)


def sizes(made: Exporter) -> dict[str, t.Any]:
    """Return how much there is in every table of ours."""
    mine = made._applications
    return {
        "states": len(mine._states),
        "seats": mine._seats._next,
        "stale": len(mine._stale),
        "blocks": sum(len(family._blocks) for family in mine.families),
        "lines": sum(family.lines for family in mine.families),
        "uses": len(mine._usage._users),
        "instruments": made._instruments.sizes(),
    }


def reached(root: object) -> t.Iterator[object]:
    """Yield all that is reached from the root, each once, code and classes left out."""
    seen, waiting = set[int](), [root]
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen or isinstance(
            thing, (type, types.ModuleType, types.FunctionType, types.BuiltinMethodType)
        ):
            continue
        seen.add(id(thing))
        yield thing
        waiting += gc.get_referents(thing)


def weight(root: object) -> int:
    """Return the bytes of all that is reached from the root."""
    return sum(map(sys.getsizeof, reached(root)))


def test_a_month_of_churn_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five hundred a day: the series, the tables and the bytes of every evening are those of the first."""
    for bound in ("MOST_FORMER", "MOST_REVISIONS"):
        monkeypatch.setattr(reactions.git, bound, REMEMBERED)
    made = exporter(*busy_minute(1), ProjectChanged(name="previews"), changed("stays", project="previews"))
    evenings, bytes_held = list[tuple[int, dict[str, t.Any]]](), list[int]()
    for day in range(DAYS):
        living = [life(made, day, number) for number in range(A_DAY)]
        made.exposition("application/openmetrics-text", "gzip")
        for number, key in enumerate(living):
            made.listen(ApplicationDeleted(key=key))
            if number % 20 == 0:
                made.listen(ProjectChanged(name=key.name, deleted=True))
        evenings.append((len(lines(made)), sizes(made)))
        if day % 5 == 4:
            bytes_held.append(weight(made))
    assert [] == [line for line in lines(made) if "preview-" in line]
    assert [evenings[0]] * DAYS == evenings
    assert max(bytes_held) - min(bytes_held) < 20_000, bytes_held
    assert REMEMBERED >= len(made._listener._git._former)


def test_many_applications_at_once_give_their_room_back() -> None:
    """A fleet that shrinks to one Application has one block a family."""
    made = exporter(changed("first"))
    for number in range(2000):
        made.listen(changed(f"app-{number}"))
    for number in range(2000):
        made.listen(ApplicationDeleted(key=NamespacedName("argocd", f"app-{number}")))
    assert {0, 1} >= {len(family._blocks) for family in made._applications.families}
    assert 1 == len(made._applications._states)


def test_an_event_holds_no_application_back() -> None:
    """The exporter keeps what it shows of an Application, not the object with all of its status."""
    made = exporter(*busy_minute(1), changed("other"))
    assert 4 == sum(isinstance(thing, applications._State) for thing in reached(made))
    assert [] == [thing for thing in reached(made) if isinstance(thing, (Application, ApplicationChanged))]
