"""POST /api/webhook over a real socket, with the true signatures of each Git server."""

from __future__ import annotations

import contextlib
import gzip
import json
import logging
import resource
import socket
import threading
import time
from pathlib import Path

import pytest

from model.errors import ApiUnavailable
from model.secrets import WebhookSecrets
from server.webhook import receive
from tests.server.support import ALICE
from tests.server.webhook.support import (
    NEW,
    SECRETS,
    SERVERS,
    HookBench,
    app,
    azure_body,
    bitbucketserver_body,
    github_body,
    hmac_of,
)

ALL = pytest.mark.parametrize("server", SERVERS.values(), ids=SERVERS)


@ALL
@pytest.mark.row(145)
def test_a_true_push_is_taken_and_refreshes_what_it_concerns(hooks: HookBench, server: object) -> None:
    """202 at once; then one refresh of the Application that follows the branch, and one event."""
    reply = hooks.post(server.hook())  # type: ignore[attr-defined]
    assert (202, "push received") == (reply.status, reply.json()["message"])
    assert ["web"] == hooks.names()
    told = hooks.received()
    assert [("web", "shop", "https://git.example/team/shop", NEW)] == [
        (one.key.name, one.project, one.repo, one.revision) for one in told
    ]
    assert [one.at for one in told] == [at for _, _, at in hooks.pushed]


@ALL
@pytest.mark.row(145)
def test_a_wrong_proof_is_refused(hooks: HookBench, server: object) -> None:
    """Wrong, empty, absent, cut, or of another secret: 400, and nothing follows."""
    body, headers = server.hook()  # type: ignore[attr-defined]
    proof = server.proof  # type: ignore[attr-defined]
    true = headers[proof]
    for wrong in (
        "",
        "x",
        true[:-1],
        true + "0",
        "sha1=",
        "sha256=",
        "sha1=" + "0" * 40,
        "Basic",
        "Basic Og==",
        "None",
    ):
        if wrong == "" and proof == "X-Hook-UUID":
            continue
        reply = hooks.post((body, headers), **{proof: wrong})
        assert (400, True) == (reply.status, "missing or wrong" in reply.json()["error"]), (wrong, reply.body)
        assert true.encode() not in reply.body
    assert [] == hooks.names(1, timeout=0.2)


@pytest.mark.parametrize("server", [one for one in SERVERS.values() if "signature" in one.proof.lower()])
def test_a_signature_is_of_the_very_bytes(hooks: HookBench, server: object) -> None:
    """One byte more, and the signature does not fit."""
    body, headers = server.hook()  # type: ignore[attr-defined]
    assert 400 == hooks.post((body + b" ", headers)).status


@ALL
def test_without_a_secret_an_endpoint_is_off(tmp_path: Path, server: object) -> None:
    """404 with the keys that are missing, whatever the proof; the other Git servers are not touched by that."""
    fields = server.fields  # type: ignore[attr-defined]
    others = {name: getattr(SECRETS, name) for name in SECRETS.__struct_fields__ if name not in fields}
    with HookBench(tmp_path, WebhookSecrets(**others)) as hooks:
        reply = hooks.post(server.hook())  # type: ignore[attr-defined]
        assert 404 == reply.status
        assert "are off: the Secret argocd-secret has no webhook." in reply.json()["error"]
        other = next(one for one in SERVERS.values() if not {*one.fields} & {*fields})
        assert 202 == hooks.post(other.hook()).status


def test_an_empty_secret_signs_nothing(tmp_path: Path) -> None:
    """Whoever signs with the empty key is not let in where no secret is set."""
    body = json.dumps(github_body()).encode()
    head = {"Content-Type": "application/json", "X-GitHub-Event": "push"}
    with HookBench(tmp_path, WebhookSecrets()) as hooks:
        assert 404 == hooks.post((body, {**head, "X-Hub-Signature-256": f"sha256={hmac_of('', body)}"})).status


@pytest.mark.parametrize("header", ["X-Hub-Signature-256", "X-GitHub-Event", "Content-Type"])
def test_a_header_that_stands_twice_is_refused(hooks: HookBench, header: str) -> None:
    """Two signatures, of which one is true, are none."""
    body, headers = SERVERS["github"].hook()
    lines = [f"{name}: {value}" for name, value in headers.items()] + [f"{header}: {headers[header]}"]
    reply = _raw(hooks, "\r\n".join([*lines, f"Content-Length: {len(body)}"]), body)
    assert reply.startswith(b"HTTP/1.1 400 "), reply
    assert f"header {header.lower()}: found 2 of them, expected one".encode() in reply


@pytest.mark.row(145)
def test_other_content_types_methods_and_packed_bodies_are_refused(hooks: HookBench) -> None:
    """GitHub's default form is refused with what to choose; a packed body is not unpacked."""
    hook = SERVERS["github"].hook()
    for kind in ("application/x-www-form-urlencoded", "text/plain", "application/jsonx", "multipart/form-data"):
        assert 415 == hooks.post(hook, **{"Content-Type": kind}).status
    assert 202 == hooks.post(hook, **{"Content-Type": "Application/JSON; charset=utf-8"}).status
    packed = SERVERS["github"].hook(gzip.compress(hook[0]))
    assert 415 == hooks.post(packed, **{"Content-Encoding": "gzip"}).status
    for method in ("GET", "PUT", "DELETE", "HEAD", "OPTIONS"):
        reply = hooks.request(method, "/api/webhook", headers=hook[1])
        assert (405, "POST") == (reply.status, reply.headers["Allow"])


@pytest.mark.parametrize(
    "token", ["p\N{LATIN SMALL LETTER A WITH GRAVE}", "p\N{LATIN CAPITAL LETTER A WITH RING ABOVE}"]
)
def test_a_token_may_end_in_any_letter(tmp_path: Path, token: str) -> None:
    """The last bytes of some letters in UTF-8 are blanks in Latin-1; only blanks of HTTP are none of a header."""
    body, headers = SERVERS["gitlab"].hook()
    with HookBench(tmp_path, WebhookSecrets(gitlab=token)) as hooks:
        lines = [f"{name}: {value}" for name, value in headers.items() if name != "X-Gitlab-Token"]
        for given, status in ((token, 202), (f" {token}\t ", 200), (token[:-1], 400)):
            head = "\r\n".join([*lines, f"X-Gitlab-Token: {given}", f"Content-Length: {len(body)}"])
            assert _raw(hooks, head, body).startswith(f"HTTP/1.1 {status} ".encode()), given


def test_only_that_one_path_is_open(hooks: HookBench) -> None:
    """Its neighbours need a token as before; the port for scrapers has none of it."""
    hook = SERVERS["github"].hook()
    for path in ("/api/webhook/", "/api/webhook/x", "//api/webhook", "/API/webhook", "/api/webhoo"):
        assert 401 == hooks.request("POST", path, body=hook[0], headers=hook[1]).status


def test_the_port_for_scrapers_has_no_webhook(tmp_path: Path) -> None:
    """/metrics is often open to more than the API."""
    with HookBench(tmp_path, api=False) as hooks:
        assert 404 == hooks.post(SERVERS["github"].hook()).status


def test_other_events_are_ignored_politely(hooks: HookBench) -> None:
    """200, so that no Git server switches the webhook off; but only for whoever proves who it is."""
    events = [
        ("github", {"X-GitHub-Event": "ping"}),
        ("github", {"X-GitHub-Event": "issues"}),
        ("gogs", {"X-Gogs-Event": "release"}),
        ("gitlab", {"X-Gitlab-Event": "Note Hook"}),
        ("bitbucket", {"X-Event-Key": "repo:fork"}),
        ("bitbucketserver", {"X-Event-Key": "pr:opened"}),
    ]
    for name, header in events:
        reply = hooks.post(SERVERS[name].hook(b'{"zen": true}'), **header)
        assert (200, "ignored: not a push") == (reply.status, reply.json()["message"]), name
    assert 200 == hooks.post(SERVERS["azuredevops"].hook({"eventType": "build.complete"})).status
    system = SERVERS["gitlab"].hook({"event_name": "project_create"})
    assert 200 == hooks.post(system, **{"X-Gitlab-Event": "System Hook"}).status
    ping = (b'{"test": true}', {"Content-Type": "application/json", "X-Event-Key": "diagnostics:ping"})
    assert 200 == hooks.post(ping).status
    assert 400 == hooks.post(SERVERS["github"].hook(), **{"X-GitHub-Event": "ping", "X-Hub-Signature-256": "x"}).status


def test_a_registry_or_a_stranger_is_told_so(hooks: HookBench) -> None:
    """What is no Git server gets 400 before its body is read."""
    body = b'{"type": "PUSH_ARTIFACT"}'
    reply = hooks.post((body, {"Content-Type": "application/json", "Authorization": "Bearer harbor"}))
    assert 400 == reply.status
    assert "takes pushes of Git repositories only" in reply.json()["error"]


HOSTILE = [
    ("gogs", {"ref": "refs/heads/main", "repository": None}),
    ("gogs", {"ref": "refs/heads/main", "repo": None}),
    ("azuredevops", {**azure_body(), "resource": {**azure_body()["resource"], "refUpdates": []}}),
    ("azuredevops", {"eventType": "git.push", "resource": None}),
    ("bitbucket", {"repository": {"links": {"html": {"href": []}}}, "push": {"changes": [{}]}}),
    ("bitbucket", {"repository": {"links": {"html": {"href": "https://h/p"}}}, "push": {"changes": []}}),
    ("bitbucket", {"repository": {"links": {"html": {"href": "https://h/p"}}}, "push": {"changes": [{"new": None}]}}),
    ("bitbucketserver", {**bitbucketserver_body(), "repository": {"links": {"clone": "boom"}}}),
    ("bitbucketserver", {**bitbucketserver_body(), "repository": {"links": {"clone": [{"href": []}]}}}),
    ("bitbucketserver", {**bitbucketserver_body(), "repository": {"links": {"clone": [None]}}}),
    ("bitbucketserver", {**bitbucketserver_body(), "changes": []}),
    ("github", {**github_body(), "ref": None}),
    ("github", {**github_body(), "ref": ""}),
    ("github", {**github_body(), "ref": ["refs/heads/main"]}),
    ("github", {**github_body(), "commits": "boom"}),
    ("github", {**github_body(), "commits": [{"added": [1]}]}),
    ("github", {**github_body(), "repository": {"html_url": "http://.*"}}),
    ("github", {**github_body(), "repository": {"html_url": "https://.*/.*"}}),
    ("github", {**github_body(), "repository": {"html_url": "ext::sh -c touch% PWNED"}}),
    ("github", {**github_body(), "repository": {"html_url": ""}}),
    ("gitlab", {"object_kind": "push"}),
    *[
        (name, body)
        for name in SERVERS
        for body in (
            b"",
            b"[]",
            b'"text"',
            b"17",
            b"null",
            b"{}",
            b"{",
            b"\xff\xfe",
            b"[" * 200_000,
            b'{"x":' + b"[" * 200_000,
            b'{"ref":"\\ud800","x":' + b'{"a":' * 100_000,
        )
    ],
]


def test_hostile_payloads_are_refused_and_harm_nobody(hooks: HookBench) -> None:
    """Truly signed nonsense: 400 in one line (where the body names the event, it may be none: 200), and on it goes."""
    for name, body in HOSTILE:
        reply = hooks.post(SERVERS[name].hook(body))
        ignored = body == b"{}" and name == "gitlab"
        assert (200 if ignored else 400) == reply.status, (name, body, reply.body)
        assert b"Traceback" not in reply.body
        assert 1 == reply.body.count(b"\n")
    assert 202 == hooks.post(SERVERS["github"].hook()).status


@pytest.mark.parametrize("url", ["https://git.*/.*/.*", "https://gitxexample/team/shop"])
def test_what_applications_name_is_never_a_pattern(tmp_path: Path, url: str) -> None:
    """Nor is the URL of an Application, whoever wrote it."""
    with HookBench(tmp_path) as hooks:
        hooks.apps = [app("dots", url)]
        assert 200 == hooks.post(SERVERS["github"].hook()).status


def test_a_name_is_never_a_pattern(hooks: HookBench) -> None:
    """A dot is a dot: gitXexample is another server."""
    reply = hooks.post(SERVERS["github"].hook(github_body("gitxexample")))
    assert (200, "ignored: no Application uses this repository") == (reply.status, reply.json()["message"])


def test_bodies_have_a_limit_before_and_while_they_are_read(hooks: HookBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """51 MB announced, or sent in endless chunks: 413, the connection is closed, and the memory is as before."""
    monkeypatch.setattr(receive, "LINGER_SECONDS", 0.5)
    _, headers = SERVERS["github"].hook()
    head = "\r\n".join(f"{name}: {value}" for name, value in headers.items())
    assert _raw(hooks, f"{head}\r\nContent-Length: {51 << 20}", b"").startswith(b"HTTP/1.1 413 ")
    assert _raw(hooks, f"{head}\r\nContent-Length: {10**30}", b"")[9:12] in (b"413", b"400")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    sent = 0
    with socket.create_connection(("127.0.0.1", hooks.server.port), timeout=10) as connection:
        connection.sendall(_head(f"{head}\r\nTransfer-Encoding: chunked"))
        with contextlib.suppress(ConnectionError):
            while sent < 200 << 20:
                connection.sendall(chunk)
                sent += len(chunk)
    assert sent < 50 << 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30 << 10
    assert 413 == [one.status for one in hooks.moved() if one.ended][-1]


def test_the_limit_is_a_setting(tmp_path: Path) -> None:
    """webhook.maxPayloadSizeMB lets a large push in."""
    body = {**github_body(), "note": "x" * (2 << 20)}
    with HookBench(tmp_path) as hooks:
        assert 413 == hooks.post(SERVERS["github"].hook(body)).status
    with HookBench(tmp_path, webhook_megabytes=lambda: 3) as hooks:
        assert 202 == hooks.post(SERVERS["github"].hook(body)).status


def test_slow_bodies_have_a_deadline_and_hold_nobody_up(hooks: HookBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifty that send a byte now and then: others are served at once, and each of the fifty gets 408."""
    monkeypatch.setattr(receive, "READ_SECONDS", 3.0)
    _, headers = SERVERS["github"].hook()
    head = "\r\n".join(f"{name}: {value}" for name, value in headers.items())
    with contextlib.ExitStack() as stack:
        slow = [
            stack.enter_context(socket.create_connection(("127.0.0.1", hooks.server.port), timeout=10))
            for _ in range(50)
        ]
        for one in slow:
            one.sendall(_head(f"{head}\r\nContent-Length: 1000") + b"{")
        began = time.monotonic()
        assert 202 == hooks.post(SERVERS["github"].hook()).status
        assert 200 == hooks.request("GET", "/api/version", ALICE).status
        assert time.monotonic() - began < 2.5
        for one in slow:
            with contextlib.suppress(ConnectionError):
                one.sendall(b"{")
        assert {b"HTTP/1.1 408"} == {_all(one)[:12] for one in slow}


def test_a_sender_that_goes_away_leaves_nothing_behind(hooks: HookBench) -> None:
    """A connection that ends in the middle of its body is counted as ended."""
    _, headers = SERVERS["github"].hook()
    head = "\r\n".join(f"{name}: {value}" for name, value in headers.items())
    with socket.create_connection(("127.0.0.1", hooks.server.port), timeout=10) as connection:
        connection.sendall(_head(f"{head}\r\nContent-Length: 1000") + b"{")
        time.sleep(0.1)
    until = time.monotonic() + 5
    while not [one for one in hooks.moved() if one.ended] and time.monotonic() < until:
        time.sleep(0.01)
    assert [False, True] == [one.ended for one in hooks.moved()]


def test_each_request_is_told_when_it_begins_and_ends(hooks: HookBench) -> None:
    """With the status, and the repository only where an Application uses it."""
    hooks.post(SERVERS["github"].hook())
    hooks.post(SERVERS["github"].hook(github_body(path="team/stranger")))
    hooks.post(SERVERS["github"].hook(b"null"))
    assert [False, True] * 3 == [one.ended for one in hooks.moved()]
    assert [("https://git.example/team/shop", 202), ("", 200), ("", 400)] == [
        (one.repo, one.status) for one in hooks.moved() if one.ended
    ]


def test_ever_new_names_make_no_new_series(hooks: HookBench) -> None:
    """Pushes of a thousand strangers: one label value, and the scrape is as good as before, surrogates or not."""
    for number in range(1000):
        name = f"team/r{number}" if number % 3 else 'x\\"\n\ud800'
        body = json.dumps({**github_body(path="team/shop"), "repository": {"html_url": f"https://h/{name}"}}).encode()
        assert hooks.post(SERVERS["github"].hook(body)).status in (200, 400)
    assert {""} == {one.repo for one in hooks.moved()}
    for event in hooks.moved():
        hooks.exporter.listen(event)
    scrape = hooks.request("GET", "/metrics")
    assert 200 == scrape.status
    assert 1 == scrape.body.count(b"argocd_webhook_requests_total{")


def test_secrets_that_cannot_be_read_are_503(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The API server is away: no push is taken unproven, and nothing of the failure is shown; who reads them logs."""

    def away() -> WebhookSecrets:
        raise ApiUnavailable("get https://10.0.0.1/secrets: LYN-CANARY")

    with HookBench(tmp_path, webhook_secrets=away) as hooks:
        reply = hooks.post(SERVERS["github"].hook())
        assert (503, "5") == (reply.status, reply.headers["Retry-After"])
        assert b"CANARY" not in reply.body
        assert [] == caplog.records


def test_an_observing_instance_only_notes_pushes(tmp_path: Path) -> None:
    """The event is published, and nobody is asked to refresh anything."""
    with HookBench(tmp_path, refresh_pushed=None) as hooks:
        assert 202 == hooks.post(SERVERS["github"].hook()).status
        until = time.monotonic() + 5
        while not hooks.received() and time.monotonic() < until:
            time.sleep(0.01)
        assert ["web"] == [one.key.name for one in hooks.received()]


def test_a_defect_of_ours_is_an_answer(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever goes wrong behind, the sender gets one line and the log no payload."""

    def broken() -> list[object]:
        raise RuntimeError("LYN-CANARY")

    with HookBench(tmp_path, applications=broken) as hooks, caplog.at_level(logging.DEBUG):
        reply = hooks.post(SERVERS["github"].hook())
        assert (400, "the payload could not be understood") == (reply.status, reply.json()["error"])
    assert "CANARY" not in caplog.text


def test_refused_proofs_do_not_flood_the_log(hooks: HookBench, caplog: pytest.LogCaptureFixture) -> None:
    """A hundred forged ones are one line, without payload and secret."""
    for _ in range(100):
        hooks.post(SERVERS["gitlab"].hook(), **{"X-Gitlab-Token": "forged-CANARY"})
    lines = [record for record in caplog.records if "not proven" in record.message]
    assert 1 == len(lines)
    assert "CANARY" not in caplog.text


def test_a_flood_of_replays_is_one_refresh(hooks: HookBench) -> None:
    """The same push a thousand times over many connections: answered at once, refreshed once."""
    hook = SERVERS["github"].hook()
    statuses: list[int] = []
    senders = [
        threading.Thread(target=lambda: statuses.extend(hooks.post(hook).status for _ in range(125))) for _ in range(8)
    ]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join(60)
    assert (1000, 1) == (len(statuses), statuses.count(202))
    assert {200, 202} == set(statuses)
    assert ["web"] == hooks.names(2, timeout=1.5)


def _head(head: str) -> bytes:
    return f"POST /api/webhook HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n".encode()


def _raw(hooks: HookBench, head: str, body: bytes) -> bytes:
    """Send a request byte by byte as given and return the whole answer."""
    with socket.create_connection(("127.0.0.1", hooks.server.port), timeout=10) as connection:
        connection.sendall(_head(f"{head}\r\nConnection: close") + body)
        return _all(connection)


def _all(connection: socket.socket) -> bytes:
    parts = []
    with contextlib.suppress(ConnectionError):
        while data := connection.recv(65_536):
            parts.append(data)
    return b"".join(parts)
