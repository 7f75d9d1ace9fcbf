"""Which projects, environments, namespaces and repositories are in use: what nobody names any more leaves no series.

Called by `exporter.applications` and by the reactions to events; it calls back at the first and after the last use.
"""

from __future__ import annotations

import collections
import threading
import typing as t


class Uses(t.NamedTuple):
    """What one Application names."""

    namespace: str
    project: str
    environment: str
    repositories: tuple[str, ...]


Heard = t.Callable[[str], None]


def _nobody(*_: str) -> None:
    """Whoever does not care."""


class Usage:
    """Counts who names what."""

    def __init__(
        self,
        *,
        project_came: Heard = _nobody,
        project_went: Heard = _nobody,
        environment_came: t.Callable[[str, str], None] = _nobody,
        environment_went: t.Callable[[str, str], None] = _nobody,
        namespace_went: Heard = _nobody,
        repository_came: Heard = _nobody,
        repository_went: Heard = _nobody,
    ) -> None:
        """Start with nothing in use; the arguments are told of first and last uses."""
        self._came: dict[str, t.Callable[..., None]] = {
            "project": project_came,
            "environment": environment_came,
            "repository": repository_came,
        }
        self._went: dict[str, t.Callable[..., None]] = {
            "project": project_went,
            "environment": environment_went,
            "namespace": namespace_went,
            "repository": repository_went,
        }
        self._users: collections.Counter[tuple[str, ...]] = collections.Counter()
        self._lock = threading.RLock()

    def moved(self, old: Uses | None, new: Uses | None) -> None:
        """Take that an Application named `old` and names `new` now; None: it is not there."""
        before, after = _names(old), _names(new)
        with self._lock:
            for name in after - before:
                self._add(name)
            for name in before - after:
                self._drop(name)

    def defined(self, project: str, *, gone: bool) -> None:
        """Take that an AppProject is there, or is gone; it is in use while it is there or an Application names it."""
        with self._lock:
            known = ("defined", project) in self._users
            if gone and known:
                del self._users["defined", project]
                self._drop(("project", project))
            elif not gone and not known:
                self._users["defined", project] = 1
                self._add(("project", project))

    def _add(self, name: tuple[str, ...]) -> None:
        self._users[name] += 1
        if self._users[name] == 1:
            self._came.get(name[0], _nobody)(*name[1:])

    def _drop(self, name: tuple[str, ...]) -> None:
        self._users[name] -= 1
        if self._users[name] > 0:
            return
        del self._users[name]
        self._went[name[0]](*name[1:])


def _names(uses: Uses | None) -> set[tuple[str, ...]]:
    if uses is None:
        return set()
    return {
        ("namespace", uses.namespace),
        ("project", uses.project),
        ("environment", uses.project, uses.environment),
        *(("repository", repository) for repository in uses.repositories),
    }
