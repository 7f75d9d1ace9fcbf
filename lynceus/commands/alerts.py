"""`lynceus alerts`: the Prometheus rules as files, plain and for the Prometheus operator, thresholds changed."""

from __future__ import annotations

import re
from pathlib import Path

import click

from alerts.rules.files import texts
from alerts.rules.thresholds import DEFAULTS, Thresholds
from lynceus.commands import bundles

SUFFIXES = (".rules.yaml", ".prometheusrule.yaml")
MONITORS = "deploy.monitoring"
_GRAFANA = re.compile(r"https?://[^\s\"'`#?{}\\]+")
"""What can stand before a path, in YAML without quotes and in an annotation, which is a template."""


@click.group()
def alerts() -> None:
    """List and export the Prometheus rules."""


@alerts.command("list")
def list_files() -> None:
    """Print the names of the shipped files."""
    for name in bundles.shipped("alerts", SUFFIXES):
        click.echo(name)


@alerts.command()
def thresholds() -> None:
    """Print every threshold, as `export --set` takes it, and what it bounds."""
    for threshold in DEFAULTS:
        value = threshold.range if threshold.is_time else threshold.number
        click.echo(f"{f'{threshold.name}={value}':26} {threshold.says}")


@alerts.command()
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Another threshold; may be repeated.")
@click.option("--grafana", default="", metavar="URL", help="Where Grafana is; dashboard_url is a bare path without.")
@click.option("--monitors", is_flag=True, help="Also Service, ServiceMonitor, PodMonitor, Alertmanager's example.")
def export(directory: Path, settings: tuple[str, ...], grafana: str, monitors: bool) -> None:
    """Write the rules into DIRECTORY: *.rules.yaml for Prometheus, *.prometheusrule.yaml for its operator."""
    if grafana and not _GRAFANA.fullmatch(grafana):
        raise click.BadParameter(f"{grafana!r} is no address such as https://grafana.example", param_hint="--grafana")
    files = {name: _with_grafana(text, grafana) for name, text in texts(_changed(settings)).items()}
    if monitors:
        files |= bundles.shipped(MONITORS, (".yaml",))
    for path in bundles.write(files, directory):
        click.echo(path)


def _changed(settings: tuple[str, ...]) -> Thresholds:
    try:
        return Thresholds().changed(settings)
    except ValueError as wrong:
        raise click.BadParameter(str(wrong), param_hint="--set") from None


def _with_grafana(text: str, url: str) -> str:
    return text.replace("dashboard_url: /d/", f"dashboard_url: {url.rstrip('/')}/d/")
