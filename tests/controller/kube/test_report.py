"""What is told of each request: about what, how it ended, on whose behalf."""

from __future__ import annotations

import concurrent.futures
import contextvars
import typing as t
from pathlib import Path

import pytest

from controller.clock import SystemClock
from controller.kube import client as clients
from controller.kube.client import MERGE, KubeClient
from controller.kube.discovery import ApiResource
from controller.kube.informer import Informer
from controller.kube.report import about, on_behalf
from controller.kube.store import ObjectStore
from model import errors
from model.events import ApiRequestFinished, Event
from model.meta import NamespacedName
from tests.controller.kube.scripted import Handler, Scripted, config_map, kubeconfig, listing, refusal
from tests.controller.kube.test_client import GOOD, _one_answer_per_connection

CONFIG_MAPS = ApiResource("", "v1", "ConfigMap", "configmaps", True)
SHOP = NamespacedName("argocd", "shop")


@pytest.mark.parametrize(
    ("method", "url", "expected"),
    [
        ("GET", "/api/v1/namespaces/n/pods/a", ("get", "pods", "n")),
        ("GET", "/api/v1/namespaces/n/pods/a/log", ("get", "pods", "n")),
        ("GET", "/api/v1/namespaces/n/pods?limit=5", ("list", "pods", "n")),
        ("GET", "/api/v1/namespaces/n/pods?limit=5&watch=true", ("watch", "pods", "n")),
        ("GET", "/apis/apps/v1/deployments?watch=true", ("watch", "deployments", "")),
        ("POST", "/apis/apps/v1/namespaces/n/deployments", ("create", "deployments", "n")),
        ("PUT", "/apis/apps/v1/namespaces/n/deployments/d?dryRun=All", ("update", "deployments", "n")),
        ("PATCH", "/apis/apps/v1/namespaces/n/deployments/d/scale", ("patch", "deployments", "n")),
        ("DELETE", "/api/v1/nodes/n", ("delete", "nodes", "")),
        ("GET", "/api/v1/namespaces", ("list", "namespaces", "")),
        ("PATCH", "/api/v1/namespaces/n", ("patch", "namespaces", "")),
        ("PUT", "/api/v1/namespaces/n/status", ("update", "namespaces", "")),
        ("PUT", "/api/v1/namespaces/n/finalize", ("update", "namespaces", "")),
        ("GET", "/api/v1/namespaces/a%2Fb/pods/x", ("get", "pods", "a/b")),
        ("GET", "/version", ("get", "", "")),
        ("GET", "/openapi/v3/apis/apps/v1", ("get", "", "")),
        ("GET", "/apis", ("get", "", "")),
        ("GET", "/apis/apps/v1", ("get", "", "")),
    ],
)
def test_a_url_says_what_it_is_about(method: str, url: str, expected: tuple[str, str, str]) -> None:
    """Verb, plural and namespace as Kubernetes names them, from the URL alone."""
    assert expected == about(method, url)


@pytest.fixture
def told() -> list[ApiRequestFinished]:
    """Everything that was told."""
    return []


@pytest.fixture
def client(scripted: Scripted, tmp_path: Path, told: list[ApiRequestFinished]) -> KubeClient:
    """A client of the scripted server that tells of its requests."""
    return telling(tmp_path, scripted.url, told)


def telling(folder: Path, url: str, told: list[ApiRequestFinished], **user: str) -> KubeClient:
    def publish(event: Event) -> None:
        assert isinstance(event, ApiRequestFinished)
        told.append(event)

    path = str(kubeconfig(folder, url, user or None))
    return KubeClient.from_kubeconfig(path, on_request=publish, known_as="https://kubernetes.default.svc")


def test_a_request_is_told_whole(scripted: Scripted, client: KubeClient, told: list[ApiRequestFinished]) -> None:
    """Host as it is reached, server as destinations name it, sizes of both bodies, namespace, time."""
    scripted.lists = [lambda handler: handler.reply(b'{"kind":"ConfigMap"}')]
    client.patch(CONFIG_MAPS, "n", "a", b'{"data":{}}', MERGE, field_manager="m")
    found = told[0]
    assert ("patch", "configmaps", 200, "PATCH", "n") == (
        found.verb, found.kind, found.code, found.method, found.namespace
    )  # fmt: skip
    assert (scripted.url.removeprefix("http://"), "https://kubernetes.default.svc") == (found.host, found.server)
    assert (11, 20) == (found.request_bytes, found.response_bytes)
    assert (False, False, 0.0) == (found.retry, found.dry_run, found.waited)
    assert 0 < found.seconds < 5


def test_dry_runs_are_marked(scripted: Scripted, client: KubeClient, told: list[ApiRequestFinished]) -> None:
    """In the query of a write as in the body of a deletion; a query that only looks like it is none."""
    scripted.lists = [lambda handler: handler.reply(GOOD)]
    client.create(CONFIG_MAPS, "n", b"{}", field_manager="m", dry_run=True)
    client.create(CONFIG_MAPS, "n", b"{}", field_manager="dryRun")
    client.delete(CONFIG_MAPS, "n", "a", dry_run=True)
    client.delete(CONFIG_MAPS, "n", "a")
    assert [True, False, True, False] == [event.dry_run for event in told]


def test_a_watch_is_told_when_it_is_opened(scripted: Scripted, client: KubeClient, told: list[Event]) -> None:
    """Once, with no size and on nobody's behalf: it serves all."""
    with on_behalf(SHOP, "default"):
        stream = client.stream("/api/v1/namespaces/n/configmaps", {}, read_timeout=5)
    stream.close()
    found = [(e.verb, e.code, e.response_bytes, e.application) for e in told if isinstance(e, ApiRequestFinished)]
    assert [("watch", 200, None, None)] == found


def test_a_refusal_and_a_dead_server_are_told(
    scripted: Scripted, client: KubeClient, told: list[ApiRequestFinished], tmp_path: Path
) -> None:
    """A refusal with its code and size, no answer with code 0, a watch that is refused with its code."""
    scripted.lists = [refusal(404, "NotFound")]
    scripted.watches = [refusal(410, "Expired")]
    for ask in (lambda: client.get(CONFIG_MAPS, "n", "a"), lambda: client.stream("/api/v1/pods", {}, read_timeout=5)):
        with pytest.raises(errors.LynceusError):
            ask()
    dead = telling(tmp_path, "http://127.0.0.1:1", told)
    with pytest.raises(errors.ApiUnavailable):
        dead.version()
    assert [404, 410, 0] == [event.code for event in told]
    assert [True, True, False] == [bool(event.response_bytes) for event in told]


def test_a_cut_answer_is_told_with_what_was_read(
    scripted: Scripted, client: KubeClient, told: list[ApiRequestFinished], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once, with the status of its beginning."""
    monkeypatch.setattr(clients, "LARGEST_ANSWER", 1000)
    monkeypatch.setattr(clients, "READ_CHUNK", 600)
    scripted.lists = [lambda handler: handler.reply(b" " * 100_000)]
    with pytest.raises(errors.ApiUnavailable):
        client.request("GET", "/api/v1/pods")
    assert [(200, True)] == [(event.code, 1000 < (event.response_bytes or 0) < 3000) for event in told]


def test_what_is_sent_again_after_401_is_told_twice(scripted: Scripted, tmp_path: Path) -> None:
    """The refusal as an answer of its own, the second sending as a retry."""
    token, told = tmp_path / "token", list[ApiRequestFinished]()
    token.write_text("first")
    client = telling(tmp_path, scripted.url, told, tokenFile=str(token))

    def answer(handler: Handler) -> None:
        (handler.reply if handler.headers["Authorization"] == "Bearer second" else _refuse(handler))(GOOD)

    scripted.lists = [answer]
    client._access.headers()
    token.write_text("second")
    client.get(CONFIG_MAPS, "n", "a")
    assert [(401, False), (200, True)] == [(event.code, event.retry) for event in told]


def _refuse(handler: Handler) -> t.Callable[[t.Any], None]:
    return lambda _: refusal(401, "Unauthorized")(handler)


def test_a_kept_connection_that_was_closed_makes_a_retry(tmp_path: Path, told: list[ApiRequestFinished]) -> None:
    """The server never saw the first sending, so there is one event, marked."""
    with _one_answer_per_connection() as port:
        client = telling(tmp_path, f"http://127.0.0.1:{port}", told)
        for _ in range(3):
            client.get(CONFIG_MAPS, "n", "a")
    assert [(200, False), (200, True), (200, True)] == [(event.code, event.retry) for event in told]


def test_requests_carry_their_application(client: KubeClient, scripted: Scripted, told: list[Event]) -> None:
    """In this thread, and in others that got a copy of the context; discovery serves all; outside there is none."""
    scripted.lists = [lambda handler: handler.reply(GOOD)]
    with on_behalf(SHOP, "apps"), concurrent.futures.ThreadPoolExecutor(2) as pool:
        client.get(CONFIG_MAPS, "n", "a")
        pool.submit(contextvars.copy_context().run, client.get, CONFIG_MAPS, "n", "b").result()
        pool.submit(client.get, CONFIG_MAPS, "n", "c").result()
        client.request("GET", "/apis/apps/v1")
    client.get(CONFIG_MAPS, "n", "d")
    found = [(e.application, e.project) for e in told if isinstance(e, ApiRequestFinished)]
    assert [(SHOP, "apps"), (SHOP, "apps"), (None, ""), (None, ""), (None, "")] == found


def test_nobody_need_listen(scripted: Scripted, tmp_path: Path) -> None:
    """A client without a listener works as well."""
    scripted.lists = [lambda handler: handler.reply(GOOD)]
    client = KubeClient.from_kubeconfig(str(kubeconfig(tmp_path, scripted.url)))
    assert client.get(CONFIG_MAPS, "n", "a")


def test_what_the_server_held_back_is_told(scripted: Scripted, client: KubeClient, told: list[Event]) -> None:
    """A list that the server answers with 429 is tried again later, and that request says how long it was held back."""
    scripted.lists = [refusal(429, "TooManyRequests", Retry_After="0"), listing(config_map("a", "1"))]
    informer = Informer(client, CONFIG_MAPS, ObjectStore(), clock=SystemClock())
    informer.start()
    try:
        assert informer.synced.wait(5)
    finally:
        informer.stop()
    lists = [event for event in told if isinstance(event, ApiRequestFinished) and event.verb == "list"]
    assert [429, 200] == [event.code for event in lists]
    assert 0.0 == lists[0].waited
    assert 1.0 <= lists[1].waited < 3.0
