"""`lynceus dashboards`: the shipped Grafana boards as files, as ConfigMaps, or ready for Grafana's provisioning."""

from __future__ import annotations

import typing as t
from pathlib import Path

import click

from lynceus.commands import bundles
from lynceus.commands.boardforms import FOLDER, PROVIDER, Sidecar, config_maps, provider
from model.errors import InvalidSettings

SUFFIXES = (".json",)
PROVISIONED = "/etc/grafana/provisioning/dashboards/lynceus"


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
@click.option(
    "--format",
    "form",
    type=click.Choice(["files", "configmaps", "provisioning"]),
    default="files",
    show_default=True,
    help="Plain JSON; a ConfigMap per board for the sidecar; boards with the file that provisions them.",
)
@click.option("--label", metavar="KEY=VALUE", help="configmaps: what the sidecar looks for.  [grafana_dashboard=1]")
@click.option("--namespace", "-n", metavar="NAME", help="configmaps: where they go; left out when not given.")
@click.option("--folder", metavar="NAME", help="configmaps, provisioning: the folder in Grafana.")
@click.option("--folder-annotation", metavar="KEY", help="configmaps: what names the folder.  [grafana_folder]")
@click.option("--path", metavar="PATH", help=f"provisioning: where Grafana sees the boards.  [{PROVISIONED}]")
def export(directory: Path, form: str, **options: str | None) -> None:
    """Write the dashboards into DIRECTORY."""
    given = {name: value for name, value in options.items() if value is not None}
    _refuse_others(form, given)
    for path in FORMS[form](directory, given):
        click.echo(path)


def _files(directory: Path, _: dict[str, str]) -> list[Path]:
    return bundles.export("dashboards", SUFFIXES, directory)


def _config_maps(directory: Path, given: dict[str, str]) -> list[Path]:
    return bundles.write(config_maps(bundles.shipped("dashboards", SUFFIXES), Sidecar(**given)), directory)


def _provisioning(directory: Path, given: dict[str, str]) -> list[Path]:
    text = provider(given.get("folder", "Lynceus"), given.get("path", PROVISIONED))
    boards = bundles.export("dashboards", SUFFIXES, directory / FOLDER)
    return [*bundles.write({PROVIDER: text}, directory), *boards]


FORMS: t.Final[dict[str, t.Callable[[Path, dict[str, str]], list[Path]]]] = {
    "files": _files,
    "configmaps": _config_maps,
    "provisioning": _provisioning,
}
TAKES: t.Final[dict[str, set[str]]] = {
    "files": set(),
    "configmaps": {"label", "namespace", "folder", "folder_annotation"},
    "provisioning": {"folder", "path"},
}
"""Which options a form has."""


def _refuse_others(form: str, given: dict[str, str]) -> None:
    """Raise InvalidSettings for an option that would be passed over."""
    for name in given:
        if name not in TAKES[form]:
            wanted = " or ".join(sorted(each for each, takes in TAKES.items() if name in takes))
            option = f"--{name.replace('_', '-')}"
            raise InvalidSettings(option, "", f"--format {form}", f"--format {wanted}, or no {option}")
