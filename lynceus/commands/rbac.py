"""`lynceus rbac`: ask, list, compare and check policy CSV rules and project roles, on files or in a cluster.

Each subcommand is imported when it is run, so that a question about files is answered at once.
"""

from __future__ import annotations

import importlib
import typing as t

import click

SUBCOMMANDS: t.Final[dict[str, tuple[str, str]]] = {
    "can": ("lynceus.commands.rbac_can:can", "May a caller do something, and which line says so?"),
    "who": ("lynceus.commands.rbac_who:who", "Who may do something?"),
    "diff": ("lynceus.commands.rbac_diff:diff", "Who gains and who loses what by a new policy?"),
    "validate": ("lynceus.commands.rbac_validate:validate", "What is wrong with a policy?"),
}
"""Command -> where it is defined, and its line in --help."""


class _Lazy(click.Group):
    """Imports a subcommand when it is run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(SUBCOMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in SUBCOMMANDS:
            return None
        module, _, attribute = SUBCOMMANDS[cmd_name][0].partition(":")
        return t.cast("click.Command", getattr(importlib.import_module(module), attribute))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in SUBCOMMANDS.items()])


@click.group(cls=_Lazy)
def rbac() -> None:
    """Ask, list, compare and check policy CSV rules."""
