"""The words of Argo CD's RBAC: resources, their actions, and which objects carry a project.

Source: Argo CD util/rbac/rbac.go (Resources, Actions), util/rbac/rbac.go ProjectScoped, docs "RBAC Configuration".
"""

from __future__ import annotations

PROJECT_SCOPED = frozenset({"applications", "applicationsets", "repositories", "clusters", "logs", "exec"})
"""The object is PROJECT/…; a role of that project counts."""

WITH_URL = frozenset({"clusters", "repositories"})
"""The object is a URL, with PROJECT/ before it when it belongs to a project."""

_CRUD = frozenset({"get", "create", "update", "delete"})

ACTIONS: dict[str, frozenset[str]] = {
    "applications": _CRUD | {"sync", "override", "rollback"},
    "applicationsets": _CRUD,
    "logs": frozenset({"get"}),
    "exec": frozenset({"create", "debug"}),
    "clusters": _CRUD,
    "repositories": _CRUD,
    "write-repositories": _CRUD,
    "projects": _CRUD,
    "accounts": frozenset({"get", "create", "update"}),
    "certificates": frozenset({"get", "create", "delete", "update"}),
    "gpgkeys": frozenset({"get", "create", "delete"}),
    "extensions": frozenset({"invoke"}),
}
"""Resource to its plain actions; applications also take update/…, delete/… and action/… with a resource behind."""

WITH_SLASH = frozenset({"applications", "applicationsets", "logs", "exec"})
"""Every object of these has a slash: PROJECT/NAME."""

WITHOUT_SLASH = frozenset({"projects", "accounts", "extensions"})
"""No object of these has one."""

WITHOUT_OBJECT = frozenset({"certificates", "gpgkeys"})
"""Requests about these have an empty object."""

LONG_ACTIONS = ("action/", "update/", "delete/")
"""Beginnings of actions on single resources of an Application: action/GROUP/KIND/NAME, update/GROUP/KIND/NS/NAME."""

GLOB_CHARACTERS = frozenset("*?[{\\")

REGEX_CHARACTERS = frozenset(".*+?()[]{}|^$\\")


def project_of(resource: str, target: str) -> str:
    """Return the project that a request concerns, or empty text (Argo CD: getProjectFromRequest).

    What stands before the first slash of a plain URL is its scheme: https: is no project, and no project can be called
    so. Upstream looks for it, and finds none.
    """
    if resource == "projects":
        return target
    if resource in PROJECT_SCOPED:
        project, slash, _ = target.partition("/")
        return project if slash and not (resource in WITH_URL and ":" in project) else ""
    return ""


def known_resource(word: str) -> bool:
    """True for a resource of Argo CD; patterns are not looked into."""
    return word in ACTIONS


def known_action(resource: str, word: str) -> bool:
    """True when the resource (a plain word; anything else counts as any) has this plain action."""
    if word.startswith(LONG_ACTIONS):
        return resource == "applications" or resource not in ACTIONS
    if resource in ACTIONS:
        return word in ACTIONS[resource]
    return any(word in actions for actions in ACTIONS.values())
