"""The board Windows: which windows and freezes are in force, whom they hold back, until when."""

from __future__ import annotations

from dashboards.boards import marks, variables
from dashboards.boards.frame import Board, Row
from dashboards.boards.panels import GOOD_BAD, GOOD_ODD, NEVER, PLAIN, Look, Query, lines, small, stat, timeline
from dashboards.boards.promql import APP, IN_CLUSTER, age, count, increase, metric, per_app, top, total
from dashboards.boards.shared import BREAK_GLASS
from dashboards.boards.tables import Column, table

WINDOW = "cluster, $namespace_label, project, window"
NO_WINDOWS = "no project has sync windows"
NO_FREEZE = "there was no freeze since Lynceus started"

ALLOWED = per_app("lynceus_app_sync_allowed", 'trigger="auto"')
HELD = f"({ALLOWED} == 0)"
DRIFT = per_app("lynceus_app_drift_since_timestamp_seconds")
BLOCKED = per_app("lynceus_app_sync_blocked", labels="reason")
OPENS = per_app("lynceus_app_window_next_open_timestamp_seconds")
CLOSES = per_app("lynceus_app_window_next_close_timestamp_seconds")
OLDEST = per_app("lynceus_app_oldest_undeployed_commit_timestamp_seconds")
BEHIND = per_app("lynceus_app_commits_behind")
FREEZE = metric("lynceus_freeze_active", scope=IN_CLUSTER)
FROZEN = metric("lynceus_freeze_since_timestamp_seconds", scope=IN_CLUSTER)
WAITING = f"{HELD} and on ({APP}) {DRIFT}"
STUCK = f"{HELD} unless on ({APP}) {OPENS}"
LONGEST = top(50, f"{age(DRIFT)} and on ({APP}) {HELD}")
SOONEST = f"bottomk(50, {OPENS} - time())"


def _active(kind: str) -> str:
    active = metric("lynceus_sync_window_active", f'kind="{kind}"')
    return count(f"max by ({WINDOW}) ({active}) == 1")


NOW = Row(
    "Now",
    (
        stat(
            small("Deny windows in force", "Windows that keep syncs out now.", NEVER, steps=GOOD_ODD), _active("deny")
        ),
        stat(small("Allow windows open", "Windows that let syncs through now.", NEVER, steps=PLAIN), _active("allow")),
        stat(
            small(
                "Freezes in force",
                "Freezes that are in force now, whatever projects they name.",
                NEVER,
                steps=GOOD_ODD,
                runbooks=("LynceusFreezeForgotten",),
            ),
            count(f"max by (cluster, scope, project) ({FREEZE}) > 0"),
        ),
        stat(
            small("Held back", "Applications whose automated syncs are refused now.", NEVER, steps=GOOD_ODD),
            count(HELD),
        ),
        stat(
            small(
                "Held back and out of sync",
                "Applications with something to deploy that may not be deployed now.",
                NEVER,
                steps=GOOD_ODD,
                runbooks=("LynceusAppDriftedWhileBlocked",),
            ),
            count(WAITING),
        ),
        stat(
            small(
                "No opening in sight",
                "Applications that are held back and for which no window is known to open.",
                NEVER,
                steps=GOOD_BAD,
                runbooks=("LynceusWindowNeverOpens",),
            ),
            count(STUCK),
        ),
        stat(
            small(
                "Windows that cannot be evaluated",
                "Windows whose schedule, duration or time zone cannot be read; they block what they may concern.",
                NEVER,
                steps=GOOD_BAD,
                runbooks=("LynceusWindowInvalid",),
            ),
            count(f"max by ({WINDOW}) ({metric('lynceus_sync_window_invalid')}) == 1"),
        ),
        stat(
            small(
                "Next opening",
                "Until the first Application that is held back is let through.",
                NEVER,
                "s",
                steps=PLAIN,
                words=((0.0, "none in sight", "text"),),
            ),
            f"min({OPENS} - time()) or vector(0)",
        ),
        stat(
            small(
                "Next closing",
                "Until the first Application that is let through is held back.",
                NEVER,
                "s",
                steps=PLAIN,
                words=((0.0, "none in sight", "text"),),
            ),
            f"min({CLOSES} - time()) or vector(0)",
        ),
        stat(
            small(
                "Longest wait behind a window",
                "Age of the oldest commit that is not deployed and whose Application is held back.",
                NEVER,
                "s",
                steps=((None, "green"), (1.0, "orange"), (86400.0, "red")),
                words=((0.0, "nothing waits", "green"),),
            ),
            f"max({age(OLDEST)} and on ({APP}) {HELD}) or vector(0)",
        ),
        stat(
            small(
                "Syncs kept from running, 24 h",
                "Once for each Application and reason until it is let through.",
                NEVER,
                steps=PLAIN,
            ),
            f"sum({increase('lynceus_sync_blocked_total', window='24h')}) or vector(0)",
        ),
        stat(
            small(
                "Break-glass, 24 h",
                "Syncs that a person took through a closed window or a freeze; the audit log has who and why.",
                NEVER,
                steps=GOOD_ODD,
                runbooks=("LynceusFreezeOverridden",),
            ),
            f"sum({increase('lynceus_freeze_overrides_total', window='24h')}) or vector(0)",
        ),
    ),
)

CALENDAR = Row(
    "Calendar",
    (
        timeline(
            Look(
                "Windows",
                "When each window was in force; deny keeps syncs out, allow lets them through.",
                NO_WINDOWS,
                span=24,
                height=9,
                words=((0.0, "inactive", "text"), (1.0, "active", "orange")),
                nothing="no sync windows",
                runbooks=("LynceusWindowForgotten",),
            ),
            Query(
                f"max by (project, window, kind) ({metric('lynceus_sync_window_active')})",
                "{{project}}: {{kind}} {{window}}",
            ),
        ),
        timeline(
            Look(
                "Freezes",
                "When freezes were in force, by the projects that they name; scope all: whole projects.",
                NO_FREEZE,
                words=((0.0, "over", "text"), (1.0, "in force", "purple")),
                nothing="no freeze",
                runbooks=("LynceusFreezeForgotten",),
            ),
            Query(f"max by (scope, project) ({FREEZE})", "{{project}} ({{scope}})"),
        ),
        lines(
            Look(
                "Opens in, by project",
                "Until the first held back Application of a project is let through.",
                "nothing is held back, or no opening is in sight",
                unit="s",
                nothing="nothing waits for an opening",
            ),
            Query(f"min by (project) ({OPENS} - time())", "{{project}}"),
        ),
        table(
            Look(
                "All windows",
                "What each window says, whether it is in force, and when that changes.",
                NO_WINDOWS,
                span=16,
                height=9,
                nothing="no sync windows",
                runbooks=("LynceusWindowInvalid", "LynceusWindowForgotten"),
            ),
            Column(
                "In force",
                f"max by ({WINDOW}) ({metric('lynceus_sync_window_active')})",
                words=((0.0, "no", "text"), (1.0, "yes", "orange")),
            ),
            Column(
                "Changes in",
                f"max by ({WINDOW}) ({metric('lynceus_sync_window_next_change_timestamp_seconds')}) - time()",
                "s",
            ),
            Column(
                "Can be evaluated",
                f"max by ({WINDOW}) ({metric('lynceus_sync_window_invalid')})",
                words=((0.0, "yes", "green"), (1.0, "no", "red")),
            ),
            Column(
                "",
                f"max by ({WINDOW}, kind, schedule, duration, time_zone, manual_sync) "
                f"({metric('lynceus_sync_window_info')})",
            ),
            hide="cluster",
        ),
        table(
            Look(
                "Freezes, since when",
                "How long each freeze has been in force.",
                "no freeze is in force",
                span=8,
                height=9,
                nothing="no freeze",
                runbooks=("LynceusFreezeForgotten",),
            ),
            Column(
                "In force for",
                age(f"min by (cluster, scope, project) ({FROZEN})"),
                "s",
            ),
            hide="cluster",
        ),
    ),
)

APPLICATIONS = Row(
    "Applications",
    (
        lines(
            Look(
                "Held back, by reason",
                "By a window that denies, no open one (outside_allow), a freeze, the policy or the project.",
                "nothing is held back",
                nothing="nothing is held back",
            ),
            Query(f"count by (reason) ({BLOCKED} == 1)", "{{reason}}"),
            stack=True,
        ),
        lines(
            Look(
                "Waiting for a window, by project",
                "Applications that are out of sync and held back.",
                "no Application is out of sync",
                nothing="nothing is out of sync",
            ),
            Query(
                f"sum by (project) ({ALLOWED} == bool 0 and on ({APP}) {DRIFT})",
                "{{project}}",
            ),
            stack=True,
        ),
        table(
            Look(
                "Held back with something to deploy",
                "For how long, by what, until when, and what waits.",
                "no Application is both out of sync and held back",
                span=24,
                height=9,
                nothing="nothing waits",
                runbooks=("LynceusAppDriftedWhileBlocked",),
            ),
            Column("Out of sync for", LONGEST, "s", ((None, "green"), (86400.0, "orange"))),
            Column("Opens in", f"{OPENS} - time() and on ({APP}) {LONGEST}", "s"),
            Column("Commits behind", f"{BEHIND} and on ({APP}) {LONGEST}"),
            Column("Oldest commit waits for", f"{age(OLDEST)} and on ({APP}) {LONGEST}", "s"),
            Column("", f"{BLOCKED} and on ({APP}) {LONGEST}"),
            hide="cluster",
        ),
        table(
            Look(
                "Next to be let through",
                "Applications that are held back and the time until they no longer are; out of sync or not.",
                "nothing is held back, or no opening is in sight",
                height=9,
                nothing="nothing waits for an opening",
            ),
            Column("Opens in", SOONEST, "s"),
            Column("", f"{BLOCKED} and on ({APP}) {SOONEST}"),
            hide="cluster",
            rising=True,
        ),
        table(
            Look(
                "Held back without an opening in sight",
                "No window is known to open for these; a rule, a project or a deny window without end keeps them.",
                "every Application that is held back has an opening in sight",
                height=9,
                nothing="none",
                runbooks=("LynceusWindowNeverOpens",),
            ),
            Column("", top(50, f"{BLOCKED} and on ({APP}) ({STUCK})")),
            hide="cluster",
        ),
    ),
)

EFFECTS = Row(
    "Effects",
    (
        lines(
            Look(
                "Syncs kept from running",
                "Once for each Application and reason until it is let through.",
                "no sync was kept from running since Lynceus started",
                nothing="none was kept",
            ),
            Query(total("project, reason", increase("lynceus_sync_blocked_total")), "{{project}}: {{reason}}"),
            stack=True,
            bars=True,
        ),
        BREAK_GLASS,
    ),
)

WINDOWS = Board(
    name="windows",
    title="Windows",
    description="Sync windows and freezes: what is in force, whom it holds back, why, and until when.",
    variables=(variables.DATASOURCE, variables.CLUSTER, variables.NAMESPACE_LABEL, variables.PROJECT),
    rows=(NOW, CALENDAR, APPLICATIONS, EFFECTS),
    marks=(*marks.freezes(), *marks.closed_windows()),
    since="now-24h",
    refresh="1m",
)
