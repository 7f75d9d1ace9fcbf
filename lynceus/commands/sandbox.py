"""`lynceus sandbox`: the embedded Kubernetes API server alone, for kubectl and for trying things."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path

import click

from lynceus.embedded import embedded_cluster
from lynceus.stopping import stop_on_signals


@click.command()
@click.option("--port", default=0, show_default="a free one", help="Port on 127.0.0.1.")
@click.option("--kubeconfig", type=click.Path(path_type=Path, dir_okay=False), help="Also write the kubeconfig here.")
def sandbox(port: int, kubeconfig: Path | None) -> None:
    """Serve an in-memory Kubernetes API on 127.0.0.1 until Ctrl-C.

    Nothing is kept when it ends, no container is ever started, and only this machine can reach it.
    """
    stopping = threading.Event()
    with tempfile.TemporaryDirectory(prefix="lynceus-sandbox-") as folder:
        server = embedded_cluster(Path(folder), port)
        server.start()
        try:
            click.echo(f"Kubernetes API: {server.url}")
            click.echo(f"export KUBECONFIG={_place(server.kubeconfig, kubeconfig)}")
            stop_on_signals(stopping)
            stopping.wait()
        finally:
            server.stop()


def _place(made: Path, wanted: Path | None) -> Path:
    """Copy the kubeconfig to where the user wants it, readable by the owner only."""
    if wanted is None:
        return made
    wanted.touch(mode=0o600)
    wanted.chmod(0o600)
    wanted.write_text(made.read_text(encoding="utf-8"), encoding="utf-8")
    return wanted.resolve()
