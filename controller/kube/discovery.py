"""Which kinds the API server knows: aggregated discovery, with the older one group at a time as fallback.

Refreshed on a miss and when somebody calls `invalidate` (a CRD event). A group whose API does not answer is *unknown*:
what was known of it stays, and asking for a kind of it raises instead of saying "there is no such kind".
"""

from __future__ import annotations

import threading
import typing as t
from urllib.parse import quote

import msgspec

from controller.clock import Clock
from controller.kube.client import KubeClient
from model.errors import ApiUnavailable, LynceusError
from model.meta import GroupKind

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
MISS_INTERVAL = 1.0
"""Seconds between two refreshes that misses cause, so that a kind that will never exist does not make a flood."""


class ApiResource(msgspec.Struct, frozen=True):
    """One kind in one version."""

    group: str
    """Empty for core."""
    version: str
    kind: str
    plural: str
    namespaced: bool
    verbs: frozenset[str] = frozenset()

    @property
    def api_version(self) -> str:
        """``apps/v1`` or ``v1``."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def group_kind(self) -> GroupKind:
        """Group and kind."""
        return GroupKind(self.group, self.kind)

    @property
    def watchable(self) -> bool:
        """True when objects can be listed and watched."""
        return {"list", "watch"} <= self.verbs

    def path(self, namespace: str, name: str = "") -> str:
        """Return the URL path of one object, or of the collection; every part is quoted."""
        root = f"/apis/{quote(self.group, safe='')}" if self.group else "/api"
        parts = [root, quote(self.version, safe="")]
        if namespace and self.namespaced:
            parts += ["namespaces", quote(namespace, safe="")]
        parts.append(quote(self.plural, safe=""))
        if name:
            parts.append(quote(name, safe=""))
        return "/".join(parts)


class _Kind(msgspec.Struct, frozen=True):
    group: str = ""
    version: str = ""
    kind: str = ""


class _AggregatedResource(msgspec.Struct, frozen=True, rename="camel"):
    resource: str
    scope: str
    verbs: list[str]
    response_kind: _Kind | None = None


class _Version(msgspec.Struct, frozen=True):
    version: str
    resources: list[_AggregatedResource] = []
    freshness: str = ""


class _Meta(msgspec.Struct, frozen=True):
    name: str = ""


class _Group(msgspec.Struct, frozen=True):
    metadata: _Meta = _Meta()
    versions: list[_Version] = []


class _Aggregated(msgspec.Struct, frozen=True):
    kind: str
    items: list[_Group] | None = None


class _Snapshot(msgspec.Struct, frozen=True):
    """All that was found, by group and kind, preferred version first."""

    kinds: dict[GroupKind, tuple[ApiResource, ...]] = {}
    unknown: frozenset[str] = frozenset()
    """Groups whose API did not answer."""


class Discovery:
    """The kinds of one API server; thread-safe, readers see one whole snapshot."""

    def __init__(self, client: KubeClient, clock: Clock) -> None:
        self._client, self._clock = client, clock
        self._lock = threading.Lock()
        self._snapshot = _Snapshot()
        self._read_at: float | None = None
        self._stale = True

    def find(self, group: str, kind: str, version: str = "") -> ApiResource | None:
        """Return the kind in its preferred version (or in `version`), None when the server has no such kind.

        Raises:
            ApiUnavailable: it cannot be known: the server or the API of this group does not answer.
        """
        found = self._look_up(group, kind, version)
        if found is None and self._may_refresh():
            self.refresh()
            found = self._look_up(group, kind, version)
        if found is None and self.group_unknown(group):
            raise ApiUnavailable(f"discovery: the API group {group} does not answer, so {kind} is unknown")
        return found

    def group_unknown(self, group: str) -> bool:
        """Return True when the last refresh could not read this group, or nothing was ever read."""
        return self._read_at is None or group in self._snapshot.unknown

    def all(self) -> list[ApiResource]:
        """Return every kind in its preferred version, sorted by group and kind."""
        kinds = self._snapshot.kinds
        return [kinds[key][0] for key in sorted(kinds)]

    def api_versions(self) -> tuple[str, ...]:
        """Return what Helm calls API versions: ``apps/v1`` and ``apps/v1/Deployment``, sorted."""
        versions: set[str] = set()
        for resources in self._snapshot.kinds.values():
            for resource in resources:
                versions.update((resource.api_version, f"{resource.api_version}/{resource.kind}"))
        return tuple(sorted(versions))

    def invalidate(self) -> None:
        """Say that kinds may have come or gone; the next miss reads again without waiting."""
        self._stale = True

    def refresh(self) -> None:
        """Read again; on failure what was known stays and the error is raised."""
        with self._lock:
            self._stale = False
            try:
                found = self._read()
            except LynceusError:
                self._stale = True
                raise
            self._snapshot = _keep_unknown(found, self._snapshot)
            self._read_at = self._clock.monotonic()

    def _look_up(self, group: str, kind: str, version: str) -> ApiResource | None:
        for resource in self._snapshot.kinds.get(GroupKind(group, kind), ()):
            if version in ("", resource.version):
                return resource
        return None

    def _may_refresh(self) -> bool:
        if self._stale or self._read_at is None:
            return True
        return self._clock.monotonic() - self._read_at >= MISS_INTERVAL

    def _read(self) -> _Snapshot:
        documents = []
        for path in ("/api", "/apis"):
            body = self._client.request("GET", path, accept=AGGREGATED)
            try:
                documents.append(msgspec.json.decode(body, type=_Aggregated))
            except msgspec.MsgspecError:
                return self._read_one_by_one()
            if documents[-1].kind != "APIGroupDiscoveryList" or documents[-1].items is None:
                return self._read_one_by_one()
        return _from_aggregated([group for document in documents for group in document.items or ()])

    def _read_one_by_one(self) -> _Snapshot:
        """Read the discovery that every server has: the groups, then each of their versions."""
        kinds: dict[GroupKind, list[ApiResource]] = {}
        unknown: set[str] = set()
        for group, version, path in self._group_versions():
            try:
                body = self._client.request("GET", path, kind="APIResourceList")
            except LynceusError:
                unknown.add(group)
                continue
            for resource in _plain_resources(group, version, body):
                kinds.setdefault(resource.group_kind, []).append(resource)
        return _Snapshot({key: tuple(value) for key, value in kinds.items()}, frozenset(unknown))

    def _group_versions(self) -> t.Iterator[tuple[str, str, str]]:
        for version in msgspec.json.decode(self._client.request("GET", "/api", kind="APIVersions"))["versions"]:
            yield "", version, f"/api/{version}"
        for group in msgspec.json.decode(self._client.request("GET", "/apis", kind="APIGroupList"))["groups"]:
            preferred = (group.get("preferredVersion") or {}).get("version")
            versions = [version["version"] for version in group["versions"]]
            for version in [v for v in versions if v == preferred] + [v for v in versions if v != preferred]:
                yield group["name"], version, f"/apis/{group['name']}/{version}"


def _plain_resources(group: str, version: str, body: bytes) -> t.Iterator[ApiResource]:
    for item in msgspec.json.decode(body).get("resources") or ():
        if "/" not in item["name"] and item.get("kind"):
            yield ApiResource(
                group, version, item["kind"], item["name"], bool(item.get("namespaced")), frozenset(item["verbs"])
            )


def _from_aggregated(groups: list[_Group]) -> _Snapshot:
    kinds: dict[GroupKind, list[ApiResource]] = {}
    unknown: set[str] = set()
    for group in groups:
        name = group.metadata.name
        for version in group.versions:
            if version.freshness == "Stale":
                unknown.add(name)
            for item in version.resources:
                if item.response_kind and item.response_kind.kind:
                    key = GroupKind(name, item.response_kind.kind)
                    kinds.setdefault(key, []).append(_resource(name, version.version, item, key.kind))
    return _Snapshot({key: tuple(value) for key, value in kinds.items()}, frozenset(unknown))


def _resource(group: str, version: str, item: _AggregatedResource, kind: str) -> ApiResource:
    return ApiResource(group, version, kind, item.resource, item.scope == "Namespaced", frozenset(item.verbs))


def _keep_unknown(found: _Snapshot, before: _Snapshot) -> _Snapshot:
    """Carry over what was known of the groups that did not answer."""
    kinds = dict(found.kinds)
    for key, resources in before.kinds.items():
        if key.group in found.unknown:
            kinds.setdefault(key, resources)
    return _Snapshot(kinds, found.unknown)
