"""File locks between test processes, released by the kernel when their holder dies. Used by control_plane and keeper.

Stands on the standard library alone: the keeper is started as a script, outside any package.
"""

import fcntl
import os
from pathlib import Path

SHARED, EXCLUSIVE = fcntl.LOCK_SH, fcntl.LOCK_EX


class Lock:
    """One held `flock`; `release`, closing the process or killing it sets it free."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def release(self) -> None:
        """Free the lock; harmless when done twice."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


def acquire(path: Path, mode: int, *, wait: bool = True) -> Lock | None:
    """Take the lock on `path`, which is made when missing.

    Args:
        path: The lock file. The last holder may remove it; a lock on a removed file is noticed and taken anew.
        mode: SHARED or EXCLUSIVE.
        wait: False: give up at once when somebody else holds it.

    Returns:
        The lock, or None when `wait` is False and it is taken.
    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, mode if wait else mode | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        if _is_current(descriptor, path):
            return Lock(descriptor)
        os.close(descriptor)


def _is_current(descriptor: int, path: Path) -> bool:
    try:
        return os.fstat(descriptor).st_ino == path.stat().st_ino
    except FileNotFoundError:
        return False
