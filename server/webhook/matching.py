"""Which Applications a push concerns. Texts are compared after they were put into one form, never as patterns. Pure.

Source: Argo CD util/webhook/webhook.go, sourceUsesURL and sourceRevisionHasChanged. Two things are told apart that
Argo CD does not: a branch and a tag of one name, and a version constraint, which a new tag may fulfil.
"""

from __future__ import annotations

import functools
import re
import typing as t

import msgspec

from controller.sources import semver
from model.application import Application
from model.errors import InvalidSpec
from model.meta import NamespacedName
from model.source import Source
from model.urls import display_url, repository_key
from server.webhook import paths
from server.webhook.pushes import Push, RefChange

_ABBREVIATED = re.compile(r"[0-9a-f]{7,64}")


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """An Application that a push concerns."""

    key: NamespacedName
    project: str
    repo: str
    """The repository as the Application names it, without credentials."""
    change: RefChange
    """What moved it."""


class Index:
    """The Applications by repository, as they were at one time."""

    def __init__(self, apps: t.Iterable[Application]) -> None:
        self._users: dict[str, list[tuple[Application, Source]]] = {}
        self._names: dict[str, str] = {}
        for app in apps:
            for source in app.spec.all_sources:
                key, name = known_by(source.repo_url)
                if key:
                    self._users.setdefault(key, []).append((app, source))
                    self._names[key] = min(name, self._names.get(key, name))

    def known_as(self, push: Push) -> str:
        """Return how an Application names the repository of the push, without credentials; empty when none uses it."""
        return min((self._names[key] for key in self.used(push)), default="")

    def used(self, push: Push) -> frozenset[str]:
        """Return those of the repository's addresses that Applications use."""
        return frozenset(key for key in push.repositories if key in self._names)

    def matches(self, push: Push) -> list[Match]:
        """Return each Application that the push concerns, once."""
        moved = _Moved(push.changes)
        found: dict[NamespacedName, Match] = {}
        for key in sorted(push.repositories):
            for app, source in self._users.get(key, ()):
                change = moved.by(source.target_revision.strip()) if app.key not in found else None
                if change is not None and paths.concerned(app, source, push.files):
                    found[app.key] = Match(
                        key=app.key,
                        project=app.spec.project or "default",
                        repo=known_by(source.repo_url)[1],
                        change=change,
                    )
        return list(found.values())


class _Moved:
    """The branches and tags of one push, looked up by target revision."""

    def __init__(self, changes: t.Sequence[RefChange]) -> None:
        self._head = _head(changes)
        self._commits = {one.after: one for one in changes if one.after}
        self._names = {name: one for one in reversed(changes) for name in one.spellings}
        self._tags = {one.name: one for one in changes if one.kind != "branch"}
        self._known: dict[str, RefChange | None] = {}

    def by(self, target: str) -> RefChange | None:
        """Return the change that may move a target revision, None when none does."""
        if target not in self._known:
            self._known[target] = self._find(target)
        return self._known[target]

    def _find(self, target: str) -> RefChange | None:
        if target in ("", "HEAD"):
            return self._head
        if (named := self._names.get(target)) is not None:
            return named
        if semver.is_constraint(target) and not semver.is_version(target):
            best = semver.best(target, self._tags)
            return self._tags[best] if best is not None else None
        if _ABBREVIATED.fullmatch(target.lower()):
            return next((one for commit, one in self._commits.items() if commit.startswith(target.lower())), None)
        return None


def _head(changes: t.Sequence[RefChange]) -> RefChange | None:
    """Return the change of the default branch; of one that only may be it, the commit says nothing."""
    sure = next((one for one in changes if one.head == "yes"), None)
    perhaps = next((one for one in changes if one.head == "unknown"), None)
    return sure or (msgspec.structs.replace(perhaps, after="") if perhaps is not None else None)


@functools.lru_cache(maxsize=16_384)
def known_by(url: str) -> tuple[str, str]:
    """Return `repository_key`, empty for a URL that cannot be one, and the URL as it may be shown."""
    try:
        return repository_key(url), display_url(url)
    except InvalidSpec:
        return "", ""
