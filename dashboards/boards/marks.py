"""Marks on the time axis: syncs and deployments that ended, freezes, windows that keep syncs out.

Grafana draws a mark where the value is above 0, and one long mark where it stays there. With `at_value` the value
itself is the moment, in milliseconds, so that a mark stands where the sync ended and not where it was scraped.
"""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import prometheus
from grafana_foundation_sdk.models import dashboard

from dashboards.boards.promql import APP, IN_CLUSTER, IN_PROJECT, increase, metric, per_app, placed, top, total
from dashboards.boards.variables import SOURCE

Annotation = dashboard.AnnotationQuery
MOST = 50
"""Marks at one moment: the newest ones; a large fleet would paint the axis."""


def _mark(name: str, expression: str, colour: str, title: str, tags: str, *, at_value: bool = False) -> Annotation:
    target = prometheus.Dataquery().ref_id("Anno").expr(expression).legend_format(name).range()
    made = (
        build.AnnotationQuery()
        .name(name)
        .datasource(SOURCE)
        .enable(True)
        .icon_color(colour)
        .expr(expression)
        .target(target)
        .title_format(title)
        .text_format(title)
        .tag_keys(tags)
        .use_value_for_time(at_value)
    )
    return made.build()


def syncs(scope: str = IN_PROJECT, *, one: bool = False) -> list[Annotation]:
    """Mark the ends of syncs, good and bad apart; `one`: of the chosen Application alone."""
    return [
        _finished("Syncs", '"Succeeded"', "green", "{{name}} was synced", scope, one=one),
        _finished("Failed syncs", '~"Failed|Error"', "red", "A sync of {{name}} failed", scope, one=one),
    ]


def _finished(name: str, phase: str, colour: str, title: str, scope: str, *, one: bool) -> Annotation:
    moment = per_app("lynceus_app_last_sync_finished_timestamp_seconds", scope=scope)
    ended = f"{moment} and on ({APP}) {metric('lynceus_app_last_sync_info', f'phase={phase}', scope=scope)}"
    newest = f"({ended})" if one else top(MOST, placed(ended))
    return _mark(name, f"{newest} * 1000", colour, title, "project,name", at_value=True)


def deployments() -> list[Annotation]:
    """Mark deployments that ended, by how."""
    by = "project, environment, result"

    def ended(result: str) -> str:
        scope = f'{IN_PROJECT}, environment=~"$environment", result{result}'
        return f"{total(by, increase('lynceus_deployments_total', scope=scope))} > 0"

    title = "{{project}} in {{environment}}: {{result}}"
    return [
        _mark("Deployments", ended('="success"'), "green", title, "project,environment"),
        _mark("Failed deployments", ended('!="success"'), "red", title, "project,environment,result"),
    ]


def freezes(scope: str = IN_CLUSTER) -> list[Annotation]:
    """Mark the time in which a freeze is in force; one of the whole fleet has an empty project."""
    expression = f"max by (scope, project) ({metric('lynceus_freeze_active', scope=scope)}) > 0"
    return [_mark("Freezes", expression, "purple", "Freeze {{scope}} {{project}}", "scope,project")]


def closed_windows() -> list[Annotation]:
    """Mark the time in which a window denies syncs."""
    active = metric("lynceus_sync_window_active", 'kind="deny"')
    expression = f"max by (project, window) ({active}) > 0"
    return [_mark("Deny windows", expression, "orange", "{{project}}: {{window}} keeps syncs out", "project,window")]


def reloads() -> list[Annotation]:
    """Mark the moments at which a policy was taken, and the time in which changed ones were refused."""
    taken = f"max by (cluster) ({metric('lynceus_policy_last_reload_timestamp_seconds', scope=IN_CLUSTER)} > 0)"
    refused = f"{total('cluster', increase('lynceus_policy_reload_failures_total', scope=IN_CLUSTER))} > 0"
    return [
        _mark("Policy taken", f"{taken} * 1000", "blue", "A policy was taken", "cluster", at_value=True),
        _mark("Policy refused", refused, "red", "A changed policy could not be read", "cluster"),
    ]


def starts() -> list[Annotation]:
    """Mark the moments at which Lynceus started."""
    ours = f"and on (cluster, job, instance) {metric('lynceus_build_info', scope=IN_CLUSTER)}"
    began = f"max by (cluster, instance) ({metric('process_start_time_seconds', scope=IN_CLUSTER)} {ours})"
    return [_mark("Starts", f"{began} * 1000", "blue", "Lynceus started: {{instance}}", "instance", at_value=True)]
