"""Strategic merge patch, beside the real server."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.defaults import apply_defaults
from sandbox.patch import PatchError, apply_strategic
from sandbox.schema import schema_for
from tests.sandbox import real
from tests.stage.cluster import Cluster

Obj = dict[str, Any]
DEPLOYMENT = schema_for("apps", "v1", "Deployment")


def _pods(*containers: Obj, **spec: Any) -> Obj:
    return {"spec": {"template": {"spec": {"containers": list(containers), **spec}}}}


LIVE: Obj = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "x", "finalizers": ["a.io/a", "b.io/b"], "annotations": {"k": "v"}},
    "spec": {
        "replicas": 0,
        "selector": {"matchLabels": {"a": "b"}},
        "template": {
            "metadata": {"labels": {"a": "b"}},
            "spec": {
                "containers": [
                    {"name": "a", "image": "a", "args": ["1", "2"], "env": [{"name": "E", "value": "1"}]},
                    {"name": "b", "image": "b", "ports": [{"containerPort": 80}, {"containerPort": 81}]},
                ],
                "volumes": [{"name": "v", "emptyDir": {}}],
            },
        },
    },
}
PATCHES: dict[str, Obj] = {
    "merge by name": _pods({"name": "b", "image": "b2"}),
    "new item": _pods({"name": "c", "image": "c"}),
    "new and old item": _pods({"name": "c", "image": "c"}, {"name": "b", "image": "b3"}),
    "delete item": _pods({"name": "a", "$patch": "delete"}),
    "delete item and name it anew": _pods({"name": "b", "$patch": "delete"}, {"name": "b", "image": "b4"}),
    "new item is taken as it stands": _pods(
        {"name": "c", "image": "c", "env": [{"name": "E", "value": "1"}, {"name": "E", "value": "2"}, {"name": "F"}]}
    ),
    "replace list": _pods({"$patch": "replace"}, {"name": "z", "image": "z"}),
    "atomic list": _pods({"name": "a", "args": ["3"]}),
    "nested list": _pods({"name": "a", "env": [{"name": "F", "value": "2"}, {"name": "E", "value": "9"}]}),
    "merge key of ports": _pods({"name": "b", "ports": [{"containerPort": 81, "name": "n"}]}),
    "null removes": {"metadata": {"annotations": None}, "spec": {"replicas": 3}},
    "replace map": {"metadata": {"annotations": {"$patch": "replace", "n": "m"}}},
    "delete map": {"metadata": {"annotations": {"$patch": "delete"}}},
    "retain keys": {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}},
    "retain keys of a volume": _pods(
        {"name": "a"}, volumes=[{"name": "v", "$retainKeys": ["name", "hostPath"], "hostPath": {"path": "/h"}}]
    ),
    "primitive list": {"metadata": {"finalizers": ["c.io/c"]}},
    "delete from primitive list": {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a.io/a"]}},
    "order": {
        "spec": {
            "template": {
                "spec": {
                    "$setElementOrder/containers": [{"name": "b"}, {"name": "c"}, {"name": "a"}],
                    "containers": [{"name": "c", "image": "c"}],
                }
            }
        }
    },
}


@pytest.fixture(scope="module")
def live(real_cluster: Cluster) -> Any:
    """The object on the real server, removed afterwards."""
    path = real.collection("apps/v1", "deployments", "default")
    body = copy.deepcopy(LIVE)
    body["metadata"]["name"] = "strategic-patches"
    status, made = real.send(real_cluster, "POST", path, body)
    assert 201 == status, made
    yield made
    free = {"metadata": {"finalizers": None}}
    real.send(real_cluster, "DELETE", f"{path}/strategic-patches")
    real.send(real_cluster, "PATCH", f"{path}/strategic-patches", free, "application/merge-patch+json")


def _merged(cluster: Cluster, path: str, patch: Obj) -> tuple[Obj, Obj]:
    """The object before and after a patch that changes nothing: the deployment controller annotates it meanwhile."""
    for _ in range(20):
        _, before = real.send(cluster, "GET", path)
        kind = "application/strategic-merge-patch+json"
        status, after = real.send(cluster, "PATCH", path, patch, kind, dryRun="All")
        assert 200 == status, after
        _, still = real.send(cluster, "GET", path)
        if before["metadata"]["resourceVersion"] == still["metadata"]["resourceVersion"]:
            return before, after
    raise AssertionError("somebody writes the object all the time")


@pytest.mark.parametrize("name", PATCHES)
def test_the_real_server_merges_the_same(real_cluster: Cluster, live: Obj, name: str) -> None:
    """The specification, finalizers and annotations after each patch."""
    path = real.collection("apps/v1", "deployments", "default") + "/strategic-patches"
    before, after = _merged(real_cluster, path, PATCHES[name])

    mine = apply_strategic(before, PATCHES[name], DEPLOYMENT)
    apply_defaults(("apps", "deployments"), "apps/v1", mine)

    assert after["spec"] == mine["spec"]
    for key in ("finalizers", "annotations"):
        assert after["metadata"].get(key) == mine["metadata"].get(key)


def _ordered(order: str, containers: list[Obj] | None) -> Obj:
    named = [{"name": name} for name in order]
    return {"spec": {"template": {"spec": {"$setElementOrder/containers": named, "containers": containers}}}}


ITEMS: list[Obj] = [{"name": "c", "image": "c"}, {"name": "a", "image": "a2"}]


@pytest.mark.parametrize(
    ("patch", "code"),
    [
        (_ordered("b", ITEMS), 500),
        (_ordered("ac", ITEMS), 500),
        (_ordered("ab", None), 500),
        (_ordered("bca", ITEMS), 200),
        (_ordered("ab", [{"name": "c", "$patch": "delete"}]), 200),
    ],
    ids=["not named", "another order", "no list", "among others", "deleted"],
)
def test_a_list_that_its_order_does_not_name_is_refused(
    real_cluster: Cluster, live: Obj, patch: Obj, code: int
) -> None:
    """$setElementOrder names every item of the list, in the list's order; else both servers fail."""
    path = real.collection("apps/v1", "deployments", "default") + "/strategic-patches"
    kind = "application/strategic-merge-patch+json"
    status, _ = real.send(real_cluster, "PATCH", path, patch, kind, dryRun="All")
    assert code == status
    if code == 200:
        apply_strategic(live, patch, DEPLOYMENT)
        return
    with pytest.raises(PatchError) as refusal:
        apply_strategic(live, patch, DEPLOYMENT)
    assert code == refusal.value.code


@pytest.mark.parametrize(
    "patch", [[], {"metadata": {"annotations": {"$patch": "explode"}}}, _pods({"image": "no name"})]
)
def test_what_cannot_be_applied_is_refused(patch: Any) -> None:
    """No object, an unknown directive, a missing merge key: all 400."""
    with pytest.raises(PatchError) as refusal:
        apply_strategic(LIVE, patch, DEPLOYMENT)

    assert 400 == refusal.value.code


CONTAINERS = st.lists(
    st.builds(lambda name, image: {"name": name, "image": image}, st.sampled_from("abcd"), st.sampled_from("xy")),
    unique_by=lambda item: item["name"],
    max_size=4,
)


@given(CONTAINERS, CONTAINERS)
def test_merging_by_key_keeps_every_name_once(old: list[Obj], new: list[Obj]) -> None:
    """All names of both sides are there once, with the patch's values, and applying again changes nothing."""
    live, patch = _pods(*old), _pods(*new)
    before = copy.deepcopy((live, patch))
    after = apply_strategic(live, patch, DEPLOYMENT)
    merged = after["spec"]["template"]["spec"]["containers"]

    assert {item["name"]: item["image"] for item in [*old, *new]} == {item["name"]: item["image"] for item in merged}
    assert len(merged) == len({item["name"] for item in merged})
    assert merged == apply_strategic(after, patch, DEPLOYMENT)["spec"]["template"]["spec"]["containers"]
    assert before == (live, patch)
