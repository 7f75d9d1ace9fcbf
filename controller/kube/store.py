"""The live objects of one cluster: raw bytes and a small header each, indexed by kind, tracking and owner.

Bytes stay encoded until somebody asks (`StoredObject.decode`): a decoded object takes five times the memory. No
network and no thread of its own; informers write, the loop reads, subscribers hear of changes outside the lock.
"""

from __future__ import annotations

import functools
import logging
import sys
import threading
import typing as t

import msgspec

from model.meta import JSON, GroupKind, ResourceKey

log = logging.getLogger(__name__)


class Header(msgspec.Struct, frozen=True, gc=False):
    """What is known of an object without decoding it."""

    key: ResourceKey
    uid: str
    resource_version: str
    """Opaque: compared for equality only, as the Kubernetes API asks."""
    generation: int
    owners: tuple[str, ...]
    """UIDs of metadata.ownerReferences."""
    tracking: str
    """The tracking-id annotation as it stands there; empty when absent."""
    labels: dict[str, str]
    deleting: bool
    created: str
    """metadata.creationTimestamp."""


class StoredObject(msgspec.Struct, frozen=True, gc=False):
    """One live object."""

    header: Header
    raw: bytes
    """JSON as the server sent it, completed with kind and apiVersion where a list leaves them out."""

    def decode(self) -> JSON:
        """Return a fresh decoded copy, which the caller may change."""
        return t.cast("JSON", msgspec.json.decode(self.raw))


class Change(msgspec.Struct, frozen=True):
    """What happened to one object since the last change that was told."""

    kind: t.Literal["ADDED", "MODIFIED", "DELETED"]
    old: StoredObject | None
    new: StoredObject | None

    @property
    def key(self) -> ResourceKey:
        """The object's key."""
        return (self.new or t.cast("StoredObject", self.old)).header.key


class _Annotations(msgspec.Struct, frozen=True):
    tracking: str = msgspec.field(name="argocd.argoproj.io/tracking-id", default="")


class _Owner(msgspec.Struct, frozen=True):
    uid: str = ""


class _Meta(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    labels: dict[str, str] | None = None
    annotations: _Annotations | None = None
    owner_references: list[_Owner] | None = None
    deletion_timestamp: str | None = None
    creation_timestamp: str | None = None


class _Partial(msgspec.Struct, frozen=True, rename="camel"):
    metadata: _Meta
    kind: str = ""
    api_version: str = ""


_partials = msgspec.json.Decoder(_Partial)


def read_stored(raw: bytes | memoryview, group: str, version: str, kind: str) -> StoredObject:
    """Make a stored object of one item of a list or watch.

    Raises:
        msgspec.MsgspecError: it has no metadata.name or is not an object.
    """
    partial = _partials.decode(raw)
    meta = partial.metadata
    data = bytes(raw)
    if not partial.kind:
        data = _identity(group, version, kind) + data[data.index(b"{") + 1 :]
    labels = meta.labels
    header = Header(
        ResourceKey(group, kind, _intern(meta.namespace), meta.name),
        meta.uid,
        meta.resource_version,
        meta.generation,
        tuple([owner.uid for owner in meta.owner_references]) if meta.owner_references else (),
        meta.annotations.tracking if meta.annotations else "",
        {name: _intern(value) for name, value in labels.items()} if labels else _NO_LABELS,
        meta.deletion_timestamp is not None,
        meta.creation_timestamp or "",
    )
    return StoredObject(header, data)


_intern = sys.intern
"""Label values and namespaces repeat: one copy of each instead of one per object."""
_NO_LABELS: dict[str, str] = {}


@functools.lru_cache(maxsize=256)
def _identity(group: str, version: str, kind: str) -> bytes:
    """Return the beginning of an object that says what it is."""
    api_version = f"{group}/{version}" if group else version
    return f'{{"kind":"{kind}","apiVersion":"{api_version}",'.encode()


Subscriber = t.Callable[[Change], None]
Tracker = t.Callable[[Header], str]
"""Names the instance that an object belongs to; empty: none."""


def tracked_by_annotation(header: Header) -> str:
    """Return the part of the tracking-id before the first colon."""
    return header.tracking.partition(":")[0]


class ObjectStore:
    """All objects that are watched in one cluster; thread-safe."""

    def __init__(self, tracker: Tracker = tracked_by_annotation) -> None:
        self._lock = threading.RLock()
        self._tracker = tracker
        self._kinds: dict[GroupKind, dict[ResourceKey, StoredObject]] = {}
        self._tracked: dict[str, dict[ResourceKey, None]] = {}
        self._owned: dict[str, dict[ResourceKey, None]] = {}
        self._subscribers: list[Subscriber] = []

    def get(self, key: ResourceKey) -> StoredObject | None:
        """Return the object of this key, or None."""
        with self._lock:
            return self._kinds.get(key.group_kind, {}).get(key)

    def of_kind(self, group: str, kind: str) -> list[StoredObject]:
        """Return all objects of one kind."""
        with self._lock:
            return list(self._kinds.get(GroupKind(group, kind), {}).values())

    def tracked_by(self, instance: str) -> list[StoredObject]:
        """Return the objects whose tracking names this instance."""
        return self._by_index(self._tracked, instance)

    def owned_by(self, uid: str) -> list[StoredObject]:
        """Return the objects that name this UID as an owner."""
        return self._by_index(self._owned, uid)

    def count(self) -> int:
        """Return the number of objects."""
        with self._lock:
            return sum(map(len, self._kinds.values()))

    def counts(self) -> dict[GroupKind, int]:
        """Return the number of objects of each kind."""
        with self._lock:
            return {key: len(objects) for key, objects in self._kinds.items() if objects}

    def subscribe(self, listener: Subscriber) -> None:
        """Call `listener` for each change, in the thread that brought it; it must be quick and must not raise."""
        with self._lock:
            self._subscribers = [*self._subscribers, listener]

    def set_tracker(self, tracker: Tracker) -> None:
        """Change how ownership is read (the tracking method was changed) and index again."""
        with self._lock:
            self._tracker = tracker
            self._tracked = {}
            for objects in self._kinds.values():
                for key, stored in objects.items():
                    if instance := tracker(stored.header):
                        self._tracked.setdefault(instance, {})[key] = None

    def apply(self, updates: t.Mapping[ResourceKey, StoredObject | None]) -> None:
        """Take a batch: an object replaces what is there, None removes; equal resourceVersions are no change."""
        with self._lock:
            kinds = self._kinds
            changes = [
                change
                for key, new in updates.items()
                if (change := self._put(kinds.setdefault(key.group_kind, {}), key, new))
            ]
        self._tell(changes)

    def replace_kind(
        self, group_kind: GroupKind, objects: t.Mapping[ResourceKey, StoredObject], namespace: str = ""
    ) -> None:
        """Make a complete list of one kind (in one namespace when given) the truth: what is missing is deleted."""
        with self._lock:
            known = self._kinds.setdefault(group_kind, {})
            gone = [key for key in known if key not in objects and namespace in ("", key.namespace)]
            updates: dict[ResourceKey, StoredObject | None] = {**dict.fromkeys(gone), **objects}
            changes = [change for key, new in updates.items() if (change := self._put(known, key, new))]
        self._tell(changes)

    def _by_index(self, index: dict[str, dict[ResourceKey, None]], name: str) -> list[StoredObject]:
        with self._lock:
            return [self._kinds[key.group_kind][key] for key in index.get(name, ())]

    def _put(
        self, objects: dict[ResourceKey, StoredObject], key: ResourceKey, new: StoredObject | None
    ) -> Change | None:
        old = objects.get(key)
        if old is not None and new is not None and _same(old, new):
            return None
        if old is not None:
            self._unindex(key, old.header)
        if new is None:
            objects.pop(key, None)
            return Change("DELETED", old, None) if old is not None else None
        objects[key] = new
        self._index(key, new.header)
        return Change("ADDED" if old is None else "MODIFIED", old, new)

    def _index(self, key: ResourceKey, header: Header) -> None:
        if instance := self._tracker(header):
            self._tracked.setdefault(instance, {})[key] = None
        for owner in header.owners:
            self._owned.setdefault(owner, {})[key] = None

    def _unindex(self, key: ResourceKey, header: Header) -> None:
        for index, names in ((self._tracked, (self._tracker(header),)), (self._owned, header.owners)):
            for name in names:
                if (keys := index.get(name)) is not None:
                    keys.pop(key, None)
                    if not keys:
                        del index[name]

    def _tell(self, changes: list[Change]) -> None:
        for change in changes:
            for listener in self._subscribers:
                try:
                    listener(change)
                except Exception:
                    log.exception("a subscriber of the object store failed", extra={"object": str(change.key)})


def _same(old: StoredObject, new: StoredObject) -> bool:
    same_version = old.header.resource_version == new.header.resource_version != ""
    return same_version and old.header.uid == new.header.uid
