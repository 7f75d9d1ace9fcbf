"""`lynceus demo --repo`: one Application from somebody's own repository, until it is Healthy or says why not."""

from __future__ import annotations

import json
import time
import typing as t
from pathlib import Path

import click

from lynceus.demo.narrator import PAUSE_SECONDS
from lynceus.demo.world import operation, status_of
from model.errors import LynceusError

if t.TYPE_CHECKING:
    from lynceus.demo.cluster import JSON
    from lynceus.demo.stage import Stage

PATIENCE_SECONDS: t.Final = 120.0
HOPELESS_SECONDS: t.Final = 4.0
"""An error that stands this long stays; one may pass while Lynceus has seen the Application but not yet its project."""


def url_of(repository: str) -> str:
    """Return what the Application names as repoURL: a folder of this machine by its URL, anything else as it is."""
    folder = Path(repository)
    return folder.resolve().as_uri() if folder.is_dir() else repository


def deploy(stage: Stage, repository: str, path: str, revision: str) -> bool:
    """Deploy the folder into a namespace of its own and tell what comes of it.

    Returns:
        True when it became Synced and Healthy; Progressing at the end of our patience is told and counts as False.
    """
    project, application = _objects(stage, repository, path, revision)
    for obj in (project, application):
        stage.cluster.apply(json.dumps(obj))
    click.echo(f"Deploying folder {path} of {repository} at {revision} into namespace {stage.prefix}own")
    deadline, last, settled = time.monotonic() + PATIENCE_SECONDS, "", time.monotonic()
    while time.monotonic() < deadline:
        found = stage.cluster.get("Application", stage.control, f"{stage.prefix}own")
        line = _line(found)
        if line != last:
            click.echo(f"  {line}")
            last, settled = line, time.monotonic()
        stuck = _hopeless(found) and time.monotonic() - settled > HOPELESS_SECONDS
        if status_of(found)[:2] == ("Synced", "Healthy") or stuck:
            break
        time.sleep(PAUSE_SECONDS)
    return _verdict(stage)


def _objects(stage: Stage, repository: str, path: str, revision: str) -> tuple[JSON, JSON]:
    head = {"apiVersion": "argoproj.io/v1alpha1"}
    everything = [{"group": "*", "kind": "*"}]
    project = {
        "sourceRepos": [repository],
        "destinations": [{"server": "*", "namespace": f"{stage.prefix}own"}],
        "clusterResourceWhitelist": everything,
    }
    application = {
        "project": "own",
        "source": {"repoURL": repository, "path": path, "targetRevision": revision},
        "destination": {"server": "https://kubernetes.default.svc", "namespace": f"{stage.prefix}own"},
        "syncPolicy": {"automated": {"prune": True, "selfHeal": True}, "syncOptions": ["CreateNamespace=true"]},
    }
    meta: JSON = {"name": "own", "namespace": stage.control}
    finalizers = {"finalizers": ["resources-finalizer.argocd.argoproj.io"]}
    return (
        {**head, "kind": "AppProject", "metadata": meta, "spec": project},
        {
            **head,
            "kind": "Application",
            "metadata": {**meta, "name": f"{stage.prefix}own", **finalizers},
            "spec": application,
        },
    )


def _line(application: JSON) -> str:
    sync, health, revision = status_of(application)
    text = f"{sync}, {health}, at {revision[:7]}" if revision else "not compared yet"
    message = operation(application).get("message", "")
    return f"{text}: {message}" if message else text


def _hopeless(application: JSON) -> bool:
    """True when no more waiting helps: a condition that names an error."""
    conditions = (application.get("status") or {}).get("conditions") or []
    return any(str(entry.get("type", "")).endswith("Error") for entry in conditions)


def _verdict(stage: Stage) -> bool:
    try:
        application = stage.cluster.get("Application", stage.control, f"{stage.prefix}own")
    except LynceusError as error:
        click.secho(str(error), fg="red")
        return False
    status: JSON = application.get("status") or {}
    for entry in status.get("conditions") or []:
        click.secho(f"  {entry.get('type')}: {entry.get('message')}", fg="red")
    for resource in status.get("resources") or []:
        health = (resource.get("health") or {}).get("status", "")
        name = f"{resource.get('kind')} {resource.get('namespace', '')}/{resource.get('name')}"
        click.echo(f"  {name:<60} {resource.get('status', ''):<10} {health}")
    return status_of(application)[:2] == ("Synced", "Healthy")
