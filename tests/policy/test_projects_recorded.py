"""Sources, destinations and kinds as Go's libraries answer them: odd URLs, patterns that do not compile, negations.

The answers in data/go_projects.json were recorded once from a Go program with net/url, path/filepath and gobwas/glob.
"""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from model.decision import Decision
from model.project import read_project
from model.secrets import Cluster
from policy.findings import Mode
from policy.projects import permit
from policy.projects.compiled import Project

RECORDED: dict[str, t.Any] = json.loads((Path(__file__).parent / "data" / "go_projects.json").read_text("utf-8"))


def compiled(mode: Mode, **spec: t.Any) -> Project:
    return Project(read_project(json.dumps({"metadata": {"name": "p"}, "spec": spec}).encode()), mode)


def source(mode: Mode, entries: list[str], url: str) -> Decision:
    return permit.source(compiled(mode, sourceRepos=entries), url)


def destination(mode: Mode, entries: list[list[str]], name: str, server: str, namespace: str) -> Decision:
    items = [dict(zip(("name", "server", "namespace"), entry, strict=True)) for entry in entries]
    return permit.destination(compiled(mode, destinations=items), Cluster(name=name, server=server), namespace, "")


def kind(
    mode: Mode, white: list[list[str]] | None, black: list[list[str]] | None, namespaced: bool, *asked: str
) -> Decision:
    scope = "namespace" if namespaced else "cluster"
    lists = {f"{scope}ResourceWhitelist": _items(white), f"{scope}ResourceBlacklist": _items(black)}
    group, name_of_kind = asked
    return permit.kind(compiled(mode, **lists), group, name_of_kind, namespaced=namespaced, name="x1")


def _items(items: list[list[str]] | None) -> list[dict[str, str]] | None:
    named = [dict(zip(("group", "kind", "name"), item, strict=True)) for item in items or []]
    return None if items is None else named


@pytest.mark.parametrize(
    ("ask", "cases"),
    [(source, RECORDED["sources"]), (destination, RECORDED["destinations"]), (kind, RECORDED["kinds"])],
    ids=["sources", "destinations", "kinds"],
)
def test_compat_answers_as_recorded(ask: t.Callable[..., Decision], cases: list[list[t.Any]]) -> None:
    """Each recorded case has the recorded answer, and both answers were recorded often."""
    assert min(sum(case[-1] for case in cases), sum(not case[-1] for case in cases)) > 100
    assert [] == [case for case in cases if ask("compat", *case[:-1]).allowed != case[-1]]


@pytest.mark.parametrize(
    ("ask", "cases"),
    [(source, RECORDED["sources"]), (destination, RECORDED["destinations"]), (kind, RECORDED["kinds"])],
    ids=["sources", "destinations", "kinds"],
)
def test_strict_permits_nothing_else(ask: t.Callable[..., Decision], cases: list[list[t.Any]]) -> None:
    """What was refused is refused, whatever spelling or broken pattern stands there."""
    assert [] == [case for case in cases if ask("strict", *case[:-1]).allowed and not case[-1]]
