"""Applications and events for the tests of the exporter."""

from __future__ import annotations

import datetime as dt
import typing as t

from exporter import Exporter
from exporter.choice import Choice
from model.application import (
    AppCondition,
    Application,
    ApplicationSpec,
    ApplicationStatus,
    Automated,
    Destination,
    HealthState,
    Operation,
    OperationState,
    ResourceState,
    Source,
    SyncOperation,
    SyncPolicy,
    SyncState,
)
from model.decision import Rule, allow, deny
from model.events import (
    AdmissionReviewed,
    ApiRequestFinished,
    ApplicationChanged,
    ApplicationSetChanged,
    CalendarChanged,
    ClusterEventsProcessed,
    ClusterObserved,
    CommitsBehind,
    DecisionMade,
    DeploymentEnded,
    DriftDetected,
    DriftEnded,
    Event,
    FreezeState,
    GitRequestFinished,
    GitWait,
    Leading,
    OrphansCounted,
    PolicyFindings,
    PolicyLoaded,
    PolicyRules,
    QueueMoved,
    QueueState,
    RenderFinished,
    RepositoryKnown,
    Restored,
    RuleInfo,
    SelfHealed,
    Stage,
    Standing,
    SyncAttempted,
    SyncPermission,
    TurnFinished,
    WebhookMoved,
    WindowState,
    WriteMoved,
)
from model.meta import NamespacedName, ObjectMeta

SERVER = "https://kubernetes.default.svc"
REPO = "https://git.example/shop"
NOW = 1_700_000_000.0
TRACE = "0af7651916cd43dd8448eb211c80319c"
RECONCILIATION = "app_reconciliation_queue"
EVERYTHING = Choice(
    application_labels=("team", "app.kubernetes.io/part-of"),
    application_conditions=("*",),
    application_requests="on",
    cluster_labels=("region",),
    applicationset_labels=("team",),
)
"""All that has to be asked for."""


def application(name: str = "web", **values: t.Any) -> Application:
    """Return an Application of project shop, Synced and Healthy unless told otherwise."""
    return Application(
        metadata=ObjectMeta(
            name=name,
            namespace=values.get("namespace", "argocd"),
            deletion_timestamp=values.get("deletion_timestamp"),
            labels=values.get("labels"),
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
            resources=[
                ResourceState(kind="Service", status=sync, health=HealthState(status=health) if health else None)
                for sync, health in values.get("resources", ())
            ],
            operation_state=values.get("operation_state"),
        ),
    )


def ended(phase: str = "Succeeded", at: str | None = "2026-01-01T00:00:00Z") -> OperationState:
    """Return the state of an operation, finished unless `at` is None."""
    return OperationState(phase=phase, started_at="2025-12-31T23:59:00Z", finished_at=at)


def changed(name: str = "web", dest_server: str = SERVER, **values: t.Any) -> ApplicationChanged:
    """Return the event for a new version of an Application."""
    return ApplicationChanged(application=application(name, **values), dest_server=dest_server)


def attempted(
    name: str = "web", phase: str = "Failed", *, final: bool = False, dry_run: bool = False, seconds: float = 1.0
) -> SyncAttempted:
    """Return the end of one attempt."""
    return SyncAttempted(
        key=NamespacedName("argocd", name),
        project="shop",
        dest_server=SERVER,
        phase=phase,
        dry_run=dry_run,
        final=final,
        started=100.0,
        finished=100.0 + seconds,
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


def asked(name: str | None = "web", **values: t.Any) -> ApiRequestFinished:
    """Return a request that applied a Service on behalf of an Application."""
    given: dict[str, t.Any] = {
        "verb": "patch",
        "kind": "services",
        "code": 200,
        "seconds": 0.02,
        "host": "kubernetes.default.svc:443",
        "server": SERVER,
        "method": "PATCH",
        "request_bytes": 900,
        "response_bytes": 1200,
        "waited": 0.001,
        "namespace": "web",
        "application": NamespacedName("argocd", name) if name else None,
    }
    return ApiRequestFinished(**(given | values))


def stands(name: str = "web", **values: t.Any) -> Standing:
    """Return since when an Application is as it is."""
    return Standing(key=NamespacedName("argocd", name), project="shop", **values)


def behind(name: str = "web", number: int | None = 3, oldest: float | None = NOW - 60) -> CommitsBehind:
    """Return how far an Application is behind."""
    return CommitsBehind(key=NamespacedName("argocd", name), project="shop", number=number, oldest=oldest)


def window(name: str = "nights", **values: t.Any) -> WindowState:
    """Return a window that is closed now."""
    given: dict[str, t.Any] = {
        "namespace": "argocd",
        "project": "shop",
        "window": name,
        "kind": "allow",
        "schedule": "0 22 * * *",
        "duration": "1h",
        "time_zone": "UTC",
        "manual_sync": True,
        "active": False,
        "next_change": NOW + 600,
    }
    return WindowState(**(given | values))


def rule(place: str, subject: str = "role:dev", effect: str = "allow") -> RuleInfo:
    """Return a p line."""
    return RuleInfo(rule=place, subject=subject, resource="applications", action="sync", object="shop/*", effect=effect)


def deployed(name: str = "web", **values: t.Any) -> DeploymentEnded:
    """Return a deployment that took two minutes."""
    given: dict[str, t.Any] = {
        "key": NamespacedName("argocd", name),
        "project": "shop",
        "environment": "prod",
        "result": "success",
        "revision": "a" * 40,
        "trace_id": TRACE,
        "started": NOW - 120,
        "ended": NOW,
        "lead_seconds": 120.0,
        "stages": {"commit_to_seen": 20.0, "seen_to_synced": 40.0, "synced_to_healthy": 60.0, "blocked": 10.0},
    }
    return DeploymentEnded(**(given | values))


def queues() -> list[QueueState]:
    """Return the queues at a scrape."""
    return [
        QueueState(queue=RECONCILIATION, depth=4, oldest_seconds=3.0, unfinished_seconds=2.5, longest_seconds=2.0),
        QueueState(
            queue="app_operation_processing_queue",
            depth=0,
            oldest_seconds=0.0,
            unfinished_seconds=0.0,
            longest_seconds=0.0,
        ),
    ]


def git(request_type: t.Any = "fetch", result: t.Any = "success", repo: str = REPO, revision: str = "main") -> Event:
    """Return a request to a Git server that took 0.3 seconds."""
    return GitRequestFinished(repo=repo, request_type=request_type, result=result, seconds=0.3, revision=revision)


def permission(
    name: str = "web", *, automated: bool = True, manual: bool = True, until: dt.datetime | None = None
) -> SyncPermission:
    """Return whether a sync would be let through."""
    closed = Rule(kind="window", origin="AppProject shop: spec.syncWindows[0]")
    answers = [
        allow("open", until=until) if answer else deny("closed", closed, outside=True, until=until)
        for answer in (automated, manual)
    ]
    return SyncPermission(key=NamespacedName("argocd", name), project="shop", automated=answers[0], manual=answers[1])


def decision(
    *,
    allowed: bool = True,
    source: t.Any = "loop",
    action: str = "sync",
    name: str | None = None,
    rule: Rule | None = None,
    manual: bool = False,
) -> DecisionMade:
    """Return an answer of the guard, on an Application when it is named."""
    return DecisionMade(
        decision=allow("yes", rule) if allowed else deny("no", rule),
        resource="applications",
        action=action,
        source=source,
        project="shop",
        key=NamespacedName("argocd", name) if name else None,
        manual=manual,
    )


def line(place: str) -> Rule:
    """Return the rule that a decision by a line of the policy names."""
    return Rule(kind="rbac", origin=place)


def cluster(*, version: str = "v1.36.1", objects: int = 240, connected: bool = True, **more: t.Any) -> ClusterObserved:
    """Return a report on the cluster."""
    given: dict[str, t.Any] = {"server": SERVER, "name": "in-cluster", "api_resources": 61}
    return ClusterObserved(version=version, objects=objects, connected=connected, **(given | more))


def busy_minute(step: int = 0) -> list[Event]:
    """Return events that move every family: three applications, failures, a closed window, a refused policy."""
    return [*_fleet(step), *_calendar(step), *(_work(step) + _clusters(step) + _delivery(step) if step else ())]


def _fleet(step: int) -> list[Event]:
    """Return how the applications stand."""
    sick = ("OutOfSync", "Degraded") if step % 2 else ("OutOfSync", "Missing")
    labels = {"team": "checkout", "environment": "prod"}
    return [
        RepositoryKnown(repo=REPO),
        cluster(objects=240 + step, labels={"region": "eu"}),
        changed("web", labels=labels, resources=[("Synced", "Healthy")], operation_state=ended()),
        changed("sick", sync=sick[0], health=sick[1], conditions=("SyncError",), automated=False),
        changed("lost", sync="Unknown", health="Healthy", conditions=("ComparisonError",), syncing=True),
        stands("sick", drift_since=NOW - 300, unhealthy_since=NOW - 200, health_status=sick[1]),
        behind("sick"),
        permission("web", until=dt.datetime.fromtimestamp(NOW + 600, dt.UTC)),
        permission("sick", automated=False, manual=True, until=dt.datetime.fromtimestamp(NOW + 900, dt.UTC)),
        permission("lost"),
        OrphansCounted(key=NamespacedName("argocd", "sick"), project="shop", number=2),
        ApplicationSetChanged(
            key=NamespacedName("argocd", "fleet"), update_status="ResourcesUpToDate", owned=3, labels={"team": "a"}
        ),
    ]


def _calendar(step: int) -> list[Event]:
    """Return what governs."""
    return [
        PolicyLoaded(ok=True, generation="g1"),
        PolicyRules(generation="g1", rules=(rule("policy.csv:1"), rule("policy.csv:2", effect="deny"))),
        PolicyFindings(generation="g1", errors=0, warnings=1),
        CalendarChanged(
            windows=(window(), window("freeze week", kind="deny", active=bool(step % 2), next_change=None)),
            freezes=(FreezeState(scope="all", project="*", active=True, since=NOW - 60),),
        ),
    ]


def _work(step: int) -> list[Event]:
    """Return what the loop does."""
    return [
        Leading(leading=True),
        QueueMoved(queue=RECONCILIATION, what="added"),
        QueueMoved(queue=RECONCILIATION, what="taken", seconds=0.2),
        QueueMoved(queue=RECONCILIATION, what="done", seconds=0.3),
        QueueMoved(queue=RECONCILIATION, what="retried"),
        attempted("web", "Succeeded", final=True),
        attempted("sick"),
        RepositoryKnown(repo=REPO),
        git("ls-remote"),
        git("fetch", "success" if step % 3 else "error"),
        GitWait(repo=REPO, pending=1),
        GitWait(repo=REPO, pending=0, waited=0.4),
        decision(rule=line("policy.csv:1")),
        decision(allowed=False, source="api", rule=line("policy.csv:2"), name="sick", manual=True),
        turn("web", trace_id=TRACE, pushed_at=998.5),
        turn("sick", error="one object was refused", reason="operation", queue="operation"),
        RenderFinished(tool="kustomize", result="hit" if step % 2 else "miss", seconds=0.2),
        PolicyLoaded(ok=bool(step % 4), generation="g1"),
        WebhookMoved(ended=False),
        WebhookMoved(ended=True, repo=REPO, status=200),
        AdmissionReviewed(operation="CREATE", decision="allow", reason="allowed", seconds=0.01),
    ]


def _clusters(step: int) -> list[Event]:
    """Return what passes between Lynceus and API servers."""
    return [
        ClusterEventsProcessed(server=SERVER, counts={("apps", "Deployment"): 3, ("", "Service"): step}, seconds=0.01),
        WriteMoved(command="apply", ended=False),
        WriteMoved(command="apply", ended=True),
        asked(),
        asked("sick", code=409, retry=True),
        asked(None, verb="watch", method="GET", response_bytes=None, kind="pods"),
    ]


def _delivery(step: int) -> list[Event]:
    """Return what becomes of commits."""
    sick = NamespacedName("argocd", "sick")
    return [
        deployed(result="success" if step % 3 else "failed"),
        Restored(key=sick, project="shop", environment="prod", seconds=90.0),
        DriftDetected(key=sick, project="shop", origin="live"),
        DriftEnded(key=sick, project="shop", seconds=45.0),
        SelfHealed(key=sick, project="shop", result="success"),
    ]


def exporter(*events: Event, argocd_metrics: bool = True, chosen: Choice = EVERYTHING, **more: t.Any) -> Exporter:
    """Return an exporter that has heard the events, and to which all that has to be asked for was."""
    made = Exporter(
        argocd_metrics=argocd_metrics, version="0.1.0", mode="reconcile", now=lambda: NOW, chosen=chosen, **more
    )
    made.sample(queues=queues)
    for event in events:
        made.listen(event)
    return made


def lines(made: Exporter, *names: str, accept: str = "") -> list[str]:
    """Return the sample lines of the families, sorted."""
    body, _ = made.exposition(accept, "", names)
    return sorted(line for line in body.decode().split("\n") if line and not line.startswith("#"))
