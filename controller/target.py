"""From an Application to what a turn needs of the outside: checked project and destination, revisions, manifests.

Called by controller.reconciler and controller.syncing, which do the same with different sources and revisions.
"""

from __future__ import annotations

import typing as t

import msgspec

from controller.context import Context
from controller.kube.cluster import ClusterCache
from controller.sources.requests import Rendered, RenderRequest
from model.application import Application, Source
from model.errors import Denied, InvalidSpec
from model.events import RenderFinished
from model.secrets import Cluster


class Place(msgspec.Struct, frozen=True):
    """Where an Application goes."""

    cluster: Cluster
    cache: ClusterCache


def check(context: Context, app: Application) -> Place:
    """Check spec, project and destination.

    Raises:
        InvalidSpec: the spec cannot be used as written.
        Denied: the project does not permit it, or policy is not known yet.
        ApiUnavailable: the cluster does not answer.
    """
    where = f"Application {app.key}"
    if not app.spec.all_sources:
        raise InvalidSpec(where, "spec.source", "nothing", "a source")
    if app.spec.source is not None and app.spec.sources and app.spec.source.repo_url:
        raise InvalidSpec(where, "spec", "both source and sources", "one of them")
    cluster = context.clusters.find(app.spec.destination, where)
    decision = context.guard.may_use(app)
    if not decision.allowed:
        raise Denied(decision)
    cache = context.clusters.cache(cluster)
    if not cache.version or cache.discovery.group_unknown(""):
        cache.version = cache.client.version()
        cache.discovery.refresh()
    return Place(cluster, cache)


def still_in_force(context: Context, app: Application) -> None:
    """Tell that the source cannot be read, so that what was rendered earlier stays what is compared with."""
    status = app.status
    for kind in status.source_types or ((status.source_type,) if status.source_type else ()):
        context.publish(RenderFinished(tool=kind.lower(), result="stale", seconds=0.0))


def resolve(
    context: Context, app: Application, sources: t.Sequence[Source], *, force: bool, since: float | None = None
) -> tuple[str, ...]:
    """Return the commit of each source; arguments and errors as SourceService.resolve."""
    return tuple(context.sources.resolve(source, app.spec.project, force=force, since=since) for source in sources)


def render(
    context: Context,
    app: Application,
    place: Place,
    sources: t.Sequence[Source],
    revisions: t.Sequence[str],
    *,
    hard: bool,
) -> Rendered:
    """Return the manifests; raises as SourceService.render."""
    request = RenderRequest(
        sources=tuple(sources),
        revisions=tuple(revisions),
        app_name=app.metadata.name,
        instance=context.instance(app),
        namespace=app.spec.destination.namespace,
        project=app.spec.project,
        kube_version=place.cache.version,
        api_versions=place.cache.discovery.api_versions(),
        settings=context.governance.settings,
        no_cache=hard,
    )
    return context.sources.render(request)
