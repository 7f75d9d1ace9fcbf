"""Reads PromQL of boards: which families an expression uses and how, and which labels its result has."""

from __future__ import annotations

import typing as t

from promql_parser import (
    AggregateExpr,
    BinaryExpr,
    Call,
    MatrixSelector,
    ParenExpr,
    SubqueryExpr,
    UnaryExpr,
    VectorSelector,
)

from exporter.catalogue import BY_SAMPLE
from tests.alerts.labels import labels

OUTSIDE = {"cluster", "job", "instance"}
"""Labels that Prometheus adds: the target's, and the external label of a store for several clusters."""

FOREIGN: dict[str, tuple[str, set[str]]] = {
    "ALERTS": ("gauge", {"alertname", "alertstate", "severity", "namespace", "name", "project"}),
    "up": ("gauge", set()),
    "scrape_duration_seconds": ("gauge", set()),
    "scrape_samples_scraped": ("gauge", set()),
    "process_cpu_seconds_total": ("counter", set()),
    "process_resident_memory_bytes": ("gauge", set()),
    "process_start_time_seconds": ("gauge", set()),
}
"""What Prometheus makes itself and what every process has: kind and labels."""


class Selector(t.NamedTuple):
    """One family as an expression selects it."""

    name: str
    labels: set[str]
    """Of its matchers."""
    function: str
    """The function around the range; empty for an instant selector."""


def kind(name: str) -> str:
    """Return gauge, counter or histogram; KeyError for what nobody exports."""
    return FOREIGN[name][0] if name in FOREIGN else BY_SAMPLE[name].kind


def labels_of(name: str) -> set[str]:
    """Return every label that the samples of this name can have."""
    if name in FOREIGN:
        return FOREIGN[name][1] | OUTSIDE
    return {*BY_SAMPLE[name].labels, *(["le"] if name.endswith("_bucket") else [])} | OUTSIDE


def nodes(node: t.Any) -> t.Iterator[t.Any]:
    """Return the expression and all below it."""
    yield node
    for below in _below(node):
        yield from nodes(below)


def _below(node: t.Any) -> list[t.Any]:
    if isinstance(node, BinaryExpr):
        return [node.lhs, node.rhs]
    if isinstance(node, Call):
        return list(node.args)
    if isinstance(node, AggregateExpr | ParenExpr | SubqueryExpr | UnaryExpr):
        return [node.expr]
    return []


def selectors(node: t.Any) -> list[Selector]:
    """Return every selector of an expression."""
    found = [_selector(each, "") for each in nodes(node) if isinstance(each, VectorSelector)]
    for each in nodes(node):
        if isinstance(each, Call):
            ranges = [argument for argument in each.args if isinstance(argument, MatrixSelector)]
            found += [_selector(argument.vector_selector, each.func.name) for argument in ranges]
    return found


def _selector(node: t.Any, function: str) -> Selector:
    return Selector(node.name, {matcher.name for matcher in node.matchers.matchers}, function)


KNOWN = {name: labels_of(name) for name in (*BY_SAMPLE, *FOREIGN)}
"""Labels of every name that a board may ask for."""


def result_labels(expression: str) -> set[str]:
    """Return the labels that the result can have; refuse names and labels that do not exist."""
    return labels(expression, KNOWN)
