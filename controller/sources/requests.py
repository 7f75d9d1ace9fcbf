"""What the loop asks of `controller.sources.service` and what it gets back. Data only."""

from __future__ import annotations

import msgspec

from model.settings import Settings
from model.source import Source


class RenderRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One Application's manifests at given revisions."""

    sources: tuple[Source, ...]
    revisions: tuple[str, ...]
    """Parallel to `sources`: what `resolve` returned."""
    app_name: str
    """The plain name: Helm's default release name."""
    instance: str
    """Name, or NAMESPACE_NAME outside the control namespace: ARGOCD_APP_NAME."""
    namespace: str
    """spec.destination.namespace; may be empty."""
    project: str
    kube_version: str
    """The cluster's, for example v1.36.1; empty when it is not known."""
    api_versions: tuple[str, ...]
    """The cluster's: apps/v1, apps/v1/Deployment, …"""
    settings: Settings
    no_cache: bool = False
    """A hard refresh: render even when nothing that was read has changed."""


class Rendered(msgspec.Struct, frozen=True, kw_only=True):
    """The manifests of an Application."""

    objects: tuple[bytes, ...]
    """JSON, one object each, Lists flattened, shape checked, nothing of tracking or namespaces added."""
    source_types: tuple[str, ...]
    """Parallel to the sources: Directory, Helm, Kustomize; empty for a source that is only referred to."""
    key: str
    """Hash of every input that was read: equal key, equal output."""
    warnings: tuple[str, ...] = ()


class CommitInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Who, when and why, for display; text of others, so escape it where it is shown."""

    author: str
    date: str
    """RFC 3339, UTC."""
    message: str
