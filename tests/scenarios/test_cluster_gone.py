"""A cluster ends with its Secret: nothing is written or pruned there, each Application says why, and it comes back."""

from __future__ import annotations

import base64
import json

from model.events import ClusterGone
from tests.scenarios.world import Json, World, config_map, phase_of, sync_of
from tests.stage.git import Repo

TYPE = "argocd.argoproj.io/secret-type"
STUCK = "{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {type: LoadBalancer, ports: [{port: 80}]}}"
"""Nobody gives it an address: it stays on its way."""
REASONS = ("prod, which no cluster Secret has", "cluster 'prod' is not known")
"""What an operation says: the first where its next step begins behind the end, the second where policy stops it."""
LATER = config_map("c").replace('"name": "c"', '"name": "c", "annotations": {"argocd.argoproj.io/sync-wave": "1"}')


def message_of(app: Json) -> str:
    """Return what the operation says."""
    return str(app["status"]["operationState"]["message"])


def register(world: World) -> None:
    """Register the world's cluster under another name."""
    assert world.cluster.ca is not None
    ca = base64.b64encode(world.cluster.ca.read_bytes()).decode()
    config = {"bearerToken": world.cluster.token, "tlsClientConfig": {"caData": ca}}
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "prod", "labels": {TYPE: "cluster"}},
        "stringData": {"name": "prod", "server": world.cluster.url, "config": json.dumps(config)},
    }
    assert 201 == world.cluster.request("POST", f"/api/v1/namespaces/{world.control}/secrets", secret).status


def test_a_cluster_that_goes_takes_nothing_with_it(real_world: World, repo: Repo) -> None:
    """What was deployed stays, though Git says otherwise meanwhile; a running operation says why it waits."""
    world = real_world
    destination = {"name": "prod", "namespace": world.destination}
    repo.push({"app/a.yaml": config_map("a"), "app/b.yaml": config_map("b")})
    repo.push({"web/web.yaml": STUCK, "web/c.yaml": LATER})
    register(world)
    world.app("still", repo, destination=destination)
    world.app("busy", repo, "web", destination=destination)
    world.start()
    world.until("still", "Synced")
    world.wait("a running operation", lambda: phase_of(world.get("busy")) == "Running")

    world.cluster.request("DELETE", f"/api/v1/namespaces/{world.control}/secrets/prod")
    assert "prod, which no cluster Secret has" in world.until_condition("still", "InvalidSpecError")
    world.wait("the reason", lambda: any(why in message_of(world.get("busy")) for why in REASONS))
    world.wait("that it is told", lambda: world.of(ClusterGone))
    assert [world.cluster.url] == [event.server for event in world.of(ClusterGone)]
    repo.push({"app/b.yaml": None})
    world.refresh("still", "hard")
    world.wait("the refresh", lambda: "annotations" not in world.get("still")["metadata"])
    assert ("Unknown", {"a", "b"}) == (sync_of(world.get("still")), set(world.objects("configmaps")))
    assert {"web"} == set(world.objects("services"))

    register(world)
    world.until("still", "Synced")
    world.refresh("still")
    world.wait("the pruning", lambda: set(world.objects("configmaps")) == {"a"})
    assert 1 == len(world.of(ClusterGone))
