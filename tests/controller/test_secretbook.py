"""Repositories and clusters out of Secrets."""

from __future__ import annotations

import base64
import typing as t

import msgspec
import pytest

from controller.secretbook import SecretBook, read_secret
from model.errors import InvalidSettings
from model.secrets import Cluster, Repository


def secret(kind: str, name: str = "s", **data: str) -> bytes:
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    labels = {"argocd.argoproj.io/secret-type": kind}
    return msgspec.json.encode({"metadata": {"name": name, "namespace": "argocd", "labels": labels}, "data": encoded})


def book(*secrets: bytes) -> SecretBook:
    made = SecretBook()
    for number, raw in enumerate(secrets):
        made.put(str(number), read_secret(raw))
    return made


URL = "https://git.example/team/shop.git"


def test_a_repository_is_found_by_any_spelling_of_its_url() -> None:
    """Case, .git and a slash at the end do not matter."""
    found = book(secret("repository", url=URL, username="u", password="p")).repository(
        "https://GIT.example/team/shop/", "x"
    )
    assert found is not None
    assert ("u", "p") == (found.credentials.username, found.credentials.password)


def test_credentials_of_another_project_are_never_used() -> None:
    """A scoped entry serves its project and goes before an unscoped one."""
    made = book(
        secret("repository", url=URL, username="all", password="p"),
        secret("repository", url=URL, username="own", password="p", project="a"),
        secret("repository", url=URL, username="other", password="p", project="b"),
    )

    def user(project: str) -> str:
        found = made.repository(URL, project)
        return found.credentials.username if found else ""

    assert {"a": "own", "b": "other", "c": "all"} == {project: user(project) for project in "abc"}


def test_templates_lend_their_credentials_by_the_longest_prefix() -> None:
    """At the border of a path segment only, and not to entries that have their own."""
    made = book(
        secret("repo-creds", url="https://git.example", username="wide", password="p"),
        secret("repo-creds", url="https://git.example/team", username="near", password="p"),
        secret("repository", url="https://git.example/own/x", username="mine", password="p"),
        secret("repository", url="https://git.example/team/bare"),
    )

    def user(url: str) -> str | None:
        found = made.repository(url, "p")
        return found.credentials.username if found else None

    assert "near" == user(URL)
    assert "near" == user("https://git.example/team/bare")
    assert "wide" == user("https://git.example/teammate/x")
    assert "mine" == user("https://git.example/own/x")
    assert user("https://git.example.evil/team/x") is None


def test_a_cluster_is_read_with_its_namespaces() -> None:
    """A slash at the end of the server goes."""
    data = {"server": "https://api.example/", "namespaces": "a, b", "config": '{"bearerToken": "hidden-token"}'}
    found = read_secret(secret("cluster", **data))
    assert isinstance(found, Cluster)
    assert ("https://api.example", ("a", "b")) == (found.server, found.namespaces)
    assert "hidden-token" not in repr(found)


@pytest.mark.parametrize(
    ("kind", "data", "path"),
    [
        ("repository", {"type": "svn", "url": URL}, "type"),
        ("repository", {}, "url"),
        ("repository", {"url": URL, "insecure": "perhaps"}, "insecure"),
        ("cluster", {"server": "https://x", "config": "{secret"}, "config"),
        ("cluster", {}, "server"),
    ],
)
def test_what_cannot_be_used_is_named_without_its_value(kind: str, data: dict[str, t.Any], path: str) -> None:
    """The Secret and the key, never the content."""
    with pytest.raises(InvalidSettings) as failure:
        read_secret(secret(kind, **data))
    assert f"Secret argocd/s: {path}" in str(failure.value)
    assert "perhaps" not in str(failure.value)
    assert "{secret" not in str(failure.value)


def test_other_secrets_are_left_alone() -> None:
    """Types that are used elsewhere are no entry; a repository is one."""
    assert read_secret(secret("repository-write", url=URL)) is None
    assert isinstance(read_secret(secret("repository", url=URL)), Repository)
