"""Fixtures of the scenarios: a world on each server, with our CRDs installed once per server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from controller.cage import Cage
from tests.scenarios.world import World
from tests.stage.cluster import Cluster
from tests.stage.git import GitServer, Repo

CRDS = Path(__file__).parents[2] / "deploy" / "crds"
_installed: set[str] = set()


def install_crds(cluster: Cluster) -> None:
    """Install the CRDs unless this process did."""
    if cluster.url in _installed:
        return
    cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(CRDS))
    cluster.kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", str(CRDS))
    _installed.add(cluster.url)


@pytest.fixture(scope="session")
def cage() -> Iterator[Cage]:
    """The worker processes for tools."""
    made = Cage()
    yield made
    made.close()


def make_world(cluster: Cluster, cage: Cage, tmp_path: Path) -> Iterator[World]:
    """Make a world with a control and a destination namespace."""
    yield from make_world_of(World, cluster, cage, tmp_path)


W = TypeVar("W", bound=World)


def make_world_of(kind: type[W], cluster: Cluster, cage: Cage, tmp_path: Path) -> Iterator[W]:
    """Make a world of this class."""
    install_crds(cluster)
    with cluster.namespace("ctl") as control, cluster.namespace("dst") as destination:
        made = kind(cluster, control, destination, tmp_path / "mirrors", cage)
        made.project()
        made.settings()
        try:
            yield made
        finally:
            made.stop()
            cluster.request("DELETE", f"/apis/argoproj.io/v1alpha1/namespaces/{control}/applications")


@pytest.fixture
def world(cluster: Cluster, cage: Cage, tmp_path: Path) -> Iterator[World]:
    """A world on each server in turn; the loop is started by the test."""
    yield from make_world(cluster, cage, tmp_path)


@pytest.fixture
def real_world(real_cluster: Cluster, cage: Cage, tmp_path: Path) -> Iterator[World]:
    """A world on the real control plane only."""
    yield from make_world(real_cluster, cage, tmp_path)


@pytest.fixture
def repo(git_server: GitServer) -> Repo:
    """An empty repository over HTTP."""
    return git_server.create("apps")
