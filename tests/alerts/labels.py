"""Which labels an expression of PromQL has in the end, and whether every label in it exists where it is used."""

from __future__ import annotations

import typing as t

import promql_parser as promql

from exporter.catalogue import BY_SAMPLE

TARGET = {"namespace", "job", "instance", "service", "pod", "endpoint", "container"}
"""What a scrape adds to every series."""

Known = t.Mapping[str, set[str]]
"""Name of a series -> its labels: recorded ones, and those that are scraped otherwise than by us."""


class Unknown(AssertionError):
    """A name or label that does not exist."""


def labels(expression: str, known: Known | None = None) -> set[str]:
    """Return the labels that the result may have; refuse names and labels that do not exist."""
    return _of(promql.parse(expression), known or {})


def selectors(expression: str) -> list[promql.VectorSelector]:
    """Return every selector in an expression."""
    found: list[promql.VectorSelector] = []

    def visit(node: t.Any) -> None:
        if isinstance(node, promql.MatrixSelector):
            visit(node.vector_selector)
        elif isinstance(node, promql.VectorSelector):
            found.append(node)

    promql.walk(promql.parse(expression), visit)
    return found


def _of(node: t.Any, known: Known) -> set[str]:
    if isinstance(node, promql.VectorSelector):
        return _selected(node, known)
    if isinstance(node, promql.MatrixSelector):
        return _selected(node.vector_selector, known)
    if isinstance(node, promql.ParenExpr | promql.SubqueryExpr | promql.UnaryExpr):
        return _of(node.expr, known)
    if isinstance(node, promql.AggregateExpr):
        return _aggregated(node, known)
    if isinstance(node, promql.BinaryExpr):
        return _joined(node, known)
    if isinstance(node, promql.Call):
        return _called(node, known)
    return set()


def _selected(node: promql.VectorSelector, known: Known) -> set[str]:
    name = node.name or ""
    if name in known:
        there = known[name]
    elif name in BY_SAMPLE:
        bucket = {"le"} if name.endswith("_bucket") else set()
        there = {*BY_SAMPLE[name].labels, *TARGET, *bucket}
    elif name == "up":
        there = TARGET
    else:
        raise Unknown(f"no series is called {name}")
    _require({matcher.name for matcher in node.matchers.matchers}, there, name)
    return set(there)


def _aggregated(node: promql.AggregateExpr, known: Known) -> set[str]:
    inner = _of(node.expr, known)
    assert node.modifier is None or node.modifier.type == promql.AggModifierType.By
    by = set(node.modifier.labels) if node.modifier else set()
    _require(by, inner, str(node.op))
    return inner if str(node.op) in ("topk", "bottomk") else by


def _joined(node: promql.BinaryExpr, known: Known) -> set[str]:
    left, right = _of(node.lhs, known), _of(node.rhs, known)
    modifier = node.modifier
    if modifier is None:
        return left | right if str(node.op) == "or" else left or right
    assert modifier.matching is None or modifier.matching.type == promql.LabelModifierType.Include
    on = set(modifier.matching.labels) if modifier.matching else set()
    _require(on, left, "on")
    _require(on, right, "on")
    grouped = set(modifier.group_labels or ())
    _require(grouped, right, "group_left")
    return (left or right) | (right if str(node.op) == "or" else grouped)


def _called(node: promql.Call, known: Known) -> set[str]:
    inner: set[str] = set().union(*(_of(arg, known) for arg in node.args))
    if node.func.name == "label_replace":
        return inner | {node.args[1].val}
    if node.func.name == "histogram_quantile":
        _require({"le"}, inner, node.func.name)
        return inner - {"le"}
    return set() if node.func.name == "absent" else inner


def _require(wanted: set[str], there: set[str], where: str) -> None:
    if wanted - there:
        raise Unknown(f"{where}: no label {', '.join(sorted(wanted - there))}; there are {', '.join(sorted(there))}")
