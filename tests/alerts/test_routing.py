"""The example for Alertmanager: severities reach their receivers, a dead cluster silences its applications."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import time
import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.alerts.support import ALERTING, ROOT, Rule, key
from tests.dashboards.tools import need

CONFIG = ROOT / "deploy" / "monitoring" / "alertmanager.yaml"
RECEIVERS = {"critical": "page", "warning": "channel", "info": "archive"}


@pytest.mark.row(191)
@pytest.mark.parametrize("rule", ALERTING, ids=key)
def test_amtool_routes_each_alert_by_its_severity(rule: Rule) -> None:
    """Critical pages, warning goes to a channel, the rest is kept."""
    severity = rule["labels"]["severity"]
    route = [
        need("amtool", "prometheus-alertmanager"),
        "config",
        "routes",
        "test",
        f"--config.file={CONFIG}",
        f"severity={severity}",
        f"alertname={rule['alert']}",
    ]
    assert RECEIVERS[severity] == subprocess.run(route, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def alertmanager(tmp_path: Path) -> Iterator[int]:
    """A running Alertmanager with our example; yields its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = [
        f"--config.file={CONFIG}",
        f"--storage.path={tmp_path}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    with subprocess.Popen(
        [need("prometheus-alertmanager", "prometheus-alertmanager"), *arguments], stderr=subprocess.DEVNULL
    ) as process:
        try:
            _wait(lambda: 200 == _call(port, "GET", "/-/ready")[0])
            yield port
        finally:
            process.terminate()


def _call(port: int, method: str, path: str, body: t.Any = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request(method, path, json.dumps(body), {"Content-Type": "application/json"})
        reply = connection.getresponse()
        return reply.status, reply.read()
    except ConnectionError:
        return 0, b""
    finally:
        connection.close()


def _wait(condition: t.Callable[[], bool], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "Alertmanager did not get there"
        time.sleep(0.05)


@pytest.mark.row(191)
def test_a_real_alertmanager_routes_and_inhibits(alertmanager: int) -> None:
    """The receivers that the running server chose, and what the dead cluster's alert keeps quiet."""
    sent = [
        {"alertname": "ArgoCDAppUnhealthy", "severity": "critical", "name": "a", "dest_server": "https://up"},
        {"alertname": "ArgoCDAppOutOfSync", "severity": "warning", "name": "a", "dest_server": "https://up"},
        {"alertname": "ArgoCDAppOutOfSync", "severity": "warning", "name": "b", "dest_server": "https://down"},
        {"alertname": "LynceusClusterUnreachable", "severity": "critical", "dest_server": "https://down"},
    ]
    assert 200 == _call(alertmanager, "POST", "/api/v2/alerts", [{"labels": labels} for labels in sent])[0]

    def alerts() -> dict[tuple[str, str], t.Any]:
        found = json.loads(_call(alertmanager, "GET", "/api/v2/alerts")[1] or b"[]")
        return {(alert["labels"]["alertname"], alert["labels"].get("name", "")): alert for alert in found}

    _wait(lambda: 4 == len(alerts()) and all(alert["status"]["state"] != "unprocessed" for alert in alerts().values()))
    told = {key: ([r["name"] for r in alert["receivers"]], alert["status"]["state"]) for key, alert in alerts().items()}
    assert {
        ("ArgoCDAppUnhealthy", "a"): (["page"], "active"),
        ("ArgoCDAppOutOfSync", "a"): (["channel"], "active"),
        ("ArgoCDAppOutOfSync", "b"): (["channel"], "suppressed"),
        ("LynceusClusterUnreachable", ""): (["page"], "active"),
    } == told
