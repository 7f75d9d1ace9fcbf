"""The same rules for the Prometheus operator, and their export."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from lynceus.commands.alerts import alerts
from lynceus.commands.dashboards import dashboards
from model.errors import InvalidSettings
from tests.alerts.support import ALERTS, ROOT, RULE_FILES, load
from tests.stage.cluster import Cluster

PROMETHEUS_RULES = sorted(ALERTS.glob("*.prometheusrule.yaml"))


@pytest.mark.row(192)
@pytest.mark.parametrize("path", RULE_FILES, ids=lambda path: path.name)
def test_the_operators_form_holds_the_same_groups(path: Path) -> None:
    """A PrometheusRule in namespace monitoring whose spec is the plain file."""
    resource = load(path.with_name(path.name.replace(".rules.", ".prometheusrule.")))
    assert ("monitoring.coreos.com/v1", "PrometheusRule") == (resource["apiVersion"], resource["kind"])
    assert "monitoring" == resource["metadata"]["namespace"]
    assert load(path) == resource["spec"]


@pytest.mark.row(192)
def test_the_operators_schema_accepts_the_rules(cluster: Cluster) -> None:
    """Applied to an API server that has the CRD, with strict field validation."""
    crd = Path(__file__).with_name("prometheusrule-crd.yaml")
    cluster.kubectl("apply", "-f", str(crd))
    cluster.kubectl("wait", "--for=condition=Established", "--timeout=30s", "crd/prometheusrules.monitoring.coreos.com")
    try:
        with cluster.namespace("exporter-rules") as namespace:
            for path in PROMETHEUS_RULES:
                text = path.read_text().replace("namespace: monitoring", f"namespace: {namespace}")
                cluster.kubectl("create", "--validate=strict", "-f", "-", input=text)
            names = cluster.kubectl("get", "prometheusrules", "-n", namespace, "-o", "name").stdout
            refused = cluster.kubectl(
                "create",
                "-f",
                "-",
                check=False,
                input=text.replace("for: 10m", "for: ten minutes").replace("-rules\n", "-bad\n"),
            )
    finally:
        cluster.kubectl("delete", "crd", "prometheusrules.monitoring.coreos.com", "--ignore-not-found")
    assert len(PROMETHEUS_RULES) == len(names.split())
    assert refused.returncode != 0


def test_export_writes_every_file_as_it_is(tmp_path: Path) -> None:
    """`lynceus alerts export DIR` makes the folder and prints what it wrote."""
    target = tmp_path / "new" / "rules"
    result = CliRunner().invoke(alerts, ["export", str(target)])
    assert 0 == result.exit_code
    expected = sorted([*RULE_FILES, *PROMETHEUS_RULES])
    assert [str(target / path.name) for path in expected] == result.output.split()
    assert [path.read_text() for path in expected] == [(target / path.name).read_text() for path in expected]


def test_dashboards_are_exported_too(tmp_path: Path) -> None:
    """`lynceus dashboards export DIR` and `list` name the same files."""
    listed = CliRunner().invoke(dashboards, ["list"]).output.split()
    assert sorted(path.name for path in (ROOT / "dashboards").glob("*.json")) == listed
    CliRunner().invoke(dashboards, ["export", str(tmp_path)])
    for name in listed:
        assert (ROOT / "dashboards" / name).read_text() == (tmp_path / name).read_text()


def test_a_folder_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    """The error names the folder and what is wrong with it."""
    (tmp_path / "file").write_text("")
    result = CliRunner().invoke(alerts, ["export", str(tmp_path / "file" / "x")])
    assert isinstance(result.exception, InvalidSettings)
    assert str(tmp_path / "file") in str(result.exception)


@pytest.mark.row(193)
def test_the_usual_service_monitor_finds_our_service() -> None:
    """Label part-of argocd, namespace argocd, a port called metrics that is the container's 8082."""
    service = load(ROOT / "deploy" / "monitoring" / "service.yaml")
    usual = {"matchLabels": {"app.kubernetes.io/part-of": "argocd"}, "namespace": "argocd", "port": "metrics"}
    assert usual["matchLabels"].items() <= service["metadata"]["labels"].items()  # type: ignore[attr-defined]
    assert usual["namespace"] == service["metadata"]["namespace"]
    assert [(usual["port"], 8082)] == [(port["name"], port["targetPort"]) for port in service["spec"]["ports"]]


@pytest.mark.row(193)
def test_our_own_service_monitor_keeps_the_labels_of_the_series() -> None:
    """It selects our Service, scrapes each half minute, and honours the label namespace."""
    monitor = load(ROOT / "deploy" / "monitoring" / "servicemonitor.yaml")
    service = load(ROOT / "deploy" / "monitoring" / "service.yaml")
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert {"matchNames": ["argocd"]} == monitor["spec"]["namespaceSelector"]
    assert [{"port": "metrics", "interval": "30s", "honorLabels": True}] == monitor["spec"]["endpoints"]
