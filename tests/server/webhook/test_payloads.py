"""Bodies of Git servers -> Push, and whatever else may come."""

from __future__ import annotations

import json
import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.errors import InvalidInput
from server.webhook import payloads
from server.webhook.payloads import LONGEST_GITHUB, LONGEST_GOGS
from server.webhook.pushes import Push, change
from tests.server.webhook.support import (
    NEW,
    OLD,
    ZEROS,
    azure_body,
    bitbucket_body,
    bitbucketserver_body,
    github_body,
    gitlab_body,
)

READERS: dict[str, tuple[t.Callable[[bytes], Push | None], dict[str, t.Any]]] = {
    "github": (payloads.github, github_body()),
    "gogs": (payloads.gogs, github_body()),
    "gitlab": (payloads.gitlab, gitlab_body()),
    "bitbucket": (payloads.bitbucket, bitbucket_body()),
    "bitbucketserver": (payloads.bitbucketserver, bitbucketserver_body()),
    "azuredevops": (payloads.azuredevops, azure_body()),
}


def read(reader: t.Callable[[bytes], Push | None], body: dict[str, t.Any]) -> Push:
    push = reader(json.dumps(body).encode())
    assert push is not None
    return push


@pytest.mark.parametrize("name", READERS)
def test_each_server_tells_repository_and_branch(name: str) -> None:
    """Whatever the form, the same push is the same."""
    push = read(*READERS[name])
    assert "git.example/team/shop" in push.repositories
    one = push.changes[0]
    head = "unknown" if name.startswith("bitbucket") else "yes"
    assert ("main", "branch", OLD, NEW, head) == (one.name, one.kind, one.before, one.after, one.head)


def test_only_some_servers_tell_the_files() -> None:
    """Where they are not told, everything may have changed."""
    told = {name for name, (reader, body) in READERS.items() if read(reader, body).files == {"web/a.yaml"}}
    assert {"github", "gogs", "gitlab"} == told
    assert {None} == {read(*READERS[name]).files for name in set(READERS) - told}


def test_a_list_of_commits_that_may_be_cut_short_tells_no_files() -> None:
    """Counted by GitLab and Gitea; Gogs stops at five without a word, GitHub at 2048."""
    commit = {"added": ["a"], "modified": [], "removed": []}
    assert read(payloads.gitlab, {**gitlab_body(), "total_commits_count": 21}).files is None
    assert read(payloads.gogs, {**github_body(), "total_commits": 2}).files is None
    for reader, longest in ((payloads.gogs, LONGEST_GOGS), (payloads.github, LONGEST_GITHUB)):
        assert {"a"} == read(reader, {**github_body(), "commits": [commit] * (longest - 1)}).files
        assert read(reader, {**github_body(), "commits": [commit] * longest}).files is None
    whole = {**github_body(), "commits": [commit] * 9, "total_commits": 9}
    assert {"a"} == read(payloads.gogs, whole).files


def test_pushes_that_rewrite_or_create_tell_no_files() -> None:
    """What a forced push took away stands in no commit of its list."""
    for body in (
        github_body(forced=True),
        github_body(before=ZEROS),
        github_body(commits=[]),
        github_body(commits=[{"id": NEW}]),
        github_body(files=[f"f{n}" for n in range(5001)]),
    ):
        assert read(payloads.github, body).files is None
    assert read(payloads.gitlab, {**gitlab_body(), "before": ZEROS}).files is None


def test_deletions_and_tags() -> None:
    """A deleted branch has no commit; a tag is never the default branch."""
    gone = read(payloads.github, github_body(after=ZEROS)).changes[0]
    assert ("", "yes") == (gone.after, gone.head)
    tag = read(payloads.gitlab, gitlab_body("refs/tags/v1.2.0")).changes[0]
    assert ("v1.2.0", "tag", "no") == (tag.name, tag.kind, tag.head)
    side = {"type": "tag", "name": "v1", "target": {"hash": NEW}}
    body = {**bitbucket_body(), "push": {"changes": [{"new": None, "old": side}, {"new": side, "old": None}]}}
    changes = read(payloads.bitbucket, body).changes
    assert [("v1", "tag", NEW, ""), ("v1", "tag", "", NEW)] == [(c.name, c.kind, c.before, c.after) for c in changes]


def test_all_refs_of_a_push_count() -> None:
    """Argo CD reads the first one only."""
    body = azure_body()
    body["resource"]["refUpdates"] = [{"name": f"refs/heads/{name}"} for name in ("a", "b/c", "main")]
    assert [("a", "no"), ("b/c", "no"), ("main", "yes")] == [
        (one.name, one.head) for one in read(payloads.azuredevops, body).changes
    ]


def test_refs_in_short_may_be_either() -> None:
    """Where neither refs/heads/ nor refs/tags/ is said."""
    assert ("v1", "refs/heads/v1", "heads/v1", "refs/tags/v1", "tags/v1") == change("v1", "", "", "main").spellings
    assert ("x", "refs/tags/x", "tags/x") == change("refs/tags/x", "", "", "main").spellings


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def bent(draw: st.DrawFn) -> tuple[str, bytes]:
    """A true payload in which one place was replaced by anything."""
    name = draw(st.sampled_from(sorted(READERS)))
    body = json.loads(json.dumps(READERS[name][1]))
    at: t.Any = body
    for _ in range(draw(st.integers(0, 5))):
        keys = sorted(at) if isinstance(at, dict) else list(range(len(at))) if isinstance(at, list) else []
        if not keys:
            break
        key = draw(st.sampled_from(keys))
        if isinstance(at[key], (dict, list)) and draw(st.booleans()):
            at = at[key]
            continue
        at[key] = draw(JSONS)
        break
    return name, json.dumps(body).encode("utf-8", "surrogatepass")


@settings(max_examples=400, deadline=None)
@given(case=bent())
def test_bent_payloads_are_read_or_refused(case: tuple[str, bytes]) -> None:
    """A Push whose texts can be stored anywhere, or InvalidInput in one line; nothing else ever."""
    name, raw = case
    _read_or_refuse(name, raw)


@settings(max_examples=200, deadline=None)
@given(name=st.sampled_from(sorted(READERS)), raw=st.binary(max_size=200) | JSONS.map(lambda j: json.dumps(j).encode()))
def test_anything_else_is_refused(name: str, raw: bytes) -> None:
    """Bytes and JSON of any form."""
    _read_or_refuse(name, raw)


def _read_or_refuse(name: str, raw: bytes) -> None:
    try:
        push = READERS[name][0](raw)
    except InvalidInput as refused:
        assert "\n" not in str(refused)
        assert len(str(refused)) < 500
        return
    if push is not None:
        assert push.repositories
        assert push.changes
        for one in push.changes:
            assert (one.name + one.before + one.after).encode()
