"""A cluster in memory with its simulated controllers, without the wire, for the tests of the simulation."""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sandbox.cluster import Cluster
from sandbox.inprocess import Api
from sandbox.resources import GroupResource
from sandbox.simulate import Simulation

Obj = dict[str, Any]
NAMESPACE = "default"
SECONDS = 15.0
"""How long a state may take to come: far more than it does, so that a busy machine fails nothing."""


class Stage:
    """The cluster as a test drives it."""

    def __init__(self) -> None:
        self.api = Api(Cluster(), manager="test")
        self._moved = threading.Condition()
        self._changes = 0
        self.api.subscribe(self._notice)
        self.api.create(GroupResource("", "namespaces"), {"metadata": {"name": NAMESPACE}})
        self.simulation = Simulation(self.api)
        self.simulation.start()

    def _notice(self, change: object) -> None:
        del change
        with self._moved:
            self._changes += 1
            self._moved.notify_all()

    def until(self, holds: Callable[[], Any], what: str) -> Any:
        """Wait, change by change, for something to be true, and return it."""
        end = time.monotonic() + SECONDS
        while True:
            seen = self._changes
            found = holds()
            if found:
                return found
            with self._moved:
                moved = self._moved.wait_for(lambda: self._changes != seen, end - time.monotonic())  # noqa: B023
            assert moved, f"did not happen: {what}"

    def create(self, resource: tuple[str, str], obj: Obj) -> Obj:
        """Create an object in the namespace of the tests."""
        body = copy.deepcopy(obj)
        body["metadata"].setdefault("namespace", NAMESPACE)
        return self.api.create(GroupResource(*resource), body)

    def get(self, resource: tuple[str, str], name: str, namespace: str = NAMESPACE) -> Obj | None:
        """Read an object."""
        return self.api.get(GroupResource(*resource), namespace, name)

    def list(self, resource: tuple[str, str], namespace: str | None = NAMESPACE) -> Any:
        """All objects of a kind."""
        return self.api.list(GroupResource(*resource), namespace)

    def change(self, resource: tuple[str, str], name: str, change: Callable[[Obj], Any]) -> Obj:
        """Read, change and replace, again when somebody was faster."""
        for _ in range(50):
            obj = self.get(resource, name)
            assert obj is not None
            change(obj)
            try:
                return self.api.update(GroupResource(*resource), obj)
            except Exception as refusal:
                if getattr(refusal, "code", 0) != 409:
                    raise
        raise AssertionError("somebody was always faster")

    def delete(
        self, resource: tuple[str, str], name: str, propagation: str = "Background", namespace: str = NAMESPACE
    ) -> None:
        """Delete an object."""
        self.api.delete(GroupResource(*resource), namespace, name, propagation=propagation)

    def condition(self, resource: tuple[str, str], name: str, kind: str) -> Obj:
        """One condition of an object; empty when it has none."""
        conditions = ((self.get(resource, name) or {}).get("status") or {}).get("conditions") or ()
        return next((item for item in conditions if item["type"] == kind), {})


@pytest.fixture
def stage() -> Iterator[Stage]:
    """A running cluster in memory."""
    stage = Stage()
    yield stage
    stage.simulation.stop()


def workload(kind: str, name: str = "web", image: str = "nginx:1", **spec: Any) -> Obj:
    """A manifest of a workload with one container."""
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "c", "image": image}]}}
    group = "batch/v1" if kind == "Job" else "apps/v1"
    selector = {} if kind == "Job" else {"selector": {"matchLabels": {"app": name}}}
    if kind == "Job":
        template["spec"]["restartPolicy"] = "Never"  # type: ignore[index]
    return {
        "apiVersion": group,
        "kind": kind,
        "metadata": {"name": name},
        "spec": {**selector, "template": template, **spec},
    }
