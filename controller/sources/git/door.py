"""The only place that uses GitPython, and of it only `Git().execute` with argument lists that are built here.

GitPython's own wrappers build command lines from keywords and have been a source of command injection again and again,
so nothing of them is used. The environment of every child is written from scratch (`env -i`: GitPython would add ours),
configuration of the system and of the user is shut out, hooks, helpers, submodules and remote helpers are switched off,
each child has its own process group, a deadline, a memory limit and a limit on what it may print.

Callers: `mirror` and `objects`. No credential passes through an argument: `credentials` writes private files.
"""

from __future__ import annotations

import contextlib
import os
import re
import resource
import selectors
import shutil
import signal
import subprocess
import typing as t

import git

from controller.clock import SystemClock
from model.errors import SourceUnavailable

MINIMUM = (3, 2, 1)
"""Earlier GitPython versions have published command injections."""
MEMORY_BYTES = 4 * 1024**3
"""Address space of one git process: packs are mapped, so it is far above what is used."""
STDERR_BYTES = 64 * 1024

FIXED_CONFIG = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.askPass=",
    "credential.helper=",
    "protocol.ext.allow=never",
    "protocol.fd.allow=never",
    "http.followRedirects=false",
    "http.lowSpeedLimit=100",
    "http.lowSpeedTime=30",
    "fetch.fsckObjects=true",
    "fetch.fsck.zeroPaddedFilemode=ignore",
    "fetch.fsck.missingSpaceBeforeDate=ignore",
    "fetch.fsck.badTimezone=ignore",
    "fetch.recurseSubmodules=false",
    "fetch.unpackLimit=1000",
    "gc.auto=0",
    "maintenance.auto=false",
    "remote.pushDefault=",
)
"""Followed redirects could carry credentials to another host; fsck refuses trees with `.git` or `..` entries."""


class GitError(Exception):
    """A git command ended with an error; `stderr` is for `classify` and is never shown."""

    def __init__(self, code: int, stderr: str) -> None:
        super().__init__(f"git exited with {code}")
        self.code, self.stderr = code, stderr


class GitTimeoutError(GitError):
    """A git command passed its deadline or its output limit and was killed with its children."""


def check_version() -> None:
    """Refuse to start with a GitPython that has known injections, or without git.

    Raises:
        SourceUnavailable: saying which version was found.
    """
    found = tuple(int(part) for part in re.findall(r"\d+", git.__version__)[:3])
    if found < MINIMUM:
        wanted = ".".join(map(str, MINIMUM))
        raise SourceUnavailable(f"GitPython {git.__version__} has known vulnerabilities; {wanted} or later is needed")
    if shutil.which("git") is None:
        raise SourceUnavailable("git is not installed: no program of that name on PATH")


def environment(home: str, protocols: t.Iterable[str], extra: t.Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the whole environment of a git child.

    Args:
        home: an empty folder.
        protocols: what git may speak (GIT_ALLOW_PROTOCOL), for example https and ssh.
        extra: names and values on top; never a secret, since an environment can be read by the same user.
    """
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": home,
        "LC_ALL": "C",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_ALLOW_PROTOCOL": ":".join(protocols),
        "GIT_PROTOCOL_FROM_USER": "0",
        "GIT_SSH_COMMAND": "ssh -F /dev/null -oBatchMode=yes",
        **(extra or {}),
    }


def start(arguments: t.Sequence[str], env: t.Mapping[str, str], *, stdin: t.Any = None) -> t.Any:
    """Start git and return GitPython's process wrapper (`.proc` is the Popen); the caller kills it with `kill`."""
    settings = [part for setting in FIXED_CONFIG for part in ("-c", setting)]
    command = ["env", "-i", *(f"{k}={v}" for k, v in env.items()), "git", *settings, *arguments]
    process: t.Any = git.Git(os.sep).execute(
        command, istream=stdin, as_process=True, shell=False, start_new_session=True
    )
    with contextlib.suppress(ProcessLookupError, ValueError, OSError):
        resource.prlimit(process.proc.pid, resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    return process


def kill(process: t.Any) -> None:
    """Kill a child with everything that it started, and collect it."""
    popen: subprocess.Popen[bytes] = process.proc
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(popen.pid, signal.SIGKILL)
    popen.wait()
    for stream in (popen.stdin, popen.stdout, popen.stderr):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()


def run(arguments: t.Sequence[str], env: t.Mapping[str, str], *, timeout: float, limit: int = 64 * 1024**2) -> bytes:
    """Run git to its end and return what it printed.

    Args:
        arguments: after ``git``; values of others stand behind ``--end-of-options``.
        env: from `environment`.
        timeout: seconds until the process group is killed.
        limit: bytes of output at which it is killed.

    Raises:
        GitError: it ended with an error (GitTimeoutError: it was killed).
    """
    process = start(arguments, env)
    try:
        out, err, complete = _drain(process.proc, timeout, limit)
        if not complete:
            raise GitTimeoutError(-1, "deadline or output limit passed")
        code = process.proc.wait(timeout=timeout)
    except subprocess.TimeoutExpired:
        raise GitTimeoutError(-1, "deadline passed") from None
    finally:
        kill(process)
    if code:
        raise GitError(code, err.decode("utf-8", "replace"))
    return out


def _drain(popen: subprocess.Popen[bytes], timeout: float, limit: int) -> tuple[bytes, bytes, bool]:
    """Read both streams until their end; False when the deadline or the limit came first."""
    clock = SystemClock()
    deadline = clock.monotonic() + timeout
    buffers: dict[t.Any, bytearray] = {popen.stdout: bytearray(), popen.stderr: bytearray()}
    limits = {popen.stdout: limit, popen.stderr: STDERR_BYTES}
    with selectors.DefaultSelector() as selector:
        for pipe in buffers:
            selector.register(pipe, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(max(0.0, deadline - clock.monotonic()))
            if not ready:
                return b"", b"", False
            for key, _ in ready:
                stream: t.Any = key.fileobj
                chunk = os.read(key.fd, 1 << 16)
                if not chunk:
                    selector.unregister(stream)
                buffers[stream] += chunk
                if len(buffers[stream]) > limits[stream]:
                    return b"", b"", False
    return bytes(buffers[popen.stdout]), bytes(buffers[popen.stderr]), True
