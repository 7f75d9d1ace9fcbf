"""The shipped data files (dashboards, rules): lists them and copies them out of the installed package. No command."""

from __future__ import annotations

import typing as t
from importlib.resources import files
from pathlib import Path

from model.errors import InvalidSettings


def shipped(package: str, suffixes: tuple[str, ...]) -> t.Mapping[str, str]:
    """Return name -> text of a data package's files with one of the suffixes, sorted by name."""
    found = sorted((item.name, item) for item in files(package).iterdir() if item.name.endswith(suffixes))
    return {name: item.read_text(encoding="utf-8") for name, item in found}


def export(package: str, suffixes: tuple[str, ...], directory: Path) -> list[Path]:
    """Write a data package's files as `write` does."""
    return write(shipped(package, suffixes), directory)


def write(texts: t.Mapping[str, str], directory: Path) -> list[Path]:
    """Write files into `directory`, which is made when absent; files of that name are replaced.

    Args:
        texts: file name -> text.
        directory: where to.

    Returns:
        The paths written, sorted.

    Raises:
        InvalidSettings: the directory cannot be made or written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        return [_write(directory / name, texts[name]) for name in sorted(texts)]
    except OSError as failure:
        found = failure.strerror or type(failure).__name__
        raise InvalidSettings(f"directory {directory}", "", found, "a directory that can be written") from None


def _write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path
