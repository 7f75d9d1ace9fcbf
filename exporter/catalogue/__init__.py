"""The one table of all metrics: name, type, help, labels, stability, moment of change, source. No behaviour.

`exporter` makes the series from it, `exporter.docs` writes docs/metrics.md, and tests hold every panel and every rule
against it: a name or label that is not here cannot be used anywhere. One module an area.
"""

from __future__ import annotations

import typing as t

from exporter.catalogue import (
    applications,
    appsets,
    clusters,
    delivery,
    git,
    loop,
    policy,
    process,
    windows,
)
from exporter.catalogue.metric import APP as APP
from exporter.catalogue.metric import Metric as Metric

AREAS = (applications, clusters, git, appsets, loop, policy, windows, delivery, process)

CATALOGUE: tuple[Metric, ...] = tuple(metric for area in AREAS for metric in area.METRICS)
BY_NAME: t.Mapping[str, Metric] = {metric.name: metric for metric in CATALOGUE}
BY_SAMPLE: t.Mapping[str, Metric] = {sample: metric for metric in CATALOGUE for sample in metric.samples}
