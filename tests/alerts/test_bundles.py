"""The same rules for the Prometheus operator, and their export."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from alerts.rules.thresholds import DEFAULTS, Thresholds
from lynceus.commands.alerts import alerts
from lynceus.commands.dashboards import dashboards
from model.errors import InvalidSettings
from tests.alerts.support import ALERTS, ROOT, RULE_FILES, load, promtool, rules
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
            texts = [
                path.read_text().replace("namespace: monitoring", f"namespace: {namespace}")
                for path in PROMETHEUS_RULES
            ]
            for text in texts:
                cluster.kubectl("create", "--validate=strict", "-f", "-", input=text)
            names = cluster.kubectl("get", "prometheusrules", "-n", namespace, "-o", "name").stdout
            refused = cluster.kubectl(
                "create",
                "-f",
                "-",
                check=False,
                input=texts[-1].replace("for: 10m", "for: ten minutes").replace("-rules\n", "-bad\n"),
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


def test_export_writes_what_finds_the_metrics_too(tmp_path: Path) -> None:
    """--monitors adds Service, ServiceMonitor, PodMonitor and the example for Alertmanager, as they are."""
    result = CliRunner().invoke(alerts, ["export", str(tmp_path), "--monitors"])
    assert 0 == result.exit_code
    for path in (ROOT / "deploy" / "monitoring").glob("*.yaml"):
        assert path.read_text() == (tmp_path / path.name).read_text()
    assert {"service.yaml", "servicemonitor.yaml", "podmonitor.yaml", "alertmanager.yaml"} <= {
        path.name for path in tmp_path.iterdir()
    }


def test_export_takes_other_thresholds(tmp_path: Path) -> None:
    """The number changes in the expression and in the sentence, in both forms, and promtool still takes the file."""
    result = CliRunner().invoke(alerts, ["export", str(tmp_path), "--set", "drift=45m", "--set", "denials=9"])
    assert 0 == result.exit_code
    for name in ("lynceus.rules.yaml", "lynceus.prometheusrule.yaml"):
        text = (tmp_path / name).read_text()
        assert "lynceus_app_drift_since_timestamp_seconds) > 2700\n" in text
        assert "has not been Synced for more than 45 minutes" in text
    promtool("check", "rules", tmp_path / "lynceus.rules.yaml")


@pytest.mark.parametrize("wrong", ["drfit=1h", "drift=long", "git_slow=20"])
def test_a_threshold_that_cannot_be_writes_nothing(tmp_path: Path, wrong: str) -> None:
    """Exit code 2 and no file: a name that is none, no duration, a bound that nothing exceeds."""
    result = CliRunner().invoke(alerts, ["export", str(tmp_path), "--set", wrong])
    assert 2 == result.exit_code
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "url", ["https://g: 3000", "https://g #x", "https://{{ .x }}", "g", "ftp://g", "https://g?a=b"]
)
def test_export_takes_no_address_that_would_spoil_the_files(tmp_path: Path, url: str) -> None:
    """It stands in YAML and in a template; what is neither path nor host is refused, and nothing is written."""
    done = CliRunner().invoke(alerts, ["export", str(tmp_path / "rules"), "--grafana", url])
    assert (2, False) == (done.exit_code, (tmp_path / "rules").exists())
    assert f"{url!r} is no address such as" in done.output


def test_export_knows_where_grafana_is(tmp_path: Path) -> None:
    """dashboard_url is a whole address then, in every alert."""
    CliRunner().invoke(alerts, ["export", str(tmp_path), "--grafana", "https://grafana.example/"])
    for path in tmp_path.glob("*.rules.yaml"):
        for rule in rules(path):
            url = rule.get("annotations", {}).get("dashboard_url", "https://grafana.example/d/")
            assert url.startswith("https://grafana.example/d/")


def test_thresholds_are_listed() -> None:
    """Each as --set takes it, with what it bounds."""
    lines = CliRunner().invoke(alerts, ["thresholds"]).output.splitlines()
    assert [threshold.name for threshold in DEFAULTS] == [line.partition("=")[0] for line in lines]
    Thresholds().changed([line.split()[0] for line in lines])


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
