"""The words of Argo CD's states, spelt as they stand on the wire."""

from __future__ import annotations

import enum


class SyncStatus(enum.StrEnum):
    """status.sync.status (Argo CD: SyncStatusCode)."""

    SYNCED = "Synced"
    OUT_OF_SYNC = "OutOfSync"
    UNKNOWN = "Unknown"


class HealthStatus(enum.StrEnum):
    """status.health.status (Argo CD: health.HealthStatusCode)."""

    HEALTHY = "Healthy"
    PROGRESSING = "Progressing"
    SUSPENDED = "Suspended"
    MISSING = "Missing"
    DEGRADED = "Degraded"
    UNKNOWN = "Unknown"


class OperationPhase(enum.StrEnum):
    """status.operationState.phase (Argo CD: synccommon.OperationPhase)."""

    RUNNING = "Running"
    TERMINATING = "Terminating"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    ERROR = "Error"

    @property
    def completed(self) -> bool:
        """True for Succeeded, Failed and Error."""
        return self in (OperationPhase.SUCCEEDED, OperationPhase.FAILED, OperationPhase.ERROR)


class ResultCode(enum.StrEnum):
    """status.operationState.syncResult.resources[].status (Argo CD: synccommon.ResultCode)."""

    SYNCED = "Synced"
    SYNC_FAILED = "SyncFailed"
    PRUNED = "Pruned"
    PRUNE_SKIPPED = "PruneSkipped"


class ConditionType(enum.StrEnum):
    """status.conditions[].type (Argo CD: ApplicationConditionType), and Lynceus' own at the end."""

    DELETION_ERROR = "DeletionError"
    INVALID_SPEC = "InvalidSpecError"
    COMPARISON = "ComparisonError"
    SYNC = "SyncError"
    UNKNOWN = "UnknownError"
    SHARED_RESOURCE = "SharedResourceWarning"
    REPEATED_RESOURCE = "RepeatedResourceWarning"
    EXCLUDED_RESOURCE = "ExcludedResourceWarning"
    ORPHANED_RESOURCE = "OrphanedResourceWarning"
    SYNC_BLOCKED = "LynceusSyncBlocked"
    """An automated change waits for a sync window or a policy; the message names the rule and the end."""
    POLICY_INVALID = "LynceusPolicyInvalid"
    """The policy that governs this Application is malformed; the last good one is in force."""


class SourceType(enum.StrEnum):
    """status.sourceType (Argo CD: ApplicationSourceType)."""

    HELM = "Helm"
    KUSTOMIZE = "Kustomize"
    DIRECTORY = "Directory"
    PLUGIN = "Plugin"


class RefreshLevel(enum.IntEnum):
    """How deep one refresh goes (Argo CD: CompareWith)."""

    NOTHING = 0
    RECENT = 1
    LATEST = 2
    LATEST_FORCED = 3


class Effect(enum.StrEnum):
    """The answer of a decision."""

    ALLOW = "allow"
    DENY = "deny"
