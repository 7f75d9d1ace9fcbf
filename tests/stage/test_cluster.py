"""Tests of the control plane of the stage and of the way it ends."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.stage import control_plane
from tests.stage.cluster import Cluster
from tests.stage.locks import EXCLUSIVE, SHARED, acquire

REPOSITORY = Path(__file__).resolve().parents[2]


def test_the_real_cluster_serves_the_known_version(real_cluster: Cluster) -> None:
    """It is the version that the project is tested with, or what KUBEBUILDER_ASSETS holds."""
    version = real_cluster.get("/version")

    assert version["gitVersion"].startswith("v1.")
    assert real_cluster.is_real


def test_users_are_known_by_their_tokens(real_cluster: Cluster) -> None:
    """The users alice and bob are somebody, with a group and without rights; an unknown token is nobody."""
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"

    answer = real_cluster.request("POST", path, review, user="alice").json()

    assert "alice" == answer["status"]["userInfo"]["username"]
    assert "developers" in answer["status"]["userInfo"]["groups"]
    assert 403 == real_cluster.request("GET", "/api/v1/namespaces", user="bob").status
    assert 200 == real_cluster.request("GET", "/api/v1/namespaces", user="lynceus").status
    assert "bob" in real_cluster.kubectl("auth", "whoami", user="bob").stdout


def test_pods_run_without_containers(real_cluster: Cluster, namespace: str) -> None:
    """A Deployment becomes available: controllers, scheduler and the simulated kubelet work."""
    real_cluster.kubectl("-n", namespace, "create", "deployment", "web", "--image=nginx", "--replicas=2")

    done = real_cluster.kubectl("-n", namespace, "rollout", "status", "deployment/web", "--timeout=60s")

    assert "successfully rolled out" in done.stdout


def test_the_callers_kubeconfig_is_never_used(real_cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """KUBECONFIG of the environment has no say in what kubectl talks to."""
    monkeypatch.setenv("KUBECONFIG", "/nonexistent")

    assert real_cluster.url in real_cluster.kubectl("config", "view").stdout


def test_a_namespace_lasts_for_one_test(cluster: Cluster) -> None:
    """It exists inside the block and is gone or going after it."""
    with cluster.namespace("a-very-long-prefix-that-would-not-fit-into-the-name-of-a-namespace") as name:
        assert "Active" == cluster.get(f"/api/v1/namespaces/{name}")["status"]["phase"]

    reply = cluster.request("GET", f"/api/v1/namespaces/{name}")
    assert reply.status == 404 or reply.json()["status"]["phase"] == "Terminating"


def test_locks_survive_the_removal_of_their_file(tmp_path: Path) -> None:
    """Whoever waited on a removed lock file ends up with the new one."""
    path = tmp_path / "x.lock"
    held = acquire(path, EXCLUSIVE)
    assert held is not None
    assert acquire(path, SHARED, wait=False) is None
    path.unlink()

    again = acquire(path, SHARED, wait=False)

    assert again is not None
    held.release()
    again.release()


def test_missing_binaries_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An incomplete KUBEBUILDER_ASSETS, as envtest's own downloads are, is reported by its missing parts."""
    for name in ("etcd", "kube-apiserver"):
        (tmp_path / name).touch(mode=0o755)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))

    with pytest.raises(control_plane.PartMissing, match="kube-controller-manager, kube-scheduler, kwok"):
        control_plane.find_assets()


def processes_below(directory: Path) -> list[str]:
    """The command lines of the processes whose working folder is this one."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if (entry / "cwd").readlink() == directory:
                    found.append((entry / "cmdline").read_bytes().decode())
            except OSError:
                continue
    return found


def eventually(condition: Callable[[], bool], seconds: float = 15.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


@pytest.mark.slow
@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="the ends of processes are tied together on Linux only"
)
def test_everything_ends_with_a_killed_user(real_cluster: Cluster) -> None:
    """A kill -9 of the only user ends all five servers and removes their folder."""
    name = f"kill-test-{os.getpid()}"
    directory = Path(tempfile.gettempdir()) / f"lynceus-stage-{os.getuid()}" / name
    user = subprocess.Popen(
        [sys.executable, "-m", "tests.stage.hold", name],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
    )
    with user:
        assert user.stdout is not None
        assert b"LYNCEUS_STAGE" in user.stdout.readline()
        assert len(processes_below(directory)) >= 5
        user.send_signal(signal.SIGKILL)

    assert eventually(lambda: not processes_below(directory) and not directory.exists())
