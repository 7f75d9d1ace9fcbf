"""Runs in the cage: one folder to documents, by a kustomize or kubectl process with an empty environment."""

from __future__ import annotations

import subprocess
import tempfile
import typing as t

import msgspec

from controller.cageworker import WorkerError, die_with_parent
from controller.sources import yamls

MAX_OUTPUT_BYTES = 64 * 1024 * 1024
MAX_MESSAGE = 600
_NO_NETWORK = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:1")
"""Second line of defence: remote bases are refused before; should one slip through, there is no way out."""


def build(argument: dict[str, t.Any]) -> list[tuple[str, int, bytes]]:
    """Build a kustomization: [(name, line, JSON)].

    Args:
        argument: command (program and arguments), folder (the private copy; also its home) and name (for errors).

    Raises:
        WorkerError: the tool's last message on one line.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        done = subprocess.run(
            argument["command"],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env={"HOME": argument["folder"], "TMPDIR": argument["folder"], "PATH": "", **_NO_NETWORK},
            cwd=argument["folder"],
            check=False,
            preexec_fn=die_with_parent,
        )
        if done.returncode:
            err.seek(0)
            raise WorkerError(_message(err.read(65536), done.returncode))
        if out.tell() > MAX_OUTPUT_BYTES:
            raise WorkerError(f"it makes more than {MAX_OUTPUT_BYTES} bytes")
        out.seek(0)
        documents = yamls.parse(out.read(), argument["name"], max_bytes=MAX_OUTPUT_BYTES)
    return [(argument["name"], d.line, msgspec.json.encode(d.value)) for d in documents]


def _message(text: bytes, code: int) -> str:
    """Return the tool's error on one line, without its warnings and its usage text."""
    lines = [line.strip() for line in text.decode("utf-8", "replace").split("\n")]
    kept = [line for line in lines if line and not line.startswith(("#", "Usage:", "warning:", "Warning:"))]
    message = " ".join(kept).removeprefix("Error: ").removeprefix("error: ")
    return message[:MAX_MESSAGE] or f"the tool ended with exit code {code}"
