"""Objects and helpers for the kubectl tests."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from subprocess import PIPE, CompletedProcess, Popen
from typing import Any

from tests.stage.cluster import Cluster, find_kubectl

CRD = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: GROUP_PLURAL}
spec:
  group: GROUP
  names: {kind: Widget, plural: widgets, singular: widget, shortNames: [wg], categories: [things]}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    additionalPrinterColumns:
    - {name: Size, type: integer, jsonPath: .spec.size}
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            required: [size]
            properties:
              size: {type: integer, minimum: 1, maximum: 9}
              colour: {type: string, default: green, description: What it is painted with.}
          status:
            type: object
            properties:
              ready: {type: boolean}
"""


def deployment(name: str, replicas: int = 1, image: str = "nginx:1") -> str:
    """A Deployment of one container."""
    return json.dumps(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "labels": {"app": name}},
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": {"app": name}},
                "template": {
                    "metadata": {"labels": {"app": name}},
                    "spec": {"containers": [{"name": "web", "image": image, "ports": [{"containerPort": 80}]}]},
                },
            },
        }
    )


def config_map(name: str, labels: dict[str, str] | None = None, **data: str) -> str:
    """A ConfigMap."""
    metadata = {"name": name} | ({"labels": labels} if labels else {})
    return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})


@dataclass(frozen=True)
class Shell:
    """Kubectl in one namespace of one server."""

    cluster: Cluster
    namespace: str

    def __call__(self, *arguments: str, check: bool = True, **options: Any) -> str:
        """Run kubectl in the namespace; what it printed."""
        return self.run(*arguments, check=check, **options).stdout

    def run(self, *arguments: str, check: bool = True, **options: Any) -> "CompletedProcess[str]":
        """Run kubectl in the namespace."""
        return self.cluster.kubectl("-n", self.namespace, *arguments, check=check, **options)

    def object(self, *arguments: str) -> Any:
        """An object or list, decoded."""
        return json.loads(self("get", *arguments, "-o", "json"))

    def apply(self, manifest: str, *arguments: str, **options: Any) -> str:
        """Apply a manifest from standard input."""
        return self("apply", *arguments, "-f", "-", input=manifest, **options)

    def columns(self, *arguments: str) -> list[str]:
        """The heading of a table."""
        return self("get", *arguments).splitlines()[0].split()

    def watching(self, *arguments: str) -> "Watching":
        """Start a command that goes on printing."""
        return Watching(self, arguments)


class Watching:
    """A running kubectl and the lines it has printed; a context manager that ends it."""

    def __init__(self, shell: Shell, arguments: tuple[str, ...]) -> None:
        self._process: Popen[str] = Popen(
            [find_kubectl(), "-n", shell.namespace, *arguments],
            stdout=PIPE,
            text=True,
            env=shell.cluster.environment(),
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(line.strip())

    def __enter__(self) -> "Watching":
        """Start reading."""
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End the command."""
        self._process.kill()
        self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def wait_for(self, text: str) -> bool:
        """Whether a line with this text comes."""
        return eventually(lambda: any(text in line for line in self.lines))


def eventually(condition: Callable[[], bool], seconds: float = 20.0) -> bool:
    """Whether it becomes true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
