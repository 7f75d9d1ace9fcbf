"""The informer against servers that go wrong: it never takes an incomplete view for the truth, and never runs hot."""

import json
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from controller.clock import SystemClock
from controller.kube import informer as informers
from controller.kube.client import KubeClient
from controller.kube.discovery import ApiResource
from controller.kube.informer import Informer
from controller.kube.store import Change, ObjectStore
from model.meta import ResourceKey
from tests.controller.kube.scripted import (
    Answer,
    Handler,
    Scripted,
    config_map,
    eventually,
    listing,
    quiet,
    refusal,
    stream,
)

CONFIG_MAPS = ApiResource("", "v1", "ConfigMap", "configmaps", True, frozenset({"list", "watch"}))
Start = Callable[..., Informer]


def key(name: str) -> ResourceKey:
    return ResourceKey("", "ConfigMap", "n", name)


@pytest.fixture
def store() -> ObjectStore:
    return ObjectStore()


@pytest.fixture
def start(client: KubeClient, store: ObjectStore) -> Iterator[Start]:
    """Start informers and stop them after the test."""
    started: list[Informer] = []

    def begin(**options: Any) -> Informer:
        informer = Informer(client, CONFIG_MAPS, store, clock=SystemClock(), **options)
        started.append(informer)
        informer.start()
        return informer

    yield begin
    for informer in started:
        informer.stop()
        assert informer._thread is not None
        assert not informer._thread.is_alive()


def names(store: ObjectStore) -> set[str]:
    return {stored.header.key.name for stored in store.of_kind("", "ConfigMap")}


def test_pages_make_one_list(scripted: Scripted, store: ObjectStore, start: Start) -> None:
    """All pages are read, and objects carry kind and apiVersion although lists leave them out."""
    scripted.lists = [listing(config_map("a", "1"), more="next"), listing(config_map("b", "2"))]
    assert start(page=1).synced.wait(5)

    assert {"a", "b"} == names(store)
    assert [None, "next"] == [query.get("continue") for verb, _, query in scripted.requests if verb == "get"]
    found = store.get(key("a"))
    assert found is not None
    assert ("v1", "ConfigMap") == (found.decode()["apiVersion"], found.decode()["kind"])


def test_a_list_that_breaks_in_the_middle_is_discarded(scripted: Scripted, store: ObjectStore, start: Start) -> None:
    """When the continue token has expired, nothing of the first page counts and the whole list is read again."""
    store.apply({key("old"): _stored("old")})
    scripted.lists = [
        listing(config_map("a", "1"), more="next"),
        refusal(410, "Expired"),
        listing(config_map("a", "1"), config_map("old", "1")),
    ]
    informer = start(page=1)
    changes: list[Change] = []
    store.subscribe(changes.append)
    assert informer.synced.wait(5)

    assert {"a", "old"} == names(store)
    assert ["ADDED"] == [change.kind for change in changes]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda h: h.reply(b"<html>login</html>", kind="text/html"),
        lambda h: h.reply(b"{}"),
        lambda h: h.reply(b"null"),
        lambda h: h.reply(b'{"kind":"ConfigMapList","metadata":{"resourceVersion":"1"},"items":[{"metadata":{"na'),
        lambda h: h.reply({"kind": "ConfigMapList", "metadata": {"resourceVersion": "1"}}),
        lambda h: h.reply({"kind": "ConfigMapList", "metadata": {}, "items": []}),
        lambda h: h.reply({"kind": "Status", "metadata": {"resourceVersion": "1"}, "items": []}),
        lambda h: h.reply({"kind": "ConfigMapList", "metadata": {"resourceVersion": "1"}, "items": [{"spec": {}}]}),
        refusal(403, "Forbidden"),
        refusal(500, "InternalError"),
        refusal(429, "TooManyRequests", Retry_After="0"),
    ],
    ids=["html", "empty", "null", "cut", "no items", "no version", "status", "nameless", "403", "500", "429"],
)
def test_a_wrong_answer_is_never_an_empty_list(
    scripted: Scripted, store: ObjectStore, start: Start, wrong: Answer
) -> None:
    """Whatever is not a complete list leaves the store as it was, and the view counts as unknown."""
    store.apply({key("old"): _stored("old")})
    scripted.lists = [wrong]
    informer = start()
    assert informer.settled.wait(5)

    assert {"old"} == names(store)
    assert not informer.synced.is_set()
    assert informer.error
    assert informer.stale_since is not None


def test_events_are_applied_and_the_unknown_passed_over(scripted: Scripted, store: ObjectStore, start: Start) -> None:
    """Added, modified, deleted, duplicate, bookmark and unknown events, also cut in the middle of a line."""

    def answer(handler: Handler) -> None:
        handler.begin_stream()
        lines = b"".join(
            json.dumps({"type": kind, "object": obj}).encode() + b"\n"
            for kind, obj in (
                ("ADDED", config_map("b", "101")),
                ("ADDED", config_map("b", "101")),
                ("SURPRISE", config_map("x", "101")),
                ("MODIFIED", config_map("a", "102", k="v")),
                ("DELETED", config_map("gone", "103")),
                ("BOOKMARK", {"metadata": {"resourceVersion": "110"}}),
                ("DELETED", config_map("b", "111")),
            )
        )
        for start_at in range(0, len(lines), 37):
            handler.chunk(lines[start_at : start_at + 37])
        handler.end_stream()

    scripted.lists = [listing(config_map("a", "1"), config_map("gone", "2"))]
    scripted.watches = [answer, quiet]
    start()
    eventually(lambda: scripted.count("watch") == 2)

    assert {"a"} == names(store)
    found = store.get(key("a"))
    assert found is not None
    assert {"k": "v"} == found.decode()["data"]
    assert ["100", "111"] == [query["resourceVersion"] for verb, _, query in scripted.requests if verb == "watch"]
    assert 1 == scripted.count("get")


def test_events_that_arrive_together_are_told_once(scripted: Scripted, store: ObjectStore, start: Start) -> None:
    """Ten versions of an object in one piece are one change, from the old to the last."""
    changes: list[Change] = []
    store.subscribe(changes.append)

    def answer(handler: Handler) -> None:
        handler.begin_stream()
        handler.events(*(("MODIFIED", config_map("a", str(version))) for version in range(101, 111)))
        handler.hold()

    scripted.lists = [listing(config_map("a", "1"))]
    scripted.watches = [answer]
    start()
    eventually(lambda: len(changes) >= 2)

    assert [("ADDED", "1"), ("MODIFIED", "110")] == [
        (change.kind, change.new.header.resource_version) for change in changes if change.new
    ]


def test_gone_means_list_again_and_missed_deletes_are_found(
    scripted: Scripted, store: ObjectStore, start: Start
) -> None:
    """An ERROR event 410 leads to a new list, which tells what was deleted meanwhile."""
    expired = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}
    scripted.lists = [listing(config_map("a", "1"), config_map("b", "2")), listing(config_map("a", "1"), version="200")]
    scripted.watches = [stream(("ERROR", expired), hold=False), quiet]
    informer = start()
    eventually(lambda: scripted.count("get") == 2 and informer.synced.is_set())

    assert {"a"} == names(store)


def test_repeated_gone_does_not_run_hot(scripted: Scripted, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """When each watch answers 410 at once, lists come with growing pauses."""
    monkeypatch.setattr(informers, "FIRST_BACKOFF", 0.1)
    scripted.lists = [listing(config_map("a", "1"))]
    scripted.watches = [refusal(410, "Expired")]
    start()
    time.sleep(1.2)

    assert 2 <= scripted.count("get") <= 6


def test_watches_that_end_at_once_do_not_run_hot(scripted: Scripted, start: Start) -> None:
    """A server that ends each watch without an event is asked again with growing pauses, and not listed again."""
    scripted.lists = [listing()]
    scripted.watches = [stream(hold=False)]
    start()
    time.sleep(1.0)

    assert scripted.count("watch") <= 6
    assert 1 == scripted.count("get")


def test_a_silent_stream_is_left(scripted: Scripted, store: ObjectStore, start: Start) -> None:
    """A half-open connection is given up after the silence limit, and the next watch brings what was missed."""
    scripted.lists = [listing(config_map("a", "1"))]
    scripted.watches = [quiet, stream(("ADDED", config_map("b", "101")))]
    start(silence=0.3)
    eventually(lambda: "b" in names(store))

    assert 1 == scripted.count("get")


def test_a_cut_stream_goes_on_where_it_was(scripted: Scripted, store: ObjectStore, start: Start) -> None:
    """A connection cut in the middle of an event loses nothing: the watch goes on at the last version."""

    def cut(handler: Handler) -> None:
        handler.begin_stream()
        handler.events(("ADDED", config_map("b", "101")))
        handler.chunk(b'{"type":"ADDED","object":{"meta')
        handler.connection.shutdown(socket.SHUT_RDWR)

    scripted.lists = [listing(config_map("a", "1"))]
    scripted.watches = [cut, stream(("ADDED", config_map("c", "102")))]
    start()
    eventually(lambda: "c" in names(store))

    versions = [query["resourceVersion"] for verb, _, query in scripted.requests if verb == "watch"]
    assert ["100", "101"] == versions[:2]


def test_a_missing_kind_is_unknown_and_not_gone(scripted: Scripted, store: ObjectStore, start: Start) -> None:
    """When the collection answers 404, its objects stay and the caller is told to look at discovery."""
    missing = threading.Event()
    expired = {"kind": "Status", "code": 410, "reason": "Expired"}
    scripted.lists = [listing(config_map("a", "1")), refusal(404, "NotFound")]
    scripted.watches = [stream(("ERROR", expired), hold=False)]
    informer = start(hearers=informers.Hearers(missing=missing.set))
    assert missing.wait(5)

    assert {"a"} == names(store)
    assert not informer.synced.is_set()


def test_stop_ends_a_waiting_watch_quickly(scripted: Scripted, start: Start) -> None:
    """Stopping does not wait for the next byte."""
    scripted.lists = [listing()]
    informer = start()
    eventually(lambda: scripted.count("watch") == 1)
    began = time.monotonic()
    informer.stop()

    assert time.monotonic() - began < 2


def test_any_sequence_of_events_ends_at_the_truth(scripted: Scripted, store: ObjectStore, start: Start) -> None:
    """Thousands of events in random order, with duplicates, cuts and expiries, end at what the last list says."""
    rng = random.Random(7)
    truth: dict[str, str] = {}
    log: list[tuple[int, str, dict[str, Any]]] = []
    for version in range(101, 3101):
        name = f"o{rng.randrange(30)}"
        kind = "MODIFIED" if name in truth else "ADDED"
        if name in truth and rng.random() < 0.3:
            kind = "DELETED"
            truth.pop(name)
        else:
            truth[name] = str(version)
        log.append((version, kind, config_map(name, str(version))))
        if rng.random() < 0.05:
            log.append(log[-1])

    def watch(handler: Handler) -> None:
        since = int(handler.query["resourceVersion"])
        rest = [entry for entry in log if entry[0] > since]
        handler.begin_stream()
        part = rest[: rng.randrange(200, 900)]
        for start_at in range(0, len(part), 17):
            handler.events(*((kind, obj) for _, kind, obj in part[start_at : start_at + 17]))
        if not rest:
            handler.hold()
        handler.end_stream()

    scripted.lists = [listing()]
    scripted.watches = [watch]
    start()
    eventually(
        lambda: {s.header.key.name: s.header.resource_version for s in store.of_kind("", "ConfigMap")} == truth, 20
    )


def _stored(name: str) -> Any:
    from controller.kube.store import read_stored

    return read_stored(json.dumps(config_map(name, "1")).encode(), "", "v1", "ConfigMap")
