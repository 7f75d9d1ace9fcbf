"""Nothing secret leaves by any door: a canary stands in every place that may hold a credential, for every role.

What is served is a closed list: routes that settings, projects, clusters or debuggers have elsewhere do not exist here.
"""

from __future__ import annotations

import json
import typing as t
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from model.application import (
    AppCondition,
    Application,
    ApplicationStatus,
    Automated,
    ComparedTo,
    HistoryEntry,
    Operation,
    OperationState,
    Source,
    SyncOperation,
    SyncPolicy,
    SyncResult,
    SyncState,
)
from model.decision import deny
from model.events import ApplicationChanged
from model.secrets import WebhookSecrets
from server.api import create_api
from tests.server.support import ALICE, BOB, CAROL, WINDOW, Bench, application

CANARY = "LYN-CANARY"
URL = f"https://robot:{CANARY}@git.example/shop.git"
ROLES = {"anonymous": "", "lowest": CAROL, "developer": ALICE, "operator": BOB, "stranger": "x" * 40}
ROUTES = {
    "/api/version",
    "/api/v1/applications",
    "/api/v1/applications/<name>",
    "/api/v1/applications/<name>/sync",
    "/api/v1/applications/<name>/syncwindows",
    "/api/v1/applications/<name>/operation",
}
ELSEWHERE = (
    "/api/v1/settings",
    "/api/v1/settings/plugins",
    "/api/v1/projects",
    "/api/v1/projects/shop",
    "/api/v1/projects/shop/detailed",
    "/api/v1/clusters",
    "/api/v1/clusters/https%3A%2F%2Fc",
    "/api/v1/repositories",
    "/api/v1/repocreds",
    "/api/v1/certificates",
    "/api/v1/account",
    "/api/v1/session/userinfo",
    "/api/v1/applications/web/manifests",
    "/api/v1/applications/web/managed-resources",
    "/api/v1/applications/web/resource-tree",
    "/api/v1/stream/applications",
    "/api/dex",
    "/debug/pprof/",
    "/debug/pprof/heap",
    "/debug/config",
    "/debug/vars",
    "/config",
    "/env",
    "/metrics/config",
    "/swagger.json",
    "/.git/config",
)


def leaking(name: str) -> Application:
    """Return an Application with a canary wherever a URL, a copy of the object or a foreign annotation can be."""
    source = Source(repo_url=URL, path="web", target_revision="main")
    app = application(name)
    spec = msgspec.structs.replace(
        app.spec,
        source=source,
        sources=[source, Source(repo_url=f"ssh://robot:{CANARY}@h/p")],
        info=[{"name": "docs", "value": f"see {URL} and https://{CANARY}@h/x"}],
        sync_policy=SyncPolicy(automated=Automated(enabled=False)),
    )
    operation = Operation(sync=SyncOperation(source=source, sources=[source]))
    status = ApplicationStatus(
        sync=SyncState(status="Synced", compared_to=ComparedTo(source=source, sources=[source])),
        history=[HistoryEntry(id=0, revision="a" * 40, source=source, sources=[source])],
        conditions=[AppCondition(type="ComparisonError", message=f"cannot read {URL}: denied for '{URL}'")],
        operation_state=OperationState(
            operation=operation,
            message=f"failed: {URL}",
            sync_result=SyncResult(revision="a" * 40, source=source, sources=[source]),
        ),
    )
    raw = json.dumps({"metadata": {"managedFields": CANARY}, "unknown": CANARY}).encode()
    return msgspec.structs.replace(app, spec=spec, status=status, operation=operation, raw=raw)


@pytest.fixture
def leaky(tmp_path: Path) -> Iterator[Bench]:
    """A served house full of canaries."""
    with Bench(tmp_path, webhook_secrets=lambda: WebhookSecrets(github=CANARY, gitlab=CANARY)) as bench:
        bench.apps = [leaking("web"), leaking("auto")]
        bench.guard.window = deny(f"a deny window is open, see {URL}", WINDOW)
        for app in bench.apps:
            bench.exporter.listen(ApplicationChanged(application=app, dest_server="https://c"))
        yield bench


def everything(bench: Bench, token: str) -> Iterator[tuple[str, str, t.Any]]:
    """Ask for every route with every method."""
    paths = [route.replace("<name>", name) for route in sorted(ROUTES) for name in ("web", "auto", "missing")]
    for path in (*paths, *ELSEWHERE, "/metrics", "/healthz", "/readyz", "/api/webhook"):
        for method in ("GET", "POST", "DELETE", "PUT", "PATCH", "HEAD", "OPTIONS"):
            body = b"{}" if method == "POST" else None
            yield method, path, bench.request(method, path, token, body)


@pytest.mark.parametrize("role", ROLES)
def test_no_answer_has_a_canary(leaky: Bench, role: str) -> None:
    """Bodies and headers of all answers, good and bad."""
    good = 0
    for method, path, reply in everything(leaky, ROLES[role]):
        assert CANARY.encode() not in reply.body, (method, path)
        assert CANARY not in str(reply.headers), (method, path)
        good += reply.status == 200 and path.startswith("/api/v1")
    assert (good > 0) == (role in ("lowest", "developer", "operator"))


def test_the_developer_sees_the_application_all_the_same(leaky: Bench) -> None:
    """The canaries stood where the fields are shown: those are there, without them."""
    shown = leaky.request("GET", "/api/v1/applications/web", ALICE).json()
    assert "https://git.example/shop.git" == shown["spec"]["source"]["repoURL"]
    assert "https://git.example/shop.git" == shown["status"]["history"][0]["source"]["repoURL"]
    assert "cannot read https://git.example/shop.git" in shown["status"]["conditions"][0]["message"]
    assert "see https://git.example/shop.git and https://h/x" == shown["spec"]["info"][0]["value"]
    assert {"argocd.argoproj.io/sync-wave": "3"} == shown["metadata"]["annotations"]
    assert {"apiVersion", "kind", "metadata", "spec", "operation", "status"} == set(shown)


def test_the_lowest_role_sees_no_application(leaky: Bench) -> None:
    """An empty list, and one answer for what is there and what is not."""
    assert [] == leaky.request("GET", "/api/v1/applications", CAROL).json()["items"]
    answers = {leaky.request("GET", f"/api/v1/applications/{name}", CAROL).body for name in ("web", "missing")}
    assert 1 == len(answers)


def test_what_is_served_is_a_closed_list(leaky: Bench) -> None:
    """A new route has to be put on the list of this module, and thereby under its canaries."""
    assert ROUTES == {rule.rule for rule in create_api(leaky.parts).url_map.iter_rules()}
    for path in ELSEWHERE:
        assert 404 == leaky.request("GET", path, BOB).status, path


def test_the_exposition_has_no_canary_in_either_format(leaky: Bench) -> None:
    """Labels show repositories without users."""
    for accept in ("", "application/openmetrics-text"):
        body = leaky.request("GET", "/metrics", headers={"Accept": accept}).body
        assert b"git.example/shop" in body
        assert CANARY.encode() not in body
