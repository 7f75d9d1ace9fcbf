"""What Secrets add to a project: repositories and clusters whose `project` field names it.

They become entries behind those of the spec, as if they had been written there. Source: Argo CD docs "Projects",
section on project scoped repositories and clusters; util/argo, GetAppProjectByName.
"""

from __future__ import annotations

import typing as t

from model.errors import InvalidSpec
from model.project import ProjectDestination
from model.secrets import Cluster, Repository
from model.urls import display_url
from policy.findings import Finding
from policy.patterns import Pattern, broken, glob, literal, tolerant
from policy.projects.compiled import DestinationPattern, DestinationRule, Parts, Project, Source
from policy.projects.goform import normalised


class Scoped(t.NamedTuple):
    """Project-scoped entries by project."""

    repositories: dict[str, list[Repository]]
    clusters: dict[str, list[Cluster]]

    @classmethod
    def of(cls, repositories: t.Iterable[Repository], clusters: t.Iterable[Cluster]) -> Scoped:
        """Sort out what belongs to a project; credential templates are no repositories."""
        found = cls({}, {})
        for repository in repositories:
            if repository.project and not repository.template:
                found.repositories.setdefault(repository.project, []).append(repository)
        for cluster in clusters:
            if cluster.project:
                found.clusters.setdefault(cluster.project, []).append(cluster)
        return found

    def added_to(self, project: Project) -> tuple[Project, tuple[Finding, ...]]:
        """Return the project with its scoped entries, and what is wrong with them."""
        repositories = self.repositories.get(project.name, [])
        clusters = self.clusters.get(project.name, [])
        if not (repositories or clusters):
            return project, ()
        findings: list[Finding] = []
        sources = [_source(project, repository, findings) for repository in repositories]
        rules = [rule for cluster in clusters for rule in _destinations(project, cluster)]
        return project.extended(sources, rules, clusters), tuple(findings)


def _source(project: Project, repository: Repository, findings: list[Finding]) -> Source:
    """Return the entry; strict takes the URL as text, compat as the pattern that upstream makes of it."""
    text = display_url(repository.url)
    where = f"repository Secret for {text} with project {project.name}"
    try:
        form = project.source_form(repository.url)
    except InvalidSpec as failure:
        fix = "a repository URL; it is no source of the project"
        findings.append(Finding(code="project-source", severity="warning", where=where, text=str(failure), fix=fix))
        nothing = broken(text, str(failure))
        return Source(nothing, nothing, False, where, text)
    if project.strict:
        return Source(literal(form), literal(normalised(repository.url)), False, where, text)
    pattern = tolerant(lambda it: glob(it, "" if it == "*" else "/"), form)
    return Source(pattern, pattern, False, where, text)


def _destinations(project: Project, cluster: Cluster) -> t.Iterator[DestinationRule]:
    """Return an entry per namespace of the cluster's Secret, or one for all."""
    compiled = literal if project.strict else _tolerant_glob
    server = project.server_form(cluster.server)
    where = f"cluster Secret {cluster.name} with project {project.name}"
    for namespace in cluster.namespaces or ("*",):
        spec = ProjectDestination(server=cluster.server, namespace=namespace)
        place = DestinationPattern(glob("*") if namespace == "*" else compiled(namespace), False)
        nameless = DestinationPattern(literal(""), False)
        yield DestinationRule(
            nameless,
            DestinationPattern(compiled(server), False),
            place,
            where,
            f"{cluster.server} {namespace}",
            spec,
            Parts(nameless, DestinationPattern(compiled(cluster.server), False), place),
        )


def _tolerant_glob(text: str) -> Pattern:
    return tolerant(glob, text)
