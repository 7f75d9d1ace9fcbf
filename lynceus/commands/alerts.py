"""`lynceus alerts`: the shipped Prometheus rules as files, plain and for the Prometheus operator."""

from __future__ import annotations

from pathlib import Path

import click

from lynceus.commands import bundles

SUFFIXES = (".rules.yaml", ".prometheusrule.yaml")


@click.group()
def alerts() -> None:
    """List and export the Prometheus rules."""


@alerts.command("list")
def list_files() -> None:
    """Print the names of the shipped files."""
    for name in bundles.shipped("alerts", SUFFIXES):
        click.echo(name)


@alerts.command()
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
def export(directory: Path) -> None:
    """Write the rules into DIRECTORY: *.rules.yaml for Prometheus, *.prometheusrule.yaml for its operator."""
    for path in bundles.export("alerts", SUFFIXES, directory):
        click.echo(path)
