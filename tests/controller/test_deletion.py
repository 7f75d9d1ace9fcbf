"""What keeps a deletion from going on: doubt about the project."""

from __future__ import annotations

import types
import typing as t

import pytest

from controller.context import Context
from controller.deletion import Deleter
from tests.controller.builders import application


def deleter(*, synced: bool = True, projects: tuple[str, ...] = (), problem: str = "", refusal: str = "") -> Deleter:
    """Return a Deleter that knows these AppProjects, and what is wrong with the one called default."""
    governance = types.SimpleNamespace(
        projects=dict.fromkeys(projects), synced=lambda: synced, project_problem=lambda name: problem
    )
    refusals = {"default": refusal} if refusal else {}
    guard = types.SimpleNamespace(current=types.SimpleNamespace(refusals=refusals))
    return Deleter(t.cast("Context", types.SimpleNamespace(governance=governance, guard=guard)))


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"synced": False}, "could not be read yet"),
        ({"problem": "spec.roles: found text"}, "AppProject default permits to delete: spec.roles"),
        ({"projects": ("default",), "refusal": "a global project is malformed"}, "a global project is malformed"),
    ],
    ids=["not listed yet", "never readable", "no usable form"],
)
def test_a_deletion_waits_while_nobody_knows_what_the_project_permits(state: dict[str, t.Any], words: str) -> None:
    """An AppProject that was not read looks like one that is gone, whose Applications may delete everything."""
    assert words in deleter(**state)._doubt(application())


@pytest.mark.parametrize("state", [{"projects": ("default",)}, {}], ids=["good", "gone"])
def test_a_good_project_and_none_leave_no_doubt(state: dict[str, t.Any]) -> None:
    """Deleting works with the project, and when it is gone for good; a last good form is good enough."""
    assert "" == deleter(**state)._doubt(application())
    assert "" == deleter(projects=("default",), problem="the newest version is malformed")._doubt(application())
