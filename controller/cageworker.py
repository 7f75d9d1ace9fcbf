"""Inside the cage: locks itself in, then runs the functions that the other end of the pipe names, one after another.

Started by `controller.cage` as ``python -I -c … ROOT MEMORY_BYTES PARENT_PID`` with an empty environment. It imports
nothing heavy by itself: each function's module is imported when it is first called, and stays for the next call.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import resource
import signal
import sys
import typing as t

import msgspec

_PR_SET_PDEATHSIG = 1
_PREFIX = "controller."
MESSAGE_LIMIT = 2000


class WorkerError(Exception):
    """Raised by a function in the cage to say in one clear line why it has no result."""


def main() -> None:
    """Serve requests until the pipe closes."""
    lock_in(int(sys.argv[2]), int(sys.argv[3]))
    source, sink = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    # Libraries that print would corrupt the frames, and children must not hold the pipes.
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    while header := source.read(8):
        reply = msgspec.msgpack.encode(answer(source.read(int.from_bytes(header, "big"))))
        sink.write(len(reply).to_bytes(8, "big") + reply)
        sink.flush()


def lock_in(memory_bytes: int, parent: int) -> None:
    """Set the limits of this process and tie its life to its parent's."""
    die_with_parent()
    if os.getppid() != parent:
        sys.exit(1)
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.umask(0o077)


def die_with_parent() -> None:
    """Ask the kernel to kill this process when its parent ends; also used between fork and exec of a tool."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def answer(request: bytes) -> tuple[bool, t.Any]:
    """Run one request; an exception becomes one line without a traceback."""
    try:
        name, argument = msgspec.msgpack.decode(request)
        return True, msgspec.to_builtins(_function(name)(argument), builtin_types=(bytes,))
    except WorkerError as failure:
        return False, str(failure)[:MESSAGE_LIMIT]
    except MemoryError:
        os._exit(134)  # as Go does: what is left of the heap is not to be trusted
    except Exception as failure:  # noqa: BLE001 - the boundary: the other side turns it into a condition
        text = str(failure) if isinstance(failure, ValueError) else ""
        return False, (text or f"failed with {type(failure).__name__}")[:MESSAGE_LIMIT]


def _function(name: str) -> t.Callable[[t.Any], t.Any]:
    module, _, function = name.partition(":")
    if not module.startswith(_PREFIX):
        raise WorkerError("only functions of the controller run in the cage")
    found: t.Callable[[t.Any], t.Any] = getattr(importlib.import_module(module), function)
    return found
