"""Clears somebody's own cluster of what the story made there, and touches nothing else. Called by stage.

Every step can be repeated and goes on after Ctrl-C: what was made does not stay because somebody is in a hurry. Only
the waiting is cut short then.
"""

from __future__ import annotations

import contextlib
import typing as t

import click

from lynceus.demo.cluster import DemoCluster
from lynceus.demo.world import APPLICATIONS
from model.errors import LynceusError, NotFound

WAIT_SECONDS: t.Final = 60.0
CRDS: t.Final = {
    "applications.argoproj.io": "applications",
    "appprojects.argoproj.io": "appprojects",
    "applicationsets.argoproj.io": "applicationsets",
}
"""What an empty cluster is given, and the plural of each."""


class Clearing:
    """What was made on a cluster under one mark.

    Args:
        cluster: where.
        control: namespace of the Applications.
        prefix: stands before the names of Applications and their namespaces.
    """

    def __init__(self, cluster: DemoCluster, control: str, prefix: str) -> None:
        self._cluster, self._control = cluster, control
        self._names = tuple(prefix + name for name in (*APPLICATIONS, "own"))

    def applications(self) -> None:
        """Delete what was deployed while Lynceus still runs, so that the finalizers are carried out."""
        for name in self._names:
            self._cluster.delete("Application", self._control, name)
        waited_for = [("Application", self._control, name) for name in self._names]
        if problem := self._wait(waited_for):
            click.secho(f"    - {problem}: the finalizers are taken off, the namespaces are deleted", fg="yellow")
            for name in self._names:
                with contextlib.suppress(NotFound):
                    self._cluster.patch("Application", self._control, name, {"metadata": {"finalizers": None}})

    def namespaces(self) -> None:
        """Delete the namespaces, and with them Lynceus' settings, the freeze and whatever else is left in them."""
        made = [name for name in (*self._names, self._control) if self._cluster.exists("Namespace", "", name)]
        for name in made:
            self._cluster.delete("Namespace", "", name)
        if problem := self._wait([("Namespace", "", name) for name in made]):
            click.secho(f"    - {problem}: the cluster is still deleting it", fg="yellow")
        elif made:
            click.echo(f"Removed: the Applications, what they deployed, and the namespaces {', '.join(made)}")

    def crds(self, installed: t.Sequence[str]) -> None:
        """Delete the CRDs that were missing before, unless somebody has made objects of them since."""
        others = {name: self._others(name) for name in installed}
        if taken := next((found for found in others.values() if found), None):
            click.secho(f"    - the CRDs of Argo CD stay, since somebody uses them: {taken}", fg="yellow")
            return
        for name in installed:
            self._cluster.delete("CustomResourceDefinition", "", name)
        if problem := self._wait([("CustomResourceDefinition", "", name) for name in installed]):
            click.secho(f"    - {problem}: the cluster is still deleting it", fg="yellow")
        else:
            click.echo(f"Removed: the CRDs {', '.join(installed)}, which were not there before")

    def _others(self, crd: str) -> str:
        """Return an object of the kind that is not the story's own, empty when there is none."""
        found = self._cluster.everywhere(CRDS[crd])
        return next((f"{CRDS[crd]} {space}/{name}" for space, name in found if space != self._control), "")

    def _wait(self, objects: t.Sequence[tuple[str, str, str]]) -> str:
        """Wait until they are gone; returns what is still there, or empty."""
        try:
            self._cluster.wait_gone(objects, WAIT_SECONDS)
        except KeyboardInterrupt:
            return "no more waiting for it"
        except LynceusError as error:
            return str(error)
        return ""


def insist(step: t.Callable[..., None], *arguments: t.Any) -> None:
    """Run a step to its end, once more if Ctrl-C or the cluster broke it off; says what stays when that fails too."""
    problem = ""
    for _ in range(2):
        try:
            return step(*arguments)
        except KeyboardInterrupt:
            problem = "interrupted twice"
        except LynceusError as error:
            problem = str(error)
    click.secho(f"    - not all is cleared away: {problem}", fg="yellow", err=True)
