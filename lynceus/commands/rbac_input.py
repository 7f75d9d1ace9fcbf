"""What the `lynceus rbac` commands are asked about: words for resources, and a policy from files or a cluster."""

from __future__ import annotations

import typing as t
from pathlib import Path

import click
import msgspec

from lynceus.bundle import Live
from lynceus.commands.cluster import ClusterChoice
from lynceus.files import read_bundle, read_policy, read_projects
from model.errors import InvalidInput, InvalidSettings
from model.project import AppProject
from model.settings import Settings
from policy.findings import Finding, Mode, errors_of, shown
from policy.generation import Generation, build
from policy.rbac.vocabulary import ACTIONS, known_resource

ALIASES = {
    "app": "applications",
    "apps": "applications",
    "application": "applications",
    "proj": "projects",
    "projs": "projects",
    "project": "projects",
    "cluster": "clusters",
    "repo": "repositories",
    "repos": "repositories",
    "repository": "repositories",
    "cert": "certificates",
    "certs": "certificates",
    "certificate": "certificates",
    "account": "accounts",
    "gpg": "gpgkeys",
    "gpgkey": "gpgkeys",
    "key": "gpgkeys",
    "log": "logs",
    "appset": "applicationsets",
    "appsets": "applicationsets",
    "applicationset": "applicationsets",
    "extension": "extensions",
}
"""Short words for resources, as `argocd admin settings rbac can` takes them, and some more."""

policy_option = click.option(
    "--policy-file", metavar="F", help="Policy CSV, the ConfigMap argocd-rbac-cm, or a folder. Default: built-in roles."
)
project_option = click.option(
    "--project-file", metavar="F", multiple=True, help="AppProjects, whose roles and windows count; file or folder."
)


def resource_word(word: str) -> str:
    """Return the resource that a word means; InvalidSettings when there is none."""
    found = ALIASES.get(word, word)
    if not known_resource(found):
        raise InvalidSettings("RESOURCE", "", f"the unknown resource {shown(word)}", "one of " + ", ".join(ACTIONS))
    return found


def given_projects(files: t.Sequence[str]) -> list[AppProject]:
    """Return the AppProjects of --project-file; InvalidSettings when one of the files has none."""
    found: list[AppProject] = []
    for name in files:
        projects = read_projects([name])
        if not projects:
            raise InvalidSettings(name, "", "no AppProject", "at least one")
        found += projects
    return found


def gather(
    policy_file: str | None,
    project_files: t.Sequence[str],
    cluster: ClusterChoice,
    *,
    default_role: str | None = None,
    whole: bool = False,
) -> Live:
    """Read the policy that is asked: the cluster's when one was chosen, with what files bring laid over it.

    Args:
        policy_file: instead of the cluster's argocd-rbac-cm; CSV leaves its default role, scopes and match mode.
        project_files: AppProjects, each instead of the one of its name.
        cluster: as it was chosen.
        default_role: instead of policy.default.
        whole: read Applications and clusters of the cluster, too.
    """
    found = cluster.read(applications=whole, clusters=whole) if cluster.chosen else Live(where="files", rbac_source="")
    if policy_file:
        found = overlaid(found, _policy_in(policy_file))
    return completed(found, project_files, default_role)


def completed(found: Live, project_files: t.Sequence[str], default_role: str | None) -> Live:
    """Return what was read with the AppProjects of --project-file and the role of --default-role."""
    projects, rbac = merged(found.projects, given_projects(project_files)), found.rbac
    if default_role is not None:
        rbac = msgspec.structs.replace(rbac, default_role=default_role)
    return msgspec.structs.replace(found, projects=projects, rbac=rbac)


def _policy_in(name: str) -> Live:
    """Read a file or folder with a policy, and whatever else governs in it; CSV brings lines only."""
    if Path(name).is_dir():
        return read_bundle([name])
    rbac, source = read_policy(name)
    if not source:
        return Live(where=name, rbac=rbac, rbac_source="", has_rbac=True)
    rest = governing(name) or Live(where=name)
    return msgspec.structs.replace(rest, rbac=rbac, rbac_source=source, has_rbac=True, has_rbac_keys=True)


def governing(name: str) -> Live | None:
    """Read a file or folder; None when nothing in it governs, as in a ConfigMap of another name."""
    try:
        return read_bundle([name])
    except InvalidInput as failure:
        if not failure.found.startswith("nothing that governs"):
            raise
    return None


def overlaid(below: Live, above: Live) -> Live:
    """Return what is below with every unit replaced that is above: the policy, each project, and so on."""
    found = msgspec.structs.replace(
        below,
        projects=merged(below.projects, above.projects),
        applications=above.applications or below.applications,
        clusters=above.clusters or below.clusters,
        settings=above.settings if above.settings != Settings() else below.settings,
        additions_data=above.additions_data or below.additions_data,
    )
    if not above.has_rbac:
        return found
    rbac = above.rbac
    if not above.has_rbac_keys and below.has_rbac_keys:
        rbac = msgspec.structs.replace(below.rbac, csv=rbac.csv, generation=rbac.generation)
    return msgspec.structs.replace(
        found,
        rbac=rbac,
        rbac_source=above.rbac_source,
        has_rbac=True,
        has_rbac_keys=above.has_rbac_keys or below.has_rbac_keys,
    )


def merged(below: t.Iterable[AppProject], above: t.Iterable[AppProject]) -> list[AppProject]:
    """Return the projects, those above instead of those of the same name below."""
    return list({project.metadata.name: project for project in (*below, *above)}.values())


def covering(found: Live, resource: str, action: str) -> str:
    """Return the plain action that covers a long one where argocd-cm says so, and is asked first; else empty text."""
    plain, slash, _ = action.partition("/")
    inherits = found.settings.rbac_switches.inherit_fine_grained
    return plain if slash and inherits and resource == "applications" and plain in ("update", "delete") else ""


def generation_of(found: Live, mode: Mode, namespace: str) -> tuple[Generation, tuple[Finding, ...]]:
    """Build the policy, with what is wrong in it."""
    return build(
        found.rbac,
        found.projects,
        found.clusters,
        mode=mode,
        control_namespace=namespace,
        global_projects=found.settings.global_projects if found.settings.global_projects_readable else None,
        source=found.rbac_source,
        additions=found.additions if found.additions_data else None,
    )


def usable(found: Live, mode: Mode, namespace: str) -> Generation:
    """Build the policy; raises InvalidPolicy with the first error in argocd-rbac-cm.

    A project whose roles are broken loses only these, as in the loop; stderr says so. Windows are not asked here.
    """
    generation, findings = generation_of(found, mode, namespace)
    for finding in errors_of(findings):
        if finding.code.startswith(("window-", "freeze-")):
            continue
        if not finding.where.startswith("AppProject "):
            raise finding.error()
        click.echo(f"lynceus: note: {finding}", err=True)
    return generation
