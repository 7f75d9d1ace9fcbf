"""Structural schemas: pruning, defaulting, and the server's words for what is wrong."""

from typing import Any

import pytest

from sandbox.structural import Structural

TEXT: dict[str, Any] = {"type": "string"}


def _schema(**spec: Any) -> Structural:
    return Structural({"type": "object", "properties": {"spec": {"type": "object", "properties": spec}}})


def test_undeclared_fields_are_pruned_and_named() -> None:
    """Metadata stays; maps and preserved parts keep everything."""
    schema = _schema(
        a=TEXT,
        m={"type": "object", "additionalProperties": {"type": "object", "properties": {"x": TEXT}}},
        free={"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        pod={"type": "object", "x-kubernetes-embedded-resource": True, "properties": {"spec": {"type": "object"}}},
    )
    obj: dict[str, Any] = {
        "metadata": {"name": "n"},
        "spec": {
            "a": "1", "b": 2, "m": {"k": {"x": "1", "y": 2}}, "free": {"any": 1},
            "pod": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "other": 1},
        },
        "extra": 1,
    }  # fmt: skip

    assert ["spec.b", "spec.m.k.y", "spec.pod.other", "extra"] == schema.prune(obj)
    assert {"x": "1"} == obj["spec"]["m"]["k"]
    assert {"any": 1} == obj["spec"]["free"]
    assert "p" == obj["spec"]["pod"]["metadata"]["name"]


def test_defaults_are_filled_below_what_is_there() -> None:
    """A default may open the way for deeper ones; null is replaced unless nullable."""
    inner = {"type": "object", "default": {}, "properties": {"size": {"type": "integer", "default": 3}}}
    schema = _schema(i=inner, n={**TEXT, "nullable": True, "default": "d"}, s={**TEXT, "default": "d"})
    obj: dict[str, Any] = {"spec": {"n": None, "s": None}}
    schema.default(obj)

    assert {"i": {"size": 3}, "n": None, "s": "d"} == obj["spec"]


@pytest.mark.parametrize(
    ("rule", "value", "message"),
    [
        ({"type": "integer"}, "x", 'Invalid value: "string": spec.f in body must be of type integer: "string"'),
        (TEXT, None, 'Invalid value: "null": spec.f in body must be of type string: "null"'),
        ({"type": "integer", "minimum": 1}, 0, "Invalid value: 0: spec.f in body should be greater than or equal to 1"),
        ({"type": "integer", "maximum": 5}, 6, "Invalid value: 6: spec.f in body should be less than or equal to 5"),
        ({"type": "integer", "multipleOf": 2}, 3, "Invalid value: 3: spec.f in body should be a multiple of 2"),
        ({**TEXT, "enum": ["a", "b"]}, "c", 'Unsupported value: "c": supported values: "a", "b"'),
        ({**TEXT, "pattern": "^a+$"}, "b", "Invalid value: \"b\": spec.f in body should match '^a+$'"),
        ({**TEXT, "minLength": 2}, "a", 'Invalid value: "a": spec.f in body should be at least 2 chars long'),
        ({**TEXT, "maxLength": 1}, "ab", "Too long: may not be more than 1 bytes"),
        ({**TEXT, "format": "date-time"}, "x", 'Invalid value: "x": spec.f in body must be of type date-time: "x"'),
        ({"type": "array", "maxItems": 1, "items": TEXT}, ["a", "b"], "Too many: 2: must have at most 1 items"),
        ({"type": "array", "minItems": 1}, [], "Invalid value: 0: spec.f in body should have at least 1 items"),
    ],
)  # fmt: skip
def test_faults_are_worded_as_the_server_words_them(rule: dict[str, Any], value: Any, message: str) -> None:
    """One fault per broken keyword, at its path."""
    assert [("spec.f", message)] == [fault[:2] for fault in _schema(f=rule).validate({"spec": {"f": value}})]


def test_required_fields_and_duplicates_are_found() -> None:
    """Required inside lists, keys of associative lists, sets."""
    item = {"type": "object", "required": ["id"], "properties": {"id": TEXT, "v": TEXT}}
    listed = {"type": "array", "items": item, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["id"]}
    schema = _schema(l=listed, s={"type": "array", "items": TEXT, "x-kubernetes-list-type": "set"})
    faults = schema.validate({"spec": {"l": [{"id": "a"}, {"id": "a"}, {"v": "x"}], "s": ["q", "q"]}})

    assert [
        ("spec.l[1]", 'Duplicate value: {"id":"a"}', "FieldValueDuplicate"),
        ("spec.l[2].id", "Required value", "FieldValueRequired"),
        ("spec.s[1]", 'Duplicate value: "q"', "FieldValueDuplicate"),
    ] == [tuple(fault) for fault in faults]


@pytest.mark.parametrize("value", [1, "25%"])
def test_int_or_string_takes_both(value: Any) -> None:
    """As for ports and percentages."""
    assert [] == _schema(f={"x-kubernetes-int-or-string": True}).validate({"spec": {"f": value}})


def test_one_of_counts_what_holds() -> None:
    """None and two are both wrong."""
    rule = {"oneOf": [{"required": ["a"]}, {"required": ["b"]}], "type": "object", "properties": {"a": TEXT, "b": TEXT}}

    assert [] == _schema(f=rule).validate({"spec": {"f": {"a": "x"}}})
    for value in ({}, {"a": "x", "b": "y"}):
        (fault,) = _schema(f=rule).validate({"spec": {"f": value}})
        assert "must validate one and only one schema (oneOf)" in fault.message


def test_without_a_schema_everything_is_kept() -> None:
    """As a definition of the old kind."""
    obj = {"spec": {"any": 1}}

    assert [] == Structural(None).prune(obj)
    assert {"spec": {"any": 1}} == obj
