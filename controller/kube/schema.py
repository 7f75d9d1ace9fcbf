"""What the API server publishes about the fields of its kinds: list types, merge keys, patch strategies, formats.

Read from /openapi/v3, one group-version at a time when somebody asks, and kept until the server publishes another
hash. Descriptions are not kept. Called by compare (how are these lists matched?) and by the writers of patches.
Source: Kubernetes' x-kubernetes-* extensions (list-type, list-map-keys, map-type, patch-strategy, patch-merge-key).
"""

from __future__ import annotations

import threading
import typing as t

import msgspec

from controller.clock import Clock
from controller.kube.client import KubeClient
from model.errors import ApiUnavailable, NotFound
from model.meta import split_api_version

MISS_INTERVAL = 1.0
"""Seconds between two looks at the index that misses cause."""
QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
BUILT_IN = ("io.k8s.api.", "io.k8s.apimachinery.", "io.k8s.apiextensions-apiserver.", "io.k8s.kube-aggregator.")
"""Names of schemas that belong to types compiled into the API server; all others are custom resources."""


def _x(name: str) -> t.Any:
    return msgspec.field(name=f"x-kubernetes-{name}", default="")


class Schema(msgspec.Struct, frozen=True, rename="camel"):
    """One schema as published; only what comparing and patching need."""

    type: str | list[str] = ""
    """A list of alternatives in JSON Schema's newer manner, which some aggregated servers publish."""
    format: str = ""
    properties: dict[str, Schema] | None = None
    items: Schema | None = None
    additional_properties: Schema | bool | None = None
    all_of: list[Schema] | None = None
    ref: str = msgspec.field(name="$ref", default="")
    default: t.Any = msgspec.UNSET
    list_type: str = _x("list-type")
    map_type: str = _x("map-type")
    merge_key: str = _x("patch-merge-key")
    strategy: str = _x("patch-strategy")
    map_keys: list[str] | None = msgspec.field(name="x-kubernetes-list-map-keys", default=None)
    preserve: bool = msgspec.field(name="x-kubernetes-preserve-unknown-fields", default=False)
    embedded: bool = msgspec.field(name="x-kubernetes-embedded-resource", default=False)
    kinds: list[dict[str, str]] | None = msgspec.field(name="x-kubernetes-group-version-kind", default=None)


class _Components(msgspec.Struct, frozen=True):
    schemas: dict[str, Schema] = {}


class _Document(msgspec.Struct, frozen=True):
    components: _Components = _Components()


class _Path(msgspec.Struct, frozen=True):
    url: str = msgspec.field(name="serverRelativeURL", default="")


class _Index(msgspec.Struct, frozen=True):
    paths: dict[str, _Path]


class Node:
    """The type of one place in an object, with references resolved; children are made when asked for."""

    __slots__ = ("_fields", "_items", "_own", "_schemas", "_type", "name")

    def __init__(self, own: Schema, schemas: dict[str, Schema]) -> None:
        self._own, self._schemas = own, schemas
        reference = own.ref or next((part.ref for part in own.all_of or () if part.ref), "")
        self.name = reference.rpartition("/")[2]
        """Name of the referenced schema, for example io.k8s.api.core.v1.Container; empty for an inline one."""
        self._type = schemas.get(self.name, own) if self.name else own
        self._fields: dict[str, Node | None] = {}
        self._items: Node | None = None

    @property
    def type(self) -> str:
        """object, array, string, integer, number, boolean, or empty when anything may stand here."""
        found = self._type.type
        return found if isinstance(found, str) else next((word for word in found if word != "null"), "")

    @property
    def format(self) -> str:
        """For example byte, date-time, int-or-string."""
        return self._type.format or self._own.format

    @property
    def is_quantity(self) -> bool:
        """True for amounts such as 500m or 1Gi, which the server writes in its own way."""
        return self.name == QUANTITY

    @property
    def default(self) -> t.Any:
        """The default that the server fills in, or msgspec.UNSET."""
        return self._own.default

    @property
    def list_type(self) -> str:
        """map, set or atomic; empty counts as atomic for server-side apply."""
        return self._own.list_type or self._type.list_type

    @property
    def map_keys(self) -> tuple[str, ...]:
        """The fields that tell the items of a list of type map apart."""
        return tuple(self._own.map_keys or self._type.map_keys or ())

    @property
    def map_type(self) -> str:
        """Atomic when server-side apply owns the object as a whole."""
        return self._own.map_type or self._type.map_type

    @property
    def merge_key(self) -> str:
        """The field by which a strategic merge patch matches the items of a list; empty: none."""
        return self._own.merge_key or self._type.merge_key

    @property
    def strategies(self) -> frozenset[str]:
        """Of a strategic merge patch: merge, retainKeys, replace."""
        return frozenset((self._own.strategy or self._type.strategy or "").split(",")) - {""}

    @property
    def open(self) -> bool:
        """True when fields without a schema are kept by the server."""
        kind = self._type
        if kind.preserve or self._own.preserve or kind.additional_properties is True:
            return True
        return not kind.properties and not isinstance(kind.additional_properties, Schema)

    @property
    def is_map(self) -> bool:
        """True for a mapping with free keys, such as labels."""
        return isinstance(self._type.additional_properties, Schema)

    def field(self, name: str) -> Node | None:
        """Return the type of a field, None when nothing is known of it."""
        if name not in self._fields:
            self._fields[name] = self._make_field(name)
        return self._fields[name]

    def items(self) -> Node | None:
        """Return the type of a list's items."""
        if self._items is None and self._type.items is not None:
            self._items = Node(self._type.items, self._schemas)
        return self._items

    def _make_field(self, name: str) -> Node | None:
        found = (self._type.properties or {}).get(name)
        if found is None and isinstance(self._type.additional_properties, Schema):
            found = self._type.additional_properties
        if found is None and (self._type.embedded or self._own.embedded):
            found = _EMBEDDED.get(name)
        return Node(found, self._schemas) if found is not None else None


_EMBEDDED = {
    "apiVersion": Schema(type="string"),
    "kind": Schema(type="string"),
    "metadata": Schema(type="object", preserve=True),
}


class _GroupVersion(t.NamedTuple):
    url: str
    roots: dict[str, Node]


class Schemas:
    """The schemas of one API server; thread-safe."""

    def __init__(self, client: KubeClient, clock: Clock) -> None:
        self._client, self._clock = client, clock
        self._lock = threading.Lock()
        self._index: dict[str, str] = {}
        self._index_read_at: float | None = None
        self._stale = True
        self._known: dict[str, _GroupVersion] = {}

    def of(self, api_version: str, kind: str) -> Node | None:
        """Return the type of a kind, None when the server publishes none.

        Raises:
            ApiUnavailable: the schemas cannot be read; nobody may compare without them.
        """
        known = self._known.get(api_version)
        if known is not None and not self._stale and kind in known.roots:
            return known.roots[kind]
        with self._lock:
            return self._read(api_version).get(kind)

    def is_built_in(self, api_version: str, kind: str) -> bool:
        """Return True for types compiled into the API server, which alone know strategic merge patches."""
        node = self.of(api_version, kind)
        return node is not None and node.name.startswith(BUILT_IN)

    def invalidate(self) -> None:
        """Say that kinds may have changed; the index of hashes is read again at the next question."""
        self._stale = True

    def _read(self, api_version: str) -> dict[str, Node]:
        group, _ = split_api_version(api_version)
        path = f"apis/{api_version}" if group else f"api/{api_version}"
        if self._stale or (path not in self._index and self._may_look_again()):
            self._read_index()
        url = self._index.get(path)
        if url is None:
            return {}
        known = self._known.get(api_version)
        if known is None or known.url != url:
            known = _GroupVersion(url, self._read_roots(url, api_version))
            self._known[api_version] = known
        return known.roots

    def _may_look_again(self) -> bool:
        return self._index_read_at is None or self._clock.monotonic() - self._index_read_at >= MISS_INTERVAL

    def _read_index(self) -> None:
        index = self._decode(self._client.request("GET", "/openapi/v3"), _Index, "/openapi/v3")
        self._index = {path: entry.url for path, entry in index.paths.items()}
        self._index_read_at, self._stale = self._clock.monotonic(), False

    def _read_roots(self, url: str, api_version: str) -> dict[str, Node]:
        path, _, query = url.partition("?")
        parameters = dict(part.split("=", 1) for part in query.split("&") if "=" in part)
        try:
            body = self._client.request("GET", path, query=parameters, timeout=60.0)
        except NotFound:
            self._stale = True
            return {}
        schemas = self._decode(body, _Document, path).components.schemas
        group, version = split_api_version(api_version)
        roots: dict[str, Node] = {}
        for name, schema in schemas.items():
            for kind in schema.kinds or ():
                if kind.get("group", "") == group and kind.get("version") == version:
                    roots[kind.get("kind", "")] = Node(Schema(ref=f"#/components/schemas/{name}"), schemas)
        return roots

    def _decode(self, body: bytes, kind: type[_T], path: str) -> _T:
        try:
            return msgspec.json.decode(body, type=kind)
        except msgspec.MsgspecError as failure:
            raise ApiUnavailable(f"get {path}: not an OpenAPI document: {failure}") from None


_T = t.TypeVar("_T")
