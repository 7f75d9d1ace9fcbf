"""The memory over restarts: ConfigMaps `lynceus-state-0` to `-N` in the control namespace.

Each write names the resourceVersion that it replaces. Of two processes the one that was started later goes on writing;
the other one finds the later one's mark and stops. A ConfigMap that is damaged is replaced, one of that name that is
not ours is left alone. Called by `keeper`.
"""

from __future__ import annotations

import base64
import binascii
import logging
import typing as t
import uuid

import msgspec

from controller.clock import Clock
from controller.delivery import records
from controller.delivery.state import State
from controller.kube.client import KubeClient
from controller.kube.discovery import ApiResource
from controller.writer import FIELD_MANAGER
from model.errors import AlreadyExists, Conflict, NotFound, PermanentError

log = logging.getLogger(__name__)

CONFIG_MAPS = ApiResource("", "v1", "ConfigMap", "configmaps", True)
PREFIX = "lynceus-state-"
LABEL = "lynceus.io/state"
LABEL_VALUE = "delivery"
STARTED = "lynceus.io/started"
"""Annotation: when the process that wrote it was started, in Unix seconds, and a word that only that process has."""
KEY = "states.json.gz"


class _Meta(msgspec.Struct, rename="camel"):
    name: str = ""
    resource_version: str = ""
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None


class _ConfigMap(msgspec.Struct, rename="camel"):
    metadata: _Meta
    binary_data: dict[str, str] | None = None


class _List(msgspec.Struct):
    items: list[_ConfigMap]


class ConfigMaps:
    """Reads and writes the shards; used by one thread."""

    def __init__(self, client: KubeClient, namespace: str, clock: Clock) -> None:
        """Prepare; nothing is requested yet.

        Args:
            client: of the cluster that holds the Applications.
            namespace: the control namespace.
            clock: says when this process was started.
        """
        self._client, self._namespace, self._clock = client, namespace, clock
        self._mark = f"{clock.now().timestamp():017.6f} {uuid.uuid4().hex}"
        self._versions: dict[str, str] = {}
        self._written: dict[str, dict[str, State]] = {}
        self._shards = 1
        self._left_out: set[str] = set()

    def load(self) -> dict[str, State]:
        """Return what is remembered; what cannot be read is told in one line and left out.

        Raises:
            LynceusError: the ConfigMaps cannot be listed.
        """
        path = CONFIG_MAPS.path(self._namespace)
        answer = self._client.request("GET", path, query={"labelSelector": f"{LABEL}={LABEL_VALUE}"})
        found: list[records.Shard] = []
        for item in msgspec.json.decode(answer, type=_List).items:
            if not item.metadata.name.startswith(PREFIX):
                continue
            self._versions[item.metadata.name] = item.metadata.resource_version
            try:
                found.append(records.decode(_content(item)))
            except records.DamagedError as failure:
                log.warning(
                    "a ConfigMap of the memory cannot be read and is passed over",
                    extra={"configmap": item.metadata.name, "error": str(failure)},
                )
        newest = max(found, key=lambda shard: shard.written, default=None)
        self._shards = min(max(1, newest.shards), records.MOST_SHARDS) if newest else 1
        return records.merged(found)

    def save(self, states: dict[str, State]) -> None:
        """Write the shards that changed, and remove those that are too many.

        Raises:
            PermanentError: it may not be written, or belongs to somebody else; there is no sense in trying again.
            LynceusError: it could not be written now.
        """
        parts, changed = self._divided(self._bounded(states), self._clock.now().timestamp())
        for name in sorted(changed, key=_number, reverse=True):
            self._write(name, changed[name])
            self._written[name] = parts[name]
        for name in [name for name in self._versions if name not in parts]:
            self._remove(name)

    def _bounded(self, states: dict[str, State]) -> dict[str, State]:
        """Leave out states that are too large, and tell each of them once."""
        large = records.too_large(states)
        for name in sorted(large - self._left_out):
            log.warning(
                "the memory of an Application is too large and is not kept",
                extra={"application": name, "most_bytes": records.STATE_BYTES},
            )
        self._left_out = large
        return {name: state for name, state in states.items() if name not in large} if large else states

    def _divided(self, states: dict[str, State], now: float) -> tuple[dict[str, dict[str, State]], dict[str, bytes]]:
        """Return the shards by name, and of those that changed the bytes.

        Twice as many shards are made each time that one grows too large. They are written from the last to the first,
        so that the first, which held it all, is cut only when the others are there.
        """
        while True:
            parts = {f"{PREFIX}{n}": part for n, part in enumerate(records.split(states, self._shards))}
            changed = {
                name: records.encode(part, len(parts), now)
                for name, part in parts.items()
                if self._written.get(name) != part or name not in self._versions
            }
            if all(len(data) <= records.SHARD_BYTES for data in changed.values()):
                return parts, changed
            if self._shards * 2 > records.MOST_SHARDS:
                raise PermanentError(f"the memory of {len(states)} Applications needs too many ConfigMaps")
            self._shards *= 2
            self._written.clear()

    def _write(self, name: str, data: bytes) -> None:
        """Write one shard over the version that is known; look again when there is another one."""
        for _ in range(3):
            try:
                self._put(name, data)
                return
            except (Conflict, AlreadyExists):
                self._look(name)
            except NotFound:
                if name not in self._versions:
                    raise
                del self._versions[name]
        raise Conflict(f"ConfigMap {self._namespace}/{name}: others write it all the time")

    def _put(self, name: str, data: bytes) -> None:
        version = self._versions.get(name)
        metadata: dict[str, t.Any] = {
            "name": name,
            "namespace": self._namespace,
            "labels": {LABEL: LABEL_VALUE},
            "annotations": {STARTED: self._mark},
            **({"resourceVersion": version} if version else {}),
        }
        body = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": metadata,
            "binaryData": {KEY: base64.b64encode(data).decode()},
        }
        wire = msgspec.json.encode(body)
        if version:
            answer = self._client.replace(CONFIG_MAPS, self._namespace, name, wire, field_manager=FIELD_MANAGER)
        else:
            answer = self._client.create(CONFIG_MAPS, self._namespace, wire, field_manager=FIELD_MANAGER)
        self._versions[name] = msgspec.json.decode(answer, type=_ConfigMap).metadata.resource_version

    def _look(self, name: str) -> None:
        """Take the version that is there, unless it is not ours, or of a process that was started later."""
        try:
            found = msgspec.json.decode(self._client.get(CONFIG_MAPS, self._namespace, name), type=_ConfigMap)
        except NotFound:
            self._versions.pop(name, None)
            return
        where = f"ConfigMap {self._namespace}/{name}"
        if (found.metadata.labels or {}).get(LABEL) != LABEL_VALUE:
            raise PermanentError(f"{where}: it is not of Lynceus (no label {LABEL}={LABEL_VALUE}) and is left alone")
        if (found.metadata.annotations or {}).get(STARTED, "") > self._mark:
            raise PermanentError(f"{where}: a process that was started later keeps it now")
        self._versions[name] = found.metadata.resource_version

    def _remove(self, name: str) -> None:
        """Delete a shard that is not needed any more, in the version that is known."""
        try:
            self._client.delete(
                CONFIG_MAPS, self._namespace, name, resource_version=self._versions[name], propagation="Background"
            )
        except NotFound:
            pass
        except Conflict:
            self._look(name)
            return
        self._versions.pop(name, None)
        self._written.pop(name, None)


def _content(item: _ConfigMap) -> bytes:
    text = (item.binary_data or {}).get(KEY)
    if text is None:
        raise records.DamagedError(f"it has no binaryData.{KEY}")
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as failure:
        raise records.DamagedError(str(failure)) from None


def _number(name: str) -> int:
    text = name.removeprefix(PREFIX)
    return int(text) if text.isdigit() else 0
