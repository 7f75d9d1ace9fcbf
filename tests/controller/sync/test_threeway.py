"""Client-side apply: the three-way merge and its patch."""

from __future__ import annotations

import typing as t

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from controller.sync.threeway import LAST_APPLIED, desired, last_applied, merged, patch_for, with_last_applied
from tests.controller.test_status import merged as rfc7386


class Schema:
    """A schema of a few fields: what is not named is plain."""

    def __init__(
        self, merge_key: str = "", strategies: str = "", items: Schema | None = None, **fields: Schema
    ) -> None:
        self.merge_key, self.strategies = merge_key, frozenset(strategies.split(",")) - {""}
        self._items, self._fields = items, fields

    def field(self, name: str) -> Schema | None:
        return self._fields.get(name)

    def items(self) -> Schema | None:
        return self._items


ENV = Schema("name", "merge")
CONTAINERS = Schema("name", "merge", Schema(env=ENV, args=Schema()))
POD = Schema(spec=Schema(containers=CONTAINERS), metadata=Schema(finalizers=Schema("", "merge")))


def obj(**more: t.Any) -> dict[str, t.Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, **more}


def live_of(target: dict[str, t.Any], **more: t.Any) -> dict[str, t.Any]:
    applied = with_last_applied(target)
    return {**applied, **more, "metadata": {**applied["metadata"], "uid": "u", "resourceVersion": "7"}}


def test_applying_what_is_applied_changes_nothing() -> None:
    """Also when the server added fields of its own."""
    target = obj(data={"k": "v"})
    assert {} == patch_for(target, live_of(target, immutable=False), None)


def test_stated_fields_are_set_withdrawn_ones_removed_others_stay() -> None:
    """The three inputs of kubectl apply."""
    live = live_of(obj(data={"old": "1", "kept": "1"}))
    live["data"]["foreign"] = "x"
    patch = patch_for(obj(data={"kept": "2", "new": "1"}), live, None)
    assert {"old": None, "kept": "2", "new": "1"} == patch["data"]
    assert "7" == patch["metadata"]["resourceVersion"]
    result = rfc7386(live, patch)
    assert {"kept": "2", "new": "1", "foreign": "x"} == result["data"]
    assert {"kept": "2", "new": "1"} == last_applied(result)["data"]
    assert "u" == result["metadata"]["uid"]


def test_lists_with_a_merge_key_are_merged_item_by_item() -> None:
    """An injected sidecar and a defaulted field stay, a withdrawn container goes."""
    before = obj(spec={"containers": [{"name": "web", "image": "1"}, {"name": "old", "image": "1"}]})
    live = live_of(before)
    live["spec"]["containers"] = [
        {"name": "web", "image": "1", "imagePullPolicy": "Always", "env": [{"name": "INJECTED", "value": "1"}]},
        {"name": "old", "image": "1"},
        {"name": "sidecar", "image": "s"},
    ]
    target = obj(spec={"containers": [{"name": "web", "image": "2", "env": [{"name": "A", "value": "1"}]}]})
    result = rfc7386(live, patch_for(target, live, POD))
    assert [
        {
            "name": "web",
            "image": "2",
            "imagePullPolicy": "Always",
            "env": [{"name": "A", "value": "1"}, {"name": "INJECTED", "value": "1"}],
        },
        {"name": "sidecar", "image": "s"},
    ] == result["spec"]["containers"]


def test_lists_without_a_merge_key_are_replaced() -> None:
    """As for all lists of custom resources."""
    live = live_of(obj(spec={"args": ["a"]}))
    live["spec"]["args"] = ["a", "foreign"]
    assert ["b"] == rfc7386(live, patch_for(obj(spec={"args": ["b"]}), live, None))["spec"]["args"]


def test_sets_of_scalars_keep_what_others_added() -> None:
    """Finalizers: a withdrawn one goes, a foreign one stays."""
    before = {"metadata": {"finalizers": ["old", "kept"]}}
    live = {"metadata": {"finalizers": ["old", "kept", "foreign"]}}
    result = merged(before, {"metadata": {"finalizers": ["kept", "new"]}}, live, POD)
    assert ["kept", "new", "foreign"] == result["metadata"]["finalizers"]


def test_retain_keys_drops_what_is_not_stated() -> None:
    """Of a one-of such as a deployment strategy only the stated branch stays."""
    strategy = Schema(strategy=Schema("", "retainKeys"))
    live = {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}
    assert {"strategy": {"type": "Recreate"}} == merged({}, {"strategy": {"type": "Recreate"}}, live, strategy)


def test_null_in_a_manifest_removes_the_field() -> None:
    """As kubectl does."""
    assert {"b": 1} == merged({}, {"a": None}, {"a": 1, "b": 1}, None)
    assert {"x": {"b": 1}} == merged({}, {"x": {"a": None, "b": 1}}, {}, None)


def test_the_text_of_a_secret_becomes_data() -> None:
    """So that a value that leaves stringData also leaves the object."""
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"k": "v"}}
    assert {"k": "dg=="} == desired(secret)["data"]
    assert "stringData" not in desired(secret)


def test_server_fields_in_a_manifest_are_left_out() -> None:
    """An exported manifest applies like a written one."""
    exported = obj(status={"x": 1})
    exported["metadata"].update(uid="u", resourceVersion="3", creationTimestamp=None, managedFields=[])
    exported["metadata"]["annotations"] = {LAST_APPLIED: "{}", "own": "1"}
    assert obj(metadata={"name": "a", "annotations": {"own": "1"}}) == desired(exported)


def test_a_manifest_too_large_to_be_remembered_is_applied_without() -> None:
    """The annotation would be refused by the API server."""
    large = obj(data={"k": "x" * 300_000})
    assert LAST_APPLIED not in with_last_applied(large)["metadata"].get("annotations", {})


KEYS = st.sampled_from("abcd")
VALUES = st.recursive(st.integers(0, 2), lambda inner: st.dictionaries(KEYS, inner, max_size=3), max_leaves=6)
DATA = st.dictionaries(KEYS, VALUES, max_size=4)


@given(DATA, DATA, DATA)
def test_apply_is_idempotent_and_states_what_was_wanted(before: t.Any, wanted: t.Any, foreign: t.Any) -> None:
    """After one apply every stated field is as stated, and a second apply changes nothing."""
    live = live_of(obj(data=before))
    live["data"] = {**foreign, **live["data"]}
    target = obj(data=wanted)
    result = rfc7386(live, patch_for(target, live, None))
    assert {} == {k: v for k, v in patch_for(target, result, None).items() if k != "metadata"}

    def states(want: t.Any, have: t.Any) -> bool:
        if isinstance(want, dict):
            return isinstance(have, dict) and all(k in have and states(v, have[k]) for k, v in want.items())
        return bool(want == have)

    assert states(wanted, result["data"])
    assert msgspec.json.decode(result["metadata"]["annotations"][LAST_APPLIED])["data"] == wanted
