"""Targets made ready and paired: namespaces by scope, tracking, duplicates, exclusions, what may be pruned."""

import json
from typing import Any

import pytest

from controller.compare import tracking
from controller.compare.diff import compare
from controller.compare.ignore import IgnoreRules
from controller.compare.normalise import Prepared, prepare_targets
from controller.compare.pairs import pair
from controller.kube.cluster import tracker_for
from controller.kube.discovery import ApiResource
from controller.kube.store import ObjectStore, StoredObject, read_stored
from model.application import IgnoreDifference
from model.errors import ApiUnavailable
from model.meta import JSON, GroupKind, ResourceKey
from model.settings import Settings

KINDS = {
    ("", "ConfigMap"): ApiResource("", "v1", "ConfigMap", "configmaps", True),
    ("", "Namespace"): ApiResource("", "v1", "Namespace", "namespaces", False),
    ("apps", "Deployment"): ApiResource("apps", "v1", "Deployment", "deployments", True),
    ("coordination.k8s.io", "Lease"): ApiResource("coordination.k8s.io", "v1", "Lease", "leases", True),
}
TRACKING = "argocd.argoproj.io/tracking-id"


class Kinds:
    """A discovery of four kinds; one group does not answer."""

    def find(self, group: str, kind: str, version: str = "") -> ApiResource | None:
        if group == "silent.example.com":
            raise ApiUnavailable("the API group silent.example.com does not answer")
        found = KINDS.get((group, kind))
        return found if found and version in ("", found.version) else None


def obj(kind: str = "ConfigMap", name: str = "a", version: str = "v1", **metadata: Any) -> JSON:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, **metadata}}


def prepare(*objects: JSON, **settings: Any) -> Prepared:
    return prepare_targets(
        [json.dumps(o).encode() for o in objects],
        instance="shop",
        destination_namespace="dest",
        discovery=Kinds(),
        settings=Settings(**settings),
        server="https://c",
    )


def test_namespaces_follow_the_scope() -> None:
    """Namespaced objects get the destination's namespace, cluster-scoped ones lose theirs."""
    found = prepare(obj(), obj(name="b", namespace="own"), obj("Namespace", "n", namespace="x")).targets

    assert ["dest", "own", None] == [target["metadata"].get("namespace") for target in found]
    assert "shop:/ConfigMap:dest/a" == found[0]["metadata"]["annotations"][TRACKING]
    assert "shop:/Namespace:dest/n" == found[2]["metadata"]["annotations"][TRACKING]


def test_an_unknown_scope_is_reported_and_not_assumed() -> None:
    """Kinds that the server lacks, or whose group does not answer, are named with the reason."""
    found = prepare(
        obj("Thing", version="x.io/v1"),
        obj("Mute", version="silent.example.com/v1"),
        obj("Deployment", version="apps/v9"),
    )

    assert {("x.io", "Thing"), ("silent.example.com", "Mute"), ("apps", "Deployment")} == set(found.unknown_kinds)
    assert "namespace" not in found.targets[0]["metadata"]
    assert "does not serve apps/v9" in found.unknown_kinds[GroupKind("apps", "Deployment")]


def test_the_scope_of_an_own_crd_is_known() -> None:
    """An object whose CRD comes with the application takes its scope from there."""
    crd = {
        **obj("CustomResourceDefinition", "things.x.io", "apiextensions.k8s.io/v1"),
        "spec": {"group": "x.io", "names": {"kind": "Thing"}, "scope": "Namespaced"},
    }
    found = prepare(obj("Thing", version="x.io/v1"), crd)

    assert "dest" == found.targets[0]["metadata"]["namespace"]
    assert GroupKind("x.io", "Thing") not in found.unknown_kinds
    assert "annotations" not in found.targets[1]["metadata"]


def test_duplicates_and_excluded_kinds_are_reported() -> None:
    """Of two equal keys the last counts; excluded kinds are left out; both are said."""
    found = prepare(
        obj(labels={"v": "1"}),
        obj(labels={"v": "2"}, namespace="dest"),
        obj("Lease", version="coordination.k8s.io/v1"),
        exclusions=({"apiGroups": ["apps"], "kinds": ["Dep*"], "clusters": ["https://*"]},),
    )

    assert [{"v": "2"}] == [target["metadata"]["labels"] for target in found.targets]
    assert ["ExcludedResourceWarning", "RepeatedResourceWarning"] == [str(w.type) for w in found.warnings]
    assert [] == prepare(obj("Deployment", version="apps/v1"), exclusions=({"kinds": ["Deployment"]},)).targets
    assert [] == prepare(obj(), inclusions=({"kinds": ["Deployment"]},)).targets


@pytest.mark.parametrize(
    ("method", "label", "annotated"),
    [("annotation", None, True), ("label", "x" * 70 + "-", False), ("annotation+label", "x" * 63, True)],
)
def test_tracking_methods(method: Any, label: str | None, annotated: bool) -> None:
    """Annotation, whole label, or annotation with a label cut to what Kubernetes allows."""
    found = obj(annotations={tracking.INSTALLATION_ANNOTATION: "old"}, namespace="n")
    tracking.mark(found, "x" * 70 + "-", "dest", Settings(tracking_method=method))

    assert label == (found["metadata"].get("labels") or {}).get("app.kubernetes.io/instance")
    assert annotated == (TRACKING in found["metadata"]["annotations"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("shop:apps/Deployment:n/web", True),
        ("shop:apps/Deployment:other/web", False),
        ("shop:apps/Deployment:n/other", False),
        ("shop:/Deployment:n/web", False),
        ("shop", False),
        ("a:b:c", False),
        ("shop:apps/Deployment:n/web/x", False),
        ("", False),
    ],
)
def test_self_reference(text: str, expected: bool) -> None:
    """Only a tracking-id that names the very object counts."""
    assert expected == tracking.is_self_reference(text, ResourceKey("apps", "Deployment", "n", "web"))


def live(name: str, tracking_id: str = "", **metadata: Any) -> StoredObject:
    annotations = {TRACKING: tracking_id or f"shop:/ConfigMap:n/{name}", **metadata.pop("annotations", {})}
    found = obj(name=name, namespace="n", uid=f"u-{name}", annotations=annotations, **metadata)
    return read_stored(json.dumps(found).encode(), "", "v1", "ConfigMap")


def stored(*objects: StoredObject, settings: Settings | None = None) -> ObjectStore:
    store = ObjectStore(tracker_for(settings or Settings()))
    store.apply({o.header.key: o for o in objects})
    return store


def test_only_our_own_objects_are_prune_candidates() -> None:
    """Copied annotations, owned objects, hooks and other instances never become live-only pairs."""
    store = stored(
        live("gone"),
        live("declared"),
        live("copied", "shop:/ConfigMap:n/original"),
        live("owned", ownerReferences=[{"uid": "u"}]),
        live("hook", annotations={"argocd.argoproj.io/hook": "Sync"}),
        live("helm-hook", annotations={"helm.sh/hook": "test"}),
        live("foreign", "other:/ConfigMap:n/foreign"),
    )
    pairs = pair([obj(name="declared", namespace="n")], store, instance="shop", settings=Settings())

    assert [("declared", True), ("gone", False)] == [(p.key.name, p.target is not None) for p in pairs]


def test_an_object_of_another_application_is_named_as_shared() -> None:
    """The pair says whose the live object is."""
    store = stored(live("a", "other:/ConfigMap:n/a"))
    (found,) = pair([obj(namespace="n")], store, instance="shop", settings=Settings())

    assert "other" == found.shared_with


def test_another_installation_is_left_alone() -> None:
    """With an installation id set, objects that carry none or another are no prune candidates."""
    settings = Settings(installation_id="one")
    store = stored(live("a"), live("b", annotations={tracking.INSTALLATION_ANNOTATION: "one"}))

    assert ["b"] == [p.key.name for p in pair([], store, instance="shop", settings=settings)]


def test_label_tracking_finds_its_objects() -> None:
    """With the label method the label alone tells whose an object is."""
    settings = Settings(tracking_method="label")
    store = stored(live("a", "x", labels={"app.kubernetes.io/instance": "shop"}), live("b"), settings=settings)

    assert ["a"] == [p.key.name for p in pair([], store, instance="shop", settings=settings)]


def test_jq_expressions_are_reported() -> None:
    """What is not evaluated is said, and so is a pointer without a slash or unreadable settings."""
    rule = IgnoreDifference(group="apps", kind="*", jq_path_expressions=[".spec"], json_pointers=["spec/x", "/spec/y"])
    customizations = {"ignoreDifferences.all": "jsonPointers: [/metadata/z]", "ignoreDifferences.apps_Deployment": "[["}
    rules = IgnoreRules.build([rule], Settings(customizations=customizations))

    assert 3 == len(rules.problems)
    assert "jqPathExpressions: '.spec' is not evaluated" in rules.problems[2]
    assert [("spec", "y"), ("metadata", "z")] == rules.pointers(ResourceKey("apps", "Deployment", "n", "a"))
    assert [("metadata", "z")] == rules.pointers(ResourceKey("", "Service", "n", "a"))


def test_one_sided_pairs() -> None:
    """A missing object is modified, a live-only one is not, and no value of a Secret is shown."""
    secret = {**obj("Secret", namespace="n"), "stringData": {"k": "hunter2"}}

    assert compare(secret, None).modified
    assert not compare(None, secret).modified
    for verdict in (compare(secret, None), compare(None, secret)):
        assert "hunter2" not in repr(verdict)
        assert "aHVudGVyMg" not in repr(verdict)
