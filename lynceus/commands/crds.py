"""`lynceus crds`: the CustomResourceDefinitions of Application, AppProject and ApplicationSet as one YAML stream."""

from __future__ import annotations

from importlib.resources import files

import click


def manifests() -> tuple[str, ...]:
    """Return the YAML text of each CRD."""
    folder = files("deploy") / "crds"
    names = sorted(item.name for item in folder.iterdir() if item.name.endswith(".yaml"))
    return tuple((folder / name).read_text(encoding="utf-8") for name in names)


@click.command()
def crds() -> None:
    """Print the CRDs; pipe them into `kubectl apply -f -`."""
    click.echo("---\n".join(manifests()), nl=False)
