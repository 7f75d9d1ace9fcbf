"""Applications and events for the tests of the exporter."""

from __future__ import annotations

import typing as t

from exporter import Exporter
from model.application import (
    AppCondition,
    Application,
    ApplicationSpec,
    ApplicationStatus,
    Automated,
    Destination,
    HealthState,
    Operation,
    Source,
    SyncOperation,
    SyncPolicy,
    SyncState,
)
from model.decision import allow, deny
from model.events import (
    ApplicationChanged,
    ClusterObserved,
    DecisionMade,
    Event,
    GitRequestFinished,
    PolicyLoaded,
    RenderFinished,
    RepositoryKnown,
    Stage,
    SyncAttempted,
    SyncPermission,
    TurnFinished,
)
from model.meta import NamespacedName, ObjectMeta

SERVER = "https://kubernetes.default.svc"
REPO = "https://git.example/shop"


def application(name: str = "web", **values: t.Any) -> Application:
    """Return an Application of project shop, Synced and Healthy unless told otherwise."""
    return Application(
        metadata=ObjectMeta(
            name=name, namespace=values.get("namespace", "argocd"), deletion_timestamp=values.get("deletion_timestamp")
        ),
        spec=ApplicationSpec(
            project=values.get("project", "shop"),
            source=Source(repo_url=values.get("repo_url", REPO + ".git"), path="web"),
            destination=Destination(server=SERVER, namespace="web"),
            sync_policy=SyncPolicy(automated=Automated()) if values.get("automated", True) else None,
        ),
        operation=Operation(sync=SyncOperation()) if values.get("syncing") else None,
        status=ApplicationStatus(
            sync=SyncState(status=values.get("sync", "Synced")),
            health=HealthState(status=values.get("health", "Healthy")),
            conditions=[AppCondition(type=kind) for kind in values.get("conditions", ())],
        ),
    )


def changed(name: str = "web", dest_server: str = SERVER, **values: t.Any) -> ApplicationChanged:
    """Return the event for a new version of an Application."""
    return ApplicationChanged(application=application(name, **values), dest_server=dest_server)


def attempted(name: str = "web", phase: str = "Failed", *, final: bool = False, dry_run: bool = False) -> SyncAttempted:
    """Return the end of one attempt."""
    return SyncAttempted(
        key=NamespacedName("argocd", name),
        project="shop",
        dest_server=SERVER,
        phase=phase,
        dry_run=dry_run,
        final=final,
        started=100.0,
        finished=101.0,
    )


def turn(name: str = "web", **values: t.Any) -> TurnFinished:
    """Return a turn of 1.5 seconds with four stages."""
    given: dict[str, t.Any] = {
        "key": NamespacedName("argocd", name),
        "project": "shop",
        "dest_server": SERVER,
        "queue": "refresh",
        "reason": "spec changed",
        "level": 2,
        "start": 1000.0,
        "end": 1001.5,
        "stages": (
            Stage(name="git", start=1000.0, end=1000.5, attributes={"argocd.source.repo_url": REPO}),
            Stage(name="render", start=1000.5, end=1000.75),
            Stage(name="compare", start=1000.75, end=1001.0),
            Stage(name="apply", start=1001.0, end=1001.5, notes=((1001.25, "applied", {"object": "Service/web"}),)),
        ),
    }
    return TurnFinished(**(given | values))


def git(request_type: t.Any = "fetch", result: t.Any = "success", repo: str = REPO, revision: str = "main") -> Event:
    """Return a request to a Git server that took 0.3 seconds."""
    return GitRequestFinished(repo=repo, request_type=request_type, result=result, seconds=0.3, revision=revision)


def permission(name: str = "web", *, automated: bool = True, manual: bool = True) -> SyncPermission:
    """Return whether a sync would be let through."""
    answers = [allow("open") if answer else deny("closed") for answer in (automated, manual)]
    return SyncPermission(key=NamespacedName("argocd", name), project="shop", automated=answers[0], manual=answers[1])


def decision(*, allowed: bool = True, source: t.Any = "loop", action: str = "sync") -> DecisionMade:
    """Return an answer of the guard."""
    answer = allow("yes") if allowed else deny("no")
    return DecisionMade(decision=answer, resource="applications", action=action, source=source)


def cluster(*, version: str = "v1.36.1", objects: int = 240, connected: bool = True) -> ClusterObserved:
    """Return a report on the cluster."""
    return ClusterObserved(
        server=SERVER, name="in-cluster", version=version, objects=objects, api_resources=61, connected=connected
    )


def busy_minute(step: int = 0) -> list[Event]:
    """Return events that move every family: three applications, failures, a closed window, a refused policy."""
    sick = ("OutOfSync", "Degraded") if step % 2 else ("OutOfSync", "Missing")
    events: list[Event] = [
        RepositoryKnown(repo=REPO),
        cluster(objects=240 + step),
        changed("web"),
        changed("sick", sync=sick[0], health=sick[1], conditions=("SyncError",), automated=False),
        changed("lost", sync="Unknown", health="Healthy", conditions=("ComparisonError",), syncing=True),
        permission("web"),
        permission("sick", automated=False, manual=True),
        permission("lost"),
        PolicyLoaded(ok=True, generation="g1"),
    ]
    if step:
        events += [
            attempted("web", "Succeeded", final=True),
            attempted("sick"),
            git("ls-remote"),
            git("fetch", "success" if step % 3 else "error"),
            decision(),
            decision(allowed=False, source="api"),
            turn("web"),
            turn("sick", error="one object was refused", reason="operation", queue="operation"),
            RenderFinished(tool="kustomize", result="hit" if step % 2 else "miss", seconds=0.2),
            PolicyLoaded(ok=bool(step % 4), generation="g1"),
        ]
    return events


def exporter(*events: Event, argocd_metrics: bool = True, **more: t.Any) -> Exporter:
    """Return an exporter that has heard the events."""
    made = Exporter(
        argocd_metrics=argocd_metrics, version="0.1.0", mode="reconcile", now=lambda: 1_700_000_000.0, **more
    )
    for event in events:
        made.listen(event)
    return made


def lines(made: Exporter, *names: str, accept: str = "") -> list[str]:
    """Return the sample lines of the families, sorted."""
    body, _ = made.exposition(accept, "", names)
    return sorted(line for line in body.decode().splitlines() if not line.startswith("#"))
