"""Applications and objects for the tests of the loop."""

from __future__ import annotations

import datetime as dt
import typing as t

import msgspec

from model.application import Application, read_application

NOW = dt.datetime(2026, 3, 1, 12, 0, tzinfo=dt.UTC)
REVISION = "a" * 40
OTHER_REVISION = "b" * 40
SOURCE = {"repoURL": "https://git.example/shop.git", "path": "shop", "targetRevision": "main"}
DESTINATION = {"server": "https://kubernetes.default.svc", "namespace": "shop"}


class FakeClock:
    """A clock that moves only when told."""

    def __init__(self, now: dt.datetime = NOW) -> None:
        self.time = now

    def now(self) -> dt.datetime:
        return self.time

    def monotonic(self) -> float:
        return (self.time - NOW).total_seconds()

    def advance(self, seconds: float) -> None:
        self.time += dt.timedelta(seconds=seconds)


def application(
    *,
    automated: dict[str, t.Any] | None = None,
    status: dict[str, t.Any] | None = None,
    operation: dict[str, t.Any] | None = None,
    annotations: dict[str, str] | None = None,
    name: str = "shop",
    **spec: t.Any,
) -> Application:
    """Return an Application as it would be read; `automated` goes into spec.syncPolicy."""
    policy = spec.pop("syncPolicy", {})
    if automated is not None:
        policy = {**policy, "automated": automated}
    body = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": name, "namespace": "argocd", "uid": f"uid-{name}", "annotations": annotations or {}},
        "spec": {"project": "default", "source": SOURCE, "destination": DESTINATION, "syncPolicy": policy, **spec},
        "status": status or {},
    }
    if operation is not None:
        body["operation"] = operation
    return read_application(msgspec.json.encode(body))


def compared(**more: t.Any) -> dict[str, t.Any]:
    """Return a status whose verdict belongs to the spec that `application` writes."""
    sync = {
        "status": "Synced",
        "revision": REVISION,
        "comparedTo": {"source": SOURCE, "destination": DESTINATION},
    }
    return {"sync": sync, "reconciledAt": "2026-03-01T12:00:00Z", **more}


def finished(
    *, phase: str = "Succeeded", revision: str = REVISION, at: str = "2026-03-01T11:59:00Z", heals: int = 0
) -> dict[str, t.Any]:
    """Return a status.operationState of an operation that ended."""
    sync = {"revision": revision, **({"autoHealAttemptsCount": heals} if heals else {})}
    return {
        "operation": {"sync": sync},
        "phase": phase,
        "message": "what happened",
        "startedAt": "2026-03-01T11:58:00Z",
        "finishedAt": at,
        "syncResult": {"revision": revision, "source": SOURCE},
    }


def manifest(kind: str, name: str, *, api: str = "v1", namespace: str = "shop", **annotations: str) -> dict[str, t.Any]:
    """Return a small object; annotation keys are given with ``__`` for ``/`` and ``_`` for ``-``."""
    spelt = {key.replace("__", "/").replace("_", "-"): value for key, value in annotations.items()}
    meta: dict[str, t.Any] = {"name": name, "annotations": spelt}
    if namespace:
        meta["namespace"] = namespace
    return {"apiVersion": api, "kind": kind, "metadata": meta}
