"""The embedded API server by itself: who may call it, what it tells, and what kubectl needs first."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.resources import GroupResource
from sandbox.serve import Sandbox
from tests.stage.cluster import find_kubectl

_LIMITS = GroupResource("", "limitranges")
SCHEMA = {"type": "object", "properties": {"spec": {"type": "object", "properties": {"size": {"type": "integer"}}}}}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """An embedded cluster without simulated controllers: nothing moves but what the test moves."""
    with Sandbox(directory=tmp_path_factory.mktemp("api"), simulate=False) as started:
        yield started


def _call(
    server: Sandbox, method: str, path: str, body: Any = None, *, token: str | None = None, **headers: str
) -> tuple[int, Any]:
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named.setdefault("content-type", "application/json")
    if token != "":
        named["Authorization"] = f"Bearer {token or server.token}"
    request = urllib.request.Request(server.url + path, data, named, method=method)
    try:
        context = ssl.create_default_context(cafile=str(server.ca))
        with urllib.request.urlopen(request, context=context, timeout=10) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as err:
        with err:
            return err.code, json.loads(err.read())


def test_the_kubeconfig_is_private(server: Sandbox) -> None:
    """Nobody but its owner reads the token."""
    assert 0o600 == server.kubeconfig.stat().st_mode & 0o777


@pytest.mark.parametrize("token", ["", "wrong"])
def test_a_request_without_the_token_is_refused(server: Sandbox, token: str) -> None:
    """The answer is 401 with a Status."""
    code, body = _call(server, "GET", "/api/v1/namespaces", token=token)
    assert (401, "Unauthorized") == (code, body["reason"])


def test_only_loopback_is_served(tmp_path: Path) -> None:
    """Another address is refused before anything listens."""
    with pytest.raises(ValueError, match="loopback only"):
        Sandbox("0.0.0.0", directory=tmp_path)


def test_an_impersonated_user_is_who_asks(server: Sandbox) -> None:
    """Impersonation headers decide the user name."""
    code, body = _call(
        server, "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {}, impersonate_user="alice"
    )
    assert (201, "alice") == (code, body["status"]["userInfo"]["username"])


def test_a_body_above_three_mebibytes_is_refused(server: Sandbox) -> None:
    """The limit is the real server's."""
    code, body = _call(server, "POST", "/api/v1/namespaces/default/configmaps", b" " * (3 * 1024 * 1024 + 1))
    assert (413, "RequestEntityTooLarge") == (code, body["reason"])


def test_yaml_bodies_are_read(server: Sandbox) -> None:
    """A manifest can be sent as it is."""
    text = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: yaml}\ndata: {day: '2026-01-01'}\n"
    code, body = _call(server, "POST", "/api/v1/namespaces/default/configmaps", text, content_type="application/yaml")
    assert (201, {"day": "2026-01-01"}) == (code, body["data"])


def test_paging_shows_one_moment(server: Sandbox) -> None:
    """An object created between two pages is not on the second."""
    path = "/api/v1/namespaces/default/secrets"
    for name in "abc":
        _call(server, "POST", path, {"metadata": {"name": f"page-{name}"}})
    _, first = _call(server, "GET", f"{path}?limit=2")
    _call(server, "POST", path, {"metadata": {"name": "page-z"}})
    _, second = _call(server, "GET", f"{path}?limit=2&continue={first['metadata']['continue']}")
    assert ["page-c"] == [each["metadata"]["name"] for each in second["items"]]
    assert first["metadata"]["resourceVersion"] == second["metadata"]["resourceVersion"]


def test_a_revision_before_the_history_is_gone(server: Sandbox) -> None:
    """A watch from there gets one ERROR event with 410."""
    path = "/api/v1/namespaces/default/limitranges"
    _, made = _call(server, "POST", path, {"metadata": {"name": "old"}, "spec": {"limits": [{"type": "Pod"}]}})
    for number in range(2100):
        patch = {"metadata": {"annotations": {"n": str(number)}}}
        server.cluster.store.update(
            _LIMITS, {**made, "metadata": {**made["metadata"], **patch["metadata"]}}, expected_rv=None
        )
    code, event = _call(server, "GET", f"{path}?watch=1&resourceVersion=1&timeoutSeconds=5")
    assert (200, "ERROR", 410, "Expired") == (code, event["type"], event["object"]["code"], event["object"]["reason"])


def test_kubectl_uses_a_new_kind_at_once(server: Sandbox) -> None:
    """A CRD's objects can be applied, shown and explained by the command after the one that made it."""
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": "things", "kind": "Thing"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": SCHEMA}}],
        },
    }
    thing = {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "one"}, "spec": {"size": 1}}
    _kubectl(server, "apply", "-f", "-", given=crd)
    _kubectl(server, "apply", "-f", "-", given=thing)
    thing["spec"] = {"size": 2}
    assert "thing.example.com/one configured" in _kubectl(server, "apply", "-f", "-", given=thing)
    assert "2" == _kubectl(server, "get", "thing", "one", "-o", "jsonpath={.spec.size}")
    assert "size" in _kubectl(server, "explain", "thing.spec")


def _kubectl(server: Sandbox, *arguments: str, given: Any = None) -> str:
    environment = {**os.environ, "KUBECONFIG": str(server.kubeconfig), "HOME": str(server.kubeconfig.parent)}
    text = json.dumps(given) if given is not None else None
    command = [find_kubectl(), *arguments]
    done = subprocess.run(command, input=text, capture_output=True, text=True, env=environment, timeout=30, check=False)
    assert 0 == done.returncode, done.stderr
    return done.stdout
