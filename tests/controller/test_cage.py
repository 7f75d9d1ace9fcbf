"""The cage holds what runs in it: time, memory, crashes, credentials, life and death."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.cage import Cage, CageError
from controller.clock import SystemClock


@pytest.fixture
def cage() -> Iterator[Cage]:
    """One worker with a short temper."""
    made = Cage(workers=1, timeout_seconds=10)
    yield made
    made.close()


def run(cage: Cage, text: str, *, timeout: float | None = None) -> object:
    """Have the worker read a YAML text."""
    return cage.call("controller.sources.yamls:to_json", {"data": text.encode(), "name": "x"}, timeout=timeout)


def test_a_call_returns_what_the_function_made(cage: Cage) -> None:
    """Bytes and JSON values travel both ways."""
    assert {"documents": [[1, b'{"a":1}']]} == run(cage, "a: 1")


def test_a_failure_is_one_line_and_the_worker_stays(cage: Cage) -> None:
    """The function's own error is relayed, and the same process answers the next call."""
    run(cage, "a: 1")
    before = worker_pid(cage)
    with pytest.raises(CageError) as caught:
        cage.call("controller.sources.yamls:to_json", {"name": "x"})
    assert ("failed", "failed with KeyError") == (caught.value.kind, caught.value.message)
    assert before == worker_pid(cage)


def worker_pid(cage: Cage) -> int:
    """Return the process of the only live worker."""
    (worker,) = cage._live
    return worker._process.pid


def test_a_runaway_render_is_killed_and_the_next_one_served(cage: Cage, tmp_path: Path) -> None:
    """An endless template costs its worker; the next chart renders in a new one."""
    endless = chart(tmp_path / "endless", "{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}")
    with pytest.raises(CageError) as caught:
        cage.call("controller.sources.helm_worker:render", endless, timeout=1.0)
    assert "timeout" == caught.value.kind
    assert "took longer than 1 s and was stopped" == caught.value.message
    fine = chart(tmp_path / "fine", "a: 1")
    assert b'{"a":1}' == cage.call("controller.sources.helm_worker:render", fine)[0][2]


def test_a_render_that_eats_memory_ends_as_crashed(tmp_path: Path) -> None:
    """The address-space limit ends the worker, not this process; the next call is served."""
    cage = Cage(workers=1, memory_bytes=1536 * 1024**2, timeout_seconds=30)
    try:
        greedy = chart(tmp_path / "greedy", '{{ repeat 2000000000 "xxxxxxxx" }}')
        with pytest.raises(CageError) as caught:
            cage.call("controller.sources.helm_worker:render", greedy)
        assert "crashed" == caught.value.kind
        assert {"documents": [[1, b"1"]]} == run(cage, "1")
    finally:
        cage.close()


def chart(folder: Path, template: str) -> dict[str, object]:
    """Write a chart and return the worker's argument."""
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: c\nversion: 0.1.0\n")
    (folder / "templates/a.yaml").write_text(template)
    options = {"name": "c", "namespace": "n"}
    return {"chart": str(folder), "values": "{}", "options": options, "crds": True, "tests": True, "schema": True}


def test_the_environment_is_empty(cage: Cage, monkeypatch: pytest.MonkeyPatch) -> None:
    """No credential of this process can be read in the worker."""
    monkeypatch.setenv("LYN_CANARY", "secret")
    run(cage, "1")
    assert b"" == Path(f"/proc/{worker_pid(cage)}/environ").read_bytes().replace(b"LC_CTYPE=C.UTF-8\0", b"")


def test_a_worker_is_spawned_in_its_own_group(cage: Cage) -> None:
    """It is a fresh Python, not a fork, and can be killed with all that it starts."""
    run(cage, "1")
    assert worker_pid(cage) == os.getpgid(worker_pid(cage))
    assert b"-I\0-c\0" in Path(f"/proc/{worker_pid(cage)}/cmdline").read_bytes()


def test_only_functions_of_the_controller_are_called(cage: Cage) -> None:
    """The pipe cannot be used to call anything else."""
    with pytest.raises(CageError, match="only functions of the controller"):
        cage.call("os:getcwd", {})


def test_calls_beyond_the_workers_wait_their_turn(cage: Cage) -> None:
    """Ten threads share one worker; all get their own answer."""
    answers: dict[int, object] = {}
    threads = [threading.Thread(target=lambda n=n: answers.update({n: run(cage, str(n))})) for n in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {n: {"documents": [[1, str(n).encode()]]} for n in range(10)} == answers
    assert 1 == len(cage._live)


def test_a_closed_cage_refuses_and_leaves_no_process(cage: Cage) -> None:
    """After close the worker is gone and a call fails at once."""
    run(cage, "1")
    pid = worker_pid(cage)
    cage.close()
    assert not Path(f"/proc/{pid}").exists()
    with pytest.raises(CageError, match="shutting down"):
        run(cage, "1")


def test_a_worker_killed_from_outside_is_a_crash(cage: Cage) -> None:
    """EOF is read as a crash, whatever caused it."""
    run(cage, "1")
    os.kill(worker_pid(cage), 9)
    with pytest.raises(CageError) as caught:
        run(cage, "1")
    assert "crashed" == caught.value.kind
    assert {"documents": [[1, b"2"]]} == run(cage, "2")


def test_workers_die_with_their_parent() -> None:
    """A killed Lynceus leaves no worker behind, even one that is busy."""
    code = (
        "from controller.cage import Cage\n"
        "c = Cage(workers=1)\n"
        "c.call('controller.sources.yamls:to_json', {'data': b'1', 'name': 'x'})\n"
        "print(next(iter(c._live))._process.pid, flush=True)\n"
        "import time; time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2])
    assert parent.stdout is not None
    worker = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = SystemClock().monotonic() + 5
    while is_running(worker) and SystemClock().monotonic() < deadline:
        time.sleep(0.01)
    assert not is_running(worker)


def is_running(pid: int) -> bool:
    """Say whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
