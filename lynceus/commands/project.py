"""`lynceus project`: does an AppProject permit an Application, and which entry says so? On files."""

from __future__ import annotations

import typing as t

import click

from lynceus.commands.answers import decision_lines, decision_record, mode_option, output_option, print_value
from lynceus.files import read_applications, read_projects
from model.application import Application
from model.decision import Decision
from model.errors import InvalidSettings
from model.secrets import Cluster
from model.settings import RbacSettings
from policy.findings import Mode
from policy.generation import Generation, build
from policy.guard import Guard


@click.group()
def project() -> None:
    """Check Applications against an AppProject."""


@project.command()
@click.argument("app_file")
@click.option("--project-file", metavar="F", multiple=True, help="AppProjects; those in APP_FILE count as well.")
@click.option("--cluster", "clusters", metavar="NAME=SERVER", multiple=True, help="A cluster under both its names.")
@click.option("--control-namespace", default="argocd", show_default=True, help="Where the AppProjects live.")
@mode_option
@output_option
def check(
    app_file: str,
    project_file: tuple[str, ...],
    clusters: tuple[str, ...],
    control_namespace: str,
    mode: Mode,
    output: str,
) -> None:
    """Does its AppProject permit each Application in APP_FILE? Exit code 0 all permitted, 1 not."""
    apps = read_applications([app_file])
    if not apps:
        raise InvalidSettings(app_file, "", "no Application", "at least one")
    generation = generation_of(app_file, project_file, clusters, apps, mode, control_namespace)
    decisions = [(app, Guard(generation).may_use(app)) for app in apps]
    _print(decisions, output)
    raise SystemExit(0 if all(decision.allowed for _, decision in decisions) else 1)


def generation_of(
    app_file: str,
    project_file: tuple[str, ...],
    clusters: tuple[str, ...],
    apps: t.Sequence[Application],
    mode: Mode,
    control_namespace: str,
) -> Generation:
    """Build the policy of the files: projects of both, named clusters, and those that the Applications go to."""
    known = [_cluster(text) for text in clusters]
    named = {name for cluster in known for name in (cluster.name, cluster.server)}
    for destination in (app.spec.destination for app in apps):
        if not {destination.name, destination.server} & named and destination.name != "in-cluster":
            known.append(Cluster(name=destination.name, server=destination.server))
            named |= {destination.name, destination.server} - {""}
    projects = read_projects([app_file, *project_file])
    return build(RbacSettings(), projects, known, mode=mode, control_namespace=control_namespace)[0]


def _cluster(text: str) -> Cluster:
    name, equals, server = text.partition("=")
    if not (name and equals and server):
        raise InvalidSettings("--cluster", "", repr(text[:80]), "NAME=SERVER")
    return Cluster(name=name, server=server)


def _print(decisions: list[tuple[Application, Decision]], output: str) -> None:
    if output == "text":
        for app, decision in decisions:
            first, *rest = decision_lines(decision)
            click.echo("\n".join([f"{app.metadata.name}: {first}", *rest]))
    else:
        records = [{"application": app.metadata.name, **decision_record(decision)} for app, decision in decisions]
        print_value(records, output)
