"""Prometheus' own programs for the tests: absent ones skip with one line, and fail where nothing may be missing."""

from __future__ import annotations

import shutil

from tests.stage.fixtures import missing


def need(program: str, package: str = "prometheus") -> str:
    """Return the program's name if it is installed."""
    if shutil.which(program) is None:
        missing(f"{program} is not installed (Debian package {package})")
    return program
