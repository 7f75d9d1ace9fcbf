"""The API with the real guard: a policy line and a window decide, and are named."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import msgspec
import pytest

from model.additions import read_additions
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


GET = "p, alice, applications, get, */*, allow\n"
MAY = GET + "p, alice, applications, sync, */*, allow\n"
FREEZE = {
    "reason": "incident",
    "person": "carol",
    "start": "2026-03-02T10:00:00Z",
    "end": "2026-03-02T20:00:00Z",
}


@pytest.mark.parametrize(
    ("csv", "spec", "origin", "path"),
    [
        pytest.param(GET, {}, "argocd-rbac-cm", [], id="no line"),
        pytest.param(
            MAY + "p, role:x, applications, sync, shop/*, deny\ng, alice, role:y\ng, role:y, role:x\n",
            {},
            "argocd-rbac-cm policy.csv:3",
            ["alice", "role:y", "role:x"],
            id="deny line",
        ),
        pytest.param(
            GET,
            {
                "roles": [
                    {
                        "name": "dev",
                        "policies": ["p, proj:shop:dev, applications, sync, shop/*, deny"],
                        "groups": ["developers"],
                    }
                ]
            },
            "AppProject shop: spec.roles[0].policies[0]:1",
            ["alice", "developers", "proj:shop:dev"],
            id="project role",
        ),
        pytest.param(
            MAY,
            {"syncWindows": [{"kind": "allow", "schedule": "0 19 * * *", "duration": "1h", "applications": ["*"]}]},
            "AppProject shop: spec.syncWindows[0]",
            [],
            id="closed window",
        ),
        pytest.param(
            MAY,
            {"syncWindows": [{"kind": "Deny", "schedule": "0 1 * * *", "duration": "1h", "applications": ["*"]}]},
            "AppProject shop: spec.syncWindows[0]",
            [],
            id="malformed window",
        ),
        pytest.param(MAY, None, "lynceus-cm freeze.inc", [], id="freeze"),
    ],
)
def test_every_refusal_of_a_sync_names_its_rule(
    tmp_path: Path, csv: str, spec: dict[str, object] | None, origin: str, path: list[str]
) -> None:
    """Line, project role with the way there, window or freeze; the one line says it as well."""
    added = read_additions({"freeze.inc": json.dumps(FREEZE)}, "1") if spec is None else None
    whole = {"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}], **(spec or {})}
    project = AppProject(metadata=ObjectMeta(name="shop", namespace="argocd"), spec=msgspec.convert(whole, ProjectSpec))
    settings = RbacSettings(csv=(("policy.csv", csv),))
    generation, _ = build(settings, [project], [Cluster(name="c", server="https://c")], additions=added)
    with Bench(tmp_path, guard=Guard(generation)) as bench:
        status, answer = sync(bench, ALICE)
    rule = t.cast("dict[str, t.Any]", answer["decision"])["rule"]
    assert (403, origin, path) == (status, rule["origin"], rule["path"])
    assert rule["kind"] == "default" or origin in str(answer["error"])


def test_without_any_policy_everybody_is_told_so(tmp_path: Path) -> None:
    """A malformed policy at the start denies everything; that is said, and nothing about what exists."""
    generation, _ = build(RbacSettings(csv=(("policy.csv", "p, a\n"),)), (), ())
    with Bench(tmp_path, guard=Guard(generation)) as bench:
        replies = [bench.request("GET", f"/api/v1/applications/{name}", BOB) for name in ("web", "nothere")]
    assert [403, 403] == [reply.status for reply in replies]
    assert replies[0].body == replies[1].body
    assert "argocd-rbac-cm cannot be used" in replies[0].json()["error"]
