"""`lynceus rbac validate`: what is wrong with a policy and the roles of projects, with places, codes and fixes."""

from __future__ import annotations

from pathlib import Path

import click

from lynceus.bundle import Live
from lynceus.commands.answers import mode_option, output_option, print_findings
from lynceus.commands.rbac_input import given_projects, merged
from lynceus.files import read_bundle, read_policy, read_projects
from model.errors import InvalidInput
from policy.findings import Mode
from policy.rbac.lint import lint


@click.command()
@click.argument("files", metavar="FILE…", nargs=-1, required=True)
@click.option("--project-file", metavar="F", multiple=True, help="AppProjects whose roles are checked, too.")
@click.option(
    "--fail-on", type=click.Choice(["error", "warning"]), default="error", show_default=True,
    help="The mildest finding that makes the exit code 1.",
)  # fmt: skip
@mode_option
@output_option
def validate(files: tuple[str, ...], project_file: tuple[str, ...], fail_on: str, mode: Mode, output: str) -> None:
    """Check policy CSV, the ConfigMap argocd-rbac-cm and AppProjects. Exit code 1 when one would not come into force.

    FILE may be a folder. With --fail-on warning, whatever may not mean what was meant makes the exit code 1 as well.
    """
    found = _read(files)
    projects = merged(found.projects, given_projects(project_file))
    findings = lint(found.rbac, projects=projects, mode=mode, source=found.rbac_source)
    bad = findings if fail_on == "warning" else [each for each in findings if each.severity == "error"]
    print_findings(findings, output, ", ".join(files), code=1 if bad else 0)


def _read(files: tuple[str, ...]) -> Live:
    """Read the files as one; a single file may also be a ConfigMap of another name."""
    if len(files) == 1 and not Path(files[0]).is_dir():
        try:
            rbac, source = read_policy(files[0])
        except InvalidInput:
            return read_bundle(files)
        projects = read_projects(files) if source else []
        return Live(where=files[0], rbac=rbac, rbac_source=source, has_rbac=True, projects=projects)
    return read_bundle(files)
