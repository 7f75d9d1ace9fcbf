"""`lynceus demo`: sets the stage, tells the story, and either ends or stays up to be looked at."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import signal
import sys
import tempfile
import threading
import typing as t
from pathlib import Path
from types import FrameType

import click

from controller.turn import trace_id
from lynceus import logs
from lynceus.demo import freezing, guarding, own, preview, story
from lynceus.demo.narrator import Narrator
from lynceus.demo.stage import Given, Stage
from lynceus.demo.world import World
from model.errors import LynceusError

STEPS: t.Final = (
    story.first_sync,
    story.a_push,
    story.a_manual_edit,
    story.a_removed_file,
    guarding.a_deny_window,
    freezing.a_freeze,
    guarding.two_people,
    guarding.a_broken_commit,
    preview.a_preview,
    guarding.a_bad_policy,
    guarding.the_metrics,
)


@click.command()
@click.option("--once", is_flag=True, help="End after the story: exit code 0 when every check held, else 1.")
@click.option("--port", default=0, show_default="a free one", help="Port of /metrics on 127.0.0.1.")
@click.option("--repo", help="Deploy this repository, a URL or a folder, instead of telling the story.")
@click.option("--path", default=".", show_default=True, help="Folder of --repo to deploy.")
@click.option("--revision", default="HEAD", show_default=True, help="Branch, tag or commit of --repo.")
@click.option("--kubeconfig", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Use this cluster.")
@click.option("--context", help="Context of --kubeconfig.  [default: its current one]")
@click.option("--allow-exec", is_flag=True, help="Start the credential plugin that --kubeconfig names.")
@click.option("--log-file", type=click.Path(path_type=Path, dir_okay=False), help="Where Lynceus' own log lines go.")
def demo(
    once: bool, port: int, repo: str | None, path: str, revision: str,
    kubeconfig: Path | None, context: str | None, allow_exec: bool, log_file: Path | None,
) -> None:  # fmt: skip
    """Run the whole of Lynceus on an embedded cluster and a Git repository made on the spot.

    With --kubeconfig the same is told on your own cluster, in namespaces of its own. They are removed at the end and
    at Ctrl-C, and so are the CRDs of Argo CD if they were not there before.
    """
    if kubeconfig is None and (context or allow_exec):
        raise click.UsageError("--context and --allow-exec say how --kubeconfig is used, which is missing")
    given = Given(kubeconfig=kubeconfig, context=context, allow_exec=allow_exec) if kubeconfig else None
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    with tempfile.TemporaryDirectory(prefix="lynceus-demo-") as made, contextlib.ExitStack() as stack:
        folder = Path(made)
        log_path = log_file or folder / "lynceus.log"
        logs.set_up("info", "text", stack.enter_context(log_path.open("w", encoding="utf-8")), trace_id)
        stage = stack.enter_context(Stage(folder, given, port, repository=repo))
        held = _play(stage, repo, path, revision, once=once, log_path=None if log_file else log_path)
    sys.exit(0 if held else 1)


def _interrupt(_number: int, _: FrameType | None) -> None:
    """End as at Ctrl-C, so that everything is cleared away."""
    raise KeyboardInterrupt


def _play(stage: Stage, repository: str | None, path: str, revision: str, *, once: bool, log_path: Path | None) -> bool:
    """Tell the story or deploy the repository; returns whether it held, False when it was interrupted.

    Args:
        stage: entered.
        repository: None: the story is told.
        path: folder of the repository.
        revision: of the repository.
        once: end then, instead of staying up.
        log_path: the log that goes with the stage, and is kept when something did not hold.
    """
    held = False
    try:
        held = own.deploy(stage, own.url_of(repository), path, revision) if repository else _tell(stage.world())
        if not held and log_path:
            _keep(log_path)
        if not once:
            _stay_up(stage)
    except KeyboardInterrupt:
        click.echo("\nInterrupted.")
    return held


def _tell(world: World) -> bool:
    """Tell all steps; returns whether every check held."""
    say = Narrator(len(STEPS))
    for step in STEPS:
        try:
            step(world, say)
        except LynceusError as failure:
            say.fail(str(failure))
    click.echo()
    if say.failures:
        click.secho(f"{len(say.failures)} checks did not hold:", fg="red", bold=True)
        for failure_text in say.failures:
            click.echo(f"  ✗ {failure_text}")
        return False
    click.secho(f"All {len(STEPS)} steps hold.", fg="green", bold=True)
    return True


def _keep(log_path: Path) -> None:
    """Keep the log of a story that did not hold, since the folder is removed."""
    kept = Path(tempfile.gettempdir()) / f"lynceus-demo-{os.getpid()}-{secrets.token_hex(4)}.log"
    with contextlib.suppress(OSError):
        logging.shutdown()
        kept.write_bytes(log_path.read_bytes())
        click.echo(f"Lynceus' log lines are kept in {kept}")


def _stay_up(stage: Stage) -> None:
    click.echo()
    for name, address in stage.addresses():
        click.echo(f"  {name:<12}{address}")
    click.echo("\nCtrl-C ends it.")
    with contextlib.suppress(KeyboardInterrupt):
        threading.Event().wait()
