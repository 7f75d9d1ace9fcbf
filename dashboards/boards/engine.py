"""The board Engine: whether Lynceus keeps up. Queues, turns, Git, clusters, caches, itself; and whose work it is."""

from __future__ import annotations

from dashboards.boards import marks, variables
from dashboards.boards.engine_places import (
    ARGO_OFF,
    CLUSTERS,
    CONNECTED,
    FAILED,
    GITS,
    REPO,
    RESULT,
    SELF,
)
from dashboards.boards.frame import Board, Row
from dashboards.boards.panels import GOOD_BAD, NEVER, Look, Query, heat, lines, small, stat
from dashboards.boards.promql import (
    APP,
    IN_CLUSTER,
    count,
    increase,
    metric,
    per_app,
    quantile,
    rate,
    share,
    top,
    total,
)
from dashboards.boards.tables import Column, table

QUEUES = 'name=~"app_.+_queue|project_.+_queue"'
"""The queues of Lynceus, which Argo CD calls the same; other controllers export workqueue_* too."""
QUEUES_OFF = "nobody exports workqueue_*: in observe mode they are Argo CD's, which is not scraped"
NO_TURN = "no turn ended in this time"

RENDERS = "lynceus_render_cache_requests_total"
TURN, STAGE = "lynceus_reconcile_duration_seconds", "lynceus_reconcile_stage_seconds"
DEPTH = f"max by (cluster, instance, name) ({metric('workqueue_depth', QUEUES, scope=IN_CLUSTER)})"
OLDEST = metric("lynceus_reconcile_queue_oldest_seconds", scope=IN_CLUSTER)
COST = f"sum by ({APP}) ({rate('lynceus_app_reconcile_cost_seconds_total', window='15m', scope=IN_CLUSTER)})"
OBJECTS = f"sum by ({APP}) ({per_app('lynceus_app_resources', labels='sync_status, health_status', scope=IN_CLUSTER)})"
REQUESTS = rate("argocd_app_k8s_request_total", window="15m", scope=IN_CLUSTER)
COSTLIEST = top(20, COST)

NOW = Row(
    "Now",
    (
        stat(
            small(
                "Processes that work",
                "Exactly one works at a time, others stand by; of several stored clusters one number each.",
                "Lynceus is not scraped",
                steps=((None, "red"), (1.0, "green"), (2.0, "red")),
                runbooks=("LynceusNoLeader",),
            ),
            f"sum by (cluster) (max by (cluster, instance) ({metric('lynceus_leader', scope=IN_CLUSTER)}))",
            legend="{{cluster}}",
        ),
        stat(
            small(
                "Due and waiting",
                "Keys in the work queues.",
                QUEUES_OFF,
                steps=((None, "green"), (100.0, "orange"), (1000.0, "red")),
                runbooks=("LynceusQueueStuck",),
            ),
            f"sum({DEPTH})",
        ),
        stat(
            small(
                "Oldest that is due",
                "How long the oldest Application that is due has waited or been worked on.",
                "Lynceus is not scraped",
                "s",
                steps=((None, "green"), (60.0, "orange"), (600.0, "red")),
                runbooks=("LynceusQueueStuck",),
            ),
            f"max({OLDEST})",
        ),
        stat(
            small(
                "Turn, p95",
                "Nineteen of twenty turns of the loop took less, over five minutes.",
                NO_TURN,
                "s",
                steps=((None, "green"), (10.0, "orange"), (60.0, "red")),
                runbooks=("LynceusReconcileSlow",),
            ),
            quantile(0.95, TURN, window="5m", scope=IN_CLUSTER),
        ),
        stat(
            small(
                "Git errors, 1 h",
                "Share of the requests to Git servers that failed.",
                "no request to a Git server within the hour",
                "percentunit",
                steps=((None, "green"), (0.01, "orange"), (0.1, "red")),
                runbooks=("ArgoCDGitFetchErrors", "LynceusGitFailing"),
            ),
            share(
                f"sum({rate('argocd_git_request_total', FAILED, window='1h', scope=REPO)})",
                f"sum({rate('argocd_git_request_total', RESULT, window='1h', scope=REPO)})",
            ),
        ),
        stat(
            small(
                "Clusters that do not answer",
                "Destinations whose API server cannot be reached; 0 too where nobody exports their families "
                "(observe mode beside an Argo CD that is not scraped).",
                NEVER,
                steps=GOOD_BAD,
                runbooks=("LynceusClusterUnreachable",),
            ),
            count(f"min by (cluster, server) ({CONNECTED}) == 0"),
        ),
    ),
)

LOOP = Row(
    "Loop",
    (
        lines(
            Look(
                "Queue depth",
                "Keys that are due and wait.",
                QUEUES_OFF,
                span=8,
                runbooks=("LynceusQueueStuck",),
            ),
            Query(total("name", DEPTH), "{{name}}"),
        ),
        lines(
            Look(
                "Age of the oldest that is due",
                "It falls when the loop keeps up and rises by a second a second when it does not.",
                "Lynceus is not scraped",
                unit="s",
                span=8,
                steps=((None, "green"), (600.0, "red")),
                runbooks=("LynceusQueueStuck",),
            ),
            Query(f"max by (queue) ({OLDEST})", "{{queue}}"),
        ),
        lines(
            Look(
                "Wait in the queue, p95",
                "From due to taken.",
                f"nothing was taken in this time, or {QUEUES_OFF}",
                unit="s",
                span=8,
            ),
            Query(quantile(0.95, "workqueue_queue_duration_seconds", QUEUES, by="name", scope=IN_CLUSTER), "{{name}}"),
        ),
        lines(
            Look(
                "Turn duration",
                "How long a turn of the loop takes, whatever it does.",
                NO_TURN,
                unit="s",
                steps=((None, "green"), (60.0, "red")),
                runbooks=("LynceusReconcileSlow", "LynceusReconcileBudgetBurn"),
            ),
            *[Query(quantile(q, TURN, scope=IN_CLUSTER), f"p{q * 100:g}") for q in (0.5, 0.95, 0.99)],
        ),
        heat(
            Look(
                "Time to refresh an application",
                "Each column counts refreshes by how long they took.",
                f"argocd_app_reconcile has no series: {ARGO_OFF}",
                unit="none",
            ),
            total("le", increase("argocd_app_reconcile_bucket", 'dest_server=~"$dest_server"', scope=IN_CLUSTER)),
        ),
        lines(
            Look(
                "Where the time goes",
                "Seconds a second that the turns spend in each stage: their sum is the number of busy workers.",
                NO_TURN,
                unit="percentunit",
            ),
            Query(total("stage", rate(f"{STAGE}_sum", scope=IN_CLUSTER)), "{{stage}}"),
            stack=True,
        ),
        lines(
            Look("Turns by trigger", "Turns a second, by what caused them and how they ended.", NO_TURN, unit="ops"),
            Query(
                total("trigger, result", rate("lynceus_reconcile_total", scope=IN_CLUSTER)), "{{trigger}}: {{result}}"
            ),
            stack=True,
        ),
        lines(
            Look(
                "Refresh by cluster, p95",
                "Refreshes of the Applications of each destination.",
                f"no refresh in this time, or {ARGO_OFF}",
                unit="s",
            ),
            Query(
                quantile(
                    0.95, "argocd_app_reconcile", 'dest_server=~"$dest_server"', by="dest_server", scope=IN_CLUSTER
                ),
                "{{dest_server}}",
            ),
        ),
        lines(
            Look("Put off after a failure", "Keys that are tried again later, a second.", QUEUES_OFF, unit="ops"),
            Query(total("name", rate("workqueue_retries_total", QUEUES, scope=IN_CLUSTER)), "{{name}}"),
        ),
    ),
)

APPS = Row(
    "Whose work it is",
    (
        table(
            Look(
                "Costliest applications",
                "Seconds of turns per second, waiting included: 0.1 keeps a tenth of one worker busy. With it the "
                "number of objects that are compared.",
                "Lynceus is not scraped",
                height=9,
                runbooks=("LynceusReconcileSlow",),
            ),
            Column("Workers kept busy", COSTLIEST, "percentunit"),
            Column("Objects", f"{OBJECTS} and on ({APP}) {COSTLIEST}"),
            hide="cluster",
        ),
        table(
            Look(
                "Largest applications",
                "Objects of each Application.",
                "no Application has objects",
                height=9,
            ),
            Column("Objects", top(20, OBJECTS)),
            hide="cluster",
        ),
        table(
            Look(
                "Requests to API servers by application",
                "Requests a second on behalf of each Application, over 15 minutes.",
                "argocd_app_k8s_request_total is off (--metrics-application-requests), or Argo CD is not scraped",
                height=9,
                nothing="not exported",
            ),
            Column("Requests", top(20, f"sum by ({APP}) ({REQUESTS})"), "reqps"),
            hide="cluster",
        ),
        lines(
            Look(
                "Requests to API servers by kind",
                "Requests a second, by verb and kind of object.",
                "no request in this time",
                unit="reqps",
                height=9,
            ),
            Query(
                top(
                    20,
                    total(
                        "verb, kind",
                        rate("lynceus_k8s_requests_total", 'dest_server=~"$dest_server"', scope=IN_CLUSTER),
                    ),
                ),
                "{{verb}} {{kind}}",
            ),
            stack=True,
        ),
    ),
)

RENDER = Row(
    "Making manifests",
    (
        lines(
            Look(
                "Answered from the cache",
                "Share of the renders that were there already, by tool.",
                "nothing was rendered within 15 minutes",
                unit="percentunit",
                span=8,
            ),
            Query(
                share(
                    total("tool", rate(RENDERS, 'result="hit"', window="15m", scope=IN_CLUSTER)),
                    total("tool", rate(RENDERS, window="15m", scope=IN_CLUSTER)),
                ),
                "{{tool}}",
            ),
        ),
        lines(
            Look(
                "Renders",
                "Renders a second: made (miss), found (hit), an older one taken (stale).",
                "nothing was rendered since Lynceus started",
                unit="ops",
                span=8,
            ),
            Query(total("tool, result", rate(RENDERS, scope=IN_CLUSTER)), "{{tool}} {{result}}"),
            stack=True,
        ),
        lines(
            Look(
                "Time of a render, p95",
                "Renders that were not in the cache.",
                "nothing had to be rendered within 15 minutes",
                unit="s",
                span=8,
            ),
            Query(
                quantile(0.95, "lynceus_render_duration_seconds", by="tool", window="15m", scope=IN_CLUSTER), "{{tool}}"
            ),
        ),
    ),
)

ENGINE = Board(
    name="engine",
    title="Engine",
    description="Whether the loop keeps up and what it waits for: queues, turns, renders, Git, clusters, itself.",
    variables=(
        variables.DATASOURCE,
        variables.CLUSTER,
        variables.NAMESPACE_LABEL,
        variables.SERVER,
        variables.REPO,
    ),
    rows=(NOW, LOOP, APPS, RENDER, GITS, CLUSTERS, SELF),
    marks=(*marks.starts(), *marks.reloads()),
)
