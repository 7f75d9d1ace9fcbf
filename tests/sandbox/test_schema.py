"""Schemas: look-up, unknown fields, wrong types in the decoder's words."""

from sandbox.schema import definitions, from_structural, schema_for, type_errors, unknown_fields


def test_a_built_in_kind_is_found_by_group_version_and_kind() -> None:
    """The version may be the full apiVersion."""
    short, full = schema_for("apps", "v1", "Deployment"), schema_for("apps", "apps/v1", "Deployment")
    assert short is not None
    assert short is full
    assert "io.k8s.api.apps.v1.Deployment" == short.name
    assert schema_for("apps", "v9", "Deployment") is None
    assert definitions() is definitions()


def test_unknown_fields_are_named_and_dropped() -> None:
    """Paths carry list indexes; what the schema knows stays."""
    schema = schema_for("apps", "v1", "Deployment")
    assert schema is not None
    obj = {"spec": {"foo": 1, "replicas": 2, "template": {"spec": {"containers": [{"name": "c", "bar": 1}]}}}}

    assert ["spec.foo", "spec.template.spec.containers[0].bar"] == unknown_fields(schema, obj)
    assert {"spec": {"replicas": 2, "template": {"spec": {"containers": [{"name": "c"}]}}}} == obj


def test_unknown_fields_can_be_kept() -> None:
    """Without drop the object is only read."""
    schema = schema_for("", "v1", "ConfigMap")
    assert schema is not None
    obj = {"data": {"any": "key"}, "other": 1}

    assert ["other"] == unknown_fields(schema, obj, drop=False)
    assert 1 == obj["other"]


def test_wrong_types_are_told_as_the_decoder_tells_them() -> None:
    """Struct, path and Go type are named."""
    schema = schema_for("apps", "v1", "Deployment")
    assert schema is not None
    obj = {"spec": {"replicas": "x", "template": {"spec": {"containers": [{"name": 1}]}}}}

    assert [
        "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32",
        "json: cannot unmarshal number into Go struct field Container.spec.template.spec.containers.name"
        " of type string",
    ] == type_errors(schema, obj)


def test_int_or_string_takes_both() -> None:
    """A port name and a port number fit."""
    schema = schema_for("", "v1", "Service")
    assert schema is not None
    for value in ("http", 80):
        assert [] == type_errors(schema, {"spec": {"ports": [{"port": 1, "targetPort": value}]}})


def test_a_custom_schema_gets_its_metadata() -> None:
    """Labels of custom resources are typed, free-form parts are open."""
    node = from_structural({"type": "object", "properties": {"spec": {"x-kubernetes-preserve-unknown-fields": True}}})
    spec, meta = node.declared("spec"), node.declared("metadata")
    assert spec is not None
    assert meta is not None

    assert spec.open
    assert meta.declared("labels") is not None
    assert node.child("other") is None
