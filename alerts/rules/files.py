"""All files of rules, and their texts."""

from __future__ import annotations

import typing as t

from alerts.rules import applications, engine, objectives, policy, sources, wellknown, windows
from alerts.rules.form import RuleFile, plain, prometheus_rule
from alerts.rules.thresholds import Thresholds

FILES: t.Final[tuple[RuleFile, ...]] = (
    wellknown.FILE,
    RuleFile(
        name="lynceus",
        head="Lynceus' own rules: what the four well-known ones cannot see. Written by python -m alerts.rules; "
        "docs/alerts.md says how thresholds are changed.",
        groups=(
            applications.GROUP,
            windows.GROUP,
            windows.SLOW_GROUP,
            policy.GROUP,
            sources.GROUP,
            engine.GROUP,
        ),
    ),
    RuleFile(
        name="lynceus-slo",
        head="Objectives: recording rules, and alerts on how fast the error budget of 30 days is spent. Long windows "
        "are summed up from recorded rates, so that a fleet's counters are read over five minutes only. Written by "
        "python -m alerts.rules.",
        groups=(objectives.RECORDS, objectives.ALERTS),
    ),
)


def texts(at: Thresholds) -> dict[str, str]:
    """Return file name -> text of every shipped rule file, by thresholds."""
    written = {f"{file.name}.rules.yaml": plain(file, at) for file in FILES}
    return written | {f"{file.name}.prometheusrule.yaml": prometheus_rule(file, at) for file in FILES}
