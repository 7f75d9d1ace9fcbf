"""Reads PromQL: which families and labels an expression uses, and which labels its result has."""

from __future__ import annotations

import typing as t

from promql_parser import (
    AggModifierType,
    AggregateExpr,
    BinaryExpr,
    Call,
    LabelModifierType,
    MatrixSelector,
    ParenExpr,
    SubqueryExpr,
    UnaryExpr,
    VectorSelector,
)

from exporter.catalogue import BY_SAMPLE

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


def labels_below(node: t.Any) -> set[str]:
    """Return every label that a series below could have."""
    made = {each.args[1].val for each in nodes(node) if isinstance(each, Call) and each.func.name == "label_replace"}
    return made.union(*(labels_of(each.name) for each in selectors(node)))


def unknown_labels(node: t.Any) -> set[str]:
    """Return the labels that are grouped or matched by where no series has them."""
    wrong: set[str] = set()
    for each in nodes(node):
        if isinstance(each, AggregateExpr) and each.modifier is not None:
            wrong |= set(each.modifier.labels) - labels_below(each.expr)
        if isinstance(each, BinaryExpr) and each.modifier is not None and each.modifier.matching is not None:
            assert each.modifier.matching.type == LabelModifierType.Include
            both = labels_below(each.lhs) & labels_below(each.rhs)
            wrong |= set(each.modifier.matching.labels) - both
            wrong |= set(each.modifier.group_labels or ()) - labels_below(each.rhs)
    return wrong


def result_labels(node: t.Any) -> set[str]:
    """Return the labels that the result can have."""
    if isinstance(node, AggregateExpr):
        if str(node.op) in ("topk", "bottomk"):
            return result_labels(node.expr)
        if node.modifier is None:
            return set()
        assert node.modifier.type == AggModifierType.By
        return set(node.modifier.labels)
    if isinstance(node, BinaryExpr):
        added = set(node.modifier.group_labels or ()) if node.modifier is not None else set()
        more = result_labels(node.rhs) if str(node.op) == "or" else set()
        return (result_labels(node.lhs) or result_labels(node.rhs)) | more | added
    if isinstance(node, Call):
        made = {node.args[1].val} if node.func.name == "label_replace" else set()
        lost = {"le"} if node.func.name == "histogram_quantile" else set()
        return made.union(*(result_labels(argument) for argument in node.args)) - lost
    if isinstance(node, MatrixSelector):
        return labels_of(node.vector_selector.name)
    if isinstance(node, VectorSelector):
        return labels_of(node.name)
    return set().union(*(result_labels(each) for each in _below(node)))
