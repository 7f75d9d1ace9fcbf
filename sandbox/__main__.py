"""`python -m sandbox`: serves an embedded cluster until it is interrupted."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import threading
from pathlib import Path

from sandbox.serve import Sandbox


def main() -> int:
    """Serves until Ctrl-C or SIGTERM; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="An embedded Kubernetes API, for kubectl.")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; any free one by default")
    parser.add_argument("--directory", type=Path, help="where the kubeconfig is written; a temporary folder by default")
    given = parser.parse_args()
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    with tempfile.TemporaryDirectory(prefix="lynceus-sandbox-") as folder:
        return _serve(given.port, given.directory or Path(folder), over)


def _serve(port: int, directory: Path, over: threading.Event) -> int:
    with Sandbox(port=port, directory=directory) as sandbox:
        sys.stdout.write(f"{sandbox.url}\nexport KUBECONFIG={sandbox.kubeconfig}\n")
        sys.stdout.flush()
        over.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
