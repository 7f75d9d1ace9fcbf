"""`lynceus project`: does an AppProject permit an Application, which entry says so, what is a trap? On files."""

from __future__ import annotations

import typing as t

import click

from lynceus.commands.answers import (
    clusters_option,
    decision_lines,
    decision_record,
    mode_option,
    output_option,
    print_findings,
    print_value,
)
from lynceus.files import read_applications, read_documents
from lynceus.projectcheck import Check, Verdict, findings, judge
from lynceus.projectcheck import read as read_policy
from model.application import Application
from model.errors import InvalidSettings
from model.secrets import Cluster
from policy.findings import Finding, Mode
from policy.projects.clusters import Registry


@click.group()
def project() -> None:
    """Check Applications against an AppProject."""


control_option = click.option(
    "--control-namespace", default="argocd", show_default=True, help="Where the AppProjects live."
)


@project.command()
@click.argument("app_file")
@click.option(
    "--project-file",
    metavar="F",
    multiple=True,
    help="AppProjects, argocd-cm, cluster and repository Secrets; those in APP_FILE count as well.",
)
@clusters_option
@click.option("--manifests", metavar="F", multiple=True, help="Rendered objects: is each of them permitted?")
@control_option
@mode_option
@output_option
def check(
    app_file: str,
    project_file: tuple[str, ...],
    clusters: tuple[str, ...],
    manifests: tuple[str, ...],
    control_namespace: str,
    mode: Mode,
    output: str,
) -> None:
    """Does its AppProject permit each Application in APP_FILE? Exit code 0 all permitted, 1 not."""
    apps = read_applications([app_file])
    if not apps:
        raise InvalidSettings(app_file, "", "no Application", "at least one")
    objects = [obj for path in manifests for obj in read_documents(path)]
    known = known_clusters(clusters, apps)
    policy = read_policy([app_file, *project_file], known, mode=mode, control=control_namespace)
    verdicts = [judge(policy, app, objects) for app in apps]
    traps = findings(policy, {app.spec.project or "default" for app in apps})
    _print(verdicts, traps, output)
    raise SystemExit(0 if all(verdict.allowed for verdict in verdicts) else 1)


@project.command(name="lint")
@click.argument("files", nargs=-1, required=True)
@control_option
@mode_option
@output_option
def lint_command(files: tuple[str, ...], control_namespace: str, mode: Mode, output: str) -> None:
    """What in the AppProjects of FILES probably does not mean what it looks like? Exit code 1 when it is an error."""
    policy = read_policy(files, (), mode=mode, control=control_namespace)
    if not policy.generation.units:
        raise InvalidSettings(files[0], "", "no AppProject", "at least one")
    print_findings(findings(policy), output, ", ".join(files))


def known_clusters(texts: tuple[str, ...], apps: t.Sequence[Application]) -> list[Cluster]:
    """Return the clusters given as NAME=SERVER, and those that Applications go to under the name that they use."""
    known = [_cluster(text) for text in texts]
    for destination in (app.spec.destination for app in apps):
        registry = Registry(known)
        named = destination.name or destination.server
        if named and not (registry.knows(destination.name, "") or registry.knows("", destination.server)):
            known.append(Cluster(name=destination.name, server=destination.server.rstrip("/")))
    return known


def _cluster(text: str) -> Cluster:
    name, equals, server = text.partition("=")
    if not (name and equals and server):
        raise InvalidSettings("--cluster", "", repr(text[:80]), "NAME=SERVER")
    return Cluster(name=name, server=server.rstrip("/"))


def _print(verdicts: list[Verdict], traps: t.Sequence[Finding], output: str) -> None:
    if output == "text":
        click.echo("\n".join(line for verdict in verdicts for line in _lines(verdict)))
        for trap in traps:
            click.echo(f"{trap.severity}: {trap}")
        return
    print_value([{**_record(verdict), "findings": [_trap(trap) for trap in traps]} for verdict in verdicts], output)


def _lines(verdict: Verdict) -> list[str]:
    """Return what a person reads: the answer, then each question with its rule and, if refused, the way out."""
    first, *rest = decision_lines(verdict.answer)
    lines = [f"{verdict.application.metadata.name}: {first}", *rest]
    for each in verdict.checks:
        answer, *details = decision_lines(each.decision)
        lines.append(f"  {each.asked:<12}{each.about}: {answer}")
        lines += [f"  {detail}" for detail in details if not each.decision.allowed and "rule:" not in detail]
    return lines


def _record(verdict: Verdict) -> dict[str, t.Any]:
    checks = [_check_record(each) for each in verdict.checks]
    record = decision_record(verdict.answer)
    return {"application": verdict.application.metadata.name, **record, "checks": checks}


def _check_record(each: Check) -> dict[str, t.Any]:
    return {"asked": each.asked, "about": each.about, **decision_record(each.decision)}


def _trap(finding: Finding) -> dict[str, str]:
    where, text, fix = finding.where, finding.text, finding.fix
    return {"code": finding.code, "severity": finding.severity, "where": where, "text": text, "fix": fix}
