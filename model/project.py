"""Argo CD's AppProject (argoproj.io/v1alpha1).

Source: Argo CD pkg/apis/application/v1alpha1/types.go, AppProjectSpec. Read from the control namespace only.
"""

from __future__ import annotations

import msgspec

from model.decode import decode
from model.meta import JSON, NamespacedName, ObjectMeta, Wire


class ProjectDestination(Wire, frozen=True, kw_only=True):
    """spec.destinations[]: globs; a leading ! negates."""

    server: str = ""
    name: str = ""
    namespace: str = ""


class JWTToken(Wire, frozen=True, kw_only=True):
    """spec.roles[].jwtTokens[] and status.jwtTokensByRole."""

    iat: int = 0
    exp: int = 0
    id: str = ""


class ProjectRole(Wire, frozen=True, kw_only=True):
    """spec.roles[]: policies are policy CSV lines, groups are SSO groups."""

    name: str = ""
    description: str = ""
    policies: list[str] | None = None
    groups: list[str] | None = None
    jwt_tokens: list[JWTToken] | None = None


class ResourceRestriction(Wire, frozen=True, kw_only=True):
    """An entry of the four kind lists: group and kind are patterns, name only in the cluster lists."""

    group: str = ""
    kind: str = ""
    name: str = ""


class SyncWindow(Wire, frozen=True, kw_only=True):
    """spec.syncWindows[] (Argo CD: SyncWindow). All text: nothing is checked here, policy.windows does."""

    kind: str = ""
    schedule: str = ""
    duration: str = ""
    applications: list[str] | None = None
    namespaces: list[str] | None = None
    clusters: list[str] | None = None
    and_operator: bool = False
    manual_sync: bool = False
    sync_overrun: bool = False
    time_zone: str = ""
    description: str = ""


class OrphanIgnore(Wire, frozen=True, kw_only=True):
    """spec.orphanedResources.ignore[]."""

    group: str = ""
    kind: str = ""
    name: str = ""


class OrphanedResources(Wire, frozen=True, kw_only=True):
    """spec.orphanedResources."""

    warn: bool | None = None
    ignore: list[OrphanIgnore] | None = None


class DestinationServiceAccount(Wire, frozen=True, kw_only=True):
    """spec.destinationServiceAccounts[]."""

    server: str = ""
    namespace: str = ""
    default_service_account: str = ""


class ProjectSpec(Wire, frozen=True, kw_only=True):
    """spec. The lists tell null (None) from empty ([]), for their meanings differ."""

    description: str = ""
    source_repos: list[str] | None = None
    source_namespaces: list[str] | None = None
    destinations: list[ProjectDestination] | None = None
    roles: list[ProjectRole] | None = None
    cluster_resource_whitelist: list[ResourceRestriction] | None = None
    cluster_resource_blacklist: list[ResourceRestriction] | None = None
    namespace_resource_whitelist: list[ResourceRestriction] | None = None
    namespace_resource_blacklist: list[ResourceRestriction] | None = None
    orphaned_resources: OrphanedResources | None = None
    sync_windows: list[SyncWindow] | None = None
    signature_keys: list[JSON] | None = None
    source_integrity: JSON | None = None
    permit_only_project_scoped_clusters: bool = False
    destination_service_accounts: list[DestinationServiceAccount] | None = None


class AppProject(Wire, frozen=True, kw_only=True):
    """One AppProject; it is read from the control namespace only."""

    metadata: ObjectMeta
    spec: ProjectSpec = ProjectSpec()
    raw: bytes = b""
    """The JSON that was read, with all unknown fields; not a wire field."""

    @property
    def key(self) -> NamespacedName:
        """Namespace and name."""
        return NamespacedName(self.metadata.namespace, self.metadata.name)


def read_project(data: bytes, where: str = "AppProject") -> AppProject:
    """Decode an AppProject and keep its bytes; raises InvalidSpec with the JSON path."""
    return msgspec.structs.replace(decode(AppProject, data, where), raw=bytes(data))
