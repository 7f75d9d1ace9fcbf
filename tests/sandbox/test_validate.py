"""Rules of the built-in kinds: the real server's causes are the measure."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from sandbox.defaults import apply_defaults
from sandbox.validate import validate
from tests.sandbox import real
from tests.sandbox.objects import CASES, CLUSTER
from tests.stage.cluster import Cluster

Obj = dict[str, Any]


def _container(obj: Obj) -> Obj:
    found: Obj = obj["spec"]["template"]["spec"]["containers"][0]
    return found


def _relabel(obj: Obj) -> None:
    obj["spec"]["template"]["metadata"] = {"labels": {"app": "y"}}


def _twice(obj: Obj) -> None:
    containers = obj["spec"]["template"]["spec"]["containers"]
    containers.append(copy.deepcopy(containers[0]))


WRONG: dict[str, tuple[str, Callable[[Obj], Any]]] = {
    "no selector": ("deployment", lambda o: o["spec"].pop("selector")),
    "empty selector": ("deployment", lambda o: o["spec"].update(selector={})),
    "selector and labels": ("deployment", lambda o: _relabel(o)),
    "negative replicas": ("deployment", lambda o: o["spec"].update(replicas=-1)),
    "no containers": ("deployment", lambda o: o["spec"]["template"]["spec"].update(containers=[])),
    "container name": ("deployment", lambda o: _container(o).update(name="Not_Good")),
    "no image": ("deployment", lambda o: _container(o).pop("image")),
    "container twice": ("deployment", _twice),
    "restart policy": ("deployment", lambda o: o["spec"]["template"]["spec"].update(restartPolicy="Never")),
    "pull policy": ("deployment", lambda o: _container(o).update(imagePullPolicy="Sometimes")),
    "port range": ("deployment", lambda o: _container(o).update(ports=[{"containerPort": 70000}])),
    "unknown volume": ("deployment", lambda o: _container(o).update(volumeMounts=[{"name": "v", "mountPath": "/v"}])),
    "requests over limits": (
        "deployment", lambda o: _container(o).update(resources={"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}),
    ),
    "strategy": ("deployment", lambda o: o["spec"].update(strategy={"type": "Recreate", "rollingUpdate": {}})),
    "no room to roll": (
        "deployment", lambda o: o["spec"].update(strategy={"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}}),
    ),
    "deadline": ("deployment", lambda o: o["spec"].update(progressDeadlineSeconds=5, minReadySeconds=5)),
    "stateful selector": ("stateful set", lambda o: _relabel(o)),
    "daemon selector": ("daemon set", lambda o: _relabel(o)),
    "job restart policy": ("job", lambda o: o["spec"]["template"]["spec"].pop("restartPolicy")),
    "cron schedule": ("cron job", lambda o: o["spec"].update(schedule="* *")),
    "no ports": ("service", lambda o: o["spec"].pop("ports")),
    "unnamed ports": ("service", lambda o: o["spec"].update(ports=[{"port": 1}, {"port": 2}])),
    "service type": ("service", lambda o: o["spec"].update(type="Magic")),
    "service port": ("service", lambda o: o["spec"]["ports"][0].update(port=0)),
    "external name": ("external name", lambda o: o["spec"].pop("externalName")),
    "path type": ("ingress", lambda o: o["spec"]["rules"][0]["http"]["paths"][0].pop("pathType")),
    "path": ("ingress", lambda o: o["spec"]["rules"][0]["http"]["paths"][0].update(path="x")),
    "access modes": ("claim", lambda o: o["spec"].pop("accessModes")),
    "storage request": ("claim", lambda o: o["spec"].pop("resources")),
    "volume source": ("volume", lambda o: o["spec"].pop("hostPath")),
    "config key": ("config map", lambda o: o.update(data={"a b": "1"})),
    "tls secret": ("secret", lambda o: o.update(type="kubernetes.io/tls")),
    "autoscaler bounds": ("autoscaler", lambda o: o["spec"].update(minReplicas=4)),
    "autoscaler zero": ("autoscaler", lambda o: o["spec"].update(maxReplicas=0)),
    "role verbs": ("role", lambda o: o["rules"][0].pop("verbs")),
    "role groups": ("role", lambda o: o["rules"][0].pop("apiGroups")),
    "role reference": ("role binding", lambda o: o["roleRef"].update(kind="Thing")),
}  # fmt: skip
"""Name -> (case, what is made wrong in it)."""


@pytest.mark.parametrize("name", WRONG)
def test_the_real_server_finds_the_same_faults(real_cluster: Cluster, name: str) -> None:
    """Fields, reasons and messages of a dry-run create, whatever their order."""
    case, spoil = WRONG[name]
    gr, good = CASES[case]
    obj = copy.deepcopy(good)
    spoil(obj)
    path = real.collection(obj["apiVersion"], gr[1], "" if gr[1] in CLUSTER else "default")
    status, answer = real.send(real_cluster, "POST", path, obj, dryRun="All")
    assert 422 == status, answer

    obj["metadata"]["uid"] = "u"
    apply_defaults(gr, obj["apiVersion"], obj)
    found = validate(gr, obj["apiVersion"], obj, None)

    causes = [(each["field"], each["reason"], each["message"]) for each in answer["details"]["causes"]]
    assert sorted(causes) == sorted(tuple(each) for each in found)


@pytest.mark.parametrize("name", CASES)
def test_good_objects_have_no_faults(name: str) -> None:
    """Neither new nor written again unchanged."""
    gr, obj = CASES[name]
    stored = copy.deepcopy(obj)
    stored["metadata"]["uid"] = "u"
    apply_defaults(gr, obj["apiVersion"], stored)

    assert [] == validate(gr, obj["apiVersion"], stored, None)
    assert [] == validate(gr, obj["apiVersion"], stored, copy.deepcopy(stored))


@pytest.mark.parametrize(
    ("case", "change", "field"),
    [
        ("deployment", lambda o: o["spec"].update(selector={"matchLabels": {"app": "z"}}), "spec.selector"),
        ("job", lambda o: o["spec"]["template"]["spec"]["containers"][0].update(image="z"), "spec.template"),
        ("stateful set", lambda o: o["spec"].update(serviceName="z"), "spec"),
        ("claim", lambda o: o["spec"].update(accessModes=["ReadWriteMany"]), "spec"),
        ("pod", lambda o: o["spec"].update(hostNetwork=True), "spec"),
        ("role binding", lambda o: o["roleRef"].update(name="z"), "roleRef"),
        ("secret", lambda o: o.update(type="other"), "type"),
    ],
)
def test_immutable_fields_cannot_change(case: str, change: Callable[[Obj], None], field: str) -> None:
    """The fault stands at the field that the real server names."""
    gr, obj = CASES[case]
    old = copy.deepcopy(obj)
    old["metadata"]["uid"] = "u"
    apply_defaults(gr, obj["apiVersion"], old)
    new = copy.deepcopy(old)
    change(new)

    assert field in [fault.field for fault in validate(gr, obj["apiVersion"], new, old)]


def test_an_immutable_config_map_stays_as_it_is() -> None:
    """Neither its data nor the mark may change."""
    old = {"kind": "ConfigMap", "metadata": {"name": "x"}, "immutable": True, "data": {"a": "1"}}
    new = {"kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"a": "2"}}

    faults = validate(("", "configmaps"), "v1", new, old)

    assert ["immutable", "data"] == [fault.field for fault in faults]
    assert {"Forbidden: field is immutable when `immutable` is set"} == {fault.message for fault in faults}
