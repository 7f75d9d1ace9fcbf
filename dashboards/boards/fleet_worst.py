"""The tables of the board Fleet: the Applications that are worst, by several measures."""

from __future__ import annotations

from dashboards.boards.frame import Row
from dashboards.boards.panels import (
    Look,
)
from dashboards.boards.promql import (
    APP,
    age,
    increase,
    per_app,
    placed,
    rate,
    top,
)
from dashboards.boards.tables import Column, table

HIDE = "cluster"
HOUR_STEPS = ((None, "green"), (1800.0, "orange"), (86400.0, "red"))
DEST = 'dest_server=~"$dest_server"'

DRIFT = per_app("lynceus_app_drift_since_timestamp_seconds")
BLOCKED = per_app("lynceus_app_sync_blocked", labels="reason")
FAILED = per_app("lynceus_app_last_sync_info", 'phase=~"Failed|Error"', labels="phase")
OPENS = per_app("lynceus_app_window_next_open_timestamp_seconds")
LATE = top(20, placed(f"({age(DRIFT)})"))
BEHIND = top(20, placed(per_app("lynceus_app_commits_behind")))


ENDED = age(per_app("lynceus_app_last_sync_finished_timestamp_seconds"))
NEWEST = f"bottomk(50, {ENDED} and on ({APP}) ({placed(FAILED)}))"

WORST = Row(
    "Worst",
    (
        table(
            Look(
                "Longest out of sync",
                "Since when an Application differs from Git, whether it is held back, until when, and how many commits "
                "behind it is.",
                "every Application is Synced",
                nothing="every application is in sync",
                height=9,
            ),
            Column("Out of sync for", LATE, "s", HOUR_STEPS),
            Column("Opens in", f"{OPENS} - time() and on ({APP}) {LATE}", "s"),
            Column("Commits behind", f"{per_app('lynceus_app_commits_behind')} and on ({APP}) {LATE}"),
            Column("", f"{BLOCKED} and on ({APP}) {LATE}"),
            hide=HIDE,
        ),
        table(
            Look(
                "Longest not healthy",
                "Since when an Application is not Healthy, with its health now; a rollout counts here too.",
                "every Application is Healthy",
                nothing="every application is healthy",
                height=9,
                runbooks=("LynceusAppUnhealthy", "LynceusAppStuckProgressing"),
            ),
            Column(
                "Not healthy for",
                top(
                    20,
                    placed(
                        f"({age(per_app('lynceus_app_unhealthy_since_timestamp_seconds', labels='health_status'))})"
                    ),
                ),
                "s",
                ((None, "green"), (900.0, "orange"), (3600.0, "red")),
            ),
            hide=HIDE,
        ),
        table(
            Look(
                "Last sync failed: which",
                "Applications whose last finished sync failed, and how long ago that was; the fifty latest.",
                "no last sync failed",
                nothing="no last sync failed",
                height=9,
                runbooks=("LynceusLastSyncFailed",),
            ),
            Column("Ended", NEWEST, "s"),
            Column("", f"{FAILED} and on ({APP}) {NEWEST}"),
            hide=HIDE,
            rising=True,
        ),
        table(
            Look(
                "Furthest behind",
                "Commits on the target branch that touch the Application's path and are not deployed, and the age of "
                "the oldest.",
                "no history of a repository could be read yet",
                nothing="not known yet",
                height=9,
                runbooks=("LynceusCommitsPilingUp",),
            ),
            Column("Commits behind", BEHIND),
            Column(
                "Oldest waits for",
                f"{age(per_app('lynceus_app_oldest_undeployed_commit_timestamp_seconds'))} and on ({APP}) {BEHIND}",
                "s",
                ((None, "green"), (14400.0, "orange"), (86400.0, "red")),
            ),
            hide=HIDE,
        ),
        table(
            Look(
                "Costliest applications",
                "Seconds of turns per second, waiting included: 0.1 keeps a tenth of one worker busy.",
                "no turn has ended within 15 minutes",
                height=9,
                runbooks=("LynceusReconcileSlow",),
            ),
            Column(
                "Workers kept busy",
                top(
                    20,
                    placed(f"(sum by ({APP}) ({rate('lynceus_app_reconcile_cost_seconds_total', window='15m')}))"),
                ),
                "percentunit",
            ),
            hide=HIDE,
        ),
        table(
            Look(
                "Most failed syncs, 24 h",
                "Failed attempts; every try again counts.",
                "no Application is known, or argocd_app_sync_total comes from an Argo CD that is not scraped",
                height=9,
                runbooks=("ArgoCDSyncFailing",),
            ),
            Column(
                "Failed attempts",
                top(
                    20,
                    f"sum by ({APP}, dest_server) ("
                    + increase("argocd_app_sync_total", DEST, 'phase!="Succeeded"', 'dry_run="false"', window="24h")
                    + ")",
                ),
                steps=((None, "green"), (1.0, "orange"), (4.0, "red")),
            ),
            hide=HIDE,
        ),
    ),
)
