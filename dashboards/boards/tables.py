"""Tables: several instant queries brought together, one column each. No expression of a board."""

from __future__ import annotations

import re
import typing as t

from grafana_foundation_sdk.builders import common
from grafana_foundation_sdk.builders import table as build
from grafana_foundation_sdk.models import dashboard
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from dashboards.boards import panels
from dashboards.boards.links import to_application
from dashboards.boards.panels import Look, Panel, Query, Step, override

NAMES = {
    "cluster": "Stored cluster",
    "namespace": "Namespace",
    "exported_namespace": "Namespace",
    "name": "Application",
    "project": "Project",
    "phase": "Phase",
    "reason": "Held back by",
    "health_status": "Health",
    "sync_status": "Sync",
    "repo": "Repository",
    "server": "Destination",
    "dest_server": "Destination",
    "window": "Window",
    "kind": "Kind",
    "schedule": "Schedule",
    "duration": "Duration",
    "time_zone": "Time zone",
    "manual_sync": "Manual sync",
    "scope": "Scope",
    "resource": "Resource",
    "action": "Action",
    "object": "Object",
    "subject": "Subject",
    "effect": "Effect",
    "rule": "Rule",
    "source": "Asked by",
    "environment": "Environment",
    "request_type": "Request",
    "revision": "Revision",
    "k8s_version": "Version",
    "condition": "Condition",
    "alertname": "Alert",
    "severity": "Severity",
    "version": "Version",
    "mode": "Mode",
    "argocd_metrics": "Argo CD's families",
    "instance": "Instance",
    "family": "Family",
    "queue": "Queue",
}
"""Label -> heading of its column."""


WORDS = {
    "Health": "Healthy Progressing Suspended Missing Degraded Unknown",
    "Sync": "Synced OutOfSync Unknown",
    "Phase": "Succeeded Failed Error",
    "Effect": "allow deny",
}
"""Heading -> the words below it that have colours."""


class Column(t.NamedTuple):
    """One number of each row."""

    title: str
    expression: str
    unit: str = "short"
    steps: tuple[Step, ...] = ()
    words: tuple[tuple[float, str, str], ...] = ()


def table(
    look: Look, *columns: Column, hide: str = "", names: dict[str, str] | None = None, rising: bool = False
) -> Panel:
    """Return a table with a row per label set, sorted by the first column, largest first.

    Args:
        look: what all panels have.
        columns: one query each; a column without a title is not shown, its labels are.
        hide: labels that are not shown.
        names: headings that differ from NAMES.
        rising: smallest first.
    """
    first = columns[0].title
    made = build.Panel().show_header(True)
    if first:
        made.sort_by([common.TableSortByFieldState().display_name(first).desc(not rising)])
    queries = [Query(column.expression, column.title or look.title) for column in columns]
    targets = panels.targets(queries, instant=True, form=PromQueryFormat.TABLE)
    panel = panels.finish(made, look, targets)
    headings = _headings(columns, hide.split()) | (names or {})
    panel.transformations = _arranged(columns, hide.split(), headings)
    assert panel.field_config is not None
    panel.field_config.overrides += [_number(column) for column in columns if column.title]
    panel.field_config.overrides += [_worded(heading) for heading in WORDS if heading in headings.values()]
    if {"Application", "Namespace", "Project"} <= set(headings.values()):
        panel.field_config.overrides.append(override("Application", links=to_application()))
    return panel


def _headings(columns: t.Sequence[Column], hide: list[str]) -> dict[str, str]:
    """Return the headings of the labels that the queries keep."""
    lists = [each for column in columns for each in re.findall(r"\bby \(([^)]*)\)", column.expression)]
    found = {label for each in lists for label in re.split(r"[,\s]+", each)} - set(hide)
    if "$namespace_label" in found:
        found |= {"namespace", "exported_namespace"}
    return {label: NAMES[label] for label in NAMES if label in found}


def _arranged(columns: t.Sequence[Column], hide: list[str], names: dict[str, str]) -> list[t.Any]:
    """Join the queries by their labels, then name and hide columns."""
    values = [f"Value #{chr(ord('A') + n)}" for n in range(len(columns))] if len(columns) > 1 else ["Value"]
    shown = {value: column.title for value, column in zip(values, columns, strict=True) if column.title}
    hidden = dict.fromkeys(("Time", *hide, *(value for value in values if value not in shown)), True)
    arrange = {"excludeByName": hidden, "indexByName": {}, "renameByName": {**names, **shown}}
    joined = [dashboard.DataTransformerConfig(id_val="merge", options={})] if len(columns) > 1 else []
    return [*joined, dashboard.DataTransformerConfig(id_val="organize", options=arrange)]


def _number(column: Column) -> dashboard.DashboardFieldConfigSourceOverrides:
    looks: dict[str, t.Any] = {"unit": column.unit}
    if column.steps:
        looks["thresholds"] = panels.thresholds(column.steps)
        looks["custom_cellOptions"] = {"type": "color-text"}
        looks["color"] = {"mode": "thresholds"}
    if column.words:
        looks["mappings"] = [panels.mapping(column.words)]
    return override(column.title, **looks)


def _worded(heading: str) -> dashboard.DashboardFieldConfigSourceOverrides:
    colours = panels.word_colours(WORDS[heading].split())
    return override(heading, mappings=[colours], custom_cellOptions={"type": "color-text"})
