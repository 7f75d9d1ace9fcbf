"""Resolve and render, over real Git."""

import json

import pytest

from model.source import Source
from tests.controller.sources.conftest import Stage
from tests.stage.git import GitServer


def config_map(name: str, **data: str) -> str:
    """Return a small manifest."""
    return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data})


def names(objects: tuple[bytes, ...]) -> list[str]:
    """Return the names of rendered objects."""
    return [json.loads(o)["metadata"]["name"] for o in objects]


@pytest.mark.row(18, 19)
def test_a_branch_is_followed(git_server: GitServer, stage: Stage) -> None:
    """A branch resolves to its tip, also after a push, when the newest answer is asked for."""
    repo = git_server.create("shop")
    first = repo.push({"a/one.yaml": config_map("one")})
    source = Source(repo_url=repo.url, path="a", target_revision="main")
    assert first == stage.service.resolve(source, "default")
    second = repo.push({"a/two.yaml": config_map("two")})
    assert first == stage.service.resolve(source, "default")
    assert second == stage.service.resolve(source, "default", force=True)
    assert [repo.url] == stage.moved
    assert ["one", "two"] == names(stage.render(source).objects)
