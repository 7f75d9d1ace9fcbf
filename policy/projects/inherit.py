"""Which projects inherit from which: globalProjects of argocd-cm.

Source: Argo CD docs "Projects", section on global projects; Kubernetes label selectors.
"""

from __future__ import annotations

import typing as t

from model.project import AppProject
from model.settings import GlobalProject


def globals_of(project: AppProject, rules: t.Iterable[GlobalProject]) -> tuple[str, ...]:
    """Return the names of the global projects whose selector takes the project; none for a global project itself."""
    labels = project.metadata.labels or {}
    return tuple(
        rule.project_name for rule in rules if rule.project_name != project.metadata.name and _takes(rule, labels)
    )


def _takes(rule: GlobalProject, labels: dict[str, str]) -> bool:
    """Match a label selector; an operator that does not exist takes no project."""
    exact = all(labels.get(key) == value for key, value in rule.match_labels.items())
    return exact and all(_expression(item, labels) for item in rule.match_expressions)


def _expression(item: dict[str, t.Any], labels: dict[str, str]) -> bool:
    key, values = str(item.get("key", "")), item.get("values") or []
    found = labels.get(key)
    match item.get("operator"):
        case "In":
            return found is not None and found in values
        case "NotIn":
            return found is None or found not in values
        case "Exists":
            return found is not None
        case "DoesNotExist":
            return found is None
    return False
