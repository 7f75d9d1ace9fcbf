"""Field ownership: sequences of writes by several managers, beside the real server."""

import copy
import time
from collections.abc import Callable
from typing import Any

import pytest

from sandbox import managed
from sandbox.managed.fields import decode, encode, in_order, text
from sandbox.schema import from_structural, schema_for
from tests.sandbox import real
from tests.stage.cluster import Cluster

Obj = dict[str, Any]
NOW, LATER = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"
DEPLOYMENT = schema_for("apps", "v1", "Deployment")
CONFIG_MAP = schema_for("", "v1", "ConfigMap")


def _deployment(**spec: Any) -> Obj:
    container = {"name": "c", "image": "i", "ports": [{"containerPort": 80}], "env": [{"name": "A", "value": "1"}]}
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [container]}}
    body = {"selector": {"matchLabels": {"a": "b"}}, "template": template, **spec}
    meta = {"name": "x", "labels": {"a": "1"}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": body}


def _changed(obj: Obj, change: Callable[[Obj], None]) -> Obj:
    out = copy.deepcopy(obj)
    change(out)
    return out


FULL = _deployment(replicas=2)
PART: Obj = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "x"},
    "spec": {
        "replicas": 3,
        "template": {"spec": {"containers": [{"name": "c", "env": [{"name": "B", "value": "2"}]}]}},
    },
}
SIDE = _changed(FULL, lambda o: o["spec"]["template"]["spec"]["containers"].append({"name": "side", "image": "s"}))
SIDE["spec"].pop("replicas")
RELABELLED = _changed(FULL, lambda o: o["metadata"].update(labels={"z": "9"}))
CONFIG: Obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"a": "1", "b": "2"}}
OTHER_DATA: Obj = {**CONFIG, "data": {"a": "7", "c": "2"}}
SERVICE: Obj = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "x"},
    "spec": {
        "selector": {"a": "b"},
        "ports": [
            {"port": 80, "name": "a"},
            {"port": 443, "name": "b", "protocol": "TCP"},
            {"port": 53, "protocol": "UDP", "name": "c"},
        ],
    },
}


def _scale(size: int) -> Callable[[Obj], None]:
    return lambda obj: obj["spec"].update(replicas=size)


def _finalizer(obj: Obj) -> None:
    obj["metadata"].update(finalizers=["x.io/y"], annotations={"n": "m"})


def _no_finalizer(obj: Obj) -> None:
    obj["metadata"].update(finalizers=[])


SEQUENCES: dict[str, tuple[str, str, str, list[tuple[str, str, Any, bool]]]] = {
    "appliers share and fight over a Deployment": (
        "apps/v1", "deployments", "Deployment",
        [("apply", "m1", FULL, False), ("apply", "m1", FULL, False), ("apply", "m2", PART, False),
         ("apply", "m2", PART, True), ("apply", "m1", SIDE, False), ("apply", "m1", RELABELLED, True),
         ("apply", "m2", {**PART, "spec": {}}, False)],
    ),
    "an editor comes between": (
        "apps/v1", "deployments", "Deployment",
        [("create", "maker", FULL, False), ("edit", "ed", _scale(5), False), ("edit", "ed", _scale(5), False),
         ("apply", "m1", FULL, False), ("apply", "m1", FULL, True), ("apply", "m1", SIDE, False)],
    ),
    "ports, selectors and finalizers": (
        "v1", "services", "Service",
        [("apply", "m1", SERVICE, False), ("edit", "ed", _finalizer, False),
         ("apply", "m1", _changed(SERVICE, lambda o: o["spec"]["ports"].pop(1)), False),
         ("apply", "m2", _changed(SERVICE, lambda o: o["spec"].update(selector={"a": "c"})), False),
         ("apply", "m2", _changed(SERVICE, lambda o: o["spec"].update(selector={"a": "c"})), True),
         ("edit", "ed", _no_finalizer, False)],
    ),
    "data of a ConfigMap": (
        "v1", "configmaps", "ConfigMap",
        [("create", "maker", CONFIG, False), ("apply", "m1", CONFIG, False),
         ("apply", "m1", {**CONFIG, "data": {}}, False), ("apply", "m2", OTHER_DATA, False),
         ("apply", "m2", OTHER_DATA, True), ("edit", "ed", lambda o: o.pop("data"), False)],
    ),
}  # fmt: skip


def _entries(obj: Obj) -> list[Obj]:
    """ManagedFields without times and without what the cluster's controllers wrote, sorted."""
    found = [
        entry for entry in obj["metadata"].get("managedFields") or () if entry["manager"] != "kube-controller-manager"
    ]
    plain = [{key: value for key, value in entry.items() if key != "time"} for entry in found]
    return sorted(plain, key=lambda entry: (entry["manager"], entry["operation"]))


def _put(cluster: Cluster, path: str, manager: str, change: Callable[[Obj], None]) -> tuple[Obj, Obj]:
    """A replace that is repeated while controllers write in between: the object before and after."""
    for _ in range(20):
        _, before = real.send(cluster, "GET", path)
        status, after = real.send(cluster, "PUT", path, _changed(before, change), fieldManager=manager)
        if status == 200:
            return before, after
        time.sleep(0.05)
    raise AssertionError(after)


@pytest.mark.parametrize("name", SEQUENCES)
def test_the_real_server_notes_the_same_owners(real_cluster: Cluster, namespace: str, name: str) -> None:
    """After every write of a sequence the owners, or the text of the refusal, are those of the real server."""
    version, resource, kind, steps = SEQUENCES[name]
    schema = schema_for(version.rpartition("/")[0], version, kind)
    base = real.collection(version, resource, namespace)
    for action, manager, body, force in steps:
        status, before = real.send(real_cluster, "GET", f"{base}/x")
        live = before if status == 200 else None
        if action == "apply":
            options = {"fieldManager": manager, "force": str(force).lower()}
            status, after = real.send(real_cluster, "PATCH", f"{base}/x", body, real.APPLY, **options)
            try:
                mine = managed.apply(live, body, manager=manager, force=force, schema=schema, version=version, now=NOW)
            except managed.ApplyConflict as conflict:
                assert (409, after["message"]) == (status, str(conflict))
                assert [cause["field"] for cause in after["details"]["causes"]] == [
                    path for _, path in conflict.conflicts
                ]
                continue
            assert status in (200, 201), after
        elif action == "create":
            _, after = real.send(real_cluster, "POST", base, body, fieldManager=manager)
            plain = _changed(after, lambda obj: obj["metadata"].pop("managedFields", None))
            mine = managed.track_update(None, plain, manager=manager, schema=schema, version=version, now=NOW)
        else:
            live, after = _put(real_cluster, f"{base}/x", manager, body)
            plain = _changed(after, lambda obj: obj["metadata"].pop("managedFields", None))
            mine = managed.track_update(live, plain, manager=manager, schema=schema, version=version, now=NOW)
        assert _entries(after) == _entries(mine), f"after {action} by {manager}"


@pytest.mark.parametrize(
    "change",
    [
        lambda o: o["spec"].update(foo=1),
        lambda o: o["spec"].update(replicas="x"),
        lambda o: o["spec"].update(paused="no"),
        lambda o: o["spec"]["template"]["spec"]["containers"].append({"name": "c"}),
    ],
)
def test_a_configuration_that_does_not_fit_is_refused_in_the_same_words(
    real_cluster: Cluster, change: Callable[[Obj], None]
) -> None:
    """Undeclared fields, wrong types and duplicates."""
    body = _changed(FULL, change)
    path = real.collection("apps/v1", "deployments", "default") + "/x"
    status, answer = real.send(real_cluster, "PATCH", path, body, real.APPLY, fieldManager="m", dryRun="All")
    with pytest.raises(managed.TypedPatchError) as refusal:
        managed.apply(None, body, manager="m", force=False, schema=DEPLOYMENT, version="apps/v1", now=NOW)

    assert 500 == status
    assert f"failed to create typed patch object (/x; apps/v1, Kind=Deployment): {refusal.value}" == answer["message"]


def _apply(live: Obj | None, body: Obj, manager: str, *, now: str = NOW, force: bool = False) -> Obj:
    return managed.apply(live, body, manager=manager, force=force, schema=CONFIG_MAP, version="v1", now=now)


def test_applying_the_same_again_changes_nothing() -> None:
    """Not even the time."""
    once = _apply(None, CONFIG, "m1")

    assert once == _apply(once, CONFIG, "m1", now=LATER)


def test_what_is_no_longer_applied_goes_unless_somebody_else_owns_it() -> None:
    """One key is shared, the other is not."""
    first = _apply(None, CONFIG, "m1")
    shared = _apply(first, {**CONFIG, "data": {"a": "1"}}, "m2")
    left = _apply(shared, {**CONFIG, "data": {}}, "m1")

    assert {"a": "1"} == left["data"]


def test_a_conflict_names_owner_and_path() -> None:
    """Several conflicts are listed by owner."""
    live = _apply(None, CONFIG, "m1")
    with pytest.raises(managed.ApplyConflict) as conflict:
        _apply(live, {**CONFIG, "data": {"a": "9", "b": "9"}}, "m2")

    assert [('"m1"', ".data.a"), ('"m1"', ".data.b")] == conflict.value.conflicts
    assert 'Apply failed with 2 conflicts: conflicts with "m1":\n- .data.a\n- .data.b' == str(conflict.value)


def test_kubectl_may_overwrite_its_own_client_side_apply() -> None:
    """Fields that the last-applied annotation still describes are no conflict for kubectl."""
    note = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"data":{"a":"1","b":"2"}}'
    key = "kubectl.kubernetes.io/last-applied-configuration"
    made = _changed(CONFIG, lambda o: o["metadata"].update(annotations={key: note}))
    live = managed.track_update(
        None, made, manager="kubectl-client-side-apply", schema=CONFIG_MAP, version="v1", now=NOW
    )
    body = {**CONFIG, "data": {"a": "3", "b": "2"}}

    assert "3" == _apply(live, body, "kubectl")["data"]["a"]
    with pytest.raises(managed.ApplyConflict):
        _apply(live, body, "other")


def test_an_object_without_owners_keeps_its_fields() -> None:
    """The first apply puts them under before-first-apply."""
    live = {**CONFIG, "metadata": {"name": "x", "uid": "u"}}
    after = _apply(live, {**CONFIG, "data": {"a": "1"}}, "m1")

    assert {"a": "1", "b": "2"} == after["data"]
    assert ["m1", "before-first-apply"] == [entry["manager"] for entry in after["metadata"]["managedFields"]]


def test_an_empty_entry_resets_the_owners() -> None:
    """As the documented way to forget them."""
    live = _apply(None, CONFIG, "m1")
    new = _changed(live, lambda o: o["metadata"].update(managedFields=[{}]))
    after = managed.track_update(live, new, manager="ed", schema=CONFIG_MAP, version="v1", now=NOW)

    assert "managedFields" not in after["metadata"]


def test_update_managers_do_not_grow_without_end() -> None:
    """Beyond ten the oldest are merged."""
    live = managed.track_update(None, CONFIG, manager="maker", schema=CONFIG_MAP, version="v1", now=NOW)
    for number in range(30):
        new = _changed(live, lambda o, n=number: o["data"].update({f"k{n}": "v"}))
        new["metadata"].pop("managedFields")
        now = f"2026-01-01T00:00:{number:02d}Z"
        live = managed.track_update(live, new, manager=f"m{number}", schema=CONFIG_MAP, version="v1", now=now)
    names = [entry["manager"] for entry in live["metadata"]["managedFields"]]

    assert 10 == len(names)
    assert "ancient-changes" in names


def test_custom_resources_follow_their_schema() -> None:
    """Associative lists by key, undeclared parts as free-form."""
    item = {"type": "object", "properties": {"id": {"type": "string"}, "v": {"type": "integer"}}}
    listed = {"type": "array", "items": item, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["id"]}
    node = from_structural(
        {"type": "object", "properties": {"spec": {"type": "object", "properties": {"items": listed}}}}
    )
    head: Obj = {"apiVersion": "e.x/v1", "kind": "W", "metadata": {"name": "w"}}

    def apply(live: Obj | None, manager: str, *items: Obj) -> Obj:
        body = {**head, "spec": {"items": list(items)}}
        return managed.apply(live, body, manager=manager, force=False, schema=node, version="e.x/v1", now=NOW)

    both = apply(apply(None, "m1", {"id": "a", "v": 1}), "m2", {"id": "b", "v": 2})
    one = apply(both, "m1")

    assert [{"id": "a", "v": 1}, {"id": "b", "v": 2}] == both["spec"]["items"]
    assert [{"id": "b", "v": 2}] == one["spec"]["items"]


def test_field_sets_survive_their_encoding() -> None:
    """Encoding and decoding are inverse, and paths print as the server prints them."""
    fields = {("f:spec",), ("f:spec", 'k:{"name":"a"}'), ("f:spec", 'k:{"name":"a"}', "f:x"), ("f:l", 'v:"q"')}

    assert fields == decode(encode(fields))
    assert [".spec", '.l[="q"]', '.spec[name="a"]', '.spec[name="a"].x'] == [text(path) for path in in_order(fields)]
