"""What was just applied is in sync, on a real API server, whatever the spelling and whichever way it was applied."""

import time

import pytest

from tests.controller.compare.support import Bench, documents

WAYS = pytest.mark.parametrize("server_side", [False, True], ids=["client-side", "server-side"])


@WAYS
@pytest.mark.parametrize("name", ["workloads.yaml", "services.yaml"])
def test_applied_objects_are_in_sync(bench: Bench, name: str, server_side: bool) -> None:
    """Built-in kinds with odd spellings stay in sync right after the apply and after the controllers have run."""
    targets = bench.targets(documents(name))
    bench.apply(targets, server_side=server_side)

    assert {} == bench.differences(targets, server_side=server_side)

    bench.apply(targets, server_side=server_side)
    time.sleep(1)

    assert {} == bench.differences(targets, server_side=server_side)


@WAYS
def test_cluster_scoped_and_custom_objects_are_in_sync(bench: Bench, server_side: bool) -> None:
    """Cluster-scoped kinds, a CRD and an object of it are in sync after the apply."""
    targets = bench.targets(documents("cluster.yaml"))
    gadgets = documents("gadget.yaml")
    try:
        bench.apply(targets, server_side=server_side)
        bench.cluster.kubectl("wait", "--for=condition=Established", "crd/gadgets.kube-compare.example.com")
        _wait_for_schema(bench)
        custom = bench.targets(gadgets)
        bench.apply(custom, server_side=server_side)

        assert {} == bench.differences(targets + custom, server_side=server_side)
    finally:
        for target in targets:
            name = f"{target['kind']}/{target['metadata']['name']}"
            bench.cluster.kubectl("delete", name, "--wait=false", "--ignore-not-found", check=False)


def _wait_for_schema(bench: Bench) -> None:
    """The server publishes the schema of a new kind a moment after it serves it."""
    deadline = time.monotonic() + 15
    while bench.schemas.of("kube-compare.example.com/v1", "Gadget") is None:
        assert time.monotonic() < deadline, "the schema of the CRD was not published"
        bench.schemas.invalidate()
        time.sleep(0.1)
    bench.discovery.invalidate()
