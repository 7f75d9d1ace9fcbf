"""What a process and its children cost, read from /proc (Linux)."""

from __future__ import annotations

import os
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def tree(pid: int) -> list[int]:
    """Return the process and all its living descendants."""
    found = [pid]
    for process in found:
        for task in _tasks(process):
            found.extend(int(child) for child in task.split())
    return found


def _tasks(pid: int) -> list[str]:
    try:
        return [(folder / "children").read_text() for folder in Path(f"/proc/{pid}/task").iterdir()]
    except OSError:
        return []


def cpu_seconds(pid: int) -> float:
    """Return user and system seconds of the process, its living and its waited-for descendants."""
    total = 0
    for process in tree(pid):
        try:
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(int(field) for field in fields[11:15])
    return total / TICKS


def memory_mib(pid: int) -> float:
    """Return the resident memory of the process and its descendants, shared pages divided (PSS), in MiB."""
    total = 0
    for process in tree(pid):
        try:
            for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
        except OSError:
            continue
    return total / 1024
