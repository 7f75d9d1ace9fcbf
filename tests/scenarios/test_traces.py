"""One deployment is one trace, from the push to the end, over a restart; a collector that hangs changes nothing."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import socket
import threading
import time
import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.cage import Cage
from controller.turn import trace_id
from exporter import tracing
from lynceus import logs
from model.events import DecisionMade, DeploymentEnded, GitRequestFinished, TurnFinished
from model.meta import NamespacedName
from model.traces import deployment_span_id, deployment_trace_id
from tests.exporter.collector import Collector, attributes_of, collecting
from tests.scenarios.conftest import make_world
from tests.scenarios.house import SECRET, House, running
from tests.scenarios.world import World, config_map
from tests.stage.cluster import Cluster
from tests.stage.git import GitServer, Repo


@pytest.fixture
def embedded(sandbox_cluster: Cluster, cage: Cage, tmp_path: Path) -> Iterator[World]:
    """A world on the embedded cluster."""
    yield from make_world(sandbox_cluster, cage, tmp_path)


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector on a real socket."""
    with collecting() as server:
        yield server


@contextlib.contextmanager
def house(world: World, folder: Path, endpoint: str, **more: t.Any) -> Iterator[House]:
    """Run the whole program with traces, and what it remembers written often."""
    with running(world, folder, otlp_endpoint=endpoint, state_seconds=0.2, **more) as found:
        yield found


def test_push_turns_sync_and_end_are_one_trace_over_a_restart(
    embedded: World, repo: Repo, collector: Collector, tmp_path: Path
) -> None:
    """The first process hears the push and compares, the second syncs: every span of the commit has one trace id."""
    world, key = embedded, NamespacedName(embedded.control, "shop")
    repo.push({"app/a.yaml": config_map("a", k="1")})
    world.settings(**{"timeout.reconciliation": "1h"})
    world.app("shop", repo, policy={})
    with house(world, tmp_path, collector.endpoint) as first:
        hook: dict[str, t.Any] = {"webhook.github.secret": SECRET}
        first.secret(**hook)
        world.until("shop", "OutOfSync", timeout=30)
        world.sync("shop")
        world.until("shop", "Synced", "Healthy", timeout=30)
        commit = repo.push({"app/a.yaml": config_map("a", k="2")})
        assert 202 == first.push(repo, commit)
        world.until("shop", "OutOfSync")
        early = [turn for turn in first.of(TurnFinished) if turn.deploys == commit]
    trace, root_id = deployment_trace_id(key, commit), bytes.fromhex(deployment_span_id(key, commit))
    assert early
    assert {trace} == {turn.trace_id for turn in early}
    assert [True] == [turn.pushed_at is not None for turn in early if turn.reason == "push"]
    before = len(collector.spans(trace))
    with house(world, tmp_path, collector.endpoint) as second:
        world.sync("shop")
        world.until("shop", "Synced", "Healthy", timeout=30)
        world.wait("the end of it", lambda: [e for e in second.of(DeploymentEnded) if e.revision == commit])
    spans = collector.spans(trace)
    assert 0 < before < len(spans)
    (root,) = [span for span in spans if span.name == "lynceus.deployment"]
    assert (root_id, b"") == (root.span_id, root.parent_span_id)
    below = [span.name for span in spans if span.parent_span_id == root_id]
    assert 1 == below.count("lynceus.push")
    assert {"lynceus.push", "lynceus.reconcile"} == set(below)
    assert "success" == attributes_of(root)["lynceus.outcome.deployment"]
    turns = {span.span_id: attributes_of(span) for span in spans if span.name == "lynceus.reconcile"}
    assert {"refresh", "operation"} == {turn["lynceus.queue"] for turn in turns.values()}
    for turn in turns.values():
        assert {
            "argocd.app.name": "shop",
            "argocd.app.namespace": world.control,
            "argocd.app.project": "default",
            "argocd.source.repo_url": repo.url,
            "argocd.revision": "main",
            "argocd.resolved_revision": commit,
            "argocd.app.source_type": "Directory",
        }.items() <= turn.items()
    stages = {span.name for span in spans if span.parent_span_id in turns}
    assert {"git", "render", "compare", "policy", "apply", "health", "status"} <= stages
    (sync,) = [turn for turn in turns.values() if turn.get("lynceus.outcome.phase") == "Succeeded"]
    assert "operation" == sync["lynceus.queue"]
    applied = [span for span in spans if span.name == "apply" and span.events]
    assert ["ConfigMap"] == sorted({str(e.attributes[0].value.string_value).split("/")[1] for e in applied[0].events})


def test_turns_requests_and_decisions_agree_on_the_trace(
    embedded: World, repo: Repo, tmp_path: Path, collector: Collector
) -> None:
    """What the metrics take as exemplars is a trace that was sent; work on nothing new is no part of a deployment."""
    world = embedded
    commit = repo.push({"app/a.yaml": config_map("a", k="1")})
    world.app("shop", repo)
    with house(world, tmp_path, collector.endpoint) as running_house:
        world.until("shop", "Synced", "Healthy", timeout=30)
        world.wait("the end of it", lambda: running_house.of(DeploymentEnded))
        before = len(running_house.of(TurnFinished))
        world.change(f"/api/v1/namespaces/{world.destination}/configmaps/a", {"data": {"k": "changed by somebody"}})
        world.wait("self-heal", lambda: {"1"} == {o["data"]["k"] for o in world.objects("configmaps").values()})
        world.wait("the end of the heal", lambda: _heals(running_house, before))
        world.refresh("shop", "hard")
        world.wait("a refresh", lambda: any(e.reason == "refresh annotation" for e in running_house.of(TurnFinished)))
        turns = running_house.of(TurnFinished)
        git = running_house.of(GitRequestFinished)
        assert running_house.of(DecisionMade)
    deployment = deployment_trace_id(NamespacedName(world.control, "shop"), commit)
    busy = [turn for turn in turns if not turn.idle]
    assert {(commit, deployment)} == {(turn.deploys, turn.trace_id) for turn in busy if turn.deploys}
    later = [turn for turn in turns[before:] if not turn.idle]
    assert {""} == {turn.deploys for turn in later}
    assert len(later) == len({turn.trace_id for turn in later})
    sent = {span.trace_id.hex() for span in collector.spans()}
    assert {turn.trace_id for turn in busy} | {request.trace_id for request in git} <= sent
    assert deployment in {request.trace_id for request in git if request.request_type == "fetch"}


def _heals(found: House, before: int) -> bool:
    return any(turn.queue == "operation" and turn.outcome.get("phase") for turn in found.of(TurnFinished)[before:])


def test_a_failed_sync_is_an_error_in_its_trace(
    embedded: World, repo: Repo, tmp_path: Path, collector: Collector
) -> None:
    """The turn, and the deployment, have the status Error, with the reason and no credential."""
    world = embedded
    commit = repo.push({"app/a.yaml": config_map("a").replace('"k": "v"', '"k": 1')})
    world.app("shop", repo)
    with house(world, tmp_path, collector.endpoint) as found:
        world.wait("the failure", lambda: any(turn.error for turn in found.of(TurnFinished)), 30)
    trace = deployment_trace_id(NamespacedName(world.control, "shop"), commit)
    failed = [span for span in collector.spans(trace) if span.status.code == span.status.STATUS_CODE_ERROR]
    assert "lynceus.reconcile" in {span.name for span in failed}
    assert "ConfigMap" in "".join(span.status.message for span in failed)


@pytest.fixture
def log_lines() -> Iterator[io.StringIO]:
    """The log as `lynceus run` writes it; the root logger is put back afterwards."""
    root, stream = logging.getLogger(), io.StringIO()
    handlers, level, hook = root.handlers[:], root.level, threading.excepthook
    logs.set_up("debug", "json", stream, trace_id)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.raiseExceptions, threading.excepthook = True, hook


@contextlib.contextmanager
def watched() -> Iterator[set[str]]:
    """Collect the command lines of all processes meanwhile."""
    seen, stop = set[str](), threading.Event()

    def watch() -> None:
        while not stop.wait(0.01):
            for entry in filter(str.isdigit, os.listdir("/proc")):
                with contextlib.suppress(OSError):
                    seen.add(Path("/proc", entry, "cmdline").read_text(errors="replace"))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        stop.set()
        watcher.join()


def test_no_credential_leaves_the_process(
    embedded: World, git_server: GitServer, tmp_path: Path, collector: Collector, log_lines: io.StringIO
) -> None:
    """In a URL, as its user, right or wrong in a Secret: in no span, event, log, Event, status, argv or mirror."""
    world = embedded
    repo = git_server.create("open")
    repo.push({"app/a.yaml": config_map("a")})
    shut, barred = (git_server.create(name, user="robot", password=f"LYN-CANARY-{name}") for name in ("shut", "barred"))
    for private in (shut, barred):
        private.push({"app/b.yaml": config_map("b")})
    world.app("inline", repo.url.replace("http://", "http://user:LYN-CANARY@"), policy={})
    world.app("user", repo.url.replace("http://", "http://LYN-CANARY@"), policy={})
    world.app("shut", shut)
    world.app("barred", barred)
    git_server.fail(delay=0.1)
    with watched() as seen, house(world, tmp_path, collector.endpoint, audit_log=str(tmp_path / "audit")) as found:
        for called, url, password in (("right", shut.url, "LYN-CANARY-shut"), ("wrong", barred.url, "LYN-CANARY-no")):
            more: dict[str, t.Any] = {"url": url, "username": "robot", "password": password}
            found.secret(called, {"argocd.argoproj.io/secret-type": "repository"}, **more)
        world.until("shut", "Synced", timeout=40)
        world.until_condition("barred", "ComparisonError", timeout=40)
        world.wait("all turns", lambda: {"inline", "user"} <= {turn.key.name for turn in found.of(TurnFinished)}, 40)
        events = "".join(str(event) for event in found.events if type(event).__name__ != "ApplicationChanged")
    logs.flush()
    places = {
        "spans": collector.text(),
        "events": events,
        "log": log_lines.getvalue(),
        "audit": (tmp_path / "audit").read_text(),
        "Events": str(world.cluster.get(f"/api/v1/namespaces/{world.control}/events")),
        "status": "".join(str(_said(world.get(name)["status"])) for name in ("inline", "user", "shut", "barred")),
        "argv": "".join(seen),
        "mirrors": "".join(path.read_text(errors="replace") for path in tmp_path.rglob("config") if path.is_file()),
    }
    assert [] == [name for name, text in places.items() if not text]
    assert {"ls-remote", "fetch"} <= {word for text in seen for word in text.split("\0")}
    assert [] == [name for name, text in places.items() if "CANARY" in text]


def _said(status: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return a status without the copies of the spec's source that Argo CD keeps there."""
    copies = {"comparedTo", "source", "sources"}
    return {
        key: _said(value) if isinstance(value, dict) else value for key, value in status.items() if key not in copies
    }


def test_a_black_hole_changes_nothing_but_a_counter(
    embedded: World, repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A collector that accepts and never answers: syncs go on, drops are counted, the end comes."""
    monkeypatch.setattr(tracing, "QUEUE", 30)
    world = embedded
    repo.push({"app/a.yaml": config_map("a", k="0")})
    world.settings(**{"timeout.reconciliation": "1h"})
    world.app("shop", repo)
    with socket.create_server(("127.0.0.1", 0)) as hole:
        endpoint = f"http://127.0.0.1:{hole.getsockname()[1]}"
        with house(world, tmp_path, endpoint) as found:
            world.until("shop", "Synced", timeout=30)
            for number in range(1, 6):
                repo.push({"app/a.yaml": config_map("a", k=str(number))})
                world.refresh("shop")
                world.wait(
                    "the new value",
                    lambda: {str(number)} == {o["data"]["k"] for o in world.objects("configmaps").values()},  # noqa: B023
                )
            assert found.lynceus.tracing.dropped > 0
            began = time.monotonic()
        took = time.monotonic() - began
    dropped = found.lynceus.tracing.dropped
    text = found.lynceus.exporter.exposition("")[0].decode()
    assert f"lynceus_trace_spans_dropped_total {float(dropped)}" in text
    assert took < 15
