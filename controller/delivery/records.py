"""The memory as bytes: states in shards, each gzipped JSON, and back. Pure; `memory` writes them into ConfigMaps."""

from __future__ import annotations

import gzip
import typing as t
import zlib

import msgspec

from controller.delivery.state import State

FORMAT = 1
"""Raised when a state can no longer be read as it was written; another format is not read."""
SHARD_BYTES = 700_000
"""Largest shard; a ConfigMap holds 1 MiB."""
MOST_SHARDS = 64
STATE_BYTES = 256 * 1024
"""Largest state, not packed. A sane one has a few kilobytes; who may write an Application can make it far larger."""
LARGEST = 64 * 1024 * 1024
"""Bytes of a shard unpacked; a longer one is damaged, or was made to do harm."""


class Shard(msgspec.Struct, frozen=True, kw_only=True):
    """One part of the memory."""

    format: int
    shards: int
    """How many there are."""
    written: float
    """Unix seconds; of two shards with the same Application, left by a crash, the newer one is right."""
    states: dict[str, State]


class DamagedError(Exception):
    """Bytes that are no shard; the text says why."""


def shard_of(name: str, shards: int) -> int:
    """Return the number of the shard to which an Application belongs."""
    return zlib.crc32(name.encode()) % shards


def split(states: t.Mapping[str, State], shards: int) -> list[dict[str, State]]:
    """Return the states of each shard, in the order of their names."""
    parts: list[dict[str, State]] = [{} for _ in range(shards)]
    for name in sorted(states):
        parts[shard_of(name, shards)][name] = states[name]
    return parts


def too_large(states: t.Mapping[str, State]) -> set[str]:
    """Return the names of the states that are not stored, for they would take the place of all others."""
    return {name for name, state in states.items() if len(msgspec.json.encode(state)) > STATE_BYTES}


def encode(states: dict[str, State], shards: int, written: float) -> bytes:
    """Return one shard as it is stored."""
    shard = Shard(format=FORMAT, shards=shards, written=written, states=states)
    return gzip.compress(msgspec.json.encode(shard), mtime=0)


def decode(data: bytes) -> Shard:
    """Read a shard; raises DamagedError."""
    try:
        unpacker = zlib.decompressobj(wbits=31)
        text = unpacker.decompress(data, LARGEST)
        if unpacker.unconsumed_tail or not unpacker.eof:
            raise DamagedError("it is cut, or too large")
        shard = msgspec.json.decode(text, type=Shard)
    except (zlib.error, msgspec.MsgspecError, UnicodeDecodeError) as failure:
        raise DamagedError(f"{type(failure).__name__}: {str(failure)[:200]}") from None
    if shard.format != FORMAT:
        raise DamagedError(f"format {shard.format}, expected {FORMAT}")
    return shard


def merged(shards: t.Iterable[Shard]) -> dict[str, State]:
    """Return the states of all shards; the newer shard wins."""
    found: dict[str, State] = {}
    for shard in sorted(shards, key=lambda s: s.written):
        found.update(shard.states)
    return found
