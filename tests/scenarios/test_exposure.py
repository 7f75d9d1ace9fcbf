"""The whole program with a canary in every Secret: nobody gets to see it, whatever he may do and wherever he looks."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from tests.scenarios.house import House, running
from tests.scenarios.world import APPS, World, config_map
from tests.stage.git import GitServer, Repo

CANARY = "LYN-CANARY"
TYPE = "argocd.argoproj.io/secret-type"
ADMIN, LOWEST = "admin-token-0123456789", "lowest-token-0123456789"
TOKENS = f"{ADMIN},ada,operators\n{LOWEST},eve\n"
READS = (
    "/api/version",
    "/api/v1/applications",
    *[f"/api/v1/applications/{name}{tail}" for name in ("good", "shut", "user") for tail in ("", "/syncwindows")],
    "/api/v1/settings",
    "/api/v1/projects/default/detailed",
    "/api/v1/clusters",
    "/api/v1/repositories",
    "/debug/config",
    "/metrics",
    "/healthz",
    "/readyz",
)


def furnish(world: World, house: House, repo: Repo, shut: Repo) -> None:
    """Write Secrets of all kinds, and Applications that use them well and badly."""
    copy = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps({"stringData": {"password": CANARY}})}
    credentials = {"username": "robot", "password": CANARY}
    house.secret("repo", {TYPE: "repository"}, copy, url=repo.url, **credentials)
    house.secret("shut", {TYPE: "repository"}, copy, url=shut.url, **credentials)
    house.secret("creds", {TYPE: "repo-creds"}, copy, url="https://git.example", **credentials)
    config = json.dumps({"bearerToken": CANARY, "tlsClientConfig": {"insecure": True}})
    house.secret("far", {TYPE: "cluster"}, copy, name="far", server="https://127.0.0.1:1", config=config)
    house.secret("bent", {TYPE: "cluster"}, copy, name="bent", server="https://127.0.0.1:2", config=f'{{"{CANARY}')
    house.secret(annotations=copy, **{"webhook.github.secret": CANARY, "server.secretkey": CANARY})
    world.settings("argocd-rbac-cm", **{"policy.csv": "g, operators, role:admin"})
    world.app("good", repo)
    world.patch("good", {"metadata": {"annotations": copy}})
    world.app("shut", shut)
    world.app("user", repo.url.replace("://", f"://robot:{CANARY}@"))
    world.app("away", repo, destination={"name": "far", "namespace": "x"})


@pytest.mark.parametrize("mode", ["reconcile", "observe"])
def test_no_canary_comes_out(
    world: World, repo: Repo, git_server: GitServer, tmp_path: Path, caplog: pytest.LogCaptureFixture, mode: str
) -> None:
    """Answers for nobody, the lowest role and an administrator; exposition, log, status, Events, ConfigMaps of ours."""
    repo.push({"app/a.yaml": config_map("a")})
    shut = git_server.create("shut")
    shut.push({"app/a.yaml": config_map("a")})
    git_server.fail("shut.git", status=401, body=f"who is robot:{CANARY}?\n".encode())
    tokens = tmp_path / "tokens.csv"
    tokens.write_text(TOKENS)
    with caplog.at_level(logging.DEBUG), running(world, tmp_path, mode=mode, token_file=tokens) as house:
        furnish(world, house, repo, shut)
        if mode == "reconcile":
            world.until("good", "Synced", timeout=40)
            for name in ("shut", "user", "away"):
                world.wait(f"{name} told", lambda name=name: world.get(name)["status"]["conditions"], 30)
        world.wait("all Applications", lambda: len(house.lynceus.manager.applications()) == 4, 20)
        commit = repo.push({"app/a.yaml": config_map("a", k="2")})
        assert 202 == house.push(repo, commit, secret=CANARY)
        for token in (None, LOWEST, ADMIN):
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            good = 0
            for path in READS:
                status, head, body = house.ask("GET", path, headers)
                assert CANARY not in f"{head}{body.decode()}", (token, path)
                good += status == 200
            assert {None: 3, LOWEST: 5, ADMIN: 11}[token] == good
        house.ask("POST", "/api/v1/applications/good/sync", {**headers, "Content-Type": "application/json"}, b"{}")
        found = world.cluster.get(APPS.format(world.control))["items"]
        assert CANARY not in str([app.get("status") for app in found if app["metadata"]["name"] != "user"])
        stored = [
            world.cluster.get(f"/api/v1/namespaces/{world.control}/{kind}")["items"]
            for kind in ("configmaps", "events")
        ]
        assert CANARY not in str(stored)
    told = [str({**record.__dict__, "message": record.getMessage()}) for record in caplog.records]
    assert [] == [line for line in told if CANARY in line]
