"""What the story does to the cluster: as a person with kubectl would, and never through Lynceus' own loop."""

from __future__ import annotations

import time
import typing as t

import msgspec
import yaml

from controller.kube.client import APPLY, MERGE, KubeClient
from model.errors import AlreadyExists, LynceusError, NotFound

JSON = dict[str, t.Any]

PLURALS: t.Final = {
    "Namespace": "api/v1/namespaces",
    "ConfigMap": "api/v1/namespaces/{}/configmaps",
    "Secret": "api/v1/namespaces/{}/secrets",
    "Service": "api/v1/namespaces/{}/services",
    "Deployment": "apis/apps/v1/namespaces/{}/deployments",
    "Application": "apis/argoproj.io/v1alpha1/namespaces/{}/applications",
    "AppProject": "apis/argoproj.io/v1alpha1/namespaces/{}/appprojects",
    "CustomResourceDefinition": "apis/apiextensions.k8s.io/v1/customresourcedefinitions",
}
"""Kind -> path of its collection; the story uses no others."""

MANAGER: t.Final = "lynceus-demo"


def _until(probe: t.Callable[[], bool], failure: str, seconds: float, deadline: float | None = None) -> None:
    deadline = time.monotonic() + seconds if deadline is None else deadline
    while not probe():
        if time.monotonic() > deadline:
            raise LynceusError(f"{failure} after {seconds:.0f} s")
        time.sleep(0.1)


class DemoCluster:
    """A few verbs over the kinds of the story."""

    def __init__(self, client: KubeClient) -> None:
        self._client = client

    def _path(self, kind: str, namespace: str, name: str = "") -> str:
        return "/" + PLURALS[kind].format(namespace) + (f"/{name}" if name else "")

    def create_namespace(self, name: str) -> None:
        """Make the namespace unless it is there."""
        body = msgspec.json.encode({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        try:
            self._client.request("POST", self._path("Namespace", ""), body=body)
        except AlreadyExists:
            return

    def apply(self, text: str) -> list[JSON]:
        """Apply all documents of a YAML text on the server's side; returns what the server made of them."""
        return [self._apply(document) for document in yaml.safe_load_all(text) if document]

    def _apply(self, obj: JSON) -> JSON:
        meta = obj["metadata"]
        path = self._path(obj["kind"], meta.get("namespace", ""), meta["name"])
        query = {"fieldManager": MANAGER, "force": "true"}
        answer = self._client.request("PATCH", path, query=query, body=msgspec.json.encode(obj), content_type=APPLY)
        return t.cast("JSON", msgspec.json.decode(answer))

    def get(self, kind: str, namespace: str, name: str) -> JSON:
        """Return the object; NotFound when there is none."""
        return t.cast("JSON", msgspec.json.decode(self._client.request("GET", self._path(kind, namespace, name))))

    def events(self, namespace: str) -> list[JSON]:
        """Return the Events of a namespace."""
        answer = self._client.request("GET", f"/api/v1/namespaces/{namespace}/events")
        return t.cast("list[JSON]", msgspec.json.decode(answer)["items"])

    def everywhere(self, plural: str) -> list[tuple[str, str]]:
        """Return (namespace, name) of all objects of one of Argo CD's kinds; none when the kind is not served."""
        try:
            answer = self._client.request("GET", f"/apis/argoproj.io/v1alpha1/{plural}")
        except NotFound:
            return []
        items = msgspec.json.decode(answer)["items"]
        return [(item["metadata"].get("namespace", ""), item["metadata"]["name"]) for item in items]

    def exists(self, kind: str, namespace: str, name: str) -> bool:
        """Tell whether the object is there."""
        try:
            self.get(kind, namespace, name)
        except NotFound:
            return False
        return True

    def patch(self, kind: str, namespace: str, name: str, change: JSON) -> JSON:
        """Merge a change into the object, as `kubectl patch --type merge`."""
        path = self._path(kind, namespace, name)
        answer = self._client.request(
            "PATCH", path, query={"fieldManager": MANAGER}, body=msgspec.json.encode(change), content_type=MERGE
        )
        return t.cast("JSON", msgspec.json.decode(answer))

    def set_config(self, name: str, namespace: str, data: dict[str, str]) -> None:
        """Write a ConfigMap."""
        body = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": namespace},
            "data": data,
        }
        self._apply(body)

    def wait_established(self, names: t.Iterable[str], seconds: float = 15.0) -> None:
        """Wait until the API server serves the CRDs."""
        for name in names:
            _until(lambda name=name: self._established(name), f"CRD {name} is not Established", seconds)  # type: ignore[misc]

    def _established(self, name: str) -> bool:
        found = self.get("CustomResourceDefinition", "", name).get("status", {}).get("conditions") or []
        return any(entry["type"] == "Established" and entry["status"] == "True" for entry in found)

    def wait_gone(self, objects: t.Iterable[tuple[str, str, str]], seconds: float) -> None:
        """Wait until none of the (kind, namespace, name) is there; LynceusError when one still is after all that."""
        deadline = time.monotonic() + seconds
        for kind, namespace, name in objects:
            where = f"{namespace}/{name}" if namespace else name
            _until(
                lambda kind=kind, ns=namespace, name=name: not self.exists(kind, ns, name),  # type: ignore[misc]
                f"{kind} {where} is still there",
                seconds,
                deadline,
            )

    def delete(self, kind: str, namespace: str, name: str) -> None:
        """Delete the object if it is there."""
        try:
            self._client.request("DELETE", self._path(kind, namespace, name))
        except NotFound:
            return
