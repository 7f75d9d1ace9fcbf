"""The API over a real socket."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import msgspec
import pytest

from model.application import Operation, SyncOperation
from model.decision import deny
from model.errors import ApiUnavailable, Conflict, NotFound
from model.meta import NamespacedName
from model.project import SyncWindow
from model.settings import RbacSwitches
from model.states import RefreshLevel
from server.api import LONGEST_BODY, create_api
from server.app import PUBLIC
from tests.server.support import ALICE, BOB, CAROL, NOW, WINDOW, Bench

APPS = "/api/v1/applications"


def test_every_route_of_the_map_answers_401_without_a_token(bench: Bench) -> None:
    """Walk the URL map: no route, method or spelling but the public list answers without a token."""
    rules = list(create_api(bench.parts).url_map.iter_rules())
    assert len(rules) >= 7
    paths = {rule.rule.replace("<name>", "web") for rule in rules}
    spelt = {f"{path}/" for path in paths} | {f"/{path}" for path in paths} | {path.upper() for path in paths}
    odd = {"/", "/api", "/console", "/debug/pprof", "/api/v1/%2e%2e/version", "/healthz/x", "//healthz", "/metrics/"}
    for path in sorted(paths | spelt | odd):
        for method in ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"):
            reply = bench.request(method, path, headers={"X-HTTP-Method-Override": "GET"})
            assert (401, path, method) == (reply.status, path, method)
            assert "Bearer" == reply.headers["WWW-Authenticate"]
    assert [] == bench.guard.asked


def test_the_public_list_answers_without_a_token(bench: Bench) -> None:
    """Probes and metrics are what anybody may read."""
    assert ("/healthz", "/readyz", "/metrics") == PUBLIC
    assert [200, 200, 200] == [bench.request("GET", path).status for path in PUBLIC]


@pytest.mark.parametrize(
    "value",
    [
        "Bearer wrong-token-0123456789",
        "Basic " + ALICE,
        "Bearer",
        "Bearer  ",
        ALICE,
        "bearer\t" + ALICE + "x",
        "Bearer " + ALICE[:-1],
    ],
)
def test_what_is_no_token_of_the_file_is_nobody(bench: Bench, value: str) -> None:
    """Another scheme, a part of a token and none at all are refused alike."""
    reply = bench.request("GET", "/api/version", headers={"Authorization": value})
    assert (401, {"error": "no valid bearer token", "code": 401}) == (reply.status, reply.json())


def test_version_names_version_and_mode(bench: Bench) -> None:
    """Anybody with a token may ask for the version."""
    assert {"Version": "9.9.9", "Mode": "reconcile"} == bench.request("GET", "/api/version", CAROL).json()


def test_list_shows_what_the_caller_may_get(bench: Bench) -> None:
    """A developer sees the project shop, an operator all, a stranger nothing."""
    seen = {
        token: [item["metadata"]["name"] for item in bench.request("GET", APPS, token).json()["items"]]
        for token in (ALICE, BOB, CAROL)
    }
    assert {ALICE: ["auto", "web"], BOB: ["auto", "vault", "web"], CAROL: []} == seen


def test_list_can_be_narrowed_by_project(bench: Bench) -> None:
    """?projects= chooses, as in Argo CD's API."""
    items = bench.request("GET", f"{APPS}?projects=secret", BOB).json()["items"]
    assert ["vault"] == [item["metadata"]["name"] for item in items]


def test_an_application_is_shown_without_credentials(bench: Bench) -> None:
    """Userinfo leaves every URL, and the annotation with a second copy of the object is left out."""
    reply = bench.request("GET", f"{APPS}/web", ALICE)
    assert 200 == reply.status
    assert b"CANARY" not in reply.body
    shown = reply.json()
    assert "https://git.example/shop.git" == shown["spec"]["source"]["repoURL"]
    assert {"argocd.argoproj.io/sync-wave": "3"} == shown["metadata"]["annotations"]
    assert ("Application", "argoproj.io/v1alpha1") == (shown["kind"], shown["apiVersion"])
    assert "no-store" == reply.headers["Cache-Control"]


@pytest.mark.parametrize(
    ("method", "tail"),
    [("GET", ""), ("POST", "/sync"), ("POST", ""), ("DELETE", "/operation"), ("GET", "/syncwindows")],
)
def test_missing_and_forbidden_look_the_same(bench: Bench, method: str, tail: str) -> None:
    """Nobody can find out which applications exist."""
    forbidden = bench.request(method, f"{APPS}/vault{tail}", ALICE)
    missing = bench.request(method, f"{APPS}/nothere{tail}", ALICE)
    assert (403, 403) == (forbidden.status, missing.status)
    assert forbidden.body == missing.body


@pytest.mark.parametrize(
    ("name", "project", "status"),
    [
        ("web", "shop", 200),
        ("nothere", "shop", 404),
        ("vault", "shop", 404),
        ("vault", "secret", 403),
        ("nothere", "secret", 403),
        ("web", "secret", 403),
    ],
)
def test_who_names_a_project_that_he_may_read_is_told_what_is_missing(
    bench: Bench, name: str, project: str, status: int
) -> None:
    """As with Argo CD: 404 inside what the caller may see anyway, 403 for everything else."""
    assert status == bench.request("GET", f"{APPS}/{name}?project={project}", ALICE).status


@pytest.mark.parametrize(
    ("body", "query", "status"),
    [
        ({"appNamespace": "team"}, "", 403),
        ({"appNamespace": "argocd"}, "", 200),
        ({"appNamespace": "team"}, "?appNamespace=argocd", 400),
        ({"project": "secret"}, "", 404),
        ({"project": "shop", "name": "web"}, "", 200),
        ({"name": "auto"}, "", 400),
    ],
)
def test_what_the_body_names_is_what_is_synced(bench: Bench, body: dict[str, str], query: str, status: int) -> None:
    """Namespace, project and name of the body count; where they contradict path or query nothing is done."""
    reply = bench.request("POST", f"{APPS}/web/sync{query}", BOB, json.dumps(body).encode())
    assert (status, int(status == 200)) == (reply.status, len(bench.submitted))


def test_sync_writes_an_operation_in_the_callers_name(bench: Bench) -> None:
    """What the request leaves open comes from the Application."""
    body = json.dumps({"prune": True, "resources": [{"kind": "Service", "name": "web"}]}).encode()
    reply = bench.request("POST", f"{APPS}/auto/sync", BOB, body)
    assert 200 == reply.status
    ((key, operation),) = bench.submitted
    assert NamespacedName("argocd", "auto") == key
    assert ("bob", True, ["CreateNamespace=true"]) == (
        operation.initiated_by.username,
        operation.sync.prune,
        operation.sync.sync_options,
    )
    assert "Service" == operation.sync.resources[0].kind
    assert msgspec.to_builtins(operation) == reply.json()["operation"]


def test_sync_is_refused_with_the_line_that_refuses(bench: Bench) -> None:
    """A developer without the right reads which rule decided and what would help."""
    reply = bench.request("POST", f"{APPS}/web/sync", ALICE, b"{}")
    answer = reply.json()
    assert (403, "alice may not sync shop/web", "policy.csv:3") == (
        reply.status,
        answer["error"],
        answer["decision"]["rule"]["origin"],
    )
    assert "ask for role:operator" == answer["decision"]["remedy"]
    assert [] == bench.submitted


def test_sync_is_refused_by_a_window_until_it_ends(bench: Bench) -> None:
    """The answer of a closed window says until when."""
    bench.guard.window = deny("a deny window is open", WINDOW, until=NOW + dt.timedelta(hours=5))
    reply = bench.request("POST", f"{APPS}/web/sync", BOB, b"")
    assert (403, "2026-03-02T17:00:00Z") == (reply.status, reply.json()["decision"]["until"])
    assert "AppProject shop: spec.syncWindows[0]" == reply.json()["decision"]["rule"]["origin"]
    assert [] == bench.submitted


def test_break_glass_is_asked_for_with_a_reason_and_kept_in_the_operation(bench: Bench) -> None:
    """The guard hears the reason, the loop finds it in operation.info; nobody slips it in among other notes."""
    infos = [{"name": "lynceus.io/break-glass", "value": "slipped in"}, {"name": "ticket", "value": "7"}]
    body = json.dumps({"breakGlass": " fixes 4711 ", "infos": infos}).encode()
    assert 200 == bench.request("POST", f"{APPS}/web/sync", BOB, body).status
    assert 200 == bench.request("POST", f"{APPS}/web/sync", BOB, json.dumps({"infos": infos}).encode()).status
    first, second = (operation for _, operation in bench.submitted)
    assert ["fixes 4711", ""] == [first.break_glass, second.break_glass] == bench.guard.reasons
    assert ("operators", "pager") == first.initiator_groups
    reply = bench.request("POST", f"{APPS}/web/sync", BOB, json.dumps({"breakGlass": "x" * 501}).encode())
    assert (400, True) == (reply.status, "breakGlass" in reply.json()["error"])


def test_decisions_are_published_with_their_source(bench: Bench) -> None:
    """Each answer that mattered becomes an event, so that it can be counted and logged."""
    bench.request("POST", f"{APPS}/web/sync", ALICE, b"{}")
    told = [(event.action, event.source, event.subject, event.decision.allowed) for event in bench.events]
    assert [("get", "api", "alice", True), ("sync", "api", "alice", False)] == told


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_write_that_is_not_json_is_refused(bench: Bench, kind: str) -> None:
    """What a browser's form can send writes nothing."""
    reply = bench.request("POST", f"{APPS}/web/sync", BOB, b"{}", {"Content-Type": kind})
    assert (415, []) == (reply.status, bench.submitted)


def test_reading_changes_nothing(bench: Bench) -> None:
    """A GET with the words of a write is a read or nothing."""
    assert 405 == bench.request("GET", f"{APPS}/web/sync", BOB).status
    assert 200 == bench.request("GET", f"{APPS}/web?refresh=hard", BOB).status
    assert ([], []) == (bench.submitted, bench.refreshed)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"[]", "expected `object`"),
        (b"{", "truncated"),
        (b'{"dryRun": "yes"}', "dryRun"),
        (b'{"manifests": ["x"]}', "manifests"),
        (b"[" * 100_000, "document"),
        (b"\xff\xfe", "document"),
    ],
)
def test_a_body_that_cannot_be_used_is_a_clear_400(bench: Bench, body: bytes, named: str) -> None:
    """The answer names the field and what was expected, in one line."""
    reply = bench.request("POST", f"{APPS}/web/sync", BOB, body)
    assert (400, []) == (reply.status, bench.submitted)
    assert named.strip("`") in reply.json()["error"].replace("`", "") or reply.json()["error"].startswith(
        "request body"
    )
    assert "\n" not in reply.json()["error"]


def test_a_body_beyond_the_limit_is_refused_unread(bench: Bench) -> None:
    """Nobody can fill the memory with one request."""
    reply = bench.request("POST", f"{APPS}/web/sync", BOB, b" " * (LONGEST_BODY + 1))
    assert (413, []) == (reply.status, bench.submitted)


def test_another_revision_is_refused_while_automated_sync_is_on(bench: Bench) -> None:
    """Argo CD refuses it too: the loop would sync back at once."""
    body = b'{"revision": "v1"}'
    refused = bench.request("POST", f"{APPS}/auto/sync", BOB, body)
    assert (400, True) == (refused.status, "automated sync is on" in refused.json()["error"])
    assert 200 == bench.request("POST", f"{APPS}/web/sync", BOB, body).status


def test_a_second_operation_is_refused(tmp_path: Path) -> None:
    """One in the spec is seen at once, one that wins the race comes back as a conflict."""

    def taken(key: NamespacedName, operation: Operation) -> None:
        raise Conflict("Application argocd/web: another operation is already in progress")

    with Bench(tmp_path, submit_operation=taken) as bench:
        assert 409 == bench.request("POST", f"{APPS}/web/sync", BOB, b"{}").status
        bench.apps[0] = msgspec.structs.replace(bench.apps[0], operation=Operation(sync=SyncOperation()))
        assert 409 == bench.request("POST", f"{APPS}/web/sync", BOB, b"{}").status


@pytest.mark.parametrize(
    ("raised", "status", "text"),
    [
        (ApiUnavailable("the API server does not answer"), 503, "the API server does not answer"),
        (RuntimeError("secret detail"), 500, "internal error"),
    ],
)
def test_errors_behind_the_api_have_their_status(tmp_path: Path, raised: Exception, status: int, text: str) -> None:
    """Our errors keep their line, others tell nothing."""

    def fails(key: NamespacedName, operation: Operation) -> None:
        raise raised

    with Bench(tmp_path, submit_operation=fails) as bench:
        reply = bench.request("POST", f"{APPS}/web/sync", BOB, b"{}")
        assert (status, text) == (reply.status, reply.json()["error"])


def test_refresh_asks_for_the_depth(bench: Bench) -> None:
    """Normal and hard differ in whether caches count; anything else is refused."""
    assert 200 == bench.request("POST", f"{APPS}/web?refresh=normal", ALICE).status
    assert 200 == bench.request("POST", f"{APPS}/web?refresh=hard", ALICE).status
    assert 400 == bench.request("POST", f"{APPS}/web?refresh=deep", ALICE).status
    assert [(RefreshLevel.LATEST_FORCED, False), (RefreshLevel.LATEST_FORCED, True)] == [
        tuple(wish[1:]) for wish in bench.refreshed
    ]


def test_terminate_needs_the_right_and_no_window_forbids_it(bench: Bench) -> None:
    """Stopping must be possible while everything is closed."""
    bench.guard.window = deny("a deny window is open", WINDOW)
    assert 403 == bench.request("DELETE", f"{APPS}/web/operation", ALICE).status
    assert 200 == bench.request("DELETE", f"{APPS}/web/operation", BOB).status
    assert [NamespacedName("argocd", "web")] == bench.ended


def test_terminate_without_an_operation_is_not_found(tmp_path: Path) -> None:
    """The loop says that nothing runs."""

    def nothing(key: NamespacedName) -> None:
        raise NotFound("Application argocd/web: no operation is in progress")

    with Bench(tmp_path, terminate_operation=nothing) as bench:
        assert 404 == bench.request("DELETE", f"{APPS}/web/operation", BOB).status


def test_syncwindows_tell_what_applies_and_what_they_say(bench: Bench) -> None:
    """Argo CD's three fields, and the whole answers for a person and for the loop."""
    bench.guard.specs = [
        SyncWindow(kind="deny", schedule="0 9 * * *", duration="8h", applications=["*"], manual_sync=True),
        SyncWindow(kind="allow", schedule="0 1 * * *", duration="1h", applications=["web"]),
        SyncWindow(kind="deny", schedule="0 9 * * *", duration="8h", applications=["other"]),
    ]
    bench.guard.window = deny("a deny window is open", WINDOW, remedy="manual", until=NOW)
    answer = bench.request("GET", f"{APPS}/web/syncwindows", ALICE).json()
    assert (True, True, False) == (answer["canSync"], answer["manual"]["allowed"], answer["automated"]["allowed"])
    assert (["deny"], ["deny", "allow"]) == (
        [entry["kind"] for entry in answer["activeWindows"]],
        [entry["kind"] for entry in answer["assignedWindows"]],
    )
    first, second = answer["windows"]
    assert ("AppProject shop: spec.syncWindows[0]", "shop", False, "open", "2026-03-02T17:00:00Z") == tuple(
        first[name] for name in ("origin", "project", "inherited", "state", "until")
    )
    assert ("window", "closed", "2026-03-03T01:00:00Z") == (second["type"], second["state"], second["until"])


def test_an_observer_writes_nothing(tmp_path: Path) -> None:
    """Beside an Argo CD the API answers reads and refuses writes."""
    with Bench(tmp_path, submit_operation=None, terminate_operation=None, request_refresh=None) as bench:
        statuses = [
            bench.request(method, f"{APPS}/web{tail}", BOB).status
            for method, tail in (("POST", "/sync"), ("DELETE", "/operation"), ("POST", ""), ("GET", ""))
        ]
    assert [405, 405, 405, 200] == statuses


def test_the_debugger_is_off_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """FLASK_DEBUG must not open a console in the cluster."""
    monkeypatch.setenv("FLASK_DEBUG", "1")
    with Bench(tmp_path) as bench:
        assert not create_api(bench.parts).debug
        assert 404 == bench.request("GET", "/console", BOB).status
        assert (
            b"debugger"
            not in bench.request("GET", "/api/version?__debugger__=yes&cmd=resource&f=debugger.js", BOB).body
        )


@pytest.mark.parametrize("switched_on", [False, True])
def test_another_revision_needs_override_where_that_is_switched_on(tmp_path: Path, switched_on: bool) -> None:
    """The switch of argocd-cm decides, and the same right is asked for as in the loop."""
    with Bench(tmp_path, switches=lambda: RbacSwitches(override_for_revision=switched_on)) as bench:
        assert 200 == bench.request("POST", f"{APPS}/web/sync", BOB, b'{"revision": "v1"}').status
        assert 200 == bench.request("POST", f"{APPS}/web/sync", BOB, b"{}").status
    overrides = [asked for asked in bench.guard.asked if asked[2] == "override"]
    assert [("bob", "applications", "override", "shop/web")] * switched_on == overrides
