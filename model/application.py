"""Argo CD's Application (argoproj.io/v1alpha1): spec, operation and status as Lynceus reads them.

Unknown fields are not lost: `Application.raw` keeps the bytes that were read, and Lynceus writes only merge
patches of what it changed. Source: Argo CD pkg/apis/application/v1alpha1/types.go.
"""

from __future__ import annotations

import typing as t

import msgspec

from model.decode import decode
from model.meta import JSON, NamespacedName, ObjectMeta, Wire
from model.source import DirectorySource as DirectorySource
from model.source import HelmFileParameter as HelmFileParameter
from model.source import HelmParameter as HelmParameter
from model.source import HelmSource as HelmSource
from model.source import KustomizeReplica as KustomizeReplica
from model.source import KustomizeSource as KustomizeSource
from model.source import PluginSource as PluginSource
from model.source import Source as Source
from model.states import HealthStatus, OperationPhase, SyncStatus

API_VERSION = "argoproj.io/v1alpha1"

REFRESH_ANNOTATION = "argocd.argoproj.io/refresh"
"""normal or hard: asks for a comparison at once."""
TRACKING_ANNOTATION = "argocd.argoproj.io/tracking-id"
SKIP_RECONCILE_ANNOTATION = "argocd.argoproj.io/skip-reconcile"
GROUPS_INFO = "lynceus.io/initiator-groups"
"""Name of the entry of operation.info that keeps the initiator's groups, one a line; Argo CD ignores it."""
BREAK_GLASS_INFO = "lynceus.io/break-glass"
"""Name of the entry of operation.info with a person's reason for going through a closed window or a freeze."""
RESOURCES_FINALIZER = "resources-finalizer.argocd.argoproj.io"
"""Cascade deletion in the foreground; with ``/background`` at its end in the background."""


class HasSources(t.Protocol):
    """Whatever names its source as `source` or several as `sources`."""

    @property
    def source(self) -> Source | None:
        """The only one."""

    @property
    def sources(self) -> list[Source] | None:
        """All of them."""


class HasRevisions(t.Protocol):
    """Whatever names its commit as `revision` or one for each source as `revisions`."""

    @property
    def revision(self) -> str:
        """The only one."""
        ...

    @property
    def revisions(self) -> list[str] | None:
        """All of them."""


def sources_of(record: HasSources) -> tuple[Source, ...]:
    """Return the sources: `sources` when it has entries, else `source`, else none."""
    return tuple(record.sources or ()) or ((record.source,) if record.source else ())


def revisions_of(record: HasRevisions) -> tuple[str, ...]:
    """Return the commits: `revisions` when it has entries, else `revision`, else none."""
    return tuple(record.revisions or ()) or ((record.revision,) if record.revision else ())


class Destination(Wire, frozen=True, kw_only=True):
    """spec.destination; name and server exclude each other."""

    server: str = ""
    name: str = ""
    namespace: str = ""


class Backoff(Wire, frozen=True, kw_only=True):
    """retry.backoff: Go durations as text, factor at least 1."""

    duration: str = ""
    factor: int | None = None
    max_duration: str = ""


class RetryStrategy(Wire, frozen=True, kw_only=True):
    """retry: limit below 0 is endless."""

    limit: int = 0
    backoff: Backoff | None = None
    refresh: bool = False


class Automated(Wire, frozen=True, kw_only=True):
    """syncPolicy.automated; present and not disabled means automated sync."""

    prune: bool = False
    self_heal: bool = False
    allow_empty: bool = False
    enabled: bool | None = None


class NamespaceMetadata(Wire, frozen=True, kw_only=True):
    """syncPolicy.managedNamespaceMetadata."""

    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None


class SyncPolicy(Wire, frozen=True, kw_only=True):
    """spec.syncPolicy."""

    automated: Automated | None = None
    sync_options: list[str] | None = None
    retry: RetryStrategy | None = None
    managed_namespace_metadata: NamespaceMetadata | None = None


class IgnoreDifference(Wire, frozen=True, kw_only=True):
    """spec.ignoreDifferences[]: group and kind are globs, name and namespace exact (empty = any)."""

    group: str = ""
    kind: str = ""
    name: str = ""
    namespace: str = ""
    json_pointers: list[str] | None = None
    jq_path_expressions: list[str] | None = None
    managed_fields_managers: list[str] | None = None


class ApplicationSpec(Wire, frozen=True, kw_only=True):
    """spec."""

    project: str = ""
    source: Source | None = None
    sources: list[Source] | None = None
    destination: Destination = Destination()
    sync_policy: SyncPolicy | None = None
    ignore_differences: list[IgnoreDifference] | None = None
    info: list[JSON] | None = None
    revision_history_limit: int | None = None

    @property
    def all_sources(self) -> tuple[Source, ...]:
        """The sources in force: `sources` when it has entries, else `source`."""
        return sources_of(self)

    @property
    def automated(self) -> Automated | None:
        """The automated policy when it is switched on, else None."""
        policy = self.sync_policy.automated if self.sync_policy else None
        return policy if policy and policy.enabled is not False else None

    @property
    def sync_options(self) -> tuple[str, ...]:
        """syncPolicy.syncOptions, empty when absent."""
        return tuple((self.sync_policy.sync_options if self.sync_policy else None) or ())


class InitiatedBy(Wire, frozen=True, kw_only=True):
    """operation.initiatedBy."""

    username: str = ""
    automated: bool = False


class OperationResource(Wire, frozen=True, kw_only=True):
    """operation.sync.resources[]: selects an object."""

    group: str = ""
    kind: str = ""
    name: str = ""
    namespace: str = ""


class SyncOperation(Wire, frozen=True, kw_only=True):
    """operation.sync."""

    revision: str = ""
    revisions: list[str] | None = None
    prune: bool = False
    dry_run: bool = False
    sync_strategy: JSON | None = None
    resources: list[OperationResource] | None = None
    source: Source | None = None
    sources: list[Source] | None = None
    manifests: list[str] | None = None
    sync_options: list[str] | None = None
    auto_heal_attempts_count: int | None = None
    self_heal_attempts_count: int | None = None


class Operation(Wire, frozen=True, kw_only=True):
    """The request: root field `operation` of an Application, copied to status.operationState.operation."""

    sync: SyncOperation | None = None
    initiated_by: InitiatedBy = InitiatedBy()
    info: list[JSON] | None = None
    retry: RetryStrategy | None = None

    @property
    def initiator_groups(self) -> tuple[str, ...]:
        """The groups that the initiator had when the API took the request; the loop asks the policy again with them."""
        found = self._info(GROUPS_INFO)
        return tuple(found.split("\n")) if found else ()

    @property
    def break_glass(self) -> str:
        """The reason that was given for going through a closed window or a freeze; empty when nobody asked for that."""
        return self._info(BREAK_GLASS_INFO).strip()

    def _info(self, name: str) -> str:
        """Return the value of the first entry of that name; whatever is no text is none."""
        found = next((entry.get("value") for entry in self.info or [] if entry.get("name") == name), None)
        return found if isinstance(found, str) else ""


class ResourceResult(Wire, frozen=True, kw_only=True):
    """status.operationState.syncResult.resources[]."""

    group: str = ""
    version: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""
    status: str = ""
    message: str = ""
    hook_type: str = ""
    hook_phase: str = ""
    sync_phase: str = ""


class SyncResult(Wire, frozen=True, kw_only=True):
    """status.operationState.syncResult: the revision is pinned here at the first turn of an operation."""

    resources: list[ResourceResult] | None = None
    revision: str = ""
    revisions: list[str] | None = None
    source: Source | None = None
    sources: list[Source] | None = None
    managed_namespace_metadata: NamespaceMetadata | None = None


class OperationState(Wire, frozen=True, kw_only=True):
    """status.operationState: the progress of the operation; what must survive a crash is here."""

    operation: Operation = Operation()
    phase: str = OperationPhase.RUNNING
    """An OperationPhase; plain text, so that an unknown word survives the read."""
    message: str = ""
    sync_result: SyncResult | None = None
    started_at: str = ""
    finished_at: str | None = None
    retry_count: int = 0


class ComparedTo(Wire, frozen=True, kw_only=True):
    """status.sync.comparedTo: the spec that the verdict belongs to."""

    source: Source | None = None
    sources: list[Source] | None = None
    destination: Destination | None = None
    ignore_differences: list[IgnoreDifference] | None = None


class SyncState(Wire, frozen=True, kw_only=True):
    """status.sync."""

    status: str = SyncStatus.UNKNOWN
    """A SyncStatus; plain text, so that an unknown or empty word survives the read."""
    revision: str = ""
    revisions: list[str] | None = None
    compared_to: ComparedTo | None = None


class HealthState(Wire, frozen=True, kw_only=True):
    """status.health and status.resources[].health."""

    status: str = HealthStatus.UNKNOWN
    """A HealthStatus; plain text, so that an unknown or empty word survives the read."""
    message: str = ""
    last_transition_time: str | None = None


class ResourceState(Wire, frozen=True, kw_only=True):
    """status.resources[]."""

    group: str = ""
    version: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""
    status: str = ""
    """A SyncStatus; empty for hooks and ignored objects."""
    health: HealthState | None = None
    hook: bool = False
    requires_pruning: bool = False
    requires_deletion_confirmation: bool = False
    sync_wave: int = 0


class AppCondition(Wire, frozen=True, kw_only=True):
    """status.conditions[]."""

    type: str = ""
    message: str = ""
    last_transition_time: str | None = None


class HistoryEntry(Wire, frozen=True, kw_only=True):
    """status.history[]: one finished deployment."""

    id: int = 0
    revision: str = ""
    revisions: list[str] | None = None
    source: Source | None = None
    sources: list[Source] | None = None
    deploy_started_at: str | None = None
    deployed_at: str = ""
    initiated_by: InitiatedBy | None = None


class ApplicationStatus(Wire, frozen=True, kw_only=True):
    """status."""

    sync: SyncState = SyncState()
    health: HealthState = HealthState()
    resources: list[ResourceState] | None = None
    history: list[HistoryEntry] | None = None
    conditions: list[AppCondition] | None = None
    reconciled_at: str | None = None
    operation_state: OperationState | None = None
    observed_at: str | None = None
    source_type: str = ""
    source_types: list[str] | None = None
    summary: JSON | None = None
    resource_health_source: str = ""
    controller_namespace: str = ""


class Application(Wire, frozen=True, kw_only=True):
    """One Application."""

    api_version: str = API_VERSION
    kind: str = "Application"
    metadata: ObjectMeta
    spec: ApplicationSpec
    operation: Operation | None = None
    status: ApplicationStatus = ApplicationStatus()
    raw: bytes = b""
    """The JSON that was read, with all unknown fields; not a wire field."""

    @property
    def key(self) -> NamespacedName:
        """Namespace and name."""
        return NamespacedName(self.metadata.namespace, self.metadata.name)

    def instance_name(self, control_namespace: str) -> str:
        """Return NAME in the control namespace, else NAMESPACE_NAME (Argo CD: InstanceName)."""
        name, namespace = self.metadata.name, self.metadata.namespace
        return name if namespace in ("", control_namespace) else f"{namespace}_{name}"

    def rbac_object(self, control_namespace: str) -> str:
        """Return the RBAC object: project/name, or project/namespace/name outside the control namespace."""
        project, namespace = self.spec.project or "default", self.metadata.namespace
        if namespace in ("", control_namespace):
            return f"{project}/{self.metadata.name}"
        return f"{project}/{namespace}/{self.metadata.name}"

    @property
    def deleting(self) -> bool:
        """True once deletion was asked for."""
        return self.metadata.deletion_timestamp is not None


def read_application(data: bytes, where: str = "Application") -> Application:
    """Decode an Application and keep its bytes; raises InvalidSpec with the JSON path."""
    return msgspec.structs.replace(decode(Application, data, where), raw=bytes(data))
