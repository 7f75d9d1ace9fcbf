"""Who finds our metrics: the usual ServiceMonitor of Argo CD guides, and the monitors that we ship."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from lynceus.options import METRICS_PORT
from tests.alerts.support import ROOT, load
from tests.stage.cluster import Cluster

FOLDER = ROOT / "deploy" / "monitoring"
SERVICE = load(FOLDER / "service.yaml")
SERVICE_MONITOR = load(FOLDER / "servicemonitor.yaml")
POD_MONITOR = load(FOLDER / "podmonitor.yaml")

USUAL = {
    "apiVersion": "monitoring.coreos.com/v1",
    "kind": "ServiceMonitor",
    "metadata": {"name": "argocd-metrics", "namespace": "monitoring"},
    "spec": {
        "selector": {"matchLabels": {"app.kubernetes.io/part-of": "argocd"}},
        "namespaceSelector": {"matchNames": ["argocd"]},
        "endpoints": [{"port": "metrics", "interval": "30s"}],
    },
}
"""As guides to monitoring Argo CD have it."""

POD = {
    "metadata": {
        "name": "lynceus-0",
        "namespace": "argocd",
        "labels": {"app.kubernetes.io/name": "lynceus", "app.kubernetes.io/part-of": "argocd"},
    },
    "spec": {"containers": [{"name": "lynceus", "ports": [{"name": "metrics", "containerPort": METRICS_PORT}]}]},
}
"""A Pod as docs/alerts.md asks for."""

Object = dict[str, t.Any]


def found(monitor: Object, target: Object, ports: t.Iterable[Object], endpoints: str) -> list[Object]:
    """Return the ports of a Service or Pod that a monitor scrapes, as the operator chooses them."""
    spec, metadata = monitor["spec"], target["metadata"]
    if not spec["selector"]["matchLabels"].items() <= metadata["labels"].items():
        return []
    if metadata["namespace"] not in spec["namespaceSelector"]["matchNames"]:
        return []
    wanted = {endpoint["port"] for endpoint in spec[endpoints]}
    return [port for port in ports if port["name"] in wanted]


@pytest.mark.row(193)
@pytest.mark.parametrize("monitor", [USUAL, SERVICE_MONITOR], ids=["usual", "ours"])
def test_service_monitors_find_our_service(monitor: Object) -> None:
    """Its labels, its namespace, and a port called metrics that leads to the one that `lynceus run` listens on."""
    ports = found(monitor, SERVICE, SERVICE["spec"]["ports"], "endpoints")
    assert [("metrics", METRICS_PORT)] == [(port["name"], port["targetPort"]) for port in ports]
    assert SERVICE["spec"]["selector"].items() <= POD["metadata"]["labels"].items()  # type: ignore[index]


@pytest.mark.row(193)
@pytest.mark.parametrize(
    ("part", "value"),
    [("labels", {"app.kubernetes.io/name": "lynceus"}), ("namespace", "lynceus"), ("port", "http-metrics")],
)
def test_a_service_that_differs_is_not_found(part: str, value: t.Any) -> None:
    """What LynceusAbsent tells of: a label, a namespace or a port name that does not fit, as in Argo CD's chart."""
    metadata = {**SERVICE["metadata"], **({part: value} if part != "port" else {})}
    ports = [{**SERVICE["spec"]["ports"][0], **({"name": value} if part == "port" else {})}]
    assert [] == found(USUAL, {"metadata": metadata}, ports, "endpoints")


@pytest.mark.row(193)
def test_the_pod_monitor_finds_the_pod() -> None:
    """By the same labels, on the container's port metrics."""
    ports = [port for container in POD["spec"]["containers"] for port in container["ports"]]  # type: ignore[index]
    assert ports == found(POD_MONITOR, POD, ports, "podMetricsEndpoints")


@pytest.mark.row(193)
def test_our_monitors_keep_the_labels_of_the_series() -> None:
    """Each half minute, with honorLabels, so that namespace is the Application's."""
    expected = [{"port": "metrics", "interval": "30s", "honorLabels": True}]
    assert expected == SERVICE_MONITOR["spec"]["endpoints"]
    assert expected == POD_MONITOR["spec"]["podMetricsEndpoints"]


@pytest.mark.row(193)
def test_the_operators_schema_accepts_the_monitors(cluster: Cluster) -> None:
    """Applied to an API server that has the CRDs, with strict field validation; a slip is refused."""
    crds = Path(__file__).with_name("monitor-crds.yaml")
    names = [f"{kind}.monitoring.coreos.com" for kind in ("servicemonitors", "podmonitors")]
    cluster.kubectl("apply", "-f", str(crds))
    try:
        for name in names:
            cluster.kubectl("wait", "--for=condition=Established", "--timeout=30s", f"crd/{name}")
        with cluster.namespace("alerts-monitors") as namespace:
            files = ("servicemonitor.yaml", "podmonitor.yaml")
            texts = [
                (FOLDER / file).read_text().replace("namespace: monitoring", f"namespace: {namespace}")
                for file in files
            ]
            for text in texts:
                cluster.kubectl("create", "--validate=strict", "-f", "-", input=text)
            listed = cluster.kubectl("get", "servicemonitors,podmonitors", "-n", namespace, "-o", "name").stdout
            slip = texts[1].replace("honorLabels", "honourLabels").replace("name: lynceus\n", "name: other\n", 1)
            refused = cluster.kubectl("create", "--validate=strict", "-f", "-", input=slip, check=False)
    finally:
        cluster.kubectl("delete", "crd", *names, "--ignore-not-found")
    assert 2 == len(listed.split())
    assert "honourLabels" in refused.stderr
