"""Deletes: preconditions, grace periods, finalizers and propagation, as k8s.io/apiserver's generic registry does them.

Collecting what a deleted object owned is the garbage collector's work (`sandbox.simulate`); here it is marked.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sandbox import admission, conversion, errors
from sandbox.crds import CRDS
from sandbox.decoding import Write
from sandbox.kinds import ORPHANS_BY_DEFAULT, RETURNS_DELETED
from sandbox.resources import GroupResource
from sandbox.store import Store

PODS = GroupResource("", "pods")
ORPHAN, FOREGROUND = "orphan", "foregroundDeletion"
CRD_CLEANUP = "customresourcecleanup.apiextensions.k8s.io"
_POLICIES = ("Foreground", "Background", "Orphan")


@dataclass(frozen=True)
class DeleteOptions:
    """How to delete."""

    grace_seconds: int | None = None
    """Seconds that a pod may take to end; None for the pod's own."""
    propagation: str = ""
    """Foreground, Background, Orphan, or "" for the kind's default."""
    uid: str = ""
    """Delete only the object with this uid."""
    resource_version: str = ""
    """Delete only this revision."""

    def check(self) -> None:
        """Raises 422 for an unknown propagation policy."""
        if self.propagation and self.propagation not in _POLICIES:
            supported = '"Foreground", "Background", "Orphan", "nil"'
            text = f'Unsupported value: "{self.propagation}": supported values: {supported}'
            cause = ("propagationPolicy", "FieldValueNotSupported", text)
            raise errors.invalid("meta.k8s.io", "DeleteOptions", "", [cause])


def delete(store: Store, write: Write, options: DeleteOptions, now: str) -> tuple[dict[str, Any], bool]:
    """Deletes an object, or marks it so that others can finish.

    Args:
        store: Where it is.
        write: Which one.
        options: How.
        now: The present time as RFC 3339 text.

    Returns:
        The object's last or marked state in the version of the request, and whether it is gone.

    Raises:
        StatusError: It is not there, or a precondition does not hold.
    """
    options.check()
    with store.lock:
        live = store.get(write.storage, write.namespace, write.name)
        if live is None:
            raise errors.not_found(write.resource.group, write.resource.plural, write.name)
        _check_preconditions(write, options, live)
        marked = _marked(write, options, live, now)
        gone = marked is None
        if not write.dry_run:
            _carry_out(store, write, live, marked)
            live = (marked and (store.get(write.storage, write.namespace, write.name) or marked)) or live
        elif marked is not None:
            live = marked
        if gone and write.storage == PODS:
            live = _ended(live, now)
        return conversion.from_storage(write.resource, live), gone


def answer(write: Write, obj: dict[str, Any], *, gone: bool) -> dict[str, Any]:
    """Returns the body of the response to a delete: the object while it waits, a Status when it is gone."""
    resource = write.resource
    if not gone or (resource.custom is None and resource.plural in RETURNS_DELETED):
        return obj
    details = errors.object_details(resource.group, resource.plural, obj["metadata"]["name"])
    details["uid"] = obj["metadata"]["uid"]
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}


def _carry_out(store: Store, write: Write, live: dict[str, Any], marked: dict[str, Any] | None) -> None:
    if marked is None:
        store.remove(write.storage, write.namespace, write.name)
    elif marked is not live:
        store.update(write.storage, marked, expected_rv=None)


def _check_preconditions(write: Write, options: DeleteOptions, live: dict[str, Any]) -> None:
    meta = live["metadata"]
    why = ""
    if options.uid and options.uid != meta["uid"]:
        why = (
            f"the UID in the precondition ({options.uid}) does not match the UID in record ({meta['uid']}). "
            "The object might have been deleted and then recreated"
        )
    elif options.resource_version and options.resource_version != meta["resourceVersion"]:
        why = (
            f"the ResourceVersion in the precondition ({options.resource_version}) does not match the ResourceVersion "
            f"in record ({meta['resourceVersion']}). The object might have been modified"
        )
    if why:
        raise errors.conflict(write.resource.group, write.resource.kind, write.name, why)


def _marked(write: Write, options: DeleteOptions, live: dict[str, Any], now: str) -> dict[str, Any] | None:
    """Returns the state that a delete leaves behind: None for nothing, `live` itself when nothing changes."""
    if write.storage == admission.NAMESPACES:
        return _terminating_namespace(live, now)
    finalizers = list(_finalizers(write, options, live["metadata"].get("finalizers") or []))
    grace = _grace(options, live) if write.storage == PODS else 0
    if not finalizers and not grace:
        return None
    meta = live["metadata"]
    if meta.get("deletionTimestamp"):
        return _shortened(live, finalizers, grace, now)
    marked = {**meta, "deletionTimestamp": _later(now, grace), "deletionGracePeriodSeconds": grace}
    if finalizers:
        marked["finalizers"] = finalizers
    if "generation" in marked and write.storage != CRDS:
        marked["generation"] += 1
    obj = {**live, "metadata": marked}
    return _terminating_definition(obj, now) if write.storage == CRDS else obj


def _terminating_namespace(live: dict[str, Any], now: str) -> dict[str, Any] | None:
    meta = live["metadata"]
    if meta.get("deletionTimestamp"):
        waits = meta.get("finalizers") or (live.get("spec") or {}).get("finalizers")
        return live if waits else None
    marked = {**meta, "deletionTimestamp": now}
    return {**live, "metadata": marked, "status": {**live.get("status", {}), "phase": "Terminating"}}


def _terminating_definition(obj: dict[str, Any], now: str) -> dict[str, Any]:
    status = obj.get("status") or {}
    condition = {
        "type": "Terminating",
        "status": "True",
        "lastTransitionTime": now,
        "reason": "InstanceDeletionPending",
        "message": "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
    }
    meta = {name: value for name, value in obj["metadata"].items() if name != "deletionGracePeriodSeconds"}
    conditions = [*(status.get("conditions") or []), condition]
    return {**obj, "metadata": meta, "status": {**status, "conditions": conditions}}


def _finalizers(write: Write, options: DeleteOptions, present: Iterable[str]) -> Iterable[str]:
    kept = list(present)
    policy = options.propagation
    if not policy and not {ORPHAN, FOREGROUND} & set(kept) and _orphans(write):
        policy = "Orphan"
    if policy:
        kept = [name for name in kept if name not in (ORPHAN, FOREGROUND)]
    kept += {"Orphan": [ORPHAN], "Foreground": [FOREGROUND]}.get(policy, [])
    if write.storage == CRDS and CRD_CLEANUP not in kept:
        kept.append(CRD_CLEANUP)
    return kept


def _orphans(write: Write) -> bool:
    return write.resource.custom is None and write.resource.plural in ORPHANS_BY_DEFAULT


def _grace(options: DeleteOptions, pod: dict[str, Any]) -> int:
    spec = pod.get("spec") or {}
    phase = (pod.get("status") or {}).get("phase")
    if not spec.get("nodeName") or phase in ("Succeeded", "Failed"):
        return 0
    given = options.grace_seconds
    return int(spec.get("terminationGracePeriodSeconds", 30) if given is None else given)


def _shortened(live: dict[str, Any], finalizers: list[str], grace: int, now: str) -> dict[str, Any]:
    """Returns an object that is being deleted already, with less grace or other finalizers when these are asked for."""
    meta = dict(live["metadata"])
    if grace < meta.get("deletionGracePeriodSeconds", 0):
        meta["deletionGracePeriodSeconds"], meta["deletionTimestamp"] = grace, _later(now, grace)
    if finalizers:
        meta["finalizers"] = finalizers
    return live if meta == live["metadata"] else {**live, "metadata": meta}


def _ended(pod: dict[str, Any], now: str) -> dict[str, Any]:
    meta = {**pod["metadata"]}
    if not meta.get("deletionTimestamp"):
        meta["generation"] = meta.get("generation", 0) + 1
    return {**pod, "metadata": {**meta, "deletionTimestamp": now, "deletionGracePeriodSeconds": 0}}


def _later(now: str, seconds: int) -> str:
    moment = dt.datetime.fromisoformat(now.replace("Z", "+00:00")) + dt.timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
