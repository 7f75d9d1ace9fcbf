"""Requests and their errors: by meaning, short, free of secrets, with a limit on time and size."""

import base64
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from controller.kube import client as clients
from controller.kube.client import APPLY, KubeClient
from controller.kube.discovery import ApiResource
from controller.kube.replies import NoAnswer
from model import errors
from model.events import ApiRequestFinished, Event
from model.secrets import Cluster
from tests.controller.kube.scripted import Handler, Scripted, kubeconfig, refusal
from tests.stage.cluster import Cluster as StageCluster

CONFIG_MAPS = ApiResource("", "v1", "ConfigMap", "configmaps", True)
SECRETS = ApiResource("", "v1", "Secret", "secrets", True)
GOOD = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "a"}}


@pytest.mark.parametrize(
    ("code", "reason", "headers", "expected"),
    [
        (400, "BadRequest", {}, errors.Rejected),
        (401, "Unauthorized", {}, errors.Unauthenticated),
        (403, "Forbidden", {}, errors.Forbidden),
        (404, "NotFound", {}, errors.NotFound),
        (405, "MethodNotAllowed", {}, errors.Rejected),
        (409, "AlreadyExists", {}, errors.AlreadyExists),
        (409, "Conflict", {}, errors.Conflict),
        (410, "Expired", {}, errors.Gone),
        (413, "RequestEntityTooLarge", {}, errors.Rejected),
        (415, "UnsupportedMediaType", {}, errors.Rejected),
        (422, "Invalid", {}, errors.Rejected),
        (429, "TooManyRequests", {}, errors.TooManyRequests),
        (500, "InternalError", {}, errors.ApiUnavailable),
        (503, "ServiceUnavailable", {}, errors.ApiUnavailable),
        (503, "ServiceUnavailable", {"Retry_After": "7"}, errors.TooManyRequests),
        (504, "Timeout", {}, errors.ApiUnavailable),
        (302, "", {"Location": "http://127.0.0.1:1/"}, errors.ApiUnavailable),
    ],
)
def test_statuses_have_a_meaning(
    scripted: Scripted, client: KubeClient, code: int, reason: str, headers: dict[str, str], expected: type[Exception]
) -> None:
    """Each HTTP status becomes the error that says whether another try makes sense; redirects are not followed."""
    scripted.lists = [refusal(code, reason, "because", **headers)]
    with pytest.raises(errors.LynceusError) as caught:
        client.get(CONFIG_MAPS, "n", "a")

    assert expected is type(caught.value)
    assert "because" in str(caught.value)


def test_retry_after_is_read_and_bounded(scripted: Scripted, client: KubeClient) -> None:
    """The pause that the server asks for is handed on, within reason."""
    for text, expected in (("7", 7.0), ("99999", 300.0), ("soon", 1.0)):
        scripted.lists = [refusal(429, "TooManyRequests", Retry_After=text)]
        with pytest.raises(errors.TooManyRequests) as caught:
            client.get(CONFIG_MAPS, "n", "a")

        assert expected == caught.value.retry_after


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html></html>",
        b"{}",
        b"[]",
        b"null",
        b'{"kind":"ConfigMap","metadata":{"na',
        b'{"kind":"Status"}',
        b"\xff",
    ],
)
def test_wrong_content_with_200_is_no_answer(scripted: Scripted, client: KubeClient, body: bytes) -> None:
    """A page of a proxy, a cut or empty answer, or another kind never counts as the object."""
    scripted.lists = [lambda handler: handler.reply(body)]
    with pytest.raises(errors.ApiUnavailable):
        client.get(CONFIG_MAPS, "n", "a")


def test_messages_about_secrets_do_not_relay_the_body(scripted: Scripted, client: KubeClient) -> None:
    """A refusal of a Secret names the reason and the fields, and nothing of the server's text."""
    status = {
        "kind": "Status",
        "reason": "Invalid",
        "message": "hunter2 is bad",
        "details": {"causes": [{"field": "data[x]", "message": "hunter2", "reason": "FieldValueInvalid"}]},
    }
    scripted.lists = [lambda handler: handler.reply(status, 422)]
    with pytest.raises(errors.Rejected) as caught:
        client.create(SECRETS, "n", b"{}", field_manager="m")

    assert "hunter2" not in str(caught.value)
    assert "Invalid (422): data[x]" in str(caught.value)


def test_long_and_odd_messages_are_one_short_line(scripted: Scripted, client: KubeClient) -> None:
    """A condition must stay readable: control characters go, and the text is cut."""
    scripted.lists = [refusal(422, "Invalid", "a\nb\x1b[31m" + "x" * 5000)]
    with pytest.raises(errors.Rejected) as caught:
        client.get(CONFIG_MAPS, "n", "a")

    text = str(caught.value)
    assert len(text) < 1200
    assert text.isprintable()


def test_a_body_that_is_no_status_is_not_relayed(scripted: Scripted, client: KubeClient) -> None:
    """What a proxy says with an error might be anything, a login page with a token among it."""
    scripted.lists = [lambda handler: handler.reply(b"<html>token=abc</html>", 502, "text/html")]
    with pytest.raises(errors.ApiUnavailable) as caught:
        client.get(CONFIG_MAPS, "n", "a")

    assert "token" not in str(caught.value)


def test_a_rotated_token_file_is_read_again_after_401(scripted: Scripted, tmp_path: Path) -> None:
    """The request that met the 401 is sent again with the new token, without an error."""
    token = tmp_path / "token"
    token.write_text("first")
    client = KubeClient.from_kubeconfig(str(kubeconfig(tmp_path, scripted.url, {"tokenFile": str(token)})))
    seen: list[str | None] = []

    def answer(handler: Handler) -> None:
        seen.append(handler.headers["Authorization"])
        if seen[-1] == "Bearer second":
            handler.reply(GOOD)
        else:
            refusal(401, "Unauthorized")(handler)

    scripted.lists = [answer]
    with pytest.raises(errors.Unauthenticated):
        client.get(CONFIG_MAPS, "n", "a")
    token.write_text("second")
    client.get(CONFIG_MAPS, "n", "a")

    assert ["Bearer first", "Bearer first", "Bearer second"] == seen


def test_a_mass_of_401_ends_without_a_deadlock(scripted: Scripted, tmp_path: Path) -> None:
    """Thirty threads meet 401 at once; after the token is rotated all of them go on."""
    token = tmp_path / "token"
    token.write_text("first")
    client = KubeClient.from_kubeconfig(str(kubeconfig(tmp_path, scripted.url, {"tokenFile": str(token)})))
    good = lambda handler: handler.reply(GOOD)  # noqa: E731
    refuse = refusal(401, "Unauthorized")
    scripted.lists = [lambda h: good(h) if h.headers["Authorization"] == "Bearer second" else refuse(h)]
    done: list[bool] = []

    def work() -> None:
        for _ in range(200):
            try:
                client.get(CONFIG_MAPS, "n", "a")
            except errors.Unauthenticated:
                time.sleep(0.02)
            else:
                done.append(True)
                return

    threads = [threading.Thread(target=work) for _ in range(30)]
    for thread in threads:
        thread.start()
    time.sleep(0.1)
    token.write_text("second")
    for thread in threads:
        thread.join(20)

    assert 30 == len(done)


def test_no_server_is_no_answer(tmp_path: Path) -> None:
    """A refused connection says which server and keeps to one line."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    client = KubeClient.from_kubeconfig(str(kubeconfig(tmp_path, f"http://127.0.0.1:{port}")))
    with pytest.raises(NoAnswer) as caught:
        client.version()

    assert f"http://127.0.0.1:{port} does not answer" in str(caught.value)
    assert "object at 0x" not in str(caught.value)


def test_a_server_that_never_ends_its_answer_is_left(scripted: Scripted, client: KubeClient) -> None:
    """Bytes that trickle in do not keep a request alive beyond its time."""

    def trickle(handler: Handler) -> None:
        handler.begin_stream()
        while not handler.server.stopped.wait(0.05):
            handler.chunk(b" ")

    scripted.lists = [trickle]
    began = time.monotonic()
    with pytest.raises(errors.ApiUnavailable):
        client.request("GET", "/x", timeout=0.5)

    assert time.monotonic() - began < 3


def test_an_endless_answer_is_cut(scripted: Scripted, client: KubeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """More bytes than the limit are not read."""
    monkeypatch.setattr(clients, "LARGEST_ANSWER", 1000)
    scripted.lists = [lambda handler: handler.reply(b" " * 100_000)]
    with pytest.raises(errors.ApiUnavailable, match="larger than"):
        client.request("GET", "/x")


def test_requests_are_reported(scripted: Scripted, tmp_path: Path) -> None:
    """Each request is told with its verb as Kubernetes names it, the plural and the code."""
    told: list[Event] = []
    path = str(kubeconfig(tmp_path, scripted.url))
    client = KubeClient.from_kubeconfig(path, on_request=told.append)
    scripted.lists = [lambda handler: handler.reply(GOOD)]
    client.get(CONFIG_MAPS, "n", "a")
    client.request("GET", "/api/v1/namespaces/n/configmaps")
    client.patch(CONFIG_MAPS, "n", "a", b"{}", APPLY, field_manager="m", force=True)
    client.delete(CONFIG_MAPS, "n", "a", uid="u")
    found = [(event.verb, event.kind, event.code) for event in told if isinstance(event, ApiRequestFinished)]

    assert [(verb, "configmaps", 200) for verb in ("get", "list", "patch", "delete")] == found
    assert {"fieldManager": "m", "force": "true"} == scripted.requests[2][2]


def test_names_cannot_leave_their_place_in_the_path() -> None:
    """A name with slashes or dots stays one quoted part of the path."""
    assert "/api/v1/namespaces/a%2Fb/configmaps/..%2F..%2Fsecrets" == CONFIG_MAPS.path("a/b", "../../secrets")


@pytest.mark.parametrize("key", ["exec", "auth-provider"])
def test_programs_in_a_kubeconfig_are_not_started(tmp_path: Path, key: str) -> None:
    """An exec plugin is refused with the place where it stands, unless it was allowed."""
    marker = tmp_path / "ran"
    user = {key: {"apiVersion": "client.authentication.k8s.io/v1", "command": "touch", "args": [str(marker)]}}
    path = str(kubeconfig(tmp_path, "http://127.0.0.1:1", user))
    with pytest.raises(errors.InvalidSettings, match=rf"users\[x\].user.{key}"):
        KubeClient.from_kubeconfig(path)

    assert not marker.exists()


@pytest.mark.parametrize("text", ["", "[", "a: b", "contexts: 5", "kind: Config\ncurrent-context: nope\n"])
def test_an_unusable_kubeconfig_is_one_line(tmp_path: Path, text: str) -> None:
    """The error names the file and nothing of its content."""
    path = tmp_path / "kc"
    path.write_text(text)
    with pytest.raises(errors.InvalidSettings, match="kubeconfig"):
        KubeClient.from_kubeconfig(str(path))


def test_a_missing_kubeconfig_is_one_line(tmp_path: Path) -> None:
    """A path that does not exist is said so."""
    with pytest.raises(errors.InvalidSettings, match="no such file"):
        KubeClient.from_kubeconfig(str(tmp_path / "none"))


def test_a_cluster_secret_gives_a_client(real_cluster: StageCluster) -> None:
    """Server, token and CA of a cluster Secret reach the real API server; a login program is refused."""
    assert real_cluster.ca is not None
    config: dict[str, Any] = {
        "bearerToken": real_cluster.token,
        "tlsClientConfig": {"caData": base64.b64encode(real_cluster.ca.read_bytes()).decode()},
    }
    cluster = Cluster(name="c", server=real_cluster.url, config=config)

    assert KubeClient.from_cluster(cluster).version().startswith("v1.")
    for key in ("execProviderConfig", "awsAuthConfig"):
        with pytest.raises(errors.InvalidSettings, match=key):
            KubeClient.from_cluster(Cluster(name="c", server="https://x", config={key: {"command": "x"}}))


def test_tls_is_verified_by_default(real_cluster: StageCluster) -> None:
    """Without the CA the server's certificate is not trusted."""
    cluster = Cluster(name="c", server=real_cluster.url, config={"bearerToken": real_cluster.token})
    with pytest.raises(NoAnswer):
        KubeClient.from_cluster(cluster).version()


def test_a_kept_connection_that_the_server_closed_is_replaced(tmp_path: Path) -> None:
    """A read on a connection that died in the pool is sent again; nobody notices."""
    with _one_answer_per_connection() as port:
        client = KubeClient.from_kubeconfig(str(kubeconfig(tmp_path, f"http://127.0.0.1:{port}")))
        for _ in range(3):
            client.get(CONFIG_MAPS, "n", "a")


@contextmanager
def _one_answer_per_connection() -> Iterator[int]:
    """A server that promises to keep connections open and drops each at its second request."""
    body = json.dumps(GOOD).encode()
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)

        def serve() -> None:
            try:
                while True:
                    connection, _ = listener.accept()
                    connection.settimeout(0.5)
                    with connection:
                        connection.recv(65536)
                        connection.sendall(answer)
                        connection.recv(65536)
            except OSError:
                return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)
