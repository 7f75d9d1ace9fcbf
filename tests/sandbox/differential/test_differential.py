"""Both servers answer the table of requests alike."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.sandbox.differential.cases import CASES, CRDS, WIDGET_STEPS, _crd
from tests.sandbox.differential.client import Client, Step, agreed
from tests.stage.cluster import Cluster


@pytest.fixture
def pair(real_cluster: Cluster, sandbox_cluster: Cluster) -> Iterator[tuple[Client, Client]]:
    """Clients of the real server and of the embedded one, each in a fresh namespace of the same length."""
    with real_cluster.namespace("diff") as real, sandbox_cluster.namespace("diff") as embedded:
        yield Client(real_cluster, real), Client(sandbox_cluster, embedded)


def _compare(pair: tuple[Client, Client], steps: list[Step]) -> list[str]:
    real, embedded = pair
    differences = []
    for number, step in enumerate(steps):
        expected, actual = agreed(step, real.send(step)), agreed(step, embedded.send(step))
        if expected != actual:
            differences.append(f"step {number} {step.method} {step.path}\n  real: {expected}\n  here: {actual}")
    return differences


@pytest.mark.parametrize("name", CASES)
def test_answers_as_the_real_server(pair: tuple[Client, Client], name: str) -> None:
    """Status, reason, message, object and warnings are the same."""
    differences = _compare(pair, CASES[name])
    for client in pair if name == "custom resources" else ():
        client.send(Step("DELETE", f"{CRDS}/widgets.{{ns}}.example.com"))
    assert [] == differences, "\n".join(differences)


def test_custom_objects_are_served_as_by_the_real_server(pair: tuple[Client, Client]) -> None:
    """Pruning, defaults, rules, status, scale and apply of a custom resource are the same."""
    for client in pair:
        client.send(Step("POST", CRDS, _crd()))
        _wait_until_served(client)
    differences = _compare(pair, WIDGET_STEPS)
    assert [] == differences, "\n".join(differences)


def _wait_until_served(client: Client) -> None:
    for _ in range(100):
        if client.send(Step("GET", "/apis/{ns}.example.com/v1")).code == 200:
            break
        time.sleep(0.05)
    time.sleep(0.1)
