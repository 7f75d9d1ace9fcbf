"""ApplicationSets of the control namespace, read to be told of and never written: Argo CD's controller owns them.

Where their CustomResourceDefinition is not installed nothing is asked for but that definition itself, so that they are
found when it is installed later. Called by controller.manager.
"""

from __future__ import annotations

import logging
import threading
import typing as t

import msgspec

from controller.clock import Clock
from controller.kube.client import KubeClient
from controller.kube.discovery import ApiResource
from controller.kube.informer import REFUSED_BACKOFF, Hearers, Informer
from controller.kube.store import Change, ObjectStore, StoredObject
from controller.writer import APPLICATION_SETS
from model.events import ApplicationSetChanged, Event
from model.meta import NamespacedName

log = logging.getLogger(__name__)

DEFINITIONS = ApiResource("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", False)
DEFINITION = f"{APPLICATION_SETS.plural}.{APPLICATION_SETS.group}"
SOON = 2.0
"""Seconds between tries while the definition is there and its kind is not served yet."""
UP_TO_DATE, UNKNOWN = "ResourcesUpToDate", "Unknown"


class _Condition(msgspec.Struct, frozen=True):
    type: str = ""
    status: str = ""
    reason: str = ""


class _Status(msgspec.Struct, frozen=True):
    conditions: list[_Condition] | None = None
    resources: list[msgspec.Raw] | None = None


class _WithStatus(msgspec.Struct, frozen=True):
    status: _Status | None = None


_statuses = msgspec.json.Decoder(_WithStatus)


class ApplicationSets:
    """Watches the ApplicationSets as long as there is such a kind."""

    def __init__(self, client: KubeClient, namespace: str, *, clock: Clock, publish: t.Callable[[Event], None]) -> None:
        """Prepare; nothing is requested yet.

        Args:
            client: of the cluster that holds them.
            namespace: the control namespace.
            clock: the time.
            publish: takes ApplicationSetChanged; must not block and not raise.
        """
        self._client, self._namespace, self._clock, self._publish = client, namespace, clock, publish
        self._lock = threading.Lock()
        self._stopped = False
        self._sets: Informer | None = None
        self._store, self._definition_store = ObjectStore(), ObjectStore()
        self._store.subscribe(self._changed)
        self._definition_store.subscribe(self._defined)
        self._definition = Informer(
            client,
            DEFINITIONS,
            self._definition_store,
            clock=clock,
            field_selector=f"metadata.name={DEFINITION}",
            quiet=True,
            hearers=Hearers(contact=self._definition_contact),
        )

    def start(self) -> None:
        """Begin in the background."""
        self._definition.start()

    def stop(self) -> None:
        """End the watches."""
        with self._lock:
            self._stopped, running, self._sets = True, self._sets, None
        self._definition.request_stop()
        if running is not None:
            running.request_stop()

    def _defined(self, change: Change) -> None:
        """Hear of the definition: watch the kind while it is there and served."""
        if change.new is None:
            self._forget()
        elif _established(change.new):
            self._begin(SOON)

    def _definition_contact(self) -> None:
        """Ask for the kind itself, now and then, where definitions may not be read."""
        if self._definition.refused:
            self._begin(REFUSED_BACKOFF)

    def _begin(self, missing_backoff: float) -> None:
        with self._lock:
            if self._sets is not None or self._stopped:
                return
            self._sets = informer = Informer(
                self._client,
                APPLICATION_SETS,
                self._store,
                clock=self._clock,
                namespace=self._namespace,
                quiet=True,
                missing_backoff=missing_backoff,
            )
        informer.start()

    def _forget(self) -> None:
        """The kind is gone, and all of them with it."""
        with self._lock:
            informer, self._sets = self._sets, None
        if informer is not None:
            informer.stop()
        self._store.replace_kind(APPLICATION_SETS.group_kind, {})

    def _changed(self, change: Change) -> None:
        """Tell of one ApplicationSet."""
        key = NamespacedName(change.key.namespace, change.key.name)
        event = ApplicationSetChanged(key=key, deleted=True) if change.new is None else _read(key, change.new)
        self._publish(event)


def _read(key: NamespacedName, stored: StoredObject) -> ApplicationSetChanged:
    """Read what is told; a status of another shape tells nothing."""
    try:
        status = _statuses.decode(stored.raw).status or _Status()
    except msgspec.MsgspecError:
        log.debug("ApplicationSet with an unreadable status", extra={"applicationset": str(key)})
        status = _Status()
    reasons = [condition.reason for condition in status.conditions or () if condition.type == UP_TO_DATE]
    return ApplicationSetChanged(
        key=key,
        update_status=(reasons[0] if reasons else "") or UNKNOWN,
        owned=len(status.resources or ()),
        labels=dict(stored.header.labels),
    )


def _established(stored: StoredObject) -> bool:
    try:
        status = _statuses.decode(stored.raw).status or _Status()
    except msgspec.MsgspecError:
        return False
    return any(c.type == "Established" and c.status == "True" for c in status.conditions or ())
