"""The board Delivery: the four keys of DORA, where the time from commit to healthy goes, what waits, what drifts."""

from __future__ import annotations

from dashboards.boards import marks, variables
from dashboards.boards.frame import Board, Row
from dashboards.boards.panels import NEVER, PLAIN, Look, Query, heat, lines, small, stat
from dashboards.boards.promql import (
    APP,
    IN_CLUSTER,
    IN_PROJECT,
    age,
    increase,
    mean,
    per_app,
    quantile,
    rate,
    share,
    top,
    total,
)
from dashboards.boards.tables import Column, table

SCOPE = f'{IN_PROJECT}, environment=~"$environment"'
LEAD, RESTORE = "lynceus_deployment_lead_time_seconds", "lynceus_time_to_restore_seconds"
UNBLOCKED = "lynceus_deployment_unblocked_seconds"
STAGE = "lynceus_deployment_stage_seconds"
NONE_YET = "no Application is known yet"
NO_DEPLOYMENT = "no deployment became healthy in the time that is looked back on"
NO_FAILURE = "nothing failed, or nothing was restored, in the time that is looked back on"
GOOD = 'result="success"'
KNOWN_RESULTS = "success failed rolled_back"
BEHIND = per_app("lynceus_app_commits_behind")
OLDEST = per_app("lynceus_app_oldest_undeployed_commit_timestamp_seconds")
LONGEST = top(20, age(OLDEST))


def _ended(*matchers: str, window: str, by: str = "") -> str:
    return total(by, increase("lynceus_deployments_total", *matchers, window=window, scope=SCOPE))


def _failed(window: str, by: str = "") -> str:
    return share(_ended('result!="success"', window=window, by=by), _ended(window=window, by=by))


def _within(seconds: int, window: str) -> str:
    """Return the share of deployments that took at most so long; Go writes le as 600, other clients as 600.0."""
    bucket = rate(f"{UNBLOCKED}_bucket", f'le=~"{seconds}(\\\\.0)?"', window=window, scope=IN_CLUSTER)
    return share(f"sum({bucket})", f"sum({rate(f'{UNBLOCKED}_count', window=window, scope=IN_CLUSTER)})")


NOW = Row(
    "The four keys",
    (
        stat(
            small("Deployments, 24 h", "Commits that became Synced and Healthy.", NEVER, steps=PLAIN),
            f"{_ended(GOOD, window='24h')} or vector(0)",
        ),
        stat(
            small(
                "Lead time, median of 7 d", "From the commit to Synced and Healthy.", NO_DEPLOYMENT, "s", steps=PLAIN
            ),
            quantile(0.5, LEAD, window="7d", scope=SCOPE),
        ),
        stat(
            small("Lead time, p90 of 7 d", "Nine of ten deployments took less.", NO_DEPLOYMENT, "s", steps=PLAIN),
            quantile(0.9, LEAD, window="7d", scope=SCOPE),
        ),
        stat(
            small(
                "Change failure rate, 30 d",
                "Share of the deployments that failed or were rolled back.",
                "no deployment ended within thirty days",
                "percentunit",
                steps=((None, "green"), (0.15, "orange"), (0.3, "red")),
            ),
            _failed("30d"),
        ),
        stat(
            small(
                "Time to restore, median of 30 d",
                "From the first failure to healthy again.",
                NO_FAILURE,
                "s",
                steps=PLAIN,
            ),
            quantile(0.5, RESTORE, window="30d", scope=SCOPE),
        ),
        stat(
            small(
                "Healthy within 10 min, 7 d",
                "Share of the deployments that took at most ten minutes from the commit, what windows and freezes took "
                "of them left out. All projects.",
                NO_DEPLOYMENT,
                "percentunit",
                steps=((None, "red"), (0.9, "orange"), (0.95, "green")),
                runbooks=("LynceusFreshnessBudgetBurn",),
            ),
            _within(600, "7d"),
        ),
        lines(
            Look("Deployments a day", "Commits that became Synced and Healthy within a day, by environment.", NONE_YET),
            Query(_ended(GOOD, window="1d", by="environment"), "{{environment}}"),
            stack=True,
        ),
        lines(
            Look("Lead time", "From the commit to Synced and Healthy, over seven days.", NO_DEPLOYMENT, unit="s"),
            Query(quantile(0.5, LEAD, by="environment", window="7d", scope=SCOPE), "p50 {{environment}}"),
            Query(quantile(0.9, LEAD, by="environment", window="7d", scope=SCOPE), "p90 {{environment}}"),
        ),
        lines(
            Look(
                "Change failure rate",
                "Share of the deployments of thirty days that failed or were rolled back.",
                "no deployment ended within thirty days",
                unit="percentunit",
            ),
            Query(_failed("30d", by="environment"), "{{environment}}"),
        ),
        lines(
            Look("Time to restore", "From the first failure to healthy again, over thirty days.", NO_FAILURE, unit="s"),
            Query(quantile(0.5, RESTORE, by="environment", window="30d", scope=SCOPE), "p50 {{environment}}"),
            Query(quantile(0.9, RESTORE, by="environment", window="30d", scope=SCOPE), "p90 {{environment}}"),
        ),
        lines(
            Look("Ends of deployments", "How deployments ended, when.", NONE_YET),
            Query(
                total("result", increase("lynceus_deployments_total", scope=SCOPE)),
                "{{result}}",
            ),
            stack=True,
            bars=True,
            names=KNOWN_RESULTS,
        ),
        table(
            Look(
                "By project and environment",
                "Thirty days of each; lead time and time to restore are medians.",
                NONE_YET,
            ),
            Column("Deployments", _ended(GOOD, window="30d", by="project, environment")),
            Column(
                "Failure rate",
                _failed("30d", by="project, environment"),
                "percentunit",
                ((None, "green"), (0.15, "orange"), (0.3, "red")),
            ),
            Column("Lead time", quantile(0.5, LEAD, by="project, environment", window="30d", scope=SCOPE), "s"),
            Column(
                "Time to restore", quantile(0.5, RESTORE, by="project, environment", window="30d", scope=SCOPE), "s"
            ),
        ),
    ),
)

TIME = Row(
    "Where the time goes",
    (
        lines(
            Look(
                "Mean time by stage",
                "commit_to_seen: until Lynceus saw it; seen_to_synced; synced_to_healthy; blocked: what windows "
                "and freezes took of these. All projects.",
                NO_DEPLOYMENT,
                unit="s",
            ),
            Query(mean(STAGE, by="stage", window="7d", scope=IN_CLUSTER), "{{stage}}"),
        ),
        lines(
            Look(
                "Stages, p90",
                "Nine of ten deployments took less in this stage. All projects.",
                NO_DEPLOYMENT,
                unit="s",
            ),
            Query(quantile(0.9, STAGE, by="stage", window="7d", scope=IN_CLUSTER), "{{stage}}"),
        ),
        heat(
            Look("Lead times", "How many deployments took how long.", NONE_YET, unit="none"),
            total("le", increase(f"{LEAD}_bucket", scope=SCOPE)),
        ),
        lines(
            Look(
                "From push to refresh",
                "Time from a push received by webhook to the refresh that it asked for. All projects.",
                "no push came by webhook in this time",
                unit="s",
                nothing="no push by webhook",
            ),
            Query(quantile(0.5, "lynceus_webhook_to_refresh_seconds", scope=IN_CLUSTER), "p50"),
            Query(quantile(0.95, "lynceus_webhook_to_refresh_seconds", scope=IN_CLUSTER), "p95"),
        ),
    ),
)

WAITING = Row(
    "What waits",
    (
        lines(
            Look(
                "Commits that are not deployed", "By project.", "no history of a repository could be read yet", span=8
            ),
            Query(f"sum by (project) ({BEHIND})", "{{project}}"),
            stack=True,
        ),
        lines(
            Look(
                "Oldest commit that is not deployed",
                "Its age, by project.",
                "every commit is deployed, or no history could be read yet",
                unit="s",
                span=8,
                nothing="nothing waits",
                steps=((None, "green"), (14400.0, "red")),
                runbooks=("LynceusCommitsPilingUp",),
            ),
            Query(f"max by (project) ({age(OLDEST)})", "{{project}}"),
        ),
        table(
            Look(
                "Longest waiting",
                "Applications with the oldest commits that are not deployed, and what holds them back, if anything.",
                "every commit is deployed, or no history could be read yet",
                span=8,
                nothing="nothing waits",
                runbooks=("LynceusCommitsPilingUp",),
            ),
            Column("Oldest waits for", LONGEST, "s", ((None, "green"), (14400.0, "orange"), (86400.0, "red"))),
            Column("Commits", f"{BEHIND} and on ({APP}) {LONGEST}"),
            Column("", f"{per_app('lynceus_app_sync_blocked', labels='reason')} and on ({APP}) {LONGEST}"),
            hide="cluster",
        ),
    ),
)

DRIFT = Row(
    "Drift",
    (
        lines(
            Look(
                "Drift by origin, a day",
                "How often Applications left Synced: git, something new to deploy; live, somebody changed the cluster.",
                "no Application has left Synced since Lynceus started",
                span=8,
                nothing="no drift yet",
            ),
            Query(total("origin", increase("lynceus_drift_detected_total", window="1d")), "{{origin}}"),
            stack=True,
        ),
        lines(
            Look(
                "How long drift lasts",
                "From leaving Synced to being back, over a day.",
                "no drift ended within a day",
                unit="s",
                span=8,
                nothing="no drift ended",
            ),
            Query(quantile(0.5, "lynceus_drift_duration_seconds", by="project", window="1d"), "p50 {{project}}"),
            Query(quantile(0.9, "lynceus_drift_duration_seconds", by="project", window="1d"), "p90 {{project}}"),
        ),
        lines(
            Look(
                "Self-heals, a day",
                "Automated syncs back to the commit that was deployed already: no deployments.",
                "no project is known yet",
                span=8,
                runbooks=("LynceusSelfHealLoop",),
            ),
            Query(total("result", increase("lynceus_self_heal_total", window="1d")), "{{result}}"),
            stack=True,
            names="success failed",
        ),
    ),
)

DELIVERY = Board(
    name="delivery",
    title="Delivery",
    description="The four keys of DORA from GitOps state alone; where time from commit to healthy goes; what waits.",
    variables=(
        variables.DATASOURCE,
        variables.CLUSTER,
        variables.NAMESPACE_LABEL,
        variables.DELIVERY_PROJECT,
        variables.ENVIRONMENT,
    ),
    rows=(NOW, TIME, WAITING, DRIFT),
    marks=(*marks.deployments(), *marks.freezes()),
    since="now-7d",
    refresh="5m",
    tags=("dora",),
)
