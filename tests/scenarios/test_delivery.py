"""The same story under the loop and beside an Argo CD: what is counted is the same, and exact."""

from __future__ import annotations

import collections
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from controller.cage import Cage
from model import events
from tests.scenarios.conftest import make_world_of
from tests.scenarios.delivering import ArgoCD, Followed
from tests.scenarios.world import AUTOMATED, config_map, deployment
from tests.stage.cluster import Cluster
from tests.stage.git import Repo
from tests.stage.proxy import FaultProxy

RETRY = {**AUTOMATED, "retry": {"limit": 1, "backoff": {"duration": "1s"}}}
BAD = '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "Not A Name"}}'
EXPECTED = collections.Counter(
    {
        ("DeploymentEnded", "result=success", "environment=none"): 3,
        ("DeploymentEnded", "result=failed", "environment=none"): 1,
        ("DriftDetected", "origin=git"): 2,
        ("DriftDetected", "origin=live"): 1,
        ("DriftEnded",): 3,
        ("Restored", "environment=none"): 1,
        ("SelfHealed", "result=success"): 1,
        ("SyncAttempted", "phase=Succeeded", "final=True", "self_heal=False"): 3,
        ("SyncAttempted", "phase=Succeeded", "final=True", "self_heal=True"): 1,
        ("SyncAttempted", "phase=Failed", "final=False", "self_heal=False"): 1,
        ("SyncAttempted", "phase=Failed", "final=True", "self_heal=False"): 1,
    }
)


@pytest.fixture
def world(cluster: Cluster, cage: Cage, tmp_path: Path) -> Iterator[Followed]:
    """A followed world on each server in turn."""
    yield from make_world_of(Followed, cluster, cage, tmp_path)


def ended(world: Followed, number: int) -> events.DeploymentEnded:
    """Wait for the end of so many deployments and return the newest."""
    world.wait(f"{number} deployments", lambda: len(world.of(events.DeploymentEnded)) == number)
    found: events.DeploymentEnded = world.newest(events.DeploymentEnded)
    return found


def check_lead(found: events.DeploymentEnded, committed: int) -> None:
    """Compare the lead time with the commit's own time."""
    assert "success" == found.result
    assert found.lead_seconds is not None
    assert committed == found.started
    assert found.ended - committed == pytest.approx(found.lead_seconds)
    assert found.lead_seconds == pytest.approx(sum(v for k, v in found.stages.items() if k != "blocked"))
    assert 0 <= time.time() - found.ended < 60


def test_a_story_under_the_loop(world: Followed, repo: Repo) -> None:
    """Deployed, deployed again, healed, failed, restarted, put right: each counted once."""
    repo.push({"app/a.yaml": config_map("a", x="1")}, when=int(time.time()) - 500)
    world.settings(**{"timeout.reconciliation": "1s", "timeout.reconciliation.jitter": "0s"})
    world.app("shop", repo, policy=RETRY)
    world.start()
    first = ended(world, 1)
    assert first.lead_seconds is not None
    assert first.lead_seconds < 60, "no older than the Application"

    committed = int(time.time()) - 300
    repo.push({"app/a.yaml": config_map("a", x="2")}, when=committed)
    check_lead(ended(world, 2), committed)

    world.change(f"/api/v1/namespaces/{world.destination}/configmaps/a", {"data": {"x": "by hand"}})
    world.wait("a self-heal", lambda: world.of(events.SelfHealed))
    world.wait("the end of drift", lambda: len(world.of(events.DriftEnded)) == 2)

    repo.push({"app/b.yaml": BAD})
    assert "failed" == ended(world, 3).result
    since = world.newest(events.Standing).drift_since
    assert since is not None
    world.stop()
    world.start()
    world.wait("how it stands", lambda: world.newest(events.Standing).drift_since == since)

    committed = int(time.time()) - 200
    repo.push({"app/b.yaml": config_map("b")}, when=committed)
    check_lead(ended(world, 4), committed)
    world.wait("the whole story", lambda: world.counts == EXPECTED)
    assert world.newest(events.Standing).drift_since is None


def test_a_window_a_rollout_and_a_way_back(world: Followed, repo: Repo) -> None:
    """What a window takes is told apart; a rollout is waited for; what was deployed before is a rollback."""
    first = repo.push({"app/web.yaml": deployment()})
    world.settings(**{"timeout.reconciliation": "1s", "timeout.reconciliation.jitter": "0s"})
    world.app("shop", repo)
    world.patch("shop", {"metadata": {"labels": {"environment": "prod"}}})
    world.start()
    assert "success" == ended(world, 1).result
    world.project(syncWindows=[{"kind": "deny", "schedule": "* * * * *", "duration": "1h", "applications": ["*"]}])
    world.wait("the window", lambda: not world.newest(events.SyncPermission).automated.allowed)
    repo.push({"app/web.yaml": deployment(image="nginx:2")})
    world.until_condition("shop", "LynceusSyncBlocked")
    time.sleep(2.5)
    world.project(syncWindows=[])
    found = ended(world, 2)
    assert ("success", "prod") == (found.result, found.environment)
    assert 1.0 <= found.stages["blocked"] <= found.stages["seen_to_synced"]
    world.wait("nothing behind", lambda: (0, None) == behind(world))

    world.patch("shop", {"spec": {"syncPolicy": None}})
    world.sync("shop", revision=first)
    back = ended(world, 3)
    assert ("rolled_back", first, None) == (back.result, back.revision, back.lead_seconds)
    world.wait("one behind", lambda: behind(world)[0] == 1)


def tell(world: Followed, repo: Repo, argocd: ArgoCD, revision: str) -> None:
    """Let the Argo CD deploy a commit."""
    argocd.compared("OutOfSync", revision, after=0)
    argocd.begin(revision, after=0)
    argocd.finish(after=0)
    argocd.compared("Synced", revision, "Progressing", after=0)
    argocd.compared("Synced", revision, "Healthy", after=0)


def test_the_same_story_beside_an_argocd(world: Followed, repo: Repo, fault_proxy: Callable[..., FaultProxy]) -> None:
    """Read from status alone it is the same, a restart in the middle included, and no Application is written."""
    proxy = fault_proxy(world.cluster)
    world.kubeconfig = proxy.user("lynceus")
    first = repo.push({"app/a.yaml": config_map("a", x="1")}, when=int(time.time()) - 500)
    world.app("shop", repo, policy=RETRY)
    world.start(mode="observe")
    argocd = ArgoCD(world, "shop", repo, "app")
    tell(world, repo, argocd, first)
    lead = ended(world, 1).lead_seconds
    assert lead is not None
    assert lead < 60

    committed = int(time.time()) - 300
    second = repo.push({"app/a.yaml": config_map("a", x="2")}, when=committed)
    repo.push({"other/a.yaml": config_map("other")})
    tell(world, repo, argocd, second)
    check_lead(ended(world, 2), committed)

    argocd.compared("OutOfSync", second, after=0)
    argocd.begin(second, heals=1, resources=[{"kind": "ConfigMap", "name": "a"}], after=0)
    argocd.finish(after=0)
    argocd.compared("Synced", second, after=0)
    world.wait("a self-heal", lambda: world.of(events.SelfHealed))

    bad = repo.push({"app/b.yaml": BAD})
    argocd.compared("OutOfSync", bad, after=0)
    world.wait("how far behind", lambda: world.newest(events.CommitsBehind).number == 1)
    since = world.newest(events.Standing).drift_since
    argocd.begin(bad, retry=1, after=0)
    argocd.retried(after=0)
    world.stop()
    argocd.finish("Failed", after=0)
    world.start(mode="observe")
    assert "failed" == ended(world, 3).result
    assert since == world.newest(events.Standing).drift_since

    committed = int(time.time()) - 200
    good = repo.push({"app/b.yaml": config_map("b")}, when=committed)
    argocd.compared("OutOfSync", good, after=0)
    world.wait("how far behind", lambda: world.newest(events.CommitsBehind).number == 2)
    tell(world, repo, argocd, good)
    check_lead(ended(world, 4), committed)
    world.wait("the whole story", lambda: world.counts == EXPECTED)
    world.wait("nothing behind", lambda: (0, None) == behind(world))
    assert world.newest(events.Standing).drift_since is None
    world.stop()
    check_writes(proxy)


def behind(world: Followed) -> tuple[int | None, float | None]:
    """Return the newest CommitsBehind."""
    newest = world.newest(events.CommitsBehind)
    return newest.number, newest.oldest


def check_writes(proxy: FaultProxy) -> None:
    """Nothing but the memory was written."""
    written = {(w.resource, w.name) for w in proxy.writes(identity="lynceus")}
    assert {("configmaps", "lynceus-state-0")} == written
