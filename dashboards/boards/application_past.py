"""The lower half of the board Application: how it went, what it costs, and its project."""

from __future__ import annotations

from dashboards.boards.frame import Row
from dashboards.boards.panels import Look, Query, lines, timeline
from dashboards.boards.promql import APP, IN_CLUSTER, ONE, increase, mean, metric, per_app, quantile, rate, total
from dashboards.boards.tables import Column, table

ARGO_OFF = "in observe mode it comes from Argo CD, which is not scraped"
GONE = "the chosen Application is not known to Lynceus"

ALLOWED = per_app("lynceus_app_sync_allowed", 'trigger="auto"', scope=ONE)
DRIFT = per_app("lynceus_app_drift_since_timestamp_seconds", scope=ONE)
SICK = per_app("lynceus_app_unhealthy_since_timestamp_seconds", labels="health_status", scope=ONE)
BEHIND = per_app("lynceus_app_commits_behind", scope=ONE)
HERE = metric("lynceus_app_info", scope=ONE)
REPO = metric("argocd_app_info", scope=ONE)
"""The only one that tells the repository."""
SHADES = (
    ("Unknown", "text"),
    ("^Synced, Healthy", "green"),
    ("^OutOfSync", "orange"),
    ("Suspended$", "purple"),
    ("Progressing$", "blue"),
    ("Degraded$|Missing$", "red"),
)
"""Of pairs of sync status and health; the last that fits counts."""

STATES = Row(
    "How it went",
    (
        timeline(
            Look(
                "Sync status and health",
                "One bar for each pair of sync status and health while it lasted.",
                GONE,
                span=24,
                height=7,
                words=((1.0, " ", ""),),
            ),
            Query(
                f"max by (sync_status, health_status) ({HERE})",
                "{{sync_status}}, {{health_status}}",
            ),
            shades=SHADES,
        ),
        timeline(
            Look(
                "Let through or held back",
                "Whether a sync would have been let through, by who asks for it.",
                GONE,
                height=6,
                words=((0.0, "held back", "red"), (1.0, "let through", "green")),
            ),
            Query(
                f"min by (trigger) ({metric('lynceus_app_sync_allowed', scope=ONE)})",
                "{{trigger}}",
            ),
        ),
        timeline(
            Look(
                "Why it was held back",
                "One bar for each reason while it lasted.",
                "nothing held it back in this time",
                height=6,
                words=((1.0, " ", "orange"),),
                nothing="nothing held it back",
            ),
            Query(f"max by (reason) ({metric('lynceus_app_sync_blocked', scope=ONE)})", "{{reason}}"),
        ),
        lines(
            Look("Objects by state", "Objects of the Application by sync status and health.", "it has no objects"),
            Query(
                total(
                    "sync_status, health_status",
                    per_app("lynceus_app_resources", labels="sync_status, health_status", scope=ONE),
                ),
                "{{sync_status}}, {{health_status}}",
            ),
            stack=True,
        ),
        lines(
            Look(
                "Sync attempts",
                "Failed attempts count each, success once per operation.",
                f"argocd_app_sync_total has no series: {ARGO_OFF}",
            ),
            Query(total("phase", increase("argocd_app_sync_total", 'dry_run="false"', scope=ONE)), "{{phase}}"),
            stack=True,
            bars=True,
            names="Succeeded Failed Error",
        ),
        lines(
            Look(
                "How far behind",
                "Commits that are not deployed.",
                "its history could not be read yet, or its source is no Git repository",
            ),
            Query(f"max({BEHIND})", "commits behind"),
        ),
        lines(
            Look(
                "Seconds a sync took",
                "Mean time of the operations that ended.",
                "no operation ended in this time, or " + ARGO_OFF,
                unit="s",
            ),
            Query(
                f"sum({increase('argocd_app_sync_duration_seconds_total', scope=ONE)}) / (sum("
                + increase("argocd_app_sync_total", scope=ONE)
                + ") > 0)",
                "mean",
            ),
        ),
    ),
)

WORK = Row(
    "What it costs, and what it stands on",
    (
        lines(
            Look(
                "Time of the loop spent on it",
                "Seconds of turns per second, waiting included: 0.1 keeps a tenth of one worker busy.",
                GONE,
                unit="percentunit",
                span=8,
                runbooks=("LynceusReconcileSlow",),
            ),
            Query(f"sum({rate('lynceus_app_reconcile_cost_seconds_total', scope=ONE)})", "workers kept busy"),
        ),
        lines(
            Look(
                "Its Git repository, time of a request",
                "Requests to the repository that it names, whoever asked.",
                "no request in this time, or nobody exports argocd_app_info (observe mode, Argo CD is not scraped)",
                unit="s",
                span=8,
                steps=((None, "green"), (10.0, "red")),
                runbooks=("LynceusGitSlow",),
            ),
            Query(
                f"{quantile(0.95, 'argocd_git_request_duration_seconds', by='repo', scope=IN_CLUSTER)} "
                f"and on (repo) {REPO}",
                "p95 {{repo}}",
            ),
            Query(
                f"{mean('argocd_git_request_duration_seconds', by='repo', scope=IN_CLUSTER)} and on (repo) {REPO}",
                "mean {{repo}}",
            ),
        ),
        lines(
            Look(
                "Its cluster, time of a refresh",
                "Refreshes of all Applications of its destination.",
                "no refresh in this time, or " + ARGO_OFF,
                unit="s",
                span=8,
            ),
            Query(
                f"{quantile(0.95, 'argocd_app_reconcile', by='dest_server', scope=IN_CLUSTER)} "
                f"and on (dest_server) {HERE}",
                "p95 {{dest_server}}",
            ),
        ),
        table(
            Look(
                "What it is",
                "Where it comes from (in observe mode only where Argo CD is scraped too) and where it goes.",
                GONE,
                height=5,
            ),
            Column(
                "",
                f"max by ({APP}, dest_server, sync_status, health_status, autosync_enabled) ({HERE})",
            ),
            Column("", f"max by ({APP}, repo) ({REPO})"),
            hide="cluster",
            names={"autosync_enabled": "Automated", "dest_server": "Destination"},
        ),
        table(
            Look(
                "Orphans and conditions",
                "Objects in its namespace that nobody tracks, and what the Application complains of.",
                "there are none, or nobody exports argocd_app_condition (--metrics-application-conditions) and "
                "argocd_app_orphaned_resources_count (the project asks for it)",
                height=5,
                nothing="none",
            ),
            Column("Orphans", per_app("argocd_app_orphaned_resources_count", scope=ONE)),
            Column("Conditions", per_app("argocd_app_condition", labels="condition", scope=ONE)),
            hide="cluster",
        ),
    ),
)


def _in_project() -> str:
    """Keep what belongs to the project of the chosen Application."""
    return f"and on (project) {ALLOWED}"


PROJECT = Row(
    "Its project",
    (
        lines(
            Look(
                "From commit to healthy in its project",
                "Lead time of the deployments of the last seven days.",
                "no deployment within seven days",
                unit="s",
                span=8,
            ),
            Query(
                quantile(0.5, "lynceus_deployment_lead_time_seconds", by="project", window="7d") + f" {_in_project()}",
                "p50 {{project}}",
            ),
            Query(
                quantile(0.9, "lynceus_deployment_lead_time_seconds", by="project", window="7d") + f" {_in_project()}",
                "p90 {{project}}",
            ),
        ),
        lines(
            Look(
                "Drift in its project",
                "How often Applications left Synced: git, something new to deploy; live, somebody changed the cluster.",
                "no Application of the project has left Synced since Lynceus started",
                span=8,
            ),
            Query(
                total("project, origin", increase("lynceus_drift_detected_total")) + f" {_in_project()}",
                "{{origin}} {{project}}",
            ),
            stack=True,
            bars=True,
        ),
        timeline(
            Look(
                "Windows of its project",
                "When each window was open (allow) or kept syncs out (deny).",
                "the project has no sync windows",
                span=8,
                words=((0.0, "inactive", "text"), (1.0, "active", "orange")),
                nothing="no sync windows",
            ),
            Query(
                f"max by (project, window, kind) ({metric('lynceus_sync_window_active')}) {_in_project()}",
                "{{kind}}: {{window}} {{project}}",
            ),
        ),
    ),
)
