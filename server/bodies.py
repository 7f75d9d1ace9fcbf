"""Request bodies -> operations. Pure; the shapes are those of Argo CD's API, and an unknown field is refused."""

from __future__ import annotations

import typing as t

import msgspec

from model.application import (
    BREAK_GLASS_INFO,
    GROUPS_INFO,
    Application,
    InitiatedBy,
    Operation,
    OperationResource,
    RetryStrategy,
    SyncOperation,
)
from model.decode import decode
from model.errors import InvalidInput
from model.meta import JSON

LONGEST_REASON = 500
"""Characters of breakGlass: it goes into a log line and an Event."""


class SyncOptions(msgspec.Struct, forbid_unknown_fields=True):
    """syncOptions, in the wrapping that Argo CD's API has."""

    items: list[str] = []


class SyncRequest(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """The body of POST …/sync. Source: Argo CD server/application/application.proto, ApplicationSyncRequest."""

    name: str = ""
    app_namespace: str = ""
    project: str = ""
    revision: str = ""
    dry_run: bool = False
    prune: bool = False
    strategy: JSON | None = None
    resources: list[OperationResource] | None = None
    sync_options: SyncOptions | list[str] | None = None
    retry_strategy: RetryStrategy | None = None
    infos: list[JSON] | None = None
    break_glass: str = ""
    """Not of Argo CD: the reason for going through a closed window or a freeze."""


def sync_request(body: bytes) -> SyncRequest:
    """Decode a body; an empty one asks for the usual sync. Raises InvalidInput."""
    request = decode(SyncRequest, body or b"{}", "request body", InvalidInput)
    if len(request.break_glass) > LONGEST_REASON:
        found = f"{len(request.break_glass)} characters"
        raise InvalidInput("request body", "breakGlass", found, f"a reason of at most {LONGEST_REASON} characters")
    return request


def details(request: SyncRequest) -> dict[str, str]:
    """Return in a few words what a request asks for, for the audit log; nothing of its free forms but the reason."""
    chosen = {
        "revision": request.revision,
        "dry_run": "true" if request.dry_run else "",
        "prune": "true" if request.prune else "",
        "resources": str(len(request.resources)) if request.resources else "",
        "given_reason": request.break_glass.strip(),
    }
    return {word: value for word, value in chosen.items() if value}


def is_other_revision(app: Application, request: SyncRequest) -> bool:
    """Say whether another revision is asked for than the Application names."""
    return bool(request.revision) and request.revision != _tracked(app)


def operation(app: Application, request: SyncRequest, username: str, groups: tuple[str, ...] = ()) -> Operation:
    """Return the operation that a sync request asks for, with the Application's own options where it names none.

    Raises:
        InvalidInput: another revision than the tracked one is asked for while automated sync would undo it.
    """
    if is_other_revision(app, request) and app.spec.automated is not None and not request.dry_run:
        wanted = f"{_tracked(app)}, for automated sync is on and would undo anything else"
        raise InvalidInput("request body", "revision", request.revision, wanted)
    given = request.sync_options.items if isinstance(request.sync_options, SyncOptions) else request.sync_options
    policy = app.spec.sync_policy
    options = list(app.spec.sync_options) if given is None else given
    return Operation(
        sync=SyncOperation(
            revision=request.revision,
            prune=request.prune,
            dry_run=request.dry_run,
            sync_strategy=request.strategy,
            resources=request.resources,
            sync_options=options or None,
        ),
        initiated_by=InitiatedBy(username=username),
        info=_info(request, groups),
        retry=request.retry_strategy or (policy.retry if policy else None),
    )


def _tracked(app: Application) -> str:
    """Return the revision that the Application names."""
    sources = app.spec.all_sources
    return (sources[0].target_revision or "HEAD") if sources else ""


def _info(request: SyncRequest, groups: tuple[str, ...]) -> list[JSON] | None:
    """Keep the caller's groups and reason beside what the caller noted; neither can be claimed this way."""
    noted = [entry for entry in request.infos or [] if entry.get("name") not in (GROUPS_INFO, BREAK_GLASS_INFO)]
    if groups:
        noted.append({"name": GROUPS_INFO, "value": "\n".join(groups)})
    if reason := request.break_glass.strip():
        noted.append({"name": BREAK_GLASS_INFO, "value": reason})
    return noted or None


REFRESH_WORDS: t.Final = ("normal", "hard")
"""What ?refresh= may say."""
