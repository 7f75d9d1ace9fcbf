"""JSON Patch and JSON Merge Patch."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.patch import PatchError, apply_json, apply_merge

NAMES = st.text("xyz", min_size=1, max_size=2)
PLAIN = st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab", max_size=2)
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=10,
)
OBJECTS = st.dictionaries(NAMES, VALUES, max_size=4)


def test_operations_apply_in_order() -> None:
    """Add, replace, move, copy and remove."""
    patch = [
        {"op": "add", "path": "/a/-", "value": 3},
        {"op": "replace", "path": "/b", "value": 2},
        {"op": "copy", "from": "/b", "path": "/c"},
        {"op": "move", "from": "/b", "path": "/d"},
        {"op": "remove", "path": "/a/0"},
        {"op": "test", "path": "/c", "value": 2},
    ]

    assert {"a": [3], "c": 2, "d": 2} == apply_json({"a": [1], "b": 1}, patch)


@pytest.mark.parametrize(
    ("patch", "code"),
    [
        ([{"op": "test", "path": "/a", "value": 2}], 422),
        ([{"op": "remove", "path": "/missing"}], 422),
        ([{"op": "replace", "path": "/x/y", "value": 1}], 422),
        ([{"op": "jump", "path": "/a"}], 422),
        ({"op": "add"}, 400),
        (["add"], 400),
        ([{"op": "test", "path": "/a", "value": 1}] * 10_001, 413),
    ],
)
def test_what_does_not_apply_is_refused(patch: Any, code: int) -> None:
    """A malformed patch is the client's fault, one that does not fit is unprocessable; the object stays."""
    obj = {"a": 1}
    with pytest.raises(PatchError) as refusal:
        apply_json(obj, patch)

    assert code == refusal.value.code
    assert {"a": 1} == obj


def test_a_test_that_fails_changes_nothing_before_it() -> None:
    """All or nothing."""
    obj = {"a": 1}
    with pytest.raises(PatchError, match="testing value /a failed"):
        apply_json(obj, [{"op": "add", "path": "/b", "value": 1}, {"op": "test", "path": "/a", "value": 2}])

    assert {"a": 1} == obj


def test_null_removes_and_lists_replace() -> None:
    """The examples of RFC 7386."""
    assert {"a": {"b": 2, "d": 1}, "l": [3]} == apply_merge(
        {"a": {"b": 1, "c": 1, "d": 1}, "l": [1, 2]}, {"a": {"b": 2, "c": None}, "l": [3]}
    )
    assert {"a": {"b": {}}} == apply_merge({"a": [1]}, {"a": {"b": {"c": None}}})


def test_a_merge_patch_must_be_an_object() -> None:
    """A list cannot be merged."""
    with pytest.raises(PatchError, match="cannot unmarshal"):
        apply_merge({}, [])


@given(OBJECTS, OBJECTS)
def test_merging_twice_is_merging_once(obj: dict[str, Any], patch: dict[str, Any]) -> None:
    """A merge patch is idempotent, and neither input changes."""
    before = copy.deepcopy((obj, patch))
    once = apply_merge(obj, patch)

    assert once == apply_merge(once, patch)
    assert before == (obj, patch)


@given(OBJECTS)
def test_an_empty_merge_patch_changes_nothing(obj: dict[str, Any]) -> None:
    """The empty object is the identity."""
    assert obj == apply_merge(obj, {})
