"""`lynceus rbac`: ask and check policy CSV rules and project roles, on files."""

from __future__ import annotations

import typing as t

import click
import msgspec

from lynceus.commands.answers import at_option, instant, mode_option, output_option, print_decision, print_findings
from lynceus.files import read_policy, read_projects
from model.decision import Decision
from model.settings import RbacSettings
from policy.findings import Mode, errors_of
from policy.generation import Generation, build
from policy.guard import Guard
from policy.rbac.compiled import compile_policy
from policy.rbac.vocabulary import known_resource
from policy.subjects import named
from policy.windows import Target
from policy.windows import decide as decide_windows

ALIASES = {
    "app": "applications",
    "apps": "applications",
    "application": "applications",
    "proj": "projects",
    "project": "projects",
    "cluster": "clusters",
    "repo": "repositories",
    "repos": "repositories",
    "repository": "repositories",
    "cert": "certificates",
    "certs": "certificates",
    "certificate": "certificates",
    "account": "accounts",
    "gpgkey": "gpgkeys",
    "log": "logs",
    "appset": "applicationsets",
    "appsets": "applicationsets",
    "applicationset": "applicationsets",
    "extension": "extensions",
}
"""Short words for resources, as `argocd admin settings rbac can` takes them."""


@click.group()
def rbac() -> None:
    """Ask and check policy CSV rules."""


@rbac.command()
@click.argument("subject")
@click.argument("action")
@click.argument("resource")
@click.argument("target", metavar="[OBJECT]", default="")
@click.option(
    "--policy-file", metavar="F", help="Policy CSV, or the ConfigMap argocd-rbac-cm. Default: built-in roles."
)
@click.option("--project-file", metavar="F", multiple=True, help="AppProjects, whose roles and windows count.")
@click.option("--default-role", metavar="R", help="Instead of policy.default.")
@click.option("--group", "groups", metavar="G", multiple=True, help="A group of the subject; may be repeated.")
@at_option
@mode_option
@output_option
def can(
    subject: str,
    action: str,
    resource: str,
    target: str,
    policy_file: str | None,
    project_file: tuple[str, ...],
    default_role: str | None,
    groups: tuple[str, ...],
    at: str | None,
    mode: Mode,
    output: str,
) -> None:
    """May SUBJECT do ACTION on RESOURCE OBJECT? Exit code 0 allowed, 1 denied.

    With --at, `sync` on an application also asks the sync windows of its project (as a manual sync).
    """
    word = ALIASES.get(resource, resource)
    if not known_resource(word):
        raise click.UsageError(f"unknown resource {resource!r}, expected for example applications")
    generation = _generation(policy_file, project_file, default_role, mode)
    decision = Guard(generation).can(named(subject, groups), word, action, target)
    if decision.allowed and at and (word, action) == ("applications", "sync"):
        decision = _windows(generation, target, at, decision)
    print_decision(decision, output)


def _generation(path: str | None, projects: tuple[str, ...], default_role: str | None, mode: Mode) -> Generation:
    """Build the policy of the files; raises InvalidPolicy with the first error in it."""
    settings, source = read_policy(path) if path else (RbacSettings(), "")
    if default_role is not None:
        settings = msgspec.structs.replace(settings, default_role=default_role)
    generation, findings = build(settings, read_projects(projects), mode=mode, source=source)
    for finding in errors_of(findings):
        if not finding.code.startswith("window-"):
            raise finding.error()
    return generation


def _windows(generation: Generation, target: str, at: str, permitted: Decision) -> Decision:
    """Ask the windows of the application's project; its destination is not known, so cluster windows count."""
    project_name, _, rest = target.partition("/")
    project = generation.projects.get(project_name)
    if project is None or not project.windows:
        return permitted
    wanted = Target(rest.rpartition("/")[2], "", (), unresolved=True)
    found = decide_windows(project.windows, wanted, instant(at), manual=True, generation=generation.id)
    return permitted if found.allowed else found


@rbac.command()
@click.argument("file")
@mode_option
@output_option
def validate(file: str, mode: Mode, output: str) -> None:
    """Check policy CSV or the ConfigMap argocd-rbac-cm. Exit code 1 when it would not come into force."""
    settings, source = read_policy(file)
    _, findings = compile_policy(settings, mode=mode, source=source)
    print_findings(findings, output, file)


__all__: t.Final = ["rbac"]
