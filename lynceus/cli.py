"""The `lynceus` command: finds the command's module, turns our errors into one line and an exit code.

Exit codes: 0 fine or allowed, 1 denied, drifted or failed, 2 wrong use or unreadable input.
"""

from __future__ import annotations

import contextlib
import sys
import typing as t

import click

from lynceus.lazy import LazyGroup
from model.errors import InvalidInput, LynceusError

COMMANDS: t.Final[dict[str, tuple[str, str]]] = {
    "demo": ("lynceus.demo.command:demo", "Tell the whole story on an embedded cluster, in checked steps."),
    "run": ("lynceus.commands.run:run", "Run Lynceus against a cluster."),
    "sandbox": ("lynceus.commands.sandbox:sandbox", "Serve the embedded Kubernetes API, for kubectl."),
    "rbac": ("lynceus.commands.rbac:rbac", "Ask and check policy CSV rules."),
    "windows": ("lynceus.commands.windows:windows", "List and explain sync windows."),
    "policy": ("lynceus.commands.policy:policy", "Run policy unit tests."),
    "freeze": ("lynceus.commands.freeze:freeze", "Stop syncs at once, for a time, with a reason."),
    "project": ("lynceus.commands.project:project", "Check Applications against an AppProject."),
    "dashboards": ("lynceus.commands.dashboards:dashboards", "Export the Grafana dashboards."),
    "alerts": ("lynceus.commands.alerts:alerts", "Export the Prometheus rules."),
    "crds": ("lynceus.commands.crds:crds", "Print the CRDs that an empty cluster needs."),
}
"""As lynceus.lazy has it."""


class WrongUse(click.ClickException):
    """An argument or option that cannot be: one line, exit code 2."""

    exit_code = 2

    def show(self, file: t.Any = None) -> None:
        """Print the line."""
        click.echo(f"lynceus: {self.message}", file=file, err=True)


@contextlib.contextmanager
def _in_one_line() -> t.Iterator[None]:
    """Turn click's usage errors, several lines each, into WrongUse; a group without a command prints its help."""
    try:
        yield
    except click.exceptions.NoArgsIsHelpError:
        raise
    except click.UsageError as wrong:
        text = " ".join(wrong.format_message().split()).rstrip(".")
        words = _command_words(wrong.ctx)
        where = " ".join(words)
        helped = " ".join(["lynceus", *words, "--help"])
        raise WrongUse(f"{where}: {text}; see {helped}" if where else f"{text}; see {helped}") from None


def _command_words(ctx: click.Context | None) -> list[str]:
    """Return the names of the command and the groups it is in, without the script's."""
    words: list[str] = []
    while ctx is not None and ctx.parent is not None:
        words.insert(0, ctx.info_name or "")
        ctx = ctx.parent
    return words


class _Script(LazyGroup):
    """The script: whatever is wrong with its words is told in one line."""

    def make_context(self, *args: t.Any, **extra: t.Any) -> click.Context:
        """Read the words before the command."""
        with _in_one_line():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: click.Context) -> t.Any:
        """Run the command."""
        with _in_one_line():
            return super().invoke(ctx)


def _print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from lynceus import __version__

        click.echo(f"lynceus {__version__}")
        ctx.exit()


@click.group(cls=_Script, table=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Print the version."
)
def cli() -> None:
    """Lynceus sees and guards your GitOps."""


def main() -> None:
    """Run the command line; the console script's entry point."""
    try:
        cli(prog_name="lynceus")
    except InvalidInput as error:
        _fail(error, 2)
    except LynceusError as error:
        _fail(error, 1)


def _fail(error: LynceusError, code: int) -> t.NoReturn:
    click.echo(f"lynceus: {error}", err=True)
    sys.exit(code)
