"""Which projects inherit from which: globalProjects of argocd-cm.

An entry that cannot be evaluated concerns an unknown set of projects. strict: nobody goes on as if it were not there.
compat: it and all entries behind it are left out without a word, as upstream does.
Source: Argo CD util/argo, GetGlobalProjects; Kubernetes label selectors (apimachinery, LabelSelectorAsSelector).
"""

from __future__ import annotations

import typing as t

import msgspec

from model.additions import LabelSelector, Requirement
from model.project import AppProject
from model.settings import GlobalProject
from policy.findings import Mode, shown
from policy.windows.labels import is_key, is_value
from policy.windows.labels import takes as labels_taken


class Parents(msgspec.Struct, frozen=True):
    """The global projects of one project."""

    names: tuple[str, ...] = ()
    refusal: str = ""
    """Why the project cannot be used; empty when all is well."""


def parents_of(project: AppProject, rules: t.Iterable[GlobalProject], known: t.Collection[str], mode: Mode) -> Parents:
    """Return the global projects whose selector takes the project; an entry never takes its own project.

    Args:
        project: whose labels are asked.
        rules: globalProjects in their order.
        known: names of the projects that exist.
        mode: strict refuses where compat forgets.
    """
    labels = project.metadata.labels or {}
    names: list[str] = []
    for rule in rules:
        if rule.project_name == project.metadata.name:
            continue
        why = selector_problem(rule)
        if not why and not takes(rule, labels):
            continue
        if not why and rule.project_name not in known:
            why = "which does not exist"
        if why:
            refusal = f"globalProjects of argocd-cm names project {rule.project_name!r}, {why}"
            return Parents(tuple(names), refusal if mode == "strict" else "")
        names.append(rule.project_name)
    return Parents(tuple(names))


def takes(rule: GlobalProject, labels: t.Mapping[str, str]) -> bool:
    """Match a label selector that is valid; an empty one takes every project."""
    expressions = tuple(
        Requirement(key=item["key"], operator=item["operator"], values=tuple(item.get("values") or ()))
        for item in rule.match_expressions
    )
    return labels_taken(LabelSelector(match_labels=rule.match_labels, match_expressions=expressions), labels)


def selector_problem(rule: GlobalProject) -> str:
    """Return why a selector cannot be evaluated, empty when it can."""
    for key, value in rule.match_labels.items():
        if not (_is_key(key) and _is_value(value)):
            return f"with a selector that is no selector: matchLabels {shown(str(key))}"
    for item in rule.match_expressions:
        if not _is_expression(item):
            return "with a selector that is no selector: matchExpressions needs key, operator and fitting values"
    return ""


def _is_expression(item: t.Any) -> bool:
    if not isinstance(item, dict) or not _is_key(item.get("key")):
        return False
    values = item.get("values") or []
    if not isinstance(values, list) or not all(map(_is_value, values)):
        return False
    return item.get("operator") in (("In", "NotIn") if values else ("Exists", "DoesNotExist"))


def _is_key(key: t.Any) -> bool:
    return isinstance(key, str) and is_key(key)


def _is_value(value: t.Any) -> bool:
    return isinstance(value, str) and is_value(value)
