"""The example repository that every Argo CD user knows: four of its applications on both servers."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.scenarios.world import AUTOMATED, World, conditions_of
from tests.stage.git import Repo
from tests.stage.proxy import FaultProxy

APPS = ("guestbook", "kustomize-guestbook", "helm-guestbook", "sock-shop")


@pytest.mark.slow
def test_the_example_applications_become_synced_and_healthy(
    world: World, examples: Repo, fault_proxy: Callable[..., FaultProxy]
) -> None:
    """All four are Synced and Healthy; sock-shop once its Ingress has an address; a second pass makes no write."""
    proxy = fault_proxy(world.cluster)
    world.kubeconfig = proxy.user("lynceus")
    policy = {**AUTOMATED, "syncOptions": ["CreateNamespace=true"]}
    names = {name: f"{world.destination}-{name}" for name in APPS}
    for name, namespace in names.items():
        world.app(
            name,
            examples,
            name,
            source={"repoURL": examples.url, "path": name, "targetRevision": "master"},
            destination={"server": "https://kubernetes.default.svc", "namespace": namespace},
            policy=policy,
        )
    try:
        world.start()
        for name in APPS[:3]:
            world.until(name, "Synced", "Healthy", timeout=60)
        app = world.until("sock-shop", "Synced", "Progressing", timeout=60)
        world.wait("the reason", lambda: "Ingress" in world.get("sock-shop")["status"]["health"]["message"], 60)
        _give_address(world, names["sock-shop"])
        app = world.until("sock-shop", "Synced", "Healthy", timeout=60)
        assert len(app["status"]["resources"]) > 20
        assert {} == conditions_of(app)
        time.sleep(1.5)
        proxy.log.clear()
        before = len(proxy.writes(identity="lynceus"))
        for name in APPS:
            world.refresh(name, "hard")
        for name in APPS:
            world.wait("the answer", lambda name=name: not world.get(name)["metadata"].get("annotations"))
        done = [w for w in proxy.writes(identity="lynceus")[before:] if w.resource not in ("events", "applications")]
        assert [] == done
    finally:
        for namespace in names.values():
            world.cluster.request("DELETE", f"/api/v1/namespaces/{namespace}")


def _give_address(world: World, namespace: str) -> None:
    """Do what an ingress controller would do."""
    root = f"/apis/networking.k8s.io/v1/namespaces/{namespace}/ingresses"
    for item in world.cluster.get(root)["items"]:
        body = {"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}}
        path = f"{root}/{item['metadata']['name']}/status"
        reply = world.cluster.request("PATCH", path, body, content_type="application/merge-patch+json")
        assert reply.status == 200, reply.body[:300]
