"""The door to the embedded cluster, an extra: who has a cluster needs neither its schemas nor its size."""

from __future__ import annotations

import importlib.util
import typing as t
from pathlib import Path

from model.errors import LynceusError

if t.TYPE_CHECKING:
    from sandbox.serve import Sandbox

NEEDED: t.Final = ("kubernetes_validate", "jsonpatch", "cryptography")
"""What the extra brings beyond the ordinary dependencies."""


def embedded_cluster(directory: Path, port: int = 0) -> Sandbox:
    """Return an embedded cluster, not started.

    Args:
        directory: where its certificate and kubeconfig go; the caller removes it.
        port: on 127.0.0.1; 0 takes a free one.

    Raises:
        LynceusError: Lynceus was installed without the extra `sandbox`.
    """
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        names = ", ".join(missing)
        raise LynceusError(f"the embedded cluster needs {names}: install the extra, pip install 'lynceus[sandbox]'")
    from sandbox.serve import Sandbox

    return Sandbox(port=port, directory=directory)
