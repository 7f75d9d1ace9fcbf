"""One Lynceus loop before a cluster and a Git repository, for the scenarios; everything is observed from outside."""

from __future__ import annotations

import datetime as dt
import json
import time
import typing as t
from pathlib import Path

from controller.cage import Cage
from controller.clock import SystemClock
from controller.kube.client import KubeClient
from controller.manager import LoopOptions, Manager
from controller.secretbook import SecretBook
from controller.sources.service import SourceService
from model.events import Event
from policy.guard import Guard
from tests.stage.cluster import Cluster
from tests.stage.git import Repo

Json = dict[str, t.Any]
APPS = "/apis/argoproj.io/v1alpha1/namespaces/{}/applications"
PROJECTS = "/apis/argoproj.io/v1alpha1/namespaces/{}/appprojects"
IN_CLUSTER = "https://kubernetes.default.svc"
AUTOMATED: Json = {"automated": {"prune": True, "selfHeal": True}}
MERGE = "application/merge-patch+json"


def config_map(name: str, **data: str) -> str:
    """Return a ConfigMap as YAML text (JSON is YAML)."""
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data or {"k": "v"}}
    return json.dumps(body)


def deployment(name: str = "web", replicas: int = 1, image: str = "nginx:1") -> str:
    """Return a Deployment as YAML text."""
    return f"""apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      containers:
      - {{name: web, image: "{image}"}}
"""


class SetClock(SystemClock):
    """The machine's clocks, with another time of day; what waits for a time of day need not be waited for."""

    def __init__(self) -> None:
        self._ahead = dt.timedelta(0)

    def now(self) -> dt.datetime:
        return super().now() + self._ahead

    def set(self, text: str) -> None:
        """Set the time of day; nobody is told."""
        self._ahead = dt.datetime.fromisoformat(text) - super().now()


class World:
    """A control namespace, a destination namespace and a loop that can be started and stopped."""

    def __init__(self, cluster: Cluster, control: str, destination: str, cache: Path, cage: Cage) -> None:
        self.cluster, self.control, self.destination = cluster, control, destination
        self.kubeconfig = cluster.kubeconfig
        self.events: list[Event] = []
        self.clock = SetClock()
        self.manager: Manager | None = None
        self._cache, self._cage = cache, cage
        self._sources: SourceService | None = None

    def start(self, **options: t.Any) -> Manager:
        """Start the loop, on the world's clock."""
        clock, book = self.clock, SecretBook()
        self._sources = SourceService(
            cache_dir=self._cache,
            repositories=book.repository,
            cage=self._cage,
            publish=self.events.append,
            clock=clock,
            allow_schemes=("http", "file"),
            on_moved=lambda url: self.manager.refresh_repository(url) if self.manager else None,
        )
        self.manager = Manager(
            KubeClient.from_kubeconfig(str(self.kubeconfig), on_request=self.events.append),
            namespace=self.control,
            guard=Guard(),
            sources=self._sources,
            clock=clock,
            publish=self.events.append,
            options=LoopOptions(**options),
            book=book,
        )
        self.manager.start()
        return self.manager

    def stop(self) -> None:
        """Stop the loop."""
        if self.manager is not None:
            self.manager.stop()
            self.manager = None
        if self._sources is not None:
            self._sources.close()
            self._sources = None

    def settings(self, name: str = "argocd-cm", **data: str) -> None:
        """Write one of the two ConfigMaps.

        Worlds share a cluster, and Applications of one name share their tracking: the installationID keeps them apart.
        """
        if name == "argocd-cm":
            data = {"installationID": self.control, **data}
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}
        path = f"/api/v1/namespaces/{self.control}/configmaps"
        reply = self.cluster.request("POST", path, body)
        if reply.status == 409:
            reply = self.cluster.request("PUT", f"{path}/{name}", body)
        assert reply.status in (200, 201), reply.body[:500]

    def project(self, name: str = "default", annotations: dict[str, str] | None = None, **spec: t.Any) -> None:
        """Create or replace an AppProject that permits everything but what `spec` says."""
        whole = {
            "sourceRepos": ["*"],
            "destinations": [{"server": "*", "namespace": "*"}],
            "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
            **spec,
        }
        body = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "AppProject",
            "metadata": {"name": name, "namespace": self.control, "annotations": annotations or {}},
            "spec": whole,
        }
        path = PROJECTS.format(self.control)
        reply = self.cluster.request("POST", path, body)
        if reply.status == 409:
            found = self.cluster.get(f"{path}/{name}")
            reply = self.cluster.request(
                "PUT", f"{path}/{name}", {**body, "metadata": {**found["metadata"], **body["metadata"]}}
            )
        assert reply.status in (200, 201), reply.body[:500]

    def app(
        self,
        name: str,
        repo: Repo | str,
        path: str = "app",
        *,
        policy: Json | None = None,
        finalizer: bool = False,
        **spec: t.Any,
    ) -> None:
        """Create an Application."""
        url = repo if isinstance(repo, str) else repo.url
        metadata: Json = {"name": name, "namespace": self.control}
        if finalizer:
            metadata["finalizers"] = ["resources-finalizer.argocd.argoproj.io"]
        body = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": metadata,
            "spec": {
                "project": "default",
                "source": {"repoURL": url, "path": path, "targetRevision": "main"},
                "destination": {"server": IN_CLUSTER, "namespace": self.destination},
                "syncPolicy": AUTOMATED if policy is None else policy,
                **spec,
            },
        }
        reply = self.cluster.request("POST", APPS.format(self.control), body)
        assert reply.status == 201, reply.body[:500]

    def get(self, name: str) -> Json:
        """Read an Application."""
        found = self.cluster.get(f"{APPS.format(self.control)}/{name}")
        assert isinstance(found, dict)
        return found

    def patch(self, name: str, body: Json) -> None:
        """Merge-patch an Application."""
        reply = self.cluster.request("PATCH", f"{APPS.format(self.control)}/{name}", body, content_type=MERGE)
        assert reply.status == 200, reply.body[:500]

    def refresh(self, name: str, kind: str = "normal") -> None:
        """Ask for a refresh by the annotation."""
        self.patch(name, {"metadata": {"annotations": {"argocd.argoproj.io/refresh": kind}}})

    def sync(self, name: str, **more: t.Any) -> None:
        """Ask for a manual sync by the operation field."""
        given = {name: more.pop(name, None) for name in ("retry", "info")}
        operation = {"initiatedBy": more.pop("by", {}), **given, "sync": {**more}}
        self.patch(name, {"operation": {k: v for k, v in operation.items() if v is not None}})

    def objects(self, resource: str, group: str = "") -> dict[str, Json]:
        """List a kind in the destination namespace, by name; what the cluster itself puts there is left out."""
        root = f"/apis/{group}" if group else "/api/v1"
        found = self.cluster.get(f"{root}/namespaces/{self.destination}/{resource}")
        items = {item["metadata"]["name"]: item for item in found["items"]}
        return {name: item for name, item in items.items() if name not in ("kube-root-ca.crt", "default")}

    def change(self, path: str, body: Json) -> None:
        """Merge-patch any object by its URL path."""
        reply = self.cluster.request("PATCH", path, body, content_type=MERGE)
        assert reply.status == 200, reply.body[:500]

    def wait(self, what: str, check: t.Callable[[], t.Any], timeout: float = 20.0) -> t.Any:
        """Wait until `check` returns something true and return it; AssertionErrors inside count as not yet."""
        deadline = time.monotonic() + timeout
        last: BaseException | None = None
        while True:
            try:
                found = check()
                if found:
                    return found
            except (AssertionError, KeyError) as failure:
                last = failure
            if time.monotonic() > deadline:
                raise AssertionError(f"not in {timeout:g} s: {what}; last: {last or found!r}; {self.shown()}")
            time.sleep(0.05)

    def shown(self) -> str:
        """Return the status of all Applications in short, for a failing assertion."""
        found = self.cluster.get(APPS.format(self.control))["items"]
        return "; ".join(
            f"{a['metadata']['name']}: {sync_of(a)} {health_of(a)} {phase_of(a)} {conditions_of(a)} "
            f"{(a.get('status', {}).get('operationState') or {}).get('message', '')}"
            for a in found
        )[:3000]

    def until(self, name: str, sync: str = "Synced", health: str = "", timeout: float = 20.0) -> Json:
        """Wait until an Application has this sync status (and health) and return it."""

        def check() -> Json | None:
            app = self.get(name)
            return app if sync_of(app) == sync and health in ("", health_of(app)) else None

        found: Json = self.wait(f"{name} {sync} {health}", check, timeout)
        return found

    def until_condition(self, name: str, kind: str, timeout: float = 20.0) -> str:
        """Wait until an Application carries a condition of this type and return its message."""
        found: str = self.wait(f"{name} {kind}", lambda: conditions_of(self.get(name)).get(kind), timeout)
        return found

    def of(self, kind: type[Event]) -> list[t.Any]:
        """Return the events of one type so far."""
        return [event for event in list(self.events) if isinstance(event, kind)]


def sync_of(app: Json) -> str:
    return str(((app.get("status") or {}).get("sync") or {}).get("status", ""))


def health_of(app: Json) -> str:
    return str(((app.get("status") or {}).get("health") or {}).get("status", ""))


def phase_of(app: Json) -> str:
    return str(((app.get("status") or {}).get("operationState") or {}).get("phase", ""))


def conditions_of(app: Json) -> dict[str, str]:
    return {c["type"]: c["message"] for c in (app.get("status") or {}).get("conditions") or ()}
