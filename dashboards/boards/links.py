"""Links between the boards and to the pages of the alerts.

What stands in a URL is ours or one of Grafana's placeholders that encodes what it puts in: a project or an Application
that somebody named with an ampersand cannot change where a link leads.
"""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import dashboard

RUNBOOKS = "https://github.com/lynceus-gitops/lynceus/blob/main/docs/runbooks"
_BOARD = "/d/lynceus-application"
_KEPT = "${datasource:queryparam}&${cluster:queryparam}&${namespace_label:queryparam}&${__url_time_range}"


def runbook(alert: str) -> dashboard.DashboardLink:
    """Return the link from a panel to the page of an alert."""
    return (
        build.DashboardLink(f"Runbook {alert}")
        .type(dashboard.DashboardLinkType.LINK)
        .url(f"{RUNBOOKS}/{alert}.md")
        .target_blank(True)
        .build()
    )


def to_application() -> list[dict[str, object]]:
    """Return the link from a row of a table with the columns Application, Namespace and Project to its board."""
    fields = {"application": "Application", "app_namespace": "Namespace", "project": "Project"}
    chosen = "&".join(f"var-{name}=${{__data.fields.{field}:percentencode}}" for name, field in fields.items())
    return [{"title": "Open the application", "url": f"{_BOARD}?{chosen}&{_KEPT}", "targetBlank": False}]


def all_boards() -> dashboard.DashboardLink:
    """Return the list of all boards of Lynceus, which keeps the time and the variables."""
    return (
        build.DashboardLink("Lynceus")
        .type(dashboard.DashboardLinkType.DASHBOARDS)
        .tags(["lynceus"])
        .keep_time(True)
        .include_vars(True)
        .build()
    )
