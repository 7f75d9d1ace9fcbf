"""The whole program, as `lynceus run` makes it, before a world; for scenarios that need its HTTP side."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import typing as t
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from lynceus.options import RunOptions
from lynceus.wiring import Bus, Lynceus
from model.events import Event
from tests.scenarios.world import World
from tests.stage.git import Repo

SECRET = "hook-LYN-CANARY"

Answer = tuple[int, str, bytes]


class House:
    """The whole program before a world, and what its parts were told."""

    def __init__(self, world: World, cache: Path, **options: t.Any) -> None:
        self.world, self.events = world, list[Event]()
        given = RunOptions(
            cache_dir=cache,
            kubeconfig=world.kubeconfig,
            namespace=world.control,
            metrics_port=0,
            api_port=0,
            allow_schemes=("http",),
            **options,
        )
        self.lynceus = Lynceus(given)
        bus = t.cast("Bus", t.cast("t.Any", self.lynceus.manager.publish).__self__)
        bus.subscribe(self.events.append)

    def secret(
        self,
        called: str = "argocd-secret",
        labels: dict[str, str] | None = None,
        annotations: dict[str, str] | None = None,
        **data: str,
    ) -> None:
        """Write the Secret `called` of the control namespace."""
        coded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
        body = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": called, "labels": labels or {}, "annotations": annotations or {}},
            "data": coded,
        }
        reply = self.world.cluster.request("POST", f"/api/v1/namespaces/{self.world.control}/secrets", body)
        assert reply.status == 201, reply.body[:500]

    def push(self, repo: Repo, commit: str, secret: str = SECRET, **more: t.Any) -> int:
        """Tell of a push as GitHub does; returns the status."""
        page = repo.url.removesuffix(".git")
        payload = {
            "ref": "refs/heads/main",
            "before": "0" * 40,
            "after": commit,
            "repository": {"html_url": page, "clone_url": repo.url, "default_branch": "main"},
            **more,
        }
        body = json.dumps(payload).encode()
        headers = {
            "Content-Type": "application/json",
            "X-GitHub-Event": "push",
            "X-Hub-Signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(),
        }
        return self.ask("POST", "/api/webhook", headers, body)[0]

    def ask(self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes | None = None) -> Answer:
        """Send one request to the API port; returns the status, and headers and body as they came."""
        request = urllib.request.Request(f"{self.lynceus.api_server.url}{path}", body, headers or {}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as reply:
                return int(reply.status), str(reply.headers), reply.read()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, str(refused.headers), refused.read()

    def of(self, kind: type[Event]) -> list[t.Any]:
        return [event for event in list(self.events) if isinstance(event, kind)]


@contextlib.contextmanager
def running(world: World, tmp_path: Path, **options: t.Any) -> Iterator[House]:
    """Run the whole program for a while."""
    house = House(world, tmp_path / "house", **options)
    house.lynceus.start()
    try:
        yield house
    finally:
        house.lynceus.stop()
