"""N Applications of five objects each on the real control plane: cold start, one commit, idle, scrape.

The yardstick is the floor that no controller can pass: the same manifests as server-side applies over eight kept-open
connections. Environment: LYNCEUS_BENCH_APPLICATIONS (200), LYNCEUS_BENCH_IDLE_SECONDS (600).
"""

from __future__ import annotations

import contextlib
import gzip
import http.client
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import typing as t
from pathlib import Path

from benchmarks._process import cpu_seconds, memory_mib
from tests.stage import control_plane
from tests.stage.cluster import Cluster, from_kubeconfig
from tests.stage.git import GitServer, Repo
from tests.stage.keeper import free_ports

APPLICATIONS = int(os.environ.get("LYNCEUS_BENCH_APPLICATIONS", "200"))
IDLE_SECONDS = float(os.environ.get("LYNCEUS_BENCH_IDLE_SECONDS", "600"))
SETTLED_SECONDS = 120.0
CONNECTIONS = 8
CONTROL, TARGET, RAW = "argocd", "fleet", "fleet-raw"


def manifests(index: int, image: str = "1.0") -> dict[str, str]:
    """Return the five files of one application."""
    name = f"app-{index}"
    labels = {"app": name}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "containers": [
                        {"name": "main", "image": f"registry.example/app:{image}", "ports": [{"containerPort": 8080}]}
                    ]
                },
            },
        },
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": labels, "ports": [{"port": 80, "targetPort": 8080}]},
    }
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}
    settings = [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"{name}-{part}"}, "data": {"index": str(index)}}
        for part in ("a", "b")
    ]
    objects = {
        "deployment": deployment,
        "service": service,
        "account": account,
        "settings-a": settings[0],
        "settings-b": settings[1],
    }
    return {f"apps/{name}/{part}.yaml": json.dumps(obj) for part, obj in objects.items()}


def application(index: int, repository: str) -> dict[str, t.Any]:
    """Return one Application with automated sync, prune and self-heal."""
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": f"app-{index}", "namespace": CONTROL},
        "spec": {
            "project": "default",
            "source": {"repoURL": repository, "path": f"apps/app-{index}", "targetRevision": "main"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": TARGET},
            "syncPolicy": {"automated": {"prune": True, "selfHeal": True}},
        },
    }


PROJECT = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "AppProject",
    "metadata": {"name": "default", "namespace": CONTROL},
    "spec": {
        "sourceRepos": ["*"],
        "destinations": [{"server": "*", "namespace": "*"}],
        "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
    },
}
PATHS = {
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments/{}",
    "Service": "/api/v1/namespaces/{}/services/{}",
    "ServiceAccount": "/api/v1/namespaces/{}/serviceaccounts/{}",
    "ConfigMap": "/api/v1/namespaces/{}/configmaps/{}",
    "Application": "/apis/argoproj.io/v1alpha1/namespaces/{}/applications/{}",
    "AppProject": "/apis/argoproj.io/v1alpha1/namespaces/{}/appprojects/{}",
    "Namespace": "/api/v1/namespaces/{1}",
}


def apply_all(cluster: Cluster, objects: list[tuple[str, dict[str, t.Any]]]) -> tuple[float, float]:
    """Apply (namespace, object) pairs over CONNECTIONS kept-open connections; returns wall and CPU seconds."""
    started, cpu = time.monotonic(), time.process_time()
    threads = [
        threading.Thread(target=_apply_some, args=(cluster, objects[start::CONNECTIONS]))
        for start in range(CONNECTIONS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.monotonic() - started, time.process_time() - cpu


def _apply_some(cluster: Cluster, objects: list[tuple[str, dict[str, t.Any]]]) -> None:
    connection = cluster.connect()
    headers = {"Content-Type": "application/apply-patch+yaml", **cluster.credentials("admin")}
    for namespace, obj in objects:
        path = PATHS[obj["kind"]].format(namespace, obj["metadata"]["name"])
        connection.request("PATCH", f"{path}?fieldManager=raw&force=true", body=json.dumps(obj), headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{path}: {answer.status} {body[:300]!r}")
    connection.close()


class Fleet:
    """The prepared cluster and repository, and Lynceus running on them as a process of its own."""

    def __init__(self, cluster: Cluster, git: GitServer, repo: Repo, folder: Path) -> None:
        self.cluster, self.git, self.repo, self.folder = cluster, git, repo, folder
        self.process: subprocess.Popen[bytes] | None = None
        self.port = free_ports(1)[0]

    @property
    def pid(self) -> int:
        """Process id of Lynceus."""
        assert self.process is not None
        return self.process.pid

    def start(self) -> None:
        """Start Lynceus as an operator would."""
        command = [
            sys.executable,
            "-m",
            "lynceus",
            "run",
            "--kubeconfig",
            str(self.cluster.kubeconfig),
            "--namespace",
            CONTROL,
        ]
        command += [
            "--metrics-port",
            str(self.port),
            "--api-port",
            "0",
            "--cache-dir",
            str(self.folder / "cache"),
            "--allow-scheme",
            "http",
        ]
        with (self.folder / "lynceus.log").open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)

    def stop(self) -> None:
        """End Lynceus."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(30)

    def wait(self, revision: str, seconds: float = 600) -> float:
        """Wait until every Application is Synced at the revision; returns seconds."""
        started = time.monotonic()
        while True:
            items = self.cluster.get(PATHS["Application"].format(CONTROL, "").rstrip("/"))["items"]
            synced = [item.get("status", {}).get("sync", {}) for item in items]
            if all(sync.get("status") == "Synced" and sync.get("revision") == revision for sync in synced):
                return time.monotonic() - started
            if time.monotonic() - started > seconds or (self.process and self.process.poll() is not None):
                done = sum(sync.get("status") == "Synced" and sync.get("revision") == revision for sync in synced)
                tail = (self.folder / "lynceus.log").read_text(errors="replace")[-2000:]
                raise RuntimeError(f"{done} of {len(synced)} Synced at {revision} after {seconds:.0f} s\n{tail}")
            time.sleep(0.2)

    def wait_image(self, index: int, image: str, seconds: float = 60) -> float:
        """Wait until the Deployment of one application runs the image; returns seconds."""
        path, started = PATHS["Deployment"].format(TARGET, f"app-{index}"), time.monotonic()
        while not self.cluster.get(path)["spec"]["template"]["spec"]["containers"][0]["image"].endswith(image):
            if time.monotonic() - started > seconds:
                raise RuntimeError(f"app-{index} does not run {image} after {seconds} s")
            time.sleep(0.05)
        return time.monotonic() - started

    def scrape(self) -> tuple[float, bytes]:
        """Scrape as Prometheus does; returns milliseconds and the body."""
        started = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        connection.request(
            "GET",
            "/metrics",
            headers={"Accept": "application/openmetrics-text; version=1.0.0", "Accept-Encoding": "gzip"},
        )
        body = connection.getresponse().read()
        taken = (time.perf_counter() - started) * 1000
        connection.close()
        return taken, body

    def compares(self) -> float:
        """Return how many comparisons were made, from the metrics."""
        text = gzip.decompress(self.scrape()[1]).decode()
        counted = 'lynceus_reconcile_stage_seconds_count{stage="compare"}'
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(counted))


@contextlib.contextmanager
def prepared() -> t.Iterator[Fleet]:
    """Start the control plane and the Git server, and fill both."""
    plane = control_plane.attach()
    with contextlib.ExitStack() as stack:
        stack.callback(plane.release)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        git = stack.enter_context(GitServer(folder))
        cluster = from_kubeconfig("real", plane.directory / "kubeconfig", plane.directory)
        cluster.kubectl("apply", "--server-side", "-f", "deploy/crds")
        cluster.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
        for name in (CONTROL, TARGET, RAW):
            cluster.kubectl("create", "namespace", name)
        repo = git.create("fleet")
        files: dict[str, str | None] = {}
        for index in range(APPLICATIONS):
            files |= manifests(index)
        repo.push(files, "Deploy the fleet")
        fleet = Fleet(cluster, git, repo, folder)
        stack.callback(fleet.stop)
        yield fleet


def run() -> t.Iterator[dict[str, t.Any]]:
    """Measure and yield the figures."""
    with prepared() as fleet:
        objects = [(RAW, json.loads(text)) for index in range(APPLICATIONS) for text in manifests(index).values()]
        raw, raw_cpu = apply_all(fleet.cluster, objects)
        yield {
            "name": f"raw apply, {len(objects)} objects",
            "figure": round(raw, 2),
            "unit": "s",
            "cpu_seconds": round(raw_cpu, 2),
        }
        fleet.cluster.kubectl("delete", "namespace", RAW, "--wait=true", "--timeout=300s")
        yield from _cold_start(fleet, raw)
        yield from _one_commit(fleet)
        yield from _idle(fleet)
        yield from _scrape(fleet)


def _cold_start(fleet: Fleet, raw: float) -> t.Iterator[dict[str, t.Any]]:
    apply_all(
        fleet.cluster, [(CONTROL, PROJECT), *((CONTROL, application(i, fleet.repo.url)) for i in range(APPLICATIONS))]
    )
    fleet.start()
    seconds = fleet.wait(fleet.repo.head())
    cost = {"cpu_seconds": round(cpu_seconds(fleet.pid), 2), "memory_mib": round(memory_mib(fleet.pid), 1)}
    yield {
        "name": f"cold start, {APPLICATIONS} applications",
        "figure": round(seconds, 2),
        "unit": "s",
        "ratio": round(seconds / raw, 2),
        "yardstick": "raw apply",
        "bar": "8x raw, 20 CPU s, 250 MiB for 200",
        **cost,
    }
    time.sleep(10)  # Deployments become ready, and the health that follows is not part of the next figure


def _one_commit(fleet: Fleet) -> t.Iterator[dict[str, t.Any]]:
    before, index = cpu_seconds(fleet.pid), APPLICATIONS // 2
    started = time.monotonic()
    head = fleet.repo.push(
        {path: text for path, text in manifests(index, "2.0").items() if "deployment" in path}, "Release 2.0"
    )
    fleet.cluster.kubectl(
        "annotate", "application", f"app-{index}", "-n", CONTROL, "argocd.argoproj.io/refresh=normal", "--overwrite"
    )
    applied = fleet.wait_image(index, "2.0")
    fleet.wait(head)
    yield {
        "name": "one pushed commit",
        "figure": round(applied, 2),
        "unit": "s until applied",
        "all_at_revision_seconds": round(time.monotonic() - started, 2),
        "cpu_seconds": round(cpu_seconds(fleet.pid) - before, 2),
        "bar": "1 s / 3 s / 1.5 CPU s for 200",
    }


def _settle(fleet: Fleet) -> None:
    """Wait until Deployments are ready and the events of the start are written: two minutes without a comparison."""
    seen, since = fleet.compares(), time.monotonic()
    while time.monotonic() - since < SETTLED_SECONDS:
        time.sleep(5)
        now = fleet.compares()
        if now != seen:
            seen, since = now, time.monotonic()


def _idle(fleet: Fleet) -> t.Iterator[dict[str, t.Any]]:
    _settle(fleet)
    fleet.git.clear_log()
    before, compares = cpu_seconds(fleet.pid), fleet.compares()
    time.sleep(IDLE_SECONDS)
    used = cpu_seconds(fleet.pid) - before
    yield {
        "name": f"idle for {IDLE_SECONDS:.0f} s, {APPLICATIONS} applications in sync",
        "figure": round(used / IDLE_SECONDS, 4),
        "unit": "CPU seconds a second",
        "memory_mib": round(memory_mib(fleet.pid), 1),
        "compares": fleet.compares() - compares,
        "git_requests": dict(fleet.git.counts()),
        "bar": "0.005, 200 MiB, 0 compares, 1 ls-remote per interval for 500",
    }


def _scrape(fleet: Fleet) -> t.Iterator[dict[str, t.Any]]:
    taken = sorted(fleet.scrape()[0] for _ in range(11))
    yield {
        "name": f"scrape, {APPLICATIONS} applications, OpenMetrics and gzip",
        "figure": round(taken[5], 2),
        "unit": "ms (median of 11)",
        "bytes": len(fleet.scrape()[1]),
        "bar": "5 ms for 500",
    }
