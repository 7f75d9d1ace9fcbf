"""Killed after every write of a sync in turn, on the real control plane: it finishes at the pinned commit, once."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.scenarios.world import World, config_map, deployment, phase_of
from tests.stage.git import Repo
from tests.stage.proxy import FaultProxy
from tests.stage.requestlog import Request

FIRST = {"app/a.yaml": config_map("a", k="1"), "app/b.yaml": config_map("b", k="1"), "app/old.yaml": config_map("old")}
SECOND = {
    "app/a.yaml": config_map("a", k="2"),
    "app/new.yaml": config_map("new"),
    "app/d.yaml": deployment("web"),
    "app/old.yaml": None,
}


@contextlib.contextmanager
def lynceus(world: World, kubeconfig: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run the program itself in a process of its own."""
    command = [sys.executable, "-m", "lynceus", "run", "--kubeconfig", str(kubeconfig), "-n", world.control]
    command += ["--allow-scheme", "http", "--metrics-port", "0", "--api-port", "0"]
    command += ["--cache-dir", str(log.parent / "mirrors")]
    with log.open("ab") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=out, cwd=Path(__file__).parents[2], start_new_session=True
        )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def writes(proxy: FaultProxy) -> list[Request]:
    """Return the accepted writes of Lynceus that change something of the story."""
    return [w for w in proxy.writes(identity="lynceus") if counts(w)]


@pytest.mark.slow
def test_killed_after_each_write_it_finishes_at_the_pinned_commit(
    real_world: World, repo: Repo, fault_proxy: Callable[..., FaultProxy], tmp_path: Path
) -> None:
    """For every write of a sync with creates, a patch and a prune: kill -9, start again, nothing is done twice."""
    world, number = real_world, 0
    while True:
        number += 1
        name = f"shop-{number}"
        folder = name
        repo.push({path.replace("app", folder): text.replace('"a"', f'"{name}-a"') for path, text in FIRST.items()})
        proxy = fault_proxy(world.cluster)
        world.app(name, repo, folder, policy={"automated": {"prune": True}})
        kubeconfig, log = proxy.user("lynceus"), tmp_path / f"{number}.log"
        with lynceus(world, kubeconfig, log):
            world.until(name, "Synced", timeout=40)
            world.wait("rest", lambda: phase_of(world.get(name)) == "Succeeded")  # noqa: B023
        proxy.log.clear()
        wanted = repo.push({path.replace("app", folder): text for path, text in SECOND.items()})
        before = len(writes(proxy))
        with lynceus(world, kubeconfig, log) as process:
            fired = proxy.after_write(number, lambda _: process.kill(), identity="lynceus", where=counts)
            finished = _until_done(world, name, wanted, fired.is_set)
        if finished:
            assert number > 5, "the story has at least two status writes, a patch, two creates and a prune"
            return
        later = repo.push({f"{folder}/later.yaml": config_map(f"{name}-later")})
        with lynceus(world, kubeconfig, log):
            app = world.wait("the end", lambda: _deployed(world, name, wanted), 40)  # noqa: B023
        assert app["status"]["operationState"]["phase"] in ("Succeeded", "Running")
        _check(writes(proxy)[before:], name)
        ids = [entry["id"] for entry in world.get(name)["status"]["history"]]
        assert sorted(set(ids)) == ids
        assert 1 == [e["revision"] for e in world.get(name)["status"]["history"]].count(wanted)
        assert later != wanted
        path = f"/apis/argoproj.io/v1alpha1/namespaces/{world.control}/applications/{name}"
        world.cluster.request("DELETE", path)
        for resource, group in (("configmaps", ""), ("deployments", "apps/v1")):
            root = f"/apis/{group}" if group else "/api/v1"
            world.cluster.request("DELETE", f"{root}/namespaces/{world.destination}/{resource}")


def counts(request: Request) -> bool:
    """Say whether a write belongs to the story; Events and the memory of deployments do not."""
    return request.resource != "events" and not request.dry_run and not request.name.startswith("lynceus-state-")


def _until_done(world: World, name: str, wanted: str, killed: Callable[[], bool]) -> bool:
    """Wait for the kill, or for the end when the story has fewer writes."""
    deadline = time.monotonic() + 40
    world.refresh(name)
    while time.monotonic() < deadline:
        if killed():
            return False
        if _deployed(world, name, wanted) and "operation" not in world.get(name):
            time.sleep(1.0)
            return not killed()
        time.sleep(0.05)
    raise AssertionError(world.shown())


def _deployed(world: World, name: str, wanted: str) -> dict | None:  # type: ignore[type-arg]
    """Return the Application once its history names the commit."""
    app = world.get(name)
    history = (app.get("status") or {}).get("history") or []
    return app if wanted in [entry["revision"] for entry in history] else None


def _check(done: list[Request], name: str) -> None:
    """No object was written or deleted twice on the way."""
    touched = [(w.verb, w.resource, w.name) for w in done if w.resource in ("configmaps", "deployments")]
    repeated = {what for what in touched if touched.count(what) > 1 and not what[2].endswith("-later")}
    assert not repeated, f"{name}: written twice: {repeated}"
