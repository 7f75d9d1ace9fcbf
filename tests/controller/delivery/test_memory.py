"""Tests of the memory in ConfigMaps, on a real API server and on the embedded one."""

from __future__ import annotations

import base64
import gzip
import random
import typing as t

import pytest

from controller.clock import SystemClock
from controller.delivery import records
from controller.delivery.memory import ConfigMaps
from controller.delivery.state import Deployed, Place, State
from controller.kube.client import KubeClient
from model.errors import Forbidden, PermanentError
from tests.stage.cluster import Cluster

Json = dict[str, t.Any]
PATH = "/api/v1/namespaces/{}/configmaps"


def store(cluster: Cluster, namespace: str) -> ConfigMaps:
    """Return the memory as a new process would open it."""
    return ConfigMaps(KubeClient.from_kubeconfig(str(cluster.kubeconfig)), namespace, SystemClock())


def states(number: int, *, seed: int = 1) -> dict[str, State]:
    """Return states of so many Applications, whose commits cannot be compressed."""
    chance = random.Random(seed)
    revisions = [(f"{chance.getrandbits(160):040x}",) for _ in range(number)]
    return {
        f"argocd/app-{n}": State(uid=f"{chance.getrandbits(128):032x}", last=Deployed(revisions=revision))
        for n, revision in enumerate(revisions)
    }


def config_maps(cluster: Cluster, namespace: str) -> dict[str, Json]:
    """Return the ConfigMaps of the memory by name."""
    items = cluster.get(PATH.format(namespace))["items"]
    return {i["metadata"]["name"]: i for i in items if i["metadata"]["name"].startswith("lynceus-state-")}


def put(cluster: Cluster, namespace: str, name: str, labels: dict[str, str], **more: t.Any) -> None:
    """Make a ConfigMap."""
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "labels": labels, "annotations": more.pop("annotations", {})},
        **more,
    }
    path = PATH.format(namespace)
    reply = cluster.request("POST", path, body)
    if reply.status == 409:
        reply = cluster.request("PUT", f"{path}/{name}", body)
    assert reply.status in (200, 201), reply.body[:300]


def test_what_was_saved_is_loaded(cluster: Cluster, namespace: str) -> None:
    """Another process reads what this one wrote, and writes over it."""
    first, second = store(cluster, namespace), store(cluster, namespace)
    assert {} == first.load()
    first.save(states(5))
    assert states(5) == second.load()
    second.save(states(3))
    assert states(3) == store(cluster, namespace).load()
    assert ["lynceus-state-0"] == list(config_maps(cluster, namespace))


def test_only_what_changed_is_written(cluster: Cluster, namespace: str) -> None:
    """The same states are no request."""
    memory = store(cluster, namespace)
    memory.load()
    memory.save(states(5))
    version = config_maps(cluster, namespace)["lynceus-state-0"]["metadata"]["resourceVersion"]
    memory.save(states(5))
    assert version == config_maps(cluster, namespace)["lynceus-state-0"]["metadata"]["resourceVersion"]


def test_many_applications_are_many_shards(cluster: Cluster, namespace: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """None is larger than its limit; a change rewrites one of them; what is not needed any more goes."""
    monkeypatch.setattr(records, "SHARD_BYTES", 8_000)
    memory, many = store(cluster, namespace), states(500)
    memory.load()
    memory.save(many)
    found = config_maps(cluster, namespace)
    assert len(found) in (4, 8, 16)
    assert all(len(base64.b64decode(i["binaryData"]["states.json.gz"])) <= 8_000 for i in found.values())
    other = store(cluster, namespace)
    assert many == other.load()
    other.save(many)
    before = {n: i["metadata"]["resourceVersion"] for n, i in config_maps(cluster, namespace).items()}
    other.save({**many, "argocd/app-7": State(uid="another")})
    after = {n: i["metadata"]["resourceVersion"] for n, i in config_maps(cluster, namespace).items()}
    assert 1 == len([name for name in after if after[name] != before[name]])
    assert "another" == store(cluster, namespace).load()["argocd/app-7"].uid


def test_shards_that_are_too_many_are_deleted(cluster: Cluster, namespace: str) -> None:
    """Left by an older process that had more of them."""
    memory = store(cluster, namespace)
    memory.save(states(5))
    data = base64.b64encode(records.encode(states(2, seed=9), 2, 0.0)).decode()
    put(cluster, namespace, "lynceus-state-1", {"lynceus.io/state": "delivery"}, binaryData={"states.json.gz": data})
    other = store(cluster, namespace)
    assert states(5) == other.load(), "the newer shard wins"
    other.save(states(5))
    assert ["lynceus-state-0"] == list(config_maps(cluster, namespace))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no gzip at all",
        gzip.compress(b"{}"),
        gzip.compress(b'{"format":99,"shards":1,"written":1,"states":{}}'),
        gzip.compress(b'{"format":1,"shards":1,"written":1,"states":{"a":{"drift_since":"yesterday"}}}'),
        gzip.compress(b"[" * 100_000),
        records.encode(states(3), 1, 0.0)[:-9],
    ],
    ids=["empty", "no gzip", "no record", "another format", "no time", "too deep", "cut off"],
)
def test_a_damaged_configmap_is_passed_over(
    sandbox_cluster: Cluster, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """One line in the log, no error, and the next save replaces it."""
    with sandbox_cluster.namespace("mem") as namespace:
        text = base64.b64encode(data).decode()
        labels = {"lynceus.io/state": "delivery"}
        put(sandbox_cluster, namespace, "lynceus-state-0", labels, binaryData={"states.json.gz": text})
        put(sandbox_cluster, namespace, "lynceus-state-1", labels, data={"states.json.gz": "text"})
        memory = store(sandbox_cluster, namespace)
        assert {} == memory.load()
        assert 2 == len([r for r in caplog.records if "cannot be read" in r.message])
        memory.save(states(3))
        assert states(3) == store(sandbox_cluster, namespace).load()


def test_a_long_text_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few kilobytes that unpack to gigabytes are damaged."""
    monkeypatch.setattr(records, "LARGEST", 1000)
    with pytest.raises(records.DamagedError):
        records.decode(gzip.compress(b" " * 1_000_000))


def test_one_application_does_not_crowd_out_the_others(
    sandbox_cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever may write one Application can give it a megabyte of value files; the others are remembered."""
    chance = random.Random(2)
    paths = tuple(f"{chance.getrandbits(800):0200x}" for _ in range(10_000))
    huge = State(uid="huge", last=Deployed(revisions=("a" * 40,), places=(Place("r", paths),)))
    with sandbox_cluster.namespace("mem") as namespace:
        memory = store(sandbox_cluster, namespace)
        memory.load()
        for _ in range(2):
            memory.save({**states(3), "argocd/huge": huge})
        assert states(3) == store(sandbox_cluster, namespace).load()
    lines = [r for r in caplog.records if "too large" in r.message]
    assert ["argocd/huge"] == [r.__dict__["application"] for r in lines]


def test_somebody_elses_configmap_is_left_alone(cluster: Cluster, namespace: str) -> None:
    """One of that name without our label is not read and not written."""
    put(cluster, namespace, "lynceus-state-0", {}, data={"mine": "yes"})
    memory = store(cluster, namespace)
    assert {} == memory.load()
    with pytest.raises(PermanentError, match="lynceus-state-0: it is not of Lynceus"):
        memory.save(states(3))
    assert {"mine": "yes"} == config_maps(cluster, namespace)["lynceus-state-0"]["data"]


def test_of_two_processes_the_later_one_keeps_the_memory(cluster: Cluster, namespace: str) -> None:
    """The older one finds out at its next write, and writes no more; nothing is mixed."""
    older = store(cluster, namespace)
    older.load()
    older.save(states(2))
    newer = store(cluster, namespace)
    newer.load()
    older.save(states(3))
    newer.save(states(4))
    for _ in range(2):
        with pytest.raises(PermanentError, match="a process that was started later keeps it now"):
            older.save(states(5))
    newer.save(states(6))
    assert states(6) == store(cluster, namespace).load()


def test_a_memory_that_somebody_deleted_is_written_again(cluster: Cluster, namespace: str) -> None:
    """A person may clear it at any time."""
    memory = store(cluster, namespace)
    memory.load()
    memory.save(states(2))
    assert cluster.request("DELETE", f"{PATH.format(namespace)}/lynceus-state-0").status == 200
    memory.save(states(3))
    assert states(3) == store(cluster, namespace).load()


def test_without_the_right_it_says_so(real_cluster: Cluster) -> None:
    """Forbidden, which the keeper takes as the end of the memory."""
    with real_cluster.namespace("mem") as namespace:
        client = KubeClient.from_kubeconfig(str(real_cluster.user("alice")))
        memory = ConfigMaps(client, namespace, SystemClock())
        with pytest.raises(Forbidden):
            memory.load()
        with pytest.raises(Forbidden):
            memory.save(states(1))


def test_ten_thousand_applications_fit() -> None:
    """Their states are some 150 bytes each once they are packed."""
    size = sum(len(records.encode(part, 4, 0.0)) for part in records.split(states(10_000), 4))
    assert size < 4 * records.SHARD_BYTES
