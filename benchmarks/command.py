"""How long a person waits for `lynceus rbac can` and its like, in processes of their own; beside an empty Python."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
import typing as t
from pathlib import Path

from benchmarks.rbac import policy_text

RUNS = 7

COMMANDS = {
    "lynceus --version": ["--version"],
    "lynceus rbac can, built-in policy": ["rbac", "can", "role:admin", "sync", "applications", "shop/web"],
    "lynceus rbac can, 10,000 lines": ["rbac", "can", "group1", "sync", "applications", "proj-20/web", "--policy-file"],
    "lynceus rbac can, denied, 10,000 lines": ["rbac", "can", "nobody", "sync", "applications", "a/b", "--policy-file"],
}


def run() -> t.Iterable[dict[str, t.Any]]:
    """Measure each command; the median of some runs."""
    empty = _median([sys.executable, "-c", "pass"])
    with tempfile.TemporaryDirectory() as folder:
        policy = Path(folder, "policy.csv")
        policy.write_text(policy_text(10_000))
        for name, words in COMMANDS.items():
            more = [str(policy)] if words[-1] == "--policy-file" else []
            took = _median([sys.executable, "-m", "lynceus", *words, *more])
            yield {
                "name": name,
                "figure": round(took, 3),
                "unit": "seconds",
                "ratio": round(empty / took, 3),
                "yardstick": "python -c pass",
            }


def _median(command: list[str]) -> float:
    return statistics.median(_seconds(command) for _ in range(RUNS))


def _seconds(command: list[str]) -> float:
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, check=False)
    took = time.perf_counter() - start
    if done.returncode not in (0, 1):
        raise RuntimeError(done.stderr.decode(errors="replace"))
    return took
