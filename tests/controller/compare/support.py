"""Applying manifests with the real kubectl and comparing them with what the server made of them."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from controller.clock import SystemClock
from controller.compare.diff import Verdict, compare
from controller.compare.ignore import IgnoreRules
from controller.compare.normalise import prepare_targets
from controller.kube.client import KubeClient
from controller.kube.discovery import Discovery
from controller.kube.schema import Schemas
from model.meta import JSON, key_of, split_api_version
from model.settings import Settings
from tests.stage.cluster import Cluster

MANIFESTS = Path(__file__).parent / "manifests"


class Bench:
    """One cluster with the parts that a comparison needs."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster, self.namespace = cluster, namespace
        self.client = KubeClient.from_kubeconfig(str(cluster.kubeconfig))
        self.discovery = Discovery(self.client, SystemClock())
        self.schemas = Schemas(self.client, SystemClock())

    def targets(self, documents: list[JSON]) -> list[JSON]:
        prepared = prepare_targets(
            json.loads(json.dumps(documents)),
            instance="app",
            destination_namespace=self.namespace,
            discovery=self.discovery,
            settings=Settings(),
        )
        assert {} == prepared.unknown_kinds
        return prepared.targets

    def apply(self, targets: list[JSON], *, server_side: bool) -> None:
        flags = ["--server-side", "--field-manager=argocd-controller", "--force-conflicts"] if server_side else []
        body = json.dumps({"apiVersion": "v1", "kind": "List", "items": targets})
        self.cluster.kubectl("apply", "--validate=false", *flags, "-f", "-", input=body)

    def live(self, target: JSON) -> JSON:
        key = key_of(target)
        resource = self.discovery.find(key.group, key.kind, split_api_version(target["apiVersion"])[1])
        assert resource is not None
        found: JSON = msgspec.json.decode(self.client.get(resource, key.namespace, key.name))
        return found

    def compare(self, target: JSON, *, server_side: bool, rules: IgnoreRules | None = None) -> Verdict:
        live = self.live(target)
        return compare(target, live, rules=rules, schemas=self.schemas, server_side=server_side)

    def differences(self, targets: list[JSON], *, server_side: bool) -> dict[str, Any]:
        """Return what differs, object by object; empty when all are in sync."""
        found = {str(key_of(target)): self.compare(target, server_side=server_side) for target in targets}
        return {key: v.fields or v.unknown_fields for key, v in found.items() if v.modified or v.unknown_fields}


def documents(name: str) -> list[JSON]:
    """Read a file of manifests as Kubernetes would: no timestamps, no surprises in the test data."""
    return list(yaml.safe_load_all((MANIFESTS / name).read_text()))


@pytest.fixture
def bench(cluster: Cluster, namespace: str) -> Bench:
    return Bench(cluster, namespace)
