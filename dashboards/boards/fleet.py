"""The board Fleet: how all Applications are, which are worst, what is going on."""

from __future__ import annotations

from dashboards.boards import marks, variables
from dashboards.boards.fleet_worst import BLOCKED, DEST, DRIFT, FAILED, HIDE, WORST
from dashboards.boards.frame import Board, Row
from dashboards.boards.panels import (
    GOOD_BAD,
    GOOD_ODD,
    NEVER,
    PLAIN,
    Look,
    Panel,
    Query,
    lines,
    pie,
    ranking,
    stat,
)
from dashboards.boards.promql import (
    APP,
    IN_CLUSTER,
    age,
    count,
    increase,
    metric,
    per_app,
    placed,
    top,
    total,
)
from dashboards.boards.tables import Column, table

UNSCRAPED = "Lynceus is not scraped, or knows no Application"
HEALTHS = "Healthy Progressing Degraded Suspended Missing Unknown"
SYNCS = "Synced OutOfSync Unknown"

KNOWN = per_app("lynceus_app_info")
SICK = per_app(
    "lynceus_app_unhealthy_since_timestamp_seconds", 'health_status!~"Progressing|Suspended"', labels="health_status"
)
FETCHED = f"max by (cluster, repo) ({metric('lynceus_git_last_success_timestamp_seconds', scope=IN_CLUSTER)})"
DOWN = f"min by (cluster, server) ({metric('argocd_cluster_connection_status', scope=IN_CLUSTER)}) == 0"


def _counted(label: str) -> str:
    """Return how many Applications there are by a label."""
    return f"count by ({label}) ({per_app('lynceus_app_info', DEST, labels=label)})"


SET = "cluster, $namespace_label, name"
LARGEST = top(50, f"max by ({SET}) ({metric('argocd_appset_owned_applications', scope=IN_CLUSTER)})")
FIRING = metric("ALERTS", 'alertstate="firing"', 'alertname=~"Lynceus.+|ArgoCD.+"', scope=IN_CLUSTER)
"""Prometheus' own series; the rules are those of `lynceus alerts export`."""


def _number(title: str, text: str, expression: str, *, bad: bool = True, runbooks: tuple[str, ...] = ()) -> Panel:
    steps = GOOD_BAD if bad else GOOD_ODD
    return stat(Look(title, text, NEVER, span=4, height=4, steps=steps, runbooks=runbooks), expression)


NOW = Row(
    "Now",
    (
        stat(
            Look("Applications", "Applications that Lynceus knows.", NEVER, span=4, height=4, steps=PLAIN),
            count(placed(KNOWN)),
        ),
        _number("Out of sync", "Applications that have left Synced.", count(placed(DRIFT)), bad=False),
        _number(
            "Out of sync for over an hour",
            "Applications that left Synced more than an hour ago and are not back.",
            count(placed(f"({age(DRIFT)} > 3600)")),
            runbooks=("LynceusAppDrifted",),
        ),
        _number(
            "Not healthy",
            "Applications that are Degraded, Missing or Unknown; a rollout and a pause are not counted.",
            count(placed(SICK)),
            runbooks=("LynceusAppUnhealthy",),
        ),
        _number(
            "Last sync failed",
            "Applications whose last finished sync failed.",
            count(placed(FAILED)),
            runbooks=("LynceusLastSyncFailed",),
        ),
        _number(
            "Held back",
            "Applications whose automated syncs a window, a freeze, the policy or the project refuses.",
            count(placed(BLOCKED)),
            bad=False,
        ),
        _number(
            "Held back and out of sync",
            "Applications with something to deploy that may not be deployed now.",
            count(placed(f"({BLOCKED} and on ({APP}) {DRIFT})")),
            bad=False,
            runbooks=("LynceusAppDriftedWhileBlocked",),
        ),
        _number(
            "Freezes in force",
            "Freezes that are in force now.",
            count(f"max by (cluster, scope, project) ({metric('lynceus_freeze_active', scope=IN_CLUSTER)}) > 0"),
            bad=False,
        ),
        _number(
            "Clusters that do not answer",
            "Destinations whose API server cannot be reached; 0 too where nobody exports "
            "argocd_cluster_connection_status (observe mode beside an Argo CD that is not scraped).",
            count(DOWN),
            runbooks=("LynceusClusterUnreachable",),
        ),
        _number(
            "Stale repositories",
            "Git repositories whose server last gave what was asked more than 15 minutes ago.",
            count(f"{age(FETCHED)} > 900"),
            runbooks=("LynceusGitStale",),
        ),
        _number(
            "Refused policy texts, 1 h",
            "Changes to the policy that could not be read; the last good one is in force.",
            f"sum({increase('lynceus_policy_reload_failures_total', window='1h', scope=IN_CLUSTER)}) or vector(0)",
            runbooks=("LynceusPolicyReloadFailing",),
        ),
        _number(
            "Alerts firing",
            "Alerts of Lynceus and the four of Argo CD that fire; 0 too where the rules are not loaded.",
            count(FIRING),
        ),
    ),
)

STATE = Row(
    "State",
    (
        pie(
            Look("Applications by health", "Health as it was last found.", UNSCRAPED, span=6),
            Query(_counted("health_status"), "{{health_status}}"),
            HEALTHS,
        ),
        pie(
            Look("Applications by sync status", "Sync status as it was last found.", UNSCRAPED, span=6),
            Query(_counted("sync_status"), "{{sync_status}}"),
            SYNCS,
        ),
        ranking(
            Look(
                "Held back by",
                "What keeps automated syncs from running, and of how many Applications.",
                "nothing is held back",
                span=6,
                nothing="nothing is held back",
                steps=((None, "orange"),),
            ),
            Query(f"count by (reason) ({placed(BLOCKED)})", "{{reason}}"),
        ),
        ranking(
            Look(
                "Conditions",
                "Conditions that the Applications have.",
                "there are none, or nobody exports argocd_app_condition (--metrics-application-conditions)",
                span=6,
                nothing="none, or not asked for",
                steps=((None, "orange"),),
            ),
            Query(
                f"sum by (condition) ({placed(per_app('argocd_app_condition', labels='condition'))})", "{{condition}}"
            ),
        ),
    ),
)

ACTIVITY = Row(
    "Activity",
    (
        lines(
            Look(
                "Sync attempts by result",
                "Failed attempts count each, success once per operation.",
                "argocd_app_sync_total comes from an Argo CD that is not scraped",
            ),
            Query(
                total("phase", increase("argocd_app_sync_total", DEST, 'dry_run="false"')),
                "{{phase}}",
            ),
            stack=True,
            bars=True,
            names="Succeeded Failed Error",
        ),
        lines(
            Look(
                "Out of sync, not healthy, held back",
                "Number of Applications in each state.",
                NEVER,
            ),
            Query(count(placed(DRIFT)), "out of sync"),
            Query(count(placed(SICK)), "not healthy"),
            Query(count(placed(BLOCKED)), "held back"),
            Query(count(placed(FAILED)), "last sync failed"),
        ),
        lines(
            Look(
                "Drift by origin",
                "How often Applications left Synced: git, something new to deploy; live, somebody changed the cluster.",
                "no Application has left Synced since Lynceus started",
                nothing="no drift yet",
            ),
            Query(
                total("project, origin", increase("lynceus_drift_detected_total")),
                "{{project}}: {{origin}}",
            ),
            stack=True,
            bars=True,
        ),
        lines(
            Look(
                "Self-heals",
                "Automated syncs back to the commit that was deployed already; many of one project are a fight.",
                "no project is known yet",
                runbooks=("LynceusSelfHealLoop",),
            ),
            Query(total("project, result", increase("lynceus_self_heal_total")), "{{project}}: {{result}}"),
            stack=True,
            bars=True,
        ),
    ),
)

_SERVER = f'{IN_CLUSTER}, server=~"$dest_server"'


def _by_place(*matchers: str) -> str:
    """Return the number of Applications of each destination, under the label of the clusters' families."""
    found = per_app("lynceus_app_info", DEST, *matchers, labels="dest_server")
    named = f'label_replace({found}, "server", "$1", "dest_server", "(.*)")'
    return f"count by (cluster, server) ({named})"


PLACES = Row(
    "Alerts, clusters and repositories",
    (
        table(
            Look(
                "Alerts firing: which",
                "Alerts of Lynceus and the four of Argo CD, as the Prometheus behind this board evaluates them.",
                "none fires, or the rules are not loaded into this Prometheus",
                span=24,
                nothing="no alert fires",
            ),
            Column("", top(100, f"max by (severity, alertname, {APP}) ({FIRING})")),
            hide=HIDE,
        ),
        table(
            Look(
                "Destinations",
                "Clusters: whether they answer, how large the cache of each is (in observe mode only where Argo CD is "
                "scraped too), how many Applications lie there and "
                "how many of those are out of sync.",
                UNSCRAPED,
                span=12,
                runbooks=("LynceusClusterUnreachable",),
            ),
            Column("Applications", _by_place()),
            Column("Out of sync", _by_place('sync_status="OutOfSync"'), steps=GOOD_ODD),
            Column(
                "Answers",
                f"min by (cluster, server) ({metric('argocd_cluster_connection_status', scope=_SERVER)})",
                words=((0.0, "no", "red"), (1.0, "yes", "green")),
            ),
            Column(
                "Objects in the cache",
                f"max by (cluster, server) ({metric('argocd_cluster_api_resource_objects', scope=_SERVER)})",
            ),
            hide=HIDE,
        ),
        table(
            Look(
                "Repositories",
                "How long ago a Git server last gave what was asked.",
                "no request to a Git server has succeeded since Lynceus started",
                span=6,
                runbooks=("LynceusGitStale", "ArgoCDGitFetchErrors"),
            ),
            Column(
                "Last success",
                top(100, age(FETCHED)),
                "s",
                ((None, "green"), (900.0, "red")),
            ),
            hide=HIDE,
        ),
        table(
            Look(
                "ApplicationSets",
                "How many Applications each owns, and whether they are up to date; the fifty largest.",
                "there are none, or argocd_appset_* come from an Argo CD that is not scraped",
                span=6,
                nothing="no ApplicationSets",
            ),
            Column("Applications", LARGEST),
            Column(
                "",
                f"max by ({SET}, resource_update_status) ({metric('argocd_appset_info', scope=IN_CLUSTER)}) "
                f"and on ({SET}) {LARGEST}",
            ),
            hide=HIDE,
            names={"name": "ApplicationSet", "resource_update_status": "Resources"},
        ),
    ),
)

FLEET = Board(
    name="fleet",
    title="Fleet",
    description="All applications at a glance: how they are, which are worst, since when, and what is going on.",
    variables=(
        variables.DATASOURCE,
        variables.CLUSTER,
        variables.NAMESPACE_LABEL,
        variables.PROJECT,
        variables.DEST_SERVER,
    ),
    rows=(NOW, STATE, WORST, ACTIVITY, PLACES),
    marks=(*marks.syncs(), *marks.freezes()),
    refresh="1m",
)
