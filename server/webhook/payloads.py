"""The bodies of the Git servers -> Push. The types name what is read and nothing else; a wrong shape is InvalidInput.

Sources: the webhook documentation of GitHub ("push"), GitLab ("Push events", "Tag events"), Gogs and Gitea, Bitbucket
Cloud ("repo:push"), Bitbucket Server ("repo:refs_changed") and Azure DevOps ("git.push"). Pure.
"""

from __future__ import annotations

import typing as t

import msgspec

from model.decode import decode
from model.errors import InvalidInput
from server.webhook import pushes
from server.webhook.pushes import Push

Text = t.Annotated[str, msgspec.Meta(max_length=2048)]
Ref = t.Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
Sha = t.Annotated[str, msgspec.Meta(max_length=128)]
T = t.TypeVar("T")
OneOrMore = t.Annotated[list[T], msgspec.Meta(min_length=1)]

LONGEST_GITHUB = 2048
"""Commits of one payload; GitHub leaves the others out without a word."""
LONGEST_GOGS = 5
"""Gogs' default FEED_MAX_COMMIT_NUM; Gitea and Forgejo tell how many there were."""


class _Commit(msgspec.Struct, frozen=True):
    """A commit with its files, as GitHub, GitLab, Gogs and Gitea tell it."""

    added: list[str] | None = None
    modified: list[str] | None = None
    removed: list[str] | None = None


class _GitHubRepository(msgspec.Struct, frozen=True):
    html_url: Text | None = None
    clone_url: Text | None = None
    ssh_url: Text | None = None
    default_branch: Text | None = None


class _GitHubPush(msgspec.Struct, frozen=True):
    """Gogs and Gitea have the same form; Gitea also counts the commits."""

    ref: Ref
    repository: _GitHubRepository
    before: Sha | None = None
    after: Sha | None = None
    forced: bool | None = None
    commits: list[_Commit] | None = None
    total_commits: int | None = None


class _GitLabProject(msgspec.Struct, frozen=True):
    web_url: Text | None = None
    git_http_url: Text | None = None
    git_ssh_url: Text | None = None
    default_branch: Text | None = None


class _GitLabPush(msgspec.Struct, frozen=True):
    ref: Ref
    project: _GitLabProject
    before: Sha | None = None
    after: Sha | None = None
    commits: list[_Commit] | None = None
    total_commits_count: int | None = None


class _Named(msgspec.Struct, frozen=True):
    object_kind: Text | None = None
    event_name: Text | None = None


class _Link(msgspec.Struct, frozen=True):
    href: Text


class _CloudLinks(msgspec.Struct, frozen=True):
    html: _Link


class _CloudRepository(msgspec.Struct, frozen=True):
    links: _CloudLinks


class _CloudTarget(msgspec.Struct, frozen=True):
    hash: Sha | None = None


class _CloudRef(msgspec.Struct, frozen=True):
    name: Ref
    type: Text | None = None
    target: _CloudTarget | None = None


class _CloudChange(msgspec.Struct, frozen=True):
    new: _CloudRef | None = None
    old: _CloudRef | None = None


class _CloudChanges(msgspec.Struct, frozen=True):
    changes: OneOrMore[_CloudChange]


class _CloudPush(msgspec.Struct, frozen=True):
    repository: _CloudRepository
    push: _CloudChanges


class _ServerLinks(msgspec.Struct, frozen=True):
    clone: OneOrMore[_Link]


class _ServerRepository(msgspec.Struct, frozen=True):
    links: _ServerLinks


class _ServerRef(msgspec.Struct, frozen=True):
    id: Ref


class _ServerChange(msgspec.Struct, frozen=True, rename="camel"):
    ref: _ServerRef
    from_hash: Sha | None = None
    to_hash: Sha | None = None


class _ServerPush(msgspec.Struct, frozen=True):
    repository: _ServerRepository
    changes: OneOrMore[_ServerChange]


class _AzureUpdate(msgspec.Struct, frozen=True, rename="camel"):
    name: Ref
    old_object_id: Sha | None = None
    new_object_id: Sha | None = None


class _AzureRepository(msgspec.Struct, frozen=True, rename="camel"):
    remote_url: Text
    default_branch: Text | None = None


class _AzureResource(msgspec.Struct, frozen=True, rename="camel"):
    repository: _AzureRepository
    ref_updates: OneOrMore[_AzureUpdate]


class _AzurePush(msgspec.Struct, frozen=True):
    resource: _AzureResource


class _AzureEvent(msgspec.Struct, frozen=True, rename="camel"):
    event_type: Text


def github(body: bytes) -> Push:
    """Read a push of GitHub."""
    return _like_github(body, LONGEST_GITHUB)


def gogs(body: bytes) -> Push:
    """Read a push of Gogs, Gitea or Forgejo, which have GitHub's form."""
    return _like_github(body, LONGEST_GOGS)


def _like_github(body: bytes, longest: int) -> Push:
    found = decode(_GitHubPush, body, "payload", InvalidInput)
    at = found.repository
    moved = pushes.change(found.ref, found.before, found.after, at.default_branch)
    return Push(
        repositories=pushes.repositories((at.html_url, at.clone_url, at.ssh_url), "repository.html_url"),
        changes=(moved,),
        files=None if found.forced or not moved.before else _files(found.commits, found.total_commits, longest),
    )


def gitlab(body: bytes) -> Push | None:
    """Read a push of a branch or tag of GitLab; None for other news of a system hook."""
    named = decode(_Named, body, "payload", InvalidInput)
    if (named.object_kind or named.event_name) not in ("push", "tag_push"):
        return None
    found = decode(_GitLabPush, body, "payload", InvalidInput)
    at = found.project
    moved = pushes.change(found.ref, found.before, found.after, at.default_branch)
    return Push(
        repositories=pushes.repositories((at.web_url, at.git_http_url, at.git_ssh_url), "project.web_url"),
        changes=(moved,),
        files=_files(found.commits, found.total_commits_count, LONGEST_GITHUB) if moved.before else None,
    )


def bitbucket(body: bytes) -> Push:
    """Read a push of Bitbucket Cloud, which tells neither files nor the default branch."""
    found = decode(_CloudPush, body, "payload", InvalidInput)
    moved = [change for one in found.push.changes if (change := _cloud_change(one)) is not None]
    if not moved:
        raise InvalidInput("payload", "push.changes", "neither new nor old in any", "the branch or tag that moved")
    html = found.repository.links.html.href
    return Push(repositories=pushes.repositories((html,), "repository.links.html.href"), changes=tuple(moved))


def _cloud_change(one: _CloudChange) -> pushes.RefChange | None:
    ref = one.new or one.old
    if ref is None:
        return None
    folder = {"branch": "refs/heads/", "named_branch": "refs/heads/", "tag": "refs/tags/"}.get(ref.type or "", "")
    before, after = (side.target.hash if side and side.target else "" for side in (one.old, one.new))
    return pushes.change(f"{folder}{ref.name}", before, after, None)


def bitbucketserver(body: bytes) -> Push:
    """Read a push of Bitbucket Server, which tells neither files nor the default branch."""
    found = decode(_ServerPush, body, "payload", InvalidInput)
    clones = [link.href for link in found.repository.links.clone]
    return Push(
        repositories=pushes.repositories(clones, "repository.links.clone"),
        changes=tuple(pushes.change(one.ref.id, one.from_hash, one.to_hash, None) for one in found.changes),
    )


def azuredevops(body: bytes) -> Push | None:
    """Read a push of Azure DevOps, which tells no files; None for other events."""
    if decode(_AzureEvent, body, "payload", InvalidInput).event_type != "git.push":
        return None
    found = decode(_AzurePush, body, "payload", InvalidInput).resource
    default = found.repository.default_branch
    return Push(
        repositories=pushes.repositories((found.repository.remote_url,), "resource.repository.remoteUrl"),
        changes=tuple(
            pushes.change(one.name, one.old_object_id, one.new_object_id, default) for one in found.ref_updates
        ),
    )


def _files(commits: list[_Commit] | None, total: int | None, longest: int) -> frozenset[str] | None:
    """Return the files of all commits; None where the list of commits may be cut short, or is too long to be kept."""
    if not commits or (total > len(commits) if total is not None else len(commits) >= longest):
        return None
    files: set[str] = set()
    for one in commits:
        if one.added is None and one.modified is None and one.removed is None:
            return None
        files.update(one.added or (), one.modified or (), one.removed or ())
        if len(files) > pushes.MOST_FILES:
            return None
    return frozenset(files) or None
