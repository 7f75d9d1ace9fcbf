"""Finds the program that builds kustomizations: `kustomize`, or `kubectl`, which carries one. Called by the service."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import typing as t
from pathlib import Path


class Tool(t.NamedTuple):
    """A program that builds kustomizations."""

    command: tuple[str, ...]
    """What stands before the folder: (…/kustomize, build) or (…/kubectl, kustomize)."""
    stamp: str
    """Changes when the program is replaced: part of the render key."""


def find_tool(environ: t.Mapping[str, str] | None = None) -> Tool | None:
    """Return the first of kustomize (on PATH, in KUBEBUILDER_ASSETS, beside Python) and kubectl (there, on PATH).

    Args:
        environ: where PATH and KUBEBUILDER_ASSETS are read; this process' environment when None.
    """
    environ = os.environ if environ is None else environ
    beside = str(Path(sys.executable).parent)
    path = environ.get("PATH", os.defpath)
    assets = environ.get("KUBEBUILDER_ASSETS", "")
    candidates = (
        ("kustomize", path),
        ("kustomize", assets),
        ("kustomize", beside),
        ("kubectl", beside),
        ("kubectl", path),
    )
    for name, where in candidates:
        found = shutil.which(name, path=where) if where else None
        if found:
            return _tool(name, os.path.realpath(found))
    return None


def _tool(name: str, program: str) -> Tool:
    facts = os.stat(program)
    stamp = hashlib.sha256(f"{program} {facts.st_size} {facts.st_mtime_ns}".encode()).hexdigest()[:16]
    return Tool((program, "build" if name == "kustomize" else "kustomize"), stamp)
