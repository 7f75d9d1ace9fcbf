"""Applying and pruning one object: which request is sent, what it answered, in words that a person reads.

Requests are as few as can be: nothing for an object that is as it shall be, one create or one patch else. Called by
controller.sync.engine. Source of the words: kubectl apply.
"""

from __future__ import annotations

import contextlib
import typing as t

import msgspec

from controller.kube.client import APPLY, MERGE, KubeClient
from controller.kube.cluster import ClusterCache
from controller.kube.discovery import ApiResource
from controller.kube.store import StoredObject, read_stored
from controller.sync.options import Options
from controller.sync.plan import Task
from controller.sync.threeway import desired, patch_for, with_last_applied
from model.errors import AlreadyExists, Conflict, NotFound
from model.events import WriteMoved
from model.meta import JSON, ResourceKey, split_api_version

FIELD_MANAGER = "argocd-controller"
"""Argo CD's field manager, so that a cluster that moves between the two sees no change of owners."""
_COMMANDS: t.Final[dict[str, t.Literal["apply", "create", "replace"]]] = {
    "PATCH": "apply",
    "POST": "create",
    "PUT": "replace",
}
"""What kubectl calls each kind of write, for events."""
CONFLICT_LIMIT = 5
"""How often an object is read again when others write it at the same moment."""


class Applied(msgspec.Struct, frozen=True):
    """What became of one object."""

    message: str
    changed: bool
    """A request that changes the object was sent and went through."""


class Applier:
    """Applies and prunes objects of one operation in one cluster; thread-safe."""

    def __init__(self, cache: ClusterCache, options: Options, client: KubeClient | None = None) -> None:
        """Write with `client`, which may act as somebody else; None: with the cache's own."""
        self._cache, self._client, self._options = cache, client or cache.client, options

    def resource(self, task: Task) -> ApiResource:
        """Return how the server serves the kind of a task.

        Raises:
            NotFound: it does not serve it in that version.
        """
        key = task.key
        found = self._cache.discovery.find(key.group, key.kind, task.version if task.target is not None else "")
        if found is None:
            raise NotFound(f"the server has no kind {key.kind} in {_api_version(key.group, task.version)}")
        return found

    def dry_run(self, task: Task) -> None:
        """Let the server judge the task without storing anything; raises what a real write would raise."""
        if task.target is not None and self._needs_write(task):
            self._apply(task, dry_run=True)

    def apply(self, task: Task) -> Applied:
        """Make the object as the target says."""
        name = _spelt(task.key)
        if not self._needs_write(task):
            return Applied(f"{name} unchanged", changed=False)
        return self._apply(task, dry_run=False)

    def prune(self, task: Task) -> Applied:
        """Delete the very object that was found to have left the source; gone already is as good."""
        key, metadata = task.key, (task.live or {}).get("metadata") or {}
        if metadata.get("deletionTimestamp"):
            return Applied("pruned", changed=False)
        try:
            self._client.delete(
                self.resource(task),
                key.namespace,
                key.name,
                propagation=self._options.propagation,
                uid=metadata.get("uid", ""),
            )
        except NotFound:
            return Applied("pruned", changed=False)
        return Applied("pruned", changed=True)

    def server_side(self, task: Task) -> bool:
        """Say whether the object is applied by the server."""
        return self._options.has("ServerSideApply=true", task.target)

    def _needs_write(self, task: Task) -> bool:
        """Say whether applying would change anything: a difference, or another manifest than was applied last."""
        return task.modified or task.live is None or self._options.has("Replace=true", task.target)

    def _apply(self, task: Task, *, dry_run: bool) -> Applied:
        """Send what the options ask for; read the object again when others write it meanwhile."""
        resource, live = self.resource(task), task.live
        for attempt in range(CONFLICT_LIMIT):
            try:
                return self._send(task, resource, live, dry_run=dry_run)
            except (Conflict, AlreadyExists):
                if attempt == CONFLICT_LIMIT - 1:
                    raise
                live = self._read(resource, task.key)
            except NotFound:
                if live is None:
                    raise
                live = self._read(resource, task.key)
                if live is not None:
                    raise
        raise AssertionError("the last attempt returns or raises")

    def _send(self, task: Task, resource: ApiResource, live: JSON | None, *, dry_run: bool) -> Applied:
        """Send one request."""
        key, target = task.key, t.cast("JSON", task.target)
        name = _spelt(key)
        if self.server_side(task) and not self._options.has("Replace=true", target):
            path = resource.path(key.namespace, key.name)
            self._write("PATCH", path, resource, desired(target), APPLY, dry_run=dry_run, force=True)
            return Applied(f"{name} serverside-applied", changed=True)
        if live is None:
            path = resource.path(key.namespace)
            self._write("POST", path, resource, with_last_applied(target), dry_run=dry_run)
            return Applied(f"{name} created", changed=True)
        path = resource.path(key.namespace, key.name)
        if self._options.has("Replace=true", target):
            body = with_last_applied(target)
            version = live["metadata"].get("resourceVersion")
            body = {**body, "metadata": {**body["metadata"], "resourceVersion": version}}
            self._write("PUT", path, resource, body, dry_run=dry_run)
            return Applied(f"{name} replaced", changed=True)
        patch = patch_for(target, live, self._schema(target))
        if not patch:
            return Applied(f"{name} unchanged", changed=False)
        self._write("PATCH", path, resource, patch, MERGE, dry_run=dry_run)
        return Applied(f"{name} configured", changed=True)

    def _write(
        self,
        method: str,
        path: str,
        resource: ApiResource,
        body: JSON,
        content_type: str = "application/json",
        *,
        dry_run: bool,
        force: bool = False,
    ) -> None:
        """Send one write and take the answer into the store, so that the next comparison sees it at once."""
        strict = not self._options.has("Validate=false", body)
        query: dict[str, str | int | bool] = {"fieldManager": FIELD_MANAGER}
        query["fieldValidation"] = "Strict" if strict else "Ignore"
        if dry_run:
            query["dryRun"] = "All"
        if content_type == APPLY:
            query["force"] = force
        data = msgspec.json.encode(body)
        with self._told(_COMMANDS[method]):
            answer = self._client.request(
                method, path, query=query, body=data, content_type=content_type, kind=resource.kind
            )
        if not dry_run:
            stored = read_stored(answer, resource.group, resource.version, resource.kind)
            take(self._cache, stored)

    @contextlib.contextmanager
    def _told(self, command: t.Literal["apply", "create", "replace"]) -> t.Iterator[None]:
        """Tell the listeners that a write begins, and that it ended, however it did."""
        self._cache.publish(WriteMoved(command=command, ended=False))
        try:
            yield
        finally:
            self._cache.publish(WriteMoved(command=command, ended=True))

    def _read(self, resource: ApiResource, key: ResourceKey) -> JSON | None:
        try:
            found: JSON = msgspec.json.decode(self._cache.client.get(resource, key.namespace, key.name))
        except NotFound:
            return None
        return found

    def _schema(self, target: JSON) -> t.Any:
        """Return the type of a built-in kind; others know no strategic merge."""
        version, kind = str(target.get("apiVersion")), str(target.get("kind"))
        schemas = self._cache.schemas
        return schemas.of(version, kind) if schemas.is_built_in(version, kind) else None


def take(cache: ClusterCache, stored: StoredObject) -> None:
    """Put the answer to our own write into the store unless the watch brought something newer."""
    known = cache.store.get(stored.header.key)
    version = stored.header.resource_version
    if known is not None and known.header.uid == stored.header.uid:
        old = known.header.resource_version
        if old.isdigit() and version.isdigit() and int(old) >= int(version):
            return
    cache.store.apply({stored.header.key: stored})


def task_version(obj: JSON) -> str:
    """Return the version of a decoded object."""
    return split_api_version(str(obj.get("apiVersion") or ""))[1]


def _api_version(group: str, version: str) -> str:
    return f"{group}/{version}" if group else version


def _spelt(key: ResourceKey) -> str:
    """Name an object as kubectl does: deployment.apps/web."""
    kind = key.kind.lower()
    return f"{kind}.{key.group}/{key.name}" if key.group else f"{kind}/{key.name}"
