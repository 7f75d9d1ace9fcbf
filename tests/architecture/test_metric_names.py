"""One set of metric names: in the code, in the documentation, on the boards and in the rules."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

from exporter.catalogue import BY_SAMPLE, CATALOGUE

ROOT = Path(__file__).parents[2]
NAME = re.compile(r"(?<![\w./:@-])((?:argocd|lynceus|workqueue)_[a-z0-9_]*[a-z0-9])(?![\w:*-]|\.\w)")
FILES = (
    "README.md",
    "CHANGELOG.md",
    "docs/**/*.md",
    "dashboards/*.json",
    "dashboards/boards/*.py",
    "alerts/*.yaml",
    "alerts/rules/*.py",
    "exporter/**/*.py",
    "controller/**/*.py",
    "server/**/*.py",
    "lynceus/**/*.py",
    "deploy/**/*.yaml",
)
OURS = {name for metric in CATALOGUE for name in (metric.name, metric.family, *metric.samples)}
OTHERS = {"argocd_metrics": "a label of lynceus_mode_info, and the option behind it"}
"""Words that look like metrics and are none -> what they are."""

SILENT = {"argocd_appset_reconcile": "this version reconciles no ApplicationSet"}
"""Families without a series -> why; dashboards and rules use none of them."""


def written() -> t.Iterator[tuple[str, str]]:
    """Return (file, name) for each name that stands anywhere."""
    for pattern in FILES:
        for path in sorted(ROOT.glob(pattern)):
            for found in sorted(set(NAME.findall(path.read_text(encoding="utf-8")))):
                yield str(path.relative_to(ROOT)), found


def test_no_name_is_written_that_is_not_exported() -> None:
    """Whoever copies a name from a page, a board or a rule gets an answer from Prometheus."""
    strange = [(file, name) for file, name in written() if name not in OURS and name not in OTHERS]
    assert [] == strange


def test_the_exceptions_are_needed() -> None:
    """A word that nobody writes any more is no exception."""
    names = {name for _, name in written()}
    assert set(OTHERS) <= names
    assert not set(OTHERS) & set(BY_SAMPLE)


def test_every_family_is_moved_by_the_exporter() -> None:
    """A family that no code of the exporter names could never have a series."""
    code = " ".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "exporter").rglob("*.py") if "catalogue" not in path.parts
    )
    silent = [metric.name for metric in CATALOGUE if f'"{metric.name}"' not in code]
    assert list(SILENT) == silent
    shown = " ".join(
        path.read_text(encoding="utf-8") for path in (*ROOT.glob("dashboards/*.json"), *ROOT.glob("alerts/*.yaml"))
    )
    assert not [name for name in SILENT if name in shown]
