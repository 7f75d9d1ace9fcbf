"""A manual change of any kind of field is found, with the path and the manager that made it; so is a change in Git.

The changes are made by dry-run patches on a real API server, so the live side is exactly what the server would hold.
"""

import copy
import json
from typing import Any

import msgspec
import pytest

from controller.compare.diff import Verdict, compare
from controller.compare.ignore import IgnoreRules
from controller.kube.client import JSON_PATCH, STRATEGIC
from model.application import IgnoreDifference
from model.meta import JSON, key_of
from tests.controller.compare.support import Bench, documents
from tests.controller.compare.test_applied import WAYS

WEB = "spec.template.spec.containers[name=web]"


def containers(**fields: Any) -> JSON:
    """Return a patch of the container `web`."""
    return {"spec": {"template": {"spec": {"containers": [{"name": "web", **fields}]}}}}


def template(**fields: Any) -> JSON:
    """Return a patch of a pod template."""
    return {"spec": {"template": {"spec": fields}}}


DRIFT: list[tuple[str, str, Any, str]] = [
    ("Deployment", "web", {"spec": {"replicas": 5}}, "spec.replicas"),
    ("Deployment", "web", {"spec": {"paused": True}}, "spec.paused"),
    ("Deployment", "web", containers(image="nginx:2"), f"{WEB}.image"),
    ("Deployment", "web", containers(env=[{"name": "A", "value": "2"}]), f"{WEB}.env[name=A].value"),
    ("Deployment", "web", containers(env=[{"name": "EMPTY", "value": "x"}]), f"{WEB}.env[name=EMPTY].value"),
    ("Deployment", "web", containers(env=[{"name": "A", "$patch": "delete"}]), f"{WEB}.env[name=A]"),
    ("Deployment", "web", containers(resources={"limits": {"cpu": "1100m"}}), f"{WEB}.resources.limits.cpu"),
    ("Deployment", "web", containers(resources={"requests": {"memory": "1Mi"}}), f"{WEB}.resources.requests.memory"),
    (
        "Deployment",
        "web",
        containers(securityContext={"capabilities": {"drop": ["NET_RAW"]}}),
        f"{WEB}.securityContext.capabilities.drop[0]",
    ),
    (
        "Deployment",
        "web",
        containers(securityContext={"allowPrivilegeEscalation": None}),
        f"{WEB}.securityContext.allowPrivilegeEscalation",
    ),
    ("Deployment", "web", containers(livenessProbe={"httpGet": {"port": 81}}), f"{WEB}.livenessProbe.httpGet.port"),
    ("Deployment", "web", template(hostNetwork=True), "spec.template.spec.hostNetwork"),
    (
        "Deployment",
        "web",
        template(automountServiceAccountToken=None),
        "spec.template.spec.automountServiceAccountToken",
    ),
    ("Deployment", "web", template(tolerations=[]), "spec.template.spec.tolerations"),
    (
        "Deployment",
        "web",
        template(tolerations=[{"key": "a", "operator": "Equal", "value": "b", "effect": "NoSchedule"}]),
        "spec.template.spec.tolerations[0].operator",
    ),
    ("Deployment", "web", {"metadata": {"labels": {"app": "x"}}}, "metadata.labels.app"),
    ("Deployment", "web", {"metadata": {"labels": {"app": None}}}, "metadata.labels"),
    (
        "Deployment",
        "web",
        {"metadata": {"annotations": {"argocd.argoproj.io/tracking-id": "other"}}},
        'metadata.annotations["argocd.argoproj.io/tracking-id"]',
    ),
    (
        "Deployment",
        "web",
        [{"op": "move", "from": "/spec/template/spec/containers/0", "path": "/spec/template/spec/containers/1"}],
        "spec.template.spec.containers",
    ),
    ("StatefulSet", "db", {"spec": {"replicas": 3}}, "spec.replicas"),
    (
        "DaemonSet",
        "agent",
        template(volumes=[{"name": "host", "hostPath": {"path": "/etc"}}]),
        "spec.template.spec.volumes[name=host].hostPath.path",
    ),
    ("CronJob", "nightly", {"spec": {"suspend": True}}, "spec.suspend"),
    ("CronJob", "nightly", {"spec": {"schedule": "0 4 * * *"}}, "spec.schedule"),
    ("HorizontalPodAutoscaler", "web", {"spec": {"maxReplicas": 9}}, "spec.maxReplicas"),
    ("PodDisruptionBudget", "web", {"spec": {"minAvailable": 1}}, "spec.minAvailable"),
    ("Service", "plain", {"spec": {"selector": {"app": "x"}}}, "spec.selector.app"),
    ("Service", "plain", {"spec": {"type": "NodePort"}}, "spec.type"),
    (
        "Service",
        "plain",
        [{"op": "replace", "path": "/spec/ports/1/targetPort", "value": 99}],
        "spec.ports[port=53,protocol=UDP].targetPort",
    ),
    ("Service", "plain", [{"op": "remove", "path": "/spec/ports/1"}], "spec.ports[port=53,protocol=UDP]"),
    ("Ingress", "front", [{"op": "replace", "path": "/spec/rules/0/host", "value": "b"}], "spec.rules[0].host"),
    (
        "NetworkPolicy",
        "deny",
        [{"op": "replace", "path": "/spec/ingress/0/ports/0/protocol", "value": "UDP"}],
        "spec.ingress[0].ports[0].protocol",
    ),
    ("ConfigMap", "settings", {"data": {"b": "no"}}, "data.b"),
    ("ConfigMap", "settings", {"data": {"a": "x"}}, "data.a"),
    ("ConfigMap", "settings", {"data": {"c": None}}, "data.c"),
    ("ConfigMap", "settings", {"binaryData": {"bin": "AAEC"}}, "binaryData.bin"),
    ("Secret", "login", {"data": {"password": "eA=="}}, "data.password"),
    ("ServiceAccount", "robot", {"automountServiceAccountToken": None}, "automountServiceAccountToken"),
    ("Role", "reader", [{"op": "add", "path": "/rules/0/verbs/-", "value": "delete"}], "rules[0].verbs"),
    ("Role", "reader", [{"op": "add", "path": "/rules/0/resourceNames", "value": ["x"]}], "rules[0].resourceNames"),
    ("RoleBinding", "reader", [{"op": "replace", "path": "/subjects/1/name", "value": "eve"}], "subjects[1].name"),
    ("ResourceQuota", "quota", {"spec": {"hard": {"requests.cpu": "5"}}}, 'spec.hard["requests.cpu"]'),
]


def patched(bench: Bench, target: JSON, patch: Any) -> JSON:
    """Return the live object as somebody's `kubectl edit` would leave it."""
    key = key_of(target)
    resource = bench.discovery.find(key.group, key.kind)
    assert resource is not None
    kind = JSON_PATCH if isinstance(patch, list) else STRATEGIC
    body = json.dumps(patch).encode()
    raw = bench.client.patch(resource, key.namespace, key.name, body, kind, field_manager="kubectl-edit", dry_run=True)
    found: JSON = msgspec.json.decode(raw)
    return found


def applied(bench: Bench, *, server_side: bool, only: str = "") -> dict[tuple[str, str], JSON]:
    """Apply the manifests (of one kind) and return the targets by kind and name."""
    found = documents("workloads.yaml") + documents("services.yaml")
    targets = bench.targets([document for document in found if only in ("", document["kind"])])
    bench.apply(targets, server_side=server_side)
    return {(target["kind"], target["metadata"]["name"]): target for target in targets}


@pytest.mark.row(60)
@WAYS
def test_every_kind_of_drift_is_found(bench: Bench, server_side: bool) -> None:
    """Each manual change is found at its path, with the manager that made it, and nothing else is."""
    targets = applied(bench, server_side=server_side)
    wrong: dict[str, Any] = {}
    for kind, name, patch, path in DRIFT:
        live = patched(bench, targets[kind, name], patch)
        verdict = compare(targets[kind, name], live, schemas=bench.schemas, server_side=server_side)
        paths = [found.path for found in verdict.fields]
        if path not in paths or (path not in SIDE_EFFECTS and len(paths) != 1):
            wrong[f"{kind}/{name} {json.dumps(patch)}"] = (path, paths)
        owned = path != "spec.template.spec.containers" and all(f.live is not None for f in verdict.fields)
        if owned and any("kubectl-edit" not in f.manager for f in verdict.fields if f.path == path):
            wrong[f"{path} manager"] = [(f.path, f.manager) for f in verdict.fields]

    assert {} == wrong


SIDE_EFFECTS = {"spec.template.spec.tolerations[0].operator", "spec.type"}
"""Changes that touch more than one field."""

GIT: list[tuple[str, str, str, Any, str]] = [
    ("Deployment", "web", "spec.replicas", None, "spec.replicas"),
    ("Deployment", "web", "spec.replicas", 0, "spec.replicas"),
    ("Deployment", "web", "metadata.labels", {}, "metadata.labels.app"),
    ("Deployment", "web", "spec.template.spec.containers.0.env.1", None, f"{WEB}.env[name=A]"),
    ("Deployment", "web", "spec.template.spec.containers.1", None, "spec.template.spec.containers[name=side]"),
    ("Deployment", "web", "spec.template.spec.containers.0.livenessProbe", None, f"{WEB}.livenessProbe"),
    ("Deployment", "web", "spec.template.spec.tolerations", None, "spec.template.spec.tolerations"),
    ("Deployment", "web", "spec.template.spec.tolerations.0.effect", None, "spec.template.spec.tolerations[0].effect"),
    ("Deployment", "web", "spec.template.spec.containers.0.image", "nginx:3", f"{WEB}.image"),
    ("Deployment", "web", "spec.minReadySeconds", 5, "spec.minReadySeconds"),
    ("Service", "plain", "spec.ports.1", None, "spec.ports[port=53,protocol=UDP]"),
    ("Service", "plain", "spec.selector.tier", "front", "spec.selector.tier"),
    ("ConfigMap", "settings", "data.b", None, "data.b"),
    ("Secret", "login", "data.user", None, "data.user"),
    ("Role", "reader", "rules.0.verbs.1", None, "rules[0].verbs"),
]


@WAYS
def test_every_kind_of_change_in_git_is_found(bench: Bench, server_side: bool) -> None:
    """A field that Git changes, adds or takes out is found at its path, and nothing else is."""
    targets = applied(bench, server_side=server_side)
    wrong: dict[str, Any] = {}
    for kind, name, place, value, path in GIT:
        target = edited(targets[kind, name], place, value)
        verdict = bench.compare(target, server_side=server_side)
        if [path] != [found.path for found in verdict.fields]:
            wrong[f"{kind}/{name} {place}={value}"] = (path, verdict.fields)

    assert {} == wrong


NO_CHANGE: list[tuple[str, str, str, Any]] = [
    ("Deployment", "web", "spec.template.spec.containers.0.ports.0.protocol", "TCP"),
    ("Deployment", "web", "spec.template.spec.containers.0.resources.limits.cpu", "1000m"),
    ("Deployment", "web", "spec.template.spec.containers.0.resources.limits.memory", "1Gi"),
    ("Deployment", "web", "spec.template.spec.containers.0.imagePullPolicy", "IfNotPresent"),
    ("Deployment", "web", "spec.progressDeadlineSeconds", 600),
    ("Deployment", "web", "spec.strategy", None),
    ("Deployment", "web", "spec.template.spec.restartPolicy", "Always"),
    ("Deployment", "web", "spec.template.spec.containers.1.imagePullPolicy", None),
    ("Deployment", "web", "status", {"replicas": 7}),
    ("Service", "plain", "spec.type", "ClusterIP"),
    ("Secret", "login", "stringData.password", None),
]


@WAYS
def test_another_spelling_of_the_same_is_no_change(bench: Bench, server_side: bool) -> None:
    """Stating a default, or an amount in another unit, or a value the server ignores changes nothing."""
    targets = applied(bench, server_side=server_side)
    wrong: dict[str, Any] = {}
    for kind, name, place, value in NO_CHANGE:
        target = edited(targets[kind, name], place, value)
        if place == "stringData.password":
            target["data"]["password"] = "czNjcmV0"
        verdict = bench.compare(target, server_side=server_side)
        if verdict.modified:
            wrong[f"{kind}/{name} {place}={value}"] = verdict.fields

    assert {} == wrong


def edited(target: JSON, place: str, value: Any) -> JSON:
    """Return a copy of a target with one field set, or taken out for None."""
    result = copy.deepcopy(target)
    node: Any = result
    *parents, last = [int(part) if part.isdigit() else part for part in place.split(".")]
    for part in parents:
        node = node[part]
    if value is None:
        del node[last]
    else:
        node[last] = value
    return result


@pytest.mark.row(60)
@WAYS
def test_ignored_replicas_stay_in_sync_and_the_rest_is_seen(bench: Bench, server_side: bool) -> None:
    """With /spec/replicas ignored an autoscaler's change stays in sync; another change is still found."""
    target = applied(bench, server_side=server_side, only="Deployment")["Deployment", "web"]
    rule = IgnoreDifference(group="apps", kind="Deployment", json_pointers=["/spec/replicas"])
    rules = IgnoreRules.build([rule])

    def judge(patch: JSON) -> Verdict:
        live = patched(bench, target, patch)
        return compare(target, live, rules=rules, schemas=bench.schemas, server_side=server_side)

    assert not judge({"spec": {"replicas": 9}}).modified
    assert [f"{WEB}.image"] == [
        field.path for field in judge({"spec": {"replicas": 9, **containers(image="x")["spec"]}}).fields
    ]


def test_fields_of_an_ignored_manager_do_not_count(bench: Bench) -> None:
    """With managedFieldsManagers, what that manager wrote is no difference; what another wrote is."""
    target = applied(bench, server_side=False, only="Deployment")["Deployment", "web"]
    live = patched(bench, target, {"spec": {"replicas": 9}})
    for manager, expected in (("kubectl-edit", False), ("somebody-else", True)):
        rule = IgnoreDifference(group="*", kind="Deployment", managed_fields_managers=[manager])

        assert expected == compare(target, live, rules=IgnoreRules.build([rule]), schemas=bench.schemas).modified


def test_a_verdict_never_holds_a_value_of_a_secret(bench: Bench) -> None:
    """Neither the fields nor the two sides of a Secret's verdict contain a value, plain or in base64."""
    target = applied(bench, server_side=False, only="Secret")["Secret", "login"]
    live = patched(bench, target, {"data": {"password": "bGl2ZS12YWx1ZQ=="}})
    text = repr(compare(target, live, schemas=bench.schemas))

    for value in ("s3cret", "czNjcmV0", "bGl2ZS12YWx1ZQ", "live-value", "YWRtaW4"):
        assert value not in text
