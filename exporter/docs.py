"""Writes docs/metrics.md from the catalogue: ``python -m exporter.docs > docs/metrics.md``. A test compares the two."""

from __future__ import annotations

import sys

from exporter.catalogue import CATALOGUE, Metric

_HEAD = """# Metrics

This page is written by `python -m exporter.docs` from `exporter/catalogue.py`; change the table there.

Scrape `/metrics` (port 8082, named `metrics`). Text format 0.0.4 and OpenMetrics 1.0 are spoken, gzip is used when the
scraper takes it, and `name[]` chooses families. There are no `_created` series. The usual
`process_*` families come with those below.

Families that begin with `argocd_` have the names, labels and buckets of Argo CD 3.6; each difference stands under
"defined by". Next to an Argo CD that is scraped too, `argocd_app_*` and `argocd_cluster_*` would double every sum, so
they are off in `observe` mode unless asked for (`--argocd-metrics=on`); `lynceus_mode_info` tells which.

The label `repo` is the repository's URL in Argo CD's normal form, without user and password. Label values are cut at
512 characters, control characters and broken UTF-8 are replaced. When an Application is deleted all of its series are
gone at the next scrape, and one of that name made later starts at 0.
"""


def page() -> str:
    """Return the whole page."""
    compatible = [metric for metric in CATALOGUE if metric.name.startswith("argocd_")]
    own = [metric for metric in CATALOGUE if not metric.name.startswith("argocd_")]
    parts = [_HEAD, "## As Argo CD\n", *map(_section, compatible), "## Lynceus' own\n", *map(_section, own)]
    return "\n".join(parts)


def _section(metric: Metric) -> str:
    """Return one metric as a heading and a list."""
    lines = [
        f"### {metric.name}\n",
        f"{metric.help}\n",
        f"- type: {metric.kind}",
        f"- labels: {', '.join(f'`{label}`' for label in metric.labels) or 'none'}",
    ]
    if metric.buckets:
        lines.append(f"- buckets: {', '.join(f'{bound:g}' for bound in metric.buckets)} {metric.unit}")
    lines += [
        f"- changes when: {metric.changes}",
        f"- defined by: {metric.source}",
        f"- stability: {metric.stability}\n",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(page())
