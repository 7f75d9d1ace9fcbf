"""Tests of the fault proxy, on both servers."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from tests.stage.cluster import Cluster
from tests.stage.proxy import FaultProxy, _Handler


@pytest.fixture
def proxy(fault_proxy: Callable[..., FaultProxy], cluster: Cluster) -> FaultProxy:
    return fault_proxy(cluster)


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def watch(through: Cluster, path: str, user: str = "admin", timeout: float = 10.0) -> Iterator[dict[str, Any]]:
    connection = through.connect(timeout)
    connection.request("GET", path, headers=through.credentials(user))
    answer = connection.getresponse()
    try:
        while line := answer.readline():
            yield json.loads(line)
    finally:
        answer.close()
        connection.close()


def test_requests_are_written_down(proxy: FaultProxy, namespace: str) -> None:
    """Each request is logged with who, what, where, status and a hash of what was sent."""
    through = proxy.cluster
    path = f"/api/v1/namespaces/{namespace}/configmaps"

    through.request("POST", path + "?fieldManager=me", config_map("a"), user="lynceus")
    through.request("POST", path + "?dryRun=All", config_map("b"), user="lynceus")
    through.request("GET", f"{path}/nothing", user="lynceus")

    first, second, third = proxy.log
    assert (1, "lynceus", "create", "configmaps") == (first.seq, first.identity, first.verb, first.resource)
    assert (namespace, "a", "me", 201, 1) == (
        first.namespace,
        first.name,
        first.field_manager,
        first.status,
        first.write_number,
    )
    assert 64 == len(first.body_hash)
    assert second.dry_run
    assert not second.is_write
    assert ("get", "nothing", 404) == (third.verb, third.name, third.status)
    assert [first] == proxy.writes(identity="lynceus")
    assert first == proxy.wait_for(verb="create", name="a")


def test_kubectl_works_through_it(proxy: FaultProxy, namespace: str) -> None:
    """The real kubectl trusts its certificate and is seen with the user's name."""
    through = proxy.cluster

    through.kubectl("-n", namespace, "create", "configmap", "a", "--from-literal=k=v", user="lynceus")
    through.kubectl("-n", namespace, "get", "configmap", "a")

    assert ["lynceus"] == [each.identity for each in proxy.writes()]
    assert "kubectl" in proxy.writes()[0].user_agent
    assert "admin" == proxy.find(verb="get", resource="configmaps", name="a")[-1].identity


def test_an_impersonated_user_is_the_one_who_asks(proxy: FaultProxy) -> None:
    """Impersonation by header shows in the log."""
    proxy.cluster.kubectl("get", "namespaces", "--as", "carol", check=False)

    assert "carol" == proxy.find(resource="namespaces")[-1].identity


def test_an_answer_is_replaced(proxy: FaultProxy, namespace: str) -> None:
    """A status comes with its headers, as often as told, and the server is not asked."""
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    fault = proxy.inject(verb="write", resource="configmaps", status=429, headers={"Retry-After": "7"}, times=2, skip=1)

    replies = [proxy.cluster.request("POST", path, config_map(f"n{n}")) for n in range(4)]

    assert [201, 429, 429, 201] == [reply.status for reply in replies]
    assert "7" == replies[1].headers["Retry-After"]
    assert "TooManyRequests" == replies[1].json()["reason"]
    assert 2 == fault.hits
    assert ["n0", "n3"] == [each.name for each in proxy.writes()]


@pytest.mark.parametrize("body", ["<html>hello</html>", {}, b'{"kind": "Li'], ids=["html", "empty object", "half"])
def test_wrong_content_with_status_200(proxy: FaultProxy, body: Any) -> None:
    """Nonsense can be given with status 200."""
    proxy.inject(verb="list", resource="namespaces", status=200, body=body)

    reply = proxy.cluster.request("GET", "/api/v1/namespaces")

    assert 200 == reply.status
    assert (json.dumps(body).encode() if isinstance(body, dict) else body) in (reply.body, reply.body.decode())


def test_a_response_can_be_lost_after_the_write(proxy: FaultProxy, cluster: Cluster, namespace: str) -> None:
    """The object is there though the client saw its connection break."""
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    proxy.inject(verb="create", lose_response=True)

    with pytest.raises((http.client.RemoteDisconnected, ConnectionError, OSError)):
        proxy.cluster.request("POST", path, config_map("a"))

    assert "a" == cluster.get(f"{path}/a")["metadata"]["name"]
    assert (0, 201) == (proxy.log[-1].status, proxy.log[-1].upstream_status)


def test_a_request_can_be_cut_before_the_server(proxy: FaultProxy, cluster: Cluster, namespace: str) -> None:
    """The connection breaks and nothing was written."""
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    proxy.inject(verb="create", cut=True)

    with pytest.raises((http.client.RemoteDisconnected, ConnectionError, OSError)):
        proxy.cluster.request("POST", path, config_map("a"))

    assert 404 == cluster.request("GET", f"{path}/a").status


def test_an_answer_can_stop_half_way(proxy: FaultProxy) -> None:
    """A truncated answer is one that the client can tell from a whole one."""
    proxy.inject(verb="list", truncate=20)

    with pytest.raises((http.client.IncompleteRead, ConnectionError, OSError)):
        proxy.cluster.request("GET", "/api/v1/namespaces")


def test_delay(proxy: FaultProxy) -> None:
    """A delayed request takes at least that long."""
    proxy.inject(delay=0.3)
    start = time.monotonic()

    proxy.cluster.get("/version")

    assert time.monotonic() - start >= 0.3


def test_watches_come_through_at_once(proxy: FaultProxy, cluster: Cluster, namespace: str) -> None:
    """An event arrives before the next one is made; a cut ends the stream."""
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    events = watch(proxy.cluster, path + "?watch=1&timeoutSeconds=20")
    seen: list[str] = []
    for name in ("a", "b"):
        cluster.request("POST", path, config_map(name))
        while name not in seen:
            seen.append(next(events)["object"]["metadata"]["name"])

    assert 1 == proxy.cut_watches(resource="configmaps")
    with pytest.raises((StopIteration, http.client.HTTPException, OSError)):
        next(events)


def test_a_silent_watch_loses_events(proxy: FaultProxy, cluster: Cluster, namespace: str) -> None:
    """While silence is in force nothing comes; what happened meanwhile never does."""
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    version = cluster.get(path)["metadata"]["resourceVersion"]
    events = watch(proxy.cluster, f"{path}?watch=1&timeoutSeconds=20&resourceVersion={version}")
    cluster.request("POST", path, config_map("before"))
    assert "before" == next(events)["object"]["metadata"]["name"]
    silence = proxy.inject(verb="watch", silent=True)
    marker = watch(cluster, f"{path}?watch=1&timeoutSeconds=20&resourceVersion={version}")
    cluster.request("POST", path, config_map("lost"))
    while next(marker)["object"]["metadata"]["name"] != "lost":
        pass
    time.sleep(0.3)  # the proxy's own stream has had the event by then
    proxy.heal(silence)

    cluster.request("POST", path, config_map("after"))

    assert "after" == next(events)["object"]["metadata"]["name"]


def test_a_watch_can_be_given_made_up_events(proxy: FaultProxy) -> None:
    """A stream of one ERROR event stands for an expired resourceVersion."""
    gone = {"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired"}}
    proxy.inject(verb="watch", resource="pods", events=(gone,), times=1)

    assert [gone] == list(watch(proxy.cluster, "/api/v1/pods?watch=1"))


def test_the_server_can_go_away_and_come_back(proxy: FaultProxy) -> None:
    """Stopped, connections are refused; started again, the address is the same."""
    through = proxy.cluster
    proxy.stop()

    with pytest.raises(OSError):
        through.request("GET", "/version")
    proxy.start()
    assert 200 == through.request("GET", "/version").status


def test_a_hook_runs_after_a_write_before_its_client_knows(proxy: FaultProxy, cluster: Cluster, namespace: str) -> None:
    """After write 2 the callback sees the object in the cluster, the client gets no answer, and nothing follows."""
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    seen: list[int] = []
    fired = proxy.after_write(
        2,
        lambda request: seen.append(cluster.request("GET", f"{path}/{request.name}").status),
        identity="lynceus",
    )
    through = proxy.cluster

    def create(name: str) -> None:
        try:
            through.request("POST", path, config_map(name), user="lynceus")
        except (OSError, http.client.HTTPException):
            failed.append(name)

    failed: list[str] = []
    through.request("POST", path, config_map("not-counted"))
    threads = [threading.Thread(target=create, args=(f"n{n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert fired.is_set()
    assert [200] == seen
    written = proxy.writes(identity="lynceus")
    assert len(written) >= 2
    assert written[1].name in failed
    assert len(failed) == 6 - len(written) + 1


def test_clients_that_leave_free_their_watches(proxy: FaultProxy) -> None:
    """A watch whose client is gone is ended towards the server too."""
    events = watch(proxy.cluster, "/api/v1/namespaces?watch=1&timeoutSeconds=300")
    next(events)
    assert proxy._server is not None
    assert 1 == sum(each.is_streaming for each in proxy._server.handlers)
    events.close()  # type: ignore[attr-defined]

    deadline = time.monotonic() + 5
    while proxy._server.handlers and time.monotonic() < deadline:
        time.sleep(0.05)

    assert set() == proxy._server.handlers


def test_a_client_that_leaves_during_an_answer_leaves_no_socket() -> None:
    """What cannot be written any more does not keep the connection open."""
    ours, theirs = socket.socketpair()
    handler = _Handler.__new__(_Handler)
    handler.server, handler.connection, handler._upstream = SimpleNamespace(handlers=set()), ours, None  # type: ignore[assignment]
    handler.rfile, handler.wfile = ours.makefile("rb"), ours.makefile("wb")
    handler.wfile.write(b"x")
    theirs.close()
    handler.finish()
    assert -1 == ours.fileno()
