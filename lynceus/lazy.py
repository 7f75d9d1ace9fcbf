"""A click group whose commands are imported when they are run, since some need clients that are slow to import.

Called by lynceus.cli and by the groups that have commands of their own.
"""

from __future__ import annotations

import importlib
import typing as t

import click

Table = t.Mapping[str, tuple[str, str]]
"""Command -> where it is defined (``package.module:name``), and its line in --help, so that --help imports nothing."""


class LazyGroup(click.Group):
    """The commands of a table, in its order."""

    def __init__(self, *args: t.Any, table: Table, **extra: t.Any) -> None:
        """Take the table; everything else is click's."""
        super().__init__(*args, **extra)
        self._table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return list(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return the command, or None when there is none of that name."""
        if cmd_name not in self._table:
            return None
        module, _, attribute = self._table[cmd_name][0].partition(":")
        return t.cast("click.Command", getattr(importlib.import_module(module), attribute))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands for --help."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in self._table.items()])
