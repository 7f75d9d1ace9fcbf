"""The table of request sequences. A step that compares less than everything says why."""

from __future__ import annotations

from typing import Any

from tests.sandbox.differential.client import APPLY, JSON_PATCH, MERGE, PARTIAL, STRATEGIC, TABLE, Step

CORE = "/api/v1/namespaces/{ns}"
MAPS = f"{CORE}/configmaps"
DEPLOYMENTS = "/apis/apps/v1/namespaces/{ns}/deployments"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
WORDING = "the wording quotes Go's JSON package"
STATE = "both servers' controllers are writing its status meanwhile"


def _map(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def _template(**labels: str) -> dict[str, Any]:
    return {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "nginx:1"}]}}


def _deployment(name: str, **spec: Any) -> dict[str, Any]:
    full = {"replicas": 0, "selector": {"matchLabels": {"app": name}}, "template": _template(app=name), **spec}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": full}


def _crd(scope: str = "Namespaced") -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "required": ["mode"],
                "properties": {
                    "size": {"type": "integer", "default": 3, "minimum": 1},
                    "mode": {"type": "string", "enum": ["a", "b"]},
                    "replicas": {"type": "integer"},
                    "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                },
            },
            "status": {"type": "object", "properties": {"replicas": {"type": "integer"}, "note": {"type": "string"}}},
        },
    }
    column = {"name": "Size", "type": "integer", "jsonPath": ".spec.size"}
    scale = {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    version |= {"subresources": {"status": {}, "scale": scale}, "additionalPrinterColumns": [column]}
    names = {"plural": "widgets", "kind": "Widget", "shortNames": ["wd"], "categories": ["all"]}
    spec = {"group": "{ns}.example.com", "scope": scope, "names": names, "versions": [version]}
    spec["scope"] = scope
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.{ns}.example.com"},
        "spec": spec,
    }


WIDGETS = "/apis/{ns}.example.com/v1/namespaces/{ns}/widgets"


def _widget(name: str, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": "{ns}.example.com/v1", "kind": "Widget", "metadata": {"name": name}, "spec": spec}


CASES: dict[str, list[Step]] = {
    "create, read, replace, delete": [
        Step("POST", MAPS, _map("a", x="1")),
        Step("POST", MAPS, _map("a", x="2")),
        Step("GET", f"{MAPS}/a"),
        Step("PUT", f"{MAPS}/a", _map("a", x="3")),
        Step("PUT", f"{MAPS}/a", {**_map("a", x="4"), "metadata": {"name": "a", "resourceVersion": "1"}}),
        Step("PUT", f"{MAPS}/a", {**_map("a", x="4"), "metadata": {"name": "a", "resourceVersion": "{rv:a}"}}),
        Step("DELETE", f"{MAPS}/a"),
        Step("DELETE", f"{MAPS}/a"),
        Step("GET", f"{MAPS}/a"),
        Step("PUT", f"{MAPS}/a", _map("a")),
    ],
    "bad creates": [
        Step("POST", MAPS, _map("Bad_Name")),
        Step("POST", MAPS, {"metadata": {}}),
        Step("POST", MAPS, {"metadata": {"name": "x", "namespace": "elsewhere"}}),
        Step(
            "POST", MAPS, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}}, only="reason", because=WORDING
        ),
        Step("POST", MAPS, "{", only="reason", because=WORDING),
        Step("POST", MAPS, [1], only="reason", because=WORDING),
        Step("POST", MAPS, _map("x"), content_type="text/plain"),
        Step("POST", MAPS, {"metadata": {"name": "x", "resourceVersion": "3"}}),
        Step("POST", MAPS, {"metadata": {"name": "x", "labels": {"a b": "c d"}}}),
        Step(
            "POST",
            MAPS,
            {"metadata": {"name": "x", "ownerReferences": [{"kind": "A"}]}},
            only="reason",
            because=WORDING,
        ),
        Step("POST", MAPS, {"metadata": {"name": "x"}, "data": {"a": 1}}),
        Step("POST", MAPS, {"metadata": {"name": "x"}, "data": {"a b": "1"}}),
        Step("POST", "/api/v1/namespaces/no-such/configmaps", _map("x")),
        Step("POST", f"{MAPS}/x", _map("x")),
        Step("PUT", MAPS, _map("x")),
        Step("POST", f"{MAPS}?dryRun=Some", _map("x")),
        Step("POST", f"{MAPS}?fieldValidation=Sometimes", _map("x")),
    ],
    "unknown fields": [
        Step("POST", f"{MAPS}?fieldValidation=Strict", {**_map("s"), "bar": 1, "metadata": {"name": "s", "foo": 1}}),
        Step("POST", f"{MAPS}?fieldValidation=Warn", {**_map("w"), "bar": 1}),
        Step("POST", f"{MAPS}?fieldValidation=Ignore", {**_map("i"), "bar": 1}),
        Step("POST", f"{DEPLOYMENTS}?fieldValidation=Strict", _deployment("d", replica=1)),
        Step("PATCH", f"{MAPS}/w?fieldValidation=Strict", {"bar": 1}, MERGE, only="reason", because=WORDING),
    ],
    "paths": [
        Step("GET", "/apis/nope/v1"),
        Step("GET", "/apis/apps/v2"),
        Step("GET", "/apis/apps/v1/nope"),
        Step("GET", "/api/v1/namespaces/no-such"),
        Step("GET", f"{MAPS}/x/status"),
        Step("GET", f"{MAPS}/none", accept="text/plain", only="reason", because="the real server looks first"),
        Step("GET", f"{MAPS}", accept="text/plain"),
        Step("GET", "/version", only="code", because="the build differs"),
        Step("GET", "/healthz"),
        Step("GET", "/api/v1", only="code", because="the sandbox serves fewer subresources"),
        Step("GET", "/apis/batch/v1", only="code", because="hashes of storage versions"),
    ],
    "merge patches": [
        Step("POST", MAPS, _map("p", x="1", y="2")),
        Step("PATCH", f"{MAPS}/p", {"data": {"x": "9", "y": None}}, MERGE),
        Step("PATCH", f"{MAPS}/p", {"data": {"x": "9"}}, MERGE),
        Step("PATCH", f"{MAPS}/p", {"metadata": {"name": "q"}}, MERGE),
        Step("PATCH", f"{MAPS}/p", {"metadata": {"resourceVersion": "1"}}, MERGE),
        Step("PATCH", f"{MAPS}/p", [1], MERGE, only="reason", because=WORDING),
        Step("PATCH", f"{MAPS}/p", {}, "application/json"),
        Step("PATCH", f"{MAPS}/none", {}, MERGE),
        Step("PATCH", f"{MAPS}/p", {"data": {"x": 1}}, MERGE, only="reason", because=WORDING),
        Step("PATCH", f"{MAPS}/p?dryRun=All", {"data": {"z": "1"}}, MERGE),
        Step("GET", f"{MAPS}/p"),
    ],
    "JSON patches": [
        Step("POST", MAPS, _map("p", x="1")),
        Step(
            "PATCH",
            f"{MAPS}/p",
            [{"op": "test", "path": "/data/x", "value": "1"}, {"op": "add", "path": "/data/y", "value": "2"}],
            JSON_PATCH,
        ),
        Step("PATCH", f"{MAPS}/p", [{"op": "test", "path": "/data/x", "value": "0"}], JSON_PATCH),
        Step("PATCH", f"{MAPS}/p", [{"op": "remove", "path": "/data/none"}], JSON_PATCH),
        Step("PATCH", f"{MAPS}/p", [{"op": "dance", "path": "/data"}], JSON_PATCH),
        Step("PATCH", f"{MAPS}/p", {"op": 1}, JSON_PATCH, only="reason", because=WORDING),
    ],
    "strategic patches": [
        Step("POST", f"{DEPLOYMENTS}?dryRun=All", _deployment("d")),
        Step("POST", f"{CORE}/podtemplates", {"metadata": {"name": "t"}, "template": _template(a="b")}),
        Step(
            "PATCH",
            f"{CORE}/podtemplates/t",
            {"template": {"spec": {"containers": [{"name": "d", "image": "two"}]}}},
            STRATEGIC,
        ),
        Step(
            "PATCH",
            f"{CORE}/podtemplates/t",
            {"template": {"spec": {"containers": [{"name": "c", "$patch": "delete"}]}}},
            STRATEGIC,
        ),
        Step(
            "PATCH",
            f"{CORE}/podtemplates/t",
            {"template": {"metadata": {"labels": {"$patch": "replace", "z": "z"}}}},
            STRATEGIC,
        ),
    ],
    "server-side apply": [
        Step("PATCH", f"{MAPS}/s?fieldManager=one", _map("s", x="1"), APPLY),
        Step("PATCH", f"{MAPS}/s?fieldManager=one", _map("s", x="1"), APPLY),
        Step("PATCH", f"{MAPS}/s?fieldManager=two", _map("s", x="2"), APPLY),
        Step("PATCH", f"{MAPS}/s?fieldManager=two&force=true", _map("s", x="2"), APPLY),
        Step("PATCH", f"{MAPS}/s?fieldManager=one", _map("s", y="1"), APPLY),
        Step("PATCH", f"{MAPS}/s?fieldManager=one", _map("s"), APPLY),
        Step("PATCH", f"{MAPS}/s", _map("s"), APPLY),
        Step("PATCH", f"{MAPS}/s?fieldManager=one", _map("other"), APPLY),
        Step("PATCH", f"{MAPS}/s?fieldManager=one", {"metadata": {"name": "s"}}, APPLY),
        Step("PATCH", f"{MAPS}/s?fieldManager=one", {**_map("s"), "nope": 1}, APPLY),
        Step("PATCH", f"{MAPS}/s?force=true", {}, MERGE),
        Step("GET", f"{MAPS}/s"),
    ],
    "deletes": [
        Step("POST", MAPS, _map("d")),
        Step(
            "DELETE",
            f"{MAPS}/d",
            {"preconditions": {"resourceVersion": "1"}},
            only="reason",
            because="quotes revisions",
        ),
        Step("DELETE", f"{MAPS}/d?propagationPolicy=Sometimes"),
        Step("DELETE", f"{MAPS}/d", {"dryRun": ["All"]}),
        Step("PATCH", f"{MAPS}/d", {"metadata": {"finalizers": ["example.com/x"]}}, MERGE),
        Step("DELETE", f"{MAPS}/d"),
        Step("DELETE", f"{MAPS}/d"),
        Step("PATCH", f"{MAPS}/d", {"metadata": {"finalizers": ["example.com/x", "example.com/y"]}}, MERGE),
        Step("PATCH", f"{MAPS}/d", {"metadata": {"finalizers": None}}, MERGE),
        Step("GET", f"{MAPS}/d"),
        Step("POST", MAPS, _map("f")),
        Step("DELETE", f"{MAPS}/f", {"propagationPolicy": "Foreground"}),
        Step("POST", MAPS, {**_map("l1"), "metadata": {"name": "l1", "labels": {"k": "v"}}}),
        Step("DELETE", f"{MAPS}?labelSelector=k%3Dv"),
        Step("GET", f"{MAPS}?labelSelector=k%3Dv"),
    ],
    "lists and selectors": [
        Step("POST", MAPS, {"metadata": {"name": "l1", "labels": {"t": "a", "u": "1"}}}),
        Step("POST", MAPS, {"metadata": {"name": "l2", "labels": {"t": "b", "u": "2"}}}),
        Step("POST", MAPS, {"metadata": {"name": "l3", "labels": {"v": "c", "u": "3"}}}),
        Step("GET", f"{MAPS}?labelSelector=t"),
        Step("GET", f"{MAPS}?labelSelector=t%20in%20(a,c),u"),
        Step("GET", f"{MAPS}?labelSelector=!t,u"),
        Step("GET", f"{MAPS}?labelSelector=t!%3Da,u"),
        Step("GET", f"{MAPS}?labelSelector=u%3E1"),
        Step("GET", f"{MAPS}?labelSelector=t%20b"),
        Step("GET", f"{MAPS}?fieldSelector=metadata.name%3Dl2"),
        Step("GET", f"{MAPS}?fieldSelector=spec.x%3Dl2"),
        Step("GET", f"{CORE}/pods?fieldSelector=spec.x%3Dl2"),
        Step("GET", f"{MAPS}?labelSelector=u&limit=2"),
        Step("GET", f"{MAPS}?limit=1&continue=abc", only="reason", because=WORDING),
        Step("GET", f"{MAPS}?resourceVersion=abc"),
        Step("GET", f"{MAPS}?resourceVersionMatch=Exact"),
        Step("GET", f"{MAPS}?resourceVersion=0&resourceVersionMatch=Exact"),
        Step("GET", f"{MAPS}?resourceVersion=1&resourceVersionMatch=Perhaps"),
        Step("GET", f"{MAPS}?labelSelector=u", accept=TABLE, only="code", because="ages"),
        Step("GET", f"{MAPS}?labelSelector=u", accept=PARTIAL.replace("Metadata", "MetadataList")),
        Step("GET", f"{MAPS}/l1", accept=PARTIAL),
    ],
    "watches": [
        Step("POST", MAPS, {"metadata": {"name": "w1", "labels": {"t": "a"}}}),
        Step("POST", MAPS, {"metadata": {"name": "w2", "labels": {"t": "a"}}}),
        Step("PATCH", f"{MAPS}/w1", {"metadata": {"labels": {"t": "b"}}}, MERGE),
        Step("DELETE", f"{MAPS}/w2"),
        Step("POST", MAPS, {"metadata": {"name": "w3", "labels": {"t": "a"}}}),
        Step("GET", f"{MAPS}?watch=1&resourceVersion={{rv:w2}}&labelSelector=t%3Da&timeoutSeconds=1", watch=1),
        Step("GET", f"{MAPS}?watch=1&labelSelector=t%3Da&timeoutSeconds=1", watch=1),
        Step(
            "GET",
            f"{MAPS}?watch=1&labelSelector=t%3Da&timeoutSeconds=1&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan",
            watch=1,
        ),
        Step("GET", f"{MAPS}?watch=1&sendInitialEvents=true"),
        Step("GET", f"{MAPS}?watch=1&resourceVersion=abc"),
        Step("GET", f"{MAPS}/w3?watch=1&timeoutSeconds=1", watch=1),
    ],
    "services": [
        Step("POST", f"{CORE}/services", {"metadata": {"name": "s1"}, "spec": {"ports": [{"port": 80}]}}),
        Step(
            "POST",
            f"{CORE}/services",
            {"metadata": {"name": "s2"}, "spec": {"type": "NodePort", "ports": [{"port": 80}]}},
        ),
        Step(
            "POST",
            f"{CORE}/services",
            {"metadata": {"name": "s3"}, "spec": {"clusterIP": "None", "selector": {"a": "b"}}},
        ),
        Step(
            "POST",
            f"{CORE}/services",
            {"metadata": {"name": "s4"}, "spec": {"type": "ExternalName", "externalName": "a.b"}},
        ),
        Step(
            "POST",
            f"{CORE}/services",
            {"metadata": {"name": "s5"}, "spec": {"clusterIP": "192.168.1.1", "ports": [{"port": 80}]}},
        ),
        Step("PUT", f"{CORE}/services/s1", {"metadata": {"name": "s1"}, "spec": {"ports": [{"port": 81}]}}),
        Step("DELETE", f"{CORE}/services/s2"),
    ],
    "workloads": [
        Step("POST", DEPLOYMENTS, _deployment("d")),
        Step("POST", DEPLOYMENTS, _deployment("e", replicas="1")),
        Step(
            "POST",
            DEPLOYMENTS,
            {"metadata": {"name": "e"}, "spec": {}},
            only="reason",
            because="we do not add that a missing selector does not match the labels",
        ),
        Step("GET", f"{DEPLOYMENTS}/d/scale", only="code", because=STATE),
        Step("PATCH", f"{DEPLOYMENTS}/d/scale", {"spec": {"replicas": -1}}, MERGE),
        Step(
            "POST",
            "/apis/apps/v1/namespaces/{ns}/statefulsets",
            {
                "metadata": {"name": "s"},
                "spec": {
                    "replicas": 0,
                    "serviceName": "s",
                    "selector": {"matchLabels": {"a": "b"}},
                    "template": _template(a="b"),
                },
            },
        ),
        Step(
            "POST",
            "/apis/apps/v1/namespaces/{ns}/daemonsets",
            {
                "metadata": {"name": "s"},
                "spec": {
                    "selector": {"matchLabels": {"a": "b"}},
                    "template": {**_template(a="b"), "spec": {**_template()["spec"], "nodeSelector": {"no": "where"}}},
                },
            },
        ),
        Step(
            "POST",
            "/apis/batch/v1/namespaces/{ns}/cronjobs",
            {
                "metadata": {"name": "c"},
                "spec": {
                    "suspend": True,
                    "schedule": "* * * * *",
                    "jobTemplate": {"spec": {"template": {"spec": {"restartPolicy": "Never", **_template()["spec"]}}}},
                },
            },
        ),
        Step(
            "POST",
            "/apis/batch/v1/namespaces/{ns}/jobs?dryRun=All",
            {
                "metadata": {"name": "j"},
                "spec": {"suspend": True, "template": {"spec": {"restartPolicy": "Never", **_template()["spec"]}}},
            },
            only="code",
            because="labels hold the uid",
        ),
        Step(
            "POST",
            f"{CORE}/pods",
            {"metadata": {"name": "p"}, "spec": {"schedulerName": "none", **_template()["spec"]}},
        ),
        Step("DELETE", f"{CORE}/pods/p"),
        Step(
            "POST",
            f"{CORE}/pods",
            {"metadata": {"name": "p"}, "spec": {"priorityClassName": "no-such", **_template()["spec"]}},
        ),
        Step(
            "POST",
            f"{CORE}/persistentvolumeclaims?dryRun=All",
            {
                "metadata": {"name": "v"},
                "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
            },
        ),
        Step(
            "POST",
            "/apis/autoscaling/v2/namespaces/{ns}/horizontalpodautoscalers?dryRun=All",
            {
                "metadata": {"name": "h"},
                "spec": {
                    "maxReplicas": 3,
                    "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"},
                },
            },
        ),
        Step(
            "POST",
            "/apis/policy/v1/namespaces/{ns}/poddisruptionbudgets?dryRun=All",
            {"metadata": {"name": "h"}, "spec": {"minAvailable": 1, "selector": {"matchLabels": {"a": "b"}}}},
        ),
        Step(
            "POST",
            "/apis/networking.k8s.io/v1/namespaces/{ns}/ingresses?dryRun=All",
            {
                "metadata": {"name": "i"},
                "spec": {
                    "rules": [
                        {
                            "host": "a.b",
                            "http": {
                                "paths": [
                                    {
                                        "path": "/",
                                        "pathType": "Prefix",
                                        "backend": {"service": {"name": "x", "port": {"number": 80}}},
                                    }
                                ]
                            },
                        }
                    ]
                },
            },
        ),
    ],
    "custom resources": [
        Step("POST", CRDS, {**_crd(), "metadata": {"name": "wrong.{ns}.example.com"}}),
        Step("POST", CRDS, _crd()),
        Step("GET", f"{WIDGETS}/none", only="code", because="the real server needs a moment"),
    ],
    "lease, quota, roles": [
        Step(
            "POST",
            "/apis/coordination.k8s.io/v1/namespaces/{ns}/leases",
            {"metadata": {"name": "l"}, "spec": {"holderIdentity": "me"}},
        ),
        Step(
            "PUT",
            "/apis/coordination.k8s.io/v1/namespaces/{ns}/leases/l",
            {"metadata": {"name": "l"}, "spec": {"holderIdentity": "you"}},
        ),
        Step(
            "PUT",
            "/apis/coordination.k8s.io/v1/namespaces/{ns}/leases/m",
            {"metadata": {"name": "m"}, "spec": {"holderIdentity": "you"}},
        ),
        Step(
            "POST",
            "/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/roles",
            {"metadata": {"name": "a:b"}, "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]},
        ),
        Step(
            "POST",
            "/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/rolebindings",
            {
                "metadata": {"name": "a/b"},
                "roleRef": {"kind": "Role", "name": "x", "apiGroup": "rbac.authorization.k8s.io"},
            },
        ),
        Step("POST", f"{CORE}/secrets", {"metadata": {"name": "s"}, "stringData": {"a": "b"}}),
        Step("POST", f"{CORE}/serviceaccounts", {"metadata": {"name": "s"}}),
        Step("DELETE", f"{CORE}/serviceaccounts/s"),
        Step(
            "POST",
            f"{CORE}/events",
            {
                "metadata": {"name": "e"},
                "involvedObject": {"kind": "Pod", "name": "p", "namespace": "{ns}"},
                "reason": "R",
                "message": "m",
                "type": "Normal",
            },
        ),
    ],
}

WIDGET_STEPS = [
    Step(
        "POST", WIDGETS, {"metadata": {"name": "w"}}, only="reason", because="quotes the body as the client spaced it"
    ),
    Step("POST", WIDGETS, _widget("w", mode="a", unknown=1, free={"x": 1})),
    Step("POST", f"{WIDGETS}?fieldValidation=Strict", _widget("v", mode="a", unknown=1)),
    Step("POST", WIDGETS, _widget("v", mode="c")),
    Step("POST", WIDGETS, _widget("v", size=0)),
    Step("POST", WIDGETS, _widget("v", mode="a", size="many")),
    Step("PATCH", f"{WIDGETS}/w/scale", {"spec": {"replicas": 2}}, MERGE),
    Step("PATCH", f"{WIDGETS}/w", {"spec": {"size": 9}}, STRATEGIC),
    Step(
        "PATCH",
        f"{WIDGETS}/w/status",
        {"status": {"note": "n"}, "spec": {"size": 8}, "metadata": {"labels": {"a": "b"}}},
        MERGE,
    ),
    Step("PATCH", f"{WIDGETS}/w", {"spec": {"size": 9}, "status": {"note": "m"}}, MERGE),
    Step("PATCH", f"{WIDGETS}/w?fieldManager=one", _widget("w", mode="b"), APPLY),
    Step("PATCH", f"{WIDGETS}/w?fieldManager=one&force=true", _widget("w", mode="b"), APPLY),
    Step("PUT", f"{WIDGETS}/w", _widget("w", mode="a")),
    Step("GET", f"{WIDGETS}/w"),
    Step("GET", WIDGETS),
    Step("GET", f"{WIDGETS}?fieldSelector=spec.size%3D3"),
    Step("DELETE", f"{WIDGETS}/w"),
    Step("DELETE", f"{CRDS}/widgets.{{ns}}.example.com"),
]
