"""The example for Alertmanager: severities reach their receivers, a dead cluster silences its applications."""

from __future__ import annotations

import http.client
import json
import re
import socket
import subprocess
import time
import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.alerts.labels import labels as labels_of
from tests.alerts.support import ALERTING, ROOT, Rule, key, load, recorded
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


SENT = [
    # A cluster that does not answer, one of its applications, and one elsewhere.
    {"alertname": "LynceusClusterUnreachable", "severity": "critical", "dest_server": "https://down"},
    {"alertname": "ArgoCDAppUnhealthy", "severity": "critical", "name": "up", "dest_server": "https://up"},
    {"alertname": "ArgoCDAppOutOfSync", "severity": "warning", "name": "up", "dest_server": "https://up"},
    {"alertname": "ArgoCDAppOutOfSync", "severity": "warning", "name": "down", "dest_server": "https://down"},
    {"alertname": "LynceusAppDrifted", "severity": "warning", "name": "down", "dest_server": "https://down"},
    {"alertname": "LynceusLastSyncFailed", "severity": "warning", "name": "down", "dest_server": "https://down"},
    {"alertname": "LynceusLastSyncFailed", "severity": "warning", "name": "up", "dest_server": "https://up"},
    # An application that a window holds back, for minutes and for a day.
    {"alertname": "LynceusAppHeld", "severity": "info", "namespace": "argocd", "name": "held"},
    {"alertname": "ArgoCDAppOutOfSync", "severity": "warning", "namespace": "argocd", "name": "held"},
    {"alertname": "LynceusAppDriftedWhileBlocked", "severity": "info", "namespace": "argocd", "name": "long"},
    {"alertname": "ArgoCDAppOutOfSync", "severity": "warning", "namespace": "argocd", "name": "long"},
    {"alertname": "ArgoCDAppOutOfSync", "severity": "warning", "namespace": "other", "name": "held"},
    # An objective with page and ticket, and the ticket of another one.
    {"alertname": "LynceusSyncBudgetBurn", "severity": "critical", "slo": "sync", "long": "1h"},
    {"alertname": "LynceusSyncBudgetBurn", "severity": "warning", "slo": "sync", "long": "3d"},
    {"alertname": "LynceusGitBudgetBurn", "severity": "warning", "slo": "git", "long": "3d"},
    # The same trouble by two rules, of an application and of a repository.
    {"alertname": "LynceusAppUnhealthy", "severity": "critical", "namespace": "argocd", "name": "ill"},
    {"alertname": "ArgoCDAppUnhealthy", "severity": "critical", "namespace": "argocd", "name": "ill"},
    {"alertname": "ArgoCDSyncFailing", "severity": "critical", "namespace": "argocd", "name": "ill"},
    {"alertname": "LynceusLastSyncFailed", "severity": "warning", "namespace": "argocd", "name": "ill"},
    {"alertname": "ArgoCDGitFetchErrors", "severity": "warning", "repo": "https://git/a"},
    {"alertname": "LynceusGitFailing", "severity": "warning", "repo": "https://git/a"},
    {"alertname": "LynceusGitFailing", "severity": "warning", "repo": "https://git/b"},
    # An installation without a leader, its queue, and the queue of another installation.
    {"alertname": "LynceusNoLeader", "severity": "critical", "namespace": "argocd", "job": "lynceus"},
    {"alertname": "LynceusQueueStuck", "severity": "critical", "namespace": "argocd", "job": "lynceus"},
    {"alertname": "LynceusQueueStuck", "severity": "critical", "namespace": "staging", "job": "lynceus"},
]
QUIET = {3, 4, 5, 8, 10, 13, 16, 18, 20, 23}
"""Places of those above that somebody else's alert explains."""


@pytest.mark.row(191)
def test_a_real_alertmanager_routes_and_inhibits(alertmanager: int) -> None:
    """The receivers that the running server chose, and what it keeps quiet."""
    assert 200 == _call(alertmanager, "POST", "/api/v2/alerts", [{"labels": labels} for labels in SENT])[0]

    def told() -> dict[frozenset[tuple[str, str]], t.Any]:
        found = json.loads(_call(alertmanager, "GET", "/api/v2/alerts")[1] or b"[]")
        return {frozenset(alert["labels"].items()): alert for alert in found}

    _wait(lambda: len(SENT) == len(told()) and all(a["status"]["state"] != "unprocessed" for a in told().values()))
    answers = [told()[frozenset(labels.items())] for labels in SENT]
    assert [[RECEIVERS[labels["severity"]]] for labels in SENT] == [
        [receiver["name"] for receiver in answer["receivers"]] for answer in answers
    ]
    assert QUIET == {place for place, answer in enumerate(answers) if answer["status"]["state"] == "suppressed"}


def matchers(texts: list[str]) -> t.Callable[[Rule], bool]:
    """Return what says whether an alert of ours matches; both kinds of Alertmanager's operators that we use."""
    wanted = []
    for text in texts:
        name, operator, value = re.fullmatch(r'(\w+)(=~|=)"(.*)"', text, re.DOTALL).groups()  # type: ignore[union-attr]
        wanted.append((name, value if operator == "=~" else re.escape(value)))

    def match(rule: Rule) -> bool:
        there = {"alertname": rule["alert"], **rule["labels"]}
        return all(re.fullmatch(value, there.get(name, "")) for name, value in wanted)

    return match


@pytest.mark.row(191)
@pytest.mark.parametrize("rule", load(CONFIG)["inhibit_rules"], ids=lambda rule: rule["source_matchers"][0])
def test_inhibition_compares_labels_that_are_really_there(rule: Rule) -> None:
    """Every alert that a rule names exists, and both sides have what is compared: missing labels would be equal."""
    sources = [alert for alert in ALERTING if matchers(rule["source_matchers"])(alert)]
    targets = [alert for alert in ALERTING if matchers(rule["target_matchers"])(alert)]
    assert sources
    assert targets
    for alert in (*sources, *targets):
        assert set(rule.get("equal", ())) <= labels_of(alert["expr"], recorded()) | set(alert["labels"])


@pytest.mark.row(191)
def test_a_cluster_that_is_away_keeps_all_alerts_of_applications_quiet() -> None:
    """All that have dest_server, but its own: an alert that is added later has to be added to the rule as well."""
    (rule,) = [rule for rule in load(CONFIG)["inhibit_rules"] if rule.get("equal") == ["dest_server"]]
    match = matchers(rule["target_matchers"])
    going_somewhere = {alert["alert"] for alert in ALERTING if "dest_server" in labels_of(alert["expr"], recorded())}
    assert going_somewhere - {"LynceusClusterUnreachable"} == {alert["alert"] for alert in ALERTING if match(alert)}
