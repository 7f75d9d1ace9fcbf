"""Expressions that several boards share, and the reasons for their forms. Text only.

Each series that belongs to an Application is brought down to one per Application (`per_app`) before it is counted: a
restart, a second replica and a second ServiceMonitor that finds the same port would otherwise double every number.
"""

from __future__ import annotations

APP = "cluster, $namespace_label, name, project"
"""What identifies an Application; cluster is the external label of a Prometheus that stores several clusters."""

IN_PROJECT = 'cluster=~"$cluster", project=~"$project"'
IN_CLUSTER = 'cluster=~"$cluster"'
ONE = 'cluster=~"$cluster", project=~"$project", $namespace_label="$app_namespace", name="$application"'
"""The one Application of the board Application."""

RATE = "$__rate_interval"


def metric(name: str, *matchers: str, scope: str = IN_PROJECT) -> str:
    """Return a selector: the family, the board's scope, further matchers."""
    return f"{name}{{{', '.join((scope, *matchers))}}}"


def per_app(name: str, *matchers: str, labels: str = "", scope: str = IN_PROJECT) -> str:
    """Return one series per Application (and per value of `labels`) of a gauge."""
    by = f"{APP}, {labels}" if labels else APP
    return f"max by ({by}) ({metric(name, *matchers, scope=scope)})"


def placed(expression: str) -> str:
    """Leave out the Applications that lie in another destination than the chosen ones; All leaves out none."""
    other = metric("lynceus_app_info", 'dest_server!~"$dest_server"', scope=IN_CLUSTER)
    return f"{expression} unless on ({APP}) {other}"


def count(expression: str) -> str:
    """Return how many series there are, 0 instead of nothing."""
    return f"count({expression}) or vector(0)"


def age(expression: str) -> str:
    """Return the seconds since a timestamp."""
    return f"time() - {expression}"


def increase(name: str, *matchers: str, window: str = RATE, scope: str = IN_PROJECT) -> str:
    """Return by how much a counter went up."""
    return f"increase({metric(name, *matchers, scope=scope)}[{window}])"


def rate(name: str, *matchers: str, window: str = RATE, scope: str = IN_PROJECT) -> str:
    """Return a counter's steps a second."""
    return f"rate({metric(name, *matchers, scope=scope)}[{window}])"


def total(by: str, expression: str) -> str:
    """Return the sum by labels; by none with an empty text."""
    return f"sum by ({by}) ({expression})" if by else f"sum({expression})"


def quantile(q: float, name: str, *matchers: str, by: str = "", window: str = RATE, scope: str = IN_PROJECT) -> str:
    """Return a quantile of a histogram; nothing, rather than NaN, where nothing was observed."""
    labels = f"le, {by}" if by else "le"
    buckets = total(labels, rate(f"{name}_bucket", *matchers, window=window, scope=scope))
    return f"histogram_quantile({q:g}, {buckets}) >= 0"


def mean(name: str, *matchers: str, by: str = "", window: str = RATE, scope: str = IN_PROJECT) -> str:
    """Return the mean of what a histogram observed; nothing where nothing was."""
    seconds = total(by, rate(f"{name}_sum", *matchers, window=window, scope=scope))
    times = total(by, rate(f"{name}_count", *matchers, window=window, scope=scope))
    return f"{seconds} / ({times} > 0)"


def share(part: str, whole: str) -> str:
    """Return part of whole; nothing where the whole is 0."""
    return f"{part} / ({whole} > 0)"


def top(number: int, expression: str) -> str:
    """Return the largest ones."""
    return f"topk({number}, {expression})"
