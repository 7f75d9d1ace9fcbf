"""Whoever reads the log stops reading: Lynceus goes on, says what was lost, and ends when it is told to."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.cage import Cage
from tests.scenarios.conftest import make_world
from tests.scenarios.world import World, config_map
from tests.stage.cluster import Cluster
from tests.stage.git import Repo

ROOT = Path(__file__).parents[2]
SMALL_QUEUE = "from lynceus import sink; sink.MOST_LINES = 10; from lynceus.__main__ import main; main()"
"""The program itself, with a queue that fills while a test waits."""


@pytest.fixture
def embedded(sandbox_cluster: Cluster, cage: Cage, tmp_path: Path) -> Iterator[World]:
    """A world on the embedded cluster."""
    yield from make_world(sandbox_cluster, cage, tmp_path)


@contextlib.contextmanager
def piped(world: World, folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run the program with stdout and stderr into one small pipe; yields it and the pipe's reading end."""
    command = [sys.executable, "-c", SMALL_QUEUE, "run", "--kubeconfig", str(world.kubeconfig), "-n", world.control]
    command += ["--allow-scheme", "http", "--api-port", "0", "--metrics-port", "0", "--log-level", "debug", *arguments]
    command += ["--cache-dir", str(folder / "mirrors")]
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    process = subprocess.Popen(command, stdout=writer, stderr=writer, cwd=ROOT, start_new_session=True)
    os.close(writer)
    try:
        yield process, reader
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        os.close(reader)


def read_until(reader: int, word: bytes, patience: float = 30.0) -> bytes:
    """Read the pipe until a word comes."""
    read, deadline = b"", time.monotonic() + patience
    while word not in read and time.monotonic() < deadline:
        read += os.read(reader, 4096)
    assert word in read
    return read


def dropped(url: str) -> float:
    """Return the process's own count of lost log lines."""
    with urllib.request.urlopen(url, timeout=10) as reply:
        text = reply.read().decode()
    (value,) = re.findall(r'^lynceus_log_records_dropped_total\{stream="log"\} ([0-9.]+)$', text, re.MULTILINE)
    return float(value)


def test_turns_go_on_while_nobody_reads_the_log(embedded: World, repo: Repo, tmp_path: Path) -> None:
    """The pipe is full and stays full: commits are synced, scrapes answered, lines counted; later the gap is named."""
    world = embedded
    world.settings(**{"timeout.reconciliation": "1s", "timeout.reconciliation.jitter": "0s"})
    repo.push({"app/a.yaml": config_map("a", k="0")})
    world.app("shop", repo)
    with piped(world, tmp_path) as (process, reader):
        head = read_until(reader, b"lynceus runs")
        metrics = re.search(rb"metrics=(http://\S+)", head)
        assert metrics
        for number in range(1, 4):
            repo.push({"app/a.yaml": config_map("a", k=str(number))})
            world.wait(
                "the new value",
                lambda: {str(number)} == {o["data"]["k"] for o in world.objects("configmaps").values()},  # noqa: B023
                30,
            )

        def lost() -> bool:
            world.refresh("shop")
            return dropped(metrics[1].decode()) > 0

        world.wait("lost lines", lost, 40)
        assert process.poll() is None
        rest = read_until(reader, b"log lines were dropped here")
        said = re.search(rb"log lines were dropped here, since nobody read them number=(\d+)", rest)
        assert said
        assert int(said[1]) > 0
        process.send_signal(signal.SIGTERM)
        drain = threading.Thread(target=_drain, args=(reader,), daemon=True)
        drain.start()
        assert 0 == process.wait(20)


def test_it_ends_in_time_though_nobody_reads_the_log(embedded: World, repo: Repo, tmp_path: Path) -> None:
    """SIGTERM with a full pipe: the end waits a little for the reader, not for ever."""
    world = embedded
    world.settings(**{"timeout.reconciliation": "1s", "timeout.reconciliation.jitter": "0s"})
    repo.push({"app/a.yaml": config_map("a")})
    world.app("shop", repo)
    with piped(world, tmp_path, "--audit-log", "-") as (process, reader):
        read_until(reader, b"lynceus runs")
        world.until("shop", "Synced", timeout=30)
        process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        assert 0 == process.wait(30)
        assert time.monotonic() - began < 15


def _drain(reader: int) -> None:
    with contextlib.suppress(OSError):
        while os.read(reader, 4096):
            pass
