"""The rules of server-side apply: who owns which field after a write, what a conflict is, what an apply removes.

Source: the merge package of sigs.k8s.io/structured-merge-diff and the managers around it in k8s.io/apimachinery
(util/managedfields/internal). All managers are taken to write one shape of the object: versions of a kind differ so
little in the sandbox that their paths are compared as they are.
"""

from __future__ import annotations

import copy
from typing import Any

import orjson

from sandbox.managed import entries
from sandbox.managed.entries import Entry, Manager, Managers
from sandbox.managed.fields import FieldSet, Path, in_order, text, without_tree
from sandbox.managed.implied import with_implied
from sandbox.managed.merging import check, merge
from sandbox.managed.typed import Comparison, compare, remove, to_set, with_structs
from sandbox.schema import ANY, SchemaNode

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
BEFORE_FIRST_APPLY = "before-first-apply"
_META = ("name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName", "generation", "managedFields")
STRIPPED: FieldSet = frozenset(
    [("f:apiVersion",), ("f:kind",), ("f:metadata",), ("f:metadata", "f:resourceVersion")]
    + [("f:metadata", f"f:{name}") for name in _META]
)
"""Fields that belong to the system and to no manager."""


class ApplyConflict(Exception):  # noqa: N818 - the name that callers know
    """Other managers own fields that the applied configuration sets to something else. The text is the server's."""

    def __init__(self, found: dict[Manager, FieldSet]) -> None:
        self.owners = found
        """The fields in conflict, by owner."""
        self.conflicts = [
            (entries.described(key), text(path)) for key in sorted(found) for path in in_order(found[key])
        ]
        """Pairs of manager, as messages name it, and path, as the server prints it."""
        super().__init__(_message(self.conflicts))


def _message(conflicts: list[tuple[str, str]]) -> str:
    if len(conflicts) == 1:
        return f"Apply failed with 1 conflict: conflict with {conflicts[0][0]}: {conflicts[0][1]}"
    lines: list[str] = []
    for who in dict.fromkeys(name for name, _ in conflicts):
        lines.append(f"conflicts with {who}:")
        lines.extend(f"- {path}" for name, path in conflicts if name == who)
    return f"Apply failed with {len(conflicts)} conflicts: " + "\n".join(lines)


def apply(
    live: dict[str, Any] | None,
    applied: dict[str, Any],
    *,
    manager: str,
    force: bool,
    schema: SchemaNode | None,
    version: str,
    now: str,
    subresource: str = "",
    ignored: tuple[str, ...] | None = None,
) -> dict[str, Any]:
    """Server-side apply: the merged object with its managedFields; neither input is changed.

    Args:
        live: the stored object, None when the apply creates it.
        applied: the configuration as the client sent it.
        manager: the field manager's name.
        force: take over fields in conflict.
        schema: of the kind; None treats the whole object as free-form.
        version: the full apiVersion of the request, ``apps/v1``.
        now: RFC 3339 time in UTC for entries that change.
        subresource: for example ``status``; empty for the object itself.
        ignored: top-level fields that this endpoint does not write; None follows the usual split of spec and status.

    Raises:
        ApplyConflict: without ``force``, when other managers own fields that would change.
        TypedPatchError: the configuration does not fit the schema.
    """
    node = schema or ANY
    config = _without_managed_fields(applied)
    check(node, config)
    base = _without_managed_fields(live) if live else {"apiVersion": version, "kind": applied.get("kind", "")}
    skip = _ignored(node, subresource, ignored)
    managers = entries.read(live)
    if live and not managers:
        managers = _before_first_apply(node, base, version, now)
    key = entries.manager(manager, "Apply", version, subresource)
    turn = _Apply(node, base, config, skip, key, version)
    try:
        merged, managers = turn.run(managers, force=force)
    except ApplyConflict as conflict:
        left = _not_from_client_side(node, base, conflict) if manager == "kubectl" else conflict.owners
        if left:
            raise ApplyConflict(left) from None
        merged, managers = turn.run(entries.read(live) or managers, force=True)
    if live and merged == base and key in managers:
        return _finished(_synced(base, config, manager), _kept_times(managers, entries.read(live), key))
    managers[key] = managers[key]._replace(time=now) if key in managers else Entry(frozenset(), version, now)
    return _finished(_synced(merged, config, manager), managers)


class _Apply:
    """One apply: merge, prune what the manager no longer names, and settle ownership."""

    def __init__(self, node: SchemaNode, live: dict[str, Any], config: dict[str, Any], skip: FieldSet, key: Manager,
                 version: str) -> None:  # fmt: skip
        self.node, self.live, self.config, self.key, self.version = node, live, config, key, version
        self.skip = skip

    def run(self, managers: Managers, *, force: bool) -> tuple[dict[str, Any], Managers]:
        config = {name: value for name, value in self.config.items() if (f"f:{name}",) not in self.skip}
        merged = merge(self.node, self.live, copy.deepcopy(config))
        owned = without_tree(to_set(self.node, config), self.skip) - STRIPPED
        last = managers.get(self.key)
        held = {**managers, self.key: Entry(owned, self.version, last.time if last else "")}
        if last and last.fields:
            merged = self._prune(merged, held, last.fields)
        return merged, _settle(self.node, self.live, merged, held, self.key, force=force)[0]

    def _prune(self, merged: Any, managers: Managers, last: FieldSet) -> Any:
        """Remove what this manager applied before and does not now, unless somebody else owns it."""
        node = self.node
        ensured = with_structs(node, last)
        pruned = remove(node, merged, ensured)
        managed = with_structs(node, frozenset().union(*(entry.fields for entry in managers.values())))
        everything = with_structs(node, to_set(node, merged))
        kept = with_structs(node, to_set(node, pruned)) | managed
        pruned = remove(node, merged, everything - kept)
        gone = everything - with_structs(node, to_set(node, pruned))
        return remove(node, merged, gone & ensured)


def _settle(
    node: SchemaNode, old: Any, new: Any, managers: Managers, writer: Manager | None, *, force: bool
) -> tuple[Managers, Comparison]:
    """Take changed fields from their other owners, or raise; drop removed fields from everybody else."""
    change = compare(node, with_implied(node, old), with_implied(node, new))
    taken = change.modified | change.added
    found = {key: entry.fields & taken for key, entry in managers.items() if key != writer and entry.fields & taken}
    if found and not force:
        raise ApplyConflict(found)
    lost = taken | change.removed
    settled = {
        key: entry if key == writer else entry._replace(fields=entry.fields - lost) for key, entry in managers.items()
    }
    return {key: entry for key, entry in settled.items() if entry.fields}, change


def track_update(
    old: dict[str, Any] | None,
    new: dict[str, Any],
    *,
    manager: str,
    schema: SchemaNode | None,
    version: str,
    now: str,
    subresource: str = "",
    ignored: tuple[str, ...] | None = None,
) -> dict[str, Any]:
    """The written object with managedFields as after a create, update or patch; neither input is changed.

    Args:
        old: the stored object, None for a create.
        new: the object to store; managedFields that it carries are taken as the client's wish (one empty entry means
            forget all), otherwise the old object's count.
        manager: the field manager's name, or what stands before the first slash of the user agent.
        schema: of the kind; None treats the whole object as free-form.
        version: the full apiVersion of the request.
        now: RFC 3339 time in UTC for entries that change.
        subresource: for example ``status``; empty for the object itself.
        ignored: top-level fields that this endpoint does not write; None follows the usual split of spec and status.
    """
    node = schema or ANY
    wished = (new.get("metadata") or {}).get("managedFields")
    managers = entries.read(new) if wished else entries.read(old)
    after = _without_managed_fields(new)
    if old is not None and (not managers or (wished and entries.is_reset(new))):
        return _finished(after, {})
    before = _without_managed_fields(old) if old else {"apiVersion": version, "kind": new.get("kind", "")}
    managers, change = _settle(node, before, after, managers, None, force=True)
    skip = _ignored(node, subresource, ignored)
    taken = without_tree(frozenset(change.modified | change.added), skip) - STRIPPED
    if taken:
        key = entries.manager(manager, "Update", version, subresource)
        mine = managers[key].fields if key in managers else frozenset()
        managers[key] = Entry(mine | taken, version, now)
    return _finished(after, entries.cap(managers))


def _before_first_apply(node: SchemaNode, base: dict[str, Any], version: str, now: str) -> Managers:
    """Owners of an object that nobody tracked: one Update entry for all of it, so that an apply cannot drop it."""
    empty = {"apiVersion": version, "kind": base.get("kind", "")}
    fields = compare(node, with_implied(node, empty), with_implied(node, base))
    owned = frozenset(fields.added | fields.modified) - STRIPPED
    return {entries.manager(BEFORE_FIRST_APPLY, "Update", version, ""): Entry(owned, version, now)} if owned else {}


def _ignored(node: SchemaNode, subresource: str, ignored: tuple[str, ...] | None) -> FieldSet:
    if ignored is None:
        usual = ("status",) if not subresource else ("spec",) if subresource == "status" else ()
        ignored = usual if node.declared("status") is not None else ()
    return frozenset((f"f:{name}",) for name in ignored)


def _not_from_client_side(node: SchemaNode, live: dict[str, Any], conflict: ApplyConflict) -> dict[Manager, FieldSet]:
    """The conflicts that client-side apply did not cause: its last configuration still stands in the other fields."""
    noted = ((live.get("metadata") or {}).get("annotations") or {}).get(LAST_APPLIED)
    try:
        before = orjson.loads(noted) if noted else None
    except orjson.JSONDecodeError:
        before = None
    if not isinstance(before, dict):
        return conflict.owners
    change = compare(node, before, live)
    allowed = to_set(node, before) - change.modified - change.added - change.removed
    left = {key: fields - allowed for key, fields in conflict.owners.items()}
    return {key: fields for key, fields in left.items() if fields}


def _synced(obj: dict[str, Any], config: dict[str, Any], manager: str) -> dict[str, Any]:
    """Keep kubectl's client-side annotation in step when kubectl itself applies on the server."""
    annotations = (obj.get("metadata") or {}).get("annotations") or {}
    if manager != "kubectl" or not annotations.get(LAST_APPLIED):
        return obj
    noted = copy.deepcopy(config)
    noted.get("metadata", {}).get("annotations", {}).pop(LAST_APPLIED, None)
    written = orjson.dumps(noted, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE).decode()
    metadata = {**obj["metadata"], "annotations": {**annotations, LAST_APPLIED: written}}
    return {**obj, "metadata": metadata}


def _kept_times(managers: Managers, before: Managers, key: Manager) -> Managers:
    """An apply that changes nothing keeps its time; a manager that joins by such an apply gets none, as upstream."""
    last = before.get(key)
    return {**managers, key: managers[key]._replace(time=last.time if last else "")}


def _without_managed_fields(obj: dict[str, Any]) -> dict[str, Any]:
    metadata = {k: v for k, v in (obj.get("metadata") or {}).items() if k != "managedFields"}
    return {**obj, "metadata": metadata} if "metadata" in obj else dict(obj)


def _finished(obj: dict[str, Any], managers: Managers) -> dict[str, Any]:
    out = copy.deepcopy(obj)
    listed = entries.write(managers)
    if listed:
        out.setdefault("metadata", {})["managedFields"] = listed
    return out


def owned_paths(obj: dict[str, Any], manager: str) -> list[Path]:
    """All paths that a manager owns by any operation, sorted as the server walks them; for tests and messages."""
    found = [entry.fields for key, entry in entries.read(obj).items() if key.name == manager]
    return in_order(frozenset().union(*found))
