"""Lynceus' own commands as the steps type them: the same code, in this process."""

from __future__ import annotations

import contextlib
import io
import shlex
from pathlib import Path

import click
import msgspec

from lynceus.demo.narrator import Narrator, StoryError
from lynceus.demo.world import World


class Ran(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a command."""

    code: int
    """Exit code."""
    lines: tuple[str, ...]
    """What it printed on stdout, without the folder."""

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join(self.lines)


def call(say: Narrator, *arguments: str, folder: Path | None = None, world: World | None = None) -> Ran:
    """Show a command line and run it.

    Args:
        say: prints the command line, without what a reader does not have to know: where cluster and files are.
        arguments: of the `lynceus` script.
        folder: where the files are that the arguments name.
        world: whose cluster the command is about.

    Raises:
        StoryError: the command cannot be used this way.
        LynceusError: as the command raises it.
    """
    from lynceus.cli import cli

    shown = shlex.join(arguments)
    say.tell(f"$ lynceus {shown.replace(f'{folder}/', '') if folder else shown}")
    where = (*world.reach, "-n", world.control) if world else ()
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        try:
            code = cli.main([*arguments, *where], prog_name="lynceus", standalone_mode=False)
        except SystemExit as done:
            code = done.code
        except click.ClickException as refused:
            raise StoryError(f"lynceus {arguments[0]}: {refused.format_message()}") from None
    said = out.getvalue().replace(f"{folder}/", "") if folder else out.getvalue()
    return Ran(code=code if isinstance(code, int) else int(code is not None), lines=tuple(said.splitlines()))
