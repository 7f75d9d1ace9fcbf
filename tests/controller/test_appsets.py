"""ApplicationSets are told as they are; where there is no such kind nothing is asked, logged or told."""

from __future__ import annotations

import json
import logging
import time
import typing as t
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from controller.appsets import DEFINITION, ApplicationSets
from controller.clock import SystemClock
from controller.kube.client import KubeClient
from model.events import ApiRequestFinished, ApplicationSetChanged, Event
from model.meta import NamespacedName
from tests.controller.kube.scripted import Handler, Scripted, eventually, kubeconfig, running
from tests.scenarios.conftest import CRDS, install_crds
from tests.stage.cluster import Cluster, from_kubeconfig

Watch = Callable[[Path, str], list[Event]]
PATH = "/apis/argoproj.io/v1alpha1/namespaces/{}/applicationsets"


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Start to watch a namespace; everything told is in the list."""
    started: list[ApplicationSets] = []

    def begin(path: Path, namespace: str) -> list[Event]:
        told: list[Event] = []
        client = KubeClient.from_kubeconfig(str(path), on_request=told.append)
        made = ApplicationSets(client, namespace, clock=SystemClock(), publish=told.append)
        started.append(made)
        made.start()
        return told

    yield begin
    for made in started:
        made.stop()


@pytest.fixture(name="scripted")
def _scripted() -> Iterator[Scripted]:
    with running() as server:
        yield server


def sets(told: list[Event]) -> list[ApplicationSetChanged]:
    return [event for event in list(told) if isinstance(event, ApplicationSetChanged)]


def named(name: str, **labels: str) -> dict[str, t.Any]:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "ApplicationSet",
        "metadata": {"name": name, "labels": labels},
        "spec": {"generators": [], "template": {"metadata": {}, "spec": {"project": "p", "destination": {}}}},
    }


def test_an_application_set_is_told_with_its_status(cluster: Cluster, namespace: str, watch: Watch) -> None:
    """New, changed status, gone; other namespaces are not looked at."""
    install_crds(cluster)
    told = watch(cluster.kubeconfig, namespace)
    key = NamespacedName(namespace, "fleet")
    path = PATH.format(namespace)
    assert 201 == cluster.request("POST", path, named("fleet", team="a")).status
    first = eventually(lambda: sets(told), 10)[0]
    assert ApplicationSetChanged(key=key, labels={"team": "a"}) == first
    status = {
        "conditions": [
            {"type": "ErrorOccurred", "status": "False", "reason": "x", "message": "m"},
            {"type": "ResourcesUpToDate", "status": "True", "reason": "ApplicationSetUpToDate", "message": "m"},
        ],
        "resources": [{"kind": "Application", "name": f"a{n}"} for n in range(3)],
    }
    merge = "application/merge-patch+json"
    reply = cluster.request("PATCH", f"{path}/fleet", {"status": status}, content_type=merge)
    reply = cluster.request("PATCH", f"{path}/fleet/status", {"status": status}, content_type=merge)
    assert reply.status in (200, 404), reply.body
    found = eventually(lambda: [event for event in sets(told) if event.owned == 3])[0]
    assert ("ApplicationSetUpToDate", {"team": "a"}, False) == (found.update_status, found.labels, found.deleted)
    assert 200 == cluster.request("DELETE", f"{path}/fleet").status
    assert ApplicationSetChanged(key=key, deleted=True) == eventually(lambda: [e for e in sets(told) if e.deleted])[0]


def test_a_kind_that_is_installed_later_is_found(
    watch: Watch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Until then one watch of its definition is all; when the kind goes, all of them are gone."""
    from sandbox.serve import Sandbox

    caplog.set_level(logging.INFO, "controller")
    sandbox = Sandbox(directory=tmp_path)
    sandbox.start()
    try:
        cluster = from_kubeconfig("own", Path(sandbox.kubeconfig), tmp_path)
        told = watch(cluster.kubeconfig, "default")
        eventually(lambda: [e for e in told if isinstance(e, ApiRequestFinished) and e.verb == "watch"])
        time.sleep(0.5)
        assert {"customresourcedefinitions"} == {e.kind for e in told if isinstance(e, ApiRequestFinished)}
        assert 2 == len(told)
        cluster.kubectl("apply", "--server-side", "-f", str(CRDS / "applicationset.yaml"))
        cluster.kubectl("wait", "--for=condition=Established", f"crd/{DEFINITION}")
        assert 201 == cluster.request("POST", PATH.format("default"), named("fleet")).status
        eventually(lambda: sets(told), 15)
        cluster.kubectl("delete", "crd", DEFINITION)
        eventually(lambda: [event for event in sets(told) if event.deleted], 15)
    finally:
        sandbox.stop()
    assert [] == [record for record in caplog.records if record.levelno >= logging.INFO]


def test_who_may_not_read_definitions_asks_for_the_kind(scripted: Scripted, watch: Watch, tmp_path: Path) -> None:
    """A refusal of the definition is no refusal of the ApplicationSets; a status of another shape tells Unknown."""
    items = [
        {"metadata": {"name": "a", "namespace": "n", "resourceVersion": "1"}, "status": {"conditions": "odd"}},
        {"metadata": {"name": "b", "namespace": "n", "resourceVersion": "2"}, "status": {"resources": [{}, {}]}},
    ]
    body = {"kind": "ApplicationSetList", "metadata": {"resourceVersion": "5"}, "items": items}

    def answer(handler: Handler) -> None:
        if "customresourcedefinitions" in handler.path:
            handler.reply({"kind": "Status", "reason": "Forbidden", "code": 403, "message": "no"}, 403)
        else:
            handler.reply(body)

    scripted.lists = [answer]
    told = watch(kubeconfig(tmp_path, scripted.url), "n")
    eventually(lambda: len(sets(told)) == 2)
    assert [("a", "Unknown", 0), ("b", "Unknown", 2)] == [(e.key.name, e.update_status, e.owned) for e in sets(told)]


def test_an_absent_kind_is_asked_for_rarely(scripted: Scripted, watch: Watch, tmp_path: Path) -> None:
    """Where neither the definition may be read nor the kind is there."""

    def answer(handler: Handler) -> None:
        forbidden = "customresourcedefinitions" in handler.path
        code, reason = (403, "Forbidden") if forbidden else (404, "NotFound")
        handler.reply(json.dumps({"kind": "Status", "reason": reason, "code": code}).encode(), code)

    scripted.lists = [answer]
    told = watch(kubeconfig(tmp_path, scripted.url), "n")
    eventually(lambda: len(told) >= 2)
    time.sleep(1.0)
    assert 2 == len(told)
    assert [] == sets(told)
