"""`lynceus dashboards`: the shipped Grafana dashboards as files."""

from __future__ import annotations

from pathlib import Path

import click

from lynceus.commands import bundles

SUFFIXES = (".json",)


@click.group()
def dashboards() -> None:
    """List and export the Grafana dashboards."""


@dashboards.command("list")
def list_files() -> None:
    """Print the names of the shipped files."""
    for name in bundles.shipped("dashboards", SUFFIXES):
        click.echo(name)


@dashboards.command()
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
def export(directory: Path) -> None:
    """Write the dashboards into DIRECTORY, for Grafana's import or file provisioning."""
    for path in bundles.export("dashboards", SUFFIXES, directory):
        click.echo(path)
