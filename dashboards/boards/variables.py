"""The variables of the boards, each with a text that says what it is for."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import dashboard
from grafana_foundation_sdk.models.common import DataSourceRef

Variable = dashboard.VariableModel

SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
_ALL = dashboard.VariableOption(text="All", value="$__all")


def _values(name: str, label: str, text: str, metric: str, wanted: str, *, only: bool = False) -> Variable:
    """Return a variable whose values are those of a label; `only` for exactly one of them at a time."""
    query = f"label_values({metric}, {wanted})"
    made = (
        build.QueryVariable(name)
        .label(label)
        .description(text)
        .datasource(SOURCE)
        .query({"query": query, "refId": name})
        .definition(query)
        .refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(dashboard.VariableSort.ALPHABETICAL_ASC)
        .multi(not only)
        .include_all(not only)
    )
    if not only:
        made.all_value(".*").current(_ALL)
    return made.build()


DATASOURCE = build.DatasourceVariable("datasource").label("Data source").type("prometheus").build()
CLUSTER = _values(
    "cluster",
    "Stored cluster",
    "The external label cluster, where one Prometheus, Thanos or Mimir stores several; All where there is none.",
    "lynceus_build_info",
    "cluster",
)
NAMESPACE_LABEL = (
    build.CustomVariable("namespace_label")
    .label("Namespace label")
    .description("Label that has an Application's namespace: exported_namespace where a scrape lacks honorLabels.")
    .values("namespace,exported_namespace")
    .current(dashboard.VariableOption(text="namespace", value="namespace"))
    .options(
        [
            dashboard.VariableOption(text="namespace", value="namespace", selected=True),
            dashboard.VariableOption(text="exported_namespace", value="exported_namespace", selected=False),
        ]
    )
    .build()
)
PROJECT = _values(
    "project",
    "Project",
    "AppProjects of the Applications.",
    'lynceus_app_info{cluster=~"$cluster"}',
    "project",
)
DELIVERY_PROJECT = _values(
    "project",
    "Project",
    "AppProjects of the deployments.",
    'lynceus_deployments_total{cluster=~"$cluster"}',
    "project",
)
ENVIRONMENT = _values(
    "environment",
    "Environment",
    "The Applications' label environment (option --environment-label), none where it is missing.",
    'lynceus_deployments_total{cluster=~"$cluster", project=~"$project"}',
    "environment",
)
DEST_SERVER = _values(
    "dest_server",
    "Destination",
    "API servers of the destinations of the Applications.",
    'lynceus_app_info{cluster=~"$cluster"}',
    "dest_server",
)
SERVER = _values(
    "dest_server",
    "Destination",
    "API servers of the destinations.",
    'argocd_cluster_info{cluster=~"$cluster"}',
    "server",
)
REPO = _values(
    "repo",
    "Repository",
    "Git repositories that Applications name.",
    'argocd_git_request_total{cluster=~"$cluster"}',
    "repo",
)
APPLICATION = _values(
    "application",
    "Application",
    "The Application that the board is about.",
    'lynceus_app_info{cluster=~"$cluster", project=~"$project"}',
    "name",
    only=True,
)
APP_NAMESPACE = _values(
    "app_namespace",
    "In namespace",
    "The namespace of the Application object, where several have its name.",
    'lynceus_app_info{cluster=~"$cluster", project=~"$project", name="$application"}',
    "$namespace_label",
    only=True,
)
