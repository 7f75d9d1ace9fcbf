"""Finds the control plane's binaries and shares one control plane among all processes of a test run.

The processes belong to tests.stage.keeper; this side only takes part. Called by tests.stage.fixtures.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

from tests.stage import locks

PARTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok")
CACHE = Path("~/.cache/lynceus/envtest")
LOGS_KEPT_SECONDS = 86_400
"""Logs of a failed run are removed by a later run, a day on."""


class PartMissing(Exception):
    """A part that a test needs is not on this machine; the text is the skip line."""


class Attachment:
    """A share in a running control plane; it ends when the last share is released or its process dies."""

    def __init__(self, directory: Path, lock: locks.Lock) -> None:
        self.directory = directory
        self._lock = lock

    def keep_logs(self) -> None:
        """Have the logs kept beside the folder when the control plane ends."""
        with contextlib.suppress(FileNotFoundError):
            (self.directory / "keep-logs").touch()

    def release(self) -> None:
        """Give the share back."""
        self._lock.release()


def find_assets() -> Path:
    """The folder with the binaries: KUBEBUILDER_ASSETS, else the cache that `make envtest` fills.

    Raises:
        PartMissing: There is no such folder, or a binary is not in it.
    """
    named = os.environ.get("KUBEBUILDER_ASSETS")
    folder = Path(named) if named else CACHE.expanduser()
    missing = [part for part in PARTS if not os.access(folder / part, os.X_OK)]
    if missing:
        where = "KUBEBUILDER_ASSETS" if named else str(CACHE)
        raise PartMissing(f"no real control plane: {where} lacks {', '.join(missing)} (make envtest builds them)")
    return folder.resolve()


def attach() -> Attachment:
    """Join this run's control plane; the first to come starts it.

    A run is one pytest invocation with all its xdist workers. With LYNCEUS_STAGE=NAME in the environment, runs of that
    name share one; `python -m tests.stage.hold NAME` keeps it up between them.

    Raises:
        PartMissing: The binaries are not here.
        RuntimeError: The control plane did not start; the text says where its logs are.
    """
    assets = find_assets()
    root = Path(tempfile.gettempdir()) / f"lynceus-stage-{os.getuid()}"
    root.mkdir(mode=0o700, exist_ok=True)
    remove_leftovers(root)
    directory = root / _run_name()
    gate = locks.acquire(root / f"{directory.name}.gate", locks.EXCLUSIVE)
    assert gate is not None
    try:
        return _join(directory, assets)
    finally:
        gate.release()


def _run_name() -> str:
    return os.environ.get("LYNCEUS_STAGE") or os.environ.get("PYTEST_XDIST_TESTRUNUID") or uuid.uuid4().hex


def _join(directory: Path, assets: Path) -> Attachment:
    lock = locks.acquire(directory.with_name(directory.name + ".lock"), locks.SHARED)
    assert lock is not None
    if not (directory / "started").exists():
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
        try:
            _start_keeper(directory, assets)
        except BaseException:
            lock.release()
            raise
    return Attachment(directory, lock)


def _start_keeper(directory: Path, assets: Path) -> None:
    keeper = Path(__file__).with_name("keeper.py")
    with (directory / "keeper.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, str(keeper), str(directory), str(assets)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,  # Ctrl-C in the terminal is for pytest; the keeper ends after it
        )
    assert process.stdout is not None
    with process.stdout as reports:
        answer = reports.readline().decode().strip()
    if answer != "ready":
        process.wait()
        raise RuntimeError(answer or "the keeper of the control plane died at once")
    process.returncode = 0  # it outlives this object on purpose; without this, Popen warns when it is collected


def remove_leftovers(root: Path) -> None:
    """Remove folders whose keeper was killed, and logs kept longer than a day."""
    for folder in root.iterdir():
        if folder.is_dir() and folder.name.endswith("-logs"):
            if time.time() - folder.stat().st_mtime > LOGS_KEPT_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)
        elif folder.is_dir():
            _remove_if_unused(folder)
        elif folder.suffix == ".gate" and not folder.with_suffix("").exists():
            _remove_unused_file(folder)


def _remove_if_unused(folder: Path) -> None:
    path = folder.with_name(folder.name + ".lock")
    lock = locks.acquire(path, locks.EXCLUSIVE, wait=False)
    if lock is not None:
        shutil.rmtree(folder, ignore_errors=True)
        path.unlink(missing_ok=True)
        lock.release()


def _remove_unused_file(path: Path) -> None:
    lock = locks.acquire(path, locks.EXCLUSIVE, wait=False)
    if lock is not None:
        path.unlink(missing_ok=True)
        lock.release()
