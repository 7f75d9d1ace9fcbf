"""Which Applications a push concerns."""

from __future__ import annotations

import typing as t

import pytest

from model.source import Source
from server.webhook.matching import Index
from server.webhook.pushes import Push, RefChange, change, repositories
from tests.server.webhook.support import NEW, OLD, app

SHOP = "https://git.example/team/shop"


def push(ref: str = "refs/heads/main", default: str | None = "main", url: str = SHOP, **more: t.Any) -> Push:
    moved = change(ref, OLD, NEW, default)
    return Push(repositories=repositories([url], "url"), changes=more.pop("changes", (moved,)), **more)


def matched(target: str, **more: t.Any) -> bool:
    return bool(Index([app("web", SHOP, target)]).matches(push(**more)))


@pytest.mark.parametrize(
    "url",
    [
        SHOP,
        f"{SHOP}.git",
        f"{SHOP}/",
        "https://GIT.example/Team/Shop.git",
        "http://git.example/team/shop",
        "https://git.example:8443/team/shop",
        "https://ada@git.example/team/shop",
        "ssh://git@git.example/team/shop.git",
        "ssh://git@git.example:7999/team/shop.git",
        "ssh://git@ssh.git.example/team/shop",
        "ssh://git@altssh.git.example:443/team/shop",
        "git@git.example:team/shop.git",
        "git.example:team/shop",
    ],
)
def test_spellings_of_one_repository(url: str) -> None:
    """Scheme, user, port, letter case, .git and the host of the SSH endpoint do not count."""
    assert ["web"] == [match.key.name for match in Index([app("web", url)]).matches(push())]


@pytest.mark.parametrize(
    "url",
    [
        f"{SHOP}2",
        "https://git.example/team",
        "https://git.example/other/team/shop",
        "https://example/team/shop",
        "https://git-example/team/shop",
        "https://git.example.org/team/shop",
        "https://git.example/team/sh.p",
        "https://ada:pw@git.example/team/shop",
        "file:///team/shop",
        "ext::sh -c x",
        "",
    ],
)
def test_other_repositories(url: str) -> None:
    """Nearly the same is not the same; what may not be used at all follows nothing."""
    assert [] == Index([app("web", url)]).matches(push())


def test_azure_devops_writes_ssh_in_another_order() -> None:
    """The one host whose two addresses have different paths."""
    index = Index([app("web", "git@ssh.dev.azure.com:v3/org/project/repo")])
    assert ["web"] == [m.key.name for m in index.matches(push(url="https://org@dev.azure.com/org/project/_git/repo"))]


@pytest.mark.parametrize(
    ("target", "ref", "default", "expected"),
    [
        ("main", "refs/heads/main", "main", True),
        ("refs/heads/main", "refs/heads/main", "main", True),
        ("heads/main", "refs/heads/main", "main", True),
        (" main ", "refs/heads/main", "main", True),
        ("main", "refs/heads/main2", "main", False),
        ("Main", "refs/heads/main", "main", False),
        ("feature/x", "refs/heads/feature/x", "main", True),
        ("x", "refs/heads/feature/x", "main", False),
        ("", "refs/heads/main", "main", True),
        ("HEAD", "refs/heads/main", "refs/heads/main", True),
        ("HEAD", "refs/heads/dev", "main", False),
        ("HEAD", "refs/heads/dev", None, True),
        ("HEAD", "refs/tags/v1", None, False),
        ("v1", "refs/tags/v1", "main", True),
        ("refs/tags/v1", "refs/tags/v1", "main", True),
        ("refs/tags/v1", "refs/heads/v1", "main", False),
        ("refs/heads/v1", "refs/tags/v1", "main", False),
        ("1.*", "refs/tags/1.1.0", "main", True),
        ("^1.2", "refs/tags/v1.9.0", "main", True),
        (">=1 <3 || 7", "refs/tags/7.0.0", "main", True),
        ("1.*", "refs/tags/2.0.0", "main", False),
        ("1.*", "refs/heads/1.1.0", "main", False),
        ("1.1.0", "refs/tags/1.1.0", "main", True),
        (NEW, "refs/heads/dev", "main", True),
        (NEW[:8], "refs/heads/dev", "main", True),
        (OLD, "refs/heads/main", "main", False),
        ("m*", "refs/heads/main", "main", False),
        (".*", "refs/heads/main", "main", False),
    ],
)
def test_revisions(target: str, ref: str, default: str | None, expected: bool) -> None:
    """Branches, tags, the default branch, version constraints over tags, and a commit that was waited for."""
    assert expected == matched(target, ref=ref, default=default)


@pytest.mark.parametrize(("default", "expected"), [("main", [NEW]), (None, [""])])
def test_what_only_may_be_the_default_branch_names_no_commit(default: str | None, expected: list[str]) -> None:
    """The Application is refreshed, but nobody is told that this commit is deployed."""
    found = Index([app("web", SHOP, "HEAD")]).matches(push(default=default))
    assert expected == [match.change.after for match in found]


def test_every_source_counts_and_each_application_once() -> None:
    """Of several sources the one that was pushed to, with the commit of the ref that moved it."""
    sources = [
        Source(repo_url="https://git.example/team/values", target_revision="main", ref="values"),
        Source(repo_url=SHOP, path="a", target_revision="v1"),
        Source(repo_url=f"{SHOP}.git", path="b", target_revision="main"),
    ]
    index = Index([app("web", sources=sources), app("none", "")])
    moved = (change("refs/heads/main", OLD, NEW, "main"), change("refs/tags/v1", OLD, "3" * 40, "main"))
    found = index.matches(push(changes=moved))
    assert [("web", "3" * 40)] == [(match.key.name, match.change.after) for match in found]
    assert SHOP == index.known_as(push())


def test_the_label_has_no_credentials_and_strangers_none() -> None:
    """As the Application names it, without a user; empty for what nobody uses."""
    index = Index([app("web", "https://robot@git.example/team/shop")])
    assert SHOP == index.known_as(push())
    assert "" == index.known_as(push(url="https://git.example/stranger"))


def test_ten_thousand_refs_and_applications_are_quick() -> None:
    """A mirror push of everything: each target is looked up once."""
    changes: tuple[RefChange, ...] = tuple(change(f"refs/tags/1.0.{n}", OLD, NEW, "main") for n in range(2000))
    index = Index([app(f"web-{n}", SHOP, "1.*") for n in range(2000)])
    assert 2000 == len(index.matches(push(changes=changes)))
