"""What the story plays with: the cluster, the repository, Lynceus' addresses, and how things are called."""

from __future__ import annotations

import json
import typing as t
import urllib.error
import urllib.request
from dataclasses import dataclass
from importlib.resources import files

from lynceus.demo.cluster import JSON, DemoCluster
from lynceus.demo.repository import DemoRepository
from model.errors import LynceusError

APPLICATIONS: t.Final = ("guestbook", "storefront", "payments")
DIRECT: t.Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Lynceus listens on loopback, where no proxy of the environment leads."""
LONGEST_ANSWER: t.Final = 8 * 1024 * 1024
"""Bytes read of one HTTP answer."""


@dataclass(frozen=True, kw_only=True)
class World:
    """Everything a step may touch."""

    cluster: DemoCluster
    reach: tuple[str, ...]
    """Options by which Lynceus' own commands find the cluster."""
    repository: DemoRepository
    control: str
    """Namespace of the Applications."""
    prefix: str
    """Stands before the destination namespaces; empty on the embedded cluster."""
    applications: tuple[str, ...]
    """Those that can be shown here: without kustomize or kubectl, storefront is left out."""
    metrics_url: str
    api_url: str
    tokens: dict[str, str]
    """User -> bearer token of the API."""

    def namespace(self, application: str) -> str:
        """Return where an application is deployed to."""
        return self.prefix + application

    def name(self, application: str) -> str:
        """Return metadata.name of an Application; prefixed too, since objects are tracked by it."""
        return self.prefix + application

    def application(self, name: str) -> JSON:
        """Return the Application as it stands in the cluster."""
        return self.cluster.get("Application", self.control, self.name(name))

    def manifest(self, name: str) -> str:
        """Return a file of examples/argocd with its placeholders filled in."""
        return read_manifest(name, repository=self.repository.url, control=self.control, prefix=self.prefix)

    def set_policy(self, text: str) -> None:
        """Write the policy CSV as an administrator would."""
        body = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "argocd-rbac-cm", "namespace": self.control},
        }
        self.cluster.apply(json.dumps({**body, "data": {"policy.csv": text, "policy.default": ""}}))

    def ask(self, user: str, method: str, path: str, body: JSON | None = None) -> tuple[int, JSON]:
        """Call Lynceus' API as a user; returns status and decoded answer."""
        request = urllib.request.Request(  # noqa: S310 - our own address on loopback
            self.api_url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.tokens[user]}", "Content-Type": "application/json"},
        )
        try:
            with DIRECT.open(request, timeout=10) as answer:
                return answer.status, json.loads(answer.read(LONGEST_ANSWER) or b"{}")
        except urllib.error.HTTPError as refusal:
            return refusal.code, json.loads(refusal.read(LONGEST_ANSWER) or b"{}")
        except OSError as failure:
            raise LynceusError(f"Lynceus' API does not answer: {failure}") from None

    def sync(self, user: str, application: str, body: JSON | None = None) -> tuple[int, JSON]:
        """Ask for a sync of an application as a user; returns status and decoded answer."""
        return self.ask(user, "POST", f"/api/v1/applications/{self.name(application)}/sync", body or {})

    def scrape(self) -> list[str]:
        """Return the sample lines of /metrics."""
        try:
            with DIRECT.open(self.metrics_url, timeout=10) as answer:
                text = answer.read(LONGEST_ANSWER).decode()
        except OSError as failure:
            raise LynceusError(f"/metrics does not answer: {failure}") from None
        return [line for line in text.splitlines() if not line.startswith("#")]


def read_manifest(name: str, *, repository: str, control: str, prefix: str) -> str:
    """Return a file of examples/argocd with its placeholders filled in."""
    text = (files("examples") / "argocd" / name).read_text(encoding="utf-8")
    return text.replace("REPOSITORY", repository).replace("CONTROL", control).replace("PREFIX", prefix)


def status_of(application: JSON) -> tuple[str, str, str]:
    """Return sync status, health status and revision."""
    status = application.get("status") or {}
    sync = status.get("sync") or {}
    return sync.get("status", ""), (status.get("health") or {}).get("status", ""), sync.get("revision", "")


def condition(application: JSON, kind: str) -> str | None:
    """Return the message of a condition, or None when there is none of that type."""
    for entry in (application.get("status") or {}).get("conditions") or []:
        if entry.get("type") == kind:
            return str(entry.get("message", ""))
    return None


def operation(application: JSON) -> JSON:
    """Return status.operationState, empty when there is none."""
    return t.cast("JSON", (application.get("status") or {}).get("operationState") or {})
