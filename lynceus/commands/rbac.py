"""`lynceus rbac`: ask, list, compare and check policy CSV rules and project roles, on files or in a cluster.

Each subcommand is imported when it is run, so that a question about files is answered at once.
"""

from __future__ import annotations

import typing as t

import click

from lynceus.lazy import LazyGroup

SUBCOMMANDS: t.Final[dict[str, tuple[str, str]]] = {
    "can": ("lynceus.commands.rbac_can:can", "May a caller do something, and which line says so?"),
    "who": ("lynceus.commands.rbac_who:who", "Who may do something?"),
    "diff": ("lynceus.commands.rbac_diff:diff", "Who gains and who loses what by a new policy?"),
    "validate": ("lynceus.commands.rbac_validate:validate", "What is wrong with a policy?"),
}
"""As lynceus.lazy has it."""


@click.group(cls=LazyGroup, table=SUBCOMMANDS)
def rbac() -> None:
    """Ask, list, compare and check policy CSV rules."""
