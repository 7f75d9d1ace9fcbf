"""The API with the real guard: a policy line and a window decide, and are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from model.meta import ObjectMeta
from model.project import AppProject, ProjectDestination, ProjectSpec, SyncWindow
from model.secrets import Cluster
from model.settings import RbacSettings
from policy.guard import Guard, build
from tests.server.support import ALICE, BOB, Bench

POLICY = """p, role:dev, applications, get, shop/*, allow
p, role:ops, applications, *, */*, allow
g, developers, role:dev
g, operators, role:ops
"""


def guard(*windows: SyncWindow) -> Guard:
    """Return a guard with one project that has the windows."""
    spec = ProjectSpec(
        source_repos=["*"],
        destinations=[ProjectDestination(server="*", namespace="*")],
        sync_windows=list(windows),
    )
    project = AppProject(metadata=ObjectMeta(name="shop", namespace="argocd"), spec=spec)
    cluster = Cluster(name="c", server="https://c")
    generation, _ = build(RbacSettings(csv=(("policy.csv", POLICY),)), [project], [cluster], mode="strict")
    return Guard(generation)


def sync(bench: Bench, token: str) -> tuple[int, dict[str, object]]:
    reply = bench.request("POST", "/api/v1/applications/web/sync", token, b"{}")
    return reply.status, reply.json()


def test_a_developer_reads_which_policy_refuses_and_an_operator_is_let_through(tmp_path: Path) -> None:
    """The same question that the loop and the command line ask, with the same answer."""
    with Bench(tmp_path, guard=guard()) as bench:
        status, answer = sync(bench, ALICE)
        assert (403, False) == (status, answer["decision"]["allowed"])  # type: ignore[index]
        assert "alice" in str(answer["error"])
        assert 200 == sync(bench, BOB)[0]
        assert 1 == len(bench.submitted)


@pytest.mark.parametrize(("manual", "status"), [(False, 403), (True, 200)])
def test_a_window_stops_operators_too_unless_it_lets_people_through(tmp_path: Path, manual: bool, status: int) -> None:
    """NOW is a Monday at noon UTC; the answer names the window and says until when."""
    window = SyncWindow(kind="deny", schedule="0 9 * * *", duration="8h", applications=["*"], manual_sync=manual)
    with Bench(tmp_path, guard=guard(window)) as bench:
        found, answer = sync(bench, BOB)
        shown = bench.request("GET", "/api/v1/applications/web/syncwindows", BOB).json()
    assert status == found
    if status == 403:
        assert "2026-03-02T17:00:00Z" == answer["decision"]["until"]  # type: ignore[index]
        assert "shop" in answer["decision"]["rule"]["origin"]  # type: ignore[index]
    assert (manual, False) == (shown["canSync"], shown["automated"]["allowed"])
    assert ["deny"] == [entry["kind"] for entry in shown["activeWindows"]]
