"""`python -m tests.policy.proofs.fuzz --cases 1000000`: throw mutated texts at every reader of policy.

The same seed gives the same cases. A finding is printed with the bytes that show it, ready for a test; the exit code is
1 when there is any. The slowest case of each target is printed too: no text of a few kilobytes may take long.
"""

# ruff: noqa: E501 - tables of words, one kind to a line

from __future__ import annotations

import argparse
import copy
import dataclasses
import json
import random
import sys
import time
import traceback
import typing as t

from tests.policy.proofs.corpus import WORDS
from tests.policy.proofs.targets import TARGETS

LONGEST = 20_000
"""Bytes of one case."""


@dataclasses.dataclass
class Report:
    """What one target showed."""

    target: str
    cases: int = 0
    findings: dict[str, bytes] = dataclasses.field(default_factory=dict)
    """Where it was raised -> the shortest bytes that show it."""
    slowest: float = 0.0
    """Seconds of processor time."""
    slowest_case: bytes = b""


def mutate(chance: random.Random, corpus: t.Sequence[bytes]) -> bytes:
    """Return a text of the corpus with a few changes: of its bytes, of its words, or of its JSON values."""
    data = chance.choice(corpus)
    if chance.random() < 0.4:
        data = _other_value(chance, data)
    for _ in range(chance.choice((0, 1, 1, 1, 2, 3, 6))):
        data = chance.choice(CHANGES)(chance, data, corpus)
    return data[:LONGEST]


def _flip(chance: random.Random, data: bytes, _: t.Sequence[bytes]) -> bytes:
    if not data:
        return b"\x00"
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << chance.randrange(8))]) + data[at + 1 :]


def _insert(chance: random.Random, data: bytes, _: t.Sequence[bytes]) -> bytes:
    at = chance.randint(0, len(data))
    return data[:at] + chance.choice(WORDS) + data[at:]


def _noise(chance: random.Random, data: bytes, _: t.Sequence[bytes]) -> bytes:
    at = chance.randint(0, len(data))
    return data[:at] + chance.randbytes(chance.randint(1, 6)) + data[at:]


def _replace(chance: random.Random, data: bytes, _: t.Sequence[bytes]) -> bytes:
    low, high = sorted((chance.randint(0, len(data)), chance.randint(0, len(data))))
    return data[:low] + chance.choice(WORDS) + data[min(high, low + 12) :]


def _remove(chance: random.Random, data: bytes, _: t.Sequence[bytes]) -> bytes:
    low, high = sorted((chance.randint(0, len(data)), chance.randint(0, len(data))))
    return data[:low] + data[high:]


def _repeat(chance: random.Random, data: bytes, _: t.Sequence[bytes]) -> bytes:
    low, high = sorted((chance.randint(0, len(data)), chance.randint(0, len(data))))
    return data[:high] + data[low : min(high, low + 40)] * chance.choice((1, 2, 10, 100)) + data[high:]


def _splice(chance: random.Random, data: bytes, corpus: t.Sequence[bytes]) -> bytes:
    other = chance.choice(corpus)
    return data[: chance.randint(0, len(data))] + other[chance.randint(0, len(other)) :]


CHANGES = (_flip, _insert, _insert, _noise, _replace, _replace, _remove, _repeat, _splice)

VALUES: tuple[t.Any, ...] = (
    None, True, 0, -1, 2**63, 1e308, "", " ", "*", "!", "!*", "/", "//", "/(/", "[", "\ud800", "\u0000", "a" * 5000, [], [None], [[]], {}, {"": ""},
    ["*"], ["!*"], ["", ""], {"name": "x"}, "0 0 30 2 *", "* * * * *", "1ns", "2562047h", "Mars/Base", "{" * 40, "*a" * 60,
)  # fmt: skip


def _other_value(chance: random.Random, data: bytes) -> bytes:
    """Put another value somewhere into a JSON document; other texts stay as they are."""
    try:
        document = json.loads(data)
    except ValueError:
        return data
    for _ in range(chance.choice((1, 1, 2, 4))):
        _put(chance, document)
    return json.dumps(document).encode()


def _put(chance: random.Random, document: t.Any) -> None:
    inner = document
    while isinstance(inner, (dict, list)) and inner:
        key = chance.choice(list(inner)) if isinstance(inner, dict) else chance.randrange(len(inner))
        if not isinstance(inner[key], (dict, list)) or not inner[key] or chance.random() < 0.25:
            inner[key] = copy.deepcopy(chance.choice((*VALUES, chance.choice(WORDS).decode("utf-8", "replace"))))
            return
        inner = inner[key]


def run(name: str, cases: int, seed: int) -> Report:
    """Throw so many cases at one target."""
    target, corpus = TARGETS[name]
    chance, report = random.Random(f"{seed} {name}"), Report(name)
    for _ in range(cases):
        data = mutate(chance, corpus)
        start = time.thread_time()
        try:
            target(data)
        except Exception as failure:
            _note(report, failure, data)
        took = time.thread_time() - start
        if took > report.slowest:
            report.slowest, report.slowest_case = took, data
        report.cases += 1
    return report


def _note(report: Report, failure: Exception, data: bytes) -> None:
    last = traceback.extract_tb(failure.__traceback__)[-1]
    key = f"{type(failure).__name__} at {last.filename}:{last.lineno}: {str(failure)[:120]!r}"
    place = key if isinstance(failure, AssertionError) else key.split(": ")[0]
    known = report.findings.get(place)
    if known is None or len(data) < len(known):
        report.findings[place] = data


def main() -> int:
    """Run all targets, or those named; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cases", type=int, default=100_000, help="in all, divided among the targets")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("targets", nargs="*", default=[], help=", ".join(TARGETS))
    options = parser.parse_args()
    names = options.targets or list(TARGETS)
    start, found = time.perf_counter(), 0
    for name in names:
        began = time.perf_counter()
        report = run(name, -(-options.cases // len(names)), options.seed)
        took = time.perf_counter() - began
        print(f"{name}: {report.cases} cases, {took:.1f} s, slowest {report.slowest * 1e3:.1f} ms", flush=True)
        if report.slowest > 0.02:
            print(f"  slow: {report.slowest_case[:400]!r}", flush=True)
        for place, data in report.findings.items():
            print(f"  FOUND {place}: {data!r}", flush=True)
        found += len(report.findings)
    print(f"{options.cases} cases, {time.perf_counter() - start:.0f} s, {found} findings", flush=True)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
