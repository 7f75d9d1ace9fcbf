"""CustomResourceDefinitions: each becomes served resources as soon as it is stored, and stops when it goes.

Listens to the store, under its lock, so that the request after the one that created a CRD can already use it. Accepts
the names, writes the Established and NamesAccepted conditions, and removes the objects of a CRD that is being deleted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sandbox import jsonpath
from sandbox.resources import READ_WRITE, Catalogue, GroupResource, Resource, Subresource
from sandbox.store import Change, Store

CRDS = GroupResource("apiextensions.k8s.io", "customresourcedefinitions")
CUSTOM_VERBS = ("delete", "deletecollection", "get", "list", "patch", "create", "update", "watch")
DYNAMIC = "kube-apiserver"


@dataclass(frozen=True)
class Column:
    """One printer column."""

    name: str
    type: str
    format: str
    description: str
    priority: int
    path: str

    def cell(self, obj: dict[str, Any]) -> Any:
        """Returns the value in an object, None when it is not there."""
        return jsonpath.cell(self.path, self.type, obj)


class CustomVersion:
    """One version of a CRD, compiled on first use.

    Args:
        spec: The CRD's spec.
        version: The entry in its versions.
    """

    def __init__(self, spec: dict[str, Any], version: dict[str, Any]) -> None:
        self.schema: dict[str, Any] = (version.get("schema") or {}).get("openAPIV3Schema") or {}
        self.preserve = bool(spec.get("preserveUnknownFields"))
        self.scale: dict[str, Any] | None = (version.get("subresources") or {}).get("scale")
        self.deprecation = _deprecation(spec, version)
        self.selectable = tuple(each["jsonPath"].lstrip(".") for each in version.get("selectableFields") or [])
        self._columns = version.get("additionalPrinterColumns") or []

    @cached_property
    def structural(self) -> Any:
        """Returns the compiled schema."""
        from sandbox.structural import Structural

        return Structural(self.schema)

    @cached_property
    def columns(self) -> list[Column] | None:
        """Returns the printer columns, None for the default ones."""
        return [_column(each) for each in self._columns] or None


def _column(raw: dict[str, Any]) -> Column:
    return Column(
        name=raw["name"],
        type=raw["type"],
        format=raw.get("format", ""),
        description=raw.get("description")
        or f"Custom resource definition column (in JSONPath format): {raw['jsonPath']}",
        priority=raw.get("priority", 0),
        path=raw["jsonPath"],
    )


def _deprecation(spec: dict[str, Any], version: dict[str, Any]) -> str:
    if not version.get("deprecated"):
        return ""
    text = f"{spec['group']}/{version['name']} {spec['names']['kind']} is deprecated"
    return str(version.get("deprecationWarning") or text)


def complete(crd: dict[str, Any]) -> None:
    """Fills in what a CRD leaves to its kind: singular and list names, and the conversion strategy."""
    spec = crd.get("spec") or {}
    names = spec.get("names")
    if isinstance(names, dict) and names.get("kind"):
        names.setdefault("singular", names["kind"].lower())
        names.setdefault("listKind", f"{names['kind']}List")
    spec.setdefault("conversion", {"strategy": "None"})


def validate(crd: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Returns what makes a CRD impossible to serve: (field, reason, message)."""
    spec, causes = crd.get("spec") or {}, []
    wanted = f"{(spec.get('names') or {}).get('plural', '')}.{spec.get('group', '')}"
    name = crd["metadata"].get("name", "")
    if name != wanted:
        text = f'Invalid value: "{name}": must be spec.names.plural+"."+spec.group'
        causes.append(("metadata.name", "FieldValueInvalid", text))
    versions = spec.get("versions") or []
    for index, version in enumerate(versions):
        if not (version.get("schema") or {}).get("openAPIV3Schema"):
            field = f"spec.versions[{index}].schema.openAPIV3Schema"
            causes.append((field, "FieldValueRequired", "Required value"))
    if sum(bool(each.get("storage")) for each in versions) != 1:
        text = "Invalid value: must have exactly one version marked as storage version"
        causes.append(("spec.versions", "FieldValueInvalid", text))
    return causes


def resources_of(crd: dict[str, Any]) -> list[Resource]:
    """Returns the served versions of a CRD, the preferred one first."""
    spec = crd["spec"]
    stored = next(each["name"] for each in spec["versions"] if each.get("storage"))
    versions = sorted(spec["versions"], key=lambda each: _priority(each["name"]))
    return [_resource(spec, each, f"{spec['group']}/{stored}") for each in versions if each.get("served")]


def _priority(version: str) -> tuple[Any, ...]:
    """Orders versions as Kubernetes does: v2, v1, v1beta2, v1beta1, v1alpha1, then others by name."""
    import re

    match = re.fullmatch(r"v(\d+)(?:(alpha|beta)(\d+))?", version)
    if match is None:
        return (1, version)
    stage = {None: 0, "beta": 1, "alpha": 2}[match.group(2)]
    return (0, stage, -int(match.group(1)), -int(match.group(3) or 0))


def _resource(spec: dict[str, Any], version: dict[str, Any], stored_as: str) -> Resource:
    names, subs = spec["names"], version.get("subresources") or {}
    found = {}
    if "status" in subs:
        found["status"] = Subresource("status", "", "", names["kind"], READ_WRITE)
    if "scale" in subs:
        found["scale"] = Subresource("scale", "autoscaling", "v1", "Scale", READ_WRITE)
    return Resource(
        group=spec["group"],
        version=version["name"],
        kind=names["kind"],
        plural=names["plural"],
        singular=names.get("singular") or names["kind"].lower(),
        namespaced=spec["scope"] == "Namespaced",
        verbs=CUSTOM_VERBS,
        short_names=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        subresources=found,
        stored_as=stored_as,
        custom=CustomVersion(spec, version),
        list_kind=names.get("listKind") or f"{names['kind']}List",
    )


class Registrar:
    """Keeps the catalogue in step with the stored CRDs.

    Args:
        store: Where the CRDs are.
        catalogue: What is served.
        delete_all: Deletes every object of a resource; finalizers may keep some for a while.
        write_status: Stores a CRD's new state, tracked as the API server's own write of status.
    """

    def __init__(
        self,
        store: Store,
        catalogue: Catalogue,
        *,
        now: Callable[[], str],
        delete_all: Callable[[Resource], None],
        write_status: Callable[[dict[str, Any]], None],
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._now = now
        self._delete_all = delete_all
        self._write_status = write_status
        store.subscribe(self._changed)

    def _changed(self, change: Change) -> None:
        if change.gr == CRDS:
            self._definition_changed(change)
        elif change.type == "DELETED":
            self._finish(change.gr)

    def _definition_changed(self, change: Change) -> None:
        obj = change.object
        name = obj["metadata"]["name"]
        if change.new is None:
            self._catalogue.set_custom(name, [])
            return
        if change.old is None or change.old["spec"] != change.new["spec"]:
            self._catalogue.set_custom(name, resources_of(obj))
        if obj["metadata"].get("deletionTimestamp"):
            self._clear(obj)
        elif not _settled(obj):
            self._write_status(self._accepted(obj))

    def _accepted(self, crd: dict[str, Any]) -> dict[str, Any]:
        status, names = dict(crd.get("status") or {}), crd["spec"]["names"]
        conditions = [
            each for each in status.get("conditions") or [] if each["type"] not in ("NamesAccepted", "Established")
        ]
        before = {each["type"]: each for each in status.get("conditions") or []}
        for kind, reason, message in (
            ("NamesAccepted", "NoConflicts", "no conflicts found"),
            ("Established", "InitialNamesAccepted", "the initial names have been accepted"),
        ):
            since = before.get(kind, {}).get("lastTransitionTime") or self._now()
            condition = {
                "type": kind,
                "status": "True",
                "lastTransitionTime": since,
                "reason": reason,
                "message": message,
            }
            conditions.append(condition)
        stored = list(status.get("storedVersions") or [])
        stored += [v["name"] for v in crd["spec"]["versions"] if v.get("storage") and v["name"] not in stored]
        status = {"conditions": conditions, "acceptedNames": names, "storedVersions": stored}
        return {**crd, "status": status}

    def _clear(self, crd: dict[str, Any]) -> None:
        for resource in resources_of(crd)[:1]:
            self._delete_all(resource)
            self._finish(resource.gr)

    def _finish(self, gr: GroupResource) -> None:
        """Removes a CRD that is being deleted once the last of its objects is gone."""
        if not gr.group:
            return
        name = f"{gr.resource}.{gr.group}"
        crd = self._store.get(CRDS, "", name)
        if crd is None or not crd["metadata"].get("deletionTimestamp") or self._store.list(gr)[0]:
            return
        others = [
            each for each in crd["metadata"].get("finalizers") or [] if not each.startswith("customresourcecleanup.")
        ]
        if others:
            meta = {**crd["metadata"], "finalizers": others}
            self._store.update(CRDS, {**crd, "metadata": meta}, expected_rv=None)
        else:
            self._store.remove(CRDS, "", name)


def _settled(crd: dict[str, Any]) -> bool:
    status = crd.get("status") or {}
    established = any(c["type"] == "Established" and c["status"] == "True" for c in status.get("conditions") or [])
    stored = set(status.get("storedVersions") or [])
    names = status.get("acceptedNames") == crd["spec"]["names"]
    return established and names and {v["name"] for v in crd["spec"]["versions"] if v.get("storage")} <= stored
