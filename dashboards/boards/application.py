"""The board Application: since when one Application is as it is, why it is held back, until when, how far behind."""

from __future__ import annotations

from dashboards.boards import marks, variables
from dashboards.boards.application_past import ALLOWED, ARGO_OFF, BEHIND, DRIFT, GONE, PROJECT, SICK, STATES, WORK
from dashboards.boards.frame import Board, Row
from dashboards.boards.panels import GOOD_BAD, NEVER, PLAIN, Step, small, stat
from dashboards.boards.promql import ONE, age, increase, per_app

AGES: tuple[Step, ...] = ((None, "green"), (1.0, "orange"), (3600.0, "red"))

MANUAL = per_app("lynceus_app_sync_allowed", 'trigger="manual"', scope=ONE)
OPENS = per_app("lynceus_app_window_next_open_timestamp_seconds", scope=ONE)
CLOSES = per_app("lynceus_app_window_next_close_timestamp_seconds", scope=ONE)
OLDEST = per_app("lynceus_app_oldest_undeployed_commit_timestamp_seconds", scope=ONE)
FINISHED = per_app("lynceus_app_last_sync_finished_timestamp_seconds", scope=ONE)


def _or_zero(expression: str) -> str:
    return f"max({expression}) or vector(0)"


NOW = Row(
    "Now",
    (
        stat(
            small(
                "Out of sync for",
                "Since when the cluster differs from Git; in sync when it does not.",
                NEVER,
                "s",
                steps=AGES,
                words=((0.0, "in sync", "green"),),
                runbooks=("LynceusAppDrifted",),
            ),
            _or_zero(age(DRIFT)),
        ),
        stat(
            small(
                "Not healthy for",
                "Since when the Application is in its present state of health; healthy when it is.",
                NEVER,
                "s",
                steps=AGES,
                words=((0.0, "healthy", "green"),),
                runbooks=("LynceusAppUnhealthy", "LynceusAppStuckProgressing"),
            ),
            _or_zero(age(SICK)),
        ),
        stat(
            small("Last sync", "How the last finished sync ended.", "it was never synced", "short", steps=PLAIN),
            per_app("lynceus_app_last_sync_info", labels="phase", scope=ONE),
            legend="{{phase}}",
            words="Succeeded Failed Error",
        ),
        stat(
            small("Last sync ended", "How long ago the last sync ended.", "it was never synced", "s", steps=PLAIN),
            age(FINISHED),
            legend="ago",
        ),
        stat(
            small(
                "Commits behind",
                "Commits on the target branch that touch its path and are not deployed.",
                "its history could not be read yet, or its source is no Git repository",
                "short",
                steps=((None, "green"), (1.0, "orange")),
                runbooks=("LynceusCommitsPilingUp",),
            ),
            BEHIND,
            legend="commits",
        ),
        stat(
            small(
                "Oldest commit waits for",
                "Age of the oldest commit that is not deployed; none when all are.",
                NEVER,
                "s",
                steps=((None, "green"), (1.0, "orange"), (14400.0, "red")),
                words=((0.0, "none waits", "green"),),
            ),
            _or_zero(age(OLDEST)),
        ),
        stat(
            small(
                "Automated sync",
                "Whether an automated sync would be let through now.",
                GONE,
                "short",
                steps=((None, "red"), (1.0, "green")),
                words=((0.0, "held back", "red"), (1.0, "let through", "green")),
            ),
            f"min({ALLOWED})",
        ),
        stat(
            small(
                "Manual sync",
                "Whether a person's sync would be let through now, so far as windows and freezes go.",
                GONE,
                "short",
                steps=((None, "red"), (1.0, "green")),
                words=((0.0, "held back", "red"), (1.0, "let through", "green")),
            ),
            f"min({MANUAL})",
        ),
        stat(
            small(
                "Held back by",
                "What refuses automated syncs: a window that denies (window_deny), the lack of an open one "
                "(outside_allow), a freeze, the policy (rbac) or the project.",
                "nothing holds it back",
                "short",
                steps=((None, "orange"),),
                nothing="nothing",
            ),
            per_app("lynceus_app_sync_blocked", labels="reason", scope=ONE),
            legend="{{reason}}",
            words="freeze",
        ),
        stat(
            small(
                "Opens in",
                "When automated syncs are next let through: open while they are, never when no opening is in sight.",
                GONE,
                "s",
                steps=((None, "red"), (0.0, "green"), (1.0, "orange")),
                words=((0.0, "open", "green"), (-1.0, "never", "red")),
                runbooks=("LynceusWindowNeverOpens",),
            ),
            f"max({OPENS} - time() or {ALLOWED} - 1)",
        ),
        stat(
            small(
                "Closes in",
                "When automated syncs are next kept out: closed while they are, never when no closing is in sight.",
                GONE,
                "s",
                steps=((None, "green"), (0.0, "orange"), (3600.0, "green")),
                words=((0.0, "closed", "orange"), (-1.0, "never", "green")),
            ),
            f"max({CLOSES} - time() or 0 - {ALLOWED})",
        ),
        stat(
            small(
                "Failed attempts, 24 h",
                "Sync attempts that failed; every try again counts.",
                f"argocd_app_sync_total has no series: {ARGO_OFF}",
                "short",
                steps=GOOD_BAD,
                runbooks=("ArgoCDSyncFailing",),
            ),
            "sum("
            + increase("argocd_app_sync_total", 'phase!="Succeeded"', 'dry_run="false"', window="24h", scope=ONE)
            + ")",
        ),
    ),
)

APPLICATION = Board(
    name="application",
    title="Application",
    description="One application: since when it is as it is, why it is held back, until when, how far behind it is.",
    variables=(
        variables.DATASOURCE,
        variables.CLUSTER,
        variables.NAMESPACE_LABEL,
        variables.PROJECT,
        variables.APPLICATION,
        variables.APP_NAMESPACE,
    ),
    rows=(NOW, STATES, WORK, PROJECT),
    marks=(*marks.syncs(ONE, one=True), *marks.freezes()),
    tags=("application",),
)
