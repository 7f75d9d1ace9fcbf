"""Defaults and stored form of the built-in kinds: the real server is the judge."""

import copy
from typing import Any

import pytest

from sandbox.defaults import apply_defaults
from sandbox.quantity import canonical
from tests.sandbox import real
from tests.sandbox.objects import CASES, CLUSTER
from tests.stage.cluster import Cluster

ALLOCATED = {
    "services": ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"),
    "pods": ("tolerations", "priority", "preemptionPolicy"),
    "namespaces": ("finalizers",),
}
"""Fields of spec that need other objects or an allocator and are set elsewhere."""


def _comparable(resource: str, obj: dict[str, Any]) -> dict[str, Any]:
    """The part of an object that its kind's defaults decide."""
    out = copy.deepcopy(obj)
    out["metadata"] = {key: value for key, value in obj["metadata"].items() if key in ("name", "labels", "annotations")}
    for key in ALLOCATED.get(resource, ()):
        out.get("spec", {}).pop(key, None)
    for port in (out.get("spec") or {}).get("ports") or ():
        port.pop("nodePort", None)
    if resource == "persistentvolumes":
        out["status"].pop("lastPhaseTransitionTime", None)
    if not out.get("spec"):
        out.pop("spec", None)
    return out


@pytest.mark.parametrize("name", CASES)
def test_the_real_server_stores_the_same(real_cluster: Cluster, name: str) -> None:
    """A dry-run create answers with exactly what apply_defaults makes of the manifest."""
    gr, obj = CASES[name]
    path = real.collection(obj["apiVersion"], gr[1], "" if gr[1] in CLUSTER else "default")
    status, answer = real.send(real_cluster, "POST", path, obj, dryRun="All")
    assert 201 == status, answer

    mine = copy.deepcopy(obj)
    mine["metadata"]["uid"] = answer["metadata"]["uid"]
    apply_defaults(gr, obj["apiVersion"], mine)

    assert _comparable(gr[1], answer) == _comparable(gr[1], mine)


@pytest.mark.parametrize("name", CASES)
def test_defaulting_twice_changes_nothing(name: str) -> None:
    """The stored form is its own stored form."""
    gr, obj = CASES[name]
    once = copy.deepcopy(obj)
    once["metadata"]["uid"] = "u"
    apply_defaults(gr, obj["apiVersion"], once)
    twice = copy.deepcopy(once)
    apply_defaults(gr, obj["apiVersion"], twice)

    assert once == twice


@pytest.mark.parametrize(
    ("given", "stored"),
    [("1000m", "1"), ("0.5", "500m"), ("1024Mi", "1Gi"), ("1536Mi", "1536Mi"), ("1000", "1k"), ("0.5Gi", "512Mi"),
     ("1e3", "1e3"), ("0", "0"), ("100Ki", "100Ki"), ("-1500m", "-1500m"), (2, "2"), ("0.0000000001", "1n")],
)  # fmt: skip
def test_quantities_are_canonical(given: str, stored: str) -> None:
    """The texts are those that the real server returns."""
    assert stored == canonical(given)


def test_a_text_that_is_no_quantity_is_named() -> None:
    """The message is the decoder's."""
    with pytest.raises(ValueError, match="quantities must match the regular expression"):
        canonical("much")


def test_string_data_of_a_secret_becomes_data() -> None:
    """The write-only field is encoded and wins over data."""
    obj = {"kind": "Secret", "metadata": {"name": "s"}, "stringData": {"a": "x"}, "data": {"a": "eQ==", "b": "eg=="}}
    apply_defaults(("", "secrets"), "v1", obj)

    assert {"a": "eA==", "b": "eg=="} == obj["data"]
    assert "stringData" not in obj
