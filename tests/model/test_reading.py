"""Reading Applications, AppProjects and the ConfigMaps."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.application import read_application
from model.decode import convert, decode
from model.errors import InvalidInput, InvalidPolicy, InvalidSpec
from model.project import ProjectSpec, read_project
from model.settings import read_rbac_settings, read_settings

APP = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "Application",
    "metadata": {"name": "shop", "namespace": "argocd", "futureField": {"a": 1}},
    "spec": {
        "project": "team",
        "source": {"repoURL": "https://h/x", "path": "apps/shop", "helm": {"valuesObject": {"a": [1]}, "novel": True}},
        "destination": {"name": "production", "namespace": "shop"},
        "syncPolicy": {"automated": {"prune": True, "selfHeal": True}, "syncOptions": ["CreateNamespace=true"]},
        "unheardOf": [1, 2],
    },
}


def test_an_application_is_read() -> None:
    """Known fields are typed."""
    app = read_application(json.dumps(APP).encode())
    assert ("argocd/shop", "https://h/x", True) == (
        str(app.key),
        app.spec.all_sources[0].repo_url,
        app.spec.automated.self_heal,
    )


def test_unknown_fields_survive_a_read() -> None:
    """The bytes that were read stay with the object, unknown fields included."""
    assert APP == json.loads(read_application(json.dumps(APP).encode()).raw)


def test_a_wrong_type_is_named_with_its_path() -> None:
    """The error names the object, the path in it, what was found and what would be right; no content."""
    text = json.dumps({"metadata": {"name": "x"}, "spec": {"destination": {"server": 5}}})
    with pytest.raises(InvalidSpec) as failure:
        read_application(text.encode(), "Application argocd/x")
    assert "Application argocd/x: spec.destination.server: found int, expected str" == str(failure.value)


def test_the_error_class_can_be_chosen() -> None:
    """Policy errors are policy errors."""
    with pytest.raises(InvalidPolicy):
        decode(ProjectSpec, b"[]", "AppProject x", InvalidPolicy)


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_but_our_error(data: bytes) -> None:
    """Any bytes are read or refused with InvalidInput."""
    for read in (read_application, read_project):
        try:
            read(data)
        except InvalidInput as failure:
            assert str(failure)


def test_deep_nesting_is_an_error_of_ours() -> None:
    """A document of ten thousand brackets is refused, not a crash."""
    with pytest.raises(InvalidInput):
        read_project(b'{"metadata":{"name":"x"},"spec":{"signatureKeys":' + b"[" * 100_000)


@pytest.mark.parametrize(
    ("value", "expected"),
    [({}, None), ({"namespaceResourceWhitelist": []}, []), ({"namespaceResourceWhitelist": None}, None)],
)
def test_absent_and_empty_lists_are_told_apart(value: dict, expected: list | None) -> None:
    """A null list means all, an empty one nothing; reading keeps the difference."""
    assert expected == convert(ProjectSpec, value, "AppProject x").namespace_resource_whitelist


def test_the_policy_text_is_composed_in_byte_order_of_its_keys() -> None:
    """policy.csv first, then policy.*.csv by bytes; other keys are no policy."""
    data = {
        "policy.b.csv": "b",
        "policy.A.csv": "A",
        "policy.10.csv": "10",
        "policy.9.csv": "9",
        "policy.csv": "",
        "policy.default": "r",
    }
    settings = read_rbac_settings(data, "7")
    assert ["policy.csv", "policy.10.csv", "policy.9.csv", "policy.A.csv", "policy.b.csv"] == [
        key for key, _ in settings.csv
    ]
    assert ("r", "glob", "7") == (settings.default_role, settings.match_mode, settings.generation)


@pytest.mark.parametrize(
    ("text", "seconds", "problems"),
    [("", 120, 0), ("60s", 60, 0), ("0", 0, 0), ("1ms", 1, 1), ("10000h", 365 * 86400, 1), ("soon", 120, 1)],
)
def test_a_bad_timeout_is_reported_and_does_no_harm(text: str, seconds: int, problems: int) -> None:
    """Too short, too long and unreadable intervals never become a hot loop."""
    settings = read_settings({"timeout.reconciliation": text})
    assert (seconds, problems) == (settings.reconciliation_timeout.total_seconds(), len(settings.problems))


def test_customisations_are_kept_verbatim() -> None:
    """All resource.customizations keys arrive without their prefix."""
    assert {"health.apps_Deployment": "return {}"} == read_settings(
        {"resource.customizations.health.apps_Deployment": "return {}"}
    ).customizations


@pytest.mark.parametrize(
    ("text", "expected", "problem"),
    [
        ("", 0, False),
        ("3", 3, False),
        (" 25 ", 25, False),
        ("50", 25, True),
        ("0", 0, True),
        ("-1", 0, True),
        ("1.5", 0, True),
        ("٣", 0, True),
        ("9" * 5000, 0, True),
    ],
)
def test_the_limit_of_webhooks_is_a_small_number(text: str, expected: int, problem: bool) -> None:
    """MiB from 1 to 25; what cannot be used leaves the server's own limit and is told."""
    found = read_settings({"webhook.maxPayloadSizeMB": text})
    assert expected == found.webhook_payload_megabytes
    assert problem == any("webhook.maxPayloadSizeMB" in line for line in found.problems)
