"""Which proxy stands between Lynceus and an API server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import urllib3

from controller.kube.client import KubeClient

PROXY = "http://127.0.0.1:9"


def client(tmp_path: Path, server: str, **cluster: str) -> KubeClient:
    """Return a client of a kubeconfig; nothing is connected."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "x",
        "clusters": [{"name": "x", "cluster": {"server": server, **cluster}}],
        "users": [{"name": "x", "user": {"token": "t"}}],
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
    }
    path = tmp_path / "kubeconfig"
    path.write_text(json.dumps(document))
    return KubeClient.from_kubeconfig(str(path))


@pytest.mark.parametrize(
    ("server", "proxied"),
    [
        ("https://127.0.0.1:6443", False),
        ("https://127.9.9.9:6443", False),
        ("https://[::1]:6443", False),
        ("https://LOCALHOST:6443", False),
        ("https://10.0.0.1:6443", True),
        ("https://localhost.example:6443", True),
    ],
)
def test_the_proxy_of_the_environment_does_not_lead_to_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: str, proxied: bool
) -> None:
    """Local clusters work behind a company's proxy, as they do with kubectl."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    assert proxied is isinstance(client(tmp_path, server)._access.pool, urllib3.ProxyManager)
