"""Writes docs/metrics.md from the catalogue: ``python -m exporter.docs > docs/metrics.md``. A test compares the two."""

from __future__ import annotations

import sys

from exporter import choice
from exporter.catalogue import CATALOGUE, Metric
from exporter.fragments import MOST_BYTES

_HEAD = """# Metrics

This page is written by `python -m exporter.docs` from `exporter/catalogue/`; change the tables there.

Scrape `/metrics` (port 8082, named `metrics`). Text format 0.0.4 and OpenMetrics 1.0 are spoken, gzip is used when the
scraper takes it, and `name[]` chooses families. There are no `_created` series. Exemplars (`trace_id`) are shown in
OpenMetrics only. The usual `process_*` families come with those below.

Families that begin with `argocd_` or `workqueue_` have the names, labels and buckets of Argo CD 3.6; each difference
stands under "defined by". Next to an Argo CD that is scraped too they would double every sum, so they are off in
`observe` mode unless asked for (`--argocd-metrics=on`), all but `argocd_git_*`, which tell what Lynceus itself asks of
Git servers; `lynceus_mode_info` tells which.

The label `repo` is the repository's URL in Argo CD's normal form, without user and password. Label values are cut at
512 characters, control characters and broken UTF-8 are replaced. When an Application is deleted all of its series are
gone at the next scrape, and one of that name made later starts at 0. What is told by project, repository or cluster
goes when no AppProject, Application or cluster Secret names it any more, and so do environments and namespaces. Of
one repository 200 branches and tags are told apart.

## What has to be asked for

| Option of `lynceus run` | Families |
|---|---|
{options}

Options that take names may be repeated, and take lists with commas. A label of an object becomes `label_` and its name
with each character outside `[a-zA-Z0-9_]` written as `_`; an object without it has an empty value. Of two labels that
become one name the one that was asked for first is exported. The label names of people, messages or commits are better
not asked for: each value makes a series.

`--metrics-application-requests=auto` exports its family while there are {few:,} Applications or fewer; once there were
more it begins again at {again:,}.

## Bounds

A family that Applications own has at most {lines:,} label sets (`--metrics-limit`) and {megabytes} MiB before
compression, any other family a tenth of the label sets, and at most {rules:,} lines of the policy are told apart. What
is beyond is dropped and counted in `lynceus_metrics_dropped_label_values_total`; an Application that was cut is written
again when it changes.

Of Lynceus' own families that nobody asked for an Application has at most twelve series, and one more for each pair of
states that its objects are in. With trigger `auto` `lynceus_app_sync_allowed` is 0 just where there is a
`lynceus_app_sync_blocked`; it tells an Application that may sync from one of which that is not known yet.
"""


def _head() -> str:
    """Return what stands before the metrics."""
    options: dict[str, list[str]] = {}
    for metric in CATALOGUE:
        if metric.opt_in:
            options.setdefault(metric.opt_in, []).append(f"`{metric.name}`")
    return _HEAD.format(
        options="\n".join(f"| `{option}` | {', '.join(names)} |" for option, names in options.items()),
        few=choice.FEW_APPLICATIONS,
        again=choice.FEW_AGAIN,
        lines=choice.MOST_LINES,
        megabytes=MOST_BYTES // 2**20,
        rules=choice.MOST_RULES,
    )


def page() -> str:
    """Return the whole page."""
    compatible = [metric for metric in CATALOGUE if metric.name.startswith("argocd_")]
    own = [metric for metric in CATALOGUE if not metric.name.startswith("argocd_")]
    parts = [_head(), "## As Argo CD\n", *map(_section, compatible), "## Lynceus' own\n", *map(_section, own)]
    return "\n".join(parts)


def _section(metric: Metric) -> str:
    """Return one metric as a heading and a list."""
    lines = [
        f"### {metric.name}\n",
        f"{metric.help}\n",
        f"- type: {metric.kind}",
        f"- labels: {_labels(metric)}",
    ]
    if metric.buckets:
        lines.append(f"- buckets: {', '.join(f'{bound:g}' for bound in metric.buckets)} {metric.unit}")
    if metric.opt_in:
        lines.append(f"- only with: `{metric.opt_in}`")
    if metric.exemplar:
        lines.append("- exemplars: `trace_id`")
    lines += [
        f"- changes when: {metric.changes}",
        f"- defined by: {metric.source}",
        f"- stability: {metric.stability}\n",
    ]
    return "\n".join(lines)


def _labels(metric: Metric) -> str:
    names = [f"`{label}`" for label in metric.labels]
    return ", ".join(names + ["`label_*`"] * metric.chosen_labels) or "none"


if __name__ == "__main__":
    sys.stdout.write(page())
