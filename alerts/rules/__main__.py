"""Writes the rule files beside this package and the tables of docs/alerts.md: ``python -m alerts.rules``."""

from __future__ import annotations

from pathlib import Path

from alerts.rules.files import texts
from alerts.rules.tables import filled
from alerts.rules.thresholds import Thresholds


def main() -> None:
    """Write every file that tests compare with the table."""
    folder, at = Path(__file__).parents[1], Thresholds()
    for name, text in texts(at).items():
        (folder / name).write_text(text, encoding="utf-8")
    page = folder.parent / "docs" / "alerts.md"
    page.write_text(filled(page.read_text(encoding="utf-8"), at), encoding="utf-8")


if __name__ == "__main__":
    main()
