"""Kubernetes Events about Applications: best effort, behind the work, never in its way.

A bounded queue and one thread; what does not fit or repeats itself is dropped, since status and metrics tell the same.
Source of names and words: Argo CD util/argo/audit_logger.go.
"""

from __future__ import annotations

import collections
import hashlib
import logging
import queue
import threading
import typing as t

import msgspec

from controller.clock import Clock
from controller.kube.client import KubeClient
from controller.kube.discovery import ApiResource
from model.application import API_VERSION, Application
from model.durations import format_time
from model.errors import LynceusError
from model.meta import JSON

log = logging.getLogger(__name__)

EVENTS = ApiResource("", "v1", "Event", "events", True)
WAITING = 1000
"""Events kept while the API server is slow."""
PER_SECOND = 5.0
"""Writes a second, so that a restart over thousands of Applications does not crowd out real work."""
REPEAT_SECONDS = 300.0
"""The same words about the same Application are said once in this time."""


class EventRecorder:
    """Writes Events in a thread of its own."""

    def __init__(self, client: KubeClient, clock: Clock, component: str = "lynceus") -> None:
        self._client, self._clock, self._component = client, clock, component
        self._queue: queue.Queue[tuple[str, JSON] | None] = queue.Queue(WAITING)
        self._said: collections.OrderedDict[str, float] = collections.OrderedDict()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="kubernetes-events", daemon=True)
        self.dropped = 0
        """Events that did not fit; the queue was full."""

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self) -> None:
        """Stop without writing what still waits."""
        self._stopping.set()
        with_room = threading.Event()
        while not with_room.is_set():
            try:
                self._queue.put_nowait(None)
                with_room.set()
            except queue.Full:
                self._drain()

    def record(
        self, app: Application, reason: str, message: str, kind: t.Literal["Normal", "Warning"] = "Normal"
    ) -> None:
        """Say something about an Application, unless it was just said."""
        name = hashlib.blake2b(f"{app.metadata.uid}|{reason}|{message}".encode(), digest_size=8).hexdigest()
        now = self._clock.monotonic()
        with self._lock:
            said = self._said.get(name)
            if said is not None and now - said < REPEAT_SECONDS:
                return
            self._said[name] = now
            self._said.move_to_end(name)
            while len(self._said) > 4 * WAITING:
                self._said.popitem(last=False)
        try:
            self._queue.put_nowait((app.metadata.namespace, self._event(app, reason, message, kind, name)))
        except queue.Full:
            self.dropped += 1

    def _event(self, app: Application, reason: str, message: str, kind: str, name: str) -> JSON:
        """Return a core/v1 Event."""
        when = self._clock.now()
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {
                "name": f"{app.metadata.name[:200]}.{int(when.timestamp() * 1e6):x}{name[:6]}",
                "namespace": app.metadata.namespace,
            },
            "involvedObject": {
                "apiVersion": API_VERSION,
                "kind": "Application",
                "namespace": app.metadata.namespace,
                "name": app.metadata.name,
                "uid": app.metadata.uid,
                "resourceVersion": app.metadata.resource_version,
            },
            "source": {"component": self._component},
            "reason": reason,
            "message": message[:1024],
            "type": kind,
            "firstTimestamp": format_time(when),
            "lastTimestamp": format_time(when),
            "count": 1,
        }

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            namespace, event = item
            try:
                body = msgspec.json.encode(event)
                self._client.create(EVENTS, namespace, body, field_manager=self._component)
            except LynceusError as failure:
                log.debug("an Event was not written", extra={"reason": event["reason"], "error": str(failure)})
            if self._stopping.wait(1.0 / PER_SECOND):
                return

    def _drain(self) -> None:
        try:
            self._queue.get_nowait()
        except queue.Empty:
            return
